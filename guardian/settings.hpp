// The guardian's part of a policy: what each parameter may ever do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/decimal.hpp"
#include "core/time.hpp"
#include "guardian/action.hpp"
#include "guardian/bundle.hpp"
#include "guardian/keys.hpp"

namespace homeostat::guardian {

/// Largest change: absolute in the parameter's unit, or relative to the value it changes.
/// A relative limit always allows at least one quantum and its floor, so that zero can be left at a useful speed.
struct ChangeLimit {
  std::optional<Decimal> absolute;
  std::optional<double> relative;
  std::optional<Decimal> floor;  ///< a relative limit never means less than this; nothing without `relative`

  [[nodiscard]] bool is_set() const { return absolute || relative; }
};

/// Sum of |change| over a rolling window.
struct DriftBudget {
  Decimal budget;
  Duration window;
};

enum class Direction : std::uint8_t { up, down };

/// How often the direction of change may change within a rolling window: who depends on a parameter minds being sent to
/// and fro more than where it is.
struct FlapBudget {
  std::uint32_t count = 0;
  Duration window;
};

/// Values from `from` to `to`, both included.
struct ValueRange {
  Decimal from;
  Decimal to;
};

/// How the contributions of several loops on one parameter are combined with its base value.
enum class Arbitration : std::uint8_t { sum, min, max, first, weighted };

struct EmergencyLimits {
  ChangeLimit change;
  Duration cooldown_up;
  Duration cooldown_down;
};

struct ParameterSettings {
  std::string name;
  std::string unit;
  std::string help;
  int decimals = 0;
  Decimal initial;  ///< the base value loops move away from, and the value assumed until an ack says otherwise
  Decimal min;
  Decimal max;
  Decimal quantum;  ///< emitted values are multiples of it away from zero; at least 10^-decimals
  ChangeLimit change;
  Duration cooldown_up;
  Duration cooldown_down;
  std::optional<DriftBudget> drift;
  std::optional<EmergencyLimits> emergency;
  Arbitration arbitration = Arbitration::sum;
  Duration expiry = Duration::minutes(10);      ///< an adjustment not applied by then must not be
  Duration ack_timeout = Duration::minutes(2);  ///< silence for this long holds the parameter and says so
  Duration veto_window;                         ///< a guardian may veto this long before it is sent; 0 = at once
  std::optional<Direction> derisking;           ///< the way to safety: waits for no cooldown and no flap budget
  std::optional<FlapBudget> flaps;
  bool restricted = false;                    ///< no automation moves it, only a guardian's override
  std::vector<ValueRange> restricted_values;  ///< no automation sends these, only a guardian's override
  Action action;                              ///< what its adjustments are in the world
  /// A larger change waits until a guardian releases it; none = nothing waits.
  std::optional<Decimal> approve_above;
  Duration approval_max = Duration::hours(24);  ///< what nobody has released by then is not sent
};

struct Settings {
  std::vector<ParameterSettings> parameters;
  Duration override_max = Duration::hours(24);  ///< longest override, pause or set-point shift
  double setpoint_shift_max = 0.5;              ///< largest shift, relative to the configured set-point
  std::vector<Key> keys;                        ///< not empty: only signed orders are taken
  std::vector<ApprovalRule> approvals;
  Duration order_valid_max = Duration::hours(24);  ///< from its arrival to the expiry of a signed order
  std::vector<Bundle> bundles;                     ///< parameters that move together
};

}  // namespace homeostat::guardian
