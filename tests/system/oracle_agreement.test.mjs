// Two providers, of which one lies in a way that it alone could not be caught at: nothing of it becomes final, and what
// was taken in is put right. The number at the beginning of a name is the one of the catalogue in tests/README.md. What
// is read is compared with what the node itself says was logged.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { log, startEmitter } from "./lib/emitter.mjs";
import { faults, on, startFaultProxy } from "./lib/fault_proxy.mjs";
import { startOracle } from "./lib/oracle.mjs";
import { waitFor } from "./lib/wait.mjs";

// Finality is two blocks behind the head.
const node = await startEmitter({ after }, { slots: 1 });
const kFinalAfter = 3;

const kFast = "pool: {probe_period: 100ms";

/// A daemon behind two proxies, honest so far. `pool` and `checks` are further keys; `final: true`: metrics count what is
/// final only.
async function begin(t, { pool = "", checks = "", final = false, alone = false, ...options } = {}) {
  const [first, second] = [await startFaultProxy(t, node.url), await startFaultProxy(t, node.url)];
  const providers = [{ name: "first", http: first.http }, { name: "second", http: second.http }].slice(0, alone ? 1 : 2);
  const source = `${kFast}${pool}}\n    ${checks}`;
  const s = await startOracle(t, node, { providers, source, metricFinality: final ? "finalized" : undefined, ...options });
  const settled = async () => Number((await s.source()).settled);
  const settles = (block) => waitFor(`block ${block} is settled`, async () => {
    const now = await s.source();
    if (Number(now.settled) >= block) return now;
    throw new Error(JSON.stringify(now));
  });
  /// Blocks until those of now are final to the node; then what is final must be read right.
  const makeFinal = async () => {
    const block = await node.block();
    await node.mine(kFinalAfter);
    return block;
  };
  return { ...s, first, second, providers, settled, settles, makeFinal };
}

/// The same bits as each other: the bloom filter of the block does not tell how many there are.
const twins = [log(10), log(20)];
const forged = { on: on.logs, tell: (logs) => logs?.map((one) => ({ ...one, data: `0x${(BigInt(one.data) + 5n).toString(16).padStart(64, "0")}` })) };

test("F6_providers_that_agree: what is final moves on, and the second one is asked little", async (t) => {
  const s = await begin(t, { final: true });
  await node.emit(log(1), log(2));
  await s.settles(await s.makeFinal());
  await s.agrees({ depth: 2, what: "when both agree" });
  const before = s.second.count("eth_getLogs");
  const head = await node.block();
  await node.mine(20);
  await s.settles(head + 18);
  assert.equal((await s.source()).condition, "connected");
  assert.equal(await s.counter("homeostat_source_disputes_total"), 0);
  assert.ok(s.second.count("eth_getLogs") > before, "it was asked");
  assert.ok(s.second.count("eth_getLogs") - before <= 22, "at most once for each time that finality moved");
  await s.daemon.stop();
});

for (const [name, fault] of Object.entries({ F2_last_log_missing_whose_bits_others_set: faults.partialLogs(), F3_logs_with_other_amounts: forged })) {
  test(`${name}: never final, taken back, and read from the other`, async (t) => {
    const s = await begin(t);
    await node.emit(log(1000));
    await s.settles(await s.makeFinal());
    s.first.set(fault);
    await node.emit(...twins);
    await waitFor("it is taken in as it was told", async () => (await s.counted()).sum !== 1000 && s.first.struck() > 0);
    await s.settles(await s.makeFinal());
    await s.agrees({ what: "although the first provider lied" });
    assert.equal((await s.source()).condition, "connected");
    assert.ok((await s.counter("homeostat_source_disputes_total")) > 0);
    assert.equal(await s.counter("homeostat_provider_state", { provider: "first", state: "distrusted" }), 1);
    // It goes on lying, and finality goes on without it.
    const block = await node.emit(...twins, log(7));
    await s.makeFinal();
    await s.settles(block);
    await s.agrees({ what: "while it goes on lying" });
    await s.daemon.stop();
  });

  test(`${name}: of the second provider it is found out without harm`, async (t) => {
    const s = await begin(t, { final: true });
    await node.emit(log(1000));
    await s.settles(await s.makeFinal());
    s.second.set(fault);
    await node.emit(...twins);
    await s.settles(await s.makeFinal());
    await s.agrees({ depth: 2, what: "although the second provider lies" });
    assert.equal(Number((await s.source()).reorgs), 0, "nothing had to be taken back");
    assert.equal(await s.counter("homeostat_provider_state", { provider: "second", state: "distrusted" }), 1);
    await s.daemon.stop();
  });
}

test("F2_last_log_missing_whose_bits_others_set: alone with check_receipts always it is not believed", async (t) => {
  const s = await begin(t, { alone: true, checks: "check_receipts: always" });
  await node.emit(log(1000));
  await s.agrees();
  s.first.set(faults.partialLogs());
  const block = await node.emit(...twins);
  const { detail } = await s.is("failing");
  assert.match(detail, /receipts/);
  assert.ok(Number((await s.source()).block) < block);
  s.first.set();
  await s.agrees({ what: "when it is honest again" });
  await s.is("connected");
  await s.daemon.stop();
});

test("F2_last_log_missing_whose_bits_others_set: receipts one by one, of providers that do not give those of a block", async (t) => {
  const s = await begin(t);
  const unknown = faults.rpcError({ code: -32601, message: "the method eth_getBlockReceipts does not exist" }, ({ method }) => method === "eth_getBlockReceipts");
  s.first.set(faults.partialLogs(), unknown);
  s.second.set(unknown);
  await node.emit(...twins);
  await s.settles(await s.makeFinal());
  await s.agrees({ what: "with receipts one by one" });
  assert.ok(s.second.count("eth_getTransactionReceipt") + s.first.count("eth_getTransactionReceipt") > 0);
  await s.daemon.stop();
});

test("F2_a_lie_in_the_journal: is found out after kill -9 too", async (t) => {
  const s = await begin(t);
  s.first.set(faults.partialLogs());
  s.second.set(faults.dropped());
  const block = await node.emit(...twins);
  await s.atBlock(block);
  await s.daemon.killNow();
  s.second.set();
  s.first.set();
  const again = await startOracle(t, node, { folder: s.folder, providers: s.providers, startBlock: s.startBlock, source: `${kFast}}` });
  await s.makeFinal();
  await waitFor("it is settled", async () => Number((await again.source()).settled) >= block);
  await again.agrees({ what: "although the journal had it otherwise" });
  await again.daemon.stop();
});

test("F6_who_is_right_cannot_be_told: nothing becomes final, it is said, and it ends when they agree", async (t) => {
  const s = await begin(t, { checks: "check_receipts: off" });
  await node.emit(log(1000));
  await s.settles(await s.makeFinal());
  s.first.set(forged);
  const block = await node.emit(...twins);
  await s.makeFinal();
  const { detail } = await s.is("disputed");
  assert.match(detail, new RegExp(`second.*block ${block}`));
  await waitFor("what rests on it has less authority", async () => Number((await s.reading("tipped")).authority) < 1);
  await node.mine(5);
  await s.ticks(5);
  assert.ok((await s.settled()) < block, "the disputed block is not final");
  assert.ok((await s.counter("homeostat_source_disputes_total")) > 0);
  s.first.set();
  await s.settles(block);
  await s.is("connected");
  await s.agrees({ what: "when they agree again" });
  await s.daemon.stop();
});

test("R9_one_height_two_hashes_both_called_final: a dispute until one of them returns", async (t) => {
  const s = await begin(t);
  await node.emit(log(1000));
  const common = await s.makeFinal();
  await s.settles(common);
  const other = await node.fork();
  s.second.lead(other.url);
  const fork = await node.emit(log(1));
  await other.emit(log(2));
  await node.mine(6);
  await other.mine(6);
  const { detail } = await s.is("disputed");
  assert.match(detail, /another hash/);
  await node.mine(3);
  await s.ticks(5);
  assert.ok((await s.settled()) < fork, "nothing of it becomes final meanwhile");
  s.second.lead(node.url);
  await s.settles(await s.makeFinal());
  await s.is("connected");
  await s.agrees({ what: "of the chain that both now have" });
  await s.daemon.stop();
});

test("F7_the_only_other_provider_is_away: readings go on, finality waits and says for whom", async (t) => {
  const s = await begin(t);
  s.second.set(faults.dropped());
  await node.emit(log(1000));
  const block = await s.makeFinal();
  await s.agrees({ what: "at the head" });
  const { condition } = await waitFor("it says why", async () => {
    const now = await s.source();
    return /finality is held.*second/.test(now.detail) && now;
  });
  assert.equal(condition, "connected");
  assert.ok((await s.settled()) < block);
  s.second.set();
  await s.settles(block);
  await waitFor("it says so no more", async () => !/held/.test((await s.source()).detail));
  await s.daemon.stop();
});

test("F7_the_only_other_provider_is_away: with agreement 1 nobody waits for it", async (t) => {
  const s = await begin(t, { pool: ", agreement: 1" });
  s.second.set(faults.dropped());
  await node.emit(log(1000));
  await s.settles(await s.makeFinal());
  await s.daemon.stop();
});

test("R15_finalized_too_early: one provider's word makes nothing final that the other does not call so", async (t) => {
  const s = await begin(t, { final: true });
  s.first.set(faults.tagAt("finalized", (head) => head));
  const block = await node.emit(log(1000));
  await s.atBlock(block);
  await s.ticks(5);
  assert.ok((await s.settled()) < block, "its own head");
  await node.mine(kFinalAfter);
  await s.settles(block);
  await s.daemon.stop();
});
