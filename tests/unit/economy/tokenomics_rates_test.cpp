#include <array>

#include "economy/tokenomics/approval.hpp"
#include "economy/tokenomics/inflation.hpp"
#include "economy/tokenomics/rates.hpp"
#include "tests/unit/economy/tokenomics.hpp"

namespace homeostat::economy::tokenomics {
namespace {

TEST(Inflation, MovesATwelfthOfTheGapAMonth) {
  const auto move = *monthly_move({}, 0.05, 0.032);
  EXPECT_DOUBLE_EQ(move.next_per_year, 0.0485);
  EXPECT_NEAR(move.change, -0.0015, 1e-17);
  EXPECT_FALSE(move.is_move_clamped);
  double rate = 0.05;
  for (int month = 0; month < 12; ++month) rate = monthly_move({}, rate, 0.032)->next_per_year;
  EXPECT_NEAR((0.05 - rate) / (0.05 - 0.032), 0.648, 0.001);  // of the gap, in a year
}

TEST(Inflation, KeepsTheMonthlyMaximumAndTheBand) {
  InflationSettings s;
  s.monthly_move_max = 0.001;
  const auto up = *monthly_move(s, 0.02, 0.5);
  EXPECT_DOUBLE_EQ(up.next_per_year, 0.021);
  EXPECT_TRUE(up.is_move_clamped && up.is_target_clamped);
  EXPECT_EQ(up.target_per_year, 0.08);
  // From outside it comes back by the same pace, not by a jump.
  EXPECT_DOUBLE_EQ(monthly_move(s, 0.2, 0.08)->next_per_year, 0.199);
  EXPECT_DOUBLE_EQ(monthly_move(s, -0.1, 0)->next_per_year, -0.099);
}

TEST(Inflation, TargetRisesWithGrowthAndFallsWithBondingAndVelocity) {
  const InflationSettings s;
  EXPECT_DOUBLE_EQ(*inflation_target(s, {}), 0.035);
  // 3.5 % + 3 % x (1 - 0.335 / 0.67) + 0.5 x 2 % - 0.25 x 4 %
  EXPECT_DOUBLE_EQ(*inflation_target(s, {.bonded = 0.335, .growth_per_year = 0.02, .velocity_change_per_year = 0.04}),
                   0.05);
  EXPECT_EQ(*inflation_target(s, {.growth_per_year = 90}), 0.08);
  EXPECT_EQ(*inflation_target(s, {.velocity_change_per_year = 90}), 0.02);
}

TEST(Inflation, TheRuleOfCosmosReachesItsCeilingAfter0538Years) {
  const BondedSettings s;
  EXPECT_LT(*bonded_inflation(s, 0.13, 0, 0.538), 0.2);
  EXPECT_EQ(*bonded_inflation(s, 0.13, 0, 0.539), 0.2);
  EXPECT_EQ(*bonded_inflation(s, 0.13, 0.67, 1), 0.13);
  EXPECT_EQ(*bonded_inflation(s, 0.08, 1, 1), 0.07);
}

TEST(Inflation, IssuesForAPeriodRoundedDown) {
  EXPECT_EQ(small(*issuance(1'000'000, 0.0625, 0.5)), 31'250);
  EXPECT_EQ(small(*issuance(10, 0.05, 1)), 0);
  EXPECT_FALSE(issuance(kAmountMax, 100, 1));
}

TEST(Inflation, RefusesWhatIsOutOfRange) {
  for (const double bad : {kNan, kInfinity, -1.5, 101.0}) {
    EXPECT_EQ(refused(monthly_move({}, bad, 0.05)), "current_per_year");
    EXPECT_EQ(refused(monthly_move({}, 0.05, bad)), "wanted_per_year");
    EXPECT_EQ(refused(inflation_target({}, {.bonded = bad})), "bonded");
    EXPECT_EQ(refused(inflation_target({}, {.growth_per_year = bad})), "growth_per_year");
    EXPECT_EQ(refused(inflation_target({}, {.velocity_change_per_year = bad})), "velocity_change_per_year");
    EXPECT_EQ(refused(bonded_inflation({}, 0.1, bad, 1)), "bonded");
    EXPECT_EQ(refused(bonded_inflation({}, 0.1, 0.5, bad)), "years");
    EXPECT_EQ(refused(issuance(1, bad, 1)), "rate_per_year");
  }
  EXPECT_EQ(refused(issuance(-1, 0.05, 1)), "supply");
  EXPECT_EQ(refused(check(InflationSettings{.rate_min_per_year = 0.09})), "rate_min_per_year");
  EXPECT_EQ(refused(check(InflationSettings{.rate_max_per_year = kNan})), "rate_max_per_year");
  EXPECT_EQ(refused(check(InflationSettings{.monthly_move_max = 0})), "monthly_move_max");
  EXPECT_EQ(refused(check(InflationSettings{.neutral_rate_per_year = 0.01})), "neutral_rate_per_year");
  EXPECT_EQ(refused(check(InflationSettings{.bonded_goal = 0})), "bonded_goal");
  EXPECT_EQ(refused(check(InflationSettings{.growth_weight = -1})), "growth_weight");
  EXPECT_EQ(refused(check(BondedSettings{.change_max_per_year2 = 0})), "change_max_per_year2");
}

TEST(StakingReward, FallsFromFifteenToFivePercentAsMoreIsStaked) {
  const StakingSettings s;
  EXPECT_EQ(*staking_apy(s, 0), 0.15);
  EXPECT_EQ(*staking_apy(s, 0.2), 0.15);
  EXPECT_DOUBLE_EQ(*staking_apy(s, 0.5), 0.10);
  EXPECT_DOUBLE_EQ(*staking_apy(s, 0.8), 0.05);
  EXPECT_EQ(*staking_apy(s, 1), 0.05);
}

TEST(StakingReward, TheInverseRootPaysTheGoalAtTheGoal) {
  const StakingSettings s{.curve = StakingCurve::inverse_root};
  EXPECT_DOUBLE_EQ(*staking_apy(s, 0.6), 0.08);
  EXPECT_DOUBLE_EQ(*staking_apy(s, 0.4), 0.08 * 1.224744871391589);
  EXPECT_EQ(*staking_apy(s, 0), 0.15);
  EXPECT_EQ(*staking_apy({.curve = StakingCurve::inverse_root, .apy_min = 0.07}, 1), 0.07);
}

TEST(StabilityFee, GoesFromATenthToOnePercentWithStress) {
  const StabilityFeeSettings s;
  EXPECT_EQ(*stability_fee(s, {}), 0.001);
  EXPECT_DOUBLE_EQ(*stability_fee(s, {.price = 0.5, .volatility = 3, .utilisation = 1}), 0.01);
  // stress = 0.4 x 0.5 + 0.4 x 0.5 + 0.2 x 0.5
  EXPECT_NEAR(*stability_fee(s, {.price = 1.05, .volatility = 0.05, .utilisation = 0.5}), 0.0055, 1e-15);
}

TEST(Rates, RefuseWhatIsOutOfRange) {
  EXPECT_EQ(refused(staking_apy({}, 1.1)), "participation");
  EXPECT_EQ(refused(staking_apy({}, kNan)), "participation");
  EXPECT_EQ(refused(check(StakingSettings{.apy_min = 0.2})), "apy_min");
  EXPECT_EQ(refused(check(StakingSettings{.participation_low = 0.8})), "participation_low");
  EXPECT_EQ(refused(check(StakingSettings{.apy_goal = 0.2})), "apy_goal");
  EXPECT_EQ(refused(check(StakingSettings{.participation_goal = 0})), "participation_goal");
  EXPECT_EQ(refused(stability_fee({}, {.price = 0})), "price");
  EXPECT_EQ(refused(stability_fee({}, {.target = kNan})), "target");
  EXPECT_EQ(refused(stability_fee({}, {.volatility = -1})), "volatility");
  EXPECT_EQ(refused(stability_fee({}, {.utilisation = 2})), "utilisation");
  EXPECT_EQ(refused(check(StabilityFeeSettings{.fee_min_per_year = 0.5})), "fee_min_per_year");
  EXPECT_EQ(refused(check(StabilityFeeSettings{.volatility_full = 0})), "volatility_full");
  EXPECT_EQ(refused(check(StabilityFeeSettings{.volatility_weight = 0.5})), "weights");
}

const Proposal kTax{Subject::treasury_tax, 0.03};

TEST(Approval, ComesFromAVoteThatMeetsQuorumAndMajority) {
  EXPECT_TRUE(Approval::from_vote(kTax, {40, 20, 10, 100}, {}));
  EXPECT_EQ(Approval::from_vote(kTax, {20, 0, 10, 100}, {}).error().text(), "quorum: must be at least 0.334, is 0.3");
  EXPECT_EQ(Approval::from_vote(kTax, {20, 20, 10, 100}, {}).error().text(), "majority: must be above 0.5, is 0.5");
  EXPECT_FALSE(Approval::from_vote(kTax, {0, 0, 50, 100}, {}));
  EXPECT_FALSE(Approval::from_vote(kTax, {0, 0, 0, 100}, {.quorum = 0}));
  EXPECT_TRUE(Approval::from_vote(kTax, {3, 1, 0, 4}, {.majority = 0.75}));
  EXPECT_EQ(Approval::from_vote(kTax, {2, 1, 0, 4}, {.majority = 0.75}).error().code, ErrorCode::permission_denied);
}

TEST(Approval, RefusesVotesThatCannotBe) {
  EXPECT_EQ(refused(Approval::from_vote(kTax, {-1, 0, 0, 10}, {})), "votes_for");
  EXPECT_EQ(refused(Approval::from_vote(kTax, {1, 0, 0, 0}, {})), "votes_eligible");
  EXPECT_EQ(refused(Approval::from_vote(kTax, {10, 1, 0, 10}, {})), "votes_eligible");
  EXPECT_EQ(refused(Approval::from_vote(kTax, {10, 1, 0, 20}, {.majority = 0.4})), "majority");
  EXPECT_EQ(refused(Approval::from_vote({Subject::burn, kNan}, {10, 1, 0, 20}, {})), "value");
  EXPECT_EQ(refused(Approval::on_record(kTax, "")), "reference");
}

TEST(TreasuryTax, IsTheApprovedRateWithinItsBounds) {
  const auto approval = *Approval::from_vote(kTax, {40, 20, 10, 100}, {});
  EXPECT_EQ(*treasury_tax({}, approval), 0.03);
  EXPECT_EQ(small(*treasury_tax_amount({}, approval, 1000)), 29);  // the double 0.03 is below three hundredths
  EXPECT_EQ(refused(treasury_tax({}, *Approval::on_record({Subject::treasury_tax, 0.06}, "p7"))), "treasury_tax");
  EXPECT_EQ(refused(treasury_tax({}, *Approval::on_record({Subject::treasury_tax, 0.001}, "p7"))), "treasury_tax");
  EXPECT_EQ(refused(treasury_tax_amount({}, approval, -1)), "taxed");
  EXPECT_EQ(treasury_tax({}, *Approval::on_record({Subject::burn, 0.03}, "p7")).error().text(),
            "approval: must be of treasury_tax, is of burn");
}

TEST(Burn, IsTheApprovedPartUpToOneHalf) {
  const auto approval = *Approval::on_record({Subject::burn, 0.25}, "proposal 12");
  EXPECT_EQ(small(*burn_amount({}, approval, 1001)), 250);
  EXPECT_EQ(approval.reference(), "proposal 12");
  EXPECT_EQ(refused(burn_amount({}, *Approval::on_record({Subject::burn, 0.6}, "p"), 1)), "burn");
  EXPECT_EQ(refused(burn_amount({}, *Approval::on_record(kTax, "p"), 1)), "approval");
  EXPECT_EQ(refused(burn_amount({}, approval, -1)), "burnable");
}

}  // namespace
}  // namespace homeostat::economy::tokenomics
