import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { keccak256, toHex } from "viem";
import { bytes32, kAdmin, makeWorld, named, refuses } from "./fixture.mjs";

const kRatio = bytes32("creator_viewer_ratio"); // 0 to 1000.000000, at most one report in 5 s

let w;
let clean;
before(async () => {
  w = await makeWorld();
  clean = await w.client.snapshot();
});
beforeEach(async () => {
  await w.client.revert({ id: clean });
  clean = await w.client.snapshot();
});
after(() => w.stop());

const report = (value, observedAt, metric = kRatio) => w.oracle.send(w.reporter, "report", metric, value, observedAt);

describe("StreamMetricsOracle", () => {
  it("answers with the last report, and refuses to answer before the first", async () => {
    await refuses(w.oracle.read("latest", kRatio), "NoReportYet", kRatio);
    const time = await w.now();
    const events = await report(167_600n, time);
    assert.deepEqual(named(events, "MetricReported"), [{ metric: kRatio, value: 167_600n, observedAt: time }]);
    assert.deepEqual(await w.oracle.read("latest", kRatio), [167_600n, time]);
  });

  it("refuses values outside the bounds", async () => {
    await refuses(report(1_000_000_001n, await w.now()), "OutOfBounds", kRatio, 1_000_000_001n, 0n, 1_000_000_000n);
  });

  it("refuses an observation that is not newer, or lies in the future", async () => {
    const time = await w.now();
    await report(1n, time);
    await w.pass(60);
    await refuses(report(2n, time), "NotNewer", kRatio, time, time);
    await refuses(report(2n, (await w.now()) + 100n), "FromTheFuture");
  });

  it("refuses a report that comes too soon after the last", async () => {
    await report(1n, (await w.now()) - 10n);
    await refuses(report(2n, await w.now()), "ReportedTooSoon");
    await w.pass(5);
    await report(2n, await w.now());
  });

  it("refuses unknown metrics, senders without the role, and bounds in the wrong order", async () => {
    await refuses(report(1n, await w.now(), bytes32("weather")), "UnknownMetric", bytes32("weather"));
    const role = keccak256(toHex("REPORTER_ROLE"));
    const byAdmin = w.oracle.send(kAdmin, "report", kRatio, 1n, await w.now());
    await refuses(byAdmin, "AccessControlUnauthorizedAccount", kAdmin, role);
    await refuses(w.oracle.send(kAdmin, "defineMetric", kRatio, 2n, 1n, 0), "InvalidBounds", kRatio, 2n, 1n);
  });

  it("knows the six metrics of the economy", async () => {
    assert.equal((await w.oracle.read("metricIds")).length, 6);
  });
});
