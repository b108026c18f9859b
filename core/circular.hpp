// Sine and cosine with the same bits on every machine, as core/math.hpp has its functions.
//
//     sin, cos   <= 1 ulp for |x| <= kCircularMax, of a normal result
//
// measured against a reference of 64-bit mantissa over 300,000 random arguments each (tests/unit/core): worst seen
// 0.77. The argument is radians. NaN for NaN and for |x| beyond kCircularMax, where a decision has no business.
//
//     turn_of    cosine and sine to 2^-100 absolute, as sums of two doubles
#pragma once

#include "core/wide.hpp"

namespace homeostat::math {

/// About 166,886 turns: to here the reduction by pi/2 is exact enough.
inline constexpr double kCircularMax = 1048576;

[[nodiscard]] double sin(double x);
[[nodiscard]] double cos(double x);

struct Turn {
  Wide cosine;
  Wide sine;
};
/// Of an angle within kTurnMax (CHECKed): some fifteen turns.
inline constexpr double kTurnMax = 100;
[[nodiscard]] Turn turn_of(double angle);

}  // namespace homeostat::math
