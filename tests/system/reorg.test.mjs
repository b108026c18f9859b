// Chains that take blocks back, under the real daemon: what was not final is retracted exactly, what was final halts
// until the truth is back, and a filter added by a reload reads its own past.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { connect } from "./lib/clients.mjs";
import { chainConfig } from "./lib/configs.mjs";
import { startEconomy } from "./lib/chain.mjs";
import { metricOf, startDaemon } from "./lib/daemon.mjs";
import { startWire } from "./lib/network.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

const kUpload = "          - event Upload(address indexed creator, uint256 quality)\n";

async function watched(t, economy, options) {
  const folder = temporaryFolder(t, "reorg");
  const config = chainConfig({ folder, world: economy.world, metric: "staleness_max: 1h", ...options });
  const daemon = await startDaemon(t, { folder, config });
  const control = connect(t, daemon.endpoint, "ControlService");
  const metric = async (name) => (await control.ListMetrics()).metrics.find((m) => m.name === name)?.reading;
  const source = async () => (await control.ListSources()).sources[0];
  const reads = (name, value) =>
    waitFor(`${name} reads ${value}`, async () => {
      const reading = await metric(name);
      return reading && Math.abs(reading.value - value) < 1e-9 && reading;
    });
  return { folder, config, daemon, metric, source, reads };
}

const local = (economy) => [{ name: "local", http: economy.node.url }];

test("R1 a tip whose block a reorg takes is taken back, exactly once, and counted", async (t) => {
  const economy = await startEconomy(t);
  await economy.rpc.call("evm_setIntervalMining", [0]);
  const s = await watched(t, economy, { providers: local(economy) });
  const mine = (n) => economy.rpc.call("anvil_mine", [`0x${n.toString(16)}`]);
  const tip = async (amount) => {
    const sent = economy.tip(0, 1, amount);
    await waitFor("the tip is in the pool", async () => Number((await economy.rpc.call("txpool_status", [])).pending) > 0);
    await mine(1);
    await sent;
  };
  await tip(5);
  await s.reads("tip_size", 5);
  await tip(9);
  const before = await s.reads("tip_size", 9);
  assert.ok(Number(before.provisional) >= 2, "both tips are not final yet");
  assert.match((await s.daemon.cli("metrics")).stdout, /not final/);
  await economy.rpc.call("anvil_reorg", [1, []]);
  await mine(1);
  await s.reads("tip_size", 5);
  const source = await s.source();
  assert.equal(Number(source.reorgs), 1);
  assert.equal(Number(source.retracted_blocks), 1);
  assert.equal(Number(source.retracted_events), 1);
  assert.equal(await metricOf(s.daemon, "homeostat_source_retracted_events_total", { source: "chain" }), 1);
});

test("R4 another history below what was final halts the readings until the truth is back; R5 nothing else clears it", async (t) => {
  const economy = await startEconomy(t);
  const other = await startEconomy(t);
  const wire = await startWire(t, economy.node.port);
  const s = await watched(t, economy, { providers: [{ name: "wire", http: wire.http }], source: "finality_depth: 3" });
  await economy.tip(0, 1, 5);
  await s.reads("tip_size", 5);
  await waitFor("the tip is final", async () => Number((await s.metric("tip_size")).provisional) === 0);
  await other.tip(0, 1, 700);
  await other.rpc.call("anvil_mine", ["0x64"]);

  await wire.lead(other.node.port);
  await waitFor("the source is violated", async () => (await s.source()).condition === "violated");
  await waitFor("the reading is halted", async () => (await s.metric("tip_size")).quality === "QUALITY_HALTED");
  assert.equal((await s.metric("tip_size")).value, 5, "the other history never counts");
  const refused = Number((await s.source()).refused?.chain_segment ?? 0);

  await wire.cut(); // a transient error
  await waitFor("a failed request", async () => (await metricOf(s.daemon, "homeostat_source_errors_total", { source: "chain", kind: "transport" })) > 0);
  assert.equal((await s.source()).condition, "violated");
  assert.equal((await s.metric("tip_size")).quality, "QUALITY_HALTED");
  assert.ok(Number((await s.source()).refused?.chain_segment ?? 0) <= refused + 1, "it is not offered again and again");

  await wire.lead(economy.node.port);
  await economy.tip(0, 1, 6);
  await s.reads("tip_size", 6);
  assert.equal((await s.source()).condition, "connected");
});

test("C5 a filter that a reload adds reads its own past while the others go on", async (t) => {
  const economy = await startEconomy(t);
  for (const user of [0, 1, 2]) await economy.upload(user);
  await economy.tip(0, 1, 5);
  const s = await watched(t, economy, { providers: local(economy), source: "finality_depth: 3" });
  await s.reads("tip_size", 5);
  const without = s.config;
  assert.ok(without.includes(kUpload));
  writeFileSync(`${s.folder}/config.yaml`, without.replace(kUpload, ""));
  assert.equal((await s.daemon.cli("reload")).code, 0);
  await economy.upload(3); // nobody watches it now
  await economy.tip(0, 1, 6);
  await s.reads("tip_size", 6);
  const uploads =
    "  uploads: {event: Upload, aggregate: count, window: 1h, coverage_min: 0, unit: uploads, min: 0, max: 1000}\nparameters:\n";
  writeFileSync(`${s.folder}/config.yaml`, without.replace("parameters:\n", uploads));
  assert.equal((await s.daemon.cli("reload")).code, 0);
  await economy.upload(4);
  await s.reads("uploads", 5);
  await s.reads("tip_size", 6);
  await economy.upload(5);
  await s.reads("uploads", 6);
});
