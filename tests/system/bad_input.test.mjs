// Bad input of every kind: a clear error, a counter, and nothing lost, crashed or moved.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { batchOf, connect, nanos, openIngest, status } from "./lib/clients.mjs";
import { onEnd } from "./lib/cleanup.mjs";
import { pushConfig } from "./lib/configs.mjs";
import { cli, metricOf, runDaemon, startDaemon } from "./lib/daemon.mjs";
import { startExecutor } from "./lib/executor.mjs";
import { root, temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

const kNotStarted = 7;
const kDiskFailed = 74;

// --- configuration ---------------------------------------------------------------------------------------

test("a wrong configuration is refused whole: every error with its place, and the nearest right thing", async (t) => {
  const folder = temporaryFolder(t, "bad-config");
  const config = pushConfig({
    folder,
    period: "30", // no unit
    metric: "stalenes_max: 10m", // unknown key
    parameter: "change: 0.1, cooldown: 0s, drift: 5", // less than the quantum; no window
  }).replace("min: 10, max: 90", "min: 90, max: 10");
  const started = await runDaemon(t, { folder, config });
  assert.equal(started.code, kNotStarted);
  const file = path.join(folder, "config.yaml");
  const expected = [/:3:9: period: '30' has no unit.*did you mean '30s'/, /:9:\d+: .*stalenes_max.*did you mean 'staleness_max'/, /:11:\d+: .*min 90.*is not below max 10/, /:11:\d+: .*drift: '5' does not say in what time/];
  for (const pattern of expected) assert.match(started.stderr, pattern);
  assert.ok(started.stderr.includes(file));
  assert.match(started.stderr, /not started, \d+ problems/);
  assert.ok(!existsSync(path.join(folder, "journal")), "nothing was created");

  const checked = await cli(t, undefined, ["check", file, "--json"]);
  assert.equal(checked.code, 7);
  assert.equal(checked.json.valid, false);
  assert.equal(checked.json.errors.length, Number(/(\d+) problems/.exec(started.stderr)[1]));
  const unknown = checked.json.errors.find((e) => e.nearest === "staleness_max");
  assert.deepEqual([unknown.line, unknown.path], [9, "metrics.load"]);
});

test("the configurations that come with it are right", async (t) => {
  for (const name of ["streaming", "minimal"]) {
    const checked = await cli(t, undefined, ["check", path.join(root, `config/${name}.yaml`)]);
    assert.equal(checked.code, 0, checked.stderr);
  }
});

test("a public address without TLS is refused", async (t) => {
  for (const key of ["grpc", "http"]) {
    const folder = temporaryFolder(t, "public");
    const config = pushConfig({ folder }).replace(`${key}: "127.0.0.1:0"`, `${key}: "0.0.0.0:0"`);
    const started = await runDaemon(t, { folder, config });
    assert.equal(started.code, kNotStarted);
    assert.match(started.stderr, /0\.0\.0\.0:0.*no TLS/);
  }
});

test("a port in use is named, and so is a journal in use with the process that has it", async (t) => {
  const folder = temporaryFolder(t, "taken");
  const first = await startDaemon(t, { folder, config: pushConfig({ folder }) });
  for (const [key, port] of [["grpc", first.grpcPort], ["http", first.httpPort]]) {
    const own = temporaryFolder(t, "taken-port");
    const config = pushConfig({ folder: own }).replace(`${key}: "127.0.0.1:0"`, `${key}: "127.0.0.1:${port}"`);
    const second = await runDaemon(t, { folder: own, config });
    assert.equal(second.code, kNotStarted, second.stdout + second.stderr);
    assert.match(second.stderr, new RegExp(`${port}`), key);
    assert.match(second.stderr, /in use|taken/i, key);
  }
  const second = await runDaemon(t, { folder, config: pushConfig({ folder }), file: path.join(folder, "second.yaml") });
  assert.equal(second.code, kNotStarted);
  assert.match(second.stderr, new RegExp(`in use by process ${first.pid}`));
  assert.equal((await first.get("/readyz")).status, 200, "the first one goes on");
});

test("a reload of a wrong file keeps the last good configuration and says so; a right one is in force at the next tick", async (t) => {
  const folder = temporaryFolder(t, "reload");
  const good = pushConfig({ folder });
  const daemon = await startDaemon(t, { folder, config: good });
  const admin = connect(t, daemon.endpoint, "AdminService");
  const control = connect(t, daemon.endpoint, "ControlService");
  const successful = () => metricOf(daemon, "homeostat_config_last_reload_successful");
  const before = await control.GetStatus();
  assert.equal(await successful(), 1);

  const bad = good.replace("setpoint: 50%", "setpont: 50%");
  writeFileSync(daemon.configFile, bad);
  const reload = await daemon.cli("reload");
  assert.equal(reload.code, 7);
  assert.match(reload.stderr, /config\.yaml:\d+:\d+: .*setpont.*did you mean 'setpoint'/);
  assert.match(reload.stderr, /last good/);
  assert.equal(await successful(), 0);
  let config = await admin.GetConfig();
  assert.equal(config.last_reload_failed, true);
  assert.equal(config.text, good);
  assert.match(config.last_errors.join("\n"), /setpont/);

  writeFileSync(daemon.configFile, good);
  assert.equal((await daemon.cli("reload")).code, 0);
  assert.equal(await successful(), 1);

  writeFileSync(daemon.configFile, bad);
  daemon.kill("SIGHUP");
  await waitFor("SIGHUP is refused", async () => (await successful()) === 0);
  assert.match(daemon.log(), /setpont/);
  const after = await control.GetStatus();
  assert.equal(after.policy_digest, before.policy_digest);
  await waitFor("decisions go on", async () => Number((await control.GetStatus()).ticks) > Number(after.ticks) + 1);

  writeFileSync(daemon.configFile, good.replace("setpoint: 50%", "setpoint: 60%"));
  daemon.kill("SIGHUP");
  await waitFor("the new set-point is in force", async () => (await control.ListLoops()).loops[0].setpoint === 0.6);
  const now = await control.GetStatus();
  assert.equal(Number(now.policy_generation), Number(before.policy_generation) + 1);
  assert.equal(await successful(), 1);
  config = await admin.GetConfig();
  assert.equal(config.last_reload_failed, false);

  writeFileSync(daemon.configFile, good.replace("/journal", "/elsewhere"));
  const fixed = await daemon.cli("reload");
  assert.equal(fixed.code, 7);
  assert.match(fixed.stderr, /journal: cannot be changed by a reload/);
  await daemon.stop();
});

// --- samples ---------------------------------------------------------------------------------------------

test("each kind of bad sample has its own verdict and counter, and moves nothing", async (t) => {
  const folder = temporaryFolder(t, "samples");
  const daemon = await startDaemon(t, { folder, config: pushConfig({ folder, metric: "staleness_max: 10m, future_max: 2s" }) });
  const ingest = connect(t, daemon.endpoint, "IngestService");
  const executor = startExecutor(t, daemon.endpoint);
  const now = Date.now();
  const one = (first, value, atMs = now, more = {}) => ingest.Push(batchOf({ first, values: [value], atMs, ...more }));
  const refused = async (reason, pattern, reply) => {
    assert.equal(reply.status, "STATUS_JUDGED", reply.message);
    assert.equal(reply.accepted, 0);
    assert.equal(reply.refused[0].reason, reason);
    assert.match(reply.refused[0].message, pattern);
  };
  const good = await one(1, 0.5);
  assert.equal(good.accepted, 1);
  await refused("not_finite", /nan/i, await one(2, NaN));
  await refused("not_finite", /inf/i, await one(3, Infinity));
  await refused("not_finite", /inf/i, await one(4, -Infinity));
  await refused("out_of_bounds", /2 is outside 0 .. 1 ratio/, await one(5, 2));
  await refused("in_future", /./, await one(6, 0.9, now + 3_600_000));
  await refused("out_of_order", /./, await one(7, 0.9, now - 60_000));
  await refused("duplicate", /sequence 1/, await one(1, 0.9));
  await refused("too_old", /./, await ingest.Push(batchOf({ first: 8, values: [0.9], atMs: now - 3_600_000 }))).catch(async () => {
    // Older than the last accepted one as well: whichever is checked first may name it.
    await refused("out_of_order", /./, await one(9, 0.9, now - 3_600_000));
  });
  await refused("unknown_metric", /did you mean.*load/, await one(10, 0.9, now, { metric: "laod" }));
  await refused("unknown_source", /did you mean.*app/, await one(11, 0.9, now, { source: "apq" }));

  // The judge of a mixed batch names only what is wrong, by index.
  const mixed = await ingest.Push(batchOf({ first: 20, values: [0.5, NaN, 0.5, 7], atMs: now + 100 }));
  assert.equal(mixed.accepted, 2);
  assert.deepEqual(mixed.refused.map((v) => [v.index, v.reason]), [[1, "not_finite"], [3, "out_of_bounds"]]);

  await assert.rejects(ingest.Push({ source: "app", first_sequence: "30", metrics: ["load"], samples: [] }), { code: status.INVALID_ARGUMENT }).catch(async () => {
    const reply = await ingest.Push({ source: "app", first_sequence: "30", metrics: ["load"], samples: [] });
    assert.equal(reply.status, "STATUS_MALFORMED");
    assert.match(reply.message, /samples/);
  });

  for (const reason of ["not_finite", "out_of_bounds", "in_future", "out_of_order", "duplicate", "unknown_metric"]) {
    await waitFor(`${reason} is counted`, async () => (await metricOf(daemon, "homeostat_source_refused_total", { source: "app", reason })) >= 1);
  }
  // What is read is of the last tick, which may have been before the last batch.
  const source = await waitFor("all that was accepted is seen", async () => {
    const [first] = (await daemon.cli("sources", "--json")).json.sources;
    return Number(first.accepted) >= 3 ? first : undefined;
  });
  assert.match(source.last_refused, /load|laod/);
  assert.equal(Number(source.accepted), 3);
  assert.equal(executor.seen.length, 0);
  const parameter = (await daemon.cli("parameters", "--json")).json.parameters[0];
  assert.equal(Number(parameter.value), 50);
  await daemon.stop();
});

test("reordered batches: what comes late is refused by its own time, what was not taken may come again", async (t) => {
  const folder = temporaryFolder(t, "reordered");
  const daemon = await startDaemon(t, { folder, config: pushConfig({ folder }) });
  const stream = openIngest(connect(t, daemon.endpoint, "IngestService"));
  const now = Date.now();
  const [a, b, c] = [0, 1, 2].map((i) => batchOf({ first: 1 + 10 * i, values: Array(10).fill(0.5), atMs: now - 1000 + 100 * i }));
  assert.equal((await stream.send(a)).accepted, 10);
  assert.equal((await stream.send(c)).accepted, 10);
  const late = await stream.send(b);
  assert.equal(late.accepted, 0);
  assert.ok(late.refused.every((v) => v.reason === "out_of_order"));
  const again = await stream.send(c);
  assert.ok(again.refused.length === 10 && again.refused.every((v) => v.reason === "duplicate"));
  stream.close();
  await daemon.stop();
});

test("a producer ten times over its rate gets its rate: the rest is refused by name, and the reading says so", async (t) => {
  const folder = temporaryFolder(t, "rate");
  const kRate = 200;
  const config = pushConfig({ folder, source: `kind: push, rate: ${kRate}/s, burst: ${kRate}` });
  const daemon = await startDaemon(t, { folder, config });
  const control = connect(t, daemon.endpoint, "ControlService");
  const stream = openIngest(connect(t, daemon.endpoint, "IngestService"));
  const begin = Date.now();
  let accepted = 0;
  let refused = 0;
  let sequence = 1;
  let sawLimited = false;
  while (Date.now() - begin < 3000) {
    const due = ((Date.now() - begin) / 1000) * kRate * 10;
    if (sequence > due) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const reply = await stream.send(batchOf({ first: sequence, values: Array(20).fill(0.5) }));
    sequence += 20;
    accepted += reply.accepted;
    refused += reply.refused.length;
    assert.ok(reply.refused.every((v) => v.reason === "rate_limited"), JSON.stringify(reply.refused[0]));
    if (reply.refused.length > 0 && !sawLimited) {
      sawLimited = await waitFor("the reading is rate limited", async () => (await control.ListMetrics()).metrics[0].reading.quality === "QUALITY_RATE_LIMITED", { timeoutMs: 300 }).catch(() => false);
    }
  }
  const seconds = (Date.now() - begin) / 1000;
  assert.ok(sawLimited, "the reading said that it was rate limited");
  assert.ok(accepted <= kRate * (seconds + 1) + 20, `${accepted} in ${seconds} s`);
  assert.ok(accepted >= kRate * seconds * 0.5, `${accepted} in ${seconds} s: the rate itself is served`);
  assert.ok(refused > accepted, `${refused} refused`);
  await waitFor("the refused are counted", async () => (await metricOf(daemon, "homeostat_source_refused_total", { reason: "rate_limited" })) === refused);
  t.diagnostic(`${sequence - 1} sent, ${accepted} accepted, ${refused} rate limited in ${seconds.toFixed(1)} s at ${kRate}/s`);
  stream.close();
  await daemon.stop();
});

test("a full queue answers OVERLOADED and takes nothing of that batch; everything else it judged is there", async (t) => {
  const folder = temporaryFolder(t, "overload");
  const config = pushConfig({ folder, source: "kind: push, rate: 100000000/s", journal: "snapshot_period: 5m, queue_bytes_max: 4194304" });
  const daemon = await startDaemon(t, { folder, config });
  const client = connect(t, daemon.endpoint, "IngestService");
  const streams = Array.from({ length: 4 }, () => openIngest(client));
  const kSamples = 10_000;
  let last = BigInt(nanos());
  const build = (n) => {
    const start = last + 1000n;
    last = start + BigInt(kSamples - 1);
    const samples = Array.from({ length: kSamples }, (_, i) => ({ metric: 0, time_unix_nano: String(start + BigInt(i)), value: 0.5 }));
    return { source: "app", first_sequence: String(1 + n * kSamples), metrics: ["load"], samples };
  };
  const batches = Array.from({ length: 64 }, (_, n) => build(n));
  const replies = await Promise.all(batches.map((batch, n) => streams[n % streams.length].send(batch)));
  const overloaded = replies.filter((r) => r.status === "STATUS_OVERLOADED");
  const judged = replies.filter((r) => r.status === "STATUS_JUDGED");
  assert.equal(overloaded.length + judged.length, batches.length);
  assert.ok(overloaded.length > 0, "four megabytes of queue do not hold 64 batches of 10,000");
  for (const reply of overloaded) {
    assert.equal(reply.accepted, 0);
    assert.ok(reply.retry_after_ms > 0);
    assert.match(reply.message, /wait/);
  }
  const accepted = judged.reduce((sum, r) => sum + r.accepted, 0);
  const counted = async () => Number((await connect(t, daemon.endpoint, "ControlService").ListSources()).sources[0].accepted);
  await waitFor("all that was judged is counted", async () => (await counted()) === accepted);
  assert.ok((await metricOf(daemon, "homeostat_ingest_overloaded_total")) >= overloaded.length);
  assert.ok((await metricOf(daemon, "homeostat_queue_refused_total")) >= overloaded.length);
  await daemon.killNow();
  const again = await startDaemon(t, { folder, config });
  const control = connect(t, again.endpoint, "ControlService");
  assert.equal(Number((await control.ListSources()).sources[0].accepted), accepted, "after kill -9 too");
  t.diagnostic(`${judged.length} judged, ${overloaded.length} overloaded, ${accepted} samples`);
  await again.stop();
});

test("a client that never reads is cut off; others and the decisions do not notice", async (t) => {
  const folder = temporaryFolder(t, "slow");
  const daemon = await startDaemon(t, { folder, config: pushConfig({ folder, period: "10ms" }) });
  const control = connect(t, daemon.endpoint, "ControlService");
  const sleepy = connect(t, daemon.endpoint, "ControlService", { "grpc.use_local_subchannel_pool": 1 });
  const deaf = sleepy.raw.Watch({ decisions: true });
  deaf.once("data", () => deaf.pause()); // reads the first event, and never again
  let ended;
  deaf.on("error", (error) => (ended = error));
  let heard = 0;
  const lively = control.raw.Watch({ decisions: true });
  lively.on("data", () => (heard += 1));
  lively.on("error", () => {});

  await waitFor("the silent client is cut", async () => (await metricOf(daemon, "homeostat_rpc_slow_clients_total")) === 1);
  const before = heard;
  await waitFor("the other client goes on", () => heard > before + 20);
  const ticks = Number((await control.GetStatus()).ticks);
  await waitFor("decisions go on", async () => Number((await control.GetStatus()).ticks) > ticks + 20);
  deaf.resume();
  await waitFor("it is told when it reads at last", () => ended);
  assert.ok([status.RESOURCE_EXHAUSTED, status.CANCELLED].includes(ended.code), String(ended));
  t.diagnostic(`cut off with ${ended.code} ${ended.details}`);
  lively.cancel();
  await daemon.stop();
});

// --- disk and journal ------------------------------------------------------------------------------------

/// A small file system of its own, or undefined where this user may not mount one.
function mountSmall(t, size) {
  const folder = temporaryFolder(t, "small-disk");
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "homeostat-test", folder], { stdio: "pipe" });
  } catch {
    return undefined;
  }
  onEnd(t, () => execFileSync("umount", ["-l", folder]));
  return { folder, grow: (to) => execFileSync("mount", ["-o", `remount,size=${to}`, folder]) };
}

test("a full disk ends the daemon with a clear message; with space again it starts and nothing acknowledged is lost", async (t) => {
  const disk = mountSmall(t, "3m");
  if (!disk) return t.skip("needs the right to mount a tmpfs");
  const { folder } = disk;
  const config = pushConfig({ folder, source: "kind: push, rate: 100000000/s" });
  const daemon = await startDaemon(t, { folder, config });
  const stream = openIngest(connect(t, daemon.endpoint, "IngestService"));
  let acknowledged = 0;
  let sent = 0;
  try {
    for (;;) {
      const values = Array.from({ length: 500 }, (_, i) => 0.4 + i / 10_000);
      const reply = await stream.send(batchOf({ first: sent + 1, values }));
      sent += 500;
      if (reply.status === "STATUS_JUDGED") acknowledged += reply.accepted;
    }
  } catch {
    // The daemon is gone.
  }
  const how = await daemon.ended;
  assert.equal(how.code, kDiskFailed, daemon.log().slice(-2000));
  assert.match(daemon.log(), /disk is full/i);
  assert.match(daemon.log(), /[Ff]ree space/);
  assert.ok(acknowledged > 0);

  const still = await runDaemon(t, { folder, file: path.join(folder, "config.yaml") });
  assert.ok(still.code === kDiskFailed || still.code === kNotStarted, `${still.code} ${still.signal}`);
  assert.match(still.stdout + still.stderr, /full|space/i);

  disk.grow("64m");
  const again = await startDaemon(t, { folder });
  const control = connect(t, again.endpoint, "ControlService");
  const accepted = Number((await control.ListSources()).sources[0].accepted);
  assert.ok(accepted >= acknowledged, `${acknowledged} acknowledged, ${accepted} found`);
  await again.stop();
  const replay = await cli(t, undefined, ["replay", "--journal", path.join(folder, "journal"), "--json"]);
  assert.equal(replay.code, 0, replay.stderr);
  t.diagnostic(`${acknowledged} acknowledged before the disk was full, ${accepted} found after`);
});

/// A journal with samples and decisions in it whose daemon was killed.
async function killedJournal(t, name) {
  const folder = temporaryFolder(t, name);
  const config = pushConfig({ folder });
  const daemon = await startDaemon(t, { folder, config });
  const executor = startExecutor(t, daemon.endpoint);
  const stream = openIngest(connect(t, daemon.endpoint, "IngestService"));
  for (let i = 0; i < 40; i++) await stream.send(batchOf({ first: 1 + 20 * i, values: Array(20).fill(0.6) }));
  await waitFor("adjustments", () => executor.seen.length >= 3);
  await daemon.killNow();
  await executor.close();
  return { folder, config, journal: path.join(folder, "journal") };
}

test("a torn last record is what a crash leaves: the daemon starts with everything before it", async (t) => {
  const { folder, config, journal } = await killedJournal(t, "torn");
  const wal = path.join(journal, "journal.db-wal");
  truncateSync(wal, statSync(wal).size - 700);
  const daemon = await startDaemon(t, { folder, config });
  const control = connect(t, daemon.endpoint, "ControlService");
  const accepted = Number((await control.ListSources()).sources[0].accepted);
  assert.ok(accepted >= 0 && accepted <= 800);
  const ingest = connect(t, daemon.endpoint, "IngestService");
  const reply = await ingest.Push(batchOf({ first: 10_001, values: [0.5] }));
  assert.equal(reply.accepted, 1, "it works");
  await daemon.stop();
  const replay = await cli(t, undefined, ["replay", "--journal", journal, "--json"]);
  assert.equal(replay.code, 0, replay.stderr + replay.stdout);
  const verify = await cli(t, undefined, ["journal", "verify", journal]);
  assert.equal(verify.code, 0, verify.stderr);
});

/// Where in `bytes` one of many samples of that value lies: inside an input, not in a decision about it.
function placeInABatch(bytes, value) {
  const pattern = Buffer.alloc(8);
  pattern.writeDoubleLE(value);
  const places = [];
  for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 8)) places.push(at);
  const dense = places.filter((at, i) => i >= 5 && at - places[i - 5] < 5 * 40);
  assert.ok(dense.length > 0, "the samples are found in the file");
  return dense[Math.floor(dense.length / 2)];
}

test("a flipped byte is found, named with what to do, and nothing is started on it; salvage makes it good", async (t) => {
  const { folder, config, journal } = await killedJournal(t, "flipped");
  // One file without its log, as a backup gives it, so that the byte hits what the daemon reads.
  const copy = path.join(folder, "copy.db");
  assert.equal((await cli(t, undefined, ["journal", "backup", journal, copy])).code, 0);
  execFileSync("rm", ["-rf", journal]);
  execFileSync("mkdir", [journal]);
  const bytes = readFileSync(copy);
  bytes[placeInABatch(bytes, 0.6)] ^= 0x20;
  writeFileSync(path.join(journal, "journal.db"), bytes);

  const started = await runDaemon(t, { folder, config });
  assert.equal(started.code, kNotStarted, started.stdout + started.stderr);
  assert.match(started.stderr, /do(es)? not match|corrupt/);
  assert.match(started.stderr, /salvage|backup/);
  const verify = await cli(t, undefined, ["journal", "verify", journal]);
  assert.equal(verify.code, 8, verify.stdout + verify.stderr);
  const salvage = await cli(t, undefined, ["journal", "salvage", journal]);
  assert.equal(salvage.code, 0, salvage.stderr);
  const daemon = await startDaemon(t, { folder, config });
  await daemon.stop();
  assert.ok(existsSync(path.join(journal, "journal.db.damaged-1")), "the damaged original is kept");
});
