// Judging a batch of samples, one verdict each.
//
// Order and side effects: the checks run in the order of Refusal and the first that fails decides. Sequences are
// told apart before values are looked at, so a sample that is refused for its value has still used its
// sequence: sent again it is a duplicate. One refused for its rate has not: the producer may send it again as
// it is. Nor has one of an unknown metric, which a later policy may know. A token is taken only by what passed all
// checks before the rate.
#include <algorithm>
#include <bit>
#include <cmath>

#include "core/format.hpp"
#include "core/text.hpp"
#include "oracle/state.hpp"

namespace homeostat::oracle {
namespace {

/// Bounds of one sample. Where the reading means the same as a sample they are the metric's; a single
/// contribution to a sum may not exceed what the whole sum may be; counts have none.
struct Bounds {
  double low;
  double high;
};

Bounds sample_bounds(const MetricSettings& m) {
  const double seconds = m.window.in_seconds();
  switch (m.aggregate) {
    case Aggregate::last:
    case Aggregate::median:
    case Aggregate::quartiles:
    case Aggregate::ewma:
    case Aggregate::twap: return {m.min, m.max};
    case Aggregate::sum: return {std::min(m.min, 0.0), std::max(m.max, 0.0)};
    case Aggregate::rate: return {std::min(m.min, 0.0) * seconds, std::max(m.max, 0.0) * seconds};
    case Aggregate::count:
    case Aggregate::distinct: break;
  }
  return {-HUGE_VAL, HUGE_VAL};
}

/// What the batch says beside the value; details are ascending by sample.
void take_detail(const SampleBatch& batch, std::size_t i, Contribution& c) {
  const auto detail = std::lower_bound(batch.details.begin(), batch.details.end(), i,
                                       [](const SampleDetail& d, std::size_t sample) { return d.sample < sample; });
  if (detail == batch.details.end() || detail->sample != i) return;
  // Nonsense is as good as nothing: the value itself stands on its own.
  if (std::isfinite(detail->confidence) && detail->confidence > 0) c.confidence = detail->confidence;
  if (std::isfinite(detail->liquidity) && detail->liquidity >= 0) c.liquidity = detail->liquidity;
}

Word word_of(double value) {
  Word word{};
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);  // -0 and 0 are one key
  for (std::size_t i = 0; i < 8; ++i) word[24 + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  return word;
}

std::string unknown_metric_message(const Settings& settings, const SampleBatch& batch, const Sample& sample,
                                   bool is_known) {
  if (sample.metric >= batch.metrics.size()) {
    return "the sample refers to name " + std::to_string(sample.metric) + " of a batch that has " +
           std::to_string(batch.metrics.size());
  }
  const std::string& name = batch.metrics[sample.metric];
  if (is_known) return "metric '" + name + "' is not fed by source '" + batch.source + "'";
  std::vector<std::string> names;
  for (const MetricSettings& m : settings.metrics) names.push_back(m.name);
  return "there is no metric '" + name.substr(0, kNameLengthMax) + "'" + did_you_mean(name, names);
}

BatchVerdict refuse_all(const Settings& settings, const SampleBatch& batch) {
  std::vector<std::string> names;
  for (const SourceSettings& s : settings.sources) names.push_back(s.name);
  const std::string message =
      "there is no source '" + batch.source.substr(0, kNameLengthMax) + "'" + did_you_mean(batch.source, names);
  BatchVerdict verdict;
  verdict.refused.reserve(batch.samples.size());
  for (std::uint32_t i = 0; i < batch.samples.size(); ++i) {
    verdict.refused.push_back({.index = i, .refusal = Refusal::unknown_source, .message = message});
  }
  return verdict;
}

}  // namespace

bool sample_is_inside(const MetricSettings& m, double value) {
  const Bounds bounds = sample_bounds(m);
  return value >= bounds.low && value <= bounds.high;
}

std::string outside_message(const MetricSettings& m, double value) {
  const Bounds bounds = sample_bounds(m);
  return "value " + text_of(value) + " is outside " + text_of(bounds.low) + " .. " + text_of(bounds.high) +
         (m.unit.empty() ? "" : " " + m.unit);
}

BatchVerdict Oracle::State::ingest(const SampleBatch& batch) {
  const auto found = source_index.find(batch.source);
  if (found == source_index.end()) return refuse_all(settings, batch);
  Source& source = sources[found->second];
  if (!batch.cursor.empty() && batch.cursor.size() <= kSourceCursorBytesMax) source.cursor = batch.cursor;
  source.bucket.refill(batch.received, settings.sources[found->second].rate_per_s,
                       settings.sources[found->second].burst);

  // Names are resolved once; a series that is not there marks a metric that this source does not feed.
  batch_metrics.clear();
  batch_series.clear();
  for (const std::string& name : batch.metrics) {
    const auto it = metric_index.find(name);
    Metric* metric = it == metric_index.end() ? nullptr : &metrics[it->second];
    Series* series = nullptr;
    if (metric != nullptr && std::holds_alternative<SampleOrigin>(settings.metrics[it->second].origin)) {
      const auto place = std::lower_bound(metric->series.begin(), metric->series.end(), found->second,
                                          [](const Series& s, std::uint32_t id) { return s.source < id; });
      if (place != metric->series.end() && place->source == found->second) series = &*place;
    }
    batch_metrics.push_back(metric);
    batch_series.push_back(series);
  }

  BatchVerdict verdict;
  std::string message;
  batch_newest = Instant{};
  for (std::size_t i = 0; i < batch.samples.size(); ++i) {
    const Refusal refusal = judge(batch, i, source, message);
    ++source.refused[static_cast<std::size_t>(refusal)];
    if (refusal == Refusal::none) {
      ++verdict.accepted;
      continue;
    }
    verdict.refused.push_back({.index = static_cast<std::uint32_t>(i), .refusal = refusal, .message = message});
  }
  if (!batch_newest.is_never()) source.skew.note(batch_newest - batch.received);
  source.refused[static_cast<std::size_t>(Refusal::none)] = 0;
  source.accepted += verdict.accepted;
  if (!verdict.refused.empty()) {
    const Verdict& last = verdict.refused.back();
    const std::uint32_t name = batch.samples[last.index].metric;
    source.last_refused = name < batch.metrics.size() ? batch.metrics[name].substr(0, kNameLengthMax) : "";
    source.last_refused += (source.last_refused.empty() ? "" : ": ") + last.message;
    source.last_refused_at = batch.received;
  }
  return verdict;
}

Refusal Oracle::State::judge(const SampleBatch& batch, std::size_t i, Source& source, std::string& message) {
  const Sample& sample = batch.samples[i];
  const std::uint64_t sequence = batch.first_sequence + i;
  Series* series = sample.metric < batch.metrics.size() ? batch_series[sample.metric] : nullptr;
  if (series == nullptr) {
    const bool is_known = sample.metric < batch.metrics.size() && batch_metrics[sample.metric] != nullptr;
    message = unknown_metric_message(settings, batch, sample, is_known);
    return Refusal::unknown_metric;
  }
  Metric& metric = *batch_metrics[sample.metric];
  const auto index = static_cast<std::size_t>(&metric - metrics.data());
  const MetricSettings& m = settings.metrics[index];

  switch (source.sequences.ask(sequence)) {
    case SequenceWindow::Answer::fresh: break;
    case SequenceWindow::Answer::taken:
      message = "sequence " + std::to_string(sequence) + " was already taken";
      return Refusal::duplicate;
    case SequenceWindow::Answer::too_old:
      message = "sequence " + std::to_string(sequence) + " is " + std::to_string(kSequenceWindow) +
                " or more behind the highest taken; go on from " + std::to_string(source.sequences.highest() + 1);
      return Refusal::sequence_too_old;
  }

  // Also of what is refused for its time: a clock that is far off must show. Not of duplicates, whose time is old.
  batch_newest = std::max(batch_newest, sample.time);
  const auto refuse_value = [&](Refusal refusal, std::string why) {
    source.sequences.take(sequence);
    message = std::move(why);
    return refusal;
  };
  if (!std::isfinite(sample.value)) {
    return refuse_value(Refusal::not_finite, "the value is " + text_of(sample.value) + ", not a finite number");
  }
  if (!sample_is_inside(m, sample.value)) return refuse_value(Refusal::out_of_bounds, outside_message(m, sample.value));
  const Duration lateness = lateness_of(m, settings.sources[series->source]);
  const bool is_behind = series->has_value && sample.time < series->time;
  if (is_behind && lateness <= Duration::zero()) {
    return refuse_value(Refusal::out_of_order, "time " + text_of(sample.time) + " is before " + text_of(series->time) +
                                                   ", the last accepted of this source and metric");
  }
  if (is_behind && sample.time < series->time - lateness) {
    return refuse_value(
        Refusal::late, "time " + text_of(sample.time) + " is before the watermark " + text_of(series->time - lateness) +
                           " of this source and metric: " + text_of(lateness) + " behind the newest is allowed");
  }
  if (sample.time > batch.received + m.future_max) {
    return refuse_value(Refusal::in_future, "time " + text_of(sample.time) + " is " +
                                                text_of(sample.time - batch.received) +
                                                " ahead of its receipt; allowed " + text_of(m.future_max));
  }
  if (batch.received - sample.time > m.staleness_max) {
    return refuse_value(Refusal::too_old, "time " + text_of(sample.time) + " was " +
                                              text_of(batch.received - sample.time) + " ago at its receipt; allowed " +
                                              text_of(m.staleness_max));
  }
  if (!source.bucket.try_take()) {
    const SourceSettings& limit = settings.sources[series->source];
    ++metric.rate_refused;
    message = "over " + text_of(limit.rate_per_s) + " samples/s with a burst of " + text_of(limit.burst) +
              "; send it again later";
    return Refusal::rate_limited;
  }
  source.sequences.take(sequence);
  Contribution c{.time = sample.time, .received = batch.received, .value = sample.value, .sequence = sequence};
  if (m.aggregate == Aggregate::distinct) c.key = word_of(sample.value);
  const bool counts = !is_behind || metric.sums.has_value();  // else the newer value stands, whatever this one is
  if (counts && is_too_fast(m, *series, c, &message)) return Refusal::rate_of_change;
  if (!batch.details.empty()) take_detail(batch, i, c);
  if (!is_behind) note(index, *series, c);
  contribute(index, metric, *series, c);
  if (is_behind) ++source.late_accepted;
  source.newest = std::max(source.newest, sample.time);
  return Refusal::none;
}

}  // namespace homeostat::oracle
