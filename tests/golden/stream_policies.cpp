#include "stream_policies.hpp"

#include <map>
#include <memory>

#include "core/check.hpp"

namespace homeostat::golden {
namespace {

using guardian::CommandKind;
using oracle::Aggregate;

constexpr Duration kPeriod = Duration::seconds(5);

oracle::MetricSettings metric(const char* name, Aggregate aggregate, double min, double max) {
  oracle::MetricSettings m;
  m.name = name;
  m.aggregate = aggregate;
  m.min = min;
  m.max = max;
  m.window = Duration::minutes(2);
  m.buckets = 24;
  m.half_life = Duration::seconds(30);
  m.coverage_min = 0.5;
  m.exact_max = 50;
  m.staleness_max = Duration::minutes(1);
  m.origin = oracle::SampleOrigin{{"alpha", "beta"}, 1};
  return m;
}

oracle::MetricSettings on_chain(const char* name, Aggregate aggregate, double min, double max) {
  auto m = metric(name, aggregate, min, max);
  m.origin = oracle::EventOrigin{"Tip", 1U, false, 0U, 1e-2, oracle::Finality::confirmations, 2};
  m.staleness_max = Duration::minutes(10);
  return m;
}

std::vector<oracle::MetricSettings> metrics() {
  auto steady = metric("steady", Aggregate::last, 0, 100);
  steady.origin = oracle::SampleOrigin{{"alpha", "beta"}, 2};
  steady.rate_of_change = oracle::RateOfChange{1.5, Duration::seconds(10), Duration::seconds(60)};
  auto ratio = metric("ratio", Aggregate::last, 0, 10);
  ratio.origin = oracle::ExpressionOrigin{"last / max(mean, 0.1)"};
  return {metric("last", Aggregate::median, 0, 100),
          metric("mean", Aggregate::ewma, 0, 100),
          metric("twap", Aggregate::twap, 0, 100),
          metric("flow", Aggregate::rate, 0, 1000),
          metric("people", Aggregate::count, 0, 1e6),
          steady,
          on_chain("tips", Aggregate::sum, 0, 1e9),
          on_chain("tippers", Aggregate::distinct, 0, 1e6),
          ratio};
}

std::vector<guardian::ParameterSettings> parameters() {
  auto fee = parameter("fee", 4, guardian::Arbitration::sum);
  fee.change.absolute = dec("0.25", 4);
  fee.change.relative = 0.2;
  fee.cooldown_up = Duration::seconds(20);
  fee.cooldown_down = Duration::seconds(10);
  fee.drift = guardian::DriftBudget{dec("2", 4), Duration::minutes(5)};
  fee.emergency = guardian::EmergencyLimits{{dec("1", 4), std::nullopt}, Duration::seconds(5), Duration::zero()};
  auto reward = parameter("reward", 18, guardian::Arbitration::min);
  reward.change.relative = 0.1;
  auto bar = parameter("bar", 2, guardian::Arbitration::first);
  bar.veto_window = Duration::seconds(27);
  auto boost = parameter("boost", 3, guardian::Arbitration::max);
  boost.change.absolute = dec("0.5", 3);
  return {fee, reward, bar, boost};
}

std::vector<controller::LoopSettings> loops() {
  auto cool = loop("cool", "last", "fee", 10, {0.1, 0.002, 0.5});
  cool.pid.action = controller::Action::reverse;
  cool.pid.derivative_filter = Duration::seconds(15);
  cool.pid.deadband = 0.25;
  cool.setpoint_ramp_per_s = 0.05;
  cool.emergency = controller::Gains{0.3, 0.01, 0};
  cool.emergency_above = 25;
  cool.emergency_clear_after = Duration::seconds(30);
  cool.plausibility = controller::Plausibility{0.01, Duration::seconds(5), 0.3};
  auto warm = loop("warm", "mean", "fee", 12, {0.5, 0.01, 0});
  warm.pid.error = controller::ErrorKind::relative;
  warm.pid.leak_half_life = Duration::minutes(10);
  auto pay = loop("pay", "twap", "reward", 8, {0.2, 0.004, 0});
  pay.pid.setpoint_weight = 0.5;
  pay.pid.feed_forward = 0.1;
  auto tips = loop("tips", "tips", "reward", 50, {0.01, 0.0005, 0});
  tips.plausibility = controller::Plausibility{0.01, Duration::seconds(5), 0.5};
  auto raise = loop("raise", "flow", "bar", 20, {0.05, 0.001, 0});
  auto spare = loop("spare", "steady", "bar", 10, {0.2, 0, 0});
  auto crowd = loop("crowd", "people", "boost", 30, {0.02, 0.0005, 0.1});
  auto mix = loop("mix", "ratio", "boost", 1, {1, 0.01, 0});
  auto known = loop("known", "tippers", "boost", 20, {0.02, 0.0005, 0});
  return {cool, warm, pay, tips, raise, spare, crowd, mix, known};
}

}  // namespace

Decimal dec(const char* text, int decimals) {
  return Decimal::parse(text, decimals).value();
}

controller::LoopSettings loop(const char* name, const char* of, const char* to, double setpoint,
                              controller::Gains gains) {
  controller::LoopSettings l;
  l.name = name;
  l.metric = of;
  l.parameter = to;
  l.setpoint = setpoint;
  l.pid.gains = gains;
  l.pid.output_min = -3;
  l.pid.output_max = 3;
  return l;
}

guardian::ParameterSettings parameter(const char* name, int decimals, guardian::Arbitration arbitration) {
  guardian::ParameterSettings p;
  p.name = name;
  p.decimals = decimals;
  p.initial = dec("2.5", decimals);
  p.min = dec("0.5", decimals);
  p.max = dec("5", decimals);
  p.quantum = dec("0.05", decimals);
  p.arbitration = arbitration;
  p.expiry = Duration::seconds(60);
  p.ack_timeout = Duration::seconds(20);
  return p;
}

const std::vector<Person>& people() {
  static const std::vector<Person> all{{"ops", guardian::Role::operator_role, guardian::Signer(1)},
                                       {"alice", guardian::Role::guardian, guardian::Signer(2)},
                                       {"bob", guardian::Role::guardian, guardian::Signer(3)},
                                       {"root", guardian::Role::admin, guardian::Signer(4)},
                                       {"mallory", guardian::Role::observer, guardian::Signer(5)}};
  return all;
}

engine::Policy policy_a() {
  engine::Policy policy;
  policy.name = "a";
  policy.digest = "digest-a";
  policy.period = kPeriod;
  policy.records_kept = 40;
  policy.oracle.sources = {{"alpha", 20, 60}, {"beta", 20, 60}, {"chain", 1000, 2000}};
  policy.oracle.sources[0].allowed_lateness = Duration::seconds(4);
  policy.oracle.sources[0].skew_max = Duration::milliseconds(500);
  policy.oracle.events = {{"Tip", "chain", "0x0000000000000000000000000000000000000001",
                           "event Tip(address indexed viewer, uint256 amount)"}};
  policy.oracle.metrics = metrics();
  policy.guardian.parameters = parameters();
  policy.loops = loops();
  return policy;
}

void add_keys(engine::Policy& policy) {
  for (std::size_t i = 0; i + 1 < people().size(); ++i) {
    const Person& person = people()[i];
    policy.guardian.keys.push_back({person.name, person.signer.public_key, person.role, {}});
  }
  policy.guardian.approvals = {
      {CommandKind::override_value, 0.2, 2}, {CommandKind::resume, 0, 2}, {CommandKind::shift_setpoint, 0.1, 3}};
}

namespace {

engine::Policy policy_b() {
  engine::Policy policy = policy_a();
  policy.name = "b";
  policy.digest = "digest-b";
  policy.period = kPeriod * 2;
  std::swap(policy.loops[0], policy.loops[3]);
  std::swap(policy.guardian.parameters[0], policy.guardian.parameters[1]);
  policy.loops.pop_back();
  policy.loops[1].pid.gains = {0.2, 0.02, 0.3};
  policy.loops[3].pid.error = controller::ErrorKind::relative;
  policy.loops[3].pid.deadband = 0.01;
  policy.guardian.parameters[2].max = dec("4", 2);
  policy.guardian.parameters[3].arbitration = guardian::Arbitration::sum;
  policy.guardian.parameters[1].initial = dec("2", 4);
  return policy;
}

engine::Policy policy_c() {
  engine::Policy policy = policy_a();
  policy.name = "c";
  policy.digest = "digest-c";
  add_keys(policy);
  return policy;
}

/// Never in force: it contradicts itself.
engine::Policy policy_broken() {
  engine::Policy policy = policy_a();
  policy.name = "broken";
  policy.loops[0].parameter = "nothing";
  policy.guardian.parameters[0].max = policy.guardian.parameters[0].min;
  return policy;
}

/// Never in force: it counts a parameter, which all of the others have, in other units.
engine::Policy policy_rescaled() {
  engine::Policy policy = policy_a();
  policy.name = "rescaled";
  auto& fee = policy.guardian.parameters[0];
  fee = parameter("fee", 6, guardian::Arbitration::sum);
  return policy;
}

using All = std::map<std::string, engine::PolicyPtr>;
All all_policies() {
  All all;
  for (auto&& policy : {policy_a(), policy_b(), policy_c(), policy_d(), policy_e()}) {
    const auto errors = engine::check(policy);
    HOMEOSTAT_CHECK(errors.empty());
    all[policy.name] = std::make_shared<const engine::Policy>(policy);
  }
  for (auto&& policy : {policy_broken(), policy_rescaled()}) {
    all[policy.name] = std::make_shared<const engine::Policy>(policy);
  }
  return all;
}

}  // namespace

Result<engine::PolicyPtr> load_policy(const std::string& text) {
  static const All all = all_policies();
  const auto found = all.find(text);
  if (found == all.end()) return fail(ErrorCode::unknown_name, "policy", "no policy '" + text + "'");
  return found->second;
}

}  // namespace homeostat::golden
