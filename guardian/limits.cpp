#include "guardian/limits.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/format.hpp"

namespace homeostat::guardian {
namespace {

Decimal of_units(Decimal::Units units, Decimal like) {
  return Decimal(units, like.decimals());
}

/// The multiple of `quantum` between `applied` and `value` that is nearest to `value`; `applied`
/// itself if there is none. So a limited value never exceeds its limit by rounding.
Decimal rounded_towards(Decimal applied, Decimal value, Decimal quantum) {
  const Decimal::Units q = quantum.units();
  const Decimal::Units remainder = value.units() % q;  // has the sign of value
  if (value > applied) {
    const Decimal below = of_units(value.units() - (remainder < 0 ? remainder + q : remainder), value);
    return below > applied ? below : applied;
  }
  const Decimal above = of_units(value.units() + (remainder > 0 ? q - remainder : -remainder), value);
  return above < applied ? above : applied;
}

/// `applied` moved towards `value` by at most `most`.
Decimal within(Decimal applied, Decimal value, Decimal most) {
  if (value > applied + most) return applied + most;
  if (value < applied - most) return applied - most;
  return value;
}

/// The largest Decimal not above `x` >= 0, as `like`.
Decimal floored(double x, Decimal like) {
  const auto nearest = Decimal::from_double(x, like.decimals());
  if (!nearest) return of_units(Decimal::kUnitsMax / 4, like);  // a share so large that it is no limit
  const Decimal value = *nearest;
  return value.to_double() > x ? value - of_units(1, like) : value;
}

struct Cooldowns {
  Duration up;
  Duration down;
};
bool has_emergency(const ParameterSettings& settings, OperatingMode mode) {
  return mode == OperatingMode::emergency && settings.emergency.has_value();
}
Cooldowns cooldowns_of(const ParameterSettings& settings, OperatingMode mode) {
  if (has_emergency(settings, mode)) return {settings.emergency->cooldown_up, settings.emergency->cooldown_down};
  return {settings.cooldown_up, settings.cooldown_down};
}
const ChangeLimit& change_of(const ParameterSettings& settings, OperatingMode mode) {
  if (has_emergency(settings, mode) && settings.emergency->change.is_set()) return settings.emergency->change;
  return settings.change;
}

std::string with_unit(Decimal value, const ParameterSettings& settings) {
  return settings.unit.empty() ? value.to_string() : value.to_string() + " " + settings.unit;
}

/// Applies one limit: notes it if it bit, and goes on with what it left.
void bite(Allowed& allowed, Limit limit, Decimal with, std::string detail) {
  allowed.bites.push_back({limit, allowed.value, with, std::move(detail)});
  allowed.value = with;
}

void apply_bounds(const ParameterSettings& settings, Allowed& allowed) {
  if (allowed.value < settings.min) {
    bite(allowed, Limit::hard_min, settings.min, "never below " + with_unit(settings.min, settings));
  } else if (allowed.value > settings.max) {
    bite(allowed, Limit::hard_max, settings.max, "never above " + with_unit(settings.max, settings));
  }
}

/// The total of what was moved never falls.
void apply_total(const ParameterSettings& settings, Decimal applied, Allowed& allowed) {
  if (!is_amount(settings.action.kind) || allowed.value >= applied) return;
  bite(allowed, Limit::hard_min, applied,
       with_unit(applied, settings) + " were moved already, and cannot be taken back");
}

void apply_change(const ParameterSettings& settings, Decimal applied, OperatingMode mode, Allowed& allowed) {
  const auto most = change_max(settings, applied, mode);
  if (!most) return;
  const Decimal nearer = within(applied, allowed.value, *most);
  if (nearer == allowed.value) return;
  bite(allowed, Limit::change, rounded_towards(applied, nearer, settings.quantum),
       "at most " + with_unit(*most, settings) + " per adjustment");
}

bool is_derisking(const ParameterSettings& settings, bool up) {
  return settings.derisking == (up ? Direction::up : Direction::down);
}

/// Of the last change that was sent; none if there was none.
std::optional<bool> went_up(const ParameterState& state) {
  if (state.went == 0) return std::nullopt;
  return state.went > 0;
}

void apply_cooldown(const ParameterSettings& settings, const ParameterState& state, OperatingMode mode, Instant at,
                    Allowed& allowed) {
  const bool up = allowed.value > state.applied;
  if (is_derisking(settings, up)) return;
  const Cooldowns cooldowns = cooldowns_of(settings, mode);
  const Instant last = up ? state.raised : state.lowered;
  const Instant next = last + (up ? cooldowns.up : cooldowns.down);
  if (last.is_never() || at >= next) return;
  bite(allowed, Limit::cooldown, state.applied, (up ? "next increase in " : "next decrease in ") + text_of(next - at));
}

void apply_drift(const ParameterSettings& settings, const ParameterState& state, Instant at, Allowed& allowed) {
  if (!settings.drift) return;
  const Decimal used = drift_used(settings, state, at);
  const bool full = state.drifts.size() >= kDriftsMax && state.drifts.front().at > at - settings.drift->window;
  Decimal left = settings.drift->budget - used;
  if (full || left.units() < 0) left = of_units(0, left);
  const Decimal nearer = within(state.applied, allowed.value, left);
  if (nearer == allowed.value) return;
  bite(allowed, Limit::drift, rounded_towards(state.applied, nearer, settings.quantum),
       with_unit(used, settings) + " of " + with_unit(settings.drift->budget, settings) + " used in " +
           text_of(settings.drift->window));
}

void apply_flaps(const ParameterSettings& settings, const ParameterState& state, Instant at, Allowed& allowed) {
  if (!settings.flaps) return;
  const bool up = allowed.value > state.applied;
  const auto last = went_up(state);
  if (!last || *last == up || is_derisking(settings, up)) return;
  const std::size_t used = flaps_used(settings, state, at);
  if (used < settings.flaps->count) return;
  const Instant frees = state.flaps[state.flaps.size() - settings.flaps->count] + settings.flaps->window;
  bite(allowed, Limit::flap, state.applied,
       std::to_string(used) + " of " + std::to_string(settings.flaps->count) + " changes of direction used in " +
           text_of(settings.flaps->window) + ", next in " + text_of(frees - at));
}

/// The nearest value before the restricted one that the way there leads to; the restricted ranges may touch.
void apply_restricted(const ParameterSettings& settings, const ParameterState& state, Allowed& allowed) {
  if (settings.restricted) {
    return bite(allowed, Limit::restricted, state.applied, "no automation may move it, only a guardian's override");
  }
  const bool up = allowed.value > state.applied;
  Decimal value = allowed.value;
  const ValueRange* worst = nullptr;
  for (std::size_t i = 0; i <= settings.restricted_values.size(); ++i) {  // each round leaves at least one range
    const auto inside = std::find_if(settings.restricted_values.begin(), settings.restricted_values.end(),
                                     [&](const ValueRange& r) { return value >= r.from && value <= r.to; });
    if (inside == settings.restricted_values.end() || value == state.applied) break;
    worst = &*inside;
    const Decimal edge = up ? inside->from - of_units(1, value) : inside->to + of_units(1, value);
    const bool is_behind = up ? edge <= state.applied : edge >= state.applied;
    value = is_behind ? state.applied : rounded_towards(state.applied, edge, settings.quantum);
  }
  if (worst == nullptr) return;
  bite(allowed, Limit::restricted, value,
       "no automation may send " + worst->from.to_string() + " to " + with_unit(worst->to, settings));
}

}  // namespace

std::optional<Decimal> change_max(const ParameterSettings& settings, Decimal applied, OperatingMode mode) {
  const ChangeLimit& limit = change_of(settings, mode);
  if (!limit.is_set()) return std::nullopt;
  std::optional<Decimal> most = limit.absolute;
  if (limit.relative) {
    Decimal share = floored(applied.abs().to_double() * *limit.relative, applied);
    if (limit.floor) share = std::max(share, *limit.floor);
    if (!most || share < *most) most = share;
  }
  return std::max(*most, settings.quantum);
}

Decimal drift_used(const ParameterSettings& settings, const ParameterState& state, Instant at) {
  if (!settings.drift) return of_units(0, settings.quantum);
  Decimal::Units used = 0;
  for (auto drift = state.drifts.rbegin(); drift != state.drifts.rend(); ++drift) {
    if (drift->at <= at - settings.drift->window) break;
    used = std::min(Decimal::kUnitsMax, used + drift->amount.units());  // saturates: a full budget is a full budget
  }
  return of_units(used, settings.quantum);
}

std::size_t flaps_used(const ParameterSettings& settings, const ParameterState& state, Instant at) {
  if (!settings.flaps) return 0;
  const Instant oldest = at - settings.flaps->window;
  return static_cast<std::size_t>(
      std::count_if(state.flaps.begin(), state.flaps.end(), [oldest](Instant flap) { return flap > oldest; }));
}

Allowed limit(const ParameterSettings& settings, const ParameterState& state, Decimal wanted, OperatingMode mode,
              Instant at) {
  Allowed allowed{wanted, {}};
  apply_bounds(settings, allowed);
  apply_total(settings, state.applied, allowed);
  // What is applied may be off the grid or outside the bounds; a whole number of quanta is sent all the same.
  allowed.value = rounded_towards(state.applied, allowed.value, settings.quantum);
  if (allowed.value != state.applied) apply_change(settings, state.applied, mode, allowed);
  if (allowed.value != state.applied) apply_cooldown(settings, state, mode, at, allowed);
  if (allowed.value != state.applied) apply_drift(settings, state, at, allowed);
  if (allowed.value != state.applied) apply_flaps(settings, state, at, allowed);
  if (allowed.value != state.applied) apply_restricted(settings, state, allowed);
  return allowed;
}

Allowed limit_override(const ParameterSettings& settings, const ParameterState& state, Decimal wanted,
                       OperatingMode mode) {
  Allowed allowed{wanted, {}};
  apply_bounds(settings, allowed);
  apply_total(settings, state.applied, allowed);
  allowed.value = rounded_towards(state.applied, allowed.value, settings.quantum);
  if (allowed.value != state.applied) apply_change(settings, state.applied, mode, allowed);
  return allowed;
}

ParameterState emitted(const ParameterSettings& settings, ParameterState state, Decimal value, Instant at) {
  const bool up = value > state.applied;
  if (!settings.flaps) {
    state.flaps.clear();
  } else if (const auto last = went_up(state); last && *last != up) {
    auto& flaps = state.flaps;
    flaps.insert(std::upper_bound(flaps.begin(), flaps.end(), at), at);
    const Instant oldest = flaps.back() - settings.flaps->window;
    while (flaps.front() <= oldest || flaps.size() > kFlapsMax) flaps.erase(flaps.begin());
  }
  if (at >= std::max(state.raised, state.lowered)) state.went = up ? 1 : -1;
  (up ? state.raised : state.lowered) = at;
  if (!settings.drift) {
    state.drifts.clear();
    return state;
  }
  auto& drifts = state.drifts;
  const auto later = std::find_if(drifts.begin(), drifts.end(), [at](const Drift& d) { return d.at > at; });
  drifts.insert(later, {at, (value - state.applied).abs()});
  const Instant oldest = drifts.back().at - settings.drift->window;
  std::size_t gone = drifts.size() > kDriftsMax ? drifts.size() - kDriftsMax : 0;
  while (gone < drifts.size() && drifts[gone].at <= oldest) ++gone;
  drifts.erase(drifts.begin(), drifts.begin() + static_cast<std::ptrdiff_t>(gone));
  return state;
}

namespace {

void add_flap(std::vector<Instant>& flaps, Instant at) {
  if (flaps.size() >= kFlapsMax) flaps.erase(flaps.begin());
  flaps.insert(std::upper_bound(flaps.begin(), flaps.end(), at), at);
}

/// Puts a change in the direction `way` at `expired` between those that are known. `now` has its flaps in ascending
/// order, and the direction in which things went changes at each of them, up to `went`.
void add_late_turn(const ParameterSettings& settings, const ParameterState& now, std::int8_t way, Instant expired,
                   ParameterState& state) {
  const Instant newest = std::max(now.raised, now.lowered);
  if (now.went == 0 || newest < expired) {  // nothing came after it
    if (now.went == -way) add_flap(state.flaps, expired);
    state.went = way;
    return;
  }
  const auto first_later = std::lower_bound(state.flaps.begin(), state.flaps.end(), expired);
  const auto later = state.flaps.end() - first_later;
  const bool went_then = (now.went > 0) == (later % 2 == 0);  // up, between the turn before it and the one after it
  // Older turns than the window are forgotten, and with them which way things went then.
  const bool is_forgotten = !state.flaps.empty() && expired <= state.flaps.back() - settings.flaps->window;
  if (!is_forgotten && went_then == (way > 0)) return;
  const Instant last_then = went_then ? now.raised : now.lowered;
  if (!is_forgotten && later == 1 && last_then < expired) {  // nothing went on the old way after it: it is the turn
    *first_later = expired;
    return;
  }
  // It turned, and the next change the old way turned back, which was not after the last one of them, or after the next
  // turn. Both are counted then: not too early for the window, and in between things went on as the flaps say.
  const Instant back = later < 2 && !is_forgotten ? last_then : *first_later;
  add_flap(state.flaps, back);
  add_flap(state.flaps, back);
}

}  // namespace

ParameterState applied_late(const ParameterSettings& settings, const ParameterState& now, Decimal previous,
                            Decimal value, Instant expired) {
  ParameterState state = now;
  state.applied = previous;
  state = emitted(settings, std::move(state), value, expired);
  state.applied = now.applied;
  state.raised = std::max(now.raised, state.raised);
  state.lowered = std::max(now.lowered, state.lowered);
  state.flaps = now.flaps;
  state.went = now.went;
  if (settings.flaps) {
    add_late_turn(settings, now, value > previous ? 1 : -1, expired, state);
  } else if (std::max(now.raised, now.lowered) < expired) {
    state.went = value > previous ? 1 : -1;
  }
  return state;
}

ParameterState given_back(ParameterState now, const ParameterState& before) {
  now.raised = before.raised;
  now.lowered = before.lowered;
  now.drifts = before.drifts;
  now.flaps = before.flaps;
  now.went = before.went;
  return now;
}

}  // namespace homeostat::guardian
