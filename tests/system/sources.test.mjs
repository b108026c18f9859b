// Providers that die, lie about their chain or about its logs: the daemon holds, says why, and recovers by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "./lib/clients.mjs";
import { chainConfig } from "./lib/configs.mjs";
import { startEconomy, startNode } from "./lib/chain.mjs";
import { metricOf, startDaemon } from "./lib/daemon.mjs";
import { startExecutor } from "./lib/executor.mjs";
import { startLiar, startWire } from "./lib/network.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

async function watched(t, economy, options) {
  const folder = temporaryFolder(t, "sources");
  const config = chainConfig({ folder, world: economy.world, ...options });
  const daemon = await startDaemon(t, { folder, config });
  const control = connect(t, daemon.endpoint, "ControlService");
  const source = async () => (await control.ListSources()).sources[0];
  const reading = async () => (await control.ListMetrics()).metrics[0].reading;
  const is = (condition) => waitFor(`the source is ${condition}`, async () => (await source()).condition === condition && (await source()));
  const reads = (value) => waitFor(`the metric reads ${value}`, async () => Math.abs((await reading()).value - value) < 1e-9);
  const ticks = async () => Number((await control.GetStatus()).ticks);
  async function afterTicks(count) {
    const until = (await ticks()) + count;
    await waitFor(`${count} more ticks`, async () => (await ticks()) >= until);
  }
  return { daemon, control, source, reading, is, reads, afterTicks };
}

/// While its only source is away: the reading goes stale, nothing is emitted, and everyone who asks is told why.
async function checkHolds(s, executor, detail) {
  await waitFor("the reading is not used any more", async () => ["QUALITY_HELD", "QUALITY_STALE"].includes((await s.reading()).quality));
  await s.afterTicks(2);
  const sent = executor.seen.length;
  const before = (await s.control.ListParameters()).parameters[0];
  await s.afterTicks(12);
  assert.equal(executor.seen.length, sent, "nothing is emitted on a reading that cannot be trusted");
  const after = (await s.control.ListParameters()).parameters[0];
  assert.equal(after.value, before.value);
  const integral = (await s.control.ListLoops()).loops[0];
  assert.equal(integral.frozen, true);

  const status = await s.daemon.cli("status", "--json");
  assert.equal(status.code, 0);
  assert.equal(status.json.mode, "degraded");
  assert.ok(status.json.causes.some((c) => c.kind === "reading_unusable" && c.subject === "tip_size"), status.stdout);
  const sources = await s.daemon.cli("sources");
  assert.equal(sources.code, 0);
  assert.match(sources.stdout + (await s.daemon.cli("sources", "--json")).stdout, detail);
  assert.match((await s.daemon.cli("status")).stdout, /tip_size|chain/);
}

test("with every provider dead the daemon holds, says why, and fills the gap by itself when one is back", async (t) => {
  const economy = await startEconomy(t);
  const port = economy.node.port;
  const [first, second] = [await startWire(t, port), await startWire(t, port)];
  const s = await watched(t, economy, { providers: [{ name: "first", http: first.http, ws: first.ws }, { name: "second", http: second.http }] });
  const executor = startExecutor(t, s.daemon.endpoint);
  await s.is("connected");
  await economy.tip(0, 1, 5);
  await s.reads(5);
  await waitFor("an adjustment", () => executor.seen.length > 0);

  await first.cut();
  await economy.tip(0, 1, 6);
  await s.reads(6); // the second provider alone is enough
  assert.equal((await s.source()).condition, "connected");

  await second.cut();
  await s.is("failing");
  await checkHolds(s, executor, /first.*second|second|refused/is);
  assert.equal(await metricOf(s.daemon, "homeostat_source_condition", { source: "chain", condition: "failing" }), 1);
  assert.ok((await metricOf(s.daemon, "homeostat_source_errors_total", { source: "chain", kind: "transport" })) > 0);

  const accepted = Number((await s.source()).accepted);
  await economy.tip(0, 1, 7); // nobody hears of these for now
  await economy.tip(1, 0, 8);
  await second.lead(port);
  await s.is("connected");
  await s.reads(8);
  assert.equal(Number((await s.source()).accepted), accepted + 2, "both events of the gap are there, once");
  await waitFor("the mode is normal again", async () => (await s.control.GetStatus()).mode === "OPERATING_MODE_NORMAL");
  await s.daemon.stop();
});

test("a provider that comes to answer for another chain is not believed, and believed again when it is right", async (t) => {
  const economy = await startEconomy(t);
  const other = await startNode(t, { chainId: 999 });
  const wire = await startWire(t, economy.node.port);
  const s = await watched(t, economy, { providers: [{ name: "only", http: wire.http, ws: wire.ws }] });
  const executor = startExecutor(t, s.daemon.endpoint);
  await economy.tip(0, 1, 5);
  await s.reads(5);

  await wire.lead(other.port);
  const wrong = await s.is("wrong_chain");
  assert.match(wrong.detail, /999/);
  assert.match(wrong.detail, /31337/);
  await checkHolds(s, executor, /999/);
  assert.equal(await metricOf(s.daemon, "homeostat_source_condition", { source: "chain", condition: "wrong_chain" }), 1);
  assert.ok((await metricOf(s.daemon, "homeostat_source_errors_total", { source: "chain", kind: "wrong_chain" })) > 0);

  await economy.tip(0, 1, 9);
  await wire.lead(economy.node.port);
  await s.is("connected");
  await s.reads(9);
  await s.daemon.stop();
});

test("a contract that is not there is named, and watched as soon as it is", async (t) => {
  const economy = await startEconomy(t);
  const missing = "0x00000000000000000000000000000000000000aa";
  const s = await watched(t, economy, { providers: [{ name: "only", http: economy.node.url }], ecosystem: missing });
  const failing = await s.is("failing");
  assert.match(failing.detail, /ecosystem|00aa/);
  assert.match(failing.detail, /code|contract/);
  assert.ok((await metricOf(s.daemon, "homeostat_source_errors_total", { source: "chain", kind: "missing_contract" })) > 0);
  const reading = await s.reading();
  assert.equal(reading.quality, "QUALITY_STALE");
  assert.match(reading.reason, /no value/);
  const code = await economy.rpc.call("eth_getCode", [economy.world.contracts.ecosystem, "latest"]);
  await economy.rpc.call("anvil_setCode", [missing, code]);
  await s.is("connected");
  await s.daemon.stop();
});

const lies = {
  "leaves logs out": (method, result) => (method === "eth_getLogs" ? [] : result),
  "gives logs of another block": (method, result) =>
    method === "eth_getLogs" && result ? result.map((log) => ({ ...log, blockHash: `0x${"ab".repeat(32)}` })) : result,
  "answers nonsense": (method, result) => (method === "eth_getLogs" ? "soon" : result),
};
for (const [name, lie] of Object.entries(lies)) {
  test(`a provider that ${name} is found out; the good one beside it is believed`, async (t) => {
    const economy = await startEconomy(t);
    let lying = false;
    const liar = await startLiar(t, economy.node.url, (method, result) => (lying ? lie(method, result) : result));
    const s = await watched(t, economy, { providers: [{ name: "liar", http: liar.http }, { name: "honest", http: economy.node.url }] });
    await economy.tip(0, 1, 5);
    await s.reads(5);
    lying = true;
    await economy.tip(1, 2, 6);
    await economy.tip(0, 1, 7);
    await s.reads(7);
    const { accepted, condition } = await s.source();
    assert.equal(Number(accepted), 3, "no event is missing, none is there twice");
    assert.equal(condition, "connected");
    assert.ok(liar.lies() > 0, "it was asked, and lied");
    const { text } = await s.daemon.get("/metrics");
    assert.match(text, /homeostat_source_errors_total\{[^}]*kind="(inconsistent|bad_reply)"[^}]*\} [1-9]/);
    await s.daemon.stop();
  });
}
