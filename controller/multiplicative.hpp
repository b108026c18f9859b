// Fees that move by a factor of themselves: EIP-1559's base fee and EIP-4844's blob fee, with any denominators.
//
// Decides: the next fee from the present one and how much of a resource was used against its target.
//
//     base fee   target = floor(limit / elasticity)
//                used = target: b    above: b + max(floor(floor(b d / target) / denominator), 1)
//                                    below: b - floor(floor(b d / target) / denominator)      d = |used - target|
//                so one step changes it by at most elasticity - 1 over denominator (above) and 1 / denominator (below)
//     blob fee   fake_exponential(min fee, excess, update fraction), excess' = max(0, excess + used - target)
//     fake_exponential(f, n, d) = floor(sum over i of terms / d), term_0 = f d, term_i = floor(term_(i-1) n / (d i)):
//                f e^(n/d) as the integers of a Taylor sum
//     gas limit  |new - old| < floor(old / 1024), and at least 5000
//
// All values are uint256 without wrap-around; what leaves 256 bits, a division by zero or a sum that does not end
// within kTermsMax terms is an Error. Every division is the floor. Source: EIP-1559, EIP-4844; go-ethereum's tests.
#pragma once

#include "controller/evm_math.hpp"

namespace homeostat::controller::multiplicative {

/// A sum of 256-bit terms has its largest near n / d <= 178 and ends by three times that.
inline constexpr unsigned kTermsMax = 2048;
inline constexpr std::int64_t kGasLimitBoundDivisor = 1024;
inline constexpr std::int64_t kGasLimitMin = 5000;

struct BaseFeeSettings {
  Int elasticity = 2;          ///< limit over target
  Int change_denominator = 8;  ///< 1 / the largest decrease of one step

  bool operator==(const BaseFeeSettings&) const = default;
};

/// The next base fee [wei].
[[nodiscard]] Result<Int> next_base_fee(const BaseFeeSettings& settings, const Int& base_fee, const Int& gas_used,
                                        const Int& gas_limit);
/// True when a block may set `gas_limit` after a parent with `parent_gas_limit`.
[[nodiscard]] Result<bool> is_gas_limit_allowed(const Int& parent_gas_limit, const Int& gas_limit);

[[nodiscard]] Result<Int> fake_exponential(const Int& factor, const Int& numerator, const Int& denominator);
/// The excess after a block that used `used` [blob gas].
[[nodiscard]] Result<Int> next_excess(const Int& excess, const Int& used, const Int& target);

}  // namespace homeostat::controller::multiplicative
