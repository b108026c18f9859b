#!/usr/bin/env node
// Builds the dashboards: `node grafana/build.mjs` writes grafana/dashboards/*.json. They are committed, so that
// Grafana can be pointed at the folder; the test fails when they are not what this program writes.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const datasource = { type: "prometheus", uid: "${datasource}" };
const selector = 'job=~"$job",instance=~"$instance"';

/// In expressions `{@}` stands for the job and instance selector, `{@,x="y"}` for more labels beside it.
const expand = (expr) => expr.replaceAll("{@", `{${selector}`);

const thresholds = (...steps) => ({
  mode: "absolute",
  steps: steps.map(([value, color]) => ({ value, color })),
});
const good = "green", fair = "orange", poor = "red", plain = "blue";

function target(expr, legendFormat = "", extra = {}) {
  return { datasource, expr: expand(expr), legendFormat, refId: "A", range: true, ...extra };
}
function withIds(targets) {
  return targets.map((t, i) => ({ ...t, refId: String.fromCharCode(65 + i) }));
}

const stat = (title, description, expr, { unit = "none", steps = thresholds([null, plain]), mappings = [], legend = "", decimals, text = "value" } = {}) => ({
  type: "stat", title, description, datasource, w: 3, h: 4,
  targets: withIds([target(expr, legend, { instant: true, range: false })]),
  fieldConfig: { defaults: { unit, thresholds: steps, mappings, decimals, noValue: "no data" }, overrides: [] },
  options: { reduceOptions: { calcs: ["lastNotNull"] }, colorMode: "background", graphMode: "none", textMode: text },
});
const lines = (title, description, targets, { unit = "none", w = 12, h = 8, steps, min, stack = false, decimals } = {}) => ({
  type: "timeseries", title, description, datasource, w, h,
  targets: withIds(targets),
  fieldConfig: {
    defaults: {
      unit, min, decimals, noValue: "no data",
      thresholds: steps ?? thresholds([null, good]),
      custom: {
        lineWidth: 1, fillOpacity: stack ? 30 : 6, showPoints: "never", spanNulls: false,
        stacking: { mode: stack ? "normal" : "none" }, thresholdsStyle: { mode: steps ? "line" : "off" },
      },
    },
    overrides: [],
  },
  options: { legend: { displayMode: "table", placement: "right", calcs: ["lastNotNull"] }, tooltip: { mode: "multi", sort: "desc" } },
});
const table = (title, description, expr, { w = 12, h = 8, columns }) => ({
  type: "table", title, description, datasource, w, h,
  targets: withIds([target(expr, "", { instant: true, range: false, format: "table" })]),
  fieldConfig: { defaults: { noValue: "no data" }, overrides: [] },
  options: { showHeader: true },
  transformations: [{ id: "organize", options: { excludeByName: { Time: true, __name__: true, job: true, instance: true }, renameByName: columns } }],
});
const row = (title) => ({ type: "row", title, w: 24, h: 1, collapsed: false, panels: [] });

/// Lays panels out left to right, top to bottom, on Grafana's grid of 24 columns.
function layout(panels) {
  let x = 0, y = 0, high = 0;
  return panels.map(({ w, h, ...panel }, i) => {
    if (x + w > 24) { x = 0; y += high; high = 0; }
    const placed = { id: i + 1, gridPos: { x, y, w, h }, ...panel };
    x += w; high = Math.max(high, h);
    return placed;
  });
}

const variable = (name, query) => ({
  name, type: "query", datasource, query: { query, refId: name }, definition: query, refresh: 2, includeAll: true, multi: true,
  allValue: ".+", current: { text: "All", value: "$__all" }, sort: 1,
});
const annotation = (name, expr, iconColor, titleFormat, textFormat) => ({
  name, datasource, enable: true, iconColor, expr: expand(expr), step: "15s", titleFormat, textFormat,
});

function dashboard(uid, title, description, panels, extraVariables = []) {
  return {
    uid, title, description, tags: ["homeostat"], schemaVersion: 39, version: 1, editable: false, refresh: "5s",
    time: { from: "now-30m", to: "now" }, timezone: "utc", graphTooltip: 1,
    links: [{ type: "dashboards", tags: ["homeostat"], title: "Homeostat", asDropdown: true, keepTime: true, includeVars: true }],
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus", label: "Data source", current: {} },
        variable("job", "label_values(homeostat_build_info, job)"),
        variable("instance", 'label_values(homeostat_build_info{job=~"$job"}, instance)'),
        ...extraVariables,
      ],
    },
    annotations: {
      list: [
        annotation("Guardian actions", 'changes(homeostat_guardian_commands_total{@,verdict="accepted"}[15s]) > 0', "purple", "Guardian", "a guardian command was accepted"),
        annotation("Emergency", 'homeostat_mode{@,mode="emergency"} == 1', "red", "Emergency", "emergency mode"),
        annotation("New configuration", "changes(homeostat_policy_generation{@}[15s]) > 0", "blue", "Configuration", "a new configuration is in force"),
      ],
    },
    panels: layout(panels),
  };
}

const modeNames = [{ type: "value", options: { 0: { text: "normal" }, 1: { text: "degraded" }, 2: { text: "emergency" }, 3: { text: "halted" } } }];
const yesNo = (yes, no) => [{ type: "value", options: { 1: { text: yes }, 0: { text: no } } }];

const overview = dashboard("homeostat-overview", "Homeostat / Overview",
  "Is it healthy, what does it see, what does it do. Top row first: everything green means that nothing needs you.", [
    row("Is it healthy?"),
    stat("Operating mode", "The worst of its active causes. `homeostat status` names them.", "max(homeostat_mode_severity{@})",
      { steps: thresholds([null, good], [1, fair], [2, poor]), mappings: modeNames }),
    stat("Watermark", "Whether the watermark of every metric advances. `/healthz` says which does not, and which source holds it.", "min(homeostat_healthy{@})",
      { steps: thresholds([null, poor], [1, good]), mappings: yesNo("advances", "stuck") }),
    stat("Last tick", "Time since the slot of the last tick. Beyond a few periods nothing is decided.", "max(homeostat_last_tick_age_seconds{@})",
      { unit: "s", steps: thresholds([null, good], [30, fair], [60, poor]), decimals: 1 }),
    stat("Sources down", "Sources that are failing, on a wrong chain or contradict what was final.", 'sum(homeostat_source_condition{@,condition!="connected"})',
      { steps: thresholds([null, good], [1, poor]) }),
    stat("Executors", "Executors connected. Without one, adjustments expire unapplied.", "sum(homeostat_executors{@})",
      { steps: thresholds([null, poor], [1, good]) }),
    stat("Held by guardians", "Parameters that a guardian has paused or holds at a value.", "sum(homeostat_parameter_paused{@}) + sum(homeostat_parameter_overridden{@})", { steps: thresholds([null, good], [1, fair]) }),
    stat("Configuration", "Whether the file on disk is the one in force.", "min(homeostat_config_last_reload_successful{@})",
      { steps: thresholds([null, poor], [1, good]), mappings: yesNo("in force", "refused") }),
    stat("Queue", "Filled share of the input queue; at 100 % producers are told to send again.", "max(homeostat_queue_pressure_ratio{@})",
      { unit: "percentunit", steps: thresholds([null, good], [0.5, fair], [0.8, poor]), decimals: 1 }),

    row("What it does"),
    lines("Parameters", "Last known applied value of each parameter, in its own unit.", [target("homeostat_parameter_value{@}", "{{parameter}}")]),
    lines("Adjustments", "Adjustments per minute, by how they were answered.", [target("sum by (state) (rate(homeostat_adjustments_total{@}[$__rate_interval])) * 60", "{{state}}")], { unit: "cpm", min: 0 }),
    lines("Operating mode", "0 normal, 1 degraded, 2 emergency, 3 halted.", [target("homeostat_mode_severity{@}", "{{instance}}")], { min: 0, steps: thresholds([null, good], [1, fair], [2, poor]) }),
    lines("Limits that bite", "Decisions per minute that a limit changed, by limit.", [target("sum by (limit) (rate(homeostat_limit_bites_total{@}[$__rate_interval])) * 60", "{{limit}}")], { unit: "cpm", min: 0 }),

    row("What it sees"),
    lines("Quality of readings", "0 ok, 1 degraded, 2 rate limited, 3 held, 4 stale, 5 halted. From 3 on a reading is not acted on.", [target("homeostat_metric_quality{@}", "{{metric}}")], { min: 0, steps: thresholds([null, good], [3, poor]) }),
    lines("Age of readings", "By the source's own clock.", [target("homeostat_metric_age_seconds{@}", "{{metric}}")], { unit: "s", min: 0 }),
    lines("Authority of readings", "How much of a loop's move a reading allows: 1 all of it, 0.5 when degraded, less where liquidity is thin, 0 from held on.", [target("homeostat_metric_authority{@}", "{{metric}}")], { min: 0 }),
    lines("Guard against quorum", "How far the guarded reading is from what the sources agree on, as |ln|. A gap that stays makes the guard the suspect.", [target("homeostat_metric_guard_gap{@}", "{{metric}}")], { min: 0 }),
    lines("Sensors that do not answer", "1 while a metric has not moved although its parameters have, as executors acknowledged: a frozen, cached or manipulated source.", [target("homeostat_metric_unresponsive{@}", "{{metric}}")], { min: 0, steps: thresholds([null, good], [1, poor]) }),
    lines("Accepted", "Samples and events per second, by source.", [target("sum by (source) (rate(homeostat_source_accepted_total{@}[$__rate_interval]))", "{{source}}")], { unit: "cps", min: 0 }),
    lines("Refused", "Refused samples per second, by source and reason.", [target("sum by (source, reason) (rate(homeostat_source_refused_total{@}[$__rate_interval]))", "{{source}} {{reason}}")], { unit: "cps", min: 0 }),
    lines("Watermark lag", "Age of the event time up to which everything is complete, and up to which each metric is. A rising line is one that nothing newer reaches.", [target("homeostat_watermark_lag_seconds{@}", "everything"), target("homeostat_metric_watermark_lag_seconds{@}", "{{metric}}")], { unit: "s", min: 0 }),
    lines("Watermarks of sources", "Age of the event time up to which all that a source feeds is complete. One that is idle (silent for longer than its metrics allow) holds nothing back.", [target("time() - homeostat_watermark_seconds{@}", "{{source}}")], { unit: "s", min: 0 }),
    lines("Clocks of sources", "Event time less receive time over the newest batches of each source: above 0 its clock is ahead of ours, below 0 it is behind or late. Median, and the tenth and ninetieth percentile.", [target("homeostat_source_skew_seconds{@}", "{{source}} p{{percentile}}")], { unit: "s" }),
    lines("Idle sources and wrong clocks", "1 while a source brings nothing for longer than its metrics allow, and while its median skew is beyond its skew_max.", [target("homeostat_source_idle{@}", "{{source}} idle"), target("homeostat_source_skewed{@}", "{{source}} skewed")], { min: 0, steps: thresholds([null, good], [1, poor]) }),
    lines("Late samples", "Per second: taken in although others of the same metric were newer, and refused because they came later than the source may.", [target("sum by (source) (rate(homeostat_source_late_accepted_total{@}[$__rate_interval]))", "{{source}} taken in"), target('sum by (source) (rate(homeostat_source_refused_total{@,reason=~"late|out_of_order"}[$__rate_interval]))', "{{source}} refused")], { unit: "cps", min: 0 }),
    lines("Chain distance", "Blocks between the highest head a provider has told of and the last one taken in.", [target("homeostat_source_head_block{@} - on (source, job, instance) homeostat_source_block{@}", "{{source}}")], { min: 0 }),

    row("Chains and their providers"),
    lines("Provider states", "The state of each provider. Anything but alive is left aside until it answers well again.", [target("homeostat_provider_state{@}", "{{source}} {{provider}} {{state}}")], { min: 0, w: 8 }),
    lines("Provider heads", "Blocks that each provider is behind the highest head shown.", [target("max by (source, job, instance) (homeostat_provider_head_block{@}) - on (source, job, instance) group_right homeostat_provider_head_block{@}", "{{source}} {{provider}}")], { min: 0, w: 8 }),
    lines("Not settled yet", "Blocks counted that a reorganisation may still take back.", [target("homeostat_source_block{@} - homeostat_source_settled_block{@}", "{{source}}")], { min: 0, w: 8 }),
    lines("Taken back and disputed", "What reorganisations took back, and how often providers contradicted each other, per minute.", [target("rate(homeostat_source_retracted_blocks_total{@}[$__rate_interval]) * 60", "{{source}} blocks"), target("rate(homeostat_source_retracted_events_total{@}[$__rate_interval]) * 60", "{{source}} events"), target("rate(homeostat_source_disputes_total{@}[$__rate_interval]) * 60", "{{source}} disputes")], { unit: "cpm", min: 0, w: 8 }),
    lines("Disputed or suspect", "1 while the providers of a source contradict each other, or a guard has contradicted its own sources for so long that it may be what is wrong. Readings of both have less authority.", [target('sum by (source) (homeostat_source_condition{@,condition="disputed"}) or 0 * sum by (source) (homeostat_source_condition{@})', "{{source}} disputed"), target("homeostat_metric_guard_suspect{@}", "guard of {{metric}}")], { min: 0, steps: thresholds([null, good], [1, poor]), w: 8 }),
    lines("Waits for agreement", "Final blocks, by the provider in use, that not enough others have given alike yet.", [target("homeostat_source_finalized_block{@} - homeostat_source_settled_block{@} > 0 or 0 * homeostat_source_settled_block{@}", "{{source}}")], { min: 0, w: 8 }),
    lines("Comparisons", "Per minute: ranges that another provider was asked for again, and blocks whose receipts gave their receipts root.", [target("rate(homeostat_source_comparisons_total{@}[$__rate_interval]) * 60", "{{source}} compared"), target("rate(homeostat_source_receipts_checks_total{@}[$__rate_interval]) * 60", "{{source}} receipts")], { unit: "cpm", min: 0, w: 8 }),
    lines("Extra requests", "Per minute: second questions because a provider was slow, looks at providers not in use, and waits for a provider's own budget.", [target("rate(homeostat_source_hedges_total{@}[$__rate_interval]) * 60", "{{source}} hedges"), target("rate(homeostat_source_probes_total{@}[$__rate_interval]) * 60", "{{source}} probes"), target("rate(homeostat_source_budget_waits_total{@}[$__rate_interval]) * 60", "{{source}} waits")], { unit: "cpm", min: 0, w: 8 }),
    row("Chainlink feeds"),
    lines("Age of feeds", "Age of each feed's observation when it was last read, by the chain's clock. It saws up to the heartbeat; beyond heartbeat and slack the feed is refused as stale.", [target("homeostat_feed_age_seconds{@}", "{{source}} {{feed}}")], { unit: "s", min: 0 }),
    lines("Feeds refused", "Answers per minute that were not believed, by feed and reason: stale, pinned at a bound, a sequencer that is down or just up, a new aggregator too far off.", [target("sum by (feed, reason) (rate(homeostat_feed_refused_total{@}[$__rate_interval])) * 60", "{{feed}} {{reason}}")], { unit: "cpm", min: 0 }),

    row("How it runs"),
    lines("Tick", "Time the engine takes for a tick, and from the slot to its decisions being published.", [target("homeostat_tick_duration_seconds{@}", "engine"), target("homeostat_tick_lag_seconds{@}", "slot to published")], { unit: "s", min: 0, w: 8 }),
    lines("Journal commits", "Duration of group commits; acknowledgements wait for them.", [target("homeostat_journal_commit_seconds{@}", "p{{percentile}}")], { unit: "s", min: 0, w: 8 }),
    lines("Memory and journal", "Resident memory, and the journal's size on disk.", [target("process_resident_memory_bytes{@}", "memory"), target("homeostat_journal_bytes{@}", "journal")], { unit: "bytes", min: 0, w: 8 }),
    lines("Inputs", "Inputs applied per second.", [target("rate(homeostat_inputs_total{@}[$__rate_interval])", "inputs")], { unit: "cps", min: 0, w: 8 }),
    lines("Calls", "gRPC calls finished per second, by method and code.", [target("sum by (method, code) (rate(homeostat_rpc_calls_total{@}[$__rate_interval]))", "{{method}} {{code}}")], { unit: "reqps", min: 0, w: 8 }),
    lines("Processor", "CPU seconds per second.", [target("rate(process_cpu_seconds_total{@}[$__rate_interval])", "cpu")], { unit: "percentunit", min: 0, w: 8 }),
  ]);

const control = dashboard("homeostat-control", "Homeostat / Control loops",
  "One loop and its parameter: reading against set-point, the terms, what was wanted and what was applied, and what kept it back.", [
    row("Loop: $loop"),
    lines("Reading and set-point", "The loop's metric and the set-point after ramp and shift, in the metric's unit.", [
      target('homeostat_loop_setpoint{@,loop=~"$loop"}', "set-point ({{loop}})"),
      target('homeostat_metric_value{@} and on (metric, job, instance) homeostat_loop_setpoint{@,loop=~"$loop"}', "{{metric}}"),
    ], { w: 24 }),
    lines("Error", "After the deadband, in the metric's unit or as a ratio; 0 inside the deadband.", [target('homeostat_loop_error{@,loop=~"$loop"}', "{{loop}}")]),
    lines("Terms", "Proportional, integral and derivative part, in the parameter's unit.", [target('homeostat_loop_term{@,loop=~"$loop"}', "{{loop}} {{term}}")]),
    lines("Output", "The loop's contribution to its parameter after its own limits, in the parameter's unit.", [target('homeostat_loop_output{@,loop=~"$loop"}', "{{loop}}")]),
    lines("Frozen or in emergency", "1 while the integral is frozen because of the reading, or the reading is in the emergency band.", [target('homeostat_loop_frozen{@,loop=~"$loop"}', "{{loop}} frozen"), target('homeostat_loop_emergency{@,loop=~"$loop"}', "{{loop}} emergency")], { min: 0 }),

    row("Parameter: $parameter"),
    lines("Wanted, applied, bounds", "What the loops want, what the executor says is applied, and the hard bounds.", [
      target('homeostat_parameter_value{@,parameter=~"$parameter"}', "{{parameter}} applied"),
      target('homeostat_parameter_wanted{@,parameter=~"$parameter"}', "{{parameter}} wanted"),
      target('homeostat_parameter_min{@,parameter=~"$parameter"}', "{{parameter}} min"),
      target('homeostat_parameter_max{@,parameter=~"$parameter"}', "{{parameter}} max"),
    ], { w: 24 }),
    lines("Limits that bite", "Decisions per minute changed by each limit.", [target('sum by (limit) (rate(homeostat_limit_bites_total{@,parameter=~"$parameter"}[$__rate_interval])) * 60', "{{limit}}")], { unit: "cpm", min: 0 }),
    lines("Drift budget", "Used share of the budget of the rolling window; at 100 % the parameter holds.", [target('homeostat_parameter_drift_used_ratio{@,parameter=~"$parameter"}', "{{parameter}}")], { unit: "percentunit", min: 0, steps: thresholds([null, good], [0.8, fair], [1, poor]) }),
    lines("Answers", "Adjustments per minute by answer.", [target('sum by (parameter, state) (rate(homeostat_adjustments_total{@,parameter=~"$parameter"}[$__rate_interval])) * 60', "{{parameter}} {{state}}")], { unit: "cpm", min: 0 }),
    lines("Waiting for an answer", "1 while an adjustment is in flight.", [target('homeostat_parameter_in_flight{@,parameter=~"$parameter"}', "{{parameter}}")], { min: 0 }),
    table("Now", "Applied values.", 'homeostat_parameter_value{@,parameter=~"$parameter"}', { w: 12, columns: { Value: "applied" } }),
    lines("Direction changes", "Per hour: how often an adjustment went the other way than the one before.", [target('sum by (parameter) (increase(homeostat_direction_changes_total{@,parameter=~"$parameter"}[1h]))', "{{parameter}}")], { min: 0 }),
    row("Shadow policies"),
    lines("Distance", "How far each shadow policy's value is from the live one, in the parameter's unit.", [target('homeostat_shadow_parameter_distance{@,parameter=~"$parameter"}', "{{shadow}} {{parameter}}")], { min: 0 }),
    lines("Adjustments of shadows", "Per hour, beside what the live policy sends: a candidate that moves more often costs more.", [target('sum by (shadow, parameter) (increase(homeostat_shadow_parameter_adjustments_total{@,parameter=~"$parameter"}[1h]))', "{{shadow}} {{parameter}}")], { min: 0 }),
    lines("Cost of shadows", "Time each shadow's last tick took, on a thread of their own.", [target("homeostat_shadow_tick_seconds{@}", "{{shadow}}")], { unit: "s", min: 0 }),
    lines("Dropped", "Shadows dropped because they could not keep up, or could not be restored.", [target("homeostat_shadows_dropped_total{@}", "dropped")], { min: 0 }),
  ], [
    variable("loop", 'label_values(homeostat_loop_setpoint{job=~"$job",instance=~"$instance"}, loop)'),
    variable("parameter", 'label_values(homeostat_parameter_value{job=~"$job",instance=~"$instance"}, parameter)'),
  ]);

const out = process.argv[2] ?? join(here, "dashboards");
mkdirSync(out, { recursive: true });
for (const d of [overview, control]) {
  const file = join(out, `${d.uid}.json`);
  writeFileSync(file, `${JSON.stringify(d, null, 1)}\n`);
  console.log(`${file}: ${d.panels.length} panels`);
}
