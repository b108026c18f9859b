// Chainlink feeds by the real daemon, against Chainlink's own contracts on a real node: what may be believed, what is
// refused and why, and that every refusal ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "./lib/clients.mjs";
import { chainlinkConfig, startChainlink } from "./lib/chainlink.mjs";
import { metricOf, startDaemon } from "./lib/daemon.mjs";
import { startWire } from "./lib/network.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

async function watched(t, world, options) {
  const folder = options.folder ?? temporaryFolder(t, "chainlink");
  const config = chainlinkConfig({ folder, providers: [{ name: "only", http: world.node.url }], ...options });
  const daemon = await startDaemon(t, { folder, config });
  const control = connect(t, daemon.endpoint, "ControlService");
  const of = (name, feed, more = {}) => metricOf(daemon, `homeostat_feed_${name}`, { source: "prices", feed, ...more });
  const source = async () => (await control.ListSources()).sources.find((s) => s.name === "prices");
  const reading = async (metric) => (await control.ListMetrics()).metrics.find((m) => m.name === metric).reading;
  const reads = (metric, value) =>
    waitFor(`${metric} reads ${value}`, async () => (await reading(metric)).value === value && (await of("usable", metric)) === 1);
  /// The feed gives no value, for this reason, and says so in the source's detail.
  async function refuses(feed, reason, detail) {
    await waitFor(`${feed} is refused: ${reason}`, async () => {
      const before = await of("refused_total", feed, { reason });
      return before > 0 && (await of("usable", feed)) === 0;
    });
    if (detail) await waitFor(`the source says ${detail}`, async () => detail.test((await source()).detail));
  }
  return { daemon, control, of, source, reading, reads, refuses };
}

test("V5 the age of an answer is that of its observation, however fresh its update", async (t) => {
  const world = await startChainlink(t);
  const flux = await world.flux();
  const proxy = await world.proxied(flux);
  const s = await watched(t, world, { feeds: { price: { address: proxy.address, heartbeat: "10m", keys: 'slack: 1m, decimals: 8, description: "TIP / USD"' } } });
  await s.refuses("price", "unreadable", /price: the call was reverted/); // no round yet: FluxAggregator reverts
  assert.equal((await s.source()).condition, "failing");

  await flux.submit(0, 1n, 300_000_000_000n);
  await world.pass(100);
  await flux.submit(1, 1n, 300_000_000_000n);
  await s.reads("price", 3000);
  assert.equal((await s.source()).condition, "connected");
  assert.equal(await s.of("age_seconds", "price"), 101, "counted from the first submission, not from the last");
  assert.equal(await s.of("phase", "price"), 1);
  assert.equal(await s.of("round", "price"), 1);
  const [, , startedAt] = await proxy.read("latestRoundData");
  assert.equal(await s.of("observed_timestamp_seconds", "price"), Number(startedAt));

  await world.pass(559); // 660 s: just inside heartbeat and slack
  await waitFor("it is read at 660 s", async () => (await s.of("age_seconds", "price")) === 660);
  assert.equal(await s.of("usable", "price"), 1);

  await flux.submit(2, 1n, 310_000_000_000n); // updatedAt is now; the round began 661 s ago
  const round = await proxy.read("latestRoundData");
  assert.equal(Number(round[3]), world.now());
  await s.refuses("price", "stale", /price: round 1 of phase 1 was observed 11m1s ago .* heartbeat is 10m, with 1m of slack/);
  assert.equal((await s.reading("price")).value, 3000, "what is refused never becomes a value");

  await flux.submit(0, 2n, 320_000_000_000n);
  await flux.submit(1, 2n, 320_000_000_000n);
  await s.reads("price", 3200);
  await s.daemon.stop();
});

test("V7 decimals are the feed's own; zero, negative, unknown, future and misdescribed answers are refused", async (t) => {
  const world = await startChainlink(t);
  const eight = await world.mock(8, 123_456_789n);
  const eighteen = await world.mock(18, 1_234_567_890_123_456_789n);
  const direct = await world.mock(6, 2_500_000n);
  const feeds = {
    eight: { address: (await world.proxied(eight)).address },
    eighteen: { address: (await world.proxied(eighteen)).address, keys: "decimals: 18" },
    direct: { address: direct.address },
    wrong_decimals: { address: eight.address, keys: "decimals: 18" },
    wrong_name: { address: eight.address, keys: 'description: "ETH / USD"' },
    nobody: { address: "0x00000000000000000000000000000000000000aa" },
  };
  const s = await watched(t, world, { feeds });
  await s.reads("eight", 1.23456789);
  await s.reads("eighteen", 1.2345678901234568);
  await s.reads("direct", 2.5);
  await s.refuses("wrong_decimals", "wrong_decimals");
  await s.refuses("wrong_name", "wrong_description");
  await s.refuses("nobody", "unreadable");
  assert.equal((await s.source()).condition, "connected", "the others are read all the same");
  assert.match((await s.source()).detail, /wrong_decimals: the feed has 8 decimals, configured are 18/);

  await eight.send("updateAnswer", [0n]);
  await s.refuses("eight", "not_positive", /eight: .* answers 0; a price is above 0/);
  await eight.send("updateAnswer", [-5n]);
  await waitFor("the negative one is read", async () => (await s.of("round", "eight")) === 3);
  assert.equal(await s.of("usable", "eight"), 0);
  await eight.send("updateAnswer", [200_000_000n]);
  await s.reads("eight", 2);

  const now = BigInt(world.now());
  await direct.send("updateRoundData", [9n, 3_000_000n, now + 1000n, now]);
  await s.refuses("direct", "in_future");
  await direct.send("updateRoundData", [10n, 3_000_000n, 0n, now]);
  await s.refuses("direct", "no_time");
  await direct.send("updateRoundData", [0n, 0n, 0n, 0n]);
  await s.refuses("direct", "no_round");
  await direct.send("updateRoundData", [11n, 3_000_000n, now, now]);
  await s.reads("direct", 3);
  await direct.send("updateRoundData", [8n, 3_100_000n, now, now]);
  await s.refuses("direct", "round_regressed");
  assert.equal((await s.reading("direct")).value, 3);
  await s.daemon.stop();
});

test("V9 an answer at the aggregator's minAnswer or maxAnswer is its bound, not a price", async (t) => {
  const world = await startChainlink(t);
  const ocr = await world.bounded(8, 100_000_000n, 10_000_000n, 500_000_000n);
  const flux = await world.flux({ min: 1000n, max: 2_000_000n, decimals: 6 });
  for (const oracle of [0, 1]) await flux.submit(oracle, 1n, 1_000_000n);
  const s = await watched(t, world, {
    feeds: { ocr: { address: (await world.proxied(ocr)).address }, flux: { address: (await world.proxied(flux)).address } },
  });
  await s.reads("ocr", 1);
  await s.reads("flux", 1);
  await ocr.send("updateAnswer", [10_000_000n]);
  await s.refuses("ocr", "pinned_min", /ocr: .* answers 10000000, at its aggregator's minAnswer 10000000/);
  await ocr.send("updateAnswer", [10_000_001n]);
  await s.reads("ocr", 0.10000001);
  await ocr.send("updateAnswer", [500_000_000n]);
  await s.refuses("ocr", "pinned_max", /maxAnswer 500000000/);
  for (const oracle of [0, 1]) await flux.submit(oracle, 2n, 1000n); // the least that it lets an oracle say
  await s.refuses("flux", "pinned_min");
  for (const oracle of [0, 1]) await flux.submit(oracle, 3n, 2_000_000n);
  await s.refuses("flux", "pinned_max");
  assert.equal((await s.source()).condition, "failing", "no feed of it gives a value");
  await s.daemon.stop();
});

test("a new aggregator behind the proxy is read anew and compared, not blindly taken", async (t) => {
  const world = await startChainlink(t);
  const first = await world.mock(8, 300_000_000_000n);
  const proxy = await world.proxied(first);
  const s = await watched(t, world, { feeds: { price: { address: proxy.address, keys: "phase_change_max: 5%" } } });
  await s.reads("price", 3000);

  const second = await world.bounded(18, 3_030n * 10n ** 18n, 10n ** 18n, 10n ** 24n);
  await proxy.replace(second);
  await s.reads("price", 3030);
  assert.equal(await s.of("phase", "price"), 2);
  assert.equal(await s.of("phase_changes_total", "price"), 1);
  await second.send("updateAnswer", [10n ** 18n]);
  await s.refuses("price", "pinned_min"); // the bounds are the new aggregator's
  await second.send("updateAnswer", [3_000n * 10n ** 18n]);
  await s.reads("price", 3000);

  const third = await world.mock(8, 400_000_000_000n);
  await proxy.replace(third);
  await s.refuses("price", "phase_jump", /of a new aggregator, answers 4000 after 3000; allowed is a change of 5 %/);
  await third.send("updateAnswer", [410_000_000_000n]);
  await waitFor("the second round is read", async () => (await s.of("round", "price")) === 2);
  assert.equal(await s.of("usable", "price"), 0);
  await third.send("updateAnswer", [405_000_000_000n]);
  await s.reads("price", 4050);
  await s.daemon.stop();
});

test("the last round believed outlives kill -9: a new aggregator that came meanwhile is compared with it", async (t) => {
  const world = await startChainlink(t);
  const proxy = await world.proxied(await world.mock(8, 300_000_000_000n));
  const options = { folder: temporaryFolder(t, "chainlink"), feeds: { price: { address: proxy.address, keys: "phase_change_max: 5%" } } };
  const before = await watched(t, world, options);
  await before.reads("price", 3000);
  await before.daemon.killNow();

  await proxy.replace(await world.mock(8, 400_000_000_000n));
  const after = await watched(t, world, options);
  await after.refuses("price", "phase_jump", /of a new aggregator, answers 4000 after 3000; allowed is a change of 5 %/);
  assert.equal((await after.reading("price")).value, 3000);
  await after.daemon.stop();
});

test("on an L2 nothing is believed while the sequencer is down, nor until its grace period is over", async (t) => {
  const world = await startChainlink(t);
  const price = await world.mock(8, 300_000_000_000n);
  const uptime = await world.sequencer();
  const s = await watched(t, world, {
    feeds: { price: { address: (await world.proxied(price)).address, heartbeat: "1d" } },
    source: `sequencer_uptime_feed: {address: "${uptime.address}", grace: 10m}`,
  });
  await s.refuses("price", "sequencer_unknown"); // not initialised yet
  await uptime.initialize();
  await s.refuses("price", "sequencer_grace", /price: the sequencer is up again for .*; its grace period is 10m/);
  await world.pass(600);
  const [, , startedAt] = await price.read("latestRoundData");
  await waitFor("it is read at that block", async () => (await s.of("age_seconds", "price")) === world.now() - Number(startedAt));
  assert.equal(await s.of("usable", "price"), 0, "the last second of the grace period is within it");
  await world.pass(1);
  await s.reads("price", 3000);

  await uptime.down();
  await s.refuses("price", "sequencer_down", /price: the sequencer is down for/);
  assert.equal((await s.source()).condition, "failing");
  await price.send("updateAnswer", [310_000_000_000n]);
  await world.pass(3600);
  assert.equal((await s.reading("price")).value, 3000);
  await uptime.up();
  await waitFor("it waits for the grace period again", async () => /up again/.test((await s.source()).detail));
  assert.equal((await s.reading("price")).value, 3000);
  await world.pass(601);
  await s.reads("price", 3100);
  await s.daemon.stop();
});

test("a provider that dies is replaced by the next; one of another chain is not believed", async (t) => {
  const world = await startChainlink(t);
  const aggregator = await world.mock(8, 300_000_000_000n);
  const proxy = await world.proxied(aggregator);
  const other = await startChainlink(t, { chainId: 999 });
  const [first, second] = [await startWire(t, world.node.port), await startWire(t, world.node.port)];
  const s = await watched(t, world, {
    feeds: { price: { address: proxy.address, heartbeat: "1d" } },
    providers: [{ name: "first", http: first.http }, { name: "second", http: second.http }],
  });
  await s.reads("price", 3000);
  await first.cut();
  await aggregator.send("updateAnswer", [301_000_000_000n]);
  await s.reads("price", 3010);
  assert.match((await s.source()).detail, /second/);

  await second.lead(other.node.port);
  await waitFor("it is of another chain", async () => /999/.test((await s.source()).detail));
  assert.equal(await s.of("usable", "price"), 0);
  await first.lead(world.node.port);
  await second.cut();
  await s.reads("price", 3010);
  await s.daemon.stop();
});

test("V5 a node whose newest block is old is not asked for prices", async (t) => {
  const world = await startChainlink(t);
  const proxy = await world.proxied(await world.mock(8, 300_000_000_000n));
  const folder = temporaryFolder(t, "chainlink");
  const config = chainlinkConfig({ folder, providers: [{ name: "frozen", http: world.node.url }], feeds: { price: { address: proxy.address } } });
  const daemon = await startDaemon(t, { folder, config: config.replace("head_age_max: 30d", "head_age_max: 1h") });
  const control = connect(t, daemon.endpoint, "ControlService");
  await waitFor("it says how old the block is", async () => /newest block \d+ is 1d.* old; allowed 1h/.test((await control.ListSources()).sources[0].detail));
  assert.equal(await metricOf(daemon, "homeostat_feed_usable", { feed: "price" }), 0);
  assert.ok((await metricOf(daemon, "homeostat_source_errors_total", { kind: "behind" })) > 0);
  await daemon.stop();
});

test("AnswerUpdated of an aggregator is an event like any other", async (t) => {
  const world = await startChainlink(t);
  const flux = await world.flux();
  for (const oracle of [0, 1]) await flux.submit(oracle, 1n, 300_000_000_000n);
  const sources = `  logs:
    kind: evm
    chain_id: 31337
    providers: [{name: only, http: "${world.node.url}"}]
    poll: 100ms
    finality: 0 confirmations
    contracts:
      aggregator:
        address: "${flux.address}"
        events:
          - event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)`;
  const metrics = `  answered: {event: AnswerUpdated, value: current, scale: 1e-8, unit: USD, min: 0, max: 1000000, staleness_max: 10d}`;
  const s = await watched(t, world, { feeds: { price: { address: (await world.proxied(flux)).address } }, sources, metrics });
  await s.reads("price", 3000);
  await waitFor("the event's value", async () => (await s.reading("answered")).value === 3000);
  for (const oracle of [0, 1]) await flux.submit(oracle, 2n, 305_000_000_000n);
  await waitFor("the next one", async () => (await s.reading("answered")).value === 3050);
  await s.reads("price", 3050);
  await s.daemon.stop();
});
