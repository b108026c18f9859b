#include "oracle/oracle.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/text.hpp"
#include "oracle/state.hpp"

namespace homeostat::oracle {
namespace {

bool is_same_event(const EventSettings& a, const EventSettings& b) {
  return a.source == b.source && a.contract == b.contract && a.signature == b.signature;
}

const EventSettings* event_of(const Settings& settings, const std::string& name) {
  const auto it = std::find_if(settings.events.begin(), settings.events.end(),
                               [&](const EventSettings& e) { return e.name == name; });
  return it == settings.events.end() ? nullptr : &*it;
}

/// Whether what was remembered of metric `a` still means the same under `b`. Bounds, staleness, quorum,
/// finality and rate of change may differ: they judge, they do not accumulate.
bool keeps_state(const Settings& old_settings, const MetricSettings& a, const Settings& new_settings,
                 const MetricSettings& b) {
  if (a.aggregate != b.aggregate || a.window != b.window || a.buckets != b.buckets || a.half_life != b.half_life ||
      a.exact_max != b.exact_max || a.hash_key != b.hash_key || a.guard.has_value() != b.guard.has_value() ||
      (a.guard && a.guard->average != b.guard->average) || a.unit != b.unit || a.origin.index() != b.origin.index()) {
    return false;
  }
  if (const auto* samples = std::get_if<SampleOrigin>(&a.origin)) {
    return samples->sources == std::get<SampleOrigin>(b.origin).sources;
  }
  if (const auto* expression = std::get_if<ExpressionOrigin>(&a.origin)) {
    return expression->text == std::get<ExpressionOrigin>(b.origin).text;
  }
  const auto& x = std::get<EventOrigin>(a.origin);
  const auto& y = std::get<EventOrigin>(b.origin);
  const EventSettings* before = event_of(old_settings, x.event);
  const EventSettings* after = event_of(new_settings, y.event);
  return x.event == y.event && x.value == y.value && x.value_signed == y.value_signed && x.key == y.key &&
         x.scale == y.scale && before != nullptr && after != nullptr && is_same_event(*before, *after);
}

template <class T>
std::unordered_map<std::string, std::uint32_t> index_by_name(const std::vector<T>& items) {
  std::unordered_map<std::string, std::uint32_t> index;
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    HOMEOSTAT_CHECK(index.emplace(items[i].name, i).second);  // validated: names are unique
  }
  return index;
}

}  // namespace

Oracle::State::State(Settings s) : settings(std::move(s)) {
  source_index = index_by_name(settings.sources);
  metric_index = index_by_name(settings.metrics);
  event_index = index_by_name(settings.events);
  chain_metrics.resize(settings.sources.size());
  for (const SourceSettings& source : settings.sources) source_names.emplace_back(source.name);
  sources.resize(settings.sources.size());
  metrics.resize(settings.metrics.size());
  readings.resize(settings.metrics.size());
  for (const EventSettings& e : settings.events) {
    const auto source = source_index.find(e.source);
    HOMEOSTAT_CHECK(source != source_index.end());
    sources[source->second].chain.emplace();
  }
  for (std::size_t i = 0; i < metrics.size(); ++i) make_metric(i);
  begin_sources();
}

Oracle::Oracle(Settings settings) : state_(std::make_unique<State>(std::move(settings))) {}
Oracle::~Oracle() = default;
Oracle::Oracle(const Oracle& o) : state_(std::make_unique<State>(*o.state_)) {}
Oracle::Oracle(Oracle&&) noexcept = default;
Oracle& Oracle::operator=(const Oracle& o) {
  if (this != &o) state_ = std::make_unique<State>(*o.state_);
  return *this;
}
Oracle& Oracle::operator=(Oracle&&) noexcept = default;

BatchVerdict Oracle::ingest(const SampleBatch& batch) {
  return state_->ingest(batch);
}
Result<> Oracle::ingest(const ChainSegment& segment) {
  return state_->ingest(segment);
}

const std::vector<Reading>& Oracle::evaluate(Instant at) {
  state_->evaluated_at = at;
  state_->begin_sources();
  for (std::size_t i = 0; i < state_->metrics.size(); ++i) {
    state_->fetch_ahead(i);
    state_->evaluate(i, at);
  }
  state_->advance_sources();
  return state_->readings;
}
const std::vector<Reading>& Oracle::readings() const {
  return state_->readings;
}

void Oracle::report(const SourceReport& report) {
  const auto it = state_->source_index.find(report.source);
  if (it == state_->source_index.end()) return;  // a source that a newer policy has dropped
  Source& source = state_->sources[it->second];
  if (report.condition == SourceCondition::violated) source.violated = true;
  if (report.condition == SourceCondition::disputed) ++source.disputes;
  // A violation is latched: a connection that works again does not make the chain's history true.
  const SourceCondition condition = source.violated ? SourceCondition::violated : report.condition;
  if (condition != source.condition) source.condition_since = report.at;
  if (!source.violated || report.condition == SourceCondition::violated) source.detail = report.detail;
  source.condition = condition;
}

void Oracle::doubt(std::size_t metric, const std::string& why) {
  std::string& known = state_->metrics[metric].doubt;
  if (known != why) known = why;
}

Result<> Oracle::clear(const std::string& name, Instant at) {
  State& s = *state_;
  if (const auto it = s.metric_index.find(name); it != s.metric_index.end()) {
    Metric& metric = s.metrics[it->second];
    const bool breaching = std::any_of(metric.series.begin(), metric.series.end(),
                                       [](const Series& series) { return series.is_breaching(); });
    const bool guarded = metric.guard && !metric.guard->trouble_since.is_never();
    if (guarded) release_guard(*metric.guard);
    if (!metric.halted && !breaching && guarded) return {};
    if (!metric.halted && !breaching) return fail(ErrorCode::conflict, name, "the metric is not halted");
    if (metric.cleared_after.size() >= kClearsMax) {
      return fail(
          ErrorCode::resource_exhausted, name,
          "was cleared " + std::to_string(kClearsMax) + " times in blocks that are not final yet; wait for them");
    }
    if (metric.settled) metric.cleared_after.push_back(metric.consumed);
    s.accept_refused(it->second, metric);
    return {};
  }
  if (const auto it = s.source_index.find(name); it != s.source_index.end()) {
    Source& source = s.sources[it->second];
    if (!source.violated) return fail(ErrorCode::conflict, name, "the source is not violated");
    source.violated = false;
    source.condition = SourceCondition::connected;
    source.condition_since = at;
    source.detail.clear();
    // What was counted rests on blocks that the chain has taken back: start anew, as on the first day. The
    // shell sees recent_blocks() empty and fills the windows again from its start block.
    if (source.chain) source.chain.emplace();
    for (const std::uint32_t metric : s.chain_metrics[it->second]) s.reset_metric(metric);
    return {};
  }
  std::vector<std::string> names;
  for (const MetricSettings& m : s.settings.metrics) names.push_back(m.name);
  for (const SourceSettings& m : s.settings.sources) names.push_back(m.name);
  return fail(ErrorCode::unknown_name, name, "there is no metric or source of this name" + did_you_mean(name, names));
}

void Oracle::reconfigure(Settings settings) {
  State& old = *state_;
  auto next = std::make_unique<State>(std::move(settings));
  for (std::size_t i = 0; i < next->sources.size(); ++i) {
    const auto it = old.source_index.find(next->settings.sources[i].name);
    if (it == old.source_index.end()) continue;
    const bool has_chain = next->sources[i].chain.has_value();
    next->sources[i] = std::move(old.sources[it->second]);
    Source& source = next->sources[i];
    if (!has_chain) source.chain.reset();
    if (has_chain && !source.chain) source.chain.emplace();
    if (!source.chain) continue;
    // Waiting events change their index, or go with their event.
    source.chain->pending_events = 0;
    for (WaitingBlock& block : source.chain->pending) {
      block.events_changed();
      std::erase_if(block.events, [&](ChainEvent& event) {
        const EventSettings& before = old.settings.events[event.event];
        const EventSettings* after = event_of(next->settings, before.name);
        if (after == nullptr || !is_same_event(before, *after)) return true;
        event.event = next->event_index.at(before.name);
        return false;
      });
      source.chain->pending_events += block.events.size();
    }
  }
  for (std::size_t i = 0; i < next->metrics.size(); ++i) {
    const auto it = old.metric_index.find(next->settings.metrics[i].name);
    const bool known = it != old.metric_index.end() && keeps_state(old.settings, old.settings.metrics[it->second],
                                                                   next->settings, next->settings.metrics[i]);
    if (!known) {
      if (std::holds_alternative<EventOrigin>(next->settings.metrics[i].origin)) next->begin_past(i);
      continue;
    }
    Metric& from = old.metrics[it->second];
    Metric& to = next->metrics[i];
    for (std::size_t j = 0; j < to.series.size(); ++j) from.series[j].source = to.series[j].source;
    if (from.settled) {
      for (std::size_t j = 0; j < to.series.size(); ++j) from.settled->series[j].source = to.series[j].source;
    }
    from.expression = std::move(to.expression);
    from.operands = std::move(to.operands);
    from.event = to.event;
    from.groups = std::move(to.groups);
    to = std::move(from);
    next->readings[i] = std::move(old.readings[it->second]);
  }
  next->evaluated_at = old.evaluated_at;
  next->watermark = old.watermark;
  state_ = std::move(next);
}

std::vector<SourceStatus> Oracle::sources() const {
  std::vector<SourceStatus> statuses;
  statuses.reserve(state_->sources.size());
  for (std::size_t i = 0; i < state_->sources.size(); ++i) {
    const Source& s = state_->sources[i];
    SourceStatus& status = statuses.emplace_back();
    status.name = state_->settings.sources[i].name;
    status.condition = s.condition;
    status.detail = s.detail;
    status.condition_since = s.condition_since;
    status.accepted = s.accepted;
    status.refused = s.refused;
    status.newest = s.newest;
    status.watermark = s.watermark;
    status.idle = s.idle;
    status.skew = s.skew.quantile(50);
    status.skew_ahead = s.skew.quantile(90);
    status.skew_behind = s.skew.quantile(10);
    status.skewed = s.skewed;
    status.late_accepted = s.late_accepted;
    status.reorgs = s.reorgs;
    status.retracted_blocks = s.retracted_blocks;
    status.retracted_events = s.retracted_events;
    status.disputes = s.disputes;
    status.chain_refused = s.chain_refused;
    status.last_refused = s.last_refused;
    status.last_refused_at = s.last_refused_at;
    if (!s.chain) continue;
    status.block = s.chain->head.number;
    status.block_hash = s.chain->head.hash;
    status.finalized = s.chain->finalized;
    status.settled = s.chain->settled;
  }
  return statuses;
}

Instant Oracle::watermark() const {
  return state_->watermark;
}

std::vector<MetricProgress> Oracle::progress() const {
  std::vector<MetricProgress> all(state_->metrics.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = state_->progress_of(i);
  return all;
}

std::vector<std::pair<std::uint64_t, Hash32>> Oracle::recent_blocks(const std::string& source) const {
  std::vector<std::pair<std::uint64_t, Hash32>> blocks;
  const auto it = state_->source_index.find(source);
  if (it == state_->source_index.end() || !state_->sources[it->second].chain) return blocks;
  for (const Chain::Recent& r : state_->sources[it->second].chain->recent) blocks.emplace_back(r.number, r.hash);
  return blocks;
}

std::optional<MissingPast> Oracle::missing_past(const std::string& source) const {
  const auto it = state_->source_index.find(source);
  return it == state_->source_index.end() ? std::nullopt : state_->missing_past(it->second);
}

std::string Oracle::source_cursor(const std::string& source) const {
  const auto it = state_->source_index.find(source);
  return it == state_->source_index.end() ? std::string() : state_->sources[it->second].cursor;
}

std::uint64_t Oracle::settled_block(const std::string& source) const {
  const auto it = state_->source_index.find(source);
  if (it == state_->source_index.end() || !state_->sources[it->second].chain) return 0;
  return state_->sources[it->second].chain->settled;
}

Unsettled Oracle::unsettled(const std::string& source) const {
  Unsettled all;
  const auto it = state_->source_index.find(source);
  if (it == state_->source_index.end() || !state_->sources[it->second].chain) return all;
  const State& s = *state_;
  for (std::uint32_t event = 0; event < s.settings.events.size(); ++event) {
    // Of an event that any metric counts already no block can lack it.
    std::optional<std::uint64_t> missing_to;
    for (const std::uint32_t index : s.chain_metrics[it->second]) {
      const Metric& metric = s.metrics[index];
      if (metric.event != event) continue;
      const std::uint64_t to = metric.backfilling ? metric.watched_since : 0;
      missing_to = std::min(missing_to.value_or(to), to);
    }
    all.events.push_back({s.settings.events[event].name, missing_to.value_or(0)});
  }
  const Chain& chain = *s.sources[it->second].chain;
  for (const ChainBlock& block : chain.pending) {
    if (block.number > chain.settled) all.blocks.push_back(block);
  }
  return all;
}

void Oracle::save(Writer& writer) const {
  writer(static_cast<std::uint64_t>(state_->sources.size()));
  writer(static_cast<std::uint64_t>(state_->metrics.size()));
  writer(static_cast<const State&>(*state_));
}

bool Oracle::load(Reader& reader) {
  State& s = *state_;
  std::uint64_t sources = 0;
  std::uint64_t metrics = 0;
  reader(sources);
  reader(metrics);
  if (sources != s.sources.size() || metrics != s.metrics.size()) return false;
  std::vector<bool> has_chain;
  for (const Source& source : s.sources) has_chain.push_back(source.chain.has_value());
  reader(s);
  for (std::size_t i = 0; i < s.sources.size(); ++i) {
    if (s.sources[i].chain.has_value() != has_chain[i]) return false;
    if (!s.sources[i].chain) continue;
    for (const ChainBlock& block : s.sources[i].chain->pending) {
      for (const ChainEvent& event : block.events) {
        if (event.event >= s.settings.events.size()) return false;
      }
    }
    const Chain& chain = *s.sources[i].chain;
    if (!chain.is_consistent()) return false;
    for (const std::uint32_t index : s.chain_metrics[i]) {
      const Metric& metric = s.metrics[index];
      // What could be taken back must be there to go on from.
      if (metric.consumed > chain.settled && !metric.settled) return false;
      if (metric.settled && metric.settled->contributions > metric.contributions) return false;
      if (metric.cleared_after.size() > kClearsMax) return false;
      if (metric.backfilling && (metric.settled || metric.past_from > metric.past_next)) return false;
    }
  }
  return reader.ok();
}

}  // namespace homeostat::oracle
