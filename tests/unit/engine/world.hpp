// A small world around an engine, for scenarios that read as time passing: one feed, two metrics, two
// parameters, a period of 10 s, and an executor that answers when it is told to.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "engine/engine.hpp"

namespace homeostat::engine {

inline Decimal dec(const char* text, int decimals = 2) {
  return Decimal::parse(text, decimals).value();
}
inline const Instant kStart = Instant::from_unix_seconds(1'700'000'000);
inline Instant at(std::int64_t seconds) {
  return kStart + Duration::seconds(seconds);
}

inline oracle::MetricSettings sample_metric(const std::string& name, double min, double max) {
  oracle::MetricSettings metric;
  metric.name = name;
  metric.min = min;
  metric.max = max;
  metric.origin = oracle::SampleOrigin{{"feed"}, 1};
  metric.staleness_max = Duration::seconds(60);
  return metric;
}

inline guardian::ParameterSettings parameter(const std::string& name) {
  guardian::ParameterSettings settings;
  settings.name = name;
  settings.unit = "%";
  settings.decimals = 2;
  settings.initial = dec("2.5");
  settings.min = dec("0.5");
  settings.max = dec("5");
  settings.quantum = dec("0.05");
  settings.change.absolute = dec("0.25");
  return settings;
}

/// Velocity above its set-point raises the fee.
inline controller::LoopSettings velocity_loop() {
  controller::LoopSettings loop;
  loop.name = "cool_velocity";
  loop.metric = "velocity";
  loop.parameter = "fee";
  loop.setpoint = 10;
  loop.pid.gains = {0.5, 0.01, 0};
  loop.pid.action = controller::Action::reverse;
  loop.pid.output_min = -2;
  loop.pid.output_max = 2;
  return loop;
}

inline controller::LoopSettings activity_loop() {
  controller::LoopSettings loop;
  loop.name = "wake_activity";
  loop.metric = "activity";
  loop.parameter = "reward";
  loop.setpoint = 0.5;
  loop.pid.gains = {2, 0.02, 0};
  loop.pid.output_min = -2;
  loop.pid.output_max = 2;
  return loop;
}

inline Policy small_policy() {
  Policy policy;
  policy.name = "small";
  policy.digest = "d1";
  policy.period = Duration::seconds(10);
  policy.oracle.sources = {{"feed", 1e6, 1e6}};
  policy.oracle.metrics = {sample_metric("velocity", 0, 1000), sample_metric("activity", 0, 1)};
  policy.guardian.parameters = {parameter("fee"), parameter("reward")};
  policy.loops = {velocity_loop(), activity_loop()};
  return policy;
}

struct World {
  explicit World(Policy policy = small_policy()) : engine(std::make_shared<const Policy>(std::move(policy))) {}

  static Tick tick_at(std::int64_t seconds) {
    return {static_cast<std::uint64_t>(at(seconds).ns / 10'000'000'000), at(seconds)};
  }

  /// Feeds a value (its metric's every tick from then on, so that it never ages).
  World& sees(const std::string& metric, double value) {
    values[metric] = value;
    return *this;
  }
  World& loses(const std::string& metric) {
    values.erase(metric);
    return *this;
  }

  /// One tick at `seconds` (a multiple of 10) with fresh values; executor answers if `answers`.
  const Effects& tick(std::int64_t seconds) {
    now_s = seconds;
    for (const auto& [metric, value] : values) {
      oracle::SampleBatch batch{"feed", ++sequence, at(seconds), {metric}, {{0, at(seconds), value}}};
      const auto verdict = engine.apply(batch).verdict;
      EXPECT_EQ(verdict.accepted, 1U) << (verdict.refused.empty() ? "" : verdict.refused[0].message);
    }
    last = engine.apply(tick_at(seconds));
    if (answers) {
      for (const Adjustment& adjustment : last.adjustments) answer(adjustment.id, adjustment.value);
    }
    return last;
  }
  void ticks(std::int64_t from, std::int64_t to) {
    for (std::int64_t s = from; s <= to; s += 10) tick(s);
  }

  Effects answer(std::uint64_t id, Decimal value, std::int64_t later_s = 0) {
    return engine.apply(ActuatorReport{id, "executor", at(now_s + later_s), true, value, "0xabc"});
  }
  Effects reject(std::uint64_t id, const std::string& why = "paused on chain") {
    return engine.apply(ActuatorReport{id, "executor", at(now_s), false, Decimal{}, why});
  }
  Effects order(CommandKind kind, const std::string& target = "", std::int64_t until_s = 0) {
    GuardianCommand command;
    command.actor = "alice";
    command.reason = "drill";
    command.at = at(now_s);
    command.kind = kind;
    command.target = target;
    if (until_s != 0) command.until = at(until_s);
    return engine.apply(command);
  }
  Effects override_value(const std::string& target, const char* value, std::int64_t until_s) {
    GuardianCommand command{"alice", "drill",    at(now_s), CommandKind::override_value,
                            target,  dec(value), 0,         at(until_s)};
    return engine.apply(command);
  }

  /// The record of a parameter in the last tick.
  [[nodiscard]] const DecisionRecord& record(const std::string& name) const {
    for (const DecisionRecord& r : last.records) {
      if (r.parameter == name) return r;
    }
    ADD_FAILURE() << "no record of " << name;
    static const DecisionRecord none;
    return none;
  }
  [[nodiscard]] const DecisionRecord& fee() const { return record("fee"); }
  [[nodiscard]] Decimal value(const std::string& name) const {
    for (const ParameterView& p : engine.view().parameters) {
      if (p.name == name) return p.value;
    }
    return {};
  }
  [[nodiscard]] std::vector<guardian::Limit> fee_limits() const {
    std::vector<guardian::Limit> limits;
    for (const auto& bite : fee().limits) limits.push_back(bite.limit);
    return limits;
  }

  Engine engine;
  std::map<std::string, double> values{{"velocity", 10}, {"activity", 0.5}};
  std::uint64_t sequence = 0;
  std::int64_t now_s = 0;
  bool answers = true;  ///< the executor applies what it gets at once
  Effects last;
};

}  // namespace homeostat::engine
