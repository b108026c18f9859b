// From a wanted value to the allowed one. The guardian can only say less, later or no.
//
// Invariants, for every parameter state and every wanted value:
// - allowed lies between the applied value and the nearest point of [min, max] to the wanted one;
// - so allowed is inside [min, max] whenever the applied value is. An applied value outside (the bounds
//   were narrowed, or somebody else set it) goes back by permitted changes, each nearer than the last:
//   a jump home would break the largest change, which contracts enforce too;
// - rounding to the quantum is towards the applied value, so no limit is exceeded by rounding;
// - limit() changes nothing: only emitted() consumes cooldown and budget.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/decimal.hpp"
#include "core/shared_vector.hpp"
#include "core/time.hpp"
#include "guardian/mode.hpp"
#include "guardian/settings.hpp"

namespace homeostat::guardian {

enum class Limit : std::uint8_t {
  hard_min,
  hard_max,
  change,  ///< largest change per adjustment
  cooldown,
  drift,      ///< drift budget of the rolling window
  in_flight,  ///< an earlier adjustment is not answered yet
  paused,
  halted,      ///< operating mode
  unusable,    ///< no loop had a usable reading
  backoff,     ///< the last adjustment was rejected or vetoed; waits before it asks again
  bundle,      ///< its bundle was refused as a whole
  flap,        ///< the direction changed as often as it may in the window
  restricted,  ///< no automation may touch the parameter, or the value
  model,       ///< the declared plant would end outside its corridor
};
constexpr Limit last_of(Limit) {
  return Limit::model;
}
inline constexpr std::size_t kLimitCount = 14;

[[nodiscard]] constexpr std::string_view name_of(Limit l) {
  switch (l) {
    case Limit::hard_min: return "hard_min";
    case Limit::hard_max: return "hard_max";
    case Limit::change: return "change";
    case Limit::cooldown: return "cooldown";
    case Limit::drift: return "drift";
    case Limit::in_flight: return "in_flight";
    case Limit::paused: return "paused";
    case Limit::halted: return "halted";
    case Limit::unusable: return "unusable";
    case Limit::backoff: return "backoff";
    case Limit::bundle: return "bundle";
    case Limit::flap: return "flap";
    case Limit::restricted: return "restricted";
    case Limit::model: return "model";
  }
  return "?";
}

/// One limit that changed the value: what would have gone on without it, and what went on.
struct Bite {
  Limit limit = Limit::hard_min;
  Decimal without;
  Decimal with;
  std::string detail;  ///< the limit in words and numbers, e.g. "0.25 % of 3.00 %, next in 12 s"

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.limit), a(x.without), a(x.with), a(x.detail);
  }
};

/// A past change inside the drift window.
struct Drift {
  Instant at;
  Decimal amount;  ///< |change|

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.at), a(x.amount);
  }
};

/// What the guardian remembers of a parameter. Advances only when an adjustment is emitted (times)
/// or answered (value): a no-op, an invalid input or a refused change consumes nothing.
struct ParameterState {
  Decimal applied;             ///< last known applied value
  Instant raised;              ///< time of the last emitted increase, never = none
  Instant lowered;             ///< time of the last emitted decrease, never = none
  std::vector<Drift> drifts;   ///< ascending in time, only those inside the window; bounded by kDriftsMax
  std::vector<Instant> flaps;  ///< when the direction changed; ascending, only inside the window; bounded by kFlapsMax
  std::int8_t went =
      0;  ///< direction of the last emitted change, 0 = none: its time alone does not tell, two may be equal

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.applied), a(x.raised), a(x.lowered), a(x.drifts), a(x.flaps), a(x.went);
  }
};
/// More emitted changes than this inside one drift window use up the budget (counted as drift).
inline constexpr std::size_t kDriftsMax = 4096;
/// Largest count of a flap budget, and so the most that need to be remembered.
inline constexpr std::size_t kFlapsMax = 1000;

struct Allowed {
  Decimal value;             ///< == state.applied when nothing may be sent
  SharedVector<Bite> bites;  ///< in the order applied
};

/// Applies hard bounds, largest change, cooldown, drift budget, flap budget and restricted values, in this order, each
/// rounded to the quantum towards the applied value. A move in the derisking direction waits for no cooldown and no
/// flap budget. In emergency mode the emergency limits replace change and cooldowns if the parameter has them; hard
/// bounds and drift budget hold in every mode. `wanted` and the state have the parameter's decimals; min and max are
/// multiples of the quantum (engine::check sees to it).
[[nodiscard]] Allowed limit(const ParameterSettings& settings, const ParameterState& state, Decimal wanted,
                            OperatingMode mode, Instant at);

/// The largest change one adjustment may make to `applied`, none = unlimited. At least one quantum.
[[nodiscard]] std::optional<Decimal> change_max(const ParameterSettings& settings, Decimal applied, OperatingMode mode);

/// How many times the direction changed inside the flap window that ends at `at`; zero without a budget.
[[nodiscard]] std::size_t flaps_used(const ParameterSettings& settings, const ParameterState& state, Instant at);

/// Sum of |change| inside the drift window that ends at `at`; zero without a budget.
[[nodiscard]] Decimal drift_used(const ParameterSettings& settings, const ParameterState& state, Instant at);

/// A guardian's override goes there at once or in steps: hard bounds, quantum and largest change hold, for what a step
/// may shock does not depend on who asks (and a contract would refuse it); cooldown, drift and flap budget and
/// restrictions do not.
[[nodiscard]] Allowed limit_override(const ParameterSettings& settings, const ParameterState& state, Decimal wanted,
                                     OperatingMode mode);

/// The state after `value` was emitted at `at`: starts the cooldown of its direction and uses budget.
[[nodiscard]] ParameterState emitted(const ParameterSettings& settings, ParameterState state, Decimal value,
                                     Instant at);

/// The state after it became known that what expired at `expired`, sent from `previous` to `value`, was applied after
/// all, some time before: it uses its cooldown and budget from `expired` on, the latest that it can have been, so that
/// no two changes come nearer to each other than they may. What was sent at the tick of its expiry, or since, came
/// after it. Changes of direction are counted by the order in which things happened, as far as the state can tell that,
/// else one too many; so what is sent from now on never makes more of them than the budget has.
[[nodiscard]] ParameterState applied_late(const ParameterSettings& settings, const ParameterState& state,
                                          Decimal previous, Decimal value, Instant expired);

/// The state after an adjustment was rejected or expired unapplied: cooldown and budget are given back
/// as they were in `before`; the applied value stays as it is now known.
[[nodiscard]] ParameterState given_back(ParameterState now, const ParameterState& before);

}  // namespace homeostat::guardian
