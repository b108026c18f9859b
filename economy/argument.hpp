// Arguments of a mechanism, checked: an error names the argument, what it was and what it may be.
//
// A mechanism checks everything before it changes anything, so that what it refuses leaves its state as it was, to the
// last bit.
#pragma once

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "core/format.hpp"
#include "core/result.hpp"

namespace homeostat::economy {

/// The closed range that an argument may lie in.
struct Range {
  double min = 0;
  double max = std::numeric_limits<double>::max();
};

/// Sums of weights and shares may differ from one by this much: the rounding of a thousand of them.
inline constexpr double kShareSumTolerance = 1e-9;

[[nodiscard]] inline bool is_in(double value, Range range) {
  return value >= range.min && value <= range.max;  // false for NaN
}

/// Error out_of_range, with the name, the value and the range, if it is NaN, infinite or outside.
[[nodiscard]] Result<> require(std::string_view name, double value, Range range);
/// The same of each; the error's name has the index: "weights[3]". Error missing if there is none of them.
[[nodiscard]] Result<> require_each(std::string_view name, std::span<const double> values, Range range);
/// require_each within [0, 1], and that they sum to one within kShareSumTolerance.
[[nodiscard]] Result<> require_shares(std::string_view name, std::span<const double> shares);
/// Error invalid_argument if the sizes differ.
[[nodiscard]] Result<> require_same_size(std::string_view name, std::size_t size, std::string_view of,
                                         std::size_t expected);
/// Error invalid_argument if low > high (or either is NaN): "inflation_min must not be above inflation_max, 0.08 >
/// 0.02".
[[nodiscard]] Result<> require_order(std::string_view low_name, double low, std::string_view high_name, double high);

/// The first error among checks made in order: `first_error(require(...), require(...))`.
template <class... Checks>
[[nodiscard]] Result<> first_error(Checks&&... checks) {
  Result<> out;
  (void)((checks ? true : (out = std::forward<Checks>(checks), false)) && ...);
  return out;
}

}  // namespace homeostat::economy
