// Amounts of a token: whole numbers of its base units, exact to the last one.
//
// What is computed in doubles inside a mechanism becomes an amount once, at its boundary, rounded in favour of the
// reserve: down for what is paid out or minted, up for what is taken in or burned. Amounts are never negative; a
// movement has a direction of its own.
#pragma once

#include <cstdint>

#include "core/decimal.hpp"
#include "core/result.hpp"

namespace homeostat::economy {

/// Base units, 0..kAmountMax: as many as a Decimal has, a million million tokens of eighteen decimals.
using Amount = __int128;
inline constexpr Amount kAmountMax = Decimal::kUnitsMax;

[[nodiscard]] constexpr bool is_amount(Amount x) {
  return x >= 0 && x <= kAmountMax;
}

enum class Rounding : std::uint8_t { down, up };

/// a * b / c, exact before the one rounding, for amounts a, b and c > 0 (CHECKed). Error out_of_range if the result is
/// beyond kAmountMax.
[[nodiscard]] Result<Amount> mul_div(Amount a, Amount b, Amount c, Rounding rounding);

/// `tokens` (>= 0, finite) in base units of 10^-decimals. Exact: the double's own binary value is scaled and rounded
/// once. Error out_of_range.
[[nodiscard]] Result<Amount> amount_of(double tokens, int decimals, Rounding rounding);

/// The nearest double, in tokens.
[[nodiscard]] double tokens_of(Amount amount, int decimals);

}  // namespace homeostat::economy
