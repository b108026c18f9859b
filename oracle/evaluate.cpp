// From what was taken in to a reading: propose a candidate, then settle it against bounds and age.
#include <algorithm>
#include <cmath>

#include "core/format.hpp"
#include "core/math.hpp"
#include "core/prefetch.hpp"
#include "oracle/state.hpp"

namespace homeostat::oracle {
namespace {

std::string percent(double share) {
  return std::to_string(static_cast<int>(std::floor(std::clamp(share, 0.0, 1.0) * 100))) + "%";
}

/// The window's own building-up after the first contribution or block: reading it as complete would take a young
/// window for a slump. Below coverage_min it gives no value, above it a degraded one.
void note_building_up(Candidate& c, const MetricSettings& m, const Metric& metric, Instant at) {
  const Duration watched = at - metric.started;
  if (!metric.has_started || watched >= m.window) return;
  const double share = static_cast<double>(watched.ns) / static_cast<double>(m.window.ns);
  c.quality = std::max(c.quality, Quality::degraded);
  c.is_good = share >= m.coverage_min;
  if (!c.reason.empty()) c.reason += "; ";
  c.reason += "building up: " + percent(share) + " of the " + text_of(m.window) + " window";
  if (!c.is_good) c.reason += ", needs " + percent(m.coverage_min);
}

void append_condition(std::string& reason, const Source& source) {
  switch (source.condition) {
    case SourceCondition::connected: return;
    case SourceCondition::failing: reason += "no provider answers"; break;
    case SourceCondition::wrong_chain: reason += "another chain answers"; break;
    case SourceCondition::violated: reason += "violated"; break;
    case SourceCondition::disputed: reason += "providers contradict each other"; break;
  }
  if (!source.detail.empty()) reason += ": " + source.detail;
}

/// A reading mostly says what it said at the tick before.
void say(SharedText& reason, std::string_view now) {
  if (reason.view() != now) reason = now;
}

/// Why a series does not count now; empty if it does.
enum class Absence : std::uint8_t { none, never, stale, breaching, distrusted, pinned, frozen, vague };

Absence absence_of(const Metric& metric, const Series& series, const Source& source, const MetricSettings& m,
                   Instant at) {
  if (source.violated || source.condition == SourceCondition::wrong_chain) return Absence::distrusted;
  if (series.is_breaching()) return Absence::breaching;
  if (!series.has_value) return Absence::never;
  if (at - series.time > m.staleness_max) return Absence::stale;
  if (is_pinned(series, m)) return Absence::pinned;
  if (is_frozen(metric, series, m, at)) return Absence::frozen;
  // As Pyth's on-chain aggregate does: a confidence of more than a third of the value says nothing.
  if (m.aggregate == Aggregate::quartiles && series.confidence > std::fabs(series.value) / 3) return Absence::vague;
  return Absence::none;
}

void append_absence(std::string& reason, Absence absence, const std::string& name, const Series& series,
                    const Source& source, Instant at) {
  reason += name;
  switch (absence) {
    case Absence::none: break;
    case Absence::never: reason += " (no sample yet"; break;
    case Absence::stale: reason += " (last " + text_of(at - series.time) + " ago"; break;
    case Absence::breaching: reason += " (refused for its rate of change"; break;
    case Absence::distrusted: reason += " ("; break;
    case Absence::pinned: reason += " (pinned at its limit " + text_of(series.value); break;
    case Absence::frozen:
      reason += " (frozen at " + text_of(series.value) + " for " + text_of(at - series.changed) + " while others move";
      break;
    case Absence::vague:
      reason += " (confidence " + text_of(series.confidence) + " is over a third of its value";
      break;
  }
  if (source.condition != SourceCondition::connected) {
    if (absence != Absence::distrusted) reason += "; ";
    append_condition(reason, source);
  }
  reason += ')';
}

double series_value(const Series& series, const MetricSettings& m, Instant at) {
  if (m.aggregate != Aggregate::ewma) return series.value;
  return series.value + (series.average - series.value) * math::half_life_decay(at - series.time, m.half_life);
}

}  // namespace

void Oracle::State::fetch_ahead(std::size_t index) const {
  constexpr std::size_t kAhead = 4;
  if (index + 2 * kAhead < metrics.size()) prefetch(metrics[index + 2 * kAhead]);
  if (index + kAhead >= metrics.size()) return;
  for (const Series& series : metrics[index + kAhead].series) prefetch(series);
  prefetch(settings.metrics[index + kAhead]);
  prefetch(readings[index + kAhead]);
}

void Oracle::State::evaluate(std::size_t index, Instant at) {
  Candidate& c = candidate;
  c.is_good = false;
  c.quality = Quality::ok;
  c.reason.clear();
  c.sources = 1;
  c.count = 0;
  c.error_ratio = 0;
  c.provisional = 0;
  c.authority = 1;
  c.confidence = c.guard_gap = 0;
  c.guard_suspect = false;
  c.provenance = nullptr;
  c.series = nullptr;
  switch (settings.metrics[index].origin.index()) {
    case 0: propose_from_samples(index, at); break;
    case 1: propose_from_events(index, at); break;
    default: propose_from_expression(index, at); break;
  }
  if (metrics[index].guard) guard(index, at);
  advance_watermark(index, at);
  settle(index, at);
}

void Oracle::State::propose_from_samples(std::size_t index, Instant at) {
  const MetricSettings& m = settings.metrics[index];
  const auto& origin = std::get<SampleOrigin>(m.origin);
  Metric& metric = metrics[index];
  Candidate& c = candidate;
  fresh_.clear();
  bool persistent_breach = false;
  std::string disputed;
  for (const Series& series : metric.series) {
    const Source& source = sources[series.source];
    const Absence absence = absence_of(metric, series, source, m, at);
    if (absence == Absence::none) {
      fresh_.push_back(&series);
      if (source.condition != SourceCondition::disputed) continue;
      disputed += (disputed.empty() ? "" : ", ") + settings.sources[series.source].name + ": ";
      append_condition(disputed, source);
      continue;
    }
    c.reason += c.reason.empty() ? "missing " : ", ";
    append_absence(c.reason, absence, settings.sources[series.source].name, series, source, at);
    persistent_breach =
        persistent_breach || (absence == Absence::breaching && m.rate_of_change &&
                              series.breach_until - series.breach_since >= m.rate_of_change->halt_after);
  }
  const std::size_t count = independent(index, fresh_);
  if (count < std::max(1u, origin.quorum)) {
    c.reason = std::to_string(count) + " of " + std::to_string(metric.series.size()) +
               (count < fresh_.size() ? " sources fresh and independent, quorum " : " sources fresh, quorum ") +
               std::to_string(origin.quorum) + "; " + c.reason;
    if (persistent_breach && !metric.halted) {
      metric.halted = true;
      metric.halted_reason = persistent_breach_text(m);
    }
    return;
  }
  if (!disputed.empty()) c.reason += (c.reason.empty() ? "" : "; ") + disputed;
  if (!c.reason.empty()) c.quality = Quality::degraded;
  c.sources = static_cast<std::uint32_t>(count);
  propose_aggregate(index, at, fresh_);
}

void Oracle::State::propose_from_events(std::size_t index, Instant at) {
  const MetricSettings& m = settings.metrics[index];
  Metric& metric = metrics[index];
  const Series& series = metric.series.front();
  const Source& source = sources[series.source];
  const Chain& chain = *source.chain;
  Candidate& c = candidate;
  const std::string& name = settings.sources[series.source].name;
  const bool distrusted = source.violated || source.condition == SourceCondition::wrong_chain;
  if (distrusted || source.condition == SourceCondition::failing) {
    c.reason = name + ": ";
    append_condition(c.reason, source);
  }
  if (source.violated) c.quality = Quality::halted;
  if (distrusted) return;
  if (metric.backfilling) {
    const std::uint64_t end = std::max({chain.settled, metric.watched_since, metric.past_next});
    c.reason += (c.reason.empty() ? "" : "; ") + name + ": backfilling, " +
                std::to_string(metric.past_next - metric.past_from) + " of " +
                std::to_string(end - metric.past_from + 1) + " blocks";
    return;
  }
  if (!chain.has_head || !metric.has_frontier) {
    c.reason += (c.reason.empty() ? "" : "; ") + name +
                (chain.has_head ? ": no block is as deep as the metric asks" : ": no block was taken in yet");
    return;
  }
  if (at - chain.head.time > m.staleness_max) {
    c.reason += (c.reason.empty() ? "" : "; ") + name + ": the newest block, " + std::to_string(chain.head.number) +
                ", is " + text_of(at - chain.head.time) + " old; allowed " + text_of(m.staleness_max);
    return;
  }
  c.reason.clear();  // failing, but not long enough to matter
  if (source.condition == SourceCondition::disputed) {
    c.quality = Quality::degraded;
    c.reason = name + ": ";
    append_condition(c.reason, source);
  }
  if (chain.head.time - metric.frontier > kFinalityLagMax) {
    c.reason = name + ": blocks are not becoming final; the newest that counts is " +
               text_of(chain.head.time - metric.frontier) + " behind the head";
    return;
  }
  if (series.is_breaching()) {
    c.reason = name + ": refused for its rate of change";
    return;
  }
  if (!metric.sums && !series.has_value) {
    c.reason = name + ": no such event yet";
    return;
  }
  // The window ends at the newest block that counts: blocks that are not deep enough yet are not zeros.
  fresh_.assign(1, &series);
  propose_aggregate(index, std::min(at, metric.frontier), fresh_);
  c.provisional = metric.provisional();
  c.series = nullptr;
  c.provenance = &metric.newest;
  c.time = chain.head.time;
}

void Oracle::State::propose_aggregate(std::size_t index, Instant at, const std::vector<const Series*>& fresh) {
  const MetricSettings& m = settings.metrics[index];
  Metric& metric = metrics[index];
  Candidate& c = candidate;
  c.is_good = true;
  c.series =
      *std::max_element(fresh.begin(), fresh.end(), [](const Series* a, const Series* b) { return a->time < b->time; });
  c.time = c.series->time;
  if (metric.sums) {
    const SumWindow::Total total = metric.sums->total(at);
    c.count = total.count;
    c.provenance = &metric.newest;
    c.series = nullptr;
    c.value = m.aggregate == Aggregate::sum     ? total.sum
              : m.aggregate == Aggregate::rate  ? total.sum / m.window.in_seconds()
              : m.aggregate == Aggregate::count ? static_cast<double>(total.count)
                                                : 0;
    if (m.aggregate == Aggregate::distinct) {
      const DistinctWindow::Count count = metric.keys->count(at);
      c.value = count.keys;
      c.error_ratio = count.error_ratio;
    }
    note_building_up(c, m, metric, at);
    return;
  }
  values.clear();
  // Of a chain it may not depend on when it was looked at: a reorg takes contributions back, never a look.
  const bool is_event = std::holds_alternative<EventOrigin>(m.origin);
  const bool was_covered = is_event ? at - fresh.front()->first >= m.window : metric.was_covered;
  voters_.clear();
  double coverage = 0;
  for (const Series* series : fresh) {
    if (m.aggregate == Aggregate::twap) {
      const Instant until = std::min(std::max(at, series->time), series->time + m.staleness_max);
      const StepWindow::Integral x = series->step->integral(at, series->time, until, series->value);
      const double share = static_cast<double>(x.covered_ns) / static_cast<double>(m.window.ns);
      if (share < m.coverage_min) {
        coverage = std::max(coverage, share);
        if (was_covered || x.covered_ns == 0) continue;
      }
      coverage = std::max(coverage, share);
      values.push_back(x.value_seconds / (static_cast<double>(x.covered_ns) / 1e9));
    } else {
      values.push_back(series_value(*series, m, at));
    }
    voters_.push_back(series);
  }
  c.count = values.size();
  if (m.aggregate == Aggregate::twap && coverage < m.coverage_min) {
    if (!c.reason.empty()) c.reason += "; ";
    c.reason += (was_covered ? "only " : "building up: ") + percent(coverage) + " of the " + text_of(m.window) +
                " window is covered, needs " + percent(m.coverage_min);
    c.quality = Quality::degraded;
    c.is_good = !values.empty();
    if (!c.is_good) return;
  } else if (m.aggregate == Aggregate::twap) {
    metric.was_covered = true;
  }
  conclude(index, voters_);
}

void Oracle::State::propose_from_expression(std::size_t index, Instant at) {
  Metric& metric = metrics[index];
  Candidate& c = candidate;
  values.clear();
  Quality worst = Quality::ok;
  const Reading* newest = nullptr;
  c.time = at;
  for (const std::uint32_t operand : metric.operands) {
    const Reading& r = readings[operand];
    values.push_back(r.value);
    c.count += r.count;
    c.provisional += r.provisional;
    if (is_usable(r.quality)) c.authority = std::min(c.authority, r.authority);
    c.error_ratio += r.error_ratio;     // first order of a product or a quotient
    c.time = std::min(c.time, r.time);  // as old as its oldest part
    c.sources = newest == nullptr ? r.sources : std::min(c.sources, r.sources);
    if (newest == nullptr || r.time > newest->time) newest = &r;
    if (r.quality > worst) {
      worst = r.quality;
      c.reason = settings.metrics[operand].name + " is " + std::string(name_of(r.quality)) + ": " + r.reason.str();
    }
  }
  c.quality = worst;
  c.provenance = newest != nullptr ? &newest->provenance : nullptr;
  if (!is_usable(worst)) return;
  c.value = metric.expression->value(values);
  c.is_good = std::isfinite(c.value);
  if (!c.is_good) c.reason = "'" + metric.expression->text() + "' has no finite value (division by zero?)";
}

void Oracle::State::settle(std::size_t index, Instant at) {
  const MetricSettings& m = settings.metrics[index];
  Metric& metric = metrics[index];
  Reading& r = readings[index];
  Candidate& c = candidate;
  if (metric.rate_refused > 0) {
    if (c.is_good && c.quality < Quality::rate_limited) {
      c.quality = Quality::rate_limited;
      c.reason = std::to_string(metric.rate_refused) + " samples were refused for their rate since the last tick";
    }
    metric.rate_refused = 0;
  }
  r.unresponsive = !metric.doubt.empty();
  if (c.is_good && r.unresponsive) {
    c.quality = std::max(c.quality, Quality::degraded);
    c.authority = std::min(c.authority, kDoubtedAuthority);
    c.reason = c.reason.empty() ? metric.doubt : metric.doubt + "; " + c.reason;
  }
  if (c.is_good && !(c.value >= m.min && c.value <= m.max)) {
    // Held, never clamped: a clamp would publish a wrong number for as long as the cause lasts.
    c.is_good = false;
    c.reason = "the value " + text_of(c.value) + " is outside " + text_of(m.min) + " .. " + text_of(m.max);
    if (c.quality < Quality::held) c.quality = Quality::held;
  }
  r.watermark = metric.progress.watermark;
  r.guard_gap = c.guard_gap;
  r.guard_suspect = c.guard_suspect;
  if (metric.halted) {
    c.is_good = false;
    c.quality = Quality::halted;
    c.reason = metric.halted_reason;
  }
  if (c.is_good) {
    r.value = c.value == 0 ? 0 : c.value;  // -0 and 0 are one value
    r.time = c.time;
    r.sources = c.sources;
    r.count = c.count;
    r.error_ratio = c.error_ratio;
    r.provisional = c.provisional;
    if (c.series != nullptr) {
      r.provenance.source = source_names[c.series->source];
      r.provenance.time = c.series->time;
      r.provenance.sequence = c.series->sequence;
    } else if (c.provenance != nullptr) {
      r.provenance = *c.provenance;
    }
    r.age = std::max(Duration::zero(), at - r.time);
    r.quality = c.quality;
    say(r.reason, c.reason);
    r.authority = std::min(authority_of(r.quality), c.authority);
    r.confidence = c.confidence;
    return;
  }
  r.authority = 0;
  r.age = r.time.is_never() ? Duration::zero() : std::max(Duration::zero(), at - r.time);
  const bool halted = c.quality == Quality::halted;
  const bool is_expression = metric.expression.has_value();
  if (halted) {
    r.quality = Quality::halted;
    say(r.reason, c.reason);
  } else if (r.time.is_never()) {
    r.quality = Quality::stale;
    say(r.reason, "no value yet" + (c.reason.empty() ? "" : " (" + c.reason + ")"));
  } else {
    const bool old = r.age > m.staleness_max && !(is_expression && c.quality == Quality::held);
    r.quality = std::max(std::max(c.quality, Quality::held), old ? Quality::stale : Quality::held);
    say(r.reason, c.reason);
  }
}

}  // namespace homeostat::oracle
