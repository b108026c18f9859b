#include "input_stream.hpp"

#include <algorithm>
#include <limits>

#include "core/math.hpp"
#include "guardian/signed_order.hpp"
#include "tests/unit/guardian/signer.hpp"

namespace homeostat::golden {
namespace {

using engine::CommandKind;
using oracle::Aggregate;

constexpr Duration kPeriod = Duration::seconds(5);
const Instant kStart = Instant::from_unix_seconds(1'750'000'000);

Decimal dec(const char* text, int decimals) {
  return Decimal::parse(text, decimals).value();
}

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
  bar.veto_window = Duration::seconds(12);
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

engine::Policy policy_b() {
  engine::Policy policy = policy_a();
  policy.name = "b";
  policy.digest = "digest-b";
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

struct Person {
  const char* name;
  guardian::Role role;
  guardian::Signer signer;
};
/// Whose keys policy c lists; mallory's is not among them.
const std::vector<Person>& people() {
  static const std::vector<Person> all{{"ops", guardian::Role::operator_role, guardian::Signer(1)},
                                       {"alice", guardian::Role::guardian, guardian::Signer(2)},
                                       {"bob", guardian::Role::guardian, guardian::Signer(3)},
                                       {"root", guardian::Role::admin, guardian::Signer(4)},
                                       {"mallory", guardian::Role::observer, guardian::Signer(5)}};
  return all;
}

engine::Policy policy_c() {
  engine::Policy policy = policy_a();
  policy.name = "c";
  policy.digest = "digest-c";
  for (std::size_t i = 0; i + 1 < people().size(); ++i) {
    const Person& person = people()[i];
    policy.guardian.keys.push_back({person.name, person.signer.public_key, person.role, {}});
  }
  policy.guardian.approvals = {
      {CommandKind::override_value, 0.5, 2}, {CommandKind::resume, 0, 2}, {CommandKind::shift_setpoint, 0.2, 3}};
  return policy;
}

oracle::Hash32 hash_of_block(std::uint64_t number) {
  oracle::Hash32 hash{};
  for (std::size_t i = 0; i < 8; ++i) hash[31 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  hash[0] = 1;
  return hash;
}

}  // namespace

Result<engine::PolicyPtr> load_policy(const std::string& text) {
  if (text == "a") return std::make_shared<const engine::Policy>(policy_a());
  if (text == "b") return std::make_shared<const engine::Policy>(policy_b());
  if (text == "c") return std::make_shared<const engine::Policy>(policy_c());
  return fail(ErrorCode::unknown_name, "policy", "no policy '" + text + "'");
}

InputStream::InputStream(std::uint64_t seed) : random_(seed), now_(kStart) {}

engine::Input InputStream::next() {
  asked_for_.clear();
  forgery_ = Forgery::none;
  const double kind = random_.uniform();
  if (kind < 0.45) return samples();
  if (kind < 0.55) return chain();
  if (kind < 0.80) return tick();
  if (kind < 0.94) return answer();
  if (kind < 0.985) {
    if (in_force_ == "c" && random_.chance(0.9)) return signed_command();
    return command();
  }
  if (kind < 0.995) {
    return oracle::SourceReport{any({"alpha", "beta", "chain", "nobody"}), now_,
                                static_cast<oracle::SourceCondition>(random_.below(3)), "by chance"};
  }
  return policy_change();
}

void InputStream::note(const engine::Effects& effects) {
  for (const auto& adjustment : effects.adjustments) waiting_.push_back(adjustment);
  for (const auto& record : effects.records) last_id_ = record.id;
  if (!asked_for_.empty() && effects.outcome.accepted) in_force_ = asked_for_;
  if (effects.outcome.missing > 0) pending_.push_back(effects.outcome.id);
}

engine::Input InputStream::samples() {
  oracle::SampleBatch batch;
  batch.source = any({"alpha", "alpha", "beta", "beta", "nobody"});
  batch.first_sequence = random_.chance(0.05) ? sequence_ / 2 : sequence_ + 1;
  batch.received = now_;
  batch.metrics = {"last", "mean", "twap", "flow", "people", "steady", "unknown"};
  level_ = std::min(3.0, std::max(0.1, level_ * math::exp(0.05 * random_.normal())));
  const std::uint64_t count = 1 + random_.below(8);
  for (std::uint64_t i = 0; i < count; ++i) {
    double value = 10 * level_ * math::exp(0.1 * random_.normal());
    if (random_.chance(0.02)) value = std::numeric_limits<double>::quiet_NaN();
    if (random_.chance(0.02)) value = random_.uniform(-1e6, 1e6);
    Instant time = now_ - Duration::milliseconds(static_cast<std::int64_t>(random_.below(3000)));
    if (random_.chance(0.02)) time = now_ + Duration::hours(1);
    const auto index = random_.chance(0.02) ? 6 : random_.below(6);
    batch.samples.push_back({static_cast<std::uint32_t>(index), time, value});
  }
  sequence_ += count;
  return batch;
}

engine::Input InputStream::chain() {
  oracle::ChainSegment segment;
  segment.source = "chain";
  segment.received = now_;
  segment.events = {"Tip"};
  if (block_ > 3 && random_.chance(0.05)) {
    segment.rewind_to = block_ - 1;  // the newest block is taken back and made again
    block_ -= 1;
  }
  segment.from = block_ + 1;
  segment.to = block_ + 1 + random_.below(3);
  segment.parent = random_.chance(0.03) ? oracle::Hash32{9} : hash_of_block(block_);
  for (std::uint64_t number = segment.from; number <= segment.to; ++number) {
    oracle::ChainBlock block{number, hash_of_block(number), now_, {}};
    for (std::uint64_t i = random_.below(4); i > 0; --i) {
      oracle::ChainEvent tip;
      tip.log_index = static_cast<std::uint32_t>(block.events.size());
      tip.args = {hash_of_block(random_.below(200)), hash_of_block(0)};
      tip.args[1] = {};
      tip.args[1][31] = static_cast<std::uint8_t>(random_.below(256));
      tip.args[1][30] = static_cast<std::uint8_t>(random_.below(4));
      block.events.push_back(tip);
    }
    segment.blocks.push_back(std::move(block));
  }
  if (segment.parent == hash_of_block(block_)) block_ = segment.to;
  segment.finalized = block_ > 20 ? block_ - 20 : 0;
  return segment;
}

engine::Input InputStream::tick() {
  std::int64_t slots = 1;
  if (random_.chance(0.02)) slots = 0;
  if (random_.chance(0.02)) slots = static_cast<std::int64_t>(random_.below(30));
  now_ = now_ + kPeriod * slots;
  return engine::Tick{static_cast<std::uint64_t>(now_.ns / kPeriod.ns), now_};
}

engine::GuardianCommand InputStream::command() {
  engine::GuardianCommand command;
  command.actor = any({"alice", "bob"});
  command.reason = random_.chance(0.05) ? "" : "by chance";
  command.at = now_;
  command.kind = static_cast<CommandKind>(random_.below(10));
  const bool is_loop = command.kind == CommandKind::shift_setpoint || command.kind == CommandKind::clear_shift;
  command.target = is_loop ? any({"cool", "pay", "crowd", "nobody"}) : any({"fee", "reward", "bar", "boost", ""});
  if (command.kind == CommandKind::clear_halt) command.target = any({"steady", "chain", "last"});
  if (random_.chance(0.8)) command.until = now_ + Duration::seconds(static_cast<std::int64_t>(random_.below(120)));
  command.shift = random_.uniform(-6, 6);
  command.value = Decimal(static_cast<Decimal::Units>(random_.below(120)) * 5, 2);
  command.id = last_id_ - std::min<std::uint64_t>(last_id_, random_.below(12));
  return command;
}

engine::Input InputStream::signed_command() {
  constexpr std::size_t kSignedMax = 8;
  if (random_.chance(0.3)) forgery_ = static_cast<Forgery>(1 + random_.below(6));
  if (forgery_ == Forgery::replayed && signed_.empty()) forgery_ = Forgery::altered;
  if (forgery_ == Forgery::replayed) {
    engine::SignedCommand again = signed_[random_.below(signed_.size())];
    again.at = now_;
    return again;
  }
  const std::size_t known = people().size() - 1;
  const std::size_t who = forgery_ == Forgery::unknown_key ? known : random_.below(known);
  guardian::SignedOrder order;
  order.policy = forgery_ == Forgery::other_policy ? "a" : "c";
  order.key = people()[who].name;
  order.nonce = std::string(24, '0') + std::to_string(10'000'000 + ++nonce_);
  order.expires = now_ + Duration::seconds(1 + static_cast<std::int64_t>(random_.below(300)));
  if (forgery_ == Forgery::late) order.expires = now_ - Duration::seconds(static_cast<std::int64_t>(random_.below(60)));
  order.command = command();
  order.command.reason = "by chance";
  if (random_.chance(0.3)) {
    const CommandKind kinds[] = {CommandKind::allow_policy, CommandKind::approve, CommandKind::reject};
    order.command.kind = kinds[random_.below(3)];
    order.command.target = guardian::fingerprint(any({"a", "b"}));
    if (!pending_.empty()) order.command.id = pending_[random_.below(pending_.size())];
  }
  engine::SignedCommand command{now_, text_of(order), {}};
  const std::size_t signer = forgery_ == Forgery::wrong_signature ? (who + 1) % known : who;
  command.signature = people()[signer].signer.sign(command.text);
  if (forgery_ == Forgery::altered) {
    const auto bit = static_cast<unsigned char>(1u << random_.below(7));
    if (random_.chance(0.5))
      command.signature[random_.below(command.signature.size())] ^= bit;
    else
      command.text[random_.below(command.text.size())] ^= static_cast<char>(bit);
  } else if (forgery_ == Forgery::none) {
    signed_.push_back(command);
    if (signed_.size() > kSignedMax) signed_.pop_front();
  }
  return command;
}

engine::Input InputStream::answer() {
  if (waiting_.empty() || random_.chance(0.1)) {
    return engine::ActuatorReport{last_id_ - std::min<std::uint64_t>(last_id_, random_.below(50)),
                                  "executor",
                                  now_,
                                  random_.chance(0.5),
                                  Decimal(250, 2),
                                  "out of the blue"};
  }
  const engine::Adjustment adjustment = waiting_.front();  // sometimes long after it expired
  waiting_.pop_front();
  engine::ActuatorReport report{adjustment.id, "executor", now_, random_.chance(0.85), adjustment.value, "0x1"};
  if (random_.chance(0.1)) report.value = adjustment.previous;  // the chain clamped it
  return report;
}

engine::Input InputStream::policy_change() {
  const std::string text = asked_for_ = any({"a", "b", "c"});
  return engine::PolicyChange{now_, "alice", text, load_policy(text).value()};
}

std::string replay_report(std::uint64_t seed, std::uint64_t count) {
  InputStream stream(seed);
  engine::Engine engine(load_policy("a").value());
  std::uint64_t adjustments = 0;
  std::uint64_t updates = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const engine::Effects effects = engine.apply(stream.next());
    adjustments += effects.adjustments.size();
    updates += effects.updates.size();
    stream.note(effects);
  }
  const engine::View view = engine.view();
  return "seed " + std::to_string(seed) + "\ninputs " + std::to_string(count) + "\nticks " +
         std::to_string(view.ticks) + "\ndecisions " + std::to_string(view.decisions) + "\nadjustments " +
         std::to_string(adjustments) + "\nupdates " + std::to_string(updates) + "\ncommands accepted " +
         std::to_string(view.commands_accepted) + "\ncommands refused " + std::to_string(view.commands_refused) +
         "\ndecisions hash " + engine.decisions_hash().hex() + "\nstate hash " + engine.state_hash().hex() + "\n";
}

}  // namespace homeostat::golden
