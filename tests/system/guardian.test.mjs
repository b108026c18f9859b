// What a guardian orders holds at the next tick, is visible everywhere, and is refused in words when it must be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchOf, connect, status } from "./lib/clients.mjs";
import { pushConfig } from "./lib/configs.mjs";
import { metricOf, startDaemon } from "./lib/daemon.mjs";
import { startExecutor } from "./lib/executor.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

const kQuantum = 0.25;
const kChange = 2;

/// A daemon whose parameter moves at every tick as long as the load is off its set-point, an executor that applies.
async function controlled(t, options = {}) {
  const folder = temporaryFolder(t, "guardian");
  const parameter = `change: ${options.change ?? kChange}, cooldown: 0s, expiry: 1m, ack_timeout: 20s${options.veto ? `, veto_window: ${options.veto}` : ""}`;
  const loop = options.loop ?? "gains: {kp: 1, ki: 40/s}\n    leak_half_life: 1h";
  const extra = "guardian: {override_max: 1h, setpoint_shift_max: 50%}\n" + (options.extra ?? "");
  const daemon = await startDaemon(t, { folder, config: pushConfig({ folder, parameter, loop, extra, period: "250ms" }) });
  const ingest = connect(t, daemon.endpoint, "IngestService");
  const control = connect(t, daemon.endpoint, "ControlService");
  const executor = startExecutor(t, daemon.endpoint);
  await waitFor("the executor is subscribed", async () => (await control.GetStatus()).executors === 1);
  let sequence = 1;
  async function load(value) {
    const reply = await ingest.Push(batchOf({ first: sequence++, values: [value] }));
    assert.equal(reply.accepted, 1, JSON.stringify(reply.refused));
  }
  const parameterNow = async () => (await control.ListParameters()).parameters[0];
  const ticks = async () => Number((await control.GetStatus()).ticks);
  async function afterTicks(count) {
    const until = (await ticks()) + count;
    await waitFor(`${count} more ticks`, async () => (await ticks()) >= until);
  }
  const guardian = (command, ...args) => daemon.cli("guardian", command, "--yes", "--json", ...args);
  async function order(...args) {
    const result = await guardian(...args);
    assert.equal(result.code, 0, result.stderr);
    assert.ok(result.json.id > 0 && result.json.message.length > 0, result.stdout);
    return result.json;
  }
  const decisions = async (limit = 50) => (await control.ListDecisions({ limit })).decisions;
  return { folder, daemon, ingest, control, executor, load, parameterNow, ticks, afterTicks, guardian, order, decisions };
}

const moving = (s) => waitFor("the loop moves its parameter", () => s.executor.seen.length >= 2);

for (const scope of ["everything", "one parameter"]) {
  test(`pause of ${scope} stops emission at the next tick, says so everywhere, and resume goes on without a step`, async (t) => {
    const s = await controlled(t);
    await s.load(0.55);
    await moving(s);
    const target = scope === "everything" ? [] : ["rate"];
    await s.order("pause", ...target, "--reason", "a look", "--for", "10m");
    // The published view may lag by the tick that was applied together with the order.
    const slot = Number((await s.control.GetStatus()).slot) + 1;
    await s.afterTicks(5);
    const held = (await s.decisions()).filter((d) => Number(d.slot) > slot);
    assert.ok(held.length >= 3, `${held.length} decisions since slot ${slot}`);
    for (const d of held) {
      assert.notEqual(d.outcome, "emitted", d.why);
      assert.equal(d.value, d.previous);
    }
    const bite = held.flatMap((d) => d.limits).find((l) => l.limit === (scope === "everything" ? "halted" : "paused"));
    assert.ok(bite, "the pause is among the limits that bit");
    assert.match(bite.detail, /a look/);

    const shown = await s.daemon.cli(scope === "everything" ? "status" : "parameters");
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /tester|paused/);
    if (scope === "everything") {
      const json = (await s.daemon.cli("status", "--json")).json;
      assert.equal(json.mode, "halted");
      assert.equal(json.causes[0].kind, "guardian_pause");
      assert.equal(json.causes[0].subject, "tester");
      assert.equal(json.causes[0].reason, "a look");
      assert.equal(await metricOf(s.daemon, "homeostat_mode", { mode: "halted" }), 1);
    } else {
      const json = (await s.daemon.cli("parameters", "--json")).json.parameters[0];
      assert.equal(json.paused, true);
      assert.equal(json.paused_by, "tester");
      assert.equal(await metricOf(s.daemon, "homeostat_parameter_paused", { parameter: "rate" }), 1);
    }
    const explained = await s.daemon.cli("explain", String(held[0].id));
    assert.equal(explained.code, 0);
    assert.match(explained.stdout, /paused|halted/);
    assert.match(explained.stdout, /a look/);

    const emitted = s.executor.seen.length;
    await s.order("resume", ...target, "--reason", "seen enough");
    await waitFor("emission goes on", () => s.executor.seen.length > emitted);
    const next = s.executor.seen[emitted];
    assert.ok(Math.abs(Number(next.value) - Number(next.previous)) <= 2 * kQuantum, `${next.previous} -> ${next.value}: no jump after the pause`);
    const again = await s.guardian("resume", ...target, "--reason", "twice");
    assert.equal(again.code, 5, again.stderr);
    assert.match(again.stderr, /paused/);
  });
}

test("a pause with a time ends by itself", async (t) => {
  const s = await controlled(t);
  await s.load(0.55);
  await moving(s);
  await s.order("pause", "--reason", "short", "--for", "1500ms");
  await waitFor("halted", async () => (await s.control.GetStatus()).mode === "OPERATING_MODE_HALTED");
  const emitted = s.executor.seen.length;
  await waitFor("normal again", async () => (await s.control.GetStatus()).mode === "OPERATING_MODE_NORMAL");
  await waitFor("emission goes on", () => s.executor.seen.length > emitted);
});

test("an override holds against the loop, expires, and hands back without a step", async (t) => {
  const s = await controlled(t, { change: 40 }); // one step takes an override anywhere
  await s.load(0.51);
  await moving(s);
  await s.order("override", "rate", "60", "--reason", "campaign", "--for", "3s");
  await waitFor("60 is applied", async () => Number((await s.parameterNow()).value) === 60);
  const held = await s.parameterNow();
  assert.equal(held.overridden, true);
  assert.equal(Number(held.override_value), 60);
  assert.equal(held.override_by, "tester");
  assert.equal(await metricOf(s.daemon, "homeostat_parameter_overridden", { parameter: "rate" }), 1);
  const shown = await s.daemon.cli("parameters", "rate");
  assert.match(shown.stdout, /overrid/i);
  const explained = await s.daemon.cli("explain", String(s.executor.seen.at(-1).id));
  assert.match(explained.stdout, /campaign|overrid/i);

  await waitFor("the override expired", async () => !(await s.parameterNow()).overridden);
  const after = (await s.decisions(200)).reverse();
  const first = after.findIndex((d, i) => i > 0 && !d.overridden && after[i - 1].overridden);
  assert.ok(first > 0, "the first decision after the override");
  const during = after.filter((d) => d.overridden);
  assert.ok(during.every((d) => Number(d.wanted) === 60) && during.length > 3);
  assert.ok(during.slice(2).every((d) => d.value === d.previous && Number(d.value) === 60), "nothing moves while it holds");
  const handed = after[first];
  assert.ok(Math.abs(handed.proposed - 60) < kQuantum, `the loop goes on from 60, not from ${handed.proposed}`);
  assert.ok(Math.abs(Number(handed.value) - 60) <= kQuantum, `60 -> ${handed.value} at the first tick after`);
  for (let i = first + 1; i < after.length; i++) {
    assert.ok(Math.abs(Number(after[i].value) - Number(after[i - 1].value)) <= kChange, "the loop's own steps are small");
  }
});

test("clear-override hands back at once, without a step", async (t) => {
  const s = await controlled(t, { change: 40 }); // one step takes an override anywhere
  await s.load(0.51);
  await moving(s);
  await s.order("override", "rate", "42.5", "--reason", "test", "--for", "10m");
  await waitFor("42.5 is applied", async () => Number((await s.parameterNow()).value) === 42.5);
  await s.order("clear-override", "rate", "--reason", "done");
  await s.afterTicks(2);
  const all = (await s.decisions()).reverse();
  const handed = all.find((d, i) => i > 0 && !d.overridden && all[i - 1].overridden);
  assert.ok(Math.abs(Number(handed.value) - 42.5) <= kQuantum, `${handed.value}`);
  assert.equal((await s.guardian("clear-override", "rate", "--reason", "again")).code, 5);
});

test("an override that is far away goes there in permitted steps", async (t) => {
  const s = await controlled(t);
  await s.load(0.51);
  await moving(s);
  const from = s.executor.seen.length;
  await s.order("override", "rate", "60", "--reason", "campaign", "--for", "10m");
  await waitFor("60 is applied", async () => Number((await s.parameterNow()).value) === 60);
  const steps = s.executor.seen.slice(from).map((a) => Math.abs(Number(a.value) - Number(a.previous)));
  assert.ok(steps.length > 1 && steps.every((step) => step <= kChange), `steps ${steps}`);
});

test("a veto stops an adjustment inside its window and says who did", async (t) => {
  const s = await controlled(t, { veto: "20s" });
  await s.load(0.7);
  const waiting = await waitFor("an adjustment waits for its veto window", async () => (await s.decisions()).find((d) => d.outcome === "awaiting_veto"));
  assert.equal(s.executor.seen.length, 0);
  await s.order("veto", waiting.id, "--reason", "not today");
  const { json } = await s.daemon.cli("explain", waiting.id, "--json");
  assert.equal(json.decision.outcome, "vetoed");
  assert.match(json.text, /not today/);
  assert.match(json.text, /tester/);
  const twice = await s.guardian("veto", waiting.id, "--reason", "again");
  assert.equal(twice.code, 5, twice.stderr);
  await s.afterTicks(3);
  assert.equal(s.executor.seen.length, 0);
});

test("without a veto the adjustment is sent when its window is over", async (t) => {
  const s = await controlled(t, { veto: "1s" });
  await s.load(0.7);
  const sent = await waitFor("an adjustment arrives", () => s.executor.seen[0]);
  const { json } = await s.daemon.cli("explain", sent.id, "--json");
  assert.equal(json.decision.outcome, "emitted");
  assert.equal((await s.guardian("veto", sent.id, "--reason", "too late")).code, 5);
});

test("a set-point shift moves what the loop aims at, and goes back", async (t) => {
  const s = await controlled(t);
  await s.load(0.5);
  await s.afterTicks(2);
  assert.equal(s.executor.seen.length, 0, "at its set-point nothing moves");
  await s.order("shift", "hold_load", "--for", "10m", "--reason", "aim lower", "--", "-0.1");
  await waitFor("the parameter rises", () => s.executor.seen.length > 0);
  assert.ok(Number(s.executor.seen[0].value) > 50);
  const shifted = (await s.daemon.cli("loops", "--json")).json.loops[0];
  assert.ok(Math.abs(shifted.setpoint - 0.4) < 1e-9 && Math.abs(shifted.setpoint_shift + 0.1) < 1e-9);
  assert.ok(shifted.shift_until);
  await s.order("clear-shift", "hold_load", "--reason", "enough");
  await waitFor("the set-point is back", async () => Math.abs((await s.control.ListLoops()).loops[0].setpoint - 0.5) < 1e-9);
});

test("an ordered emergency uses the emergency limits until it is ordered off", async (t) => {
  const loop = "gains: {kp: 1, ki: 40/s}\n    emergency: {above: 99%, gains: {kp: 40, ki: 20/s}}";
  const s = await controlled(t, { loop });
  await s.load(0.7);
  await moving(s);
  await s.order("emergency", "on", "--reason", "drill");
  await waitFor("emergency", async () => (await s.control.GetStatus()).mode === "OPERATING_MODE_EMERGENCY");
  const { json } = await s.daemon.cli("status", "--json");
  assert.equal(json.causes[0].kind, "guardian_emergency");
  assert.equal(json.causes[0].reason, "drill");
  const d = await waitFor("a decision with emergency gains", async () => (await s.decisions(5)).find((x) => x.loops[0].emergency_gains));
  assert.equal(d.mode, "OPERATING_MODE_EMERGENCY");
  assert.match((await s.daemon.cli("explain", d.id)).stdout, /emergency/i);
  await s.order("emergency", "off", "--reason", "drill over");
  await waitFor("normal", async () => (await s.control.GetStatus()).mode === "OPERATING_MODE_NORMAL");
  assert.equal((await s.guardian("emergency", "off", "--reason", "again")).code, 5);
});

test("what a guardian may not do is refused in words, with its exit code, and changes nothing", async (t) => {
  const s = await controlled(t);
  const refused = async (code, pattern, ...args) => {
    const result = await s.guardian(...args);
    assert.equal(result.code, code, `${args.join(" ")}: ${result.stderr}`);
    assert.match(result.stderr, pattern, args.join(" "));
  };
  await refused(7, /did you mean.*rate/i, "pause", "rata", "--reason", "x");
  await refused(7, /did you mean.*hold_load/i, "shift", "hold_lod", "0.1", "--for", "1m", "--reason", "x");
  await refused(7, /10(\.00)? to 90(\.00)?/, "override", "rate", "95", "--for", "1m", "--reason", "x");
  await refused(7, /multiple of 0\.25.*nearest is 60/, "override", "rate", "60.1", "--for", "1m", "--reason", "x");
  await refused(7, /at most 1h/, "override", "rate", "60", "--for", "2h", "--reason", "x");
  await refused(7, /0\.25/, "shift", "hold_load", "0.4", "--for", "1m", "--reason", "x");
  await refused(2, /reason/, "pause", "rate");
  await refused(2, /reason/, "pause", "rate", "--reason", " ");
  await refused(7, /500|reason/, "pause", "rate", "--reason", "x".repeat(600));
  await refused(7, /no decision 999|999/, "veto", "999", "--reason", "x");
  const guardian = connect(t, s.daemon.endpoint, "GuardianService");
  const named = { actor: "me", reason: "x" };
  await assert.rejects(guardian.Pause({ order: { actor: "me" }, parameter: "rate" }), { code: status.INVALID_ARGUMENT });
  await assert.rejects(guardian.Pause({ order: named, parameter: "rata" }), (e) => e.code === status.NOT_FOUND && /rate/.test(e.details));
  await assert.rejects(guardian.Override({ order: named, parameter: "rate", value: "95", duration: { seconds: 60 } }), { code: status.INVALID_ARGUMENT });
  await assert.rejects(guardian.Override({ order: named, parameter: "rate", value: "60" }), { code: status.INVALID_ARGUMENT });

  const without = await s.daemon.cli("guardian", "pause", "rate", "--reason", "x");
  assert.equal(without.code, 2);
  assert.match(without.stderr, /--yes/);
  const p = await s.parameterNow();
  assert.deepEqual([p.paused, p.overridden, Number(p.value)], [false, false, 50]);
});
