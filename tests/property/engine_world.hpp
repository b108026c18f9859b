// What the properties of the whole engine share: a world of readings, guardians, executors and a clock around an engine
// of a random policy.
#pragma once

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/codec.hpp"
#include "engine_any_policy.hpp"

namespace homeostat::engine {

constexpr int kTicks = 150;
inline const Instant kStart = Instant::from_unix_seconds(1'700'000'000);

/// What an adjustment asks of one parameter: of a bundle's there are several.
struct Part {
  std::uint64_t id = 0;
  std::string parameter;
  Decimal value, previous;
  Act act;
};
inline std::vector<Part> parts_of(const Adjustment& adjustment) {
  if (adjustment.members.empty()) {
    return {{adjustment.id, adjustment.parameter.str(), adjustment.value, adjustment.previous, adjustment.act}};
  }
  std::vector<Part> parts;
  for (const auto& m : adjustment.members) parts.push_back({m.id, m.parameter.str(), m.value, m.previous, m.act});
  return parts;
}

/// What waits, or waited, for a guardian's release.
struct Approval {
  Instant ends;
  std::vector<std::uint64_t> group;  ///< all that go with it
  bool is_released = false;
};

/// The engine and what surrounds it. Every input goes through `apply` here, and what is known from outside about
/// orders and answers is kept beside it.
struct World {
  explicit World(std::uint64_t seed, const Wish& wish = {}) : random(seed), engine(shared(any_policy(random, wish))) {}

  [[nodiscard]] Instant now() const { return kStart + Duration::seconds(now_s); }
  [[nodiscard]] Tick next_tick() const {
    return {static_cast<std::uint64_t>(now().ns / 1'000'000'000 / kPeriodS), now()};
  }

  Effects apply(Input input) {
    if (is_journaled) journal.push_back(encode(input));
    return engine.apply(input);
  }
  /// A tick; what it puts before a guardian is kept.
  Effects tick() {
    Effects effects = apply(next_tick());
    for (const auto& record : effects.records) note_approval(record, effects.records);
    return effects;
  }
  /// A decision waits for a release exactly if it, or one that goes with it, moves a parameter by more than may be
  /// moved without.
  void note_approval(const DecisionRecord& record, const std::vector<DecisionRecord>& all) {
    Approval approval{record.at, record.group, false};
    for (const auto& other : all) {
      const bool is_with = std::find(record.group.begin(), record.group.end(), other.id) != record.group.end();
      const auto& p = settings_of(other.parameter.str());
      const bool is_large = p.approve_above && (other.value - other.previous).abs() > *p.approve_above;
      if ((is_with || other.id == record.id) && is_large && !other.overridden) {
        approval.ends = std::max(approval.ends, record.at + p.approval_max);
      }
    }
    const bool waits = record.value != record.previous && approval.ends > record.at;
    RC_ASSERT((record.outcome == Outcome::awaiting_approval) == waits);
    if (!waits) return;
    if (approval.group.empty()) approval.group = {record.id};
    approvals[record.id] = approval;
  }
  /// Guardians release some, some of them too late; who is too late is told so.
  void release_some() {
    for (const auto& [id, approval] : approvals) {
      if (approval.is_released || approval.ends + Duration::seconds(100) < now() || !random.chance(0.3)) continue;
      GuardianCommand command{"alice", "as voted", now() - some_seconds(random, 0, kPeriodS - 1), CommandKind::release};
      command.id = id;
      if (!apply(command).outcome.accepted) continue;
      RC_ASSERT(command.at < approval.ends);
      for (const std::uint64_t each : approval.group) approvals.at(each).is_released = true;
    }
  }
  void samples() {
    for (const char* metric : {"x", "y"}) {
      double& level = levels[metric];
      level = std::clamp(level + random.uniform(-8, 8), 1.0, 99.0);
      if (random.chance(0.2) || silent_until_s[metric] > now_s) continue;
      if (random.chance(0.03)) silent_until_s[metric] = now_s + within(random, 20, 100);
      const double value = random.chance(0.03) ? random.uniform(1, 99) : level;
      (void)apply(oracle::SampleBatch{"feed", ++sequence, now(), {metric}, {{0, now(), value}}});
    }
  }
  Effects order(CommandKind kind, const std::string& target, std::int64_t until_s = 0,
                std::optional<Decimal> value = std::nullopt) {
    GuardianCommand command{"alice", "drill", now(), kind, target, value};
    if (until_s > 0) command.until = kStart + Duration::seconds(until_s);
    return apply(command);
  }
  /// `values` by the order of parts_of; none = as asked.
  Effects answer(const Adjustment& adjustment, bool applied, std::vector<Decimal> values = {}) {
    const auto parts = parts_of(adjustment);
    for (std::size_t i = values.size(); i < parts.size(); ++i) values.push_back(parts[i].value);
    ActuatorReport report{adjustment.id, "executor", now(), applied, values.front(), "", {}};
    for (std::size_t i = 0; applied && !adjustment.members.empty() && i < parts.size(); ++i) {
      report.members.push_back({parts[i].parameter, values[i]});
    }
    return apply(report);
  }
  [[nodiscard]] const guardian::ParameterSettings& settings_of(const std::string& name) const {
    const auto& all = engine.policy().guardian.parameters;
    return *std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.name == name; });
  }
  [[nodiscard]] const controller::LoopSettings& loop_of(const std::string& name) const {
    const auto& loops = engine.policy().loops;
    return *std::find_if(loops.begin(), loops.end(), [&](const auto& l) { return l.name == name; });
  }
  [[nodiscard]] Decimal applied(const std::string& name) const {
    const auto all = engine.view().parameters;
    return std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.name == name; })->value;
  }
  std::string any_parameter_name() {
    const auto& all = engine.policy().guardian.parameters;
    return all[random.below(all.size())].name;
  }
  Decimal any_value(const std::string& parameter) {
    const auto& p = settings_of(parameter);
    const std::int64_t quantum = static_cast<std::int64_t>(p.quantum.units());
    const auto steps = static_cast<std::int64_t>((p.max - p.min).units()) / quantum;
    return p.min + units(within(random, 0, steps) * quantum);
  }
  /// The next slot; now and then some are missed.
  void advance() { now_s += kPeriodS * (random.chance(0.05) ? within(random, 2, 12) : 1); }

  Random random;
  std::int64_t now_s = 0;
  std::map<std::string, double> levels{{"x", 50}, {"y", 50}};
  std::map<std::string, std::int64_t> silent_until_s;
  std::uint64_t sequence = 0;
  std::map<std::string, bool> by_emergency;     ///< by loop, after settle(): gains of its last step not given back
  std::map<std::uint64_t, Approval> approvals;  ///< by decision
  bool is_journaled = false;
  std::vector<std::string> journal;
  Engine engine;
};

}  // namespace homeostat::engine
