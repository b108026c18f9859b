// What the properties of the whole engine share: random policies that use every part of it, and a world of readings,
// guardians, executors and a clock around an engine of such a policy.
#pragma once

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/law.hpp"
#include "core/random.hpp"
#include "engine/engine.hpp"

namespace homeostat::engine {

constexpr std::int64_t kPeriodS = 10;
constexpr int kTicks = 150;
inline const Instant kStart = Instant::from_unix_seconds(1'700'000'000);

inline std::int64_t within(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}
inline Duration some_seconds(Random& random, std::int64_t low, std::int64_t high) {
  return Duration::seconds(within(random, low, high));
}

inline oracle::MetricSettings any_metric(Random& random, const std::string& name) {
  oracle::MetricSettings m;
  m.name = name;
  m.min = 0;
  m.max = 100;
  m.origin = oracle::SampleOrigin{{"feed"}, 1};
  m.staleness_max = Duration::seconds(30);
  if (random.chance(0.3)) {
    m.rate_of_change = oracle::RateOfChange{random.uniform(0.2, 1), Duration::seconds(20), Duration::seconds(30)};
  }
  return m;
}

constexpr int kDecimals = 3;
inline Decimal units(std::int64_t n) {
  return Decimal(n, kDecimals);
}

inline guardian::ChangeLimit any_change(Random& random, std::int64_t quantum) {
  guardian::ChangeLimit change;
  if (random.chance(0.6)) change.absolute = units(quantum * within(random, 1, 40) + within(random, 0, quantum - 1));
  if (random.chance(0.4)) change.relative = random.uniform(0.001, 0.5);
  if (change.relative && random.chance(0.5)) change.floor = units(within(random, 1, 5 * quantum));
  return change;
}

inline guardian::ParameterSettings any_parameter(Random& random, const std::string& name) {
  guardian::ParameterSettings p;
  p.name = name;
  p.decimals = kDecimals;
  const std::int64_t quantum = within(random, 1, 60);
  const std::int64_t low = within(random, -60, 60);
  const std::int64_t high = low + within(random, 1, 200);
  p.quantum = units(quantum);
  p.min = units(low * quantum);
  p.max = units(high * quantum);
  p.initial = units(within(random, low, high) * quantum);
  p.change = any_change(random, quantum);
  if (random.chance(0.7)) p.cooldown_up = some_seconds(random, 1, 200);
  if (random.chance(0.7)) p.cooldown_down = some_seconds(random, 1, 200);
  if (random.chance(0.5)) {
    p.drift = guardian::DriftBudget{units(quantum * within(random, 1, 60)), some_seconds(random, 10, 600)};
  }
  if (random.chance(0.5)) {
    p.emergency = guardian::EmergencyLimits{any_change(random, quantum), some_seconds(random, 0, 60),
                                            some_seconds(random, 0, 60)};
  }
  if (random.chance(0.3)) p.derisking = random.chance(0.5) ? guardian::Direction::up : guardian::Direction::down;
  if (random.chance(0.4)) {
    p.flaps = guardian::FlapBudget{static_cast<std::uint32_t>(within(random, 1, 4)), some_seconds(random, 10, 600)};
  }
  p.restricted = random.chance(0.05);
  while (random.chance(0.25)) {
    const std::int64_t from = within(random, (low - 2) * quantum, (high + 2) * quantum);
    p.restricted_values.push_back({units(from), units(from + within(random, 0, 6 * quantum))});
  }
  p.arbitration = static_cast<guardian::Arbitration>(random.below(5));
  p.expiry = some_seconds(random, 15, 120);
  p.ack_timeout = some_seconds(random, 5, 60);
  if (random.chance(0.3)) p.veto_window = some_seconds(random, 1, 60);
  return p;
}

inline controller::Gains any_gains(Random& random, double integral_min_per_s) {
  return {random.uniform(0, 0.05), random.uniform(integral_min_per_s, 0.005),
          random.chance(0.3) ? random.uniform(0, 0.2) : 0};
}

/// Any of the laws other than pid; what of its settings cannot hold for a parameter (a fee below 0) must be held.
inline std::shared_ptr<const controller::LawSettings> any_law(Random& random) {
  using namespace controller;
  LawSettings law;
  if (random.chance(0.5)) law.hand_back_half_life = some_seconds(random, 1, 500);
  const Duration every = random.chance(0.5) ? some_seconds(random, 1, 60) : Duration::zero();
  switch (random.below(7)) {
    case 0: {
      RaiPiLaw rai{.per = some_seconds(random, 1, 100), .units_per_ratio = 100};
      rai.settings.variant = static_cast<rai::Variant>(random.below(8));
      rai.settings.kp = wad() / within(random, 10, 100'000);
      if (random.chance(0.7)) rai.settings.ki = wad() / within(random, 10, 1'000'000);
      if (random.chance(0.5)) rai.settings.leak = ray() - ray() / within(random, 10, 100'000);
      if (random.chance(0.3)) rai.settings.noise_barrier = wad() - wad() / within(random, 2, 1000);
      if (random.chance(0.5)) rai.redemption_price = "y";
      law.choice = rai;
      break;
    }
    case 1: law.choice = MultiplicativeLaw{{Int(within(random, 1, 10)), Int(within(random, 1, 100))}, every}; break;
    case 2: law.choice = BlobFeeLaw{random.uniform(0.001, 5), random.uniform(1, 1000), every}; break;
    case 3:
      law.choice = SigmoidLaw{{wad() / 100, wad() * within(random, 0, 9), wad() * within(random, 0, 9),
                               wad() / within(random, 1, 20), -wad() / within(random, 1, 20)},
                              every};
      break;
    case 4: law.choice = RatioLaw{ratio::defaults(0, 1000)}; break;
    case 5: law.choice = SemilogLaw{{random.uniform(0.01, 1), random.uniform(1.1, 10)}, random.uniform(1, 100)}; break;
    default: {
      ExponentialLaw x{
          {.rate_0 = random.uniform(0, 2), .rate_cap = random.uniform(2, 10), .sigma = 10}, "", "", "", {}};
      if (random.chance(0.5)) x.keepers_share = "y";
      if (random.chance(0.5)) x.debt = x.debt_ceiling = "y";
      law.choice = x;
    }
  }
  return std::make_shared<const LawSettings>(std::move(law));
}

/// What a property asks of a policy's loops and parameters beside being anything at all.
struct Wish {
  double integral_min_per_s = 0;  ///< of every loop: a loop without integral action has nowhere to keep an offset
  bool any_laws = true;           ///< also others than pid
  bool cascades = true;
  bool schedules = true;
};

/// A loop whose own limits never bite, so that what it says is what its law says.
inline controller::LoopSettings any_loop(Random& random, std::size_t index, const Wish& wish) {
  controller::LoopSettings l;
  l.name = "loop" + std::to_string(index);
  l.metric = random.chance(0.5) ? "x" : "y";
  l.parameter = index == 0 || random.chance(0.4) ? "one" : "two";
  l.setpoint = random.uniform(20, 80);
  l.pid.gains = any_gains(random, wish.integral_min_per_s);
  l.pid.action = random.chance(0.5) ? controller::Action::direct : controller::Action::reverse;
  l.pid.error = random.chance(0.3) ? controller::ErrorKind::relative : controller::ErrorKind::absolute;
  l.pid.deadband = random.chance(0.3) ? random.uniform(0, 5) : 0;
  l.pid.setpoint_weight = random.chance(0.5) ? 1 : random.uniform();
  if (random.chance(0.3)) l.pid.leak_half_life = some_seconds(random, 10, 1000);
  if (random.chance(0.5)) l.pid.derivative_filter = some_seconds(random, 0, 100);
  l.pid.feed_forward = random.chance(0.3) ? random.uniform(-1, 1) : 0;
  l.pid.output_min = -1e6;
  l.pid.output_max = 1e6;
  if (wish.schedules && random.chance(0.3)) {
    l.schedule = controller::GainSchedule{random.chance(0.5) ? "x" : "y", {}};
    double x = random.uniform(0, 30);
    for (int i = 0; i < 2 || (i < 5 && random.chance(0.5)); ++i, x += random.uniform(1, 30)) {
      l.schedule->points.push_back({x, random.uniform(0.1, 4)});
    }
  }
  if (random.chance(0.3)) l.emergency = any_gains(random, wish.integral_min_per_s);
  if (random.chance(0.3)) l.emergency_above = random.uniform(85, 99);
  l.emergency_clear_after = some_seconds(random, 0, 60);
  if (wish.any_laws && random.chance(0.35)) {
    l.law = any_law(random);
    l.pid.action = controller::action_of(*l.law);
    l.emergency.reset();
    l.schedule.reset();
  }
  return l;
}

/// A loop that moves the set-point of `inner`, by no more than its metric has room for.
inline controller::LoopSettings any_outer(Random& random, const controller::LoopSettings& inner, const Wish& wish) {
  controller::LoopSettings l = any_loop(random, 0, {.integral_min_per_s = wish.integral_min_per_s, .any_laws = false});
  l.name = "outer_of_" + inner.name;
  l.metric = inner.metric == "x" ? "y" : "x";
  l.parameter = inner.parameter;
  l.drives = inner.name;
  l.pid.output_min = -random.uniform(1, 15);
  l.pid.output_max = random.uniform(1, 15);
  return l;
}

/// Both parameters as a bundle, mostly with an invariant that now and then does not hold.
inline void bind_together(Random& random, Policy& policy) {
  guardian::ParameterSettings& one = policy.guardian.parameters[0];
  guardian::ParameterSettings& two = policy.guardian.parameters[1];
  for (auto* p : {&one, &two}) {
    p->veto_window = Duration::zero();
    p->expiry = one.expiry;
    p->ack_timeout = one.ack_timeout;
  }
  guardian::Bundle bundle{"pair", {"one", "two"}, {}};
  if (random.chance(0.8)) {
    bundle.invariants.push_back({"near", "abs(one - two) <= " + std::to_string(random.uniform(0.5, 30))});
  }
  policy.guardian.bundles.push_back(std::move(bundle));
}

inline Policy any_policy(Random& random, const Wish& wish) {
  Policy policy;
  policy.name = "any";
  policy.digest = "any";
  policy.period = Duration::seconds(kPeriodS);
  policy.oracle.sources = {{"feed", 1e6, 1e6}};
  policy.oracle.metrics = {any_metric(random, "x"), any_metric(random, "y")};
  policy.guardian.parameters = {any_parameter(random, "one"), any_parameter(random, "two")};
  for (std::size_t i = 1 + random.below(4); i-- > 0;) {
    policy.loops.push_back(any_loop(random, policy.loops.size(), wish));
  }
  for (std::size_t i = 0, n = policy.loops.size(); wish.cascades && i < n; ++i) {
    if (!random.chance(0.2)) continue;
    const auto outer = any_outer(random, policy.loops[i], wish);
    policy.loops.push_back(outer);
    if (random.chance(0.2)) policy.loops.push_back(any_outer(random, outer, wish));
  }
  if (random.chance(0.25)) bind_together(random, policy);
  return policy;
}

inline PolicyPtr shared(Policy policy) {
  const auto errors = check(policy);
  if (!errors.empty()) RC_FAIL(errors.front().text());
  return std::make_shared<const Policy>(std::move(policy));
}

/// What an adjustment asks of one parameter: of a bundle's there are several.
struct Part {
  std::uint64_t id = 0;
  std::string parameter;
  Decimal value, previous;
};
inline std::vector<Part> parts_of(const Adjustment& adjustment) {
  if (adjustment.members.empty()) {
    return {{adjustment.id, adjustment.parameter.str(), adjustment.value, adjustment.previous}};
  }
  std::vector<Part> parts;
  for (const auto& m : adjustment.members) parts.push_back({m.id, m.parameter.str(), m.value, m.previous});
  return parts;
}

/// The engine and what surrounds it. Every input goes through `apply` here, and what is known from outside about
/// orders and answers is kept beside it.
struct World {
  explicit World(std::uint64_t seed, const Wish& wish = {}) : random(seed), engine(shared(any_policy(random, wish))) {}

  [[nodiscard]] Instant now() const { return kStart + Duration::seconds(now_s); }
  [[nodiscard]] Tick next_tick() const {
    return {static_cast<std::uint64_t>(now().ns / 1'000'000'000 / kPeriodS), now()};
  }

  void samples() {
    for (const char* metric : {"x", "y"}) {
      double& level = levels[metric];
      level = std::clamp(level + random.uniform(-8, 8), 1.0, 99.0);
      if (random.chance(0.2) || silent_until_s[metric] > now_s) continue;
      if (random.chance(0.03)) silent_until_s[metric] = now_s + within(random, 20, 100);
      const double value = random.chance(0.03) ? random.uniform(1, 99) : level;
      (void)engine.apply(oracle::SampleBatch{"feed", ++sequence, now(), {metric}, {{0, now(), value}}});
    }
  }
  Effects order(CommandKind kind, const std::string& target, std::int64_t until_s = 0,
                std::optional<Decimal> value = std::nullopt) {
    GuardianCommand command{"alice", "drill", now(), kind, target, value};
    if (until_s > 0) command.until = kStart + Duration::seconds(until_s);
    return engine.apply(command);
  }
  /// `values` by the order of parts_of; none = as asked.
  Effects answer(const Adjustment& adjustment, bool applied, std::vector<Decimal> values = {}) {
    const auto parts = parts_of(adjustment);
    for (std::size_t i = values.size(); i < parts.size(); ++i) values.push_back(parts[i].value);
    ActuatorReport report{adjustment.id, "executor", now(), applied, values.front(), "", {}};
    for (std::size_t i = 0; applied && !adjustment.members.empty() && i < parts.size(); ++i) {
      report.members.push_back({parts[i].parameter, values[i]});
    }
    return engine.apply(report);
  }
  [[nodiscard]] const guardian::ParameterSettings& settings_of(const std::string& name) const {
    return engine.policy().guardian.parameters[name == "one" ? 0 : 1];
  }
  [[nodiscard]] const controller::LoopSettings& loop_of(const std::string& name) const {
    const auto& loops = engine.policy().loops;
    return *std::find_if(loops.begin(), loops.end(), [&](const auto& l) { return l.name == name; });
  }
  [[nodiscard]] Decimal applied(const std::string& name) const {
    return engine.view().parameters[name == "one" ? 0 : 1].value;
  }
  std::string any_parameter_name() { return random.chance(0.5) ? "one" : "two"; }
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
  std::map<std::string, bool> by_emergency;  ///< by loop, after settle(): gains of its last step not given back
  Engine engine;
};

}  // namespace homeostat::engine
