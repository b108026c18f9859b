// A long past, read in ranges from providers that refuse, fail and lie. The number at the beginning of a name is the one
// of the catalogue in tests/README.md. What is read is compared with what the node says was logged, and questions are
// counted: a range that was refused is not asked again, and a retry does not burn somebody's quota.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { log, startEmitter } from "./lib/emitter.mjs";
import { dialects, faults, on, startFaultProxy } from "./lib/fault_proxy.mjs";
import { assertNone, startOracle } from "./lib/oracle.mjs";
import { waitFor } from "./lib/wait.mjs";

/// What is so many blocks deep is read in ranges; nearer to the head block by block.
const kConfirmations = 4;
const kFinality = `${kConfirmations} confirmations`;
/// Blocks of the past that a backfill has to read, with a few tips in every seventh.
const kPast = 300;

const node = await startEmitter({ after }, { slots: 32 });
await node.mine(3);
const kPastStart = 1 + (await node.block());
for (let number = kPastStart; number <= kPastStart + kPast; number += 7) {
  await node.emit(log(number), log(1), log(2));
  await node.mine(6);
}

/// A daemon that has the past to read, through a provider with these faults from the beginning.
async function backfill(t, list, options = {}) {
  const proxy = await startFaultProxy(t, node.url);
  proxy.set(...(typeof list === "function" ? list(proxy) : list));
  const s = await startOracle(t, node, { providers: [{ name: "first", http: proxy.http }], startBlock: kPastStart, finality: kFinality, ...options });
  return { ...s, proxy, ranges: () => proxy.asked(on.range).map(({ params: [{ fromBlock, toBlock }] }) => [Number(fromBlock), Number(toBlock)]) };
}
const width = ([from, to]) => to - from + 1;

for (const dialect of dialects) {
  test(`F4_too_many_results in the dialect of ${dialect}: the range shrinks until it fits, and no further`, async (t) => {
    const kFits = 11;
    const s = await backfill(t, [faults.tooManyResults(dialect, kFits)]);
    await s.agrees({ depth: kConfirmations });
    const ranges = s.ranges();
    const refused = ranges.filter((range) => width(range) > kFits);
    assert.ok(refused.length > 0, "it was refused");
    assert.equal(new Set(refused.map(String)).size, refused.length, "what was refused is not asked again");
    assert.ok(width(ranges.at(-1)) >= 2, "it did not shrink to nothing");
    assert.ok(ranges.length < kPast, `${ranges.length} questions for ${kPast} blocks in ranges of ${kFits}`);
    const { condition } = await s.source();
    assert.equal(condition, "connected");
    assertNone(await s.errors(), "rpc_error", "inconsistent");
    await s.daemon.stop();
  });
}

test("F4_a_single_block_is_refused: said so, without a storm, and made up for", async (t) => {
  const s = await backfill(t, [faults.tooManyResults("geth", 0)]);
  const failing = await s.is("failing");
  assert.match(failing.detail, /10000 results/);
  await waitFor("it asks for single blocks", () => s.ranges().filter((range) => width(range) === 1).length >= 2);
  const before = s.proxy.count(on.range);
  const began = Date.now();
  await s.ticks(10);
  const perSecond = (s.proxy.count(on.range) - before) / ((Date.now() - began) / 1000);
  // backoff_max is 200 ms, shortened by up to a quarter.
  assert.ok(perSecond < 8, `${perSecond} questions a second`);
  s.proxy.set();
  await s.agrees({ depth: kConfirmations });
  await s.is("connected");
  await s.daemon.stop();
});

const unrelated = {
  "a JSON-RPC error": faults.rpcError({ code: -32000, message: "missing trie node" }, on.range),
  "an internal error": faults.rpcError({ code: -32603, message: "Internal error" }, on.range),
  "HTTP 500 with JSON": faults.httpStatus(500, { on: on.range, text: '{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"oops"}}' }),
  "HTTP 503 without JSON": faults.httpStatus(503, { on: on.range, text: "<html>Service Unavailable</html>" }),
  "HTTP 429 with JSON": faults.httpStatus(429, { on: on.range, text: '{"jsonrpc":"2.0","id":null,"error":{"code":429,"message":"rate limit exceeded"}}' }),
  "HTTP 429 without JSON": faults.httpStatus(429, { on: on.range, text: "slow down" }),
  "a reply that breaks off": faults.truncated(on.range),
  "half a JSON": faults.halfJson(on.range),
  "a dropped connection": faults.dropped(on.range),
};
for (const [name, fault] of Object.entries(unrelated)) {
  test(`F5_unrelated_error (${name}): tried again with the same range, without a storm`, async (t) => {
    const s = await backfill(t, [fault]);
    await waitFor("it is tried some times", () => s.proxy.count(on.range) >= 4);
    const before = s.proxy.exchanges();
    const began = Date.now();
    await s.ticks(10);
    const perSecond = (s.proxy.exchanges() - before) / ((Date.now() - began) / 1000);
    // Three exchanges or four a try (heads, contracts, the range's ends, its logs), a try every 150 ms at the soonest.
    assert.ok(perSecond < 30, `${perSecond} exchanges a second`);
    const ranges = s.ranges();
    assert.deepEqual([...new Set(ranges.map(String))], [String(ranges[0])], "the range is what it was");
    assert.equal((await s.source()).condition, "failing");
    s.proxy.set();
    await s.agrees({ depth: kConfirmations });
    assert.equal((await s.errors()).range_too_wide ?? 0, 0);
    await s.is("connected");
    await s.daemon.stop();
  });
}

// Lies about the past: found out by every block's header, its link and its bloom filter.
const pastLies = {
  F1_empty_logs_for_a_range: [faults.emptyLogs()],
  F1_empty_logs_for_a_range_but_not_for_a_block: [{ ...faults.emptyLogs(), on: on.range }],
  F2_a_whole_block_of_logs_left_out_of_a_range: [{ ...faults.emptyLogs(), on: on.range, tell: (logs) => logs.filter((l) => l.blockNumber !== logs[0].blockNumber) }],
  F3_logs_of_a_range_with_a_wrong_block_hash: [{ ...faults.wrongBlockHash(), on: on.range }],
  F3_duplicate_log_in_a_range: [{ ...faults.duplicateLog(), on: on.range }],
  F11_null_blocks_in_a_range: [faults.nullBlock()],
  F11_block_number_mismatch_in_a_range: [faults.numberMismatch()],
};
for (const [name, list] of Object.entries(pastLies)) {
  test(`${name}: not believed, and made up for`, async (t) => {
    const s = await backfill(t, list);
    await s.errorOf("inconsistent");
    await s.is("failing");
    await s.ticks(3);
    const { block } = await s.source();
    const { sum } = await node.truth({ from: kPastStart, to: Math.max(Number(block), kPastStart) });
    assert.equal((await s.counted()).sum, Number(block) === 0 ? 0 : sum, "nothing is taken in that is not complete");
    s.proxy.set();
    await s.agrees({ depth: kConfirmations });
    await s.is("connected");
    await s.daemon.stop();
  });
}

test("R17_linkage_breaks_in_the_middle_of_a_range: what comes before is delivered, what comes after is not", async (t) => {
  const breaks = kPastStart + 100;
  const s = await backfill(t, [faults.brokenLink(breaks)]);
  await s.atBlock(breaks - 1);
  await s.is("failing");
  await s.agrees({ to: breaks - 1 - kConfirmations, what: "up to the break" });
  s.proxy.set();
  await s.agrees({ depth: kConfirmations });
  await s.is("connected");
  await s.daemon.stop();
});

test("F6_the_chain_changes_between_two_looks_at_a_range: the range is not believed", async (t) => {
  const other = await node.fork();
  await other.emit(log(5_000_000), log(6_000_000));
  await other.mine(90); // so deep that it is read in ranges
  await node.mine(91);
  // Every third exchange is answered by the fork, so that ends, logs and headers of one range come from both.
  const s = await backfill(t, (proxy) => [faults.equivocating(other.url, () => proxy.exchanges() % 3 === 2)]);
  await waitFor("the fork was asked", () => s.proxy.struck() > 5);
  await s.ticks(10);
  assert.ok((await s.counted()).sum < 5_000_000, "nothing of the fork beside what is not the fork's");
  s.proxy.set();
  await s.agrees({ depth: kConfirmations });
  await s.is("connected");
  await s.daemon.stop();
});
