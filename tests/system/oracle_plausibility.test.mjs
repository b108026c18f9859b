// A sensor that no longer moves when its actuator does, in a real daemon: named, doubted, cleared.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchOf, connect, openIngest } from "./lib/clients.mjs";
import { pushConfig } from "./lib/configs.mjs";
import { metricOf, startDaemon } from "./lib/daemon.mjs";
import { startExecutor } from "./lib/executor.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

/// A daemon with a producer that sends `load` every 50 ms; 0.6 is above the set-point, so the rate rises by 2 a second
/// from 50 on, of a range of 80.
async function started(t, name, { answer } = {}) {
  const folder = temporaryFolder(t, name);
  const loop = "gains: {ki: 20/s}\n    plausibility: {moved: 5%, within: 2s, response: 0.1%}";
  const daemon = await startDaemon(t, { folder, config: pushConfig({ folder, loop }) });
  const executor = startExecutor(t, daemon.endpoint, answer ? { answer } : {});
  const stream = openIngest(connect(t, daemon.endpoint, "IngestService"));
  const control = connect(t, daemon.endpoint, "ControlService");
  const producer = { load: () => 0.6, feeding: true };
  let first = 0;
  const running = (async () => {
    while (producer.feeding) {
      await stream.send(batchOf({ first: ++first, values: [producer.load()] }));
      await new Promise((resolve) => setTimeout(resolve, 50)); // the producer's own pace
    }
  })();
  const stop = async () => {
    producer.feeding = false;
    await running;
    stream.close();
    await executor.close();
    await daemon.stop();
  };
  const reading = async () => (await control.ListMetrics()).metrics[0].reading;
  const rate = async () => Number((await control.ListParameters()).parameters[0].value);
  return { daemon, control, executor, producer, reading, rate, stop };
}

test("a source that repeats its value with a fresh time is unresponsive once its actuator has moved, and clears when it moves or a guardian says so", async (t) => {
  const { daemon, control, producer, reading, rate, stop } = await started(t, "frozen");
  const doubted = await waitFor("it is unresponsive", async () => {
    const r = await reading();
    return r.unresponsive && r;
  });
  assert.ok((await rate()) >= 54, "the rate has moved by a twentieth of its range");
  assert.equal(doubted.quality, "QUALITY_DEGRADED");
  assert.equal(doubted.authority, 0.25);
  assert.match(doubted.reason, /unresponsive: rate moved by .* of its range, acknowledged, and for 2.*s this stayed within 0.1% of 0.6/);
  assert.equal(await metricOf(daemon, "homeostat_metric_unresponsive", { metric: "load" }), 1);
  await waitFor("a decision says it", async () => {
    const { stdout } = await daemon.cli("explain", (await control.ListDecisions({})).decisions[0].id);
    return /reading degraded \(unresponsive: rate moved by/.test(stdout) && /authority 0\.25/.test(stdout);
  });
  assert.match((await daemon.cli("metrics")).stdout, /unresponsive: rate moved/);

  const cleared = await daemon.cli("guardian", "clear-halt", "load", "--reason", "it is the plant", "--yes");
  assert.equal(cleared.code, 0, cleared.stderr);
  await waitFor("a guardian's word clears it", async () => (await reading()).unresponsive === false);
  await waitFor("it still does not answer", async () => (await reading()).unresponsive === true);

  producer.load = () => 0.55;
  await waitFor("it clears when it moves", async () => {
    const r = await reading();
    return r.unresponsive === false && r.quality === "QUALITY_OK" && r.authority === 1;
  });
  assert.match(daemon.log(), /moves again: it is no longer unresponsive/);
  await stop();
});

test("an executor that rejects has moved nothing: a reading that stands still is not doubted", async (t) => {
  const { executor, reading, rate, stop } = await started(t, "rejected", { answer: () => ({ rejected: { reason: "paused on chain" } }) });
  await waitFor("it was refused for longer than the loop waits", () => executor.seen.length >= 6); // 200 ms, doubled each time
  assert.equal((await reading()).unresponsive, false);
  assert.equal(await rate(), 50);
  await stop();
});
