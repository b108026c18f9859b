#include "economy/tokenomics/apportion.hpp"

#include <algorithm>
#include <numeric>

#include <boost/multiprecision/cpp_int.hpp>

#include "core/random.hpp"
#include "economy/tokenomics/share.hpp"
#include "tests/unit/economy/tokenomics.hpp"

namespace homeostat::economy::tokenomics {
namespace {

using Numbers = std::vector<std::int64_t>;
using Big = boost::multiprecision::cpp_int;

Big big(Amount x) {
  return (Big(static_cast<std::uint64_t>(x >> 64)) << 64) | Big(static_cast<std::uint64_t>(x));
}

/// The definition, in arithmetic of any size and with a full sort.
std::vector<Amount> by_definition(Amount budget, const std::vector<Amount>& weights) {
  Big total = 0;
  for (const Amount w : weights) total += big(w);
  std::vector<Amount> amounts;
  std::vector<Big> rests;
  Amount left = budget;
  for (const Amount w : weights) {
    const Big exact = big(budget) * big(w);
    const Big floor = exact / total;
    rests.push_back(exact - floor * total);
    amounts.push_back(static_cast<Amount>(floor));
    left -= amounts.back();
  }
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rests[a] > rests[b]; });
  for (std::size_t i = 0; left > 0; ++i, --left) ++amounts[order[i]];
  return amounts;
}

Amount any(Random& random, int bits) {
  Amount x = (static_cast<Amount>(random.next_u64() >> 1) << 64) | static_cast<Amount>(random.next_u64());
  x &= (Amount{1} << bits) - 1;
  return std::min(x, kAmountMax - 1);
}

TEST(Apportion, GivesTheLargestRemaindersOneUnitMore) {
  // Quotas 1.67, 3.33, 5: the unit left over goes to the first.
  EXPECT_EQ(small(*apportion(10, std::vector<Amount>{1, 2, 3})), (Numbers{2, 3, 5}));
  // A hundred seats: quotas 41.6, 33.9, 24.5.
  EXPECT_EQ(small(*apportion(100, std::vector<Amount>{416, 339, 245})), (Numbers{42, 34, 24}));
  EXPECT_EQ(small(*apportion(0, std::vector<Amount>{1, 2})), (Numbers{0, 0}));
}

TEST(Apportion, BreaksTiesByIndex) {
  EXPECT_EQ(small(*apportion(5, std::vector<Amount>{7, 7, 7})), (Numbers{2, 2, 1}));
  std::vector<Amount> many(5000, 3);
  const auto amounts = *apportion(1234, many);
  for (std::size_t i = 0; i < many.size(); ++i) ASSERT_EQ(small(amounts[i]), i < 1234 ? 1 : 0);
}

TEST(Apportion, AWeightOfZeroGetsNothing) {
  EXPECT_EQ(small(*apportion(7, std::vector<Amount>{0, 5, 0, 5})), (Numbers{0, 4, 0, 3}));
}

TEST(Apportion, IsTheDefinitionAtEverySize) {
  Random random(7);
  ApportionScratch scratch;
  for (int round = 0; round < 400; ++round) {
    const std::size_t n = 1 + random.below(round % 10 == 0 ? 3000 : 40);
    const int bits = 1 + static_cast<int>(random.below(100));
    std::vector<Amount> weights(n);
    for (auto& w : weights) w = random.chance(0.1) ? 0 : any(random, bits);
    weights[random.below(n)] = any(random, bits) | 1;
    const Amount budget = any(random, 1 + static_cast<int>(random.below(100)));
    std::vector<Amount> amounts(n);
    ASSERT_TRUE(apportion(budget, std::span<const Amount>(weights), amounts, scratch));
    ASSERT_TRUE(amounts == by_definition(budget, weights)) << "round " << round;
  }
}

TEST(Apportion, IsExactAtTheLimitsOfAnAmount) {
  const std::vector<Amount> weights(1000, kAmountMax);
  const auto amounts = *apportion(kAmountMax, weights);
  EXPECT_TRUE(sum_of(amounts) == kAmountMax);
  EXPECT_TRUE(amounts[0] == kAmountMax / 1000);
}

TEST(Apportion, DividesExactlyWhereTheReciprocalIsTwoOff) {
  // Found by search: the quotient estimated from the reciprocal needs its second correction here.
  const Amount total = 9'223'372'036'855'252'755ULL, weight = 9'223'372'036'854'469'206ULL;
  const std::vector<Amount> weights{weight, total - weight};
  EXPECT_TRUE(*apportion(total - 1, weights) == by_definition(total - 1, weights));
}

TEST(Apportion, TakesWeightsAsDoubles) {
  EXPECT_EQ(small(*apportion(10, std::vector<double>{1, 2, 3})), (Numbers{2, 3, 5}));
  EXPECT_EQ(small(*apportion(1000, std::vector<double>{0.4, 0.3, 0.2, 0.1})), (Numbers{400, 300, 200, 100}));
  EXPECT_EQ(small(*apportion(3, std::vector<double>{5e-324, 1e-323})), (Numbers{1, 2}));
  EXPECT_EQ(small(*apportion(3, std::vector<double>{1e308, 1e-308})), (Numbers{3, 0}));
}

TEST(Apportion, MayWriteOverItsWeights) {
  std::vector<Amount> both{1, 2, 3};
  ApportionScratch scratch;
  ASSERT_TRUE(apportion(10, std::span<const Amount>(both), both, scratch));
  EXPECT_EQ(small(both), (Numbers{2, 3, 5}));
}

TEST(Apportion, NamesWhatIsWrongAndTouchesNothing) {
  ApportionScratch scratch;
  std::vector<Amount> out{7, 7};
  const auto refuse = [&](Amount budget, std::vector<Amount> weights) {
    auto result = apportion(budget, std::span<const Amount>(weights), out, scratch);
    EXPECT_EQ(small(out), (Numbers{7, 7}));
    return refused(result);
  };
  EXPECT_EQ(refuse(-1, {1, 1}), "budget");
  EXPECT_EQ(refuse(kAmountMax + 1, {1, 1}), "budget");
  EXPECT_EQ(refuse(1, {}), "weights");
  EXPECT_EQ(refuse(1, {0, 0}), "weights");
  EXPECT_EQ(refuse(1, {1, -1}), "weights[1]");
  EXPECT_EQ(refuse(1, {kAmountMax + 1, 1}), "weights[0]");
  EXPECT_EQ(refuse(1, {1, 1, 1}), "amounts");
  for (const double bad : {-1.0, kNan, kInfinity}) {
    const std::vector<double> weights{1, bad};
    EXPECT_EQ(refused(apportion(1, weights)), "weights[1]");
  }
}

TEST(Share, IsExactBeforeItsOneRounding) {
  EXPECT_EQ(small(part_of(1000, 0.1)), 100);
  EXPECT_EQ(small(part_of(1000, 0.1, Rounding::up)), 101);  // the double 0.1 is a little more than a tenth
  EXPECT_EQ(small(part_of(3, 1.0 / 3)), 0);                 // and the double 1/3 a little less
  EXPECT_EQ(small(part_of(8, 0.125, Rounding::up)), 1);
  EXPECT_TRUE(part_of(kAmountMax, 1) == kAmountMax);
  EXPECT_EQ(small(part_of(kAmountMax, 1e-300)), 0);
  EXPECT_EQ(small(part_of(kAmountMax, 5e-324, Rounding::up)), 1);
  EXPECT_EQ(small(*share_of(1, 0x1p40)), std::int64_t{1} << 40);
  EXPECT_FALSE(share_of(kAmountMax, 1.0000000000000002));
  EXPECT_FALSE(share_of(1, 1e300));
}

}  // namespace
}  // namespace homeostat::economy::tokenomics
