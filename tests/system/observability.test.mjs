// What an operator looks at: a real Prometheus scrapes the daemon that runs the streaming economy, and every query of
// every panel, annotation and alert has an answer.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parseMetrics } from "./lib/daemon.mjs";
import { root, temporaryFolder } from "./lib/paths.mjs";
import { runProcess } from "./lib/process.mjs";
import { startPrometheus } from "./lib/prometheus.mjs";
import { startStreaming } from "./lib/streaming.mjs";
import { waitFor } from "./lib/wait.mjs";

const promtool = process.env.PROMTOOL ?? "promtool";
const dashboardFolder = path.join(root, "grafana/dashboards");
const dashboards = readdirSync(dashboardFolder).map((name) => JSON.parse(readFileSync(path.join(dashboardFolder, name), "utf8")));
const alerts = readFileSync(path.join(root, "deploy/prometheus/alerts.yml"), "utf8");

/// Exported for people and scripts who ask for them by name; on no dashboard and in no alert, each for a reason.
const kOnNoDashboard = {
  homeostat_build_info: "the variables job and instance are made of it; its labels are looked up",
  homeostat_start_time_seconds: "process_start_time_seconds in seconds of our own clock; for scripts",
  homeostat_ready: "the probe /readyz is what acts on it",
  homeostat_epoch: "for an executor's refusals, compared by hand",
  homeostat_config_last_reload_success_timestamp_seconds: "when, beside the alert that says that",
  homeostat_policy_info: "the digest, joined by hand",
  homeostat_mode_causes: "how many; `homeostat status` names them",
  homeostat_ticks_total: "homeostat_last_tick_age_seconds is what is looked at",
  homeostat_missed_slots_total: "explains a gap, looked up when there is one",
  homeostat_last_tick_timestamp_seconds: "for a dead man's switch outside",
  homeostat_decisions_total: "adjustments are what is drawn",
  homeostat_source_reorgs_total: "explains a retraction, looked up when there is one",
  homeostat_source_segments_refused_total: "explains a resync, looked up when there is one",
  homeostat_source_requests_total: "a provider's bill",
  homeostat_source_errors_total: "by kind, beside the alert on the source's condition",
  homeostat_source_logs_total: "throughput of a backfill",
  homeostat_source_request_seconds: "a provider's latency, looked up when it is slow",
  homeostat_journal_durable_sequence: "compared by hand with a backup's",
  homeostat_journal_commits_total: "inputs per commit, for tuning",
  homeostat_journal_queue_bytes: "homeostat_queue_pressure_ratio is what is drawn",
  homeostat_journal_snapshot_timestamp_seconds: "how long a recovery would take, looked up before a restart",
  homeostat_queue_items: "homeostat_queue_pressure_ratio is what is drawn",
  homeostat_queue_bytes: "homeostat_queue_pressure_ratio is what is drawn",
  homeostat_queue_refused_total: "beside the alert on the queue",
  homeostat_rpc_streams: "beside homeostat_executors",
  homeostat_rpc_slow_clients_total: "explains a client's complaint",
  homeostat_ingest_overloaded_total: "beside the alert on the queue",
};

/// Only there is a source of a kind that the streaming economy has none of; who sees to it that they are exported.
const kElsewhere = { homeostat_feed_: "chainlink.test.mjs", homeostat_shadow_: "shadow.test.mjs" };
const isElsewhere = (name) => Object.keys(kElsewhere).some((prefix) => name.startsWith(prefix));

/// A query as Grafana would send it, with everything selected.
function expanded(expr) {
  const values = { __rate_interval: "15s", job: ".+", instance: ".+", loop: ".+", parameter: ".+" };
  const query = expr.replace(/\$(\w+)|\$\{(\w+)\}/g, (whole, a, b) => values[a ?? b] ?? whole);
  assert.doesNotMatch(query, /\$/, `a variable is left in ${query}`);
  return query;
}
const panelsOf = (dashboard) => dashboard.panels.filter((panel) => panel.type !== "row");
const metricNames = (text) => new Set(text.match(/\bhomeostat_[a-z0-9_]+/g));

test("grafana/build.mjs writes exactly the dashboards that are committed", async (t) => {
  const folder = temporaryFolder(t, "dashboards");
  const built = await runProcess(t, process.execPath, [path.join(root, "grafana/build.mjs"), folder]);
  assert.equal(built.code, 0, built.stderr);
  assert.deepEqual(readdirSync(folder).sort(), readdirSync(dashboardFolder).sort());
  for (const name of readdirSync(folder)) {
    assert.equal(readFileSync(path.join(folder, name), "utf8"), readFileSync(path.join(dashboardFolder, name), "utf8"), name);
  }
});

test("a real Prometheus finds an answer to every query of every panel, annotation and alert", async (t) => {
  const s = await startStreaming(t);
  const begin = Date.now();
  const prometheus = await startPrometheus(t, new URL(s.daemon.url).host);
  await waitFor("the daemon is scraped", async () => (await prometheus.query('up{job="homeostat"} == 1')).length === 1);
  await waitFor("an adjustment is applied", async () => (await prometheus.query('sum(homeostat_adjustments_total{state="applied"}) > 0')).length === 1);

  // What annotations show has to happen.
  const order = async (...args) => {
    const result = await s.daemon.cli("guardian", ...args, "--yes", "--reason", "for the test");
    assert.equal(result.code, 0, result.stderr);
  };
  await order("pause", "quality_threshold", "--for", "10m");
  await order("emergency", "on");
  await waitFor("the emergency is scraped", async () => (await prometheus.query('homeostat_mode{mode="emergency"} == 1')).length === 1);
  await order("emergency", "off");
  const text = readFileSync(s.daemon.configFile, "utf8");
  writeFileSync(s.daemon.configFile, text.replace("gains: {kp: 6, ", "gains: {kp: 6.5, "));
  const reload = await s.daemon.cli("reload");
  assert.equal(reload.code, 0, reload.stderr);
  await waitFor("the new generation is scraped", async () => (await prometheus.query("homeostat_policy_generation > 1")).length === 1);

  const seconds = () => Math.ceil((Date.now() - begin) / 1000) + 5;
  for (const dashboard of dashboards) {
    await t.test(`panels of ${dashboard.title}`, async () => {
      for (const panel of panelsOf(dashboard)) {
        for (const { expr, refId } of panel.targets) {
          if ([...metricNames(expr)].every(isElsewhere)) continue;
          const query = expanded(expr);
          await waitFor(`"${panel.title}" ${refId} has data: ${query}`, async () => (await prometheus.query(query)).some(({ value }) => !Number.isNaN(Number(value[1]))), { timeoutMs: 30_000, pollMs: 500 });
        }
      }
    });
    await t.test(`annotations of ${dashboard.title}`, async () => {
      for (const { name, expr } of dashboard.annotations.list) {
        const query = expanded(expr);
        await waitFor(`"${name}": ${query}`, async () => (await prometheus.range(query, seconds())).length > 0, { timeoutMs: 30_000, pollMs: 500 });
      }
    });
    await t.test(`variables of ${dashboard.title}`, async () => {
      for (const variable of dashboard.templating.list.filter((v) => v.type === "query")) {
        const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(variable.definition);
        const series = await prometheus.query(`count by (${label}) (${expanded(selector)})`);
        assert.ok(series.length > 0 && series.every(({ metric }) => metric[label]), variable.name);
      }
    });
  }

  await t.test("every alert is loaded and evaluated without an error", async () => {
    const named = [...alerts.matchAll(/- alert: (\w+)/g)].map((m) => m[1]);
    const rules = await waitFor("all rules are evaluated", async () => {
      const all = await prometheus.rules();
      return all.every((rule) => rule.health !== "unknown") && all;
    });
    assert.deepEqual(rules.map((rule) => rule.name), named);
    for (const rule of rules) assert.equal(rule.health, "ok", `${rule.name}: ${rule.lastError}`);
    const runbook = readFileSync(path.join(root, "docs/runbook.md"), "utf8");
    for (const name of named) assert.ok(runbook.includes(`## ${name}\n`), `the runbook has a section on ${name}`);
  });

  await t.test("promtool finds nothing wrong with /metrics", async () => {
    const { text: page } = await s.daemon.get("/metrics");
    const file = path.join(s.folder, "metrics.txt");
    writeFileSync(file, page);
    const checked = await runProcess(t, "sh", ["-c", `"$0" check metrics < "$1"`, promtool, file]);
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  });

  await t.test("what is looked at is exported, and what is exported is looked at or excused", async () => {
    const { text: page } = await s.daemon.get("/metrics");
    const exported = new Set(parseMetrics(page).map((m) => m.name).filter((name) => name.startsWith("homeostat_")));
    const queries = dashboards.flatMap((d) => [...panelsOf(d).flatMap((p) => p.targets.map((x) => x.expr)), ...d.annotations.list.map((a) => a.expr)]);
    const used = new Set([...metricNames(queries.join("\n")), ...metricNames(alerts)]);
    const list = (set) => [...set].sort();
    assert.deepEqual(list(used).filter((name) => !exported.has(name) && !isElsewhere(name)), [], "used but not exported");
    assert.deepEqual(list(exported).filter((name) => !used.has(name) && !kOnNoDashboard[name]), [], "exported, on no dashboard, without a reason");
    assert.deepEqual(Object.keys(kOnNoDashboard).filter((name) => used.has(name) || !exported.has(name)), [], "excused for nothing");
  });
  await s.daemon.stop();
});
