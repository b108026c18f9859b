#include "oracle/word.hpp"

#include <bit>
#include <cmath>

namespace homeostat::oracle {
namespace {

using Limbs = std::array<std::uint64_t, 4>;  // most significant first

Limbs limbs_of(const Word& word) {
  Limbs limbs{};
  for (std::size_t i = 0; i < word.size(); ++i) limbs[i / 8] = limbs[i / 8] << 8 | word[i];
  return limbs;
}

double double_from(const Limbs& limbs) {
  std::size_t top = 0;
  while (top < 3 && limbs[top] == 0) ++top;
  // The 64 bits from the highest set bit on; what lies below them only matters as "not zero" (sticky).
  const int shift = std::countl_zero(limbs[top]);
  std::uint64_t head = limbs[top];
  bool sticky = false;
  if (top < 3) {
    if (shift > 0) {
      head = head << shift | limbs[top + 1] >> (64 - shift);
      sticky = limbs[top + 1] << shift != 0;
    } else {
      sticky = limbs[top + 1] != 0;
    }
    for (std::size_t i = top + 2; i < 4; ++i) sticky = sticky || limbs[i] != 0;
    // Eleven bits below the 53 that stay: setting the lowest keeps a tie from looking like one.
    if (sticky) head |= 1;
    return std::ldexp(static_cast<double>(head), static_cast<int>(64 * (3 - top)) - shift);
  }
  return static_cast<double>(head);
}

}  // namespace

double double_from_uint256(const Word& word) {
  return double_from(limbs_of(word));
}

double double_from_int256(const Word& word) {
  Limbs limbs = limbs_of(word);
  if ((limbs[0] >> 63) == 0) return double_from(limbs);
  bool carry = true;
  for (std::size_t i = 4; i-- > 0;) {
    limbs[i] = ~limbs[i] + (carry ? 1 : 0);
    carry = carry && limbs[i] == 0;
  }
  return -double_from(limbs);
}

}  // namespace homeostat::oracle
