#include "daemon/sources/provider_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace homeostat::sources {
namespace {

using ::testing::ElementsAre;

constexpr PoolSettings kSettings{.failures_max = 3,
                                 .probes_good = 2,
                                 .behind_max = 5,
                                 .head_silence_max = Duration::minutes(3),
                                 .finalized_silence_max = Duration::minutes(30)};

class Pool : public ::testing::Test {
 protected:
  void pass(Duration time) { now_ = after(now_, time); }
  void all_see(std::uint64_t head) {
    for (std::size_t i = 0; i < 3; ++i) pool_.saw(i, {head, 0}, now_);
  }
  std::vector<std::size_t> order() { return pool_.order(now_); }

  Moment now_ = after(Moment{}, Duration::hours(1));
  ProviderPool pool_{kSettings, 3, now_};
};

TEST_F(Pool, TheConfiguredOrderHoldsAmongEquals) {
  EXPECT_THAT(order(), ElementsAre(0, 1, 2));
  pool_.saw(2, {10, 0}, now_);
  EXPECT_THAT(order(), ElementsAre(0, 1, 2)) << "one that was never asked is as good as any";
}

TEST_F(Pool, F10_FaultsDecayAndSomeGoodAnswersInARowAreNeededToReturn) {
  all_see(10);
  pool_.failed(0, FaultKind::timed_out);
  pool_.failed(0, FaultKind::timed_out);
  pool_.saw(0, {10, 0}, now_);
  pool_.failed(0, FaultKind::timed_out);
  EXPECT_EQ(pool_.state(0), ProviderState::alive) << "a success takes one fault back";
  pool_.failed(0, FaultKind::timed_out);
  EXPECT_EQ(pool_.state(0), ProviderState::unreachable) << "but it fails more often than it answers";
  EXPECT_THAT(order(), ElementsAre(1, 2, 0));
  pool_.saw(0, {10, 0}, now_);
  EXPECT_EQ(pool_.state(0), ProviderState::unreachable);
  pool_.failed(0, FaultKind::transport);
  pool_.saw(0, {10, 0}, now_);
  EXPECT_EQ(pool_.state(0), ProviderState::unreachable) << "the run of good answers was broken";
  pool_.saw(0, {10, 0}, now_);
  EXPECT_EQ(pool_.state(0), ProviderState::alive);
  EXPECT_THAT(order(), ElementsAre(0, 1, 2));
}

TEST_F(Pool, WhatOnlySlowsDownIsNoFault) {
  all_see(10);
  for (int i = 0; i < 10; ++i) {
    for (const auto kind : {FaultKind::behind, FaultKind::rate_limited, FaultKind::range_too_wide}) {
      pool_.failed(0, kind);
    }
  }
  EXPECT_EQ(pool_.state(0), ProviderState::alive);
}

TEST_F(Pool, F7_OneThatLagsByMoreThanAllowedIsAskedLast) {
  all_see(100);
  for (const std::size_t i : {1, 2}) pool_.saw(i, {105, 0}, now_);
  EXPECT_THAT(order(), ElementsAre(0, 1, 2));
  for (const std::size_t i : {1, 2}) pool_.saw(i, {106, 0}, now_);
  EXPECT_THAT(order(), ElementsAre(1, 2, 0));
  EXPECT_EQ(pool_.state(0), ProviderState::behind);
  pool_.saw(0, {106, 0}, now_);
  pool_.saw(0, {106, 0}, now_);
  EXPECT_THAT(order(), ElementsAre(0, 1, 2));
}

TEST_F(Pool, OneThatClaimsToBeFarAheadDoesNotMakeTheOthersLate) {
  all_see(100);
  pool_.saw(2, {1'000'000, 900'000}, now_);
  EXPECT_THAT(order(), ElementsAre(0, 1, 2));
  EXPECT_EQ(pool_.best_head(), 100u);
}

TEST_F(Pool, R15_SilenceIsAFaultOnlyIfAnotherGoesOn) {
  all_see(100);
  pass(Duration::minutes(10));
  all_see(100);
  EXPECT_THAT(order(), ElementsAre(0, 1, 2)) << "the chain itself stands still";
  EXPECT_EQ(pool_.head_silence(now_), Duration::minutes(10));
  for (const std::size_t i : {1, 2}) pool_.saw(i, {101, 0}, now_);
  EXPECT_THAT(order(), ElementsAre(1, 2, 0));
}

TEST_F(Pool, R15_FinalityThatStandsStillIsSeenToo) {
  for (std::size_t i = 0; i < 3; ++i) pool_.saw(i, {100, 50}, now_);
  for (int step = 1; step <= 40; ++step) {
    pass(Duration::minutes(1));
    for (std::size_t i = 0; i < 3; ++i) pool_.saw(i, {100u + step, i == 0 ? 50u : 50u + step}, now_);
  }
  EXPECT_THAT(order(), ElementsAre(1, 2, 0));
  EXPECT_EQ(pool_.finalized_silence(now_), Duration::zero());
}

TEST_F(Pool, F9_TheWrongChainIsLastAndTheLastLiveOneIsNeverDropped) {
  all_see(10);
  pool_.failed(0, FaultKind::wrong_chain);
  pool_.failed(1, FaultKind::inconsistent);
  EXPECT_THAT(order(), ElementsAre(2, 1, 0));
  for (int i = 0; i < 10; ++i) pool_.failed(2, FaultKind::transport);
  EXPECT_THAT(order(), ElementsAre(2, 1, 0)) << "all are still there, the least bad one first";
  pool_.saw(0, {10, 0}, now_);
  pool_.saw(0, {10, 0}, now_);
  EXPECT_THAT(order(), ElementsAre(0, 2, 1));
}

TEST(RequestBudget, LetsABurstThroughAndThenItsRate) {
  const Moment start = after(Moment{}, Duration::hours(1));
  RequestBudget budget(10, 5);
  EXPECT_EQ(budget.take(5, start), start);
  EXPECT_EQ(budget.take(1, start), after(start, Duration::milliseconds(100)));
  EXPECT_EQ(budget.take(2, start), after(start, Duration::milliseconds(300)));
  const Moment later = after(start, Duration::seconds(10));
  EXPECT_EQ(budget.take(5, later), later) << "no more than the burst is saved up";
  EXPECT_GT(budget.take(1, later), later);
}

TEST(RequestBudget, OverAnyTimeItIsNeverExceeded) {
  const Moment start = after(Moment{}, Duration::hours(1));
  RequestBudget budget(7, 20);
  Moment last = start;
  std::size_t sent = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::size_t count = 1 + static_cast<std::size_t>(i * 7 % 13);
    last = std::max(last, budget.take(count, last));
    sent += count;
    const double seconds = std::chrono::duration<double>(last - start).count();
    ASSERT_LE(static_cast<double>(sent), 20 + 7 * seconds + 1e-6);
  }
}

TEST(RequestBudget, ZeroIsNoLimit) {
  const Moment start = after(Moment{}, Duration::hours(1));
  RequestBudget budget(0, 1);
  EXPECT_EQ(budget.take(1'000'000, start), start);
}

}  // namespace
}  // namespace homeostat::sources
