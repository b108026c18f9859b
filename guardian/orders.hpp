// What a guardian may order, and how far. One guardian can only make the system do less, or move it
// inside the hard bounds, and only for a time: every order is checked against bounds that no order
// can change, an override and a set-point shift must expire, and an order that is refused changes nothing.
//
// An override obeys the hard bounds, the quantum and the largest change per adjustment (what a step may shock does not
// depend on who asks), but not cooldown or drift budget: those slow the automaton down so that people can
// react; the guardian is the people reacting. It uses up budget and starts the cooldown, so that the loops do not at
// once move again from where it left off. The hand-back is without a step: when it ends, the loops are aligned to the
// applied value.
#pragma once

#include <optional>
#include <string>

#include "core/decimal.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "guardian/settings.hpp"

namespace homeostat::guardian {

/// Longest accepted reason or actor, in bytes: it is written into every record it explains.
inline constexpr std::size_t kOrderTextMax = 500;

/// Who ordered, why, when, until when (never = until taken back).
struct Order {
  std::string actor;
  std::string reason;
  Instant at;
  Instant until;

  [[nodiscard]] bool is_over(Instant now) const { return !until.is_never() && now >= until; }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.actor), a(x.reason), a(x.at), a(x.until);
  }
};

struct Override {
  Order order;
  Decimal value;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.order), a(x.value);
  }
};

struct Shift {
  Order order;
  double amount = 0;  ///< added to the set-point, PV

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.order), a(x.amount);
  }
};

enum class Expiry : std::uint8_t { required, optional };

/// Actor and reason are given, the expiry lies ahead and at most override_max ahead.
[[nodiscard]] Result<> check_order(const Settings& settings, const Order& order, Expiry expiry);

/// An override: a multiple of the quantum inside [min, max] in at most the parameter's decimals.
[[nodiscard]] Result<Override> make_override(const Settings& settings, const ParameterSettings& parameter, Order order,
                                             const std::optional<Decimal>& value);

/// A shift: finite, not zero, at most setpoint_shift_max of the configured set-point, and the shifted
/// set-point inside the metric's bounds [pv_min, pv_max].
[[nodiscard]] Result<Shift> make_shift(const Settings& settings, double setpoint, double pv_min, double pv_max,
                                       Order order, double amount);

}  // namespace homeostat::guardian
