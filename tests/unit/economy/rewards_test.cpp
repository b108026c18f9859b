#include "economy/tokenomics/rewards.hpp"

#include "economy/tokenomics/distribution.hpp"
#include "economy/tokenomics/incentives.hpp"
#include "tests/unit/economy/tokenomics.hpp"

namespace homeostat::economy::tokenomics {
namespace {

using Numbers = std::vector<std::int64_t>;

TEST(Reward, IsBaseTimesMultiplierPlusTheQualityBonus) {
  const RewardSettings s;
  EXPECT_DOUBLE_EQ(*reward(s, 100, 1.2, 0), 120);
  EXPECT_DOUBLE_EQ(*reward(s, 100, 1.2, 0.75), 132.5);  // half way from 0.5 to 1: half of a quarter of the base
  EXPECT_DOUBLE_EQ(*reward(s, 100, 1.2, 1), 145);
}

TEST(Reward, TheMultiplierAnswersTheNetworkWithinItsBounds) {
  const RewardSettings s;
  EXPECT_EQ(*multiplier(s, {}), 1);
  // 1 + 0.5 x (1 - 0.3 / 0.6) + 0.25 x (1 - 0.8) - 0.25 x 0.4
  EXPECT_DOUBLE_EQ(*multiplier(s, {.participation = 0.3, .activity = 8, .activity_target = 10, .congestion = 0.4}),
                   1.2);
  EXPECT_DOUBLE_EQ(*multiplier(s, {.participation = 0, .activity = 0}), 1.75);
  EXPECT_EQ(*multiplier(s, {.participation = 1, .activity = 1e20, .congestion = 1}), 0.5);
}

TEST(Reward, AnEpochIsSharedOutExactly) {
  const std::vector<double> base{10, 20, 30}, quality{1, 0.5, 0};
  std::vector<Amount> amounts(3);
  EpochScratch scratch;
  const auto epoch = *distribute_epoch({}, {.participation = 0.3}, 1000, base, quality, amounts, scratch);
  EXPECT_DOUBLE_EQ(epoch.multiplier, 1.25);
  EXPECT_EQ(small(epoch.budget), 1250);
  // Rewards 15, 25 and 37.5 of 77.5: quotas 241.94, 403.23, 604.84.
  EXPECT_EQ(small(amounts), (Numbers{242, 403, 605}));
}

TEST(Reward, RefusesWhatIsOutOfRange) {
  std::vector<double> base{10, 20}, quality{1, 0.5};
  std::vector<Amount> amounts{7, 7};
  EpochScratch scratch;
  const auto epoch = [&](Amount budget) {
    auto result = distribute_epoch({}, {}, budget, base, quality, amounts, scratch);
    EXPECT_EQ(small(amounts), (Numbers{7, 7}));
    return refused(result);
  };
  EXPECT_EQ(epoch(-1), "base_budget");
  base[1] = kNan;
  EXPECT_EQ(epoch(1), "base[1]");
  base[1] = -1;
  EXPECT_EQ(epoch(1), "base[1]");
  base = {0, 0};
  EXPECT_EQ(epoch(1), "base");
  quality[0] = 1.1;
  EXPECT_EQ(epoch(1), "quality[0]");
  quality.pop_back();
  EXPECT_EQ(epoch(1), "quality");
  quality = {}, base = {};
  EXPECT_EQ(epoch(1), "amounts");
  EXPECT_EQ(refused(distribute_epoch({}, {}, 1, base, quality, std::span<Amount>(), scratch)), "base");

  EXPECT_EQ(refused(reward({}, kInfinity, 1, 1)), "base");
  EXPECT_EQ(refused(reward({}, 1, 3, 1)), "multiplier");
  EXPECT_EQ(refused(reward({}, 1, 1, -0.1)), "quality");
  EXPECT_EQ(refused(multiplier({}, {.participation = 2})), "participation");
  EXPECT_EQ(refused(multiplier({}, {.activity = -1})), "activity");
  EXPECT_EQ(refused(multiplier({}, {.activity_target = 0})), "activity_target");
  EXPECT_EQ(refused(multiplier({}, {.congestion = kNan})), "congestion");
  EXPECT_EQ(refused(check(RewardSettings{.participation_goal = 0})), "participation_goal");
  EXPECT_EQ(refused(check(RewardSettings{.activity_weight = 11})), "activity_weight");
  EXPECT_EQ(refused(check(RewardSettings{.multiplier_min = 3})), "multiplier_min");
  EXPECT_EQ(refused(check(RewardSettings{.multiplier_min = 0})), "multiplier_min");
  EXPECT_EQ(refused(check(RewardSettings{.bonus_max = -1})), "bonus_max");
  EXPECT_EQ(refused(check(RewardSettings{.quality_from = 1})), "quality_from");
}

IncentiveSettings model(IncentiveModel m) {
  auto s = incentive_defaults(m);
  s.rate = 2;
  s.activity_reference = 100;
  s.half_life = Duration::days(14);
  return s;
}

TEST(Incentive, EachModelIsItsFormula) {
  EXPECT_EQ(*incentive(model(IncentiveModel::linear), 50, {}), 100);
  EXPECT_EQ(*incentive(model(IncentiveModel::quadratic), 50, {}), 50);
  EXPECT_EQ(*incentive(model(IncentiveModel::square_root), 25, {}), 100);
  EXPECT_NEAR(*incentive(model(IncentiveModel::square_root), 50, {}), 141.4, 0.05);
  for (const auto m : {IncentiveModel::quadratic, IncentiveModel::square_root}) {
    EXPECT_EQ(*incentive(model(m), 100, {}), 200);  // where they agree with the linear one
  }
  EXPECT_EQ(*incentive(model(IncentiveModel::dynamic_multiplier), 50, {}, {1.5, 0}), 150);
}

TEST(Incentive, DecaysAtWholePeriodsOnly) {
  const auto s = model(IncentiveModel::exponential_decay);  // a period of 7 days, halved in 14
  EXPECT_EQ(*incentive(s, 50, Duration::days(6)), 100);
  EXPECT_NEAR(*incentive(s, 50, Duration::days(7)), 70.710678118654752, 1e-12);
  EXPECT_EQ(*incentive(s, 50, Duration::days(14)), *incentive(s, 50, Duration::days(20)));
  EXPECT_EQ(*incentive(s, 50, Duration::days(28)), 25);
}

TEST(Incentive, TheMultiplierMovesOnceInAPeriod) {
  const auto s = model(IncentiveModel::dynamic_multiplier);  // a day, an eighth
  const auto first = *next_multiplier(s, {}, Duration::days(1), 50, 100);
  EXPECT_EQ(first, (MultiplierState{1.0625, 1}));
  EXPECT_EQ(*next_multiplier(s, first, Duration::hours(47), 0, 100), first);
  EXPECT_EQ(next_multiplier(s, first, Duration::days(9), 1e9, 100)->multiplier, 1.0625 * 0.875);  // one step for eight
  EXPECT_EQ(next_multiplier(s, {1.9, 0}, Duration::days(1), 0, 100)->multiplier, 2);
  EXPECT_EQ(next_multiplier(s, {0.5, 0}, Duration::days(1), 200, 100)->multiplier, 0.5);
}

TEST(Incentive, RefusesWhatIsOutOfRange) {
  const auto s = model(IncentiveModel::dynamic_multiplier);
  for (const double bad : {kNan, kInfinity, -1.0, 1e31}) {
    EXPECT_EQ(refused(incentive(s, bad, {})), "activity");
    EXPECT_EQ(refused(incentive(s, 1, {}, {bad, 0})), "multiplier");
    EXPECT_EQ(refused(next_multiplier(s, {}, {}, bad, 1)), "observed");
    EXPECT_EQ(refused(next_multiplier(s, {}, {}, 1, bad)), "target");
  }
  EXPECT_EQ(refused(incentive(s, 1, -Duration::seconds(1))), "elapsed");
  EXPECT_EQ(refused(incentive(s, 1, Duration::max())), "elapsed");
  EXPECT_EQ(refused(check(IncentiveSettings{.rate = -1})), "rate");
  EXPECT_EQ(refused(check(IncentiveSettings{.adjustment_period = {}})), "adjustment_period");
  EXPECT_EQ(refused(check(IncentiveSettings{.activity_reference = 0})), "activity_reference");
  EXPECT_EQ(refused(check(IncentiveSettings{.half_life = {}})), "half_life");
  EXPECT_EQ(refused(check(IncentiveSettings{.gain = 2})), "gain");
  EXPECT_EQ(refused(check(IncentiveSettings{.multiplier_min = 3})), "multiplier_min");
  IncentiveSettings quadratic{.model = IncentiveModel::quadratic, .rate = 1e12, .activity_reference = 1e-12};
  EXPECT_EQ(refused(incentive(quadratic, 1e30, {})), "reward");
}

TEST(Distribution, FortyThirtyTwentyTenToTheLastUnit) {
  EXPECT_EQ(*distribute_value({}, 1000), (ValueAmounts{400, 300, 200, 100}));
  EXPECT_EQ(*distribute_value({}, 7), (ValueAmounts{3, 2, 1, 1}));  // 2.8, 2.1, 1.4, 0.7
  EXPECT_EQ(*distribute_value({}, 1), (ValueAmounts{1, 0, 0, 0}));
  EXPECT_EQ(*distribute_value({0.5, 0.5, 0, 0}, 1), (ValueAmounts{1, 0, 0, 0}));
  const auto all = *distribute_value({}, kAmountMax);
  EXPECT_TRUE(all.stakers + all.treasury + all.developers + all.burn == kAmountMax);
}

TEST(Distribution, StakersByStakeTimeAndParticipation) {
  const std::vector<double> stake{100, 100, 100}, time{0, 365 * 86400.0, 1e9}, participation{1, 1, 0};
  std::vector<Amount> amounts(3);
  DistributionScratch scratch;
  ASSERT_TRUE(distribute_to_stakers({}, {stake, time, participation}, 2000, amounts, scratch));
  EXPECT_EQ(small(amounts), (Numbers{500, 1000, 500}));
  ASSERT_TRUE(distribute_to_stakers({.time_floor = 0, .participation_floor = 1}, {stake, time, participation}, 2000,
                                    amounts, scratch));
  EXPECT_EQ(small(amounts), (Numbers{0, 1000, 1000}));
}

TEST(Distribution, RefusesWhatIsOutOfRange) {
  ApportionScratch shares_scratch;
  std::vector<Amount> amounts{7, 7};
  for (const auto& bad : {std::vector<double>{0.5, 0.4}, {1.5, -0.5}, {kNan, 1}}) {
    EXPECT_FALSE(split(10, bad, amounts, shares_scratch));
  }
  EXPECT_EQ(refused(split(-1, std::vector<double>{0.5, 0.5}, amounts, shares_scratch)), "value");
  EXPECT_EQ(refused(split(1, std::vector<double>{1}, amounts, shares_scratch)), "amounts");
  EXPECT_EQ(refused(split(1, std::vector<double>(2000, 1.0 / 2000), amounts, shares_scratch)), "shares");
  EXPECT_EQ(refused(distribute_value({.stakers = 0.5}, 1)), "shares");

  DistributionScratch scratch;
  std::vector<double> stake{1, 1}, time{1, 1}, participation{1, 1};
  const auto give = [&] {
    auto result = distribute_to_stakers({}, {stake, time, participation}, 10, amounts, scratch);
    EXPECT_EQ(small(amounts), (Numbers{7, 7}));
    return refused(result);
  };
  stake[1] = -1;
  EXPECT_EQ(give(), "stake[1]");
  stake = {0, 0};
  EXPECT_EQ(give(), "stake");
  time[0] = kNan;
  EXPECT_EQ(give(), "time_s[0]");
  time[0] = 0, participation[1] = 2;
  EXPECT_EQ(give(), "participation[1]");
  time = {1};
  EXPECT_EQ(give(), "time_s");
  EXPECT_EQ(refused(check(StakerCriteria{.time_full = {}})), "time_full");
  EXPECT_EQ(refused(check(StakerCriteria{.time_floor = 2})), "time_floor");
  EXPECT_EQ(refused(check(StakerCriteria{.participation_floor = kNan})), "participation_floor");
}

}  // namespace
}  // namespace homeostat::economy::tokenomics
