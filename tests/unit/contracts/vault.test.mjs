// The token economy's vault and the bonding reserve: an action is a running total, moved up to and never twice.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { createTestClient, http, keccak256, toHex } from "viem";
import { foundry } from "viem/chains";
import { buildContracts } from "../../../contracts/build.mjs";
import { deployBonding, deployTokenomics, kController, kRecipients, kUnit } from "../../system/lib/economy.mjs";
import { startAnvil } from "../../../world/lib/anvil.js";
import { bytes32, kAdmin, kFar, kGuardian, refuses } from "./fixture.mjs";

const kInflation = { name: bytes32("inflation"), decimals: 6, value: 50_000n, min: 20_000n, max: 80_000n, maxChange: 5_000n, cooldown: 0 };
const weight = (name, value) => ({ name: bytes32(name), decimals: 4, value, min: 1_000n, max: 7_000n, maxChange: 500n, cooldown: 0 });

let node;
let w;
let b;
let snapshots;
let clean;
before(async () => {
  buildContracts();
  node = await startAnvil({ port: 0, blockTime: 0 });
  w = await deployTokenomics(node.url, [kInflation]);
  b = await deployBonding(node.url, [weight("weight_stable", 4_000n), weight("weight_major", 3_500n), weight("weight_long", 2_500n)]);
  snapshots = createTestClient({ chain: foundry, mode: "anvil", transport: http(node.url) });
  clean = await snapshots.snapshot();
});
beforeEach(async () => {
  await snapshots.revert({ id: clean });
  clean = await snapshots.snapshot();
});
after(() => node?.stop());

const order = (id = 1n, epoch = 1n, deadline = kFar) => [id, epoch, deadline];
const asController = (functionName, ...args) => w.vault.send(kController, functionName, ...args);
const held = (asset, account) => asset.read("balanceOf", account);
const [stakers, treasury] = [kRecipients.stakers, kRecipients.treasury];

describe("EconomyVault", () => {
  it("distributes to each recipient exactly what the order says, once however often it is sent", async () => {
    await w.vault.send(kAdmin, "depositRevenue", 100n);
    const args = [bytes32("distributed"), 100n, [stakers, treasury], [67n, 33n], ...order()];
    await asController("distributeUpTo", ...args);
    await asController("distributeUpTo", ...args);
    assert.deepEqual([await held(w.token, stakers), await held(w.token, treasury)], [67n, 33n]);
    assert.equal(await w.total("distributed"), 100n);
    assert.equal(await w.vault.read("revenue"), 0n);
    assert.equal((await w.moved("distributed")).length, 1);
  });

  it("refuses a distribution that does not sum to what is missing, or that there is not enough for, and changes nothing", async () => {
    const name = bytes32("distributed");
    await w.vault.send(kAdmin, "depositRevenue", 100n);
    await refuses(asController("distributeUpTo", name, 100n, [stakers], [99n], ...order()), "TransfersDoNotSum", name, 99n, 100n);
    await refuses(asController("distributeUpTo", name, 101n, [stakers], [101n], ...order()), "NotEnough", name, 101n, 100n);
    await refuses(asController("distributeUpTo", name, 100n, [stakers], [50n, 50n], ...order()), "LengthsDiffer");
    const large = 1_000_000n * kUnit + 1n;
    await refuses(asController("distributeUpTo", name, large, [stakers], [large], ...order()), "MoveTooLarge", name, large, large - 1n);
    assert.deepEqual([await held(w.token, stakers), await w.total("distributed")], [0n, 0n]);
  });

  it("mints the difference to its total, nothing for a total that is reached, and never above its lifetime maximum", async () => {
    const name = bytes32("issued");
    const supply = await w.token.read("totalSupply");
    await asController("mintUpTo", name, 30n, ...order());
    await asController("mintUpTo", name, 30n, ...order());
    await asController("mintUpTo", name, 20n, ...order(2n));
    await asController("mintUpTo", name, 50n, ...order(3n));
    assert.equal(await held(w.token, kRecipients.staking_rewards), 50n);
    assert.equal((await w.token.read("totalSupply")) - supply, 50n);
    const max = 50_000_000n * kUnit;
    await refuses(asController("mintUpTo", name, max + 1n, ...order(4n)), "AboveMaximum", name, max + 1n, max);
  });

  it("moves what one transaction may, and the rest when it is asked again", async () => {
    const most = 1_000_000n * kUnit;
    await asController("mintUpTo", bytes32("issued"), most + 5n, ...order());
    assert.equal(await w.total("issued"), most);
    await asController("mintUpTo", bytes32("issued"), most + 5n, ...order());
    assert.equal(await w.total("issued"), most + 5n);
    assert.deepEqual((await w.moved("issued")).map(({ args }) => [args.from, args.total, args.asked]), [
      [0n, most, most + 5n],
      [most, most + 5n, most + 5n],
    ]);
  });

  it("burns what there is when that is less, and goes on from there", async () => {
    await w.vault.send(kAdmin, "depositBurnable", 40n);
    const supply = await w.token.read("totalSupply");
    await asController("burnUpTo", bytes32("burned"), 100n, ...order());
    assert.equal(await w.total("burned"), 40n);
    await w.vault.send(kAdmin, "depositBurnable", 100n);
    await asController("burnUpTo", bytes32("burned"), 100n, ...order());
    assert.equal(await w.total("burned"), 100n);
    assert.equal(supply - (await w.token.read("totalSupply")), 100n);
    assert.equal(await w.vault.read("burnable"), 40n);
  });

  it("buys back from the pool for the treasury, at least for the price that it was told", async () => {
    const name = bytes32("bought_back");
    const spent = 1_000n * kUnit;
    const out = await w.pool.read("outOf", spent, await w.pool.read("quoteReserve"), await w.pool.read("tokenReserve"));
    await refuses(asController("buyBackUpTo", name, spent, out + 1n, ...order()), "TooLittleOut", out, out + 1n);
    const product = (await w.pool.read("quoteReserve")) * (await w.pool.read("tokenReserve"));
    await asController("buyBackUpTo", name, spent, out, ...order());
    await asController("buyBackUpTo", name, spent, out, ...order());
    assert.equal(await held(w.token, treasury), out);
    assert.equal(await w.vault.read("stabilityPool"), 999_000n * kUnit);
    assert.ok((await w.pool.read("quoteReserve")) * (await w.pool.read("tokenReserve")) >= product, "the product never falls");
  });

  it("acts for its controller alone, not while paused, not for an older leader, not after the deadline, and each action as its kind", async () => {
    const mint = (...of) => asController("mintUpTo", bytes32("issued"), 10n, ...of);
    await refuses(w.vault.send(kGuardian, "mintUpTo", bytes32("issued"), 10n, ...order()), "AccessControlUnauthorizedAccount");
    await refuses(mint(...order(1n, 1n, 1n)), "Expired");
    await refuses(asController("burnUpTo", bytes32("issued"), 10n, ...order()), "UnknownAction", bytes32("issued"), 3);
    await refuses(asController("mintUpTo", bytes32("isued"), 10n, ...order()), "UnknownAction", bytes32("isued"), 2);
    await mint(...order(1n, 3n));
    await refuses(mint(...order(2n, 2n)), "StaleEpoch", 2n, 3n);
    await w.vault.send(kAdmin, "grantRole", keccak256(toHex("GUARDIAN_ROLE")), kGuardian);
    await w.vault.send(kGuardian, "pause");
    await refuses(mint(...order(2n, 3n)), "EnforcedPause");
    assert.equal(await w.total("issued"), 10n);
  });

  it("tells everyone the inflation in force", async () => {
    await asController("adjust", bytes32("inflation"), 52_000n, ...order());
    assert.deepEqual((await w.vault.events("Inflation")).map(({ args }) => args.ratePerYear), [50_000n, 52_000n]);
  });

  it("lets governance define an action once, and whole", async () => {
    const define = (...args) => w.vault.send(kAdmin, "defineAction", ...args);
    await refuses(define(bytes32("issued"), 2, 1n, 1n, kAdmin), "ActionExists");
    await refuses(define(bytes32("other"), 2, 1n, 1n, `0x${"0".repeat(40)}`), "InvalidAction");
    await refuses(define(bytes32("other"), 3, 0n, 1n, kAdmin), "InvalidAction");
    await refuses(w.vault.send(kController, "defineAction", bytes32("other"), 3, 1n, 1n, kAdmin), "AccessControlUnauthorizedAccount");
  });
});

describe("ParameterGuard.adjustAll", () => {
  const names = ["weight_stable", "weight_major"].map(bytes32);
  const adjustAll = (values, ids = [1n, 2n]) => b.reserve.send(kController, "adjustAll", names, values, ids, 1n, kFar);

  it("stores all members of a bundle", async () => {
    await adjustAll([4_200n, 3_300n]);
    assert.deepEqual([await b.value("weight_stable"), await b.value("weight_major")], [4_200n, 3_300n]);
  });

  it("stores none when it must refuse one", async () => {
    await refuses(adjustAll([4_200n, 2_900n]), "ChangeTooLarge", names[1], 600n, 500n);
    await refuses(adjustAll([4_200n]), "LengthsDiffer");
    assert.deepEqual([await b.value("weight_stable"), await b.value("weight_major")], [4_000n, 3_500n]);
  });
});

describe("BondingReserve", () => {
  it("pays its backing, at most par, rounded down, and no one more than they hold", async () => {
    await b.reserve.send(kAdmin, "redeem", 0n, 1_000n);
    assert.equal(await b.reserve.read("vaults", 0n), 400_000n * kUnit - 1_000n);
    await b.reserve.send(kAdmin, "revalue", 1n, 0n); // 650,000 - 0.001 for 1,000,000 - 0.001
    await b.reserve.send(kAdmin, "redeem", 0n, 1_001n);
    const [last] = (await b.reserve.events("Redeemed")).slice(-1);
    assert.equal(last.args.paid, 650n);
    await refuses(b.reserve.send(kGuardian, "redeem", 0n, 1n), "NotEnough", 1n, 0n);
    await refuses(b.reserve.send(kAdmin, "deposit", 3n, 1n), "NoSuchVault", 3n);
    await refuses(b.reserve.send(kGuardian, "revalue", 0n, 1n), "AccessControlUnauthorizedAccount");
  });
});
