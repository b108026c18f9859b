// Providers that are wrong, each in its own way, between a real node and a real daemon. The number at the beginning of a
// name is the one of the catalogue in tests/README.md. A lie must cost time at most: what is read is compared with
// what the honest node says was logged, and questions are counted, for retries burn somebody's quota.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { log, startEmitter } from "./lib/emitter.mjs";
import { faults, on, startFaultProxy } from "./lib/fault_proxy.mjs";
import { askedMore, startOracle } from "./lib/oracle.mjs";
import { waitFor } from "./lib/wait.mjs";

// One node for the whole file; every test begins with a daemon and a proxy of its own.
const node = await startEmitter({ after }, { slots: 32 });

/// A daemon at the head, behind a proxy that is honest so far, and one behind it if `spare`.
async function begin(t, { spare = false, ...options } = {}) {
  const proxy = await startFaultProxy(t, node.url);
  const providers = [{ name: "first", http: proxy.http, ws: options.ws ? proxy.ws : undefined }];
  if (spare) providers.push({ name: "spare", http: node.url });
  const s = await startOracle(t, node, { providers, ...options });
  await node.emit(log(1000));
  await s.agrees({ what: "while all is well" });
  return { ...s, proxy };
}

/// Blocks with tips while the faults are in force: with a spare provider the readings go on.
async function liesBesideAnHonestOne(t, list, { kinds }) {
  const s = await begin(t, { spare: true });
  s.proxy.set(...list);
  await node.emit(log(1), log(20), log(300, { viewer: 77 }));
  await node.mine(1);
  await node.emit(log(4000), log(4000, { viewer: 78 }));
  await s.agrees({ what: "although the first provider lies" });
  assert.ok(s.proxy.struck() > 0, "it was asked, and lied");
  const errors = await s.errors();
  assert.ok(kinds.some((kind) => errors[kind] > 0), `${kinds}: ${JSON.stringify(errors)}`);
  const { condition, accepted } = await s.source();
  assert.equal(condition, "connected");
  assert.equal(Number(accepted), 6, "every log once");
  await s.daemon.stop();
}

/// The same with nobody to turn to: nothing is believed, the source says why, and all is made up for afterwards.
async function liesAlone(t, list, { kinds, detail }) {
  const s = await begin(t);
  s.proxy.set(...list);
  const block = await node.emit(log(1), log(20), log(300, { viewer: 77 }));
  await node.mine(1);
  const { condition, detail: words } = await waitFor("the source is failing", async () => {
    const now = await s.source();
    return now.condition === "failing" && now;
  });
  assert.equal(condition, "failing");
  if (detail) assert.match(words, detail);
  await s.ticks(5);
  assert.ok(Number((await s.source()).block) < block, "the block that cannot be right was not taken in");
  assert.equal((await s.counted()).sum, 1000);
  s.proxy.set();
  await s.is("connected");
  await s.agrees({ what: "when it is honest again" });
  const errors = await s.errors();
  assert.ok(kinds.some((kind) => errors[kind] > 0), `${kinds}: ${JSON.stringify(errors)}`);
  await s.daemon.stop();
}

const lies = {
  F1_success_with_empty_logs: { list: [faults.emptyLogs()], kinds: ["inconsistent"], detail: /bloom/ },
  F2_partial_logs_the_first_missing: { list: [faults.partialLogs({ pick: () => 0 })], kinds: ["inconsistent"], detail: /log 0 .*missing/ },
  F2_partial_logs_the_last_missing: { list: [faults.partialLogs()], kinds: ["inconsistent"], detail: /bloom/ },
  F3_logs_with_a_wrong_block_hash: { list: [faults.wrongBlockHash()], kinds: ["inconsistent"], detail: /hash/ },
  F3_logs_with_a_wrong_block_number: { list: [faults.wrongBlockNumber()], kinds: ["inconsistent"], detail: /block/ },
  F3_logs_with_a_zero_block_hash: { list: [faults.zeroBlockHash()], kinds: ["inconsistent"], detail: /hash/ },
  F3_duplicate_log_in_one_reply: { list: [faults.duplicateLog()], kinds: ["inconsistent"], detail: /twice/ },
  F3_two_logs_with_one_index: { list: [faults.duplicateLog((l) => ({ ...l, data: `0x${"00".repeat(31)}07` }))], kinds: ["inconsistent"], detail: /twice/ },
  F3_logs_marked_as_removed: { list: [faults.removedLogs()], kinds: ["bad_reply"], detail: /removed/ },
  F11_null_blocks: { list: [faults.nullBlock(on.tag("latest"))], kinds: ["inconsistent"], detail: /no latest block/ },
  F11_blocks_without_a_hash: { list: [faults.missingHash(), faults.nullHash()].map((f) => ({ ...f, on: on.block })), kinds: ["bad_reply"], detail: /hash/ },
  F11_blocks_with_a_negative_number: { list: [faults.negativeNumber()], kinds: ["bad_reply"], detail: /number/ },
};
for (const [name, { list, ...expected }] of Object.entries(lies)) {
  test(`${name}: the honest provider beside it is believed`, (t) => liesBesideAnHonestOne(t, list, expected));
  test(`${name}: alone it is not believed, and made up for`, (t) => liesAlone(t, list, expected));
}

// Blocks by number are asked for only when the head is more than one ahead: here it always is.
for (const [name, fault] of Object.entries({ F11_null_block_below_the_head: faults.nullBlock(), F11_block_number_mismatch: faults.numberMismatch() })) {
  test(`${name}: not believed, and made up for`, async (t) => {
    const s = await begin(t);
    s.proxy.set(fault);
    await node.rpc.batch([["anvil_mine", ["0x3", "0x1"]]]);
    await s.errorOf("inconsistent");
    await node.emit(log(1), log(20));
    await s.is("failing");
    s.proxy.set();
    await s.agrees();
    await s.is("connected");
    await s.daemon.stop();
  });
}

for (const [name, fault] of Object.entries({ "a foreign transaction index": faults.wrongTransactionIndex(), "the zero transaction hash of zkSync": faults.zeroTransactionHash() })) {
  test(`F3_logs_with ${name}: what nothing depends on does no harm`, async (t) => {
    const s = await begin(t);
    s.proxy.set(fault);
    await node.emit(log(1), log(20), log(300));
    await s.agrees();
    assert.ok(s.proxy.struck() > 0);
    assert.equal((await s.source()).condition, "connected");
    await s.daemon.stop();
  });
}

test("F5_slow_answers: a deadline that is missed costs that provider its turn, not the readings", async (t) => {
  const s = await begin(t, { spare: true });
  s.proxy.set(faults.slow(3000));
  await node.emit(log(1), log(20));
  await s.agrees({ what: "although the first provider is slower than the deadline" });
  assert.ok((await s.errors()).timed_out > 0);
  await s.daemon.stop();
});

// ------------------------------------------------------------------------------------------------------------
// Who answers.

test("F9_wrong_chain_id_after_a_reconnect: not believed; believed when it is right again", async (t) => {
  const other = await startEmitter(t, { chainId: 999 });
  const s = await begin(t);
  await other.mine((await node.block()) + 50);
  s.proxy.lead(other.url);
  const wrong = await s.is("wrong_chain");
  assert.match(wrong.detail, /999.*31337/);
  await node.emit(log(1), log(20));
  await s.ticks(5);
  assert.equal((await s.counted()).sum, 1000, "nothing of the other chain");
  s.proxy.lead(node.url);
  await s.is("connected");
  await s.agrees();
  assert.ok((await s.errors()).wrong_chain > 0);
  await s.daemon.stop();
});

test("F9_the_wrong_chain_beside_the_right_one costs nothing", async (t) => {
  const s = await begin(t, { spare: true });
  s.proxy.set(faults.chainId(5));
  await node.emit(log(1), log(20));
  await s.agrees();
  assert.equal((await s.source()).condition, "connected");
  assert.ok((await s.errors()).wrong_chain > 0);
  await s.daemon.stop();
});

test("F9_a_proxy_before_two_chains: whichever answers, nothing of the other one is taken in", async (t) => {
  const other = await startEmitter(t, { chainId: 999, slots: 32 });
  const s = await begin(t);
  await other.emit(log(7_000_000));
  await other.mine((await node.block()) + 200);
  // A load balancer with a wrong member: half of the exchanges in which blocks are asked for go there as a whole.
  let exchange = 0;
  let count = 0;
  const strays = (question) => {
    if (on.numbered(question) && exchange !== s.proxy.exchanges()) {
      exchange = s.proxy.exchanges();
      count += 1;
    }
    return exchange === s.proxy.exchanges() && (Math.imul(count, 0x9e3779b1) >>> 30) % 2 === 0;
  };
  s.proxy.set(faults.equivocating(other.url, strays));
  for (let i = 0; i < 6; ++i) {
    await node.emit(log(10 ** i));
    await node.mine(2); // several at once, so that headers are asked for by number
    await node.reorg(2);
    await s.agrees({ what: "of our chain" });
  }
  assert.ok((await s.errors()).wrong_chain > 0, JSON.stringify(await s.errors()));
  assert.notEqual((await s.source()).condition, "violated");
  s.proxy.set();
  await s.is("connected");
  await s.agrees();
  await s.daemon.stop();
});

test("F9_a_node_that_is_syncing: asked last while it is far behind, and first again when it has caught up", async (t) => {
  const s = await begin(t, { spare: true, source: "pool: {probe_period: 100ms, probes_good: 2, behind_max: 5}" });
  const stateOfFirst = async () => (await s.counter("homeostat_provider_state", { provider: "first", state: "behind" }));
  await node.mine(30);
  await s.agrees();
  // What it says of itself is not asked: its head shows it, and the blocks that it has no receipts of yet are not empty.
  s.proxy.set(faults.syncing(), faults.lagging(20), faults.emptyLogs());
  await node.emit(log(1), log(20));
  await s.agrees({ what: "although the first provider is syncing" });
  await waitFor("it is behind", async () => (await stateOfFirst()) === 1);
  assert.equal((await s.source()).reorgs, "0", "an older head is no reorg");
  s.proxy.set();
  await waitFor("it has caught up", async () => (await stateOfFirst()) === 0);
  const asked = s.proxy.count("eth_getLogs");
  await node.emit(log(300));
  await s.agrees();
  assert.ok(s.proxy.count("eth_getLogs") > asked, "it is used again");
  await s.daemon.stop();
});

test("F7_failover_to_a_node_that_lags: it is waited for, nothing is taken back", async (t) => {
  const s = await begin(t);
  await node.emit(log(1));
  await node.emit(log(20));
  await s.agrees();
  const before = await s.source();
  s.proxy.set(faults.lagging(5));
  await askedMore(s.proxy, 10, on.tag("latest"));
  assert.equal((await s.source()).block, before.block);
  assert.equal((await s.source()).reorgs, "0");
  assert.equal((await s.source()).condition, "connected", "a head that does not move yet is no failure");
  await node.emit(log(300));
  await node.mine(6); // what lies 5 behind now is ahead of what was known
  const head = (await node.block()) - 5;
  await s.atBlock(head);
  await s.agrees({ to: head, what: "as far as the lagging node sees" });
  s.proxy.set();
  await s.agrees();
  assert.equal((await s.source()).reorgs, "0");
  await s.daemon.stop();
});

test("F7_finalized_ahead_of_the_head: counted no further than there are blocks", async (t) => {
  const proxy = await startFaultProxy(t, node.url);
  proxy.set(faults.tagAt("finalized", (head) => head + 5), faults.tagAt("safe", (head) => head + 9));
  const s = await startOracle(t, node, { providers: [{ name: "first", http: proxy.http }], metricFinality: "finalized" });
  await node.emit(log(1), log(20));
  await node.emit(log(300));
  await s.atBlock(await node.block());
  await s.ticks(3);
  assert.equal((await s.source()).condition, "connected");
  assert.ok(Number((await s.source()).block) <= (await node.block()));
  assert.ok([0, 321].includes((await s.counted()).sum), "all that is there, or nothing, but nothing twice");
  await node.reorg(2); // of blocks that only the lie made final
  await waitFor("the reorg is followed", async () => Number((await s.source()).reorgs) === 1);
  assert.equal((await s.source()).condition, "connected");
  proxy.set();
  await node.mine(70);
  await s.agrees({ depth: 64 });
  await s.daemon.stop();
});

test("R15_finalized_goes_backwards: what was final stays so", async (t) => {
  const proxy = await startFaultProxy(t, node.url);
  const s = await startOracle(t, node, { providers: [{ name: "first", http: proxy.http }], metricFinality: "finalized" });
  proxy.set(faults.tagAt("finalized", (head) => head - 1));
  await node.emit(log(1), log(20));
  await node.mine(3);
  // What was called final may be older than the head it came with, and with one provider it is told with the next block.
  const head = await node.block();
  await waitFor("the daemon is at the head", async () => Number((await s.source()).block) === head);
  await node.mine(1);
  await s.agrees();
  proxy.set(faults.tagAt("finalized", () => 1));
  await askedMore(proxy, 2, on.tag("finalized"));  // what was under way has arrived
  const { finalized } = await s.source();
  await node.emit(log(300));
  await askedMore(proxy, 6, on.tag("finalized"));
  assert.equal((await s.source()).finalized, finalized);
  assert.equal((await s.counted()).sum, 21, "what comes now waits for finality to move on");
  proxy.set(faults.tagAt("finalized", (head) => head));
  await node.mine(1);
  await s.agrees();
  assert.equal((await s.source()).condition, "connected");
  await s.daemon.stop();
});
