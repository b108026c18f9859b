#include "daemon/telemetry/exposition.hpp"

#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "engine/health.hpp"
#include "guardian/limits.hpp"

namespace homeostat::daemon {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

double unix_seconds(Instant t) {
  return static_cast<double>(t.ns) / 1e9;
}

/// Collects families in the order of first use; the name says the unit, the help says the meaning.
class Page {
 public:
  class Family {
   public:
    explicit Family(MetricFamily& family) : family_(family) {}
    Family& set(Labels labels, double value) {
      prometheus::ClientMetric metric;
      for (const auto& [name, text] : labels) metric.label.push_back({std::string(name), std::string(text)});
      (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
      family_.metric.push_back(std::move(metric));
      return *this;
    }
    Family& set(Labels labels, std::uint64_t value) { return set(labels, static_cast<double>(value)); }

   private:
    MetricFamily& family_;
  };

  Page() { families_.reserve(kFamiliesMax); }

  Family gauge(const char* name, const char* help) { return add(name, help, MetricType::Gauge); }
  Family counter(const char* name, const char* help) { return add(name, help, MetricType::Counter); }
  [[nodiscard]] std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  // Family holds a reference into the vector, so it must not grow beyond what was reserved.
  static constexpr std::size_t kFamiliesMax = 160;

  Family add(const char* name, const char* help, MetricType type) {
    families_.push_back({name, help, type, {}});
    return Family(families_.back());
  }
  std::vector<MetricFamily> families_;
};

void add_process(Page& page, const Facts& f) {
  const ProcessFacts& p = f.process;
  page.gauge("homeostat_build_info", "Always 1; the labels say what runs.")
      .set({{"version", p.version}, {"compiler", p.compiler}, {"build_type", p.build_type}}, 1.0);
  page.gauge("homeostat_start_time_seconds", "When this process started, Unix seconds.")
      .set({}, unix_seconds(p.started));
  page.gauge("homeostat_ready", "1 when recovery is over and requests are served.").set({}, p.ready ? 1.0 : 0.0);
  page.gauge("homeostat_epoch", "The run's epoch; every adjustment carries it.").set({}, p.epoch);
  page.gauge("process_resident_memory_bytes", "Resident memory.").set({}, p.resident_bytes);
  page.counter("process_cpu_seconds_total", "User and system CPU time.").set({}, p.cpu_seconds);
  page.gauge("process_open_fds", "Open file descriptors.").set({}, p.open_files);
  page.gauge("process_start_time_seconds", "When this process started, Unix seconds.").set({}, unix_seconds(p.started));
  page.gauge("homeostat_config_last_reload_successful", "1 when the last reload was accepted.")
      .set({}, f.config.last_reload_ok ? 1.0 : 0.0);
  page.gauge("homeostat_config_last_reload_success_timestamp_seconds", "When a configuration was last accepted.")
      .set({}, unix_seconds(f.config.last_reload_success));
}

void add_engine(Page& page, const engine::View& v, Instant now) {
  using guardian::OperatingMode;
  page.gauge("homeostat_policy_info", "Always 1; the labels name the policy in force.")
      .set({{"policy", v.policy_name}, {"digest", v.policy_digest}}, 1.0);
  page.gauge("homeostat_policy_generation", "Rises by one with each accepted policy.").set({}, v.policy_generation);
  auto mode = page.gauge("homeostat_mode", "1 for the operating mode in force, 0 for the others.");
  for (const auto m :
       {OperatingMode::normal, OperatingMode::degraded, OperatingMode::emergency, OperatingMode::halted}) {
    mode.set({{"mode", guardian::name_of(m)}}, m == v.mode ? 1.0 : 0.0);
  }
  page.gauge("homeostat_mode_severity", "0 normal, 1 degraded, 2 emergency, 3 halted.")
      .set({}, static_cast<double>(v.mode));
  page.gauge("homeostat_mode_causes", "Active causes of the operating mode.").set({}, v.causes.size());
  page.counter("homeostat_ticks_total", "Ticks decided.").set({}, v.ticks);
  page.counter("homeostat_missed_slots_total", "Slots of the decision grid that no tick was made for.")
      .set({}, v.missed_slots);
  page.gauge("homeostat_last_tick_timestamp_seconds", "The slot time of the last tick; a dead man's switch.")
      .set({}, unix_seconds(v.at));
  page.gauge("homeostat_last_tick_age_seconds", "Time since the last tick's slot.")
      .set({}, v.at.is_never() ? 0.0 : (now - v.at).in_seconds());
  page.gauge("homeostat_period_seconds", "Period of the decision grid.").set({}, v.period.in_seconds());
  page.counter("homeostat_decisions_total", "Decisions recorded.").set({}, v.decisions);
  page.counter("homeostat_guardian_commands_total", "Guardian commands by verdict.")
      .set({{"verdict", "accepted"}}, v.commands_accepted)
      .set({{"verdict", "refused"}}, v.commands_refused);
}

/// The lags are as of the last tick: what came since is not in the watermark yet.
void add_watermark(Page& page, const engine::View& v, Instant now, Instant since) {
  page.gauge("homeostat_healthy", "1 while the watermark of every metric advances and ticks come.")
      .set({}, engine::health_of(v, now, since).healthy ? 1.0 : 0.0);
  if (!v.watermark.is_never()) {
    page.gauge("homeostat_watermark_lag_seconds", "Age of the event time up to which everything is complete.")
        .set({}, (now - v.watermark).in_seconds());
  }
  auto lag = page.gauge("homeostat_metric_watermark_lag_seconds",
                        "Age of the event time up to which a metric's reading is complete.");
  auto still = page.gauge("homeostat_metric_watermark_still_seconds",
                          "For how long a metric's sources have brought nothing newer.");
  auto stall = page.gauge("homeostat_metric_watermark_still_max_seconds", "For longer makes the daemon unhealthy.");
  for (const engine::MetricView& m : v.metrics) {
    if (!m.reading.watermark.is_never()) lag.set({{"metric", m.name}}, (now - m.reading.watermark).in_seconds());
    if (!m.has_sources || m.moved.is_never()) continue;
    still.set({{"metric", m.name}, {"source", m.held_by}}, (now - m.moved).in_seconds());
    stall.set({{"metric", m.name}}, m.stall_max.in_seconds());
  }
}

void add_providers(Page& page, const std::vector<SourceFacts>& sources) {
  auto state = page.gauge("homeostat_provider_state", "1 for the state a provider is in; other states are absent.");
  auto head = page.gauge("homeostat_provider_head_block", "Head that a provider showed last.");
  auto hedges =
      page.counter("homeostat_source_hedges_total", "Steps also asked of another provider: the first was slow.");
  auto probes = page.counter("homeostat_source_probes_total", "Looks at providers that are not in use.");
  auto waits = page.counter("homeostat_source_budget_waits_total", "Requests that waited for a provider's own budget.");
  auto comparisons = page.counter("homeostat_source_comparisons_total",
                                  "Ranges that another provider was asked for again, before they become final.");
  auto receipts = page.counter("homeostat_source_receipts_checks_total",
                               "Blocks whose receipts were fetched and gave their receipts root.");
  for (const SourceFacts& s : sources) {
    if (s.providers.empty()) continue;
    for (const ProviderFacts& p : s.providers) {
      state.set({{"source", s.source}, {"provider", p.name}, {"state", p.state}}, 1.0);
      if (p.head != 0) head.set({{"source", s.source}, {"provider", p.name}}, p.head);
    }
    hedges.set({{"source", s.source}}, s.hedges);
    probes.set({{"source", s.source}}, s.probes);
    waits.set({{"source", s.source}}, s.budget_waits);
    comparisons.set({{"source", s.source}}, s.comparisons);
    receipts.set({{"source", s.source}}, s.receipts_checks);
  }
}

void add_sources(Page& page, const Facts& f) {
  using oracle::SourceCondition;
  constexpr std::array<std::pair<SourceCondition, std::string_view>, 5> conditions = {
      {{SourceCondition::connected, "connected"},
       {SourceCondition::failing, "failing"},
       {SourceCondition::wrong_chain, "wrong_chain"},
       {SourceCondition::violated, "violated"},
       {SourceCondition::disputed, "disputed"}}};
  auto condition = page.gauge("homeostat_source_condition", "1 for the condition a source is in, 0 for the others.");
  auto accepted = page.counter("homeostat_source_accepted_total", "Samples or events accepted.");
  auto refused = page.counter("homeostat_source_refused_total", "Samples refused, by reason.");
  auto watermark = page.gauge("homeostat_watermark_seconds",
                              "Event time up to which all that a source feeds is complete, since 1970.");
  auto idle = page.gauge("homeostat_source_idle", "1 while it brings nothing, and so holds no watermark back.");
  auto skew = page.gauge("homeostat_source_skew_seconds",
                         "Its clock less ours over the newest batches, by percentile; above 0 it is ahead.");
  auto skewed = page.gauge("homeostat_source_skewed", "1 while the median skew is beyond the source's skew_max.");
  auto late = page.counter("homeostat_source_late_accepted_total", "Late samples within the allowed lateness.");
  auto block = page.gauge("homeostat_source_block", "Chain head taken in.");
  auto finalized = page.gauge("homeostat_source_finalized_block", "The chain's finalized height as last seen.");
  auto reorgs = page.counter("homeostat_source_reorgs_total", "Reorganisations followed.");
  auto settled = page.gauge("homeostat_source_settled_block", "Newest block that no reorg may take back any more.");
  auto blocks_back = page.counter("homeostat_source_retracted_blocks_total", "Blocks taken back by reorgs.");
  auto events_back = page.counter("homeostat_source_retracted_events_total", "Events in blocks taken back by reorgs.");
  auto disputes = page.counter("homeostat_source_disputes_total", "Times that providers contradicted each other.");
  auto segments = page.counter("homeostat_source_segments_refused_total", "Chain segments that did not link up.");
  for (const engine::SourceView& s : f.view.sources) {
    for (const auto& [c, name] : conditions) {
      condition.set({{"source", s.name}, {"condition", name}}, c == s.condition ? 1.0 : 0.0);
    }
    accepted.set({{"source", s.name}}, s.accepted);
    for (std::size_t r = 1; r < oracle::kRefusalCount; ++r) {
      refused.set({{"source", s.name}, {"reason", oracle::name_of(static_cast<oracle::Refusal>(r))}}, s.refused[r]);
    }
    if (!s.watermark.is_never()) watermark.set({{"source", s.name}}, unix_seconds(s.watermark));
    idle.set({{"source", s.name}}, s.idle ? 1.0 : 0.0);
    skew.set({{"source", s.name}, {"percentile", "10"}}, s.skew_behind.in_seconds());
    skew.set({{"source", s.name}, {"percentile", "50"}}, s.skew.in_seconds());
    skew.set({{"source", s.name}, {"percentile", "90"}}, s.skew_ahead.in_seconds());
    skewed.set({{"source", s.name}}, s.skewed ? 1.0 : 0.0);
    late.set({{"source", s.name}}, s.late_accepted);
    disputes.set({{"source", s.name}}, s.disputes);
    if (s.block == 0) continue;
    block.set({{"source", s.name}}, s.block);
    finalized.set({{"source", s.name}}, s.finalized);
    settled.set({{"source", s.name}}, s.settled);
    reorgs.set({{"source", s.name}}, s.reorgs);
    blocks_back.set({{"source", s.name}}, s.retracted_blocks);
    events_back.set({{"source", s.name}}, s.retracted_events);
    segments.set({{"source", s.name}}, s.chain_refused);
  }
  auto requests = page.counter("homeostat_source_requests_total", "Requests made to the source's providers.");
  auto errors = page.counter("homeostat_source_errors_total", "Failed requests and malformed answers, by kind.");
  auto logs = page.counter("homeostat_source_logs_total", "Chain logs decoded.");
  auto head = page.gauge("homeostat_source_head_block", "Highest block a provider has told of.");
  auto latency = page.gauge("homeostat_source_request_seconds", "Duration of the last request.");
  for (const SourceFacts& s : f.sources) {
    requests.set({{"source", s.source}}, s.requests);
    for (const auto& [kind, count] : s.errors) errors.set({{"source", s.source}, {"kind", kind}}, count);
    latency.set({{"source", s.source}}, s.request_seconds_last);
    if (s.head_seen == 0) continue;
    logs.set({{"source", s.source}}, s.logs);
    head.set({{"source", s.source}}, s.head_seen);
  }
  add_providers(page, f.sources);
}

void add_feeds(Page& page, const Facts& f) {
  auto usable = page.gauge("homeostat_feed_usable", "1 when a Chainlink feed's last answer was believed.");
  auto age = page.gauge("homeostat_feed_age_seconds",
                        "Age of a feed's observation (startedAt) when it was last read, by the chain's clock.");
  auto observed =
      page.gauge("homeostat_feed_observed_timestamp_seconds", "When a feed's answer was observed off-chain.");
  auto round = page.gauge("homeostat_feed_round", "Round of the feed's aggregator.");
  auto phase = page.gauge("homeostat_feed_phase", "Phase of the feed's proxy; each is another aggregator.");
  auto changes = page.counter("homeostat_feed_phase_changes_total", "Changes of the aggregator seen.");
  auto refused = page.counter("homeostat_feed_refused_total", "Answers of a feed not believed, by reason.");
  for (const SourceFacts& s : f.sources) {
    for (const FeedFacts& feed : s.feeds) {
      const Labels labels = {{"source", s.source}, {"feed", feed.feed}};
      usable.set(labels, feed.usable ? 1.0 : 0.0);
      changes.set(labels, feed.phase_changes);
      for (const auto& [reason, count] : feed.refused) {
        refused.set({{"source", s.source}, {"feed", feed.feed}, {"reason", reason}}, count);
      }
      if (feed.observed.is_never()) continue;
      age.set(labels, feed.age.in_seconds());
      observed.set(labels, unix_seconds(feed.observed));
      round.set(labels, feed.round);
      phase.set(labels, feed.phase);
    }
  }
}

void add_control(Page& page, const engine::View& v) {
  auto value = page.gauge("homeostat_metric_value", "Reading of a metric in its own unit; absent until there is one.");
  auto quality = page.gauge("homeostat_metric_quality", "0 ok, 1 degraded, 2 rate_limited, 3 held, 4 stale, 5 halted.");
  auto age = page.gauge("homeostat_metric_age_seconds", "Age of a reading by its source's clock.");
  auto authority = page.gauge("homeostat_metric_authority", "How much of a law's step may be made on it, 0 to 1.");
  auto gap = page.gauge("homeostat_metric_guard_gap",
                        "How far the sources' quorum is from what the guard accepts, |ln|; 0 = no contradiction.");
  auto suspect = page.gauge("homeostat_metric_guard_suspect",
                            "1 when the guard has contradicted its quorum for so long that the guard may be wrong.");
  auto unresponsive = page.gauge("homeostat_metric_unresponsive",
                                 "1 while its actuators have moved, acknowledged, and it has not answered.");
  for (const engine::MetricView& m : v.metrics) {
    unresponsive.set({{"metric", m.name}}, m.reading.unresponsive ? 1.0 : 0.0);
    quality.set({{"metric", m.name}}, static_cast<double>(m.reading.quality));
    authority.set({{"metric", m.name}}, m.reading.authority);
    gap.set({{"metric", m.name}}, m.reading.guard_gap);
    suspect.set({{"metric", m.name}}, m.reading.guard_suspect ? 1.0 : 0.0);
    if (m.reading.time.is_never()) continue;
    value.set({{"metric", m.name}, {"unit", m.unit}}, m.reading.value);
    age.set({{"metric", m.name}}, m.reading.age.in_seconds());
  }
  auto setpoint = page.gauge("homeostat_loop_setpoint", "Set-point after ramp and shift, in the metric's unit.");
  auto error = page.gauge("homeostat_loop_error", "Error after the deadband, in the metric's unit or as a ratio.");
  auto term = page.gauge("homeostat_loop_term", "Terms of the control law, in the parameter's unit.");
  auto output = page.gauge("homeostat_loop_output", "Contribution to the parameter, in its unit.");
  auto frozen = page.gauge("homeostat_loop_frozen", "1 while the integral is frozen because of the reading.");
  auto emergency = page.gauge("homeostat_loop_emergency", "1 while the reading is in the emergency band.");
  for (const engine::LoopView& l : v.loops) {
    setpoint.set({{"loop", l.name}, {"metric", l.metric}}, l.setpoint);
    error.set({{"loop", l.name}}, l.error);
    term.set({{"loop", l.name}, {"term", "p"}}, l.p).set({{"loop", l.name}, {"term", "i"}}, l.i);
    term.set({{"loop", l.name}, {"term", "d"}}, l.d);
    output.set({{"loop", l.name}, {"parameter", l.parameter}}, l.output);
    frozen.set({{"loop", l.name}}, l.frozen ? 1.0 : 0.0);
    emergency.set({{"loop", l.name}}, l.emergency ? 1.0 : 0.0);
  }
}

void add_parameters(Page& page, const engine::View& v) {
  auto value = page.gauge("homeostat_parameter_value", "Last known applied value, in the parameter's unit.");
  auto wanted = page.gauge("homeostat_parameter_wanted", "Value wanted by the loops at the last tick.");
  auto low = page.gauge("homeostat_parameter_min", "Hard lower bound.");
  auto high = page.gauge("homeostat_parameter_max", "Hard upper bound.");
  auto paused = page.gauge("homeostat_parameter_paused", "1 while a guardian has paused it.");
  auto overridden = page.gauge("homeostat_parameter_overridden", "1 while a guardian holds it at a value.");
  auto in_flight = page.gauge("homeostat_parameter_in_flight", "1 while an adjustment waits for its answer.");
  auto drift = page.gauge("homeostat_parameter_drift_used_ratio", "Used share of the drift budget.");
  auto adjustments = page.counter("homeostat_adjustments_total", "Adjustments emitted and how they were answered.");
  auto reversals =
      page.counter("homeostat_direction_changes_total", "Adjustments in the other direction than the last.");
  auto bites = page.counter("homeostat_limit_bites_total", "Decisions that a limit changed, by limit.");
  for (const engine::ParameterView& p : v.parameters) {
    const std::string_view name = p.name;
    value.set({{"parameter", name}, {"unit", p.unit}}, p.value.to_double());
    wanted.set({{"parameter", name}}, p.wanted.to_double());
    low.set({{"parameter", name}}, p.min.to_double());
    high.set({{"parameter", name}}, p.max.to_double());
    paused.set({{"parameter", name}}, p.paused ? 1.0 : 0.0);
    overridden.set({{"parameter", name}}, p.overridden ? 1.0 : 0.0);
    in_flight.set({{"parameter", name}}, p.in_flight != 0 ? 1.0 : 0.0);
    const double budget = p.drift_budget.to_double();
    if (budget > 0) drift.set({{"parameter", name}}, p.drift_used.to_double() / budget);
    adjustments.set({{"parameter", name}, {"state", "emitted"}}, p.emitted);
    adjustments.set({{"parameter", name}, {"state", "applied"}}, p.applied);
    adjustments.set({{"parameter", name}, {"state", "rejected"}}, p.rejected);
    adjustments.set({{"parameter", name}, {"state", "timed_out"}}, p.timed_out);
    reversals.set({{"parameter", name}}, p.direction_changes);
    for (std::size_t i = 0; i < p.bites.size() && i < guardian::kLimitCount; ++i) {
      bites.set({{"parameter", name}, {"limit", guardian::name_of(static_cast<guardian::Limit>(i))}}, p.bites[i]);
    }
  }
}

void add_shell(Page& page, const Facts& f) {
  const JournalFacts& j = f.journal;
  page.gauge("homeostat_journal_durable_sequence", "Newest input known to be on disk.").set({}, j.durable_sequence);
  page.counter("homeostat_journal_commits_total", "Group commits.").set({}, j.commits);
  page.gauge("homeostat_journal_bytes", "Size of the journal on disk.").set({}, j.bytes);
  page.gauge("homeostat_journal_queue_bytes", "Inputs waiting for a commit.").set({}, j.queue_bytes);
  page.gauge("homeostat_journal_commit_seconds", "Duration of recent commits, by percentile.")
      .set({{"percentile", "50"}}, j.commit_seconds_p50)
      .set({{"percentile", "99"}}, j.commit_seconds_p99);
  if (!j.last_snapshot.is_never()) {
    page.gauge("homeostat_journal_snapshot_timestamp_seconds", "When the newest snapshot was taken.")
        .set({}, unix_seconds(j.last_snapshot));
  }
  const PipelineFacts& p = f.pipeline;
  page.gauge("homeostat_queue_items", "Inputs waiting for the engine.").set({}, p.queue_items);
  page.gauge("homeostat_queue_bytes", "Bytes waiting for the engine.").set({}, p.queue_bytes);
  page.gauge("homeostat_queue_pressure_ratio", "Filled share of the queue, 0 to 1.")
      .set({},
           p.queue_bytes_max == 0 ? 0.0 : static_cast<double>(p.queue_bytes) / static_cast<double>(p.queue_bytes_max));
  page.counter("homeostat_queue_refused_total", "Submissions refused because the queue was full.")
      .set({}, p.refused_full);
  page.counter("homeostat_inputs_total", "Inputs applied.").set({}, p.inputs);
  page.gauge("homeostat_tick_duration_seconds", "Time the engine took for the last tick.").set({}, p.tick_seconds_last);
  page.gauge("homeostat_tick_lag_seconds", "From the slot's time to its decisions being published.")
      .set({}, p.tick_lag_seconds_last);
  auto calls = page.counter("homeostat_rpc_calls_total", "gRPC calls finished, by method and status code.");
  for (const RpcFacts::Method& m : f.rpc.methods) calls.set({{"method", m.method}, {"code", m.code}}, m.calls);
  page.gauge("homeostat_rpc_streams", "gRPC streams open.").set({}, f.rpc.streams_open);
  page.gauge("homeostat_executors", "Executors connected.").set({}, f.rpc.executors);
  page.counter("homeostat_rpc_slow_clients_total", "Streams cut because the client did not read.")
      .set({}, f.rpc.slow_clients_cut);
  page.counter("homeostat_tls_renewals_total", "Changed TLS files of the gRPC listener, by what became of them.")
      .set({{"result", "taken"}}, f.rpc.certificates_renewed)
      .set({{"result", "held_back"}}, f.rpc.certificates_held_back);
  page.counter("homeostat_ingest_overloaded_total", "Batches answered OVERLOADED.").set({}, f.rpc.overloaded_replies);
}

void add_shadows(Page& page, const Facts& f) {
  page.counter("homeostat_shadows_dropped_total", "Shadow policies that could not keep up, or could not be restored.")
      .set({}, f.shadows_dropped);
  auto running = page.gauge("homeostat_shadow_running", "1 while a shadow policy runs, 0 once it was dropped.");
  auto ticks = page.counter("homeostat_shadow_ticks_total", "Live ticks a shadow policy has been compared over.");
  auto took = page.gauge("homeostat_shadow_tick_seconds", "Duration of a shadow policy's last tick.");
  auto value = page.gauge("homeostat_shadow_parameter_value", "A parameter's value as a shadow policy would have it.");
  auto distance = page.gauge("homeostat_shadow_parameter_distance", "Live value less the shadow policy's, absolute.");
  auto differing =
      page.counter("homeostat_shadow_parameter_differing_ticks_total", "Ticks at which both values differed.");
  auto adjustments = page.counter("homeostat_shadow_parameter_adjustments_total", "Adjustments a shadow policy made.");
  for (const ShadowFacts& s : f.shadows) {
    running.set({{"shadow", s.name}}, s.running ? 1.0 : 0.0);
    ticks.set({{"shadow", s.name}}, s.ticks);
    took.set({{"shadow", s.name}}, s.tick_seconds);
    for (const ShadowFacts::Parameter& p : s.parameters) {
      const Labels labels = {{"shadow", s.name}, {"parameter", p.name}};
      value.set(labels, p.value);
      distance.set(labels, p.distance);
      differing.set(labels, p.differing);
      adjustments.set(labels, p.adjustments);
    }
  }
}

}  // namespace

std::string exposition(const Facts& facts) {
  Page page;
  add_process(page, facts);
  add_engine(page, facts.view, facts.process.now);
  add_watermark(page, facts.view, facts.process.now, facts.process.serving_since);
  add_sources(page, facts);
  add_feeds(page, facts);
  add_control(page, facts.view);
  add_parameters(page, facts.view);
  add_shell(page, facts);
  add_shadows(page, facts);
  return page.text();
}

}  // namespace homeostat::daemon
