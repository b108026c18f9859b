#include "economy/tokenomics/sybil.hpp"

#include "tests/unit/economy/tokenomics.hpp"

namespace homeostat::economy::tokenomics {
namespace {

using Numbers = std::vector<std::int64_t>;
using Ids = std::vector<std::uint32_t>;

struct Paid {
  Numbers amounts;
  std::int64_t left = 0;
};

Paid pay(const QuadraticSettings& settings, Amount budget, const std::vector<Amount>& contributions,
         const Ids& clusters) {
  QuadraticScratch scratch;
  std::vector<Amount> amounts(contributions.size());
  const auto left = capped_quadratic(settings, budget, contributions, clusters, amounts, scratch);
  EXPECT_TRUE(left) << left.error().text();
  return {small(amounts), left ? small(*left) : -1};
}

constexpr QuadraticSettings kFree{1, 1};

TEST(CappedQuadratic, PaysTheSquareRootOfWhatAUnitContributed) {
  const auto paid = pay(kFree, 600, {100, 400, 900}, {0, 0, 0});
  EXPECT_EQ(paid.amounts, (Numbers{100, 200, 300}));
  EXPECT_EQ(paid.left, 0);
}

TEST(CappedQuadratic, SplittingInsideAClusterGainsNothing) {
  // 400 as four identities: unlinked they would get 4 x 10 / (4 x 10 + 30) of the budget, linked they get what one got.
  EXPECT_EQ(pay(kFree, 500, {400, 900}, {0, 0}).amounts, (Numbers{200, 300}));
  EXPECT_EQ(pay(kFree, 500, {100, 100, 100, 100, 900}, {5, 5, 5, 5, 0}).amounts, (Numbers{50, 50, 50, 50, 300}));
  EXPECT_EQ(pay(kFree, 500, {300, 100, 900}, {5, 5, 0}).amounts, (Numbers{150, 50, 300}));
}

TEST(CappedQuadratic, WhatACapTakesGoesToTheOthersAndTheRestStays) {
  // Roots 30, 20, 10 of 60; at most 40 %: 400, then 600 by 20 : 10 would be 400 : 200.
  const auto paid = pay({0.4, 0.4}, 1000, {900, 400, 100}, {0, 0, 0});
  EXPECT_EQ(paid.amounts, (Numbers{400, 400, 200}));
  EXPECT_EQ(paid.left, 0);
  const auto tight = pay({0.25, 0.2}, 1000, {900, 400, 100}, {0, 7, 0});
  EXPECT_EQ(tight.amounts, (Numbers{250, 200, 250}));
  EXPECT_EQ(tight.left, 300);
}

TEST(CappedQuadratic, RefusesWhatIsOutOfRangeAndTouchesNothing) {
  QuadraticScratch scratch;
  std::vector<Amount> out{7, 7};
  const auto refuse = [&](const QuadraticSettings& s, Amount budget, std::vector<Amount> c, Ids ids) {
    auto result = capped_quadratic(s, budget, c, ids, out, scratch);
    EXPECT_EQ(small(out), (Numbers{7, 7}));
    return refused(result);
  };
  EXPECT_EQ(refuse({0.1, 0.2}, 1, {1, 1}, {0, 0}), "cluster_share_max");
  EXPECT_EQ(refuse({0, 0}, 1, {1, 1}, {0, 0}), "identity_share_max");
  EXPECT_EQ(refuse({}, -1, {1, 1}, {0, 0}), "budget");
  EXPECT_EQ(refuse({}, 1, {1, -1}, {0, 0}), "contributions[1]");
  EXPECT_EQ(refuse({}, 1, {1, 1}, {0, kClustersMax + 1}), "clusters[1]");
  EXPECT_EQ(refuse({}, 1, {0, 0}, {0, 0}), "contributions");
  EXPECT_EQ(refuse({}, 1, {1, 1}, {0}), "clusters");
  EXPECT_EQ(refuse({}, 1, {1}, {0}), "amounts");
}

TEST(PairwiseFunding, PaysForAgreementAndDistrustsPairs) {
  // Two contributors of 1 and 4 to one project: 2 sqrt(4) with all trust, and 2 / (2 + 2) of it at M = 2.
  EXPECT_NEAR(pairwise_matches(std::vector<double>{1, 4}, 1, 1e30)->front(), 4, 1e-12);
  EXPECT_DOUBLE_EQ(pairwise_matches(std::vector<double>{1, 4}, 1, 2)->front(), 2);
  EXPECT_EQ(pairwise_matches(std::vector<double>{9}, 1, 2)->front(), 0);  // one alone matches nothing
  // A pair that gives to both projects shares its trust between them.
  const auto two = *pairwise_matches(std::vector<double>{1, 1, 1, 1}, 2, 2);
  EXPECT_DOUBLE_EQ(two[0], 1);
  EXPECT_DOUBLE_EQ(two[1], 1);
}

TEST(PairwiseFunding, NoPairAddsMoreThanTwiceTheBound) {
  EXPECT_LT(pairwise_matches(std::vector<double>{1e29, 1e29}, 1, 10)->front(), 20 + 1e-9);
}

TEST(PairwiseFunding, RefusesWhatIsOutOfRange) {
  EXPECT_EQ(refused(pairwise_matches(std::vector<double>{1, -1}, 1, 1)), "contributions[1]");
  EXPECT_EQ(refused(pairwise_matches(std::vector<double>{1, kNan}, 1, 1)), "contributions[1]");
  EXPECT_EQ(refused(pairwise_matches(std::vector<double>{1, 1, 1}, 2, 1)), "contributions");
  EXPECT_EQ(refused(pairwise_matches(std::vector<double>(2001, 1.0), 1, 1)), "contributions");
  EXPECT_EQ(refused(pairwise_matches({}, 1, 1)), "contributions");
  EXPECT_EQ(refused(pairwise_matches(std::vector<double>{1}, 0, 1)), "projects");
  EXPECT_EQ(refused(pairwise_matches(std::vector<double>{1}, 1, 0)), "pair_max");
}

}  // namespace
}  // namespace homeostat::economy::tokenomics
