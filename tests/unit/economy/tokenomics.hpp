// What the tests of tokenomics share.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "economy/amount.hpp"

namespace homeostat::economy {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// An amount that fits, as something gtest can print.
inline std::int64_t small(Amount amount) {
  EXPECT_TRUE(amount >= std::numeric_limits<std::int64_t>::min() && amount <= std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(amount);
}
inline std::vector<std::int64_t> small(std::span<const Amount> amounts) {
  std::vector<std::int64_t> out;
  for (const Amount amount : amounts) out.push_back(small(amount));
  return out;
}
inline Amount sum_of(std::span<const Amount> amounts) {
  Amount sum = 0;
  for (const Amount amount : amounts) sum += amount;
  return sum;
}
/// The argument that an error names, "" if there is none.
template <class T>
std::string refused(const Result<T>& result) {
  return result ? "" : result.error().where;
}

}  // namespace homeostat::economy
