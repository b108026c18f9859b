// kill -9 in the middle of ingest and of ticks, at random points: nothing acknowledged is lost, no adjustment is
// repeated with another value, and the journal replays to the same decisions.
//
//   CRASH_ROUNDS  how often (default 100)        CRASH_SEED  of the random points (default: printed, from the clock)
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { batchOf, connect, openIngest } from "./lib/clients.mjs";
import { pushConfig } from "./lib/configs.mjs";
import { cli, startDaemon } from "./lib/daemon.mjs";
import { startExecutor } from "./lib/executor.mjs";
import { bin, temporaryFolder } from "./lib/paths.mjs";
import { startProcess } from "./lib/process.mjs";
import { makeRandom } from "./lib/random.mjs";
import { pause, waitFor } from "./lib/wait.mjs";

const rounds = Number(process.env.CRASH_ROUNDS ?? 100);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

/// One in so many restarts is killed while it still recovers.
const kKilledInRecoveryEvery = 10;
const kLifeMs = { min: 20, max: 450 };
const kBatchSamples = 50;
const kInFlightMax = 8;

/// How far back the daemon tells a duplicate from something older (kSequenceWindow); what is further back it refuses.
const kWindow = 4096;

/// Sends batches with ascending sequences and times, and keeps what came of each.
///   unanswered   batches without a reply, in order: at most kInFlightMax
///   recent       acknowledged batches that are still inside the daemon's window
function makeProducer() {
  let next = 1;
  let acknowledged = 0;
  const unanswered = [];
  const recent = [];

  function freshBatch() {
    const wave = 0.5 + 0.4 * Math.sin(next / 3000);
    const values = Array.from({ length: kBatchSamples }, (_, i) => wave + 0.001 * (i % 7));
    const batch = batchOf({ first: next, values });
    next += kBatchSamples;
    unanswered.push(batch);
    return batch;
  }
  function take(batch, reply) {
    assert.equal(reply.first_sequence, batch.first_sequence);
    assert.equal(reply.status, "STATUS_JUDGED", reply.message);
    // A batch that was durable but never answered is a duplicate when it is sent again; nothing else may be refused.
    assert.deepEqual(reply.refused.filter((verdict) => verdict.reason !== "duplicate"), [], `batch ${batch.first_sequence}`);
    assert.ok(reply.accepted === kBatchSamples || reply.refused.length === kBatchSamples, "a batch is taken whole or not at all");
    acknowledged += kBatchSamples;
    unanswered.splice(unanswered.indexOf(batch), 1);
    recent.push(batch);
    if (recent.length * kBatchSamples > kWindow / 2) recent.shift();
  }
  const send = (stream, batch) => stream.send(batch).then((reply) => take(batch, reply));

  /// Sends new batches, several at a time, until the stream breaks.
  async function run(stream) {
    const flying = new Set();
    for (;;) {
      const sent = send(stream, freshBatch());
      flying.add(sent);
      sent.then(() => flying.delete(sent), () => {});
      if (flying.size >= kInFlightMax) await Promise.race(flying);
    }
  }
  const sendAgain = (stream) => Promise.all([...unanswered].map((batch) => send(stream, batch)));
  return { run, sendAgain, recent, acknowledged: () => acknowledged, sent: () => next - 1 };
}

/// After a restart: at least what was acknowledged is counted, what was acknowledged last is known sample by sample, and
/// once the unanswered batches are sent again every sample ever sent is in exactly once.
async function checkNothingLost(stream, control, producer) {
  const accepted = async () => Number((await control.ListSources()).sources[0].accepted);
  const found = await accepted();
  assert.ok(found >= producer.acknowledged(), `${producer.acknowledged()} acknowledged, ${found} found`);
  for (const reply of await Promise.all(producer.recent.map((batch) => stream.send(batch)))) {
    assert.equal(reply.accepted, 0);
    assert.ok(reply.refused.length === kBatchSamples && reply.refused.every((v) => v.reason === "duplicate"), JSON.stringify(reply.refused[0]));
  }
  await producer.sendAgain(stream);
  await waitFor("every sample that was sent is counted once", async () => {
    const now = await accepted();
    assert.ok(now <= producer.sent(), `${producer.sent()} sent, ${now} found`);
    return now === producer.sent();
  });
}

test(`kill -9 ${rounds} times (seed ${seed}): nothing acknowledged is lost, no adjustment changes its value`, async (t) => {
  const random = makeRandom(seed);
  const folder = temporaryFolder(t, "crash");
  const config = pushConfig({ folder, period: "100ms", journal: "snapshot_period: 1s", parameter: "change: 3, cooldown: 0s, expiry: 1m, ack_timeout: 30s" });
  const producer = makeProducer();
  let endpoint = "127.0.0.1:1";
  const executor = startExecutor(t, () => endpoint);
  let killedInRecovery = 0;

  for (let round = 0; round < rounds; round++) {
    if (round > 0 && round % kKilledInRecoveryEvery === 0) {
      const child = startProcess(t, path.join(bin, "homeostatd"), ["--config", path.join(folder, "config.yaml")]);
      await pause(random() * 60);
      await child.stop("SIGKILL");
      killedInRecovery += 1;
    }
    const daemon = await startDaemon(t, { folder, config });
    endpoint = daemon.endpoint;
    const client = connect(t, endpoint, "IngestService");
    const control = connect(t, endpoint, "ControlService");
    const stream = openIngest(client);
    await checkNothingLost(stream, control, producer);
    const failed = producer.run(stream).catch((error) => error);
    await pause(kLifeMs.min + random() * (kLifeMs.max - kLifeMs.min));
    await daemon.killNow();
    const error = await failed;
    assert.notEqual(error.name, "AssertionError", error.stack);
    client.close();
    control.close();
  }

  const daemon = await startDaemon(t, { folder, config });
  endpoint = daemon.endpoint;
  const client = connect(t, endpoint, "IngestService");
  const control = connect(t, endpoint, "ControlService");
  const stream = openIngest(client);
  await checkNothingLost(stream, control, producer);
  const last = (await control.ListDecisions({ limit: 1, adjustments_only: true })).decisions[0];
  await waitFor("the executor has caught up", () => BigInt(executor.seen.at(-1)?.id ?? 0) >= BigInt(last.id));
  stream.close();
  await daemon.stop();
  await executor.close();

  const values = new Map();
  let lastId = 0n;
  for (const { id, parameter, value, epoch } of executor.seen) {
    assert.ok(BigInt(id) >= lastId, `adjustment ${id} came after ${lastId}`);
    lastId = BigInt(id);
    const known = values.get(id) ?? { parameter, value };
    assert.deepEqual({ parameter, value }, known, `adjustment ${id} in epoch ${epoch}`);
    values.set(id, known);
  }
  const replay = await cli(t, endpoint, ["replay", "--journal", path.join(folder, "journal"), "--json"]);
  assert.equal(replay.code, 0, replay.stderr + replay.stdout);
  assert.equal(replay.json.identical, true);
  t.diagnostic(
    `${rounds} kills and ${killedInRecovery} in recovery; ${producer.acknowledged()} samples acknowledged, ${values.size} adjustments ` +
      `(${executor.seen.length} deliveries); replay: ${replay.json.inputs} inputs, ${replay.json.decisions} decisions, identical`,
  );
  assert.ok(values.size > Math.min(rounds, 10) / 2, "the test saw adjustments at all");
});
