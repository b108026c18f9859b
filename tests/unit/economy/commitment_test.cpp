#include "economy/bonding/commitment.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace homeostat::economy::bonding {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kSupply = 100'000;

CommitmentSettings plain() {
  CommitmentSettings s;
  s.flow.mode = Dampening::none;
  return s;
}

Result<Claim> claimed(const CommitmentSettings& s, const ChannelState& state, double now, double supply = kSupply,
                      double committed = 0, Channel channel = Channel::labour) {
  return claim(s, *Dampener::make(s.flow), channel, state, 7, supply, committed, now);
}
ChannelState owed(double units, double at = 0) {
  ChannelState state;
  state.accounts[7] = {.units = units, .at = at};
  return state;
}

TEST(Commitment, UnitsAreWorthTokensAndOneClaimTakesThemAll) {
  const auto out = *claimed(plain(), owed(100), 0);
  EXPECT_EQ(out.minted, 500);
  EXPECT_EQ(out.account.units, 0);
  EXPECT_EQ(out.flow, 500);
}

TEST(Commitment, AChannelMintsNoMoreThanItsLimitInAPeriod) {
  ChannelState state = owed(1000);
  auto out = *claimed(plain(), state, 0);
  EXPECT_EQ(out.minted, 1000);
  state.accounts[7] = out.account;
  state.window = out.window, state.window_minted = out.window_minted;
  EXPECT_EQ(claimed(plain(), state, 2).error().where, "limit");
  EXPECT_EQ(claimed(plain(), state, 2).error().code, ErrorCode::unavailable);
  out = *claimed(plain(), state, 7);
  EXPECT_EQ(out.minted, 1000);
}

TEST(Commitment, AnAccountWaitsBetweenClaimsAndWhatIsUnclaimedDecays) {
  ChannelState state = owed(100);
  state.accounts[7].claimed_at = 0;
  EXPECT_EQ(claimed(plain(), state, 0.5).error().where, "cooldown_days");
  EXPECT_NEAR(claimed(plain(), state, 2)->minted, 500 * 0.99 * 0.99, 1e-10);
}

TEST(Commitment, TheCapLeavesRoomForTheTokensThatItAdmits) {
  const CommitmentSettings s = plain();
  const auto out = *claimed(s, owed(200), 0, 1000, 100);
  EXPECT_DOUBLE_EQ(out.minted, 200 / 0.7);
  EXPECT_DOUBLE_EQ((100 + out.minted) / (1000 + out.minted), s.cap);
  EXPECT_EQ(claimed(s, owed(200), 0, 1000, 300).error().where, "cap");
  EXPECT_EQ(claimed(s, owed(200), 0, 0, 0).error().code, ErrorCode::resource_exhausted);
}

TEST(Commitment, WhatDampeningHoldsBackStaysOwed) {
  const CommitmentSettings s;
  ChannelState state = owed(200);
  state.flow = 1000;  // 1 % of the supply: from here on less passes
  const auto out = *claimed(s, state, 0);
  EXPECT_LT(out.minted, 1000);
  EXPECT_NEAR(out.minted + 5 * out.account.units, 1000, 1e-9);
}

TEST(Commitment, AStakeLeftEarlyForfeitsHalfOfWhatIsNotVestedAndAllBeforeTheCliff) {
  const CommitmentSettings s;
  EXPECT_DOUBLE_EQ(*staking_payout(s, 1000, 365, 365), 150);
  EXPECT_DOUBLE_EQ(*staking_payout(s, 1000, 365, 182.5), 112.5);
  EXPECT_EQ(*staking_payout(s, 1000, 365, 29.9), 0);
  EXPECT_EQ(staking_payout(s, -1, 365, 1).error().where, "amount");
  EXPECT_EQ(staking_payout(s, 1, 0, 1).error().where, "lock_days");
  EXPECT_EQ(staking_payout(s, 1, 1, kNan).error().where, "held_days");
}

TEST(Commitment, LoyaltyGrowsWithMonthsAndEndsWithAGap) {
  const CommitmentSettings s;
  Account account;
  auto first = *subscribe(s, account, 0);
  EXPECT_NEAR(first.bonus_ratio, 0.1, 1e-15);
  EXPECT_EQ(first.months, 1);
  account.months = 12, account.paid_at = 360;
  EXPECT_EQ(subscribe(s, account, 380).error().where, "month_days");
  EXPECT_DOUBLE_EQ(subscribe(s, account, 390)->bonus_ratio, 1.1 * 1.5 - 1);
  EXPECT_NEAR(subscribe(s, account, 421)->bonus_ratio, 0.1, 1e-15);
}

TEST(Commitment, WhoIsOwedNothingIsUnknown) {
  EXPECT_EQ(claimed(plain(), {}, 0).error().code, ErrorCode::unknown_name);
  EXPECT_EQ(claimed(plain(), owed(1), kNan).error().where, "now");
}

TEST(Commitment, BadSettingsNameTheFieldAndItsRange) {
  CommitmentSettings s;
  s.channels[1].memory = 0;
  EXPECT_EQ(check(s).error().where, "channels[1].memory");
  s = {};
  s.tier_prices[2] = kNan;
  EXPECT_EQ(check(s).error().where, "tier_prices[2]");
  s = {};
  s.flow.threshold = 2;
  EXPECT_EQ(check(s).error().where, "flow.threshold");
  s = {};
  s.cap = 1;
  EXPECT_EQ(check(s).error().text(), "cap: must be from 0 to 0.99, is 1");
  for (double CommitmentSettings::*field :
       {&CommitmentSettings::premium, &CommitmentSettings::month_days, &CommitmentSettings::base_rate,
        &CommitmentSettings::forfeit, &CommitmentSettings::cliff_days}) {
    s = {};
    s.*field = -1;
    EXPECT_FALSE(check(s));
  }
}

}  // namespace
}  // namespace homeostat::economy::bonding
