// The whole world as ./run starts it, without a daemon.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createPublicClient, http, parseEventLogs } from "viem";
import { buildContracts } from "../../../contracts/build.mjs";
import { artefact } from "../../../world/lib/chain.js";

const program = fileURLToPath(new URL("../../../world/start.mjs", import.meta.url));
const kWaitMs = 60_000;

/// Resolves when the program's output holds `text`; rejects when it ends first or takes too long.
function printed(child, text) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no "${text}" within ${kWaitMs} ms:\n${child.output}`)), kWaitMs);
    const look = () => {
      if (!child.output.includes(text)) return;
      clearTimeout(timer);
      resolve();
    };
    for (const stream of [child.stdout, child.stderr]) stream.on("data", look);
    child.once("exit", (code) => reject(new Error(`ended with ${code}:\n${child.output}`)));
    look();
  });
}

function start(...args) {
  const child = spawn(process.execPath, [program, "--port", "0", "--users", "40", ...args], { stdio: "pipe" });
  child.output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (child.output += data));
  return child;
}

async function nextBlock(client) {
  let unwatch;
  await new Promise((resolve, reject) => {
    unwatch = client.watchBlockNumber({ onBlockNumber: resolve, onError: reject });
  });
  unwatch();
}

describe("world", () => {
  let varDir;
  let child;
  let world;
  let client;
  before(async () => {
    buildContracts();
    varDir = mkdtempSync(path.join(tmpdir(), "homeostat-world-"));
    // Port 1 has no daemon: executor and reporter keep trying, and the world does not mind.
    child = start("--var", varDir, "--daemon", "127.0.0.1:1");
    await printed(child, "world: ready");
    world = JSON.parse(readFileSync(path.join(varDir, "world.json"), "utf8"));
    client = createPublicClient({ transport: http(world.rpc), cacheTime: 0, pollingInterval: 100 });
  });
  after(() => {
    child.kill("SIGKILL");
    rmSync(varDir, { recursive: true, force: true });
  });

  it("describes itself in world.json and keeps the keys to their owner", async () => {
    assert.equal(await client.getChainId(), world.chain_id);
    for (const address of Object.values(world.contracts)) assert.ok(await client.getCode({ address }));
    for (const file of Object.values(world.key_files)) assert.equal(statSync(file).mode & 0o777, 0o600);
    const { abi } = artefact("StreamEcosystem");
    const count = await client.readContract({ address: world.contracts.ecosystem, abi, functionName: "userCount" });
    assert.equal(Number(count), world.users);
  });

  it("makes every kind of event that the metrics need, and no transaction fails", async () => {
    const abi = [...artefact("StreamEcosystem").abi, ...artefact("StreamToken").abi];
    const events = abi.filter(({ type }) => type === "event");
    const wanted = ["Registered", "Upload", "View", "Tip", "RewardPaid", "Payment", "SupplyChanged"];
    const seen = new Set();
    const deadline = Date.now() + kWaitMs;
    for (let number = BigInt(world.first_block); seen.size < wanted.length;) {
      assert.ok(Date.now() < deadline, `no ${wanted.filter((name) => !seen.has(name))} within ${kWaitMs} ms`);
      if (number > (await client.getBlockNumber())) {
        await nextBlock(client);
        continue;
      }
      const receipts = await client.request({ method: "eth_getBlockReceipts", params: [`0x${number.toString(16)}`] });
      for (const receipt of receipts) assert.equal(receipt.status, "0x1", receipt.transactionHash);
      for (const { eventName } of parseEventLogs({ abi: events, logs: receipts.flatMap(({ logs }) => logs) })) {
        if (wanted.includes(eventName)) seen.add(eventName);
      }
      number += 1n;
    }
  });

  it("ends everything at SIGTERM with code 0", async () => {
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    assert.equal(code, 0, child.output);
    await assert.rejects(client.getChainId());
    for (const name of ["traffic", "executor", "reporter", "world"])
      assert.match(child.output, new RegExp(`${name}: stopped`));
  });

  it("says which option is wrong, and starts nothing", async () => {
    const wrong = start("--var", varDir, "--users", "1");
    const [code] = await once(wrong, "exit");
    assert.equal(code, 2);
    // The last of two options counts.
    assert.match(wrong.output, /--users is "1"; it must be a whole number from 2 to 2000/);
  });
});
