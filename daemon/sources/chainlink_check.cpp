#include "daemon/sources/chainlink_check.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/check.hpp"
#include "core/format.hpp"
#include "core/math.hpp"

namespace homeostat::sources::chainlink {
namespace {

Instant instant_of(std::uint64_t time_s) {
  return Instant::from_unix_seconds(static_cast<std::int64_t>(time_s));
}

Verdict refuse(Refusal refusal, std::string text) {
  return {.refusal = refusal, .text = std::move(text), .value = 0, .time = {}};
}

std::string name_of(const Round& round) {
  return round.phase == 0 ? fmt::format("round {}", round.number)
                          : fmt::format("round {} of phase {}", round.number, round.phase);
}

bool is_same(const Round& a, const Round& b) {
  return a.phase == b.phase && a.number == b.number;
}

}  // namespace

std::optional<Believed> FeedCheck::believed() const {
  if (!last_) return std::nullopt;
  return Believed{last_->round.phase, last_->round.number, last_->round.started_at_s, last_->value};
}

void FeedCheck::resume(const Believed& believed) {
  if (!std::isfinite(believed.value) || believed.value <= 0 || believed.started_at_s > kTimeMax_s) return;
  Round round;
  round.phase = believed.phase;
  round.number = believed.number;
  round.started_at_s = believed.started_at_s;
  last_ = Seen{round, believed.value};
  trial_.reset();
}

bool FeedCheck::needs_parameters(const Round& round) const {
  return !round.is_unknown() && (!parameters_ || parameters_->phase != round.phase);
}

Verdict FeedCheck::judge(const Round& round, Instant block_time) {
  if (Verdict alone = judge_alone(round, block_time); alone.refusal != Refusal::none) return alone;
  HOMEOSTAT_CHECK(parameters_ && parameters_->phase == round.phase);
  if (Verdict wrong = judge_parameters(round); wrong.refusal != Refusal::none) return wrong;

  const Instant observed = instant_of(round.started_at_s);
  const Duration age = block_time - observed;
  if (age > rules_.heartbeat + rules_.slack) {
    return refuse(Refusal::stale,
                  fmt::format("{} was observed {} ago by the chain's clock; the heartbeat is {}, with {} of slack",
                              name_of(round), homeostat::text_of(age), homeostat::text_of(rules_.heartbeat),
                              homeostat::text_of(rules_.slack)));
  }
  const Seen now{round, scaled(round.answer, parameters_->decimals)};
  if (Verdict against = judge_against_last(now); against.refusal != Refusal::none && !trial_agrees(now)) {
    against.text += fmt::format("; believed when {} rounds in a row agree, now {}", kCoherentRounds, trial_->rounds);
    return against;
  }
  last_ = now;
  trial_.reset();
  // Never newer than the block it stands in, so that a fast clock of an observer cannot hide its age.
  return {.refusal = Refusal::none, .text = {}, .value = now.value, .time = std::min(observed, block_time)};
}

Verdict FeedCheck::judge_alone(const Round& round, Instant block_time) const {
  if (round.is_unknown()) return refuse(Refusal::no_round, "the feed has no round yet: it answers zeros");
  if (round.updated_at_s == 0) return refuse(Refusal::no_time, name_of(round) + " has no updatedAt");
  if (round.started_at_s == 0) return refuse(Refusal::no_time, name_of(round) + " has no startedAt");
  if (instant_of(round.updated_at_s) > block_time) {
    return refuse(Refusal::in_future, fmt::format("{} was updated {} after the block it is read at", name_of(round),
                                                  homeostat::text_of(instant_of(round.updated_at_s) - block_time)));
  }
  if (instant_of(round.started_at_s) > block_time + kObservationAheadMax) {
    return refuse(Refusal::in_future,
                  fmt::format("{} was observed {} after the block it is read at; allowed {}", name_of(round),
                              homeostat::text_of(instant_of(round.started_at_s) - block_time),
                              homeostat::text_of(kObservationAheadMax)));
  }
  if (is_zero(round.answer) || is_negative(round.answer)) {
    return refuse(Refusal::not_positive,
                  fmt::format("{} answers {}; a price is above 0", name_of(round), text_of(round.answer)));
  }
  return {};
}

Verdict FeedCheck::judge_parameters(const Round& round) const {
  const Parameters& p = *parameters_;
  if (rules_.decimals && *rules_.decimals != p.decimals) {
    return refuse(Refusal::wrong_decimals,
                  fmt::format("the feed has {} decimals, configured are {}", p.decimals, *rules_.decimals));
  }
  if (!rules_.description.empty() && rules_.description != p.description) {
    return refuse(Refusal::wrong_description, fmt::format("the feed describes itself as \"{}\", configured is \"{}\"",
                                                          p.description, rules_.description));
  }
  if (p.answer_min && !is_less(*p.answer_min, round.answer)) {
    return refuse(Refusal::pinned_min, fmt::format("{} answers {}, at its aggregator's minAnswer {}", name_of(round),
                                                   text_of(round.answer), text_of(*p.answer_min)));
  }
  if (p.answer_max && !is_less(round.answer, *p.answer_max)) {
    return refuse(Refusal::pinned_max, fmt::format("{} answers {}, at its aggregator's maxAnswer {}", name_of(round),
                                                   text_of(round.answer), text_of(*p.answer_max)));
  }
  return {};
}

Verdict FeedCheck::judge_against_last(const Seen& now) const {
  if (!last_) return {};
  const Round& before = last_->round;
  const Round& round = now.round;
  const auto order = [](const Round& r) { return std::pair(r.phase, r.number); };
  if (order(round) < order(before)) {
    return refuse(Refusal::round_regressed, fmt::format("{} after {}", name_of(round), name_of(before)));
  }
  if (round.phase != before.phase) {
    if (is_close(now.value, last_->value)) return {};
    return refuse(Refusal::phase_jump,
                  fmt::format("{}, of a new aggregator, answers {} after {}; allowed is a change of {:.4g} %",
                              name_of(round), homeostat::text_of(now.value), homeostat::text_of(last_->value),
                              rules_.phase_change_max_ratio * 100));
  }
  // Some aggregators still change the answer of a running round; what was observed never becomes older.
  if (round.started_at_s < before.started_at_s) {
    return refuse(Refusal::round_regressed, fmt::format("{} was observed {} before {}", name_of(round),
                                                        homeostat::text_of(Duration::seconds(static_cast<std::int64_t>(
                                                            before.started_at_s - round.started_at_s))),
                                                        name_of(before)));
  }
  return {};
}

bool FeedCheck::is_close(double a, double b) const {
  return std::fabs(math::log(a / b)) <= math::log(1 + rules_.phase_change_max_ratio);
}

/// Counts the rounds that contradict what was believed but agree with one another.
bool FeedCheck::trial_agrees(const Seen& now) {
  if (trial_ && is_same(trial_->newest.round, now.round)) {
    trial_->newest = now;
    return false;
  }
  const bool follows =
      trial_ && trial_->newest.round.phase == now.round.phase && trial_->newest.round.number < now.round.number &&
      trial_->newest.round.started_at_s <= now.round.started_at_s && is_close(now.value, trial_->newest.value);
  trial_ = Trial{now, follows ? trial_->rounds + 1 : 1};
  return trial_->rounds >= kCoherentRounds;
}

std::optional<Verdict> judge_sequencer(const Round& round, Instant block_time, Duration grace) {
  const Instant since = instant_of(round.started_at_s);
  if (round.is_unknown() || round.started_at_s == 0) {
    return refuse(Refusal::sequencer_unknown, "the sequencer's uptime feed was never set");
  }
  if (since > block_time) {
    return refuse(Refusal::sequencer_unknown,
                  fmt::format("the sequencer's status is {} ahead of the block it is read at",
                              homeostat::text_of(since - block_time)));
  }
  const Duration lasted = block_time - since;
  Int256 one{};
  one.back() = 1;
  if (round.answer == one) {
    return refuse(Refusal::sequencer_down, "the sequencer is down for " + homeostat::text_of(lasted));
  }
  if (!is_zero(round.answer)) {
    return refuse(Refusal::sequencer_unknown,
                  fmt::format("the sequencer's uptime feed answers {}; 0 is up, 1 is down", text_of(round.answer)));
  }
  if (lasted <= grace) {
    return refuse(Refusal::sequencer_grace, fmt::format("the sequencer is up again for {}; its grace period is {}",
                                                        homeostat::text_of(lasted), homeostat::text_of(grace)));
  }
  return std::nullopt;
}

}  // namespace homeostat::sources::chainlink
