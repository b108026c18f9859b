// The composed system through the scenarios of myco_scenarios.json, every value at 1e-9.
#include "economy/bonding/scenarios.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/golden/vector_file.hpp"

namespace homeostat::economy::bonding {
namespace {

using golden::number;
using golden::numbers;
namespace json = boost::json;

constexpr double kTolerance = 1e-9;

const json::value& vectors() {
  static const json::value document = golden::read_vectors("myco_scenarios.json");
  return document;
}

/// The defaults that the vectors state: what is a default here, too, must be the same.
SystemSettings stated_settings() {
  SystemSettings s = scenario_settings();
  const auto& d = vectors().at("defaults").as_object();
  s.weights = numbers(d.at("weights"));
  s.calibration_prices = numbers(d.at("prices"));
  EXPECT_EQ(s.surface.lambda, number(d, "lam"));
  EXPECT_EQ(s.safety.band, number(d, "eps"));
  EXPECT_EQ(s.par, number(d, "par"));
  EXPECT_EQ(s.fee.static_fee, number(d, "static"));
  EXPECT_EQ(s.fee.surge_fee, number(d, "surge"));
  EXPECT_EQ(s.fee.threshold, number(d, "thr"));
  EXPECT_EQ(s.fee.fee_to_treasury, number(d, "fee_to_treasury"));
  EXPECT_EQ(s.pamm.slope_min, number(d, "alpha_bar"));
  EXPECT_EQ(s.pamm.par_share_max, number(d, "xu_bar"));
  EXPECT_EQ(s.pamm.floor_ratio, number(d, "theta_bar"));
  EXPECT_EQ(s.pamm.level_memory, number(d, "memory_per_day"));
  EXPECT_EQ(s.flow.memory, number(d, "memory_per_day"));
  EXPECT_EQ(s.flow.threshold, number(d, "flow_threshold"));
  EXPECT_EQ(s.commitment.cap, number(d, "cap"));
  EXPECT_EQ(s.has_mint_guard, d.at("mint_guard").as_bool());
  return s;
}

void expect_near(double x, double expected, const char* what) {
  EXPECT_NEAR(x, expected, kTolerance * std::max(1.0, std::abs(expected))) << what;
}

void expect_moment(const Moment& m, const json::object& snap) {
  SCOPED_TRACE("day " + std::to_string(number(snap, "t")));
  expect_near(m.supply, number(snap, "supply"), "supply");
  expect_near(m.committed, number(snap, "commitment"), "commitment");
  expect_near(m.reserve, number(snap, "reserve"), "reserve");
  expect_near(m.size, number(snap, "r"), "r");
  expect_near(m.backing, number(snap, "backing"), "backing");
  expect_near(m.flow, number(snap, "flow"), "flow");
  expect_near(m.level, number(snap, "level"), "level");
  expect_near(m.treasury, number(snap, "treasury"), "treasury");
  expect_near(m.redeemed, number(snap, "redeemed"), "redeemed");
  const auto weights = numbers(snap.at("weights"));
  for (std::size_t i = 0; i < weights.size(); ++i) expect_near(m.weights[i], weights[i], "weight");
  if (!snap.contains("rate")) return;
  expect_near(m.rate, number(snap, "rate"), "rate");
  expect_near(m.penalty, number(snap, "penalty"), "penalty");
  expect_near(m.paid_first, number(snap, "paid_first10"), "first ten");
  expect_near(m.paid_last, number(snap, "paid_last10"), "last ten");
}

void expect_moments(const Result<std::vector<Moment>>& run, const json::value& snaps, std::size_t expected) {
  ASSERT_TRUE(run) << run.error().text();
  std::size_t seen = 0;
  for (const auto& snap : snaps.as_array()) {
    for (const Moment& m : *run) {
      if (m.day != number(snap.as_object(), "t")) continue;
      ++seen;
      expect_moment(m, snap.as_object());
    }
  }
  EXPECT_EQ(seen, expected);
}

TEST(BondingScenarios, TokenLaunch) {
  expect_moments(token_launch(stated_settings()), vectors().at("token_launch"), 6);
}

TEST(BondingScenarios, BankRun) {
  const json::value& snaps = vectors().at("bank_run");
  SystemSettings s = stated_settings();
  expect_moments(bank_run(s, 950'000, false), snaps.at("integral"), 5);
  expect_moments(bank_run(s, 950'000, true), snaps.at("integral_batch"), 5);
  expect_moments(bank_run(s, 1'050'000, false), snaps.at("integral_ba_1_05"), 5);
  expect_moments(bank_run(s, 500'000, false), snaps.at("integral_ba_0_50"), 5);
  s.flow.mode = Dampening::pre;
  expect_moments(bank_run(s, 950'000, false), snaps.at("throttle_pre"), 5);
  s.flow.shortfall = Shortfall::confiscate;
  expect_moments(bank_run(s, 950'000, false), snaps.at("haircut_pre"), 5);
  s.flow.shortfall = Shortfall::keep;
  s.flow.mode = Dampening::post;
  expect_moments(bank_run(s, 950'000, false), snaps.at("throttle_post"), 5);
  s.flow.mode = Dampening::none;
  expect_moments(bank_run(s, 950'000, false), snaps.at("no_dampening"), 5);
}

TEST(BondingScenarios, DampeningKeepsAReserveThroughARunAndNothingElseDoes) {
  SystemSettings s = stated_settings();
  EXPECT_GT(bank_run(s, 950'000, false)->back().reserve, 0.4 * 950'000);
  double backing = 0;
  const auto above = bank_run(s, 1'050'000, false), half = bank_run(s, 500'000, false);
  for (const Moment& m : *above) {
    EXPECT_GE(m.backing, 1);  // over par a redemption leaves more behind every token
    EXPECT_GE(m.backing, backing - 1e-12);
    backing = m.backing;
  }
  for (const Moment& m : *half) EXPECT_NEAR(m.backing, 0.5, 1e-12);  // shared, not drained
  s.flow.mode = Dampening::none;
  EXPECT_LT(bank_run(s, 950'000, false)->back().reserve, 0.05 * 950'000);
}

TEST(BondingScenarios, MixedIssuance) {
  const auto run = mixed_issuance(stated_settings());
  expect_moments(run, vectors().at("mixed_issuance").at("snaps"), 5);
  expect_near(run->back().committed, number(vectors().at("mixed_issuance").as_object(), "labor_minted"), "labour");
}

TEST(BondingScenarios, TheMintGuardClosesTheArbitrage) {
  for (const bool has_guard : {false, true}) {
    SystemSettings s = stated_settings();
    s.has_mint_guard = has_guard;
    const auto& expected = vectors().at("arbitrage").at(has_guard ? "guard_on" : "guard_off").as_object();
    const auto trip = round_trip(s);
    ASSERT_TRUE(trip) << trip.error().text();
    expect_near(trip->paid_in, number(expected, "paid_in"), "paid in");
    expect_near(trip->minted, number(expected, "minted"), "minted");
    expect_near(trip->redeemed, number(expected, "redeemed_usd"), "redeemed");
    expect_near(trip->profit, number(expected, "profit"), "profit");
  }
}

TEST(BondingScenarios, TheLabourChannelOfTwoAccounts) {
  const auto run = labour_channel(stated_settings());
  ASSERT_TRUE(run) << run.error().text();
  const auto& rows = vectors().at("labor_channel").as_array();
  ASSERT_EQ(run->size(), rows.size());
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const auto& row = rows[n].as_object();
    const LabourDay& day = (*run)[n];
    SCOPED_TRACE("day " + std::to_string(n));
    expect_near(day.first, number(row, "a"), "a");
    expect_near(day.second, number(row, "b"), "b");
    expect_near(day.supply, number(row, "supply"), "supply");
    expect_near(day.committed, number(row, "commitment"), "commitment");
    expect_near(day.flow, number(row, "flow"), "flow");
  }
}

}  // namespace
}  // namespace homeostat::economy::bonding
