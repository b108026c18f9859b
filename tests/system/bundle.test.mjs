// A bundle end to end: a real daemon, a real executor that applies all members or none, a guardian who may veto.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchOf, connect } from "./lib/clients.mjs";
import { startDaemon } from "./lib/daemon.mjs";
import { startExecutor } from "./lib/executor.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

/// Two parameters that follow the same load and must stay within 10 of each other.
function config(folder, { veto = "", near = "rate - share <= 10" } = {}) {
  const parameter = "unit: points, decimals: 2, initial: 50, min: 10, max: 90, quantum: 0.25, change: 40, cooldown: 0s, expiry: 1m, ack_timeout: 20s";
  return `homeostat: 1
name: test
period: 200ms
listen: {grpc: "127.0.0.1:0", http: "127.0.0.1:0"}
journal: {directory: "${folder}/journal"}
sources:
  app: {kind: push, rate: 1000000/s}
metrics:
  load: {samples: app, unit: ratio, min: 0, max: 1, staleness_max: 10m}
parameters:
  rate: {${parameter}${veto}}
  share: {${parameter}}
bundles:
  pair: {members: [rate, share], invariants: {near: "${near}"}}
loops:
  hold_rate: {metric: load, parameter: rate, setpoint: 50%, when_high: raise, gains: {kp: 40}}
  hold_share: {metric: load, parameter: share, setpoint: 50%, when_high: raise, gains: {kp: 30}}
guardian: {override_max: 1h, setpoint_shift_max: 50%}
`;
}

/// Applies every member, and keeps what it applied; or refuses the whole.
function whole(world) {
  return (adjustment) => {
    assert.equal(adjustment.bundle, "pair");
    if (world.refuses) return { rejected: { reason: "paused on chain" } };
    const members = adjustment.members.map(({ parameter, value }) => ({ parameter, value }));
    for (const { parameter, value } of members) world.values[parameter] = value;
    return { applied: { reference: `tx-${adjustment.id}`, members } };
  };
}

async function paired(t, options) {
  const folder = temporaryFolder(t, "bundle");
  const daemon = await startDaemon(t, { folder, config: config(folder, options) });
  const ingest = connect(t, daemon.endpoint, "IngestService");
  const control = connect(t, daemon.endpoint, "ControlService");
  const world = { values: { rate: "50", share: "50" }, refuses: false };
  const executor = startExecutor(t, daemon.endpoint, { answer: whole(world) });
  await waitFor("the executor is subscribed", async () => (await control.GetStatus()).executors === 1);
  let sequence = 1;
  const load = async (value) => assert.equal((await ingest.Push(batchOf({ first: sequence++, values: [value] }))).accepted, 1);
  const now = async () => Object.fromEntries((await control.ListParameters()).parameters.map((p) => [p.name, p.value]));
  const last = async (parameter) => (await control.ListDecisions({ parameter, limit: 1 })).decisions[0];
  return { daemon, control, world, executor, load, now, last };
}

test("a bundle is applied as one, rejected as one, and refused as one when its invariant breaks", async (t) => {
  const s = await paired(t);
  await s.load(0.7);
  await waitFor("both are applied", async () => (await s.now()).rate === "58");
  assert.deepEqual(await s.now(), { rate: "58", share: "56" });
  assert.equal(s.executor.seen.length, 1, "one adjustment for both");
  assert.deepEqual(s.executor.seen[0].members.map((m) => m.parameter).sort(), ["rate", "share"]);
  assert.deepEqual(s.world.values, await s.now());

  s.world.refuses = true;
  await s.load(0.75);
  await waitFor("the executor refused the whole", async () => s.executor.seen.length >= 2);
  await waitFor("both say so", async () => {
    const said = await Promise.all(["rate", "share"].map(s.last));
    return said.every((d) => d.limits.some((l) => l.limit === "backoff" || l.limit === "bundle"));
  });
  assert.deepEqual(await s.now(), { rate: "58", share: "56" }, "nothing moved");

  s.world.refuses = false;
  await waitFor("it is asked again and applied", async () => (await s.now()).rate === "60");
  assert.equal((await s.now()).share, "57.5");
});

test("a bundle that breaks its invariant moves nothing, and every member's record says why", async (t) => {
  const s = await paired(t, { near: "rate - share <= 1" });
  await s.load(0.7);
  await waitFor("both are refused", async () => {
    const said = await Promise.all(["rate", "share"].map(s.last));
    return said.every((d) => d?.limits.some((l) => l.limit === "bundle" && /near does not hold.*rate = 58/.test(l.detail)));
  });
  assert.equal(s.executor.seen.length, 0);
  const why = await s.daemon.cli("why", "rate");
  assert.match(why.stdout, /pair refused: near does not hold/);
});

test("a veto of one member refuses the whole bundle", async (t) => {
  const s = await paired(t, { veto: ", veto_window: 1h" });
  await s.load(0.7);
  await waitFor("both wait", async () => {
    const said = await Promise.all(["rate", "share"].map(s.last));
    return said.every((d) => d && d.wanted !== "50");
  });
  const waiting = (await s.control.ListParameters()).parameters.find((p) => p.name === "share").in_flight;
  assert.ok(Number(waiting) > 0, "the member without a window waits too");
  const veto = await s.daemon.cli("guardian", "veto", String(waiting), "--reason", "not now", "--yes", "--json");
  assert.equal(veto.code, 0, veto.stderr);
  assert.match(veto.json.message, /nor the 1 that would go with it/);
  assert.equal(s.executor.seen.length, 0);
});
