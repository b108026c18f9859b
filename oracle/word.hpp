// EVM words as numbers.
#pragma once

#include "oracle/observation.hpp"

namespace homeostat::oracle {

/// The double nearest to the word's value, ties to even; the same bits everywhere. Never overflows:
/// 2^256 is 1.2e77.
[[nodiscard]] double double_from_uint256(const Word& word);
/// The same of two's complement.
[[nodiscard]] double double_from_int256(const Word& word);

}  // namespace homeostat::oracle
