// Reorganisations of a real chain under a real daemon. The number at the beginning of a name is the one of the catalogue
// in tests/README.md. What is read is compared with what the node itself says was logged, so that an event that is lost,
// kept from an orphaned block, or counted twice shows.
//
//   ORACLE_SEED  of the random walk (default: printed, from the clock)      ORACLE_STEPS  its length (default 25)
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { log, startEmitter } from "./lib/emitter.mjs";
import { faults, on, startFaultProxy } from "./lib/fault_proxy.mjs";
import { askedMore, startOracle } from "./lib/oracle.mjs";
import { makeRandom } from "./lib/random.mjs";
import { waitFor } from "./lib/wait.mjs";

const seed = Number(process.env.ORACLE_SEED ?? Date.now() % 1_000_000);
const steps = Number(process.env.ORACLE_STEPS ?? 25);

/// An epoch of 16 slots: what is 32 blocks deep is finalized, what is 16 deep is safe.
const kSlots = 16;
const kFinalDepth = 2 * kSlots;

// One node for the whole file; every test begins behind the head that it finds, with a daemon and a proxy of its own.
const node = await startEmitter({ after }, { slots: kSlots });

async function begin(t, options = {}) {
  await node.mine(kFinalDepth + 2); // no reorganisation here reaches into another test
  const proxy = await startFaultProxy(t, node.url);
  const s = await startOracle(t, node, { providers: [{ name: "only", http: proxy.http, ws: proxy.ws }], ...options });
  await node.mine(3);
  await s.atBlock(await node.block());
  return { ...s, proxy };
}

for (const finality of ["4 confirmations", "latest"]) {
  const depth = Number.parseInt(finality, 10) || 0;

  test(`R1_single_block_reorg_replaces_its_log (${finality})`, async (t) => {
    const s = await begin(t, { finality });
    await node.emit(log(5));
    await s.atBlock(await node.emit(log(100)));
    if (depth === 0) await s.agrees({ what: "before" });
    await node.reorg(1, { 0: log(7) });
    await node.mine(depth + 1);
    const { amounts } = await s.agrees({ depth });
    assert.deepEqual(amounts, [5, 7], "the orphaned log is gone, its successor is there");
    const { reorgs, condition } = await s.source();
    assert.equal(Number(reorgs), 1);
    assert.equal(condition, "connected");
    await s.daemon.stop();
  });

  test(`R2_reorg_and_back_to_the_chain_that_was (${finality})`, async (t) => {
    const s = await begin(t, { finality });
    await node.emit(log(1));
    const other = await node.fork();
    await s.atBlock(await node.emit(log(20)));
    await s.atBlock(await node.emit(log(30)));
    await other.emit(log(40));
    await other.mine(2);
    s.proxy.lead(other.url);
    await s.atBlock(await other.block());
    s.proxy.lead(node.url); // the blocks that were orphaned, and new ones on top
    await node.mine(2);
    await s.atBlock(await node.block());
    await node.mine(depth + 1);
    const { amounts } = await s.agrees({ depth });
    assert.deepEqual(amounts, [1, 20, 30]);
    assert.equal(Number((await s.source()).reorgs), 2);
    await s.daemon.stop();
  });

  test(`R7_tip_shrinks_then_grows (${finality})`, async (t) => {
    const s = await begin(t, { finality });
    await node.emit(log(1));
    await node.emit(log(2));
    await s.atBlock(await node.emit(log(4)));
    await node.rollback(2);
    await askedMore(s.proxy, 4, on.tag("latest")); // it sees the shorter chain and waits
    assert.equal((await s.source()).condition, "connected", "a chain that is shorter for a moment is no failure");
    await node.emit(log(8));
    await askedMore(s.proxy, 4, on.tag("latest")); // still shorter than what was taken in
    await node.emit(log(16));
    await node.emit(log(32));
    await node.mine(depth + 1);
    const { amounts } = await s.agrees({ depth });
    assert.deepEqual(amounts, [1, 8, 16, 32]);
    assert.equal((await s.source()).condition, "connected");
    await s.daemon.stop();
  });

  test(`R12_reorg_without_a_matching_log_on_a_sparse_chain (${finality})`, async (t) => {
    const s = await begin(t, { finality });
    await node.emit(log(3));
    await node.mine(5);
    await s.atBlock(await node.block());
    const old = await node.hash(await node.block());
    await node.reorg(4, { 1: log(1, { event: "Upload" }) }); // which nobody watches
    assert.notEqual(await node.hash(await node.block()), old);
    await node.mine(1);
    await s.atBlock(await node.block());
    assert.equal(Number((await s.source()).reorgs), 1, "it was followed although nothing was logged");
    await node.mine(20); // heads that no poll saw one by one
    await node.emit(log(5));
    await node.mine(depth + 1);
    const { amounts } = await s.agrees({ depth });
    assert.deepEqual(amounts, [3, 5]);
    await s.daemon.stop();
  });

  test(`R3_random_walk_of_blocks_and_reorgs_up_to_finality (${finality}, seed ${seed})`, async (t) => {
    const random = makeRandom(seed);
    const draw = (n) => Math.floor(random() * n);
    const s = await begin(t, { finality });
    await node.mine(kFinalDepth); // so that the deepest reorganisation stays behind the first block
    let amount = 1;
    for (let step = 0; step < steps; step++) {
      const what = draw(4);
      if (what === 0) await node.mine(1 + draw(8));
      else if (what === 1) await node.emit(...Array.from({ length: 1 + draw(5) }, () => log(amount++)));
      else {
        // Not into what a metric has counted for good, nor into what is finalized.
        const deepest = Math.min(depth > 0 ? depth : kFinalDepth - 1, kFinalDepth - 1);
        const reach = step === steps - 1 ? deepest : 1 + draw(deepest);
        const at = {};
        for (let i = 0; i < reach; i++) if (draw(3) === 0) at[i] = [log(amount++), log(amount++)];
        await s.atBlock(await node.block());
        await node.reorg(reach, at);
        if (depth > 0) await node.mine(1);
      }
      if (what !== 1) await node.mine(1);
      await s.agrees({ depth, what: `after step ${step} of seed ${seed}` });
    }
    assert.equal((await s.source()).condition, "connected");
    t.diagnostic(`${(await s.source()).reorgs} reorganisations followed, ${(await s.counted()).count} tips`);
    await s.daemon.stop();
  });
}

test("R6_reorg_while_down_that_finality_has_passed", async (t) => {
  const s = await begin(t, { finality: "4 confirmations" });
  await node.emit(log(1));
  await node.mine(5);
  await node.emit(log(10));
  await s.atBlock(await node.emit(log(20)));
  await s.daemon.stop();
  await node.reorg(3, { 1: log(2) });
  await node.emit(log(4));
  await node.mine(kFinalDepth + 8); // all of it is finalized before anybody looks
  const again = await startOracle(t, node, { folder: s.folder, startBlock: s.startBlock, finality: "4 confirmations", providers: [{ name: "only", http: node.url }] });
  const { amounts } = await again.agrees({ depth: 4 });
  assert.deepEqual(amounts, [1, 2, 4]);
  const { condition, reorgs } = await again.source();
  assert.equal(condition, "connected");
  assert.equal(Number(reorgs), 1);
  await again.daemon.stop();
});

test("R9_two_hashes_at_one_height_through_two_providers: one wins, and the loser's logs never stay", async (t) => {
  await node.mine(kFinalDepth + 2);
  await node.emit(log(1));
  const other = await node.fork();
  const [first, second] = [await startFaultProxy(t, node.url), await startFaultProxy(t, other.url)];
  const providers = [{ name: "first", http: first.http }, { name: "second", http: second.http }];
  const source = "pool: {failures_max: 1, probes_good: 1, probe_period: 100ms}";
  const s = await startOracle(t, node, { providers, finality: "8 confirmations", source });
  // Now the one is away, now the other, each with blocks of its own at the same heights.
  for (let round = 0; round < 3; round++) {
    const [up, down, its] = round % 2 === 0 ? [second, first, other] : [first, second, node];
    down.set(faults.dropped());
    up.set();
    await Promise.all([node.emit(log(10 + round)), other.emit(log(1000 + round))]);
    await its.mine(1); // so that its branch is the longer one
    await s.atBlock(await its.block());
    assert.equal((await s.source()).block_hash, await its.hash(await its.block()));
  }
  // The network settles on the first's view: the second comes over to it.
  await node.mine(9);
  second.lead(node.url);
  first.set();
  const { amounts } = await s.agrees({ depth: 8 });
  assert.deepEqual(amounts, [10, 11, 12]);
  assert.ok(Number((await s.source()).reorgs) >= 2);
  assert.equal((await s.source()).condition, "connected");
  await s.daemon.stop();
});

test("R10_reorg_during_a_reorg: forks back to back, the second while the first is being read", async (t) => {
  const s = await begin(t, { finality: "16 confirmations" });
  for (let i = 0; i < 8; i++) await node.emit(log(1 + i));
  await s.atBlock(await node.block());
  s.proxy.set(faults.slow(40)); // so that each reading takes longer than the next fork
  for (let round = 0; round < 5; round++) {
    await node.reorg(7 - round, { 0: log(100 + round), 2: log(200 + round) });
    await askedMore(s.proxy, 1 + round, on.block); // in the middle of it
  }
  s.proxy.set();
  await node.mine(17);
  await s.agrees({ depth: 16 });
  assert.equal((await s.source()).condition, "connected");
  await s.daemon.stop();
});

test("R13_reorg_of_one_chain_of_two: the other chain's data does not notice", async (t) => {
  const other = await startEmitter(t, { chainId: 777, slots: kSlots });
  await other.mine(5);
  await node.mine(kFinalDepth + 2);
  const start = 1 + (await other.block());
  const sources = `  second:
    kind: evm
    chain_id: 777
    providers: [{name: b, http: "${other.url}"}]
    start_block: ${start}
    poll: 50ms
    finality: 4 confirmations
    contracts:
      noter: {address: "${other.emitter}", events: ["event Noted(address indexed from, address indexed to, uint256 amount)"]}`;
  const kNoted = "event Noted(address indexed from, address indexed to, uint256 amount)";
  const metrics = "  noted: {event: Noted, aggregate: sum, value: amount, window: 30d, coverage_min: 0%, staleness_max: 1d, unit: notes, min: 0, max: 1e15}";
  const s = await startOracle(t, node, { providers: [{ name: "a", http: node.url }], finality: "4 confirmations", sources, metrics });
  for (let i = 0; i < 5; i++) {
    await node.emit(log(1 + i));
    await other.emit(log(100 + i, { event: kNoted }));
  }
  await other.mine(4);
  await s.atBlock(await node.block());
  await node.reorg(4, { 1: log(50) });
  await node.mine(5);
  await s.agrees({ depth: 4 });
  await waitFor("the other chain is read", async () => Number((await s.source("second")).block) === (await other.block()));
  await s.ticks(2);
  assert.equal((await s.reading("noted")).value, 510);
  const second = await s.source("second");
  assert.equal(Number(second.reorgs), 0);
  assert.equal(Number(second.accepted), 5);
  assert.equal(Number((await s.source()).reorgs), 1);

  // And one that is away for good does not hold up the other.
  await other.stop();
  await waitFor("the second chain fails", async () => (await s.source("second")).condition === "failing");
  await node.emit(log(7));
  await node.mine(4);
  await s.agrees({ depth: 4 });
  assert.equal((await s.source()).condition, "connected");
  await s.daemon.stop();
});

test("R14_a_fork_disjoint_from_all_that_is_known: a clear error, nothing taken in, and back to work on the right chain", async (t) => {
  const s = await begin(t, { finality: "4 confirmations" });
  await node.emit(log(1));
  await node.mine(5);
  await s.agrees({ depth: 4 });
  const stranger = await startEmitter(t, { slots: kSlots }); // the same chain id, not one block in common
  await stranger.mine((await node.block()) + 20);
  await stranger.emit(log(1000));
  const before = await s.source();
  s.proxy.lead(stranger.url);
  const now = await s.is("violated");
  assert.match(now.detail, /none of the \d+ blocks remembered/);
  await s.ticks(5);
  assert.equal((await s.source()).block, before.block);
  assert.equal((await s.source()).accepted, before.accepted);
  s.proxy.lead(node.url);
  await node.emit(log(20));
  await node.mine(5);
  await s.agrees({ depth: 4 });
  await s.is("connected");
  await s.daemon.stop();
});

test("R14_a_guardian_accepts_a_disjoint_chain: it is read anew from the start block", async (t) => {
  const s = await begin(t, { finality: "4 confirmations" });
  await node.emit(log(1));
  await node.mine(5);
  await s.agrees({ depth: 4 });
  const stranger = await startEmitter(t, { slots: kSlots });
  await stranger.mine((await node.block()) + 20);
  await stranger.emit(log(1000), log(2000));
  await stranger.mine(5);
  s.proxy.lead(stranger.url);
  await s.is("violated");
  const order = await s.daemon.cli("guardian", "clear-halt", "chain", "--reason", "it is this chain now", "--yes");
  assert.equal(order.code, 0, order.stderr);
  await waitFor("the other chain is read", async () => {
    const now = await s.counted();
    if (now.count !== 2 || now.sum !== 3000) throw new Error(`${JSON.stringify(now)} ${JSON.stringify(await s.source())}`);
    return true;
  });
  assert.equal((await s.source()).condition, "connected");
  await s.daemon.stop();
});

/// The source has latched: its readings are halted, what was known stays known.
async function isLatched(s, before) {
  const now = await s.is("violated");
  await waitFor("the readings are halted", async () => (await s.counted()).quality === "QUALITY_HALTED");
  assert.equal(now.block, before.block, "nothing is taken back and nothing is taken in");
  return now;
}

test("R4_reorg_deeper_than_finality_latches: R5_nothing_transient_clears_it, and a rewind does, without loss", async (t) => {
  const s = await begin(t, { finality: "4 confirmations" });
  await node.emit(log(1));
  const other = await node.fork();
  await node.emit(log(20));
  await node.mine(kFinalDepth + 4);
  await s.agrees({ depth: 4 });
  const before = await s.atBlock(await node.block());
  // The other branch is longer, and leaves this one below what is final here.
  await other.emit(log(4000));
  await other.mine(kFinalDepth + 30);
  s.proxy.lead(other.url);
  const latched = await isLatched(s, before);
  assert.match(latched.detail, /final/);

  // What is refused again and again is asked for at the pace of a failure, not as fast as it goes.
  const asked = s.proxy.exchanges();
  const began = Date.now();
  await s.ticks(15);
  const perSecond = (s.proxy.exchanges() - asked) / ((Date.now() - began) / 1000);
  assert.ok(perSecond < 40, `${perSecond} exchanges a second while latched`);

  // An error, a lagging node, an older head, silence: none of them is the chain coming back.
  for (const [name, fault] of Object.entries({
    "a transient error": faults.rpcError({ code: -32000, message: "header not found" }, on.block),
    "HTTP 503": faults.httpStatus(503, { text: "" }),
    "a lagging node": faults.lagging(6),
    "an older head": faults.lagging(kFinalDepth + 8),
    "logs without a block": faults.emptyLogs(),
  })) {
    s.proxy.set(fault);
    await askedMore(s.proxy, 6, on.everything);
    await s.ticks(3);
    const now = await s.source();
    assert.equal(now.condition, "violated", `after ${name}`);
    assert.deepEqual(now.since, latched.since, `latched all the time, ${name} notwithstanding`);
    assert.equal((await s.counted()).quality, "QUALITY_HALTED", `after ${name}`);
    s.proxy.set();
    await askedMore(s.proxy, 3, on.everything);
    await s.ticks(2);
    const later = await s.source();
    assert.equal(later.condition, "violated", `when ${name} is over`);
    assert.deepEqual(later.since, latched.since, `latched all the time, ${name} notwithstanding`);
  }

  // The chain comes back to what was final, and grows.
  s.proxy.lead(node.url);
  await node.emit(log(300));
  await node.mine(5);
  await s.is("connected");
  const { amounts } = await s.agrees({ depth: 4 });
  assert.deepEqual(amounts, [1, 20, 300]);
  await waitFor("the readings are used again", async () => (await s.counted()).quality !== "QUALITY_HALTED");
  await s.daemon.stop();
});
