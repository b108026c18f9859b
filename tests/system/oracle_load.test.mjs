// Many logs, many filters, and a node that stops now and then. The number at the beginning of a name is the one of the
// catalogue in tests/README.md. How fast it is, the benchmarks say; here every filter must have exactly its logs.
//
//   LOAD_SECONDS      how long L1 and L2 go on (default 6; the published test that they are modelled on takes 120)
//   LOAD_RATE         logs a second offered (default 1600)
//   ORACLE_PAUSES     how often L3 stops the node (default 3; published: 10)
//   ORACLE_PAUSE_MS   how long at most (default 2500; published: 20000); at least a quarter of it
//   ORACLE_SEED       of the pauses (default: printed, from the clock)
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { log, startEmitter } from "./lib/emitter.mjs";
import { startOracle } from "./lib/oracle.mjs";
import { makeRandom } from "./lib/random.mjs";
import { pause, waitFor } from "./lib/wait.mjs";

const seconds = Number(process.env.LOAD_SECONDS ?? 6);
const rate = Number(process.env.LOAD_RATE ?? 1600);
const pauses = Number(process.env.ORACLE_PAUSES ?? 3);
const pauseMaxMs = Number(process.env.ORACLE_PAUSE_MS ?? 2500);
const seed = Number(process.env.ORACLE_SEED ?? Date.now() % 1_000_000);

/// Blocks a second, and contracts of the large case; 30 contracts with 30 events each are 900 filters.
const kBlocksPerSecond = 8;
const kContracts = 30;

const node = await startEmitter({ after }, { slots: 32, emitters: kContracts });
await node.mine(3);

/// The name and signature of the i-th event; the contracts have the same ones.
const eventOf = (i) => `event E${i}(address indexed from, address indexed to, uint256 amount)`;
const metricOf = (contract, i) => `m${contract}_${i}`;

/// A configuration with the first `contracts` emitters and `events` events each, every one of them counted.
function filters(contracts, events) {
  const lines = Array.from({ length: events }, (_, i) => `          - ${eventOf(i)}`).join("\n");
  const listed = [];
  const metrics = [];
  for (let c = 0; c < contracts; c++) {
    listed.push(`      c${c}:\n        address: "${node.emitters[c]}"\n        events:\n${lines}`);
    for (let i = 0; i < events; i++) {
      metrics.push(`  ${metricOf(c, i)}: {event: c${c}.E${i}, aggregate: count, unit: logs, window: 30d, coverage_min: 0%, staleness_max: 1d, min: 0, max: 1e15}`);
    }
  }
  return { contracts: listed.join("\n"), metrics: metrics.join("\n") };
}

/// Logs, spread over contracts and events, at the rate asked for; gives how many of each.
async function load(contracts, events) {
  const sent = new Map();
  const perBlock = Math.ceil(rate / kBlocksPerSecond);
  const began = Date.now();
  let turn = 0;
  for (let block = 0; block < seconds * kBlocksPerSecond; block++) {
    const contract = block % contracts;
    const logs = [];
    for (let i = 0; i < perBlock; i++, turn++) {
      const event = turn % events;
      logs.push(log(turn, { event: eventOf(event), viewer: turn % 1000 }));
      const name = metricOf(contract, event);
      sent.set(name, (sent.get(name) ?? 0) + 1);
    }
    await node.emitFrom(contract, ...logs);
    const ahead = (block + 1) * (1000 / kBlocksPerSecond) - (Date.now() - began);
    if (ahead > 0) await pause(ahead); // the rate is the test's subject, not a way to wait
  }
  return { sent, offered: turn / ((Date.now() - began) / 1000) };
}

for (const [name, contracts, events] of [["L1_6_filters", 2, 3], ["L2_900_filters", kContracts, 30]]) {
  test(`${name} at ${rate} logs a second for ${seconds} s: exactly the logs that there were, none missing`, async (t) => {
    const { contracts: listed, metrics } = filters(contracts, events);
    const s = await startOracle(t, node, {
      providers: [{ name: "only", http: node.url, ws: node.wsUrl }],
      metrics,
      edit: (text) => text.replace("    contracts:\n", `    contracts:\n${listed}\n`),
    });
    const { sent, offered } = await load(contracts, events);
    await s.atBlock(await node.block());
    await s.ticks(2);
    const read = new Map((await s.control.ListMetrics()).metrics.map((m) => [m.name, m.reading.value]));
    const wrong = [...sent].filter(([metric, count]) => read.get(metric) !== count);
    assert.deepEqual(wrong.map(([metric, count]) => `${metric}: ${count} sent, ${read.get(metric)} read`), []);
    const total = [...sent.values()].reduce((a, b) => a + b, 0);
    const { accepted, condition } = await s.source();
    assert.equal(Number(accepted), total, "none twice");
    assert.equal(condition, "connected");
    t.diagnostic(`${contracts * events} filters, ${total} logs, ${offered.toFixed(0)} a second offered`);
    await s.daemon.stop();
  });
}

test(`L3_node_pauses (${pauses} of up to ${pauseMaxMs} ms, seed ${seed}): nothing lost, nothing twice`, async (t) => {
  const random = makeRandom(seed);
  const s = await startOracle(t, node, { providers: [{ name: "only", http: node.url, ws: node.wsUrl }], finality: "4 confirmations" });
  let amount = 1;
  for (let i = 0; i < pauses; i++) {
    for (let block = 0; block < 5; block++) await node.emit(...Array.from({ length: 60 }, () => log(amount++)));
    const waiting = fetch(node.url, { method: "POST", headers: { "content-type": "application/json" }, body: '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}' });
    process.kill(node.pid, "SIGSTOP"); // with the daemon in the middle of whatever it was asking
    try {
      await pause(pauseMaxMs * (0.25 + 0.75 * random()));
    } finally {
      process.kill(node.pid, "SIGCONT");
    }
    await waiting;
    if (random() < 0.5) await node.reorg(1 + Math.floor(random() * 3), { 0: log(amount++) });
  }
  await node.mine(5);
  const { count } = await s.agrees({ depth: 4, what: `after pauses of seed ${seed}` });
  await s.is("connected");
  t.diagnostic(`${count} logs over ${pauses} pauses`);
  await s.daemon.stop();
});
