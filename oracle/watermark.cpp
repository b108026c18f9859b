#include "oracle/watermark.hpp"

#include <algorithm>

#include "oracle/state.hpp"

namespace homeostat::oracle {

Duration lateness_of(const MetricSettings& m, const SourceSettings& source) {
  // What is made of a sequence has no buckets in which something late could still land.
  return m.aggregate == Aggregate::ewma || m.aggregate == Aggregate::twap ? Duration::zero() : source.allowed_lateness;
}

Mark Oracle::State::mark_of(std::size_t index, const Series& series) const {
  const MetricSettings& m = settings.metrics[index];
  if (std::holds_alternative<EventOrigin>(m.origin)) {
    const Metric& metric = metrics[index];
    return {.complete = metric.has_frontier ? metric.frontier : Instant{}, .newest = sources[series.source].newest};
  }
  if (!series.has_value) return {};
  return {.complete = series.time - lateness_of(m, settings.sources[series.source]), .newest = series.time};
}

void Oracle::State::begin_sources() {
  source_marks_.assign(sources.size(), Mark{});
  least_ = Instant{};
}

void Oracle::State::advance_watermark(std::size_t index, Instant at) {
  Metric& metric = metrics[index];
  Progress& progress = metric.progress;
  if (metric.expression) {
    bool is_first = true;
    for (const std::uint32_t operand : metric.operands) {
      const Instant mark = readings[operand].watermark;
      progress.watermark = is_first ? mark : std::min(progress.watermark, mark);
      is_first = false;
    }
    return;
  }
  const MetricSettings& m = settings.metrics[index];
  Mark least;
  for (const Series& series : metric.series) {
    const Mark mark = mark_of(index, series);
    if (mark.newest.is_never() || at - mark.newest > m.staleness_max) continue;  // idle
    if (least.newest.is_never() || mark.newest < least.newest) least.newest = mark.newest;
    if (least.complete.is_never() || mark.complete < least.complete) least.complete = mark.complete;
    Mark& of_source = source_marks_[series.source];
    of_source.newest = std::max(of_source.newest, mark.newest);
    if (of_source.complete.is_never() || mark.complete < of_source.complete) of_source.complete = mark.complete;
  }
  // Of a chain it is what its blocks say, as the reading is: there is one series, and only a reorg takes it back.
  const bool is_event = std::holds_alternative<EventOrigin>(m.origin);
  if (is_event) progress.watermark = mark_of(index, metric.series.front()).complete;
  if (!is_event) progress.watermark = std::max(progress.watermark, least.complete);
  if (progress.moved.is_never() || least.newest > progress.newest) progress.moved = at;
  progress.newest = std::max(progress.newest, least.newest);
  const bool is_fed = !least.newest.is_never() && !progress.watermark.is_never();
  if (is_fed && (least_.is_never() || progress.watermark < least_)) least_ = progress.watermark;
}

void Oracle::State::advance_sources() {
  watermark = std::max(watermark, least_);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Source& source = sources[i];
    source.idle = source_marks_[i].newest.is_never();
    if (!source.chain) source.watermark = std::max(source.watermark, source_marks_[i].complete);
    const Duration allowed = settings.sources[i].skew_max;
    const Duration skew = allowed > Duration::zero() ? source.skew.quantile(50) : Duration::zero();
    source.skewed = skew > allowed || -skew > allowed;
  }
}

MetricProgress Oracle::State::progress_of(std::size_t index) const {
  const Metric& metric = metrics[index];
  MetricProgress out;
  if (metric.expression) return out;
  out.is_watched = true;
  out.moved = metric.progress.moved;
  const Duration own = settings.metrics[index].staleness_max;
  out.stall_max = settings.stall_max > Duration::zero() ? settings.stall_max : own;
  const auto farthest = std::min_element(
      metric.series.begin(), metric.series.end(),
      [&](const Series& a, const Series& b) { return mark_of(index, a).newest < mark_of(index, b).newest; });
  out.held_by = farthest->source;
  return out;
}

}  // namespace homeostat::oracle
