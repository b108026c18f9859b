// What a guardian did can be proved afterwards: the audit of a running daemon's journal, of its backup, against a checkpoint
// kept elsewhere, and of a copy in which somebody changed a word.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { batchOf, connect } from "./lib/clients.mjs";
import { pushConfig } from "./lib/configs.mjs";
import { cli, startDaemon } from "./lib/daemon.mjs";
import { startExecutor } from "./lib/executor.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

const kDivergence = 8;
const kReason = "the-reason-that-somebody-would-like-to-change";

/// A daemon that has moved its parameter, was answered, was paused by a guardian and had its configuration changed.
async function lived(t) {
  const folder = temporaryFolder(t, "audit");
  const config = pushConfig({ folder, period: "250ms", parameter: "change: 2, cooldown: 0s" });
  const daemon = await startDaemon(t, { folder, config });
  const ingest = connect(t, daemon.endpoint, "IngestService");
  const executor = startExecutor(t, daemon.endpoint);
  await ingest.Push(batchOf({ first: 1, values: [0.6] }));
  await waitFor("the loop moves its parameter", () => executor.seen.length >= 2);
  const paused = await daemon.cli("guardian", "pause", "rate", "--reason", kReason, "--actor", "ada", "--yes");
  assert.equal(paused.code, 0, paused.stderr);
  writeFileSync(daemon.configFile, config.replace("change: 2", "change: 1"));
  const reloaded = await daemon.cli("reload");
  assert.equal(reloaded.code, 0, reloaded.stderr);
  return { folder, daemon, executor, journal: path.join(folder, "journal") };
}

const verified = async (t, ...args) => {
  const run = await cli(t, undefined, ["audit", "verify", ...args, "--json"]);
  return { ...run, report: run.stdout ? JSON.parse(run.stdout) : null };
};

test("a running daemon's journal and its backup verify, go on from a checkpoint, and replay", async (t) => {
  const { folder, daemon, journal } = await lived(t);
  const checkpoint = path.join(folder, "kept-elsewhere");
  const key = path.join(folder, "alice.key");
  assert.equal((await cli(t, undefined, ["guardian", "key", "new", "alice", key])).code, 0);
  const exported = await cli(t, undefined, ["audit", "checkpoint", journal, "--sign", key, "--out", checkpoint]);
  assert.equal(exported.code, 0, exported.stderr);
  const kept = JSON.parse(readFileSync(checkpoint, "utf8"));
  assert.ok(kept.inputs > 0 && kept.decisions > 0 && kept.seals > 0);

  const before = Number((await daemon.cli("status", "--json")).json.ticks);
  await waitFor("a few more ticks", async () => Number((await daemon.cli("status", "--json")).json.ticks) > before + 4);
  const live = await verified(t, journal, "--checkpoint", checkpoint, "--trust", kept.public_key);
  assert.equal(live.code, 0, live.stderr + live.stdout);
  assert.equal(live.report.intact, true);
  assert.equal(live.report.checkpoint_signed_by, "alice");
  assert.equal(live.report.replay.identical, true);
  assert.ok(live.report.head.inputs > kept.inputs);

  const backup = await daemon.cli("backup", "copy.db", "--json");
  assert.equal(backup.code, 0, backup.stderr);
  const copy = await verified(t, backup.json.path, "--checkpoint", checkpoint);
  assert.equal(copy.code, 0, copy.stderr + copy.stdout);

  await daemon.killNow();
  const killed = await verified(t, journal, "--checkpoint", checkpoint);
  assert.equal(killed.code, 0, killed.stderr + killed.stdout);
});

test("a changed word is found, with the row, its time and what it is", async (t) => {
  const { daemon } = await lived(t);
  const { json } = await daemon.cli("backup", "copy.db", "--json");
  const bytes = readFileSync(json.path);
  const at = bytes.indexOf(kReason);
  assert.ok(at > 0, "the reason is in the file as it is");
  bytes.write("X", at);
  const changed = json.path + ".changed";
  writeFileSync(changed, bytes);
  const found = await verified(t, changed);
  assert.equal(found.code, kDivergence, found.stdout);
  assert.match(found.stderr, /1 change found/);
  const [finding] = found.report.findings;
  assert.equal(finding.part, "inputs");
  assert.match(finding.at, /^20\d\d-/);
  assert.match(finding.holds_now, /a command of ada: pause/);
});

test("a checkpoint that was altered, or is of another journal, proves nothing", async (t) => {
  const { folder, journal } = await lived(t);
  const other = await lived(t);
  const line = (await cli(t, undefined, ["audit", "checkpoint", journal])).stdout;
  const file = path.join(folder, "checkpoint");
  writeFileSync(file, line);
  assert.equal((await verified(t, journal, "--checkpoint", file)).code, 0);
  const strange = await verified(t, other.journal, "--checkpoint", file);
  assert.equal(strange.code, kDivergence, strange.stdout);
  assert.equal(strange.report.findings[0].part, "checkpoint");
  writeFileSync(file, line.replace(/"inputs":\d+/, '"inputs":1'));
  assert.equal((await verified(t, journal, "--checkpoint", file)).code, kDivergence);
  writeFileSync(file, "hello\n");
  const refused = await verified(t, journal, "--checkpoint", file);
  assert.match(refused.stderr, /not a checkpoint/);
});

test("the log tells who did what, when, and how it ended", async (t) => {
  const { daemon, journal } = await lived(t);
  const run = await cli(t, undefined, ["audit", "log", journal, "--json"]);
  assert.equal(run.code, 0, run.stderr);
  const { events } = JSON.parse(run.stdout);
  const times = events.map((e) => Date.parse(e.at));
  assert.deepEqual(times, [...times].sort((a, b) => a - b));
  const pause = events.find((e) => e.kind === "command");
  assert.equal(pause.who, "ada");
  assert.match(pause.what, /^pause rate/);
  assert.equal(pause.outcome, "accepted");
  assert.equal(pause.reason, kReason);
  assert.equal(events.filter((e) => e.kind === "configuration").length, 1);
  assert.ok(events.some((e) => e.kind === "decision" && e.outcome === "emitted, applied" && e.who === "test-executor"));
  assert.ok(events.some((e) => e.kind === "journal" && /epoch 1/.test(e.what)));
  const none = await cli(t, undefined, ["audit", "log", journal, "--until", "2020-01-01T00:00:00Z"]);
  assert.equal(none.code, 0);
  assert.match(none.stderr, /nothing in that time/);
  const table = await cli(t, undefined, ["audit", "log", journal, "--kind", "command", "--since", "1h"]);
  assert.match(table.stdout, /ada +pause rate/);
  await daemon.stop();
});
