// From one value per source to the candidate of a metric: independent votes, agreement, what they are worth; then the
// guard's word on it.
#include <algorithm>
#include <cmath>

#include "core/format.hpp"
#include "oracle/state.hpp"

namespace homeostat::oracle {
namespace {

/// Metric::travel counts a step at most as this share of kFrozenTravel: one jump of one source does not make those
/// frozen that rightly stood still.
constexpr double kFrozenSteps = 4;
/// |ln| that the others must have moved in all.
constexpr double kFrozenTravel = 0.02;
/// Changes that show a source to be one that moves: what always stood still is no sign of anything.
constexpr std::uint32_t kFrozenChanges = 10;
/// What a metric that asks for liquidity is worth when no source states any.
constexpr double kUnstatedLiquidityShare = 0.5;

std::string percent(double ln) {
  return text_of(std::round(ln * 1000) / 10) + "%";
}

void add_reason(std::string& reason, std::string_view more) {
  if (!reason.empty()) reason += "; ";
  reason += more;
}

void degrade(Candidate& c, std::string_view why) {
  c.quality = std::max(c.quality, Quality::degraded);
  add_reason(c.reason, why);
}

const SourceLimits* limits_of(const MetricSettings& m, const std::string& source) {
  const auto* origin = std::get_if<SampleOrigin>(&m.origin);
  if (origin == nullptr) return nullptr;
  const auto it = std::find_if(origin->limits.begin(), origin->limits.end(),
                               [&](const SourceLimits& l) { return l.source == source; });
  return it == origin->limits.end() ? nullptr : &*it;
}

void note_liquidity(Candidate& c, const std::vector<Vote>& votes, const MetricSettings& m) {
  double total = 0;
  bool is_stated = false;
  for (const Vote& vote : votes) {
    if (vote.left_out || vote.liquidity < 0) continue;
    is_stated = true;
    total += vote.liquidity;
  }
  const double share = is_stated ? std::min(1.0, total / m.liquidity_needed) : kUnstatedLiquidityShare;
  if (share >= 1) return;
  c.authority = std::min(c.authority, share);
  degrade(c, is_stated ? "liquidity " + text_of(total) + " of " + text_of(m.liquidity_needed) + " needed"
                       : std::string("no source states its liquidity"));
}

}  // namespace

void note_movement(Metric& metric, Series& series, const MetricSettings& m, const Contribution& c,
                   const SourceLimits* limits) {
  series.confidence = c.confidence;
  if (c.liquidity >= 0) series.liquidity = c.liquidity;
  if (m.pinned_after > 0) {
    const double low = limits != nullptr ? limits->min : m.min;
    const double high = limits != nullptr ? limits->max : m.max;
    series.pinned = c.value <= low || c.value >= high ? std::min(series.pinned + 1, m.pinned_after) : 0;
  }
  if (m.frozen_after <= Duration::zero()) return;
  if (series.has_value && c.value == series.value) return;
  if (series.has_value) {
    metric.travel += std::min(distance_between(series.value, c.value, m), kFrozenTravel / kFrozenSteps);
  }
  if (series.has_value) series.changes = std::min(series.changes + 1, kFrozenChanges);
  series.changed = c.time;
  series.travel_when_changed = metric.travel;
}

bool is_pinned(const Series& series, const MetricSettings& m) {
  return m.pinned_after > 0 && series.pinned >= m.pinned_after;
}

bool is_frozen(const Metric& metric, const Series& series, const MetricSettings& m, Instant at) {
  return m.frozen_after > Duration::zero() && series.changes >= kFrozenChanges &&
         at - series.changed > m.frozen_after && metric.travel - series.travel_when_changed > kFrozenTravel;
}

void Oracle::State::note(std::size_t index, Series& series, const Contribution& c) {
  note_movement(metrics[index], series, settings.metrics[index], c,
                limits_of(settings.metrics[index], settings.sources[series.source].name));
}

std::size_t Oracle::State::independent(std::size_t index, const std::vector<const Series*>& series) {
  const Metric& metric = metrics[index];
  groups_seen_.clear();
  for (const Series* s : series) {
    groups_seen_.push_back(metric.groups[static_cast<std::size_t>(s - metric.series.data())]);
  }
  std::sort(groups_seen_.begin(), groups_seen_.end());
  return static_cast<std::size_t>(std::unique(groups_seen_.begin(), groups_seen_.end()) - groups_seen_.begin());
}

void Oracle::State::conclude(std::size_t index, const std::vector<const Series*>& voters) {
  const MetricSettings& m = settings.metrics[index];
  const Metric& metric = metrics[index];
  const auto* origin = std::get_if<SampleOrigin>(&m.origin);
  Candidate& c = candidate;
  votes.clear();
  for (std::size_t i = 0; i < voters.size(); ++i) {
    const Series& s = *voters[i];
    votes.push_back({.group = metric.groups[static_cast<std::size_t>(voters[i] - metric.series.data())],
                     .source = s.source,
                     .value = values[i],
                     .confidence = s.confidence,
                     .liquidity = s.liquidity});
  }
  merge_groups(votes);
  const std::uint32_t quorum = origin != nullptr ? origin->quorum : 1;
  const Agreement result = count_votes(votes, m, quorum);
  c.value = result.value;
  c.confidence = result.confidence;
  c.sources = static_cast<std::uint32_t>(votes.size()) - result.left_out;
  for (const Vote& vote : votes) {
    if (!vote.left_out) continue;
    degrade(c, "left out " + settings.sources[vote.source].name + " (" + text_of(vote.value) + ", " +
                   percent(distance_between(result.value, vote.value, m)) + " from the others)");
  }
  if (!result.agrees) {
    c.is_good = false;
    const std::string found = "the sources disagree: only " + std::to_string(result.agreeing) + " of " +
                              std::to_string(votes.size()) + " within " + percent(m.agree_within) + " of " +
                              text_of(result.value);
    c.reason = c.reason.empty() ? found : found + "; " + c.reason;
    return;
  }
  if (m.liquidity_needed > 0) note_liquidity(c, votes, m);
  if (m.peg) note_peg(index, result.agreeing);
}

void Oracle::State::note_peg(std::size_t index, std::size_t agreeing) {
  const MetricSettings& m = settings.metrics[index];
  Candidate& c = candidate;
  const double off = distance_between(m.peg->at, c.value, m);
  if (off <= m.peg->band) return;
  auto groups = metrics[index].groups;
  std::sort(groups.begin(), groups.end());
  const auto all = static_cast<std::size_t>(std::unique(groups.begin(), groups.end()) - groups.begin());
  const std::string what = text_of(c.value) + " is " + percent(off) + " off the peg of " + text_of(m.peg->at);
  const std::string who = std::to_string(agreeing) + " of " + std::to_string(all) + " sources";
  if (2 * agreeing > all) return degrade(c, what + ", as " + who + " agree");
  c.is_good = false;
  add_reason(c.reason, what + ", and only " + who + " say so");
}

void Oracle::State::guard(std::size_t index, Instant at) {
  const MetricSettings& m = settings.metrics[index];
  Candidate& c = candidate;
  const bool inside = c.is_good && c.value >= m.min && c.value <= m.max && c.quality != Quality::halted;
  const GuardVerdict verdict = step_guard(*metrics[index].guard, m, inside ? std::optional(c.value) : std::nullopt, at);
  c.guard_gap = verdict.gap;
  c.guard_suspect = verdict.suspect;
  if (verdict.accepted) {
    c.value = verdict.value;
    if (verdict.degraded) degrade(c, verdict.reason);
    return;
  }
  c.is_good = false;
  if (verdict.halted) c.quality = Quality::halted;
  // Without a quorum the candidate has said why; what the guard adds is for how long that may go on.
  if (inside) {
    c.quality = std::max(c.quality, Quality::held);
    c.reason = verdict.reason;
  } else if (verdict.halted) {
    add_reason(c.reason, "for longer than " + text_of(m.guard->halt_after) + "; trusted again when the sources agree");
  }
}

}  // namespace homeostat::oracle
