// How settings become a metric, and how a judged value enters it.
#include <algorithm>
#include <bit>
#include <cmath>

#include "core/check.hpp"
#include "core/format.hpp"
#include "core/math.hpp"
#include "oracle/state.hpp"

namespace homeostat::oracle {

/// Of several sources at one and the same time the one whose name is last, whichever came first.
static bool is_newer(const Contribution& c, const SharedText& source, const Provenance& than) {
  return c.time != than.time ? c.time > than.time : source.view() >= than.source.view();
}

std::string persistent_breach_text(const MetricSettings& m) {
  return "the rate of change was exceeded for " + text_of(m.rate_of_change->halt_after) +
         "; a guardian must accept the new value";
}

void Oracle::State::make_metric(std::size_t index) {
  const MetricSettings& m = settings.metrics[index];
  Metric& metric = metrics[index];
  readings[index] = Reading{.value = m.min, .reason = "no value yet"};
  if (const auto* samples = std::get_if<SampleOrigin>(&m.origin)) {
    for (const std::string& name : samples->sources) {
      const auto source = source_index.find(name);
      HOMEOSTAT_CHECK(source != source_index.end());
      metric.series.emplace_back().source = source->second;
    }
    std::sort(metric.series.begin(), metric.series.end(),
              [](const Series& a, const Series& b) { return a.source < b.source; });
  } else if (const auto* event = std::get_if<EventOrigin>(&m.origin)) {
    const auto it = event_index.find(event->event);
    HOMEOSTAT_CHECK(it != event_index.end());
    metric.event = it->second;
    const std::uint32_t source = source_index.at(settings.events[it->second].source);
    metric.series.emplace_back().source = source;
    chain_metrics[source].push_back(static_cast<std::uint32_t>(index));
  } else {
    auto parsed = Expression::parse(std::get<ExpressionOrigin>(m.origin).text);
    HOMEOSTAT_CHECK(parsed.has_value());
    for (const std::string& name : parsed->variables()) {
      const auto operand = metric_index.find(name);
      HOMEOSTAT_CHECK(operand != metric_index.end() && operand->second < index);
      metric.operands.push_back(operand->second);
    }
    metric.expression = std::move(*parsed);
    return;
  }
  for (const Series& series : metric.series) {
    // Origins are told apart by name: that of the group, or a source's own.
    const std::string& group = settings.sources[series.source].group;
    const auto of_group = [&](const Series& other) {
      const SourceSettings& s = settings.sources[other.source];
      return (s.group.empty() ? s.name : s.group) == (group.empty() ? settings.sources[series.source].name : group);
    };
    const auto first = std::find_if(metric.series.begin(), metric.series.end(), of_group);
    metric.groups.push_back(static_cast<std::uint32_t>(first - metric.series.begin()));
  }
  if (m.guard) metric.guard = make_guard(*m.guard);
  const TimeGrid grid(m.window, m.buckets);
  switch (m.aggregate) {
    case Aggregate::last:
    case Aggregate::median:
    case Aggregate::quartiles:
    case Aggregate::ewma: break;
    case Aggregate::distinct: metric.keys.emplace(grid, m.exact_max, m.hash_key); [[fallthrough]];
    case Aggregate::sum:
    case Aggregate::rate:
    case Aggregate::count: metric.sums.emplace(grid); break;
    case Aggregate::twap:
      for (Series& series : metric.series) series.step.emplace(grid);
      break;
  }
}

void Oracle::State::reset_metric(std::size_t index) {
  Metric fresh;
  std::swap(metrics[index], fresh);
  Metric& metric = metrics[index];
  for (const Series& series : fresh.series) {
    metric.series.emplace_back().source = series.source;
    if (series.step)
      metric.series.back().step.emplace(TimeGrid(settings.metrics[index].window, settings.metrics[index].buckets));
  }
  const MetricSettings& m = settings.metrics[index];
  const TimeGrid grid(m.window, m.buckets);
  if (fresh.sums) metric.sums.emplace(grid);
  if (fresh.keys) metric.keys.emplace(grid, m.exact_max, m.hash_key);
  metric.event = fresh.event;
  metric.groups = std::move(fresh.groups);
  if (m.guard) metric.guard = make_guard(*m.guard);
}

void Oracle::State::start_at_head(std::size_t index) {
  Metric& metric = metrics[index];
  const Source& source = sources[metric.series.front().source];
  metric.consumed = source.chain->head.number;
  metric.frontier = metric.started = source.chain->head.time;
  metric.has_frontier = metric.has_started = true;
  metric.settled = static_cast<const Tally&>(metric);
}

void Oracle::State::contribute(std::size_t index, Tally& metric, Series& series, const Contribution& c) {
  const MetricSettings& m = settings.metrics[index];
  switch (m.aggregate) {
    case Aggregate::last:
    case Aggregate::median:
    case Aggregate::quartiles: break;
    case Aggregate::sum:
    case Aggregate::rate:
    case Aggregate::count: metric.sums->add(c.time, c.value); break;
    case Aggregate::distinct:
      metric.sums->add(c.time, 0);
      metric.keys->add(c.time, c.key);
      break;
    case Aggregate::ewma:
      // The input is a step function: it had the previous value until now, and the average moved towards it.
      series.average = series.has_value ? series.value + (series.average - series.value) *
                                                             math::half_life_decay(c.time - series.time, m.half_life)
                                        : c.value;
      break;
    case Aggregate::twap:
      if (series.has_value) {
        series.step->hold(series.time, std::min(c.time, series.time + m.staleness_max), series.value);
      }
      break;
  }
  ++metric.contributions;
  series.breach_since = series.breach_until = Instant{};
  if (!metric.has_started || c.time < metric.started) metric.started = c.time;
  metric.has_started = true;
  if (is_newer(c, source_names[series.source], metric.newest)) {
    metric.newest.source = source_names[series.source];
    metric.newest.time = c.time;
    metric.newest.sequence = c.sequence;
    metric.newest.log_index = c.log_index;
    metric.newest.block = c.block;
  }
  if (series.has_value && c.time < series.time) return;  // late: it is in its bucket, the newest stays the newest
  if (!series.has_value) series.first = c.time;
  series.has_value = true;
  series.time = c.time;
  series.value = c.value;
  series.sequence = c.sequence;
  if (m.rate_of_change && (!series.has_reference || c.time - series.reference_time >= m.rate_of_change->per)) {
    series.has_reference = true;
    series.reference_time = c.time;
    series.reference_value = c.value;
  }
}

void Oracle::State::accept_refused(std::size_t index, Tally& tally) {
  tally.halted = false;
  tally.halted_reason.clear();
  for (Series& series : tally.series) {
    if (!series.is_breaching()) continue;
    series.has_reference = false;
    contribute(index, tally, series,
               {.time = series.breach_time, .value = series.breach_value, .sequence = series.breach_sequence});
  }
}

bool Oracle::State::is_too_fast(const MetricSettings& m, Series& series, const Contribution& c, std::string* message) {
  if (!m.rate_of_change || !series.has_reference) return false;
  const RateOfChange& limit = *m.rate_of_change;
  const double elapsed = static_cast<double>((c.time - series.reference_time).ns) / static_cast<double>(limit.per.ns);
  const double budget = limit.ratio_max * std::max(1.0, elapsed);
  const double change = distance_between(series.reference_value, c.value, m);
  if (change <= budget) return false;
  if (!series.is_breaching()) series.breach_since = c.received;
  series.breach_until = c.received;
  series.breach_time = c.time;
  series.breach_value = c.value;
  series.breach_sequence = c.sequence;
  *message = text_of(c.value) + " is a change of " + text_of(change) + " from " + text_of(series.reference_value) +
             " at " + text_of(series.reference_time) + "; allowed now " + text_of(budget) + ", " +
             text_of(limit.ratio_max) + " more per " + text_of(limit.per);
  return true;
}

}  // namespace homeostat::oracle
