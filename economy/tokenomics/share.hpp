// A share of an amount: one ratio of a whole, exact before the one rounding.
//
//     part = amount x ratio        ratio = mantissa x 2^exponent, the double's own binary value
//
// so that 10 % of 3 base units is 0.3000000000000000166 of them, and 0 rounded down. This is where every rate of this
// folder meets base units.
#pragma once

#include <string_view>

#include "core/result.hpp"
#include "economy/amount.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::tokenomics {

/// Error out_of_range, with the name and the range, unless 0 <= amount <= kAmountMax.
[[nodiscard]] Result<> require_amount(std::string_view name, Amount amount);

/// amount x ratio for an amount (CHECKed) and a finite ratio >= 0 (CHECKed), rounded once. Error out_of_range if the
/// result is beyond kAmountMax, which it never is for a ratio of at most 1.
[[nodiscard]] Result<Amount> share_of(Amount amount, double ratio, Rounding rounding = Rounding::down);

/// share_of for a ratio in 0..1 (CHECKed).
[[nodiscard]] Amount part_of(Amount amount, double ratio, Rounding rounding = Rounding::down);

}  // namespace homeostat::economy::tokenomics
