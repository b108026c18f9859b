import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { encodeDeployData, keccak256, parseEther, toHex } from "viem";
import { artefact } from "../../../world/lib/chain.js";
import { bytes32, kAdmin, kFar, kTreasurer, makeWorld, named, refuses } from "./fixture.mjs";

let w;
let clean;
before(async () => {
  w = await makeWorld();
  clean = await w.client.snapshot();
});
beforeEach(async () => {
  await w.client.revert({ id: clean });
  clean = await w.client.snapshot();
});
after(() => w.stop());

const balance = (account) => w.token.read("balanceOf", account);

describe("StreamToken fee", () => {
  it("is the parameter's share of a payment and goes to the reserve", async () => {
    const [from, to] = w.users;
    const reserve = await balance(w.ecosystem.address);
    const events = await w.token.send(from, "transfer", to, 10_000n);
    assert.deepEqual(named(events, "Payment"), [{ from, to, amount: 10_000n, fee: 100n }]);
    assert.equal(await balance(to), parseEther("10000") + 9_900n);
    assert.equal((await balance(w.ecosystem.address)) - reserve, 100n);
  });

  it("follows an adjustment of the parameter", async () => {
    await w.ecosystem.send(w.controller, "adjust", bytes32("transaction_fee"), 200n, 1n, 1n, kFar);
    const events = await w.token.send(w.users[0], "transfer", w.users[1], 10_000n);
    assert.equal(named(events, "Payment")[0].fee, 200n);
  });

  it("rounds down, so a payment too small for a fee is free", async () => {
    const events = await w.token.send(w.users[0], "transfer", w.users[1], 99n);
    assert.equal(named(events, "Payment")[0].fee, 0n);
  });

  it("is not due for what users pay to the reserve, and that is no Payment", async () => {
    const reserve = await balance(w.ecosystem.address);
    const events = await w.token.send(w.users[0], "transfer", w.ecosystem.address, 10_000n);
    assert.equal((await balance(w.ecosystem.address)) - reserve, 10_000n);
    assert.equal(named(events, "Payment").length, 0);
  });

  it("never exceeds five percent, whatever the policy says", async () => {
    // A policy that answers 10,000, all of the amount: PUSH2 2710 PUSH0 MSTORE PUSH1 20 PUSH0 RETURN.
    const policy = "0x00000000000000000000000000000000000fee00";
    await w.client.setCode({ address: policy, bytecode: "0x6127105f5260205ff3" });
    await w.token.send(kAdmin, "setFeePolicy", policy);
    const events = await w.token.send(w.users[0], "transfer", w.users[1], 10_000n);
    assert.equal(named(events, "Payment")[0].fee, 500n);
  });
});

describe("StreamToken supply", () => {
  it("grows and shrinks in the reserve only, and says what circulates", async () => {
    const circulating = await w.token.read("circulating");
    const supply = await w.token.read("totalSupply");
    const minted = await w.token.send(kTreasurer, "mint", 1_000n);
    assert.deepEqual(named(minted, "SupplyChanged"), [{ totalSupply: supply + 1_000n, circulating }]);
    const burned = await w.token.send(kTreasurer, "burn", 400n);
    assert.deepEqual(named(burned, "SupplyChanged"), [{ totalSupply: supply + 600n, circulating }]);
    assert.equal(await w.token.read("circulating"), circulating);
  });

  it("moves in one epoch by at most the cap in each direction, and again in the next", async () => {
    // Not near the end of an epoch, so that the three transactions fall into one.
    await w.client.setNextBlockTimestamp({ timestamp: ((await w.now()) / 600n + 1n) * 600n });
    await w.client.mine({ blocks: 1 });
    const cap = (await w.token.read("totalSupply")) / 20n;
    const epochEndsAt = ((await w.now()) / 600n + 1n) * 600n;
    await w.token.send(kTreasurer, "mint", cap);
    await refuses(w.token.send(kTreasurer, "mint", 1n), "SupplyCapExceeded", 1n, 0n, epochEndsAt);
    await w.token.send(kTreasurer, "burn", cap);
    await refuses(w.token.send(kTreasurer, "burn", 1n), "SupplyCapExceeded", 1n, 0n, epochEndsAt);
    await w.pass(600);
    await w.token.send(kTreasurer, "mint", 1n);
  });

  it("is moved by the supply role alone", async () => {
    for (const name of ["mint", "burn"]) {
      const refused = w.token.send(kAdmin, name, 1n);
      await refuses(refused, "AccessControlUnauthorizedAccount", kAdmin, keccak256(toHex("SUPPLY_ROLE")));
    }
  });

  it("reports what circulates when rewards leave the reserve", async () => {
    const before = await w.token.read("circulating");
    const [report] = named(await w.ecosystem.send(w.users[0], "upload", 900n), "SupplyChanged");
    assert.equal(report.circulating, before + 10n ** 19n);
  });
});

describe("StreamToken binding", () => {
  it("fixes the reserve for good", async () => {
    const again = w.token.send(kAdmin, "bind", kTreasurer, w.ecosystem.address);
    await refuses(again, "ReserveAlreadySet", w.ecosystem.address);
  });

  it("makes no payment and no supply before there is a reserve", async () => {
    const { abi, bytecode } = artefact("StreamToken");
    const data = encodeDeployData({ abi, bytecode, args: [kAdmin, 1_000_000n, 600n, 500] });
    const hash = await w.client.sendTransaction({ account: kAdmin, data });
    const { contractAddress: address } = await w.client.waitForTransactionReceipt({ hash });
    const send = async (functionName, ...args) => {
      const { request } = await w.client.simulateContract({ address, abi, functionName, args, account: kAdmin });
      return w.client.waitForTransactionReceipt({ hash: await w.client.writeContract(request) });
    };
    assert.equal((await send("transfer", w.users[0], 1_000n)).logs.length, 1);
    await send("grantRole", keccak256(toHex("SUPPLY_ROLE")), kAdmin);
    await refuses(send("mint", 1n), "ReserveNotSet");
  });
});
