// Event time in a real daemon: late samples, a clock that is ahead, and health that is "the watermark advances".
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchOf, connect, openIngest } from "./lib/clients.mjs";
import { pushConfig } from "./lib/configs.mjs";
import { metricOf, startDaemon } from "./lib/daemon.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

const seconds = (timestamp) => Number(timestamp.seconds) + Number(timestamp.nanos) / 1e9;

async function started(t, name, settings) {
  const folder = temporaryFolder(t, name);
  const daemon = await startDaemon(t, { folder, config: pushConfig({ folder, ...settings }) });
  const control = connect(t, daemon.endpoint, "ControlService");
  const stream = openIngest(connect(t, daemon.endpoint, "IngestService"));
  let sequence = 0;
  const send = (values, atMs, source = "app") => {
    const first = sequence + 1;
    sequence += values.length;
    return stream.send(batchOf({ source, first, values, atMs }));
  };
  return { daemon, control, stream, send, source: async () => (await control.ListSources()).sources[0], metric: async () => (await control.ListMetrics()).metrics[0] };
}

test("late samples: within allowed_lateness each lands in its own bucket, beyond it each is refused by name and counted", async (t) => {
  const { daemon, control, send, stream, source, metric } = await started(t, "late", {
    source: "kind: push, rate: 1000000/s, allowed_lateness: 20s",
    metric: "aggregate: sum, window: 1h, coverage_min: 0%, staleness_max: 10m",
  });
  const now = Date.now();
  assert.equal((await send([0.25], now)).accepted, 1);
  assert.equal((await send([0.125], now - 19_000)).accepted, 1);
  const late = await send([0.5, 0.0625], now - 21_000);
  assert.deepEqual(late.refused.map((v) => v.reason), ["late", "late"]);
  assert.match(late.refused[0].message, /is before the watermark .*20s behind the newest is allowed/);
  const reading = await waitFor("both are in the reading", async () => {
    const { reading } = await metric();
    return reading.count === "2" && reading;
  });
  assert.equal(reading.value, 0.375);
  assert.ok(Math.abs(seconds(reading.watermark) - (now - 20_000) / 1000) < 0.001, "complete up to 20 s before the newest");
  const s = await source();
  assert.equal(s.refused.late, "2");
  assert.equal(s.late_accepted, "1");
  assert.ok(Math.abs(seconds(s.watermark) - (now - 20_000) / 1000) < 0.001);
  assert.equal(await metricOf(daemon, "homeostat_source_refused_total", { source: "app", reason: "late" }), 2);
  assert.equal(await metricOf(daemon, "homeostat_source_late_accepted_total", { source: "app" }), 1);
  await waitFor("a decision says it", async () => {
    const { decisions } = await control.ListDecisions({});
    return decisions.length > 0 && /complete up to 20/.test((await daemon.cli("explain", decisions[0].id)).stdout);
  });
  stream.close();
  await daemon.stop();
});

test("a source with a clock ahead: what it says in the future is refused, its skew is measured, and it is told from one that is right", async (t) => {
  const { daemon, send, stream, source } = await started(t, "skew", { source: "kind: push, rate: 1000000/s, skew_max: 2s", metric: "staleness_max: 10m, future_max: 1m" });
  for (let i = 0; i < 6; ++i) await send([0.5]);
  await waitFor("some skew is measured", async () => (await metricOf(daemon, "homeostat_source_skew_seconds", { source: "app", percentile: "50" })) < 0);
  assert.equal((await source()).skewed, false);
  for (let i = 0; i < 20; ++i) await send([0.5], Date.now() + 30_000);
  const far = await send([0.5], Date.now() + 120_000);
  assert.deepEqual(far.refused.map((v) => v.reason), ["in_future"]);
  await waitFor("it is flagged", async () => (await metricOf(daemon, "homeostat_source_skewed", { source: "app" })) === 1);
  const s = await source();
  const skew = Number(s.skew.seconds) + s.skew.nanos / 1e9;
  assert.ok(skew > 29 && skew < 31, `${skew} s ahead`);
  assert.match((await daemon.cli("sources")).stdout, /ahead/);
  stream.close();
  await daemon.stop();
});

test("health is that the watermark advances: it says so while it does, and names the source when it is cut", async (t) => {
  const { daemon, control, send, stream, source } = await started(t, "stall", { metric: "staleness_max: 3s" });
  let feeding = true;
  const feeder = (async () => {
    while (feeding) {
      await send([0.5]);
      await new Promise((resolve) => setTimeout(resolve, 50)); // the producer's own pace
    }
  })();
  const first = await waitFor("the watermark is there", async () => {
    const status = await control.GetStatus();
    return status.watermark && status;
  });
  assert.equal(first.healthy, true);
  await waitFor("it advances", async () => seconds((await control.GetStatus()).watermark) > seconds(first.watermark) + 0.5);
  const healthy = await daemon.get("/healthz");
  assert.equal(healthy.status, 200);
  assert.match(healthy.text, /^ok: the watermark advances: complete up to 20/);
  assert.equal(await metricOf(daemon, "homeostat_healthy"), 1);

  feeding = false;
  await feeder;
  const cut = Date.now();
  const sick = await waitFor("health says so", async () => {
    const page = await daemon.get("/healthz");
    return page.status === 503 && page;
  });
  assert.ok(Date.now() - cut > 2500, "not before it is late");
  assert.match(sick.text, /^not healthy: the watermark of load has not moved for .*allowed 3s.*held by app \(newest 20/);
  const status = await control.GetStatus();
  assert.equal(status.healthy, false);
  assert.match(status.health, /held by app/);
  assert.match((await daemon.cli("status")).stdout, /UNHEALTHY +the watermark of load/);
  assert.equal((await source()).idle, true);
  assert.equal(await metricOf(daemon, "homeostat_healthy"), 0);
  assert.equal(await metricOf(daemon, "homeostat_source_idle", { source: "app" }), 1);
  assert.ok((await metricOf(daemon, "homeostat_watermark_lag_seconds")) > 2.5);
  assert.equal((await daemon.get("/readyz")).status, 200, "it serves: a producer must be able to come back");
  assert.equal((await daemon.get("/livez")).status, 200);

  await send([0.5]);
  await waitFor("it is healthy again by itself", async () => (await daemon.get("/healthz")).status === 200);
  assert.equal((await source()).idle, false);
  stream.close();
  await daemon.stop();
});
