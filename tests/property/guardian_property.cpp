// The limits under anything: the guardian can only say less, later or no.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/archive.hpp"
#include "guardian/limits.hpp"

namespace homeostat::guardian {
namespace {

constexpr int kDecimals = 3;
Decimal units(std::int64_t n) {
  return Decimal(n, kDecimals);
}
Instant after(std::int64_t seconds) {
  return Instant::from_unix_seconds(1'000'000 + seconds);
}

ParameterSettings any_parameter() {
  ParameterSettings p;
  p.name = "p";
  p.decimals = kDecimals;
  const std::int64_t quantum = *rc::gen::inRange<std::int64_t>(1, 50);
  p.quantum = units(quantum);
  const std::int64_t low = *rc::gen::inRange<std::int64_t>(-200, 100);
  const std::int64_t span = *rc::gen::inRange<std::int64_t>(1, 300);
  p.min = units(low * quantum);
  p.max = units((low + span) * quantum);
  p.initial = units((low + *rc::gen::inRange<std::int64_t>(0, span + 1)) * quantum);
  if (*rc::gen::arbitrary<bool>()) p.change.absolute = units(quantum * *rc::gen::inRange<std::int64_t>(1, 40) + 3);
  if (*rc::gen::arbitrary<bool>()) p.change.relative = *rc::gen::inRange(1, 100) / 100.0;
  if (p.change.relative && *rc::gen::arbitrary<bool>()) p.change.floor = units(*rc::gen::inRange(1, 2000));
  if (*rc::gen::inRange(0, 3) == 0) p.derisking = *rc::gen::element(Direction::up, Direction::down);
  if (*rc::gen::arbitrary<bool>()) {
    p.flaps = FlapBudget{*rc::gen::inRange<std::uint32_t>(1, 4), Duration::seconds(*rc::gen::inRange(1, 300))};
  }
  for (int i = *rc::gen::inRange(0, 3); i-- > 0;) {
    const std::int64_t from = *rc::gen::inRange<std::int64_t>(-10'000, 20'000);
    p.restricted_values.push_back({units(from), units(from + *rc::gen::inRange<std::int64_t>(0, 3'000))});
  }
  p.cooldown_up = Duration::seconds(*rc::gen::inRange(0, 60));
  p.cooldown_down = Duration::seconds(*rc::gen::inRange(0, 60));
  if (*rc::gen::arbitrary<bool>()) {
    p.drift = DriftBudget{units(quantum * *rc::gen::inRange<std::int64_t>(1, 100)),
                          Duration::seconds(*rc::gen::inRange(1, 300))};
  }
  if (*rc::gen::arbitrary<bool>()) {
    p.emergency = EmergencyLimits{{units(quantum * *rc::gen::inRange<std::int64_t>(1, 100)), std::nullopt},
                                  Duration::seconds(*rc::gen::inRange(0, 20)),
                                  Duration::seconds(*rc::gen::inRange(0, 20))};
  }
  return p;
}

OperatingMode any_mode() {
  return *rc::gen::element(OperatingMode::normal, OperatingMode::degraded, OperatingMode::emergency);
}

/// Distance to [min, max], zero inside.
Decimal outside(const ParameterSettings& p, Decimal value) {
  if (value < p.min) return p.min - value;
  if (value > p.max) return value - p.max;
  return units(0);
}

RC_GTEST_PROP(Limits, NoChangeIsEverBeyondAnyLimitOverALongRun, ()) {
  const ParameterSettings p = any_parameter();
  ParameterState state;
  state.applied = p.initial;
  struct Sent {
    std::int64_t at;
    Decimal change;
    OperatingMode mode;
  };
  std::vector<Sent> history;
  std::int64_t now = 0;
  for (int i = 0; i < 60; ++i) {
    now += *rc::gen::inRange<std::int64_t>(0, 40);
    const OperatingMode mode = any_mode();
    const Decimal wanted = units(*rc::gen::inRange<std::int64_t>(-20'000, 20'000));
    const Allowed allowed = limit(p, state, wanted, mode, after(now));
    if (allowed.value == state.applied) continue;

    RC_ASSERT(allowed.value >= p.min && allowed.value <= p.max);
    RC_ASSERT(allowed.value.rounded_to(p.quantum) == allowed.value);
    const Decimal change = allowed.value - state.applied;
    RC_ASSERT(change.abs() <= (wanted - state.applied).abs());
    if (const auto most = change_max(p, state.applied, mode)) RC_ASSERT(change.abs() <= *most);
    const bool emergency = mode == OperatingMode::emergency && p.emergency;
    const bool up = change.units() > 0;
    const Duration cooldown = emergency ? (up ? p.emergency->cooldown_up : p.emergency->cooldown_down)
                                        : (up ? p.cooldown_up : p.cooldown_down);
    Decimal used = change.abs();
    const bool is_derisking = p.derisking == (up ? Direction::up : Direction::down);
    for (const ValueRange& r : p.restricted_values) RC_ASSERT(allowed.value < r.from || allowed.value > r.to);
    if (p.flaps && !is_derisking && !history.empty() && (history.back().change.units() > 0) != up) {
      std::size_t turns = 0;
      for (std::size_t h = 1; h < history.size(); ++h) {
        const bool turned = (history[h].change.units() > 0) != (history[h - 1].change.units() > 0);
        turns += turned && Duration::seconds(now - history[h].at) < p.flaps->window;
      }
      RC_ASSERT(turns < p.flaps->count);
    }
    for (const Sent& sent : history) {
      if (!is_derisking && (sent.change.units() > 0) == up) RC_ASSERT(Duration::seconds(now - sent.at) >= cooldown);
      if (p.drift && Duration::seconds(now - sent.at) < p.drift->window) used = used + sent.change.abs();
    }
    if (p.drift) RC_ASSERT(used <= p.drift->budget);

    const ParameterState sent = emitted(p, state, allowed.value, after(now));
    if (*rc::gen::inRange(0, 4) == 0) {  // refused: as if nothing had been
      const ParameterState back = given_back(sent, state);
      RC_ASSERT(archive_bytes(back) == archive_bytes(state));
      state = back;
      continue;
    }
    history.push_back({now, change, mode});
    state = sent;
    state.applied = allowed.value;
  }
}

RC_GTEST_PROP(Limits, FromOutsideTheBoundsItOnlyEverComesNearer, ()) {
  const ParameterSettings p = any_parameter();
  ParameterState state;
  state.applied = units(*rc::gen::inRange<std::int64_t>(-40'000, 40'000));
  const Decimal wanted = units(*rc::gen::inRange<std::int64_t>(-40'000, 40'000));
  const Allowed allowed = limit(p, state, wanted, any_mode(), after(0));
  if (allowed.value == state.applied) return;
  RC_ASSERT(outside(p, allowed.value) < outside(p, state.applied) ||
            (outside(p, state.applied).units() == 0 && outside(p, allowed.value).units() == 0));
}

RC_GTEST_PROP(Limits, EveryBiteSaysWhatWentInAndWhatCameOut, ()) {
  const ParameterSettings p = any_parameter();
  ParameterState state;
  state.applied = p.initial;
  const Decimal wanted = units(*rc::gen::inRange<std::int64_t>(-20'000, 20'000));
  const Allowed allowed = limit(p, state, wanted, any_mode(), after(0));
  for (std::size_t i = 0; i < allowed.bites.size(); ++i) {
    RC_ASSERT(allowed.bites[i].without != allowed.bites[i].with);
    RC_ASSERT(!allowed.bites[i].detail.empty());
    if (i > 0) RC_ASSERT(static_cast<int>(allowed.bites[i - 1].limit) < static_cast<int>(allowed.bites[i].limit));
  }
  if (!allowed.bites.empty()) RC_ASSERT(allowed.bites.back().with == allowed.value || allowed.value == state.applied);
}

/// What was sent in which direction, in the order of when it counts; what came late counts before what was sent at the
/// tick of its expiry.
struct Moves {
  std::map<std::pair<Instant, int>, int> ways;  ///< by when it counts and its number

  [[nodiscard]] std::size_t turns(Instant now, Duration window) const {
    std::size_t count = 0;
    int last = 0;
    for (const auto& [when, way] : ways) {
      if (last == -way && when.first > now - window) ++count;
      last = way;
    }
    return count;
  }
};

// An answer that comes when its adjustment is believed to be gone puts a change between others that were sent since. No
// later decision sees fewer turns than there were, nor more than two for each such answer.
RC_GTEST_PROP(Limits, WhatWasAppliedAfterAllIsCountedAmongTheTurnsWhereItWas, ()) {
  ParameterSettings p;
  p.quantum = Decimal(1, 0);
  p.flaps = FlapBudget{kFlapsMax, Duration::seconds(*rc::gen::inRange(1, 400))};
  struct Gone {
    int number, way;
    Instant expired;
  };
  ParameterState state;
  state.applied = Decimal(0, 0);
  Moves moves;
  std::vector<Gone> gone;
  std::int64_t now_s = 0;
  std::size_t late = 0;
  for (int number = 0; number < 30; ++number) {
    now_s += *rc::gen::inRange(0, 40);
    const int way = *rc::gen::element(-1, 1);
    ParameterState before = state;
    state = emitted(p, state, Decimal(way, 0), after(now_s));
    moves.ways[{after(now_s), number}] = way;
    if (!gone.empty() && *rc::gen::inRange(0, 4) == 0) {  // while the next one waits for its answer
      const auto which = gone.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(gone.size()));
      for (ParameterState* x : {&state, &before}) {
        *x = applied_late(p, *x, Decimal(0, 0), Decimal(which->way, 0), which->expired);
      }
      moves.ways[{which->expired, which->number}] = which->way;
      gone.erase(which);
      ++late;
    }
    if (*rc::gen::inRange(0, 3) == 0) {
      moves.ways.erase({after(now_s), number});
      now_s += *rc::gen::inRange(1, 40);
      gone.push_back({number, way, after(now_s)});
      state = given_back(state, before);
    }
    const std::size_t used = flaps_used(p, state, after(now_s));
    const std::size_t turns = moves.turns(after(now_s), p.flaps->window);
    RC_ASSERT(used >= turns);
    RC_ASSERT(used <= (late == 0 ? turns : moves.turns(after(now_s), Duration::days(1)) + 2 * late));
    RC_ASSERT(state.went == (moves.ways.empty() ? 0 : moves.ways.rbegin()->second));
  }
  RC_CLASSIFY(late >= 2);
}

}  // namespace
}  // namespace homeostat::guardian
