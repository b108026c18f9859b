// Random policies that use every part of the engine, for its properties:
//
//   one, two            any loops, laws, cascades, schedules, arbitrations; a quarter of them a bundle
//   three, four, five   loops that fight, decoupled; some of the pairs a bundle too
//   moved               an action: the total of amounts that are distributed, minted, burned, bought back or moved
//
// Large changes of some of them wait for a guardian's release.
#pragma once

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "controller/law.hpp"
#include "core/random.hpp"
#include "engine/engine.hpp"

namespace homeostat::engine {

constexpr std::int64_t kPeriodS = 10;

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
  if (random.chance(0.1)) p.approve_above = units(within(random, 0, 20 * quantum));
  p.approval_max = some_seconds(random, 1, 150);
  return p;
}

inline guardian::Action any_action(Random& random) {
  guardian::Action action{
      .kind = guardian::ActionKind::distribute, .asset = "STREAM", .from = "pool", .to = "", .recipients = {}};
  action.kind = static_cast<guardian::ActionKind>(static_cast<std::uint64_t>(action.kind) + random.below(5));
  if (action.kind != guardian::ActionKind::distribute) return action;
  std::uint32_t left = guardian::kPartsWhole;
  while (left > 0 && random.chance(0.7)) {
    const auto parts = static_cast<std::uint32_t>(within(random, 1, left));
    action.recipients.push_back({"r" + std::to_string(action.recipients.size()), parts});
    left -= parts;
  }
  if (left > 0) action.recipients.push_back({"rest", left});
  return action;
}

/// A total that amounts are added to.
inline guardian::ParameterSettings any_total(Random& random, const std::string& name) {
  guardian::ParameterSettings p = any_parameter(random, name);
  const auto quantum = static_cast<std::int64_t>(p.quantum.units());
  p.min = units(0);
  p.initial = units(quantum * within(random, 0, 20));
  p.max = p.initial + units(quantum * within(random, 1, 1000));
  p.flaps.reset();
  for (auto* change : {&p.change, p.emergency ? &p.emergency->change : nullptr}) {
    if (change == nullptr) continue;
    change->relative.reset();
    change->floor.reset();
  }
  if (random.chance(0.6)) p.approve_above = units(within(random, 0, 20 * quantum));
  p.action = any_action(random);
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
  const Redemption redemption{random.chance(0.5) ? "y" : "", some_seconds(random, 1, 100), 100};
  switch (random.below(8)) {
    case 0: {
      RaiPiLaw rai{.settings = {}, .redemption = redemption};
      rai.settings.variant = static_cast<rai::Variant>(random.below(rai::kVariantNames.size()));
      const bool is_rai_dollar = rai.settings.variant == rai::Variant::rai_dollar;
      rai.settings.kp = wad() / within(random, 10, 100'000);
      if (random.chance(0.7)) rai.settings.ki = wad() / within(random, 10, 1'000'000);
      if (random.chance(0.5)) rai.settings.leak = ray() - ray() / within(random, 10, 100'000);
      if (is_rai_dollar) {
        rai.settings.bias = ray() / within(random, 10, 1000);
        rai.settings.upper = ray() / within(random, 1, 10);
      } else if (random.chance(0.3)) {
        rai.settings.noise_barrier = wad() - wad() / within(random, 2, 1000);
      }
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
    case 6: law.choice = DirectRateLaw{wad() / within(random, 1000, 10'000'000), redemption, every}; break;
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

/// A share of what is above a reserve.
inline controller::LoopSettings any_payout(Random& random, const std::string& parameter) {
  controller::LoopSettings l;
  l.name = "pays";
  l.metric = random.chance(0.5) ? "x" : "y";
  l.parameter = parameter;
  l.setpoint = 50;
  l.pid.output_max = 1e6;
  controller::EconomyLaw law{.mechanism = "payout", .inputs = {}, .is_amount = true};
  law.inputs = {{controller::InputSource::reading, 0, "", random.uniform(0.01, 1)},
                {controller::InputSource::constant, random.uniform(0, 20), "", 1},
                {controller::InputSource::constant, random.uniform(0.001, 0.2), "", 1}};
  l.law = std::make_shared<const controller::LawSettings>(controller::LawSettings{law, {}});
  return l;
}

/// What a property asks of a policy's loops and parameters beside being anything at all.
struct Wish {
  double integral_min_per_s = 0;  ///< of every loop: a loop without integral action has nowhere to keep an offset
  bool any_laws = true;           ///< also others than pid
  bool cascades = true;
  bool schedules = true;
  bool reading_invariants = false;  ///< bundles also with invariants over a metric, which change while they wait
};

constexpr double kDecoupledIntegralMin_per_s = 1e-4;  ///< of a loop in a decoupling, which must have one

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

/// Two parameters as a bundle, mostly with an invariant that now and then does not hold.
inline void bind_together(Random& random, Policy& policy, std::size_t first, const Wish& wish) {
  guardian::ParameterSettings& one = policy.guardian.parameters[first];
  guardian::ParameterSettings& two = policy.guardian.parameters[first + 1];
  two.expiry = one.expiry;
  two.ack_timeout = one.ack_timeout;
  guardian::Bundle bundle{"bundle_of_" + one.name, {one.name, two.name}, {}};
  if (random.chance(0.8)) {
    bundle.invariants.push_back(
        {"near", "abs(" + one.name + " - " + two.name + ") <= " + std::to_string(random.uniform(0.5, 30))});
  }
  if (wish.reading_invariants && random.chance(0.7)) {
    bundle.invariants.push_back({"reach", one.name + " <= x - " + std::to_string(random.uniform(20, 55))});
    if (random.chance(0.5)) one.veto_window = two.veto_window = some_seconds(random, 10, 40);
  }
  policy.guardian.bundles.push_back(std::move(bundle));
}

/// A matrix that says what it means: no relative gain so large that rounding would show. Pairings of loops and
/// parameters that `homeostat check` doubts are among them.
inline controller::DecouplingSettings any_matrix(Random& random, const std::vector<controller::LoopSettings>& loops) {
  constexpr double kRelativeGainMax = 10;
  controller::DecouplingSettings d{.name = "fight", .loops = {}, .is_gain = random.chance(0.5), .matrix = {}};
  for (const auto& l : loops) d.loops.push_back(l.name);
  while (true) {
    d.matrix.clear();
    for (std::size_t i = 0; i < loops.size(); ++i) {
      for (std::size_t j = 0; j < loops.size(); ++j) {
        const double size = i == j ? random.uniform(0.2, 2) : random.uniform(-1.5, 1.5);
        const bool is_down = d.is_gain ? loops[i].pid.action == controller::Action::reverse : random.chance(0.1);
        d.matrix.push_back(i == j && is_down ? -size : size);
      }
    }
    controller::DecouplingSettings as_gain = d;
    as_gain.is_gain = true;
    const auto made = controller::decoupling_of(as_gain);
    const auto is_fair = [](double x) { return std::fabs(x) < kRelativeGainMax; };
    if (made && std::all_of(made->rga.begin(), made->rga.end(), is_fair)) return d;
  }
}

/// Two or three loops that fight, each with a parameter of its own; mostly with the same cooldowns, as is good
/// practice.
inline void add_decoupling(Random& random, Policy& policy, const Wish& wish) {
  const std::size_t first = policy.guardian.parameters.size();
  const std::size_t size = random.chance(0.7) ? 2 : 3;
  const bool is_alike = random.chance(0.7);
  const char* const names[] = {"three", "four", "five"};
  std::vector<controller::LoopSettings> loops;
  Wish own = wish;
  own.any_laws = false;
  own.integral_min_per_s = std::max(wish.integral_min_per_s, kDecoupledIntegralMin_per_s);
  for (std::size_t i = 0; i < size; ++i) {
    policy.guardian.parameters.push_back(any_parameter(random, names[i]));
    auto& all = policy.guardian.parameters;
    if (is_alike) {
      all.back().cooldown_up = all[first].cooldown_up;
      all.back().cooldown_down = all[first].cooldown_down;
    }
    loops.push_back(any_loop(random, policy.loops.size() + i, own));
    loops.back().name = std::string("moves_") + names[i];
    loops.back().parameter = names[i];
  }
  policy.decouplings.push_back(any_matrix(random, loops));
  policy.loops.insert(policy.loops.end(), loops.begin(), loops.end());
  if (random.chance(0.2)) bind_together(random, policy, first, wish);
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
  if (random.chance(0.5)) add_decoupling(random, policy, wish);
  for (std::size_t i = 0, n = policy.loops.size(); wish.cascades && i < n; ++i) {
    if (!random.chance(0.2)) continue;
    const auto outer = any_outer(random, policy.loops[i], wish);
    policy.loops.push_back(outer);
    if (random.chance(0.2)) policy.loops.push_back(any_outer(random, outer, wish));
  }
  if (random.chance(0.25)) bind_together(random, policy, 0, wish);
  if (random.chance(0.5)) {
    policy.guardian.parameters.push_back(any_total(random, "moved"));
    policy.loops.push_back(any_payout(random, "moved"));
  }
  return policy;
}

inline PolicyPtr shared(Policy policy) {
  const auto errors = check(policy);
  if (!errors.empty()) RC_FAIL(errors.front().text());
  return std::make_shared<const Policy>(std::move(policy));
}

}  // namespace homeostat::engine
