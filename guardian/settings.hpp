// The guardian's part of a policy: what each parameter may ever do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/decimal.hpp"
#include "core/time.hpp"
#include "guardian/bundle.hpp"
#include "guardian/keys.hpp"

namespace homeostat::guardian {

/// Largest change: absolute in the parameter's unit, or relative to the value it changes.
/// A relative limit always allows at least one quantum, so that zero can be left.
struct ChangeLimit {
  std::optional<Decimal> absolute;
  std::optional<double> relative;

  [[nodiscard]] bool is_set() const { return absolute || relative; }
};

/// Sum of |change| over a rolling window.
struct DriftBudget {
  Decimal budget;
  Duration window;
};

/// How the contributions of several loops on one parameter are combined with its base value.
enum class Arbitration : std::uint8_t { sum, min, max, first };

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
