// The daemon as an oracle alone: one chain source behind given providers, and metrics that count and add up every log,
// so that one lost, one foreign or one counted twice shows.
import assert from "node:assert/strict";
import { connect } from "./clients.mjs";
import { metricOf, parseMetrics, startDaemon } from "./daemon.mjs";
import { signatures } from "./emitter.mjs";
import { temporaryFolder } from "./paths.mjs";
import { waitFor } from "./wait.mjs";

/// Tips are counted and added up under the names `tips` and `tipped`, over a window that never ends here.
function metricsOf({ finality }) {
  const common = `window: 30d, coverage_min: 0%, staleness_max: 1d, min: 0, max: 1e15${finality ? `, finality: ${finality}` : ""}`;
  return `  tips: {event: Tip, aggregate: count, unit: tips, ${common}}
  tipped: {event: Tip, aggregate: sum, value: amount, unit: STREAM, ${common}}`;
}

export function oracleConfig({
  folder,
  providers,
  emitter,
  chainId = 31337,
  startBlock = 0,
  finality = "latest",
  metricFinality,
  source = "",
  sources = "",
  metrics = "",
  events = [signatures.Tip],
  poll = "50ms",
  period = "100ms",
}) {
  const list = providers.map(({ name, http, ws }) => `      - {name: ${name}, http: "${http}"${ws ? `, ws: "${ws}"` : ""}}`);
  return `homeostat: 1
name: oracle-test
period: ${period}
listen: {grpc: "127.0.0.1:0", http: "127.0.0.1:0"}
journal: {directory: "${folder}/journal"}
log: {level: debug}
sources:
  chain:
    kind: evm
    chain_id: ${chainId}
    providers:
${list.join("\n")}
    start_block: ${startBlock}
    poll: ${poll}
    finality: ${finality}
    deadline: 1s
    backoff_first: 50ms
    backoff_max: 200ms
    ${source}
    contracts:
      emitter:
        address: "${emitter}"
        events:
${events.map((event) => `          - ${event}`).join("\n")}
${sources}
metrics:
${metricsOf({ finality: metricFinality })}
${metrics}
parameters:
  reward: {unit: STREAM, decimals: 2, initial: 10, min: 2, max: 40, quantum: 0.05, change: 2, cooldown: 0s}
loops:
  tips:
    response: few tips, so creating pays more
    metric: tips
    parameter: reward
    setpoint: 100
    error: relative
    when_low: raise
    gains: {kp: 4, integral_time: 10s}
`;
}

/// A daemon that follows `node` (an emitter of lib/emitter.mjs) through `providers` ([{name, http, ws}]).
/// `edit` changes the text of the configuration.
export async function startOracle(t, node, { folder = temporaryFolder(t, "oracle"), edit = (text) => text, env, ...options }) {
  const startBlock = options.startBlock ?? 1 + (await node.block());
  const text = edit(oracleConfig({ folder, emitter: node.emitter, ...options, startBlock }));
  const daemon = await startDaemon(t, { folder, config: text, env });
  const control = connect(t, daemon.endpoint, "ControlService");
  const source = async (name = "chain") => (await control.ListSources()).sources.find((s) => s.name === name);
  const reading = async (name = "tips") => (await control.ListMetrics()).metrics.find((m) => m.name === name).reading;
  const counter = async (name, labels = {}) => (await metricOf(daemon, name, { source: "chain", ...labels })) ?? 0;
  const counted = async () => {
    const { metrics } = await control.ListMetrics();
    const of = (name) => metrics.find((m) => m.name === name).reading;
    return { count: of("tips").value, sum: of("tipped").value, quality: of("tips").quality };
  };

  /// Waits until the daemon has taken in the node's head, and reads what the node says was logged.
  async function agrees({ to, depth = 0, what = "" } = {}) {
    let truth;
    await waitFor(`the readings are what the node says ${what}`, async () => {
      const head = await node.block();
      truth = await node.truth({ from: startBlock, to: to ?? head - depth });
      const now = await counted();
      if (now.count === truth.count && now.sum === truth.sum) return true;
      throw new Error(`read ${JSON.stringify(now)}, true ${JSON.stringify({ count: truth.count, sum: truth.sum })}; ${JSON.stringify(await source())}`);
    });
    return truth;
  }
  const is = (condition) => waitFor(`the source is ${condition}`, async () => {
    const now = await source();
    if (now.condition !== condition) throw new Error(JSON.stringify(now));
    return now;
  });
  const atBlock = (number) => waitFor(`block ${number} is taken in`, async () => {
    const now = await source();
    if (Number(now.block) !== number) throw new Error(JSON.stringify(now));
    return now;
  });
  /// Waits for `count` more ticks: what the readings of now are made of is decided by then.
  async function ticks(count = 3) {
    const get = async () => Number((await control.GetStatus()).ticks);
    const until = (await get()) + count;
    await waitFor(`${count} more ticks`, async () => (await get()) >= until);
  }
  /// All errors of the source by kind, of /metrics; those that are none left out.
  async function errors() {
    const { text: page } = await daemon.get("/metrics");
    const found = parseMetrics(page).filter((s) => s.name === "homeostat_source_errors_total" && s.labels.source === "chain" && s.value > 0);
    return Object.fromEntries(found.map((s) => [s.labels.kind, s.value]));
  }
  const errorOf = (kind) => waitFor(`an error of kind ${kind}`, async () => (await errors())[kind] > 0);
  return { daemon, control, folder, startBlock, source, reading, counter, counted, agrees, is, atBlock, ticks, errors, errorOf };
}

/// Waits until the provider was asked `more` further questions of this kind: it is being used.
export async function askedMore(proxy, more, what) {
  const until = proxy.count(what) + more;
  await waitFor(`${more} more questions`, () => proxy.count(what) >= until);
}

export function assertNone(errors, ...kinds) {
  for (const kind of kinds) assert.equal(errors[kind] ?? 0, 0, `${kind} in ${JSON.stringify(errors)}`);
}
