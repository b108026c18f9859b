// Statistics of any holdings: within their ranges, blind to the order and to the unit.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/statistics.hpp"

namespace homeostat {
namespace {

std::vector<double> any_holdings() {
  std::vector<double> x(*rc::gen::inRange<std::size_t>(1, 40));
  for (auto& v : x) v = *rc::gen::inRange(0, 4) == 0 ? 0 : static_cast<double>(*rc::gen::arbitrary<std::uint32_t>());
  x[0] += 1;
  return x;
}

RC_GTEST_PROP(Statistics, StayInTheirRanges, ()) {
  auto x = any_holdings();
  const auto n = static_cast<double>(x.size());
  const double g = gini(x), h = hhi(x), k = nakamoto(x);
  RC_ASSERT(g >= 0 && g <= (n - 1) / n + 1e-12);
  RC_ASSERT(h >= 1 / n - 1e-12 && h <= 1 + 1e-12);
  RC_ASSERT(k >= 1 && k <= n && k == std::floor(k));
  RC_ASSERT(k <= n / 2 + 1);  // the half that has the most has at least one half
}

RC_GTEST_PROP(Statistics, AreBlindToOrderAndUnit, ()) {
  const auto x = any_holdings();
  auto y = x;
  std::reverse(y.begin(), y.end());
  for (auto& v : y) v *= 4;  // exact
  auto a = x, b = y;
  RC_ASSERT(gini(a) == gini(b));
  RC_ASSERT(nakamoto(a) == nakamoto(b) && median(a) * 4 == median(b));
  RC_ASSERT(std::abs(hhi(x) - hhi(y)) <= 1e-12);
  RC_ASSERT(std::abs(deviation(x) * 4 - deviation(y)) <= 1e-9 * deviation(y));
}

RC_GTEST_PROP(Statistics, ATransferFromMoreToLessNeverRaisesConcentration, ()) {
  auto x = any_holdings();
  x.push_back(0);
  std::sort(x.begin(), x.end());
  auto y = x;
  const double moved = (y.back() - y.front()) * 0.25;
  y.back() -= moved;
  y.front() += moved;
  RC_ASSERT(hhi(y) <= hhi(x) + 1e-12);
  RC_ASSERT(gini(y) <= gini(x) + 1e-12);
}

}  // namespace
}  // namespace homeostat
