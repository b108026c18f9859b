// The composed system through the scenarios of myco_scenarios.json, every value at 1e-9.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "core/math.hpp"
#include "economy/bonding/system.hpp"
#include "tests/golden/vector_file.hpp"

namespace homeostat::economy::bonding {
namespace {

using golden::number;
using golden::numbers;
namespace json = boost::json;

constexpr double kTolerance = 1e-9;

const json::value& scenarios() {
  static const json::value document = golden::read_vectors("myco_scenarios.json");
  return document;
}

SystemSettings defaults() {
  SystemSettings s;
  const auto& d = scenarios().at("defaults").as_object();
  s.weights = numbers(d.at("weights"));
  s.calibration_prices = numbers(d.at("prices"));
  s.surface.lambda = number(d, "lam");
  s.safety.band = number(d, "eps");
  s.par = number(d, "par");
  s.commitment.cap = number(d, "cap");
  return s;
}

void expect_near(double x, double expected, const char* what) {
  EXPECT_NEAR(x, expected, kTolerance * std::max(1.0, std::abs(expected))) << what;
}

/// One recorded moment of a scenario.
void expect_snapshot(const System& system, const json::object& snap, double redeemed) {
  SCOPED_TRACE("day " + std::to_string(number(snap, "t")));
  const SystemState& s = system.state();
  expect_near(s.supply, number(snap, "supply"), "supply");
  expect_near(s.committed, number(snap, "commitment"), "commitment");
  expect_near(system.reserve(), number(snap, "reserve"), "reserve");
  expect_near(*system.size(), number(snap, "r"), "r");
  expect_near(system.backing(), number(snap, "backing"), "backing");
  expect_near(s.flow, number(snap, "flow"), "flow");
  expect_near(s.level, number(snap, "level"), "level");
  expect_near(s.treasury, number(snap, "treasury"), "treasury");
  expect_near(redeemed, number(snap, "redeemed"), "redeemed");
  const auto weights = numbers(snap.at("weights"));
  for (std::size_t i = 0; i < weights.size(); ++i) expect_near(system.weights()[i], weights[i], "weight");
  if (snap.contains("rate")) expect_near(system.rate(), number(snap, "rate"), "rate");
  if (snap.contains("penalty")) expect_near(system.penalty(), number(snap, "penalty"), "penalty");
  const auto ok = system.invariants();
  EXPECT_TRUE(ok) << ok.error().text();
}

const json::object* snapshot_of(const json::value& snaps, int day) {
  for (const auto& snap : snaps.as_array()) {
    if (number(snap.as_object(), "t") == day) return &snap.as_object();
  }
  return nullptr;
}

/// SplitMix64 [Steele, Lea, Flood 2014], the generator that the scenarios were drawn with.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}
  double next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_;
};

std::vector<double> at_target(const System& system, double usd) {
  std::vector<double> amounts;
  for (std::size_t i = 0; i < system.assets(); ++i) {
    amounts.push_back(usd * system.settings().weights[i] / system.state().prices[i]);
  }
  return amounts;
}

TEST(BondingScenarios, TokenLaunch) {
  System system = *System::make(defaults());
  ASSERT_TRUE(system.deposit(at_target(system, 100'000)));
  const json::value& snaps = scenarios().at("token_launch");
  expect_snapshot(system, *snapshot_of(snaps, 0), 0);
  SplitMix random(42);
  std::vector<double> held(50);
  double redeemed = 0;
  int seen = 1;
  for (int day = 0, k = 0; day <= 90; ++day) {
    if (day > 0) {
      ASSERT_TRUE(system.advance(1));
    }
    for (; k < 50 && 30 * k / 50 == day; ++k) {
      const double u1 = random.next(), u2 = random.next();
      const double usd = 100 * math::pow(50, u1);
      std::vector<double> amounts(3);
      if (u2 < 0.5) {
        amounts = at_target(system, usd);
      } else {
        const auto i = static_cast<std::size_t>((u2 - 0.5) * 6);
        amounts[i] = usd / system.state().prices[i];
      }
      const auto deposit = system.deposit(amounts);
      ASSERT_TRUE(deposit) << deposit.error().text();
      held[static_cast<std::size_t>(k)] = deposit->minted;
    }
    if (day >= 60) {
      double& holding = held[static_cast<std::size_t>((day - 60) * 50 / 31)];
      const auto out = system.redeem(holding / 2);
      ASSERT_TRUE(out) << out.error().text();
      holding -= out->burned;
      redeemed += out->paid;
    }
    const auto* snap = day == 0 ? nullptr : snapshot_of(snaps, day);
    if (snap == nullptr) continue;
    ++seen;
    expect_snapshot(system, *snap, redeemed);
  }
  EXPECT_EQ(seen, 6);
}

System bank(SystemSettings settings, double reserve) {
  System system = *System::make(settings);
  SystemState state = system.state();
  const auto balances = at_target(system, reserve);
  state.balances = Values(balances);
  state.supply = 1e6;
  const auto ok = system.restore(state);
  EXPECT_TRUE(ok) << ok.error().text();
  return system;
}

void run_on_the_bank(const std::string& name, SystemSettings settings, double reserve, bool is_batch = false) {
  SCOPED_TRACE(name);
  System system = bank(settings, reserve);
  const json::value& snaps = scenarios().at("bank_run").at(name);
  std::vector<double> held(100, 1e4), got(100), requests(100), filled(100), paid(100);
  double redeemed = 0;
  std::size_t seen = 0;
  const bool burns_all = settings.flow.shortfall == Shortfall::confiscate;
  for (int day = 0; day < 30; ++day) {
    if (day > 0) {
      ASSERT_TRUE(system.advance(1));
    }
    for (std::size_t i = 0; i < 100; ++i) requests[i] = held[i] * 0.1;
    if (is_batch) {
      ASSERT_TRUE(system.redeem_batch(requests, filled, paid));
    } else {
      for (std::size_t i = 0; i < 100; ++i) {
        const auto out = system.redeem(requests[i]);
        ASSERT_TRUE(out) << out.error().text();
        filled[i] = out->effective, paid[i] = out->paid;
      }
    }
    for (std::size_t i = 0; i < 100; ++i) {
      held[i] -= burns_all ? requests[i] : filled[i];
      got[i] += paid[i];
      redeemed += paid[i];
    }
    const auto* snap = snapshot_of(snaps, day);
    if (snap == nullptr) continue;
    ++seen;
    expect_snapshot(system, *snap, redeemed);
    double first = 0, last = 0;
    for (std::size_t i = 0; i < 10; ++i) first += got[i], last += got[90 + i];
    expect_near(first, number(*snap, "paid_first10"), "first ten");
    expect_near(last, number(*snap, "paid_last10"), "last ten");
  }
  EXPECT_EQ(seen, 5U);
  if (settings.flow.mode == Dampening::integral && reserve > 6e5) {
    EXPECT_GT(system.reserve(), 0.4 * reserve);  // dampening keeps a reserve alive
  }
}

TEST(BondingScenarios, BankRun) {
  SystemSettings s = defaults();
  run_on_the_bank("integral", s, 950'000);
  run_on_the_bank("integral_batch", s, 950'000, true);
  run_on_the_bank("integral_ba_1_05", s, 1'050'000);
  run_on_the_bank("integral_ba_0_50", s, 500'000);
  s.flow.mode = Dampening::pre;
  run_on_the_bank("throttle_pre", s, 950'000);
  s.flow.shortfall = Shortfall::confiscate;
  run_on_the_bank("haircut_pre", s, 950'000);
  s.flow.shortfall = Shortfall::keep;
  s.flow.mode = Dampening::post;
  run_on_the_bank("throttle_post", s, 950'000);
  s.flow.mode = Dampening::none;
  run_on_the_bank("no_dampening", s, 950'000);
}

TEST(BondingScenarios, MixedIssuance) {
  System system = *System::make(defaults());
  ASSERT_TRUE(system.deposit(at_target(system, 100'000)));
  const json::value& mixed = scenarios().at("mixed_issuance");
  const json::value& snaps = mixed.at("snaps");
  expect_snapshot(system, *snapshot_of(snaps, 0), 0);
  int seen = 1;
  for (int day = 1; day <= 365; ++day) {
    ASSERT_TRUE(system.advance(1));
    if (day % 30 == 0) {
      ASSERT_TRUE(system.deposit(at_target(system, 10'000)));
    }
    if (day % 7 == 0) {
      ASSERT_TRUE(system.attest(1, 100));
      ASSERT_TRUE(system.claim(Channel::labour, 1));
    }
    const auto* snap = snapshot_of(snaps, day);
    if (snap == nullptr) continue;
    ++seen;
    expect_snapshot(system, *snap, 0);
  }
  EXPECT_EQ(seen, 5);
  expect_near(system.state().channels[0].minted, number(mixed.as_object(), "labor_minted"), "labour");
}

TEST(BondingScenarios, TheMintGuardClosesTheArbitrage) {
  for (const bool has_guard : {false, true}) {
    SystemSettings s = defaults();
    s.has_mint_guard = has_guard;
    System system = bank(s, 900'000);
    const auto& expected = scenarios().at("arbitrage").at(has_guard ? "guard_on" : "guard_off").as_object();
    const auto in = *system.deposit(at_target(system, number(expected, "paid_in")));
    expect_near(in.minted, number(expected, "minted"), "minted");
    const auto out = *system.redeem(in.minted);
    expect_near(out.paid, number(expected, "redeemed_usd"), "redeemed");
    expect_near(out.paid - number(expected, "paid_in"), number(expected, "profit"), "profit");
  }
}

TEST(BondingScenarios, TheLabourChannelOfTwoAccounts) {
  System system = *System::make(defaults());
  ASSERT_TRUE(system.deposit(at_target(system, 100'000)));
  constexpr std::uint64_t kA = 1, kB = 2;
  ASSERT_TRUE(system.attest(kB, 1000));  // more than the channel mints
  int day = 0;
  for (const auto& item : scenarios().at("labor_channel").as_array()) {
    const auto& row = item.as_object();
    for (; day < number(row, "day"); ++day) ASSERT_TRUE(system.advance(1));
    if (day % 7 == 0) {
      ASSERT_TRUE(system.attest(kA, 100));
    }
    const auto a = system.claim(Channel::labour, kA), b = system.claim(Channel::labour, kB);
    SCOPED_TRACE("day " + std::to_string(day));
    expect_near(a ? a->minted : 0, number(row, "a"), "a");
    expect_near(b ? b->minted : 0, number(row, "b"), "b");
    expect_near(system.state().supply, number(row, "supply"), "supply");
    expect_near(system.state().committed, number(row, "commitment"), "commitment");
    expect_near(system.state().channels[0].flow, number(row, "flow"), "flow");
  }
}

}  // namespace
}  // namespace homeostat::economy::bonding
