// kill -9, restarts and second daemons while a chain is being read. The number at the beginning of a name is the one of
// the catalogue in tests/README.md. Cursor and data are one journal: after any end the readings are those of the node.
//
//   ORACLE_SEED    of the moments of death (default: printed, from the clock)
//   ORACLE_KILLS   how often C1 kills (default 12)
import assert from "node:assert/strict";
import path from "node:path";
import { after, test } from "node:test";
import { cli, runDaemon } from "./lib/daemon.mjs";
import { log, startEmitter } from "./lib/emitter.mjs";
import { faults, on, startFaultProxy } from "./lib/fault_proxy.mjs";
import { oracleConfig, startOracle } from "./lib/oracle.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { makeRandom } from "./lib/random.mjs";
import { pause, waitFor } from "./lib/wait.mjs";

const seed = Number(process.env.ORACLE_SEED ?? Date.now() % 1_000_000);
const kills = Number(process.env.ORACLE_KILLS ?? 12);
const kConfirmations = 4;
const kFinality = `${kConfirmations} confirmations`;
/// Blocks read one by one at most; what lies deeper than this and the confirmations is read in ranges.
const kLiveBlocksMax = 64;
const kPast = 300;

const node = await startEmitter({ after }, { slots: 32 });
await node.mine(3);
const kPastStart = 1 + (await node.block());
for (let number = kPastStart; number <= kPastStart + kPast; number += 7) {
  await node.emit(log(number), log(1));
  await node.mine(6);
}

const direct = [{ name: "only", http: node.url }];

test(`C1_kill_9_at_any_moment_of_reading (${kills} times, seed ${seed}): every log is counted once, and the replay is identical`, async (t) => {
  const random = makeRandom(seed);
  const folder = temporaryFolder(t, "kill");
  const options = { folder, providers: direct, startBlock: kPastStart, finality: kFinality, source: "range_max: 9" };
  let s;
  for (let i = 0; i < kills; i++) {
    s = await startOracle(t, node, options);
    const emitting = node.emit(log(1000 + i), log(2000 + i));
    await pause(random() * 250);
    await emitting;
    if (i % 3 === 2) await node.reorg(1 + Math.floor(random() * 3), { 0: log(3000 + i) });
    await s.daemon.killNow();
  }
  s = await startOracle(t, node, options);
  await node.mine(kConfirmations);
  const { count } = await s.agrees({ depth: kConfirmations });
  assert.ok(count > kills);
  await s.daemon.stop();
  const replay = await cli(t, undefined, ["replay", "--journal", path.join(folder, "journal"), "--json"]);
  assert.equal(replay.code, 0, replay.stderr + replay.stdout);
  assert.equal(replay.json.identical, true);
});

test("C2_two_daemons_on_one_journal: exactly one wins, the other stops with a clear message", async (t) => {
  const s = await startOracle(t, node, { providers: direct, finality: kFinality });
  const config = oracleConfig({ folder: s.folder, emitter: node.emitter, providers: direct, startBlock: s.startBlock, finality: kFinality });
  const losers = await Promise.all(
    ["second", "third"].map((name) => runDaemon(t, { folder: s.folder, config, file: path.join(temporaryFolder(t, name), "config.yaml") })),
  );
  for (const loser of losers) {
    assert.notEqual(loser.code, 0);
    assert.match(loser.stderr, new RegExp(`in use by process ${s.daemon.pid}`));
  }
  await node.emit(log(5), log(6));
  await node.mine(kConfirmations);
  await s.agrees({ depth: kConfirmations, what: "by the one that won" });

  // A winner that stands still is no invitation: it may wake up again.
  s.daemon.kill("SIGSTOP");
  const another = await runDaemon(t, { folder: s.folder, config, file: path.join(temporaryFolder(t, "fourth"), "config.yaml") });
  s.daemon.kill("SIGCONT");
  assert.match(another.stderr, /in use by process/);
  await node.emit(log(7));
  await node.mine(kConfirmations);
  await s.agrees({ depth: kConfirmations });

  // And one that is dead is none.
  await s.daemon.killNow();
  await node.emit(log(8));
  await node.mine(kConfirmations);
  const next = await startOracle(t, node, { folder: s.folder, startBlock: s.startBlock, providers: direct, finality: kFinality });
  await next.agrees({ depth: kConfirmations });
  await next.daemon.stop();
});

for (const how of ["SIGTERM", "SIGKILL"]) {
  const end = async (s) => (how === "SIGTERM" ? s.daemon.stop() : s.daemon.killNow());

  test(`C4_restart_at_the_head (${how}): what was not final is done again, not twice`, async (t) => {
    const proxy = await startFaultProxy(t, node.url);
    const options = { providers: [{ name: "only", http: proxy.http }], finality: kFinality };
    const s = await startOracle(t, node, options);
    await node.emit(log(1), log(20));
    await node.mine(kConfirmations - 1);
    await s.atBlock(await node.emit(log(300)));
    await end(s);
    const asked = proxy.count(on.logs);
    const again = await startOracle(t, node, { ...options, folder: s.folder, startBlock: s.startBlock });
    await again.is("connected");
    await node.emit(log(4000));
    await node.mine(kConfirmations);
    const { amounts } = await again.agrees({ depth: kConfirmations });
    assert.deepEqual(amounts, [1, 20, 300, 4000]);
    // Cursor and data are one: a clean end leaves nothing to be read again, kill -9 at most what was not yet durable.
    if (how === "SIGTERM") assert.ok(proxy.count(on.logs) - asked <= 1 + kConfirmations, "only new blocks are read");
    assert.equal(Number((await again.source()).reorgs), 0);
    await again.daemon.stop();
  });

  test(`C4_restart_in_a_backfill (${how}): it goes on where it was`, async (t) => {
    const proxy = await startFaultProxy(t, node.url);
    proxy.set(faults.slow(30, on.range));
    const options = { providers: [{ name: "only", http: proxy.http }], startBlock: kPastStart, finality: kFinality, source: "range_max: 9" };
    const s = await startOracle(t, node, options);
    const reached = await waitFor("a part of the past is taken in", async () => {
      const block = Number((await s.source()).block);
      return block > kPastStart + 50 && block;
    });
    await end(s);
    const seen = proxy.count(on.range);
    proxy.set();
    const again = await startOracle(t, node, { ...options, folder: s.folder });
    await again.agrees({ depth: kConfirmations });
    const [first] = proxy.asked(on.range).slice(seen);
    assert.ok(Number(first.params[0].fromBlock) > kPastStart + (how === "SIGTERM" ? reached - kPastStart : 0), "it did not begin anew");
    await again.daemon.stop();
  });
}

for (const missed of [kLiveBlocksMax + kConfirmations - 1, kLiveBlocksMax + kConfirmations, kLiveBlocksMax + kConfirmations + 1, kLiveBlocksMax + kConfirmations + 2]) {
  test(`C6_resume_with_${missed}_blocks_missed: at the seam between ranges and single blocks nothing is lost or read twice`, async (t) => {
    const proxy = await startFaultProxy(t, node.url);
    const options = { providers: [{ name: "only", http: proxy.http }], finality: kFinality };
    const s = await startOracle(t, node, options);
    await s.atBlock(await node.emit(log(1)));
    await s.daemon.stop();
    const from = (await node.block()) + 1;
    for (let i = 0; i < missed; i++) await node.emit(log(i + 2));
    const seen = proxy.count(on.logs);
    const again = await startOracle(t, node, { ...options, folder: s.folder, startBlock: s.startBlock });
    await again.atBlock(from + missed - 1);
    const asked = proxy.asked(on.logs).slice(seen).map(({ params: [filter] }) => filter);
    const ranges = asked.filter((filter) => filter.fromBlock);
    const backfilled = ranges.reduce((sum, { fromBlock, toBlock }) => sum + Number(toBlock) - Number(fromBlock) + 1, 0);
    assert.equal(backfilled, missed > kLiveBlocksMax + kConfirmations ? missed - kConfirmations : 0);
    assert.equal(backfilled + asked.length - ranges.length, missed, "every block is read once");
    await again.agrees({ depth: kConfirmations });
    await again.daemon.stop();
  });
}

test("C7_what_was_not_believed_is_still_owed_after_a_crash", async (t) => {
  const proxy = await startFaultProxy(t, node.url);
  const options = { providers: [{ name: "only", http: proxy.http }], finality: kFinality };
  const s = await startOracle(t, node, options);
  await s.atBlock(await node.emit(log(1)));
  proxy.set(faults.emptyLogs()); // success, and no logs
  await node.emit(log(20), log(300));
  await node.mine(5);
  await s.errorOf("inconsistent");
  await s.daemon.killNow();
  await node.mine(kLiveBlocksMax + 20); // far behind the head when it comes back
  const again = await startOracle(t, node, { ...options, folder: s.folder, startBlock: s.startBlock });
  await again.errorOf("inconsistent"); // the provider has not changed
  await again.daemon.killNow();
  proxy.set();
  const last = await startOracle(t, node, { ...options, folder: s.folder, startBlock: s.startBlock });
  const { amounts } = await last.agrees({ depth: kConfirmations });
  assert.deepEqual(amounts, [1, 20, 300]);
  await last.daemon.stop();
});
