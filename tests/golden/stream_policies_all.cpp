// Policies d and e: what a, b and c leave out.
#include <algorithm>
#include <memory>
#include <utility>

#include "controller/law.hpp"
#include "stream_policies.hpp"

namespace homeostat::golden {
namespace {

using controller::InputSource;
using controller::LawSettings;
using controller::LoopSettings;
using controller::MechanismInput;
using guardian::ActionKind;
using guardian::Arbitration;
using guardian::ParameterSettings;

std::shared_ptr<const LawSettings> law_of(controller::LawChoice choice) {
  return std::make_shared<const LawSettings>(LawSettings{std::move(choice), {}});
}

LoopSettings with_law(const char* name, const char* of, const char* to, double setpoint, controller::LawChoice choice) {
  LoopSettings l = loop(name, of, to, setpoint, {});
  l.law = law_of(std::move(choice));
  l.pid.action = controller::action_of(*l.law);
  return l;
}

MechanismInput number(double x) {
  return {InputSource::constant, x, "", 1};
}
MechanismInput from(InputSource source, double scale = 1) {
  return {source, 0, "", scale};
}
MechanismInput of_metric(const char* metric, double scale) {
  return {InputSource::metric, 0, metric, scale};
}

/// A loop that moves amounts.
LoopSettings mover(const char* name, const char* of, const char* to, const char* mechanism,
                   std::vector<MechanismInput> inputs) {
  LoopSettings l = with_law(
      name, of, to, 10, controller::EconomyLaw{.mechanism = mechanism, .inputs = std::move(inputs), .is_amount = true});
  l.pid.output_max = 1e6;
  return l;
}

/// The total of what was moved.
ParameterSettings total(const char* name, ActionKind kind) {
  ParameterSettings p = parameter(name, 4, Arbitration::first);
  p.initial = p.min = dec("0", 4);
  p.max = dec("100000", 4);
  p.change.absolute = dec("2", 4);
  p.cooldown_up = Duration::seconds(15);
  p.action = {kind, "STREAM", "pool", "", {}};
  return p;
}

void add_laws(engine::Policy& policy) {
  using namespace controller;
  auto& parameters = policy.guardian.parameters;
  for (const char* name :
       {"redemption", "biased", "vox", "base_fee", "blob_fee", "supply", "replicas", "lending", "borrowing"}) {
    ParameterSettings p = parameter(name, 4, Arbitration::first);
    p.cooldown_up = p.cooldown_down = Duration::seconds(10);
    parameters.push_back(p);
  }
  const auto of = [&](const char* name) -> ParameterSettings& {
    return *std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.name == name; });
  };
  for (const char* name : {"redemption", "biased", "vox"}) {
    of(name).min = dec("-5", 4);
    of(name).initial = dec("0", 4);
  }
  of("base_fee").change.relative = 0.2;
  of("base_fee").change.floor = dec("0.15", 4);
  of("replicas").quantum = dec("1", 4);
  of("replicas").min = dec("1", 4);
  of("replicas").initial = dec("5", 4);
  of("replicas").max = dec("20", 4);
  of("lending").action.kind = ActionKind::propose;

  const Redemption redemption{.price = "", .units_per_ratio = 100};
  RaiPiLaw rai{.settings = {}, .redemption = redemption};
  rai.settings.kp = wad() / 1000;
  rai.settings.ki = wad() / 100'000;
  rai.settings.noise_barrier = wad() - wad() / 20'000;
  rai.settings.upper = ray() / 500;
  rai.settings.lower = -ray() / 500;
  RaiPiLaw biased{.settings = {.variant = rai::Variant::rai_dollar}, .redemption = redemption};
  biased.settings.kp = wad() / 100;
  biased.settings.ki = wad() / 10'000;
  biased.settings.bias = ray() / 1000;
  biased.settings.upper = ray() / 100;
  biased.settings.lower = -ray() / 100;
  RatioLaw ratio{ratio::defaults(1, 20)};
  ratio.settings.up.window = ratio.settings.down.window = Duration::seconds(15);
  ratio.settings.up.policies = ratio.settings.down.policies = {{ratio::Measure::units, 1, Duration::seconds(20)}};
  ExponentialLaw exponential{{.rate_0 = 2.5, .rate_cap = 3, .sigma = 10, .keepers_target = 4},
                             "ratio",
                             "ratio",
                             "people",
                             Duration::minutes(1)};
  policy.loops.push_back(with_law("redeems", "last", "redemption", 10, rai));
  policy.loops.push_back(with_law("leans", "last", "biased", 10, biased));
  policy.loops.push_back(
      with_law("votes", "mean", "vox", 10, DirectRateLaw{wad() / 100'000, redemption, Duration::seconds(10)}));
  policy.loops.push_back(with_law("fills", "mean", "base_fee", 10, MultiplicativeLaw{{}, Duration::seconds(10)}));
  policy.loops.push_back(with_law("posts", "twap", "blob_fee", 10, BlobFeeLaw{0.5, 100, Duration::zero()}));
  policy.loops.push_back(
      with_law("rebases", "last", "supply", 10,
               SigmoidLaw{{wad() / 20, wad() * 4, wad() * 4, wad() / 10, -wad() / 10}, Duration::seconds(20)}));
  policy.loops.push_back(with_law("scales", "people", "replicas", 30, ratio));
  policy.loops.back().pid.output_min = -4;
  policy.loops.back().pid.output_max = 15;
  policy.loops.push_back(with_law("lends", "flow", "lending", 2, SemilogLaw{{0.5, 5}, 6}));
  policy.loops.push_back(with_law("borrows", "mean", "borrowing", 10, exponential));
}

void add_actions(engine::Policy& policy) {
  auto paid = total("paid", ActionKind::distribute);
  paid.action.recipients = {{"creators", 600'000'000}, {"stakers", 300'000'001}, {"burn", 99'999'999}};
  paid.approve_above = dec("0.4", 4);
  paid.approval_max = Duration::seconds(60);
  auto burned = total("burned", ActionKind::burn);
  burned.drift = guardian::DriftBudget{dec("3", 4), Duration::minutes(3)};
  auto surge = parameter("surge", 4, Arbitration::first);
  surge.cooldown_up = surge.cooldown_down = Duration::seconds(15);
  for (auto* p : {&paid, &burned, &surge}) policy.guardian.parameters.push_back(*p);
  policy.guardian.parameters.push_back(total("minted", ActionKind::mint));

  policy.loops.push_back(
      mover("pays", "last", "paid", "payout", {from(InputSource::reading), number(6), number(0.08)}));
  policy.loops.push_back(mover("burns", "mean", "burned", "burn", {of_metric("twap", 1), number(0.03)}));
  policy.loops.push_back(
      mover("mints", "mean", "minted", "supply_increase",
            {from(InputSource::reading), from(InputSource::setpoint), number(1000), number(0.0005), number(0.5)}));
  controller::EconomyLaw surges{.mechanism = "imbalance_fee", .inputs = {}, .scale = 50};
  surges.inputs = {from(InputSource::reading, 0.12), number(0.3), number(0.01), number(0.05), number(0.2)};
  surges.action = controller::Action::reverse;
  policy.loops.push_back(with_law("surges", "last", "surge", 5, surges));
}

/// Loops that fight: with flap budgets, values that are not to be sent, and a way to safety that waits for nothing.
void add_decoupling(engine::Policy& policy) {
  for (const char* name : {"heat", "light"}) {
    ParameterSettings p = parameter(name, 3, Arbitration::sum);
    p.change.absolute = dec("1.5", 3);
    p.cooldown_up = p.cooldown_down = Duration::seconds(10);
    p.derisking = guardian::Direction::down;
    p.flaps = guardian::FlapBudget{1, Duration::minutes(2)};
    p.restricted_values = {{dec("3", 3), dec("3.05", 3)}, {dec("1.05", 3), dec("1.1", 3)}};
    p.emergency = guardian::EmergencyLimits{{dec("1", 3), std::nullopt, std::nullopt}, {}, {}};
    policy.guardian.parameters.push_back(p);
  }
  LoopSettings heats = loop("heats", "last", "heat", 10, {0.05, 0.002, 0});
  heats.pid.anti_windup = controller::AntiWindup::conditional;
  heats.pid.integration = controller::Integration::forward;
  heats.pid.input_filter = Duration::seconds(10);
  LoopSettings lights = loop("lights", "mean", "light", 10, {0.1, 0.004, 0.2});
  lights.pid.anti_windup = controller::AntiWindup::back_calculation;
  lights.pid.integration = controller::Integration::backward;
  lights.pid.slew_per_s = 0.05;
  lights.pid.tracking_time = Duration::seconds(20);
  for (auto* l : {&heats, &lights}) {
    l->emergency = controller::Gains{0.2, 0.005, 0};
    policy.loops.push_back(*l);
  }
  policy.decouplings = {{"fight", {"heats", "lights"}, true, {1, 0.5, -0.4, 1}}};
}

/// Two that move together, or not at all.
void add_bundle(engine::Policy& policy) {
  for (const char* name : {"left", "right"}) {
    ParameterSettings p = parameter(name, 4, Arbitration::sum);
    p.change.absolute = dec("2", 4);
    p.action.kind = ActionKind::adjust_weights;
    p.veto_window = Duration::seconds(12);
    policy.guardian.parameters.push_back(p);
  }
  policy.guardian.bundles = {{"weights",
                              {"left", "right"},
                              {{"room", "left + right <= 7"},
                               {"step", "abs(left - prev(left)) <= 1.5"},
                               {"pause", "since(right) + now >= 10"},
                               {"known", "left <= steady - 5"}}}};
  LoopSettings left = loop("to_left", "last", "left", 10, {0.04, 0.002, 0});
  left.plant = controller::Plant{1, 20, Duration::seconds(20), Duration::seconds(5)};
  left.corridor = controller::Corridor{8, 12, Duration::seconds(30)};
  LoopSettings right = loop("to_right", "last", "right", 12, {0.06, 0.001, 0});
  right.plant = controller::Plant{0.5, 2, Duration::seconds(30), Duration::zero()};
  right.pid.integral_min = -2;
  right.pid.integral_max = 1;
  right.pid.dt_max = Duration::seconds(10);
  for (auto* l : {&left, &right}) policy.loops.push_back(*l);
}

/// A metric with everything that makes three sources worth more than one.
void add_fair(engine::Policy& policy) {
  policy.oracle.sources.push_back({"gamma", 20, 60});
  oracle::MetricSettings fair;
  fair.name = "fair";
  fair.min = 0;
  fair.max = 100;
  fair.aggregate = oracle::Aggregate::quartiles;
  fair.origin = oracle::SampleOrigin{{"alpha", "beta", "gamma"}, 1, {{"gamma", 0.1, 60}}};
  fair.staleness_max = Duration::minutes(1);
  fair.outliers = oracle::Outliers{};
  fair.agree_within = 0.5;
  fair.pinned_after = 3;
  fair.frozen_after = Duration::minutes(2);
  fair.liquidity_needed = 100;
  fair.peg = oracle::Peg{10, 0.9};
  fair.guard = oracle::GuardSettings{.band = 0.25,
                                     .rate_per_s = 0.005,
                                     .decrease_max = 0.8,
                                     .halt_after = Duration::seconds(40),
                                     .release_after = Duration::seconds(20),
                                     .reseed_after = Duration::minutes(1),
                                     .reseed_per_fold = Duration::minutes(1),
                                     .steady_rate_per_s = 0.01,
                                     .suspect_after = Duration::minutes(2),
                                     .average = Duration::seconds(10)};
  policy.oracle.metrics.push_back(fair);
  // And two of the chain that wait longer than confirmations.
  for (const bool is_safe : {true, false}) {
    oracle::MetricSettings m;
    m.name = is_safe ? "safe_tips" : "final_tips";
    m.min = 0;
    m.max = 1e9;
    m.aggregate = oracle::Aggregate::sum;
    m.window = Duration::minutes(5);
    m.coverage_min = 0;
    m.staleness_max = Duration::minutes(10);
    m.origin =
        oracle::EventOrigin{"Tip", 1U, false, 0U, 1e-2, is_safe ? oracle::Finality::safe : oracle::Finality::finalized};
    policy.oracle.metrics.push_back(m);
  }
}

/// Loops that drive others, gains that follow a reading, contributions weighted by quality; and one that only an
/// override moves.
void add_cascade(engine::Policy& policy) {
  policy.guardian.parameters.push_back(parameter("cascaded", 4, Arbitration::weighted));
  policy.guardian.parameters.push_back(parameter("locked", 4, Arbitration::sum));
  policy.guardian.parameters.back().restricted = true;
  LoopSettings inner = loop("inner", "last", "cascaded", 10, {0.1, 0.003, 0});
  inner.schedule = controller::GainSchedule{"mean", {{5, 0.5}, {12, 1}, {20, 2}}};
  LoopSettings beside = loop("beside", "fair", "cascaded", 10, {0.15, 0.002, 0});
  LoopSettings outer = loop("outer", "mean", "cascaded", 10, {0.2, 0.004, 0});
  outer.drives = "inner";
  LoopSettings outermost = loop("outermost", "twap", "cascaded", 10, {0.1, 0.002, 0});
  outermost.drives = "outer";
  for (auto* l : {&outermost, &inner, &beside, &outer}) policy.loops.push_back(*l);
  policy.loops.push_back(loop("pushes", "safe_tips", "locked", 50, {0.01, 0.0001, 0}));
  policy.loops.push_back(loop("pushes_too", "final_tips", "locked", 50, {0.01, 0.0001, 0}));
}

template <class All>
auto& named(All& all, const std::string& name) {
  return *std::find_if(all.begin(), all.end(), [&](const auto& x) { return x.name == name; });
}

}  // namespace

engine::Policy policy_d() {
  engine::Policy policy = policy_a();
  policy.name = "d";
  policy.digest = "digest-d";
  policy.records_kept = 300;
  std::erase_if(policy.guardian.parameters, [](const auto& p) { return p.name == "reward" || p.name == "boost"; });
  std::erase_if(policy.loops, [](const auto& l) { return l.parameter == "reward" || l.parameter == "boost"; });
  LoopSettings& spare = named(policy.loops, "spare");  // alone on its parameter where the other one is not usable
  spare.plant = controller::Plant{1, 20, Duration::seconds(10), Duration::zero()};
  spare.corridor = controller::Corridor{5, 15, Duration::seconds(40)};
  std::swap(spare, named(policy.loops, "raise"));
  add_fair(policy);
  add_laws(policy);
  add_actions(policy);
  add_decoupling(policy);
  add_bundle(policy);
  add_cascade(policy);
  return policy;
}

engine::Policy policy_e() {
  using namespace controller;
  engine::Policy policy = policy_d();
  policy.name = "e";
  policy.digest = "digest-e";
  add_keys(policy);
  auto& parameters = policy.guardian.parameters;
  RaiPiLaw hai{.settings = {.variant = rai::Variant::hai}, .redemption = {.price = "mean", .units_per_ratio = 100}};
  hai.settings.kp = wad() / 100;
  hai.settings.ki = wad() / 10'000;
  hai.settings.leak = ray() - ray() / 1000;
  hai.settings.upper = ray() / 50;
  hai.settings.lower = -ray() / 50;
  named(policy.loops, "redeems").law = law_of(hai);
  EconomyLaw inflates{.mechanism = "inflation_step", .inputs = {}, .scale = 100};
  inflates.inputs = {from(InputSource::applied, 0.01), of_metric("ratio", 0.02), number(0.01), number(0.05),
                     number(0.005)};
  named(policy.loops, "surges").law = law_of(inflates);
  named(policy.loops, "mints").law = law_of(
      EconomyLaw{.mechanism = "buy_back",
                 .inputs = {from(InputSource::reading), number(12), number(500), number(0), number(0.002), number(0.2)},
                 .is_amount = true});
  named(parameters, "minted").action.kind = ActionKind::buy_back;
  named(parameters, "paid").action = {ActionKind::move_liquidity, "STREAM", "chain 1", "chain 2", {}};

  policy.decouplings = {{"fight", {"lights", "heats"}, false, {1, -0.8, 0.6, 1}}};
  named(parameters, "left").veto_window = Duration::zero();
  named(parameters, "right").approve_above = dec("0.3", 4);
  named(parameters, "right").approval_max = Duration::seconds(60);
  policy.guardian.bundles.push_back({"warmth", {"heat", "light"}, {{"near", "abs(heat - light) <= 2"}}});
  named(policy.loops, "outer").drives = "beside";
  std::erase_if(policy.loops, [](const auto& l) { return l.name == "outermost"; });
  named(policy.loops, "inner").schedule->points = {{5, 2}, {15, 0.5}};
  return policy;
}

}  // namespace homeostat::golden
