// The mechanisms that are one function of numbers, by name: what a loop with the law `economy` runs, what
// EconomyService evaluates, and what `homeostat economy` prints. A mechanism has no state: what it goes on from (the
// inflation of last month, the stake of today) is an input.
//
// Units: ratios are 1 for the whole, never percent; amounts are tokens; times are days.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy {

/// Most inputs of one mechanism.
inline constexpr std::size_t kMechanismInputsMax = 12;

struct MechanismInput {
  std::string_view name;
  std::string_view unit;  ///< ratio, tokens, price, days, 1
  Range range;
  std::optional<double> otherwise;  ///< if it is not given; none = it must be
  std::string_view help;
};

/// What comes out: a value that a parameter takes, or an amount to be moved now.
enum class MechanismOutput : std::uint8_t { value, amount };

struct Mechanism {
  std::string_view name;
  std::string_view help;    ///< one sentence
  std::string_view source;  ///< of the formula
  MechanismOutput output = MechanismOutput::value;
  std::string_view unit;  ///< of the output
  std::span<const MechanismInput> inputs;
  Result<double> (*evaluate)(std::span<const double>) = nullptr;  ///< inputs inside their ranges, in their order
};

/// In the order of their names.
[[nodiscard]] std::span<const Mechanism> mechanisms();
/// Error unknown_name, with the nearest name.
[[nodiscard]] Result<const Mechanism*> mechanism(std::string_view name);

/// Checks every input's range, then evaluates. `values` in the order of the mechanism's inputs (the same count,
/// CHECKed). Errors name the input; a result that is not finite is out_of_range.
[[nodiscard]] Result<double> evaluate(const Mechanism& mechanism, std::span<const double> values);

/// An input by its name.
struct NamedInput {
  std::string name;
  double value = 0;
};
/// The values in the mechanism's order, defaults filled in. Errors: unknown_name (with the nearest), duplicate,
/// missing.
[[nodiscard]] Result<std::vector<double>> arrange(const Mechanism& mechanism, std::span<const NamedInput> inputs);

}  // namespace homeostat::economy
