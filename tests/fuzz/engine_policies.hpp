// The policies that engine_fuzz changes between. Together they use every way in which parameters depend on each other:
//
//   a, b    a bundle with an invariant
//   c       a veto window, two loops, a plant that is run before anything is sent; a cascade in variant 3
//   d, e    loops that fight, decoupled; in variant 2 a bundle too, with a veto window and releases
//   f, g    laws other than pid, in every variant another one, so that they take over from each other
//   paid    an action: the total of what was distributed, minted or burned; large ones wait for a release
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "controller/law.hpp"
#include "core/check.hpp"
#include "engine/policy.hpp"

namespace homeostat::fuzz {

inline constexpr std::int64_t kPeriodS = 10;
inline constexpr int kVariants = 4;

inline Decimal units(std::int64_t n) {
  return Decimal(n, 2);
}

inline guardian::ParameterSettings member(const char* name, int variant) {
  guardian::ParameterSettings p;
  p.name = name;
  p.decimals = 2;
  p.quantum = units(5);
  p.min = units(100);
  p.max = units(900);
  p.initial = units(500);
  p.change.relative = 0.1;
  p.change.floor = units(30);
  p.cooldown_up = Duration::seconds(30);
  p.cooldown_down = Duration::seconds(20);
  p.derisking = variant % 2 == 0 ? guardian::Direction::down : guardian::Direction::up;
  p.drift = guardian::DriftBudget{units(400), Duration::seconds(300)};
  p.flaps = guardian::FlapBudget{2, Duration::seconds(200)};
  p.restricted_values = {{units(610), units(650)}};
  p.emergency = guardian::EmergencyLimits{{units(100), std::nullopt, std::nullopt}, Duration::zero(), Duration::zero()};
  p.expiry = Duration::seconds(60);
  p.ack_timeout = Duration::seconds(30);
  return p;
}

/// Of a decoupling: its members have the same cooldowns, or one of them would mostly be pinned.
inline guardian::ParameterSettings decoupled(const char* name, int variant) {
  guardian::ParameterSettings p = member(name, variant);
  p.cooldown_up = p.cooldown_down = Duration::seconds(20);
  p.derisking.reset();
  p.drift->budget = units(600);
  return p;
}

inline guardian::ParameterSettings paid(int variant) {
  guardian::ParameterSettings p = member("paid", variant);
  p.min = p.initial = units(0);
  p.max = units(20'000);
  p.change = {units(300), std::nullopt, std::nullopt};
  p.emergency->change.absolute = units(500);
  p.flaps.reset();
  p.drift->budget = units(900);
  p.approval_max = Duration::seconds(variant % 2 == 0 ? 45 : 95);
  if (variant != 3) p.approve_above = units(variant == 1 ? 0 : 100);
  if (variant == 1) p.veto_window = Duration::seconds(30);
  p.action = {guardian::ActionKind::distribute, "STREAM", "pool", "", {}};
  if (variant == 1) p.action.kind = guardian::ActionKind::mint;
  if (variant == 3) p.action.kind = guardian::ActionKind::burn;
  if (variant == 0) p.action.recipients = {{"stakers", 700'000'000}, {"burn", 300'000'000}};
  if (variant == 2) p.action.recipients = {{"a", 333'333'333}, {"b", 333'333'333}, {"c", 333'333'334}};
  return p;
}

inline controller::LoopSettings loop(const char* name, const char* metric, const char* parameter, int variant,
                                     double ki_per_s) {
  controller::LoopSettings l;
  l.name = name;
  l.metric = metric;
  l.parameter = parameter;
  l.setpoint = 5;
  l.pid.gains = {variant % 2 == 0 ? 1.0 : 0.4, ki_per_s, 0.5};
  l.pid.output_min = -4;
  l.pid.output_max = 4;
  l.emergency_above = 9;
  l.emergency_clear_after = Duration::seconds(30);
  return l;
}

/// A twentieth of what `metric`, in tens of tokens, is above 20.
inline controller::LoopSettings payout(const char* metric, int variant) {
  controller::LoopSettings l = loop("lp", metric, "paid", variant, 0);
  controller::EconomyLaw law{.mechanism = "payout", .inputs = {}, .is_amount = true};
  law.inputs = {{controller::InputSource::reading, 0, "", 10},
                {controller::InputSource::constant, 20, "", 1},
                {controller::InputSource::constant, 0.05, "", 1}};
  l.pid = {};
  l.pid.output_max = 10;
  l.law = std::make_shared<const controller::LawSettings>(controller::LawSettings{law, {}});
  return l;
}

inline controller::LawChoice law_of_f(int variant) {
  using namespace controller;
  const Redemption redemption{variant == 0 ? "y" : "", Duration::seconds(100), 1};
  if (variant == 1) return MultiplicativeLaw{{2, 4}, Duration::seconds(20)};
  if (variant == 2) return RatioLaw{ratio::defaults(1, 9)};
  if (variant == 3) return DirectRateLaw{wad() / 1000, redemption, Duration::zero()};
  RaiPiLaw law{.settings = {.variant = rai::Variant::rai_dollar, .kp = wad() / 50, .ki = wad() / 5000},
               .redemption = redemption};
  law.settings.leak = ray() - ray() / 500;
  law.settings.bias = ray() / 100;
  law.settings.upper = ray() / 20;
  return law;
}

inline controller::LawChoice law_of_g(int variant) {
  using namespace controller;
  if (variant == 0) return SigmoidLaw{{wad() / 20, wad() * 3, wad() * 2, wad() / 5, -wad() / 5}, Duration::zero()};
  if (variant == 1) return BlobFeeLaw{1, 50, Duration::seconds(10)};
  if (variant == 2) return SemilogLaw{{1, 9}, 10};
  ExponentialLaw law{{.rate_0 = 4, .rate_cap = 8, .sigma = 3}, "y", "x", "y", Duration::seconds(60)};
  law.settings.keepers_target = 5;
  return law;
}

inline void add_laws(engine::Policy& policy, int variant) {
  const auto by_law = [&](const char* name, const char* parameter, controller::LawChoice choice) {
    controller::LoopSettings l = loop(name, "x", parameter, variant, 0);
    const Duration half_life = Duration::seconds(variant % 2 == 0 ? 0 : 30);
    l.law = std::make_shared<const controller::LawSettings>(controller::LawSettings{std::move(choice), half_life});
    const double low = l.pid.output_min, high = l.pid.output_max;
    l.pid = {};
    l.pid.action = controller::action_of(*l.law);
    l.pid.output_min = low;
    l.pid.output_max = high;
    policy.loops.push_back(l);
  };
  by_law("lf", "f", law_of_f(variant));
  by_law("lg", "g", law_of_g(variant));
}

inline void add_decoupling(engine::Policy& policy, int variant) {
  policy.loops.push_back(loop("ld", "x", "d", variant, 0.01));
  policy.loops.push_back(loop("le", "y", "e", variant, 0.02));
  switch (variant) {
    case 0: policy.decouplings = {{"fight", {"ld", "le"}, true, {1, 0.5, -0.4, 1}}}; break;
    case 1: policy.decouplings = {{"fight", {"le", "ld"}, false, {1, -0.8, 0.6, 1}}}; break;
    case 2: policy.decouplings = {{"fight", {"ld", "le"}, true, {0.2, 0.15, 0.3, 0.4}}}; break;
    default: policy.decouplings = {{"fight", {"ld", "le"}, false, {1.5, 0.7, -0.7, 1.5}}}; break;
  }
  if (variant == 1) policy.loops.back().emergency = controller::Gains{2, 0.05, 0};
  if (variant != 3) return;
  policy.loops.push_back(loop("outer2", "x", "e", variant, 0.003));
  policy.loops.back().drives = "le";
}

inline engine::PolicyPtr policy(int variant) {
  engine::Policy policy;
  policy.name = "fuzz";
  policy.digest = "fuzz" + std::to_string(variant);
  policy.period = Duration::seconds(kPeriodS);
  policy.records_kept = 20;
  policy.oracle.sources = {{"feed", 1e6, 1e6}};
  for (const char* name : {"x", "y"}) {
    oracle::MetricSettings m;
    m.name = name;
    m.min = 0;
    m.max = 10;
    m.origin = oracle::SampleOrigin{{"feed"}, 1};
    m.staleness_max = Duration::seconds(40);
    policy.oracle.metrics.push_back(m);
  }
  policy.guardian.parameters = {member("a", variant),    member("b", variant),    member("c", variant),
                                decoupled("d", variant), decoupled("e", variant), paid(variant),
                                member("f", variant),    member("g", variant)};
  auto& parameters = policy.guardian.parameters;
  parameters[2].veto_window = Duration::seconds(variant % 2 == 0 ? 20 : 0);
  policy.guardian.bundles = {{"pair", {"a", "b"}, {{"near", "abs(a - b) <= 2"}}}};
  if (variant == 2) {
    policy.guardian.bundles.push_back({"both", {"d", "e"}, {{"close", "abs(d - e) <= 2"}}});
    parameters[3].veto_window = Duration::seconds(15);
    parameters[4].approve_above = units(30);
    parameters[4].approval_max = Duration::seconds(55);
  }
  if (variant == 3) parameters[4].veto_window = Duration::seconds(20);

  policy.loops = {loop("la", "x", "a", variant, 0.01), loop("lb", variant >= 2 ? "y" : "x", "b", variant, 0.01),
                  loop("lc", "x", "c", variant, 0), loop("lc2", "y", "c", variant, 0.002)};
  if (variant >= 2) policy.loops[3].schedule = controller::GainSchedule{"x", {{0, 0.5}, {10, 2}}};
  policy.loops[2].plant = controller::Plant{0.5, 2, Duration::seconds(60), Duration::seconds(10)};
  policy.loops[2].corridor = controller::Corridor{1, 9, Duration::seconds(100)};
  if (variant == 3) {
    policy.loops.push_back(loop("outer", "x", "c", variant, 0.003));
    policy.loops.back().drives = "lc2";
  }
  add_decoupling(policy, variant);
  add_laws(policy, variant);
  policy.loops.push_back(payout(variant == 3 ? "x" : "y", variant));
  HOMEOSTAT_CHECK(engine::check(policy).empty());
  return std::make_shared<const engine::Policy>(std::move(policy));
}

inline const engine::PolicyPtr& policies(int variant) {
  static const engine::PolicyPtr all[kVariants] = {policy(0), policy(1), policy(2), policy(3)};
  return all[variant % kVariants];
}

}  // namespace homeostat::fuzz
