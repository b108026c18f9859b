#include "economy/tokenomics/plant.hpp"

#include <bit>
#include <cmath>

#include "tests/unit/economy/tokenomics.hpp"

namespace homeostat::economy::tokenomics {
namespace {

constexpr std::uint64_t kSeed = 20260729;
constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;
constexpr int kSteps = 10'000;

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9;
  x ^= x >> 27;
  x *= 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

/// The sum of twelve 16-bit numbers by counter: near normal, exact.
double noise(std::uint64_t key, std::uint64_t step) {
  std::uint64_t sum = 0;
  for (std::uint64_t j = 0; j < 3; ++j) {
    const std::uint64_t x = mix(key + kGolden * (3 * step + j + 1));
    for (int field = 0; field < 64; field += 16) sum += (x >> field) & 0xFFFF;
  }
  return (static_cast<double>(sum) - 393'210) / 65'536;
}

struct Hash {
  std::uint64_t value = 0xcbf29ce484222325;
  void add(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    for (int i = 0; i < 64; i += 8) value = (value ^ ((bits >> i) & 0xFF)) * 0x100000001b3;
  }
};

struct Ran {
  std::uint64_t hash = 0;
  TokenState last;
  int near = 0;  ///< steps within 10 % of the target
};

Ran run(std::uint64_t index, TokenPlant plant = {}) {
  const std::uint64_t key = mix(kSeed + kGolden * (index + 1));
  Ran out;
  Hash hash;
  TokenState s;
  for (int t = 0; t < kSteps; ++t) {
    plant.demand_rest = t >= 4000 && t < 5000 ? 100'000 * 0.6 : 100'000;
    s = next(plant, s, noise(key, static_cast<std::uint64_t>(t)));
    for (const double x : {s.demand, s.velocity, s.supply, s.reserve, s.treasury, s.price, s.fee, s.integral}) {
      hash.add(x);
    }
    out.near += std::abs(s.price / 0.2 - 1) <= 0.1 ? 1 : 0;
  }
  out.hash = hash.value;
  out.last = s;
  return out;
}

TEST(TokenPlant, IsTheReferenceToTheLastBit) {
  EXPECT_EQ(mix(kSeed + kGolden), 0x8fcdeb53a0ac267d);
  EXPECT_EQ(noise(0x8fcdeb53a0ac267d, 0), -0.562835693359375);
  const Ran first = run(0);
  EXPECT_EQ(first.hash, 0x053adde71e1b0c49);
  EXPECT_EQ(run(1).hash, 0x82a0cdd5e83d7224);
  EXPECT_EQ(first.last.price, 0x1.88bf8cb4d457cp-3);
  EXPECT_EQ(first.last.integral, 0x1.9ea29d0fa0227p+4);
}

TEST(TokenPlant, TheFeesLawKeepsThePriceAndItsAbsenceDoesNot) {
  EXPECT_GT(run(0).near, 8'000);
  EXPECT_GT(run(0, {.kp = 0, .ki = 0}).last.price, 3 * 0.2);  // a bubble
}

TEST(TokenPlant, TheInstrumentsInBaseUnitsDoWhatItDoes) {
  StabilisationSettings settings{.range = {0.19, 0.21}, .pool_rate = 0.01, .supply_rate = 2e-5};
  const TokenPlant still{.issuance = 0, .burn_share = 0, .refill_rate = 0};
  const Amount unit = 1'000'000;
  const auto after = [&](double price) { return next(still, {.price = price}, 0); };
  const auto below = *stabilise(settings, 0.15, 500'000 * unit, 100'000'000 * unit);
  EXPECT_NEAR(tokens_of(below.money, 6), 500'000 - after(0.15).reserve, 1e-6);
  const auto above = *stabilise(settings, 0.25, 500'000 * unit, 100'000'000 * unit);
  EXPECT_NEAR(tokens_of(above.tokens, 6), after(0.25).supply - 1e8, 1e-6);
}

TEST(TokenPlant, IsAPlantForStrategies) {
  // Demand is 40 % down and stays there: what can the pool do for the price within four days?
  TokenPlant plant{.demand_rest = 60'000};
  const TokenState s{.demand = 60'000, .price = 0.17};
  const std::vector<Lever> levers{{"issuance", plant.issuance, 0, 1e-5, 1e-6},
                                  {"burn_share", 0.1, 0, 0.5, 0.1},
                                  {"pool_rate", 0.01, 0, 0.02, 0.005},
                                  {"supply_rate", 2e-5, 0, 1e-4, 1e-5}};
  std::vector<Objective> objectives;
  const std::pair<const char*, double> metrics[] = {
      {"demand", s.demand},     {"velocity", s.velocity}, {"supply", s.supply}, {"reserve", s.reserve},
      {"treasury", s.treasury}, {"price", s.price},       {"fee", s.fee},       {"integral", s.integral}};
  for (const auto& [name, value] : metrics) objectives.push_back({.name = name, .value = value, .weight = 0});
  for (auto& o : objectives) o.target = {-1e30, 1e30};
  objectives[5].target = {0.19, 0.21};
  objectives[5].weight = 1;
  objectives[5].scale = 0.01;
  objectives[3].hard_min = 100'000;  // and keep a reserve
  const auto best = *best_strategy({.horizon_steps = 96, .plan_steps_max = 4, .step_every = 6, .margin = 0.001}, levers,
                                   objectives, plant_of(plant));
  ASSERT_EQ(best.outcome, Outcome::change);
  EXPECT_GT(best.expected[5].with, best.expected[5].without);
  EXPECT_GE(best.expected[3].with, 100'000);
  bool has_pool = false;
  for (const auto& move : best.moves) has_pool |= move.lever == 2 && move.to > 0.01;
  EXPECT_TRUE(has_pool);
}

TEST(TokenPlant, RefusesWhatIsOutOfRange) {
  EXPECT_TRUE(check(TokenPlant{}));
  EXPECT_EQ(refused(check(TokenPlant{.demand_rate = 2})), "demand_rate");
  EXPECT_EQ(refused(check(TokenPlant{.demand_min = 0})), "demand_min");
  EXPECT_EQ(refused(check(TokenPlant{.velocity_min = kNan})), "velocity_min");
  EXPECT_EQ(refused(check(TokenPlant{.pool_rate = -1})), "pool_rate");
  EXPECT_EQ(refused(check(TokenPlant{.range = {2, 1}})), "range.low");
  EXPECT_EQ(refused(check(TokenPlant{.price_target = 0})), "price_target");
  EXPECT_EQ(refused(check(TokenPlant{.fee_rest = 0.5})), "fee_rest");
  EXPECT_EQ(refused(check(TokenPlant{.fee_min = 0.06})), "fee_min");
  EXPECT_EQ(refused(check(TokenPlant{.ki = kInfinity})), "ki");
}

}  // namespace
}  // namespace homeostat::economy::tokenomics
