// The parameters of the composed bonding surface that governance (and so a loop, within its limits) may move: one table
// of name, unit, range and default, in the six groups in which they are decided.
//
// The ranges are those of the parts' own checks; what the state adds to them (a cap below what is already committed, a
// surface on which the reserve has no place) is refused by System::set_parameter with the reason. Weights are moved as
// a whole, by System::schedule_weights, because they must sum to one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/result.hpp"

namespace homeostat::economy::bonding {

struct SystemSettings;

enum class DecisionGroup : std::uint8_t { surface, tranching, redemption, flow, fee, commitment };
constexpr DecisionGroup last_of(DecisionGroup) {
  return DecisionGroup::commitment;
}
[[nodiscard]] std::string_view name_of(DecisionGroup group);

struct GovernedParameter {
  DecisionGroup group = DecisionGroup::surface;
  std::string_view name;
  std::string_view unit;  ///< "USD", "days", "tokens", "1" (a ratio), "0/1" (a switch)
  double min = 0;
  double max = 0;
  double initial = 0;  ///< the default
  std::string_view meaning;
  double (*get)(const SystemSettings&) = nullptr;
  void (*set)(SystemSettings&, double) = nullptr;  ///< does nothing if the part that it belongs to is not configured
};

/// All of them, in the order of their groups.
[[nodiscard]] std::span<const GovernedParameter> governed_parameters();
/// Null if there is none of that name.
[[nodiscard]] const GovernedParameter* governed_parameter(std::string_view name);

/// Sets one in `settings`. Errors: unknown_name with the nearest name, out_of_range with the range.
[[nodiscard]] Result<> set_parameter(SystemSettings& settings, std::string_view name, double value);

}  // namespace homeostat::economy::bonding
