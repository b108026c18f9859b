// Shadow policies beside the real daemon: they emit nothing, are compared, decide as a back-test of the journal does, outlive
// kill -9, and are promoted without a step.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { batchOf, connect } from "./lib/clients.mjs";
import { pushConfig } from "./lib/configs.mjs";
import { cli, metricOf, startDaemon } from "./lib/daemon.mjs";
import { startExecutor } from "./lib/executor.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

async function moving(t) {
  const folder = temporaryFolder(t, "shadow");
  const config = pushConfig({ folder, period: "250ms", parameter: "change: 2, cooldown: 0s", loop: "gains: {kp: 1, ki: 40/s}\n    leak_half_life: 1h", journal: "snapshot_period: 1s" });
  const daemon = await startDaemon(t, { folder, config });
  const ingest = connect(t, daemon.endpoint, "IngestService");
  const executor = startExecutor(t, daemon.endpoint);
  await ingest.Push(batchOf({ first: 1, values: [0.55] }));
  await waitFor("the loop moves its parameter", () => executor.seen.length >= 1);
  const candidate = path.join(folder, "candidate.yaml");
  writeFileSync(candidate, config.replace("change: 2", "change: 0.25"));
  const added = await daemon.cli("shadow", "add", "calmer", candidate, "--json");
  assert.equal(added.code, 0, added.stderr);
  return { folder, daemon, ingest, executor, config, candidate, added: added.json, journal: path.join(folder, "journal") };
}

async function shadowOf(daemon, name = "calmer") {
  const run = await daemon.cli("shadow", "diff", name, "--json");
  assert.equal(run.code, 0, run.stderr);
  return run.json;
}
const compared = (daemon, ticks) =>
  waitFor(`${ticks} ticks compared`, async () => {
    const shadow = await shadowOf(daemon);
    return shadow.ticks >= ticks ? shadow : null;
  });

/// What a back-test of the journal says of the same shadow up to the same input.
async function backtest(t, s, shadow) {
  const args = ["--journal", s.journal, "--from", String(shadow.forked_after), "--to", String(shadow.sequence), "--at", shadow.forked];
  const run = await cli(t, undefined, ["shadow", "run", s.candidate, ...args, "--json"]);
  assert.equal(run.code, 0, run.stderr);
  return JSON.parse(run.stdout);
}

test("a shadow differs from the live policy, says where first, emits nothing, and equals its back-test", async (t) => {
  const s = await moving(t);
  const shadow = await compared(s.daemon, 8);
  const [rate] = shadow.parameters;
  assert.equal(rate.name, "rate");
  assert.ok(rate.live_adjustments > 0 && rate.shadow_adjustments > 0);
  assert.ok(rate.differing > 0 && rate.first, JSON.stringify(rate));
  assert.match(rate.first.live_why, /raised/);
  assert.match(rate.first.shadow_why, /raised|held/);
  assert.ok(Number(rate.shadow_value) < Number(rate.live_value), `${rate.shadow_value} ${rate.live_value}`);
  const seen = s.executor.seen.length;  // first: the live policy goes on sending
  const live = await s.daemon.cli("parameters", "--json");
  assert.ok(seen <= live.json.parameters[0].emitted, "only the live policy's adjustments were sent");
  assert.equal(await metricOf(s.daemon, "homeostat_shadow_running", { shadow: "calmer" }), 1);
  assert.ok((await metricOf(s.daemon, "homeostat_shadow_parameter_distance", { shadow: "calmer", parameter: "rate" })) > 0);
  const again = await backtest(t, s, shadow);
  assert.equal(again.decisions_hash, shadow.decisions_hash);
  assert.deepEqual(again.parameters, shadow.parameters);
  const table = await s.daemon.cli("shadow", "list");
  assert.match(table.stdout, /calmer +test .* runs/);
});

test("a shadow outlives kill -9 and still equals its back-test", async (t) => {
  const s = await moving(t);
  const before = await compared(s.daemon, 8);
  await s.daemon.killNow();
  const daemon = await startDaemon(t, { folder: s.folder });
  const after = await compared(daemon, before.ticks + 4);
  assert.equal(after.forked_after, before.forked_after);
  assert.ok(after.sequence > before.sequence);
  assert.equal((await backtest(t, s, after)).decisions_hash, after.decisions_hash);
  const removed = await daemon.cli("shadow", "remove", "calmer");
  assert.equal(removed.code, 0, removed.stderr);
  assert.equal((await daemon.cli("shadow", "diff", "calmer")).code, 7);
});

test("promotion puts the candidate in the file and in force, without a step", async (t) => {
  const s = await moving(t);
  await compared(s.daemon, 4);
  const promoted = await s.daemon.cli("shadow", "promote", "calmer", "--yes", "--json");
  assert.equal(promoted.code, 0, promoted.stderr);
  assert.equal(promoted.json.generation, 2);
  assert.equal(readFileSync(s.daemon.configFile, "utf8"), readFileSync(s.candidate, "utf8"));
  const decisions = (await s.daemon.cli("adjustments", "--json", "--limit", "50")).json.decisions;
  for (const d of decisions) assert.ok(Math.abs(Number(d.value) - Number(d.previous)) <= 2, JSON.stringify(d));
  await s.daemon.stop();
  const again = await startDaemon(t, { folder: s.folder });
  assert.equal((await again.cli("config", "--json")).json.digest, promoted.json.digest);
});

test("what cannot be a shadow is refused in words", async (t) => {
  const s = await moving(t);
  const twice = await s.daemon.cli("shadow", "add", "calmer", s.candidate);
  assert.match(twice.stderr, /runs already/);
  writeFileSync(s.candidate, "homeostat: 1\nnonsense: 2\n");
  const invalid = await s.daemon.cli("shadow", "add", "other", s.candidate);
  assert.equal(invalid.code, 7);
  assert.match(invalid.stderr, /nonsense/);
  assert.equal((await s.daemon.cli("shadow", "promote", "unknown", "--yes")).code, 7);
});

test("a candidate with another period is added with a warning, and one with the same without", async (t) => {
  const s = await moving(t);
  const add = (name, text) => {
    writeFileSync(s.candidate, text);
    return s.daemon.cli("shadow", "add", name, s.candidate);
  };
  const slower = await add("slower", s.config.replace("period: 250ms", "period: 500ms"));
  assert.equal(slower.code, 0, slower.stderr);
  assert.match(slower.stderr, /warning: the candidate decides every 500ms and the live configuration every 250ms: /);
  assert.match(slower.stdout, /shadow slower runs test /);
  const gentler = await add("gentler", s.config.replace("change: 2", "change: 1"));
  assert.equal(gentler.code, 0, gentler.stderr);
  assert.equal(gentler.stderr, "");
});
