// tanh and atanh with the same bits on every machine, as core/math.hpp has exp and log.
//
// Error bounds, in units of the last place of a normal result:
//
//     tanh <= 2 ulp        atanh <= 2 ulp
//
// measured against 64-bit-mantissa references over 300,000 random arguments each, worst seen 1.36 (tests/unit/core).
// Both are odd to the last bit. Special values follow IEEE 754: tanh(+-inf) = +-1, atanh(+-1) = +-inf, atanh(|x| > 1) =
// NaN.
#pragma once

namespace homeostat::math {

[[nodiscard]] double tanh(double x);
[[nodiscard]] double atanh(double x);

}  // namespace homeostat::math
