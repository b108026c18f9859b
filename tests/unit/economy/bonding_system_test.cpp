#include "economy/bonding/system.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "core/archive.hpp"
#include "economy/bonding/governed.hpp"

namespace homeostat::economy::bonding {
namespace {

using List = std::vector<double>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

SystemSettings plain() {
  SystemSettings s;
  s.weights = {0.4, 0.3, 0.3};
  s.calibration_prices = {2000, 1, 1};
  return s;
}
template <class T>
Result<> outcome(const Result<T>& result) {
  return result ? Result<>{} : Result<>{tl::make_unexpected(result.error())};
}
/// 100,000 USD at the targets, 99,700 tokens.
System seeded(const SystemSettings& settings = plain()) {
  System s = *System::make(settings);
  EXPECT_TRUE(s.deposit(List{20, 30'000, 30'000}));
  return s;
}
/// `ratio` USD behind each of a million tokens.
System backed(double ratio, const SystemSettings& settings = plain()) {
  System s = *System::make(settings);
  SystemState state = s.state();
  state.balances = Values(List{200 * ratio, 3e5 * ratio, 3e5 * ratio});
  state.supply = 1e6;
  EXPECT_TRUE(s.restore(state));
  return s;
}

TEST(BondingSystem, TheFirstDepositMintsItsNetValueAtPar) {
  const System s = seeded();
  EXPECT_NEAR(s.state().supply, 99'700, 1e-9);
  EXPECT_NEAR(s.reserve(), 99'700, 1e-9);
  EXPECT_NEAR(s.state().treasury, 300, 1e-9);
  EXPECT_NEAR(*s.size(), 99'700, 1e-7);
  EXPECT_NEAR(s.backing(), 1, 1e-15);
}

TEST(BondingSystem, AFirstDepositMustBeNearTheTargets) {
  System s = *System::make(plain());
  EXPECT_EQ(s.deposit(List{0, 100, 0}).error().code, ErrorCode::conflict);
  EXPECT_TRUE(s.deposit_value(100));
}

TEST(BondingSystem, AFeeMayStayInTheReserveForWhoIsAlreadyThere) {
  SystemSettings settings = plain();
  settings.fee.fee_to_treasury = 0;
  const System s = seeded(settings);
  EXPECT_NEAR(s.state().supply, 99'700, 1e-9);
  EXPECT_NEAR(s.reserve(), 100'000, 1e-9);
  EXPECT_EQ(s.state().treasury, 0);
}

TEST(BondingSystem, TheGuardMintsAtParWhatTheSurfaceWouldMintForLess) {
  System with = backed(0.9);
  const auto in = *with.deposit_value(10'000);
  EXPECT_NEAR(in.minted, 9'970, 1e-9);
  EXPECT_NEAR(in.surface_mint, 9'970 / 0.9, 1e-6);
  System above = backed(1.1);  // over par the surface asks more than par
  EXPECT_NEAR(above.deposit_value(10'000)->minted, 9'970 / 1.1, 1e-6);
}

TEST(BondingSystem, ARedemptionLeavesTheReserveNearerToItsTargets) {
  System s = seeded();
  ASSERT_TRUE(s.deposit(List{0, 10'000, 0}));
  const auto out = *s.redeem(5'000);
  EXPECT_GT(out.parts[1], 4'000);
  EXPECT_NEAR(out.paid, 5'000, 1e-9);
  EXPECT_NEAR(s.state().flow, 5'000, 1e-9);
  EXPECT_NEAR(s.state().level, 5'000, 1e-9);
}

TEST(BondingSystem, EveryoneCanLeave) {
  SystemSettings settings = plain();
  settings.flow.mode = Dampening::none;
  System s = backed(0.8, settings);
  const auto out = *s.redeem(1e6);
  EXPECT_EQ(s.state().supply, 0);
  EXPECT_NEAR(out.paid, 800'000, 1e-6);
  EXPECT_TRUE(s.invariants());
  EXPECT_EQ(s.backing(), 1);
  EXPECT_TRUE(s.deposit_value(1'000));  // and others may begin again
}

TEST(BondingSystem, ABatchPaysAllTheSameForATokenThatOneByOneDoNotGet) {
  System batch = backed(0.95), queue = backed(0.95);
  const List requests(10, 50'000);
  List filled(10), paid(10);
  ASSERT_TRUE(batch.redeem_batch(requests, filled, paid));
  double sum = 0, first = 0, last = 0;
  for (int i = 0; i < 10; ++i) {
    const auto out = *queue.redeem(50'000);
    (i == 0 ? first : last) = out.paid;
    sum += out.paid;
  }
  EXPECT_DOUBLE_EQ(paid[0], paid[9]);
  EXPECT_GT(first, last);
  EXPECT_NEAR(paid[0] * 10, sum, 1e-6);
}

TEST(BondingSystem, ConfiscationBurnsWhatItDoesNotPay) {
  SystemSettings settings = plain();
  settings.flow.mode = Dampening::post;
  settings.flow.shortfall = Shortfall::confiscate;
  System s = backed(1, settings);
  const auto out = *s.redeem(500'000);
  EXPECT_EQ(out.burned, 500'000);
  EXPECT_NEAR(out.paid, 50'000, 1e-6);
  EXPECT_GT(s.backing(), 1.8);
}

TEST(BondingSystem, VaultFlowsLimitBothDirectionsAndAGuardianCanLockThem) {
  SystemSettings settings = plain();
  settings.vault_flow = VaultFlowSettings{.threshold = 0.05};
  System s = backed(1, settings);
  EXPECT_EQ(s.deposit(List{0, 100'000, 0}).error().where, "vault[1]");
  EXPECT_TRUE(s.deposit(List{0, 50'000, 0}));
  EXPECT_TRUE(s.redeem(20'000));
  ASSERT_TRUE(s.lock_vault(0, 1));
  ASSERT_TRUE(s.lock_vault(1, 1));
  ASSERT_TRUE(s.lock_vault(2, 1));
  EXPECT_EQ(s.redeem(1'000).error().code, ErrorCode::resource_exhausted);
  ASSERT_TRUE(s.advance(2));
  EXPECT_TRUE(s.redeem(1'000));
  EXPECT_EQ(seeded().lock_vault(0, 1).error().code, ErrorCode::unsupported);
}

TEST(BondingSystem, AMintIsRefusedWhileAStableAssetIsOffItsPeg) {
  SystemSettings settings = plain();
  settings.pegs = {{}, {0.95, 1.05}, {0.95, 1.05}};
  System s = seeded(settings);
  ASSERT_TRUE(s.set_prices(List{2000, 0.9, 1}));
  EXPECT_EQ(s.deposit(List{0.2, 400, 300}).error().code, ErrorCode::conflict);
  EXPECT_TRUE(s.deposit(List{0.4, 100, 300}));  // the weight of what is off its peg falls
  EXPECT_TRUE(s.redeem(1'000));
}

TEST(BondingSystem, PricesMoveBackingAndTargetsTogether) {
  System s = seeded();
  ASSERT_TRUE(s.set_prices(List{4000, 1, 1}));
  EXPECT_NEAR(s.backing(), 1.4, 1e-12);
  EXPECT_NEAR(s.targets()[0], 0.8 / 1.4, 1e-12);
  EXPECT_NEAR(s.weights()[0], s.targets()[0], 1e-12);
}

TEST(BondingSystem, ScheduledWeightsMoveTheSurfaceWithThem) {
  System s = seeded();
  ASSERT_TRUE(s.schedule_weights(List{0.2, 0.4, 0.4}, 30));
  const double before = *s.size();
  ASSERT_TRUE(s.advance(15));
  EXPECT_NEAR(s.scheduled()[0], 0.3, 1e-12);
  EXPECT_LT(*s.size(), before);  // the reserve is no longer at the composition of most value
  ASSERT_TRUE(s.advance(20));
  EXPECT_EQ(s.scheduled()[0], 0.2);
}

TEST(BondingSystem, DriftingWeightsGoOnUntilTheirBounds) {
  System s = seeded();
  const std::vector<Drift> drifts{{.base = 0.4, .rate = -0.01, .min = 0.2, .max = 1},
                                  {.base = 0.3, .rate = 0.005, .min = 0.1, .max = 0.4},
                                  {.base = 0.3, .rate = 0.005, .min = 0.1, .max = 0.4}};
  ASSERT_TRUE(s.drift_weights(drifts));
  const double before = *s.size();
  ASSERT_TRUE(s.advance(10));
  EXPECT_NEAR(s.scheduled()[0], 0.3, 1e-12);
  EXPECT_LT(*s.size(), before);
  ASSERT_TRUE(s.advance(100));
  EXPECT_NEAR(s.scheduled()[0], 0.2, 1e-12);
  ASSERT_TRUE(s.schedule_weights(List{0.4, 0.3, 0.3}, 0));
  EXPECT_EQ(s.scheduled()[0], 0.4);
  EXPECT_EQ(s.drift_weights(std::vector<Drift>(2)).error().where, "drifts");
  EXPECT_EQ(s.drift_weights(std::vector<Drift>(3)).error().where, "drifts[0].min");
  auto bad = drifts;
  bad[1].base = 0.5;
  EXPECT_EQ(s.drift_weights(bad).error().where, "drifts[1].base");
}

TEST(BondingSystem, ASubscriptionPaysInAndItsBonusIsOwed) {
  System s = seeded();
  const double reserve = s.reserve();
  const auto out = *s.subscribe(9, Tier::patron);
  EXPECT_NEAR(out.paid, 200, 1e-9);
  EXPECT_NEAR(out.minted, 200, 1e-6);
  EXPECT_NEAR(out.owed, 20, 1e-6);
  EXPECT_NEAR(s.reserve() - reserve, 200, 1e-9);
  EXPECT_EQ(s.state().committed, 0);
  EXPECT_NEAR(s.claim(Channel::subscription, 9)->minted, 20, 1e-6);
  EXPECT_NEAR(s.state().committed, 20, 1e-6);
  EXPECT_EQ(s.subscribe(9, Tier::patron).error().code, ErrorCode::unavailable);
}

TEST(BondingSystem, StakedTokensCannotBeRedeemedAndTheirBonusIsMintedOnClaim) {
  System s = seeded();
  const auto id = *s.stake(3, 90'000, 90);
  EXPECT_EQ(s.redeem(20'000).error().where, "amount");
  EXPECT_EQ(s.stake(3, 10'000, 90).error().where, "amount");
  ASSERT_TRUE(s.advance(90));
  EXPECT_NEAR(*s.unstake(id), 90'000 * 0.05 * lock_multiplier(90), 1e-6);
  EXPECT_EQ(s.unstake(id).error().code, ErrorCode::unknown_name);
  EXPECT_EQ(s.state().staked, 0);
  const auto claim = *s.claim(Channel::staking, 3);
  EXPECT_GT(claim.minted, 0);
  EXPECT_LT(claim.minted, claim.owed);  // dampened; the rest stays owed
  EXPECT_TRUE(s.redeem(20'000));
}

TEST(BondingSystem, WhatIsRefusedNamesItsReasonAndChangesNothing) {
  System s = seeded();
  List two(2), three(3);
  const struct {
    Result<> result;
    const char* where;
  } table[] = {
      {outcome(s.deposit(List{-1, 0, 0})), "amounts[0]"},
      {outcome(s.deposit(List{kNan, 0, 0})), "amounts[0]"},
      {outcome(s.deposit(List{0, 0, 0})), "value of amounts"},
      {outcome(s.deposit(List{1, 1})), "amounts"},
      {outcome(s.deposit(List{})), "amounts"},
      {outcome(s.deposit(List{0, 1e300, 0})), "amounts[1]"},
      {outcome(s.deposit(List{0, 1e9, 0})), "amounts"},
      {outcome(s.deposit_value(0)), "value"},
      {outcome(s.redeem(99'701)), "amount"},
      {outcome(s.redeem(-1)), "amount"},
      {outcome(s.redeem(kNan)), "amount"},
      {outcome(s.redeem_batch(List{1, 2, 3}, two, three)), "filled"},
      {outcome(s.redeem_batch(List{99'000, 99'000}, two, two)), "sum of requests"},
      {outcome(s.redeem_batch(List{1, kNan}, two, two)), "requests[1]"},
      {s.advance(-1), "days"},
      {s.advance(1e9), "days"},
      {s.set_prices(List{1, 1, 0}), "prices[2]"},
      {s.set_prices(List{1, 1}), "prices"},
      {s.schedule_weights(List{0.5, 0.4, 0}, 1), "weights"},
      {s.schedule_weights(List{0.5, 0.5, 0}, 1), "weights[2]"},
      {s.schedule_weights(List{0.4, 0.3, 0.3}, kNan), "duration_days"},
      {s.attest(1, -1), "units"},
      {outcome(s.claim(Channel::labour, 99)), "account"},
      {outcome(s.stake(1, 0, 10)), "amount"},
      {outcome(s.stake(1, 10, 0)), "lock_days"},
      {outcome(s.unstake(5)), "stake"},
      {s.set_parameter("pamm.floor", 0.5), "pamm.floor"},
      {s.set_parameter("redemption.floor_ratio", 2), "redemption.floor_ratio"},
  };
  const std::string untouched = archive_bytes(seeded().state());
  for (const auto& row : table) {
    ASSERT_FALSE(row.result) << row.where;
    EXPECT_EQ(row.result.error().where, row.where) << row.result.error().text();
  }
  EXPECT_EQ(archive_bytes(s.state()), untouched);
}

TEST(BondingSystem, BadSettingsNameTheFieldAndItsRange) {
  const auto where = [](auto change) {
    SystemSettings s = plain();
    change(s);
    return System::make(s).error().where;
  };
  EXPECT_EQ(where([](auto& s) { s.weights = {1}; }), "weights.size");
  EXPECT_EQ(where([](auto& s) { s.weights = {0.5, 0.5, 0.5}; }), "weights");
  EXPECT_EQ(where([](auto& s) { s.weights = {0.5, 0.5, 0}; }), "weights[2]");
  EXPECT_EQ(where([](auto& s) { s.calibration_prices = {1, 1}; }), "calibration_prices");
  EXPECT_EQ(where([](auto& s) { s.calibration_prices[1] = kNan; }), "calibration_prices[1]");
  EXPECT_EQ(where([](auto& s) { s.par = 0; }), "par");
  EXPECT_EQ(where([](auto& s) { s.surface.lambda = 0.5; }), "surface.lambda");
  EXPECT_EQ(where([](auto& s) { s.pamm.floor_ratio = 2; }), "pamm.floor_ratio");
  EXPECT_EQ(where([](auto& s) { s.flow.memory = 1; }), "flow.memory");
  EXPECT_EQ(where([](auto& s) { s.safety.band = -1; }), "safety.band");
  EXPECT_EQ(where([](auto& s) { s.vault_flow = VaultFlowSettings{.lock = -1}; }), "vault_flow.lock");
  EXPECT_EQ(where([](auto& s) { s.commitment.cap = 1; }), "commitment.cap");
  EXPECT_EQ(where([](auto& s) { s.pegs = {{}}; }), "pegs");
  EXPECT_EQ(where([](auto& s) { s.pegs = {{2, 1}, {}, {}}; }), "pegs[0].floor");
}

TEST(BondingSystem, AStateThatBreaksAnInvariantIsNotRestored) {
  System s = seeded();
  const SystemState good = s.state();
  SystemState bad = good;
  bad.committed = bad.supply;
  EXPECT_EQ(s.restore(bad).error().where, "committed");
  bad = good;
  bad.balances[1] = -1;
  EXPECT_FALSE(s.restore(bad));
  bad = good;
  bad.prices = Values(2);
  EXPECT_EQ(s.restore(bad).error().where, "prices");
  EXPECT_EQ(s.state(), good);
}

TEST(GovernedParameters, EachHasAnOwnNameADefaultWithinItsRangeAndMovesWhatItNames) {
  SystemSettings settings = plain();
  settings.vault_flow = VaultFlowSettings{};
  std::set<std::string_view> names;
  std::set<DecisionGroup> groups;
  for (const GovernedParameter& p : governed_parameters()) {
    SCOPED_TRACE(p.name);
    EXPECT_TRUE(names.insert(p.name).second);
    groups.insert(p.group);
    EXPECT_EQ(p.get(settings), p.initial);
    for (const double end : {p.min, p.max}) {  // the table's range is the one that the part checks
      SystemSettings at_end = settings;
      ASSERT_TRUE(set_parameter(at_end, p.name, end));
      EXPECT_EQ(p.get(at_end), end);
      const auto ok = check(at_end);
      EXPECT_TRUE(ok) << ok.error().text();
    }
    EXPECT_EQ(set_parameter(settings, p.name, p.max + 1 + std::abs(p.max)).error().where, p.name);
    EXPECT_FALSE(p.unit.empty());
    EXPECT_FALSE(p.meaning.empty());
  }
  EXPECT_EQ(groups.size(), 6U);
  EXPECT_EQ(set_parameter(settings, "flow.treshold", 1).error().text(),
            "flow.treshold: is no governed parameter; did you mean 'flow.threshold'?");
}

TEST(GovernedParameters, AMoveWhileTheSystemRunsRevaluesWhatDependsOnIt) {
  System s = backed(0.8);
  ASSERT_TRUE(s.deposit(List{10, 0, 0}));
  const double size = *s.size(), supply = s.state().supply, reserve = s.reserve();
  ASSERT_TRUE(s.set_parameter("surface.lambda", 40));
  EXPECT_GT(*s.size(), size);  // flatter: the same balances count for more
  ASSERT_TRUE(s.set_parameter("redemption.floor_ratio", 0.9));
  EXPECT_NEAR(s.rate(), s.backing(), 1e-12);  // below the floor: shared
  ASSERT_TRUE(s.set_parameter("surface.par", 0.5));
  EXPECT_GT(s.backing(), 1.5);
  EXPECT_EQ(s.rate(), 1);
  EXPECT_EQ(s.state().supply, supply);
  EXPECT_EQ(s.reserve(), reserve);
}

TEST(GovernedParameters, ACapBelowWhatIsCommittedIsRefused) {
  System s = seeded();
  ASSERT_TRUE(s.attest(1, 100));
  ASSERT_TRUE(s.claim(Channel::labour, 1));
  EXPECT_EQ(s.set_parameter("commitment.cap", 0.001).error().where, "commitment.cap");
  EXPECT_TRUE(s.set_parameter("commitment.cap", 0.01));
}

}  // namespace
}  // namespace homeostat::economy::bonding
