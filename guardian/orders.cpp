#include "guardian/orders.hpp"

#include <cmath>

#include "core/format.hpp"

namespace homeostat::guardian {
namespace {

std::string range_text(Decimal min, Decimal max, const std::string& unit) {
  return min.to_string() + " to " + max.to_string() + (unit.empty() ? "" : " " + unit);
}

}  // namespace

Result<> check_order(const Settings& settings, const Order& order, Expiry expiry) {
  if (order.actor.empty()) return fail(ErrorCode::missing, "actor", "who gives the order is required");
  if (order.reason.empty()) {
    return fail(ErrorCode::missing, "reason", "a reason is required: it is what the audit shows");
  }
  if (order.actor.size() > kOrderTextMax || order.reason.size() > kOrderTextMax) {
    return fail(ErrorCode::out_of_range, "reason",
                "actor and reason may have at most " + std::to_string(kOrderTextMax) + " bytes each");
  }
  if (order.until.is_never()) {
    if (expiry == Expiry::optional) return {};
    return fail(ErrorCode::missing, "until",
                "an expiry is required, at most " + text_of(settings.override_max) + " ahead");
  }
  if (order.until <= order.at) return fail(ErrorCode::out_of_range, "until", "the expiry must lie in the future");
  if (order.until - order.at > settings.override_max) {
    return fail(ErrorCode::out_of_range, "until",
                "the expiry is " + text_of(order.until - order.at) + " ahead; at most " +
                    text_of(settings.override_max) + " is allowed");
  }
  return {};
}

Result<Override> make_override(const Settings& settings, const ParameterSettings& parameter, Order order,
                               const std::optional<Decimal>& value) {
  if (auto ok = check_order(settings, order, Expiry::required); !ok) return tl::make_unexpected(ok.error());
  if (!value) return fail(ErrorCode::missing, "value", "an override needs the value to hold");
  const auto scaled = value->rescaled(parameter.decimals);
  if (!scaled) {
    return fail(ErrorCode::out_of_range, "value",
                value->to_string() + " does not fit the " + std::to_string(parameter.decimals) + " decimals of " +
                    parameter.name);
  }
  if (*scaled < parameter.min || *scaled > parameter.max) {
    return fail(ErrorCode::out_of_range, "value",
                scaled->to_string() + " is outside the hard bounds of " + parameter.name + ", " +
                    range_text(parameter.min, parameter.max, parameter.unit));
  }
  const Decimal nearest = scaled->rounded_to(parameter.quantum);
  if (nearest != *scaled) {
    return fail(ErrorCode::out_of_range, "value",
                scaled->to_string() + " is not a multiple of " + parameter.quantum.to_string() + "; the nearest is " +
                    nearest.to_string());
  }
  return Override{std::move(order), *scaled};
}

Result<Shift> make_shift(const Settings& settings, double setpoint, double pv_min, double pv_max, Order order,
                         double amount) {
  if (auto ok = check_order(settings, order, Expiry::required); !ok) return tl::make_unexpected(ok.error());
  if (!std::isfinite(amount) || amount == 0) {
    return fail(ErrorCode::out_of_range, "shift", "a shift must be a finite number other than 0");
  }
  const double most = settings.setpoint_shift_max * std::fabs(setpoint);
  if (std::fabs(amount) > most) {
    return fail(ErrorCode::out_of_range, "shift",
                text_of(amount) + " is more than the " + text_of(most) + " by which this set-point may be shifted");
  }
  if (setpoint + amount < pv_min || setpoint + amount > pv_max) {
    return fail(ErrorCode::out_of_range, "shift",
                "the shifted set-point " + text_of(setpoint + amount) + " is outside the metric's bounds " +
                    text_of(pv_min) + " to " + text_of(pv_max));
  }
  return Shift{std::move(order), amount};
}

}  // namespace homeostat::guardian
