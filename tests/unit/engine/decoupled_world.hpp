// Two loops that fight: each one's parameter moves the other one's metric too, as much as its own.
#pragma once

#include <array>
#include <cmath>
#include <deque>

#include "core/math.hpp"
#include "world.hpp"

namespace homeostat::engine {

// PV per %: the fee lowers velocity and raises activity, the reward raises both.
inline constexpr double kGain[2][2] = {{-4, 3}, {0.13, 0.1}};
inline constexpr double kLag_s = 60;
inline constexpr std::size_t kDelayTicks = 2;

inline Policy fighting() {
  Policy policy = small_policy();
  policy.oracle.metrics = {sample_metric("velocity", -1000, 1000), sample_metric("activity", -10, 10)};
  for (auto& p : policy.guardian.parameters) {
    p.change.absolute.reset();
    p.quantum = dec("0.01");
  }
  // Each tuned for its own parameter and metric: a loop gain of 2 behind a lag of a minute and a delay of 20 s.
  policy.loops[0].pid.gains = {0.5, 0.5 / 60, 0};
  policy.loops[1].pid.gains = {20, 20.0 / 60, 0};
  for (auto& loop : policy.loops) loop.pid.output_min = -(loop.pid.output_max = 10);
  return policy;
}

inline Policy decoupled() {
  Policy policy = fighting();
  policy.decouplings = {{"pair", {"cool_velocity", "wake_activity"}, true, {-4, 3, 0.13, 0.1}}};
  return policy;
}

/// Steps the plant with the world: what the executor applied moves both metrics.
struct Plant {
  explicit Plant(const Policy& policy) : world(policy) {
    EXPECT_TRUE(check(policy).empty()) << check(policy)[0].text();
  }

  void tick() {
    const std::array<double, 2> moved{world.value("fee").to_double() - 2.5, world.value("reward").to_double() - 2.5};
    delayed.push_back(moved);
    if (delayed.size() > kDelayTicks + 1) delayed.pop_front();
    const auto& seen = delayed.size() > kDelayTicks ? delayed.front() : rest;
    const double share = 1 - math::exp(-10 / kLag_s);
    for (int i = 0; i < 2; ++i) {
      deviation[i] += share * (kGain[i][0] * seen[0] + kGain[i][1] * seen[1] - deviation[i]);
    }
    pv = {10 + load[0] + deviation[0], 0.5 + load[1] + deviation[1]};
    if (sees[0]) world.sees("velocity", pv[0]);
    if (sees[1]) world.sees("activity", pv[1]);
    world.tick(now_s);
    now_s += 10;
  }
  void ticks(int n) {
    for (int i = 0; i < n; ++i) tick();
  }
  /// How far the metrics still swing over the next n ticks.
  std::array<double, 2> swing(int n) {
    std::array<double, 2> low{1e9, 1e9}, high{-1e9, -1e9};
    for (int i = 0; i < n; ++i) {
      tick();
      for (int m = 0; m < 2; ++m) low[m] = std::min(low[m], pv[m]), high[m] = std::max(high[m], pv[m]);
    }
    return {high[0] - low[0], high[1] - low[1]};
  }
  const LoopTerms& terms(const std::string& parameter, std::size_t i = 0) { return world.record(parameter).loops[i]; }

  World world;
  std::array<double, 2> load{}, deviation{}, pv{};
  const std::array<double, 2> rest{};
  std::deque<std::array<double, 2>> delayed;
  std::array<bool, 2> sees{true, true};
  std::int64_t now_s = 0;
};

/// The fee is overridden and will be handed back at the next tick; the reward may move by 0.05 % at a time, and its
/// loop asks for some % more since the last one.
struct BeforeAHandBack {
  static Policy policy() {
    Policy policy = decoupled();
    policy.guardian.parameters[1].change.absolute = dec("0.05");
    return policy;
  }
  explicit BeforeAHandBack(const Policy& of = policy()) : plant(of) {
    plant.ticks(20);
    plant.world.override_value("fee", "4.00", plant.now_s + 95);
    plant.ticks(9);
    plant.load = {0, -0.3};
    plant.tick();
    EXPECT_TRUE(plant.world.record("fee").overridden);
    EXPECT_GT(plant.world.record("reward").proposed, plant.world.value("reward").to_double() + 1);
  }
  double proposed(const std::string& parameter) { return plant.world.record(parameter).proposed; }
  Plant plant;
};

}  // namespace homeostat::engine
