#include "input_stream.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/math.hpp"
#include "guardian/signed_order.hpp"

namespace homeostat::golden {
namespace {

using engine::CommandKind;

const Instant kStart = Instant::from_unix_seconds(1'750'000'000);

constexpr std::size_t kFair = 6;  ///< the metric whose samples say how sure they are, in a batch
constexpr std::size_t kWaitingMax = 64;
constexpr std::size_t kUndecidedMax = 8;
constexpr std::size_t kPendingMax = 4;
constexpr std::size_t kInEffectMax = 8;
constexpr std::size_t kAdmin = 3;  ///< of people()

/// Policies that are asked for. Those with keys are not left easily.
const std::vector<const char*> kWanted = {"a", "b", "c", "d", "d", "e"};

Decimal halfway(Decimal a, Decimal b) {
  return a + Decimal((b - a).units() / 2, a.decimals());
}

oracle::Hash32 hash_of_block(std::uint64_t number) {
  oracle::Hash32 hash{};
  for (std::size_t i = 0; i < 8; ++i) hash[31 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  hash[0] = 1;
  return hash;
}

}  // namespace

InputStream::InputStream(std::uint64_t seed) : random_(seed), now_(kStart) {}

engine::Input InputStream::next() {
  asked_for_.clear();
  allows_.clear();
  clears_ = false;
  ordered_.reset();
  forgery_ = Forgery::none;
  const double kind = random_.uniform();
  if (kind < 0.40) return samples();
  if (kind < 0.47) return chain();
  if (kind < 0.70) return tick();
  if (kind < 0.91) return answer();
  if (kind < 0.987) {
    if (!policy_in_force().guardian.keys.empty() && random_.chance(0.95)) return signed_command();
    const engine::GuardianCommand order = command();
    ordered_ = order;
    return order;
  }
  if (kind < 0.993) return source_report();
  return policy_change();
}

void InputStream::note(const engine::Effects& effects) {
  for (const auto& adjustment : effects.adjustments) waiting_.push_back(adjustment);
  while (waiting_.size() > kWaitingMax) waiting_.pop_front();
  for (const auto& record : effects.records) {
    last_id_ = record.id;
    const bool waits =
        record.outcome == engine::Outcome::awaiting_approval || record.outcome == engine::Outcome::awaiting_veto;
    if (waits) undecided_.push_back(record.id);
  }
  while (undecided_.size() > kUndecidedMax) undecided_.pop_front();
  if (!asked_for_.empty() && effects.outcome.accepted) in_force_ = asked_for_;
  if (effects.outcome.missing > 0) pending_.push_back(effects.outcome.id);
  if (pending_.size() > kPendingMax) pending_.pop_front();
  if (clears_ && (effects.outcome.accepted || random_.chance(0.3))) violated_.clear();
  if (ordered_ && effects.outcome.missing == 0) note_order(*ordered_, effects.outcome.accepted);
  if (!allows_.empty() && effects.outcome.accepted && effects.outcome.missing == 0) allowed_ = allows_;
}

/// What can be taken back, and what needs no more orders.
void InputStream::note_order(const engine::GuardianCommand& command, bool is_accepted) {
  const bool is_signature = command.kind == CommandKind::approve || command.kind == CommandKind::reject;
  if (is_signature) std::erase(pending_, command.id);
  if (command.kind == CommandKind::release || command.kind == CommandKind::veto) std::erase(undecided_, command.id);
  if (!is_accepted) return;
  const std::map<CommandKind, CommandKind> backs = {{CommandKind::pause, CommandKind::resume},
                                                    {CommandKind::override_value, CommandKind::clear_override},
                                                    {CommandKind::shift_setpoint, CommandKind::clear_shift},
                                                    {CommandKind::emergency_on, CommandKind::emergency_off}};
  const auto back = backs.find(command.kind);
  if (back != backs.end()) in_effect_.emplace_back(back->second, command.target);
  if (in_effect_.size() > kInEffectMax) in_effect_.pop_front();
}

const engine::Policy& InputStream::policy_in_force() const {
  return *load_policy(in_force_).value();
}

/// A source that fails comes back before long.
engine::Input InputStream::source_report() {
  using oracle::SourceCondition;
  oracle::SourceReport report{any({"alpha", "beta", "chain", "chain", "chain", "nobody"}), now_,
                              SourceCondition::connected, "by chance"};
  if (!failing_.empty() && random_.chance(0.85)) {
    report.source = failing_;
  } else if (random_.chance(0.5)) {
    report.condition = static_cast<SourceCondition>(1 + random_.below(4));
  }
  // What is violated stays so until a guardian clears it.
  if (report.condition == SourceCondition::violated) violated_ = report.source;
  failing_ = report.condition == SourceCondition::connected ? "" : report.source;
  return report;
}

engine::Input InputStream::samples() {
  oracle::SampleBatch batch;
  batch.source = any({"alpha", "alpha", "alpha", "alpha", "beta", "beta", "beta", "beta", "gamma"});
  batch.first_sequence = random_.chance(0.05) ? sequence_ / 2 : sequence_ + 1;
  batch.received = now_;
  batch.metrics = {"last", "mean", "twap", "flow", "people", "steady", "fair", "unknown"};
  level_ *= math::exp(0.05 * random_.normal() - 0.004 * math::log(level_));  // wanders, and comes back
  level_ = std::min(3.0, std::max(0.1, level_));
  const std::uint64_t count = random_.chance(0.01) ? 100 : 1 + random_.below(8);
  for (std::uint64_t i = 0; i < count; ++i) {
    double value = 10 * level_ * math::exp(0.1 * random_.normal());
    if (random_.chance(0.02)) value = std::numeric_limits<double>::quiet_NaN();
    if (random_.chance(0.02)) value = random_.uniform(-1e6, 1e6);
    if (random_.chance(0.01)) value *= 8;
    Instant time = now_ - Duration::milliseconds(static_cast<std::int64_t>(random_.below(3000)));
    if (random_.chance(0.02)) time = now_ + Duration::hours(1);
    if (random_.chance(0.02)) time = now_ - Duration::seconds(static_cast<std::int64_t>(random_.below(120)));
    const auto index = random_.chance(0.01) ? kFair + 1 : random_.below(kFair + 1);
    if (index == kFair && random_.chance(0.7)) {
      batch.details.push_back({static_cast<std::uint32_t>(i), 0.02 * value, random_.uniform(0, 200)});
      if (!(value > 0)) batch.details.back().confidence = 0;
    }
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
  segment.safe = block_ > 6 ? block_ - 6 : 0;
  segment.finalized = block_ > 20 ? block_ - 20 : 0;
  return segment;
}

engine::Input InputStream::tick() {
  std::int64_t slots = 1;
  if (random_.chance(0.02)) slots = 0;
  if (random_.chance(0.02)) slots = static_cast<std::int64_t>(random_.below(30));
  const Duration period = policy_in_force().period;
  now_ = now_ + period * slots;
  return engine::Tick{static_cast<std::uint64_t>(now_.ns / period.ns), now_};
}

engine::GuardianCommand InputStream::command() {
  engine::GuardianCommand command;
  command.actor = any({"alice", "bob"});
  command.reason = random_.chance(0.05) ? "" : "by chance";
  command.at = now_;
  command.kind = random_.chance(0.1) ? CommandKind::override_value : static_cast<CommandKind>(random_.below(10));
  const engine::Policy& policy = policy_in_force();
  const auto& settings = policy.guardian.parameters[random_.below(policy.guardian.parameters.size())];
  command.target = random_.chance(0.05) ? "nobody" : settings.name;
  const bool is_loop = command.kind == CommandKind::shift_setpoint || command.kind == CommandKind::clear_shift;
  if (is_loop) command.target = policy.loops[random_.below(policy.loops.size())].name;
  if (command.kind == CommandKind::clear_halt) command.target = any({"steady", "chain", "last"});
  if (command.kind == CommandKind::pause && random_.chance(0.3)) command.target.clear();
  // What waits in its veto window is overtaken now and then.
  if (command.kind == CommandKind::override_value && random_.chance(0.6)) command.target = "bar";
  if (!in_effect_.empty() && random_.chance(0.3)) {
    std::tie(command.kind, command.target) = in_effect_.back();
    in_effect_.pop_back();
  }
  if (!violated_.empty() && random_.chance(0.3)) {
    command.kind = CommandKind::clear_halt;
    command.target = violated_;
  }
  if (command.kind == CommandKind::emergency_on || command.kind == CommandKind::emergency_off) command.target.clear();
  if (random_.chance(0.95)) command.until = now_ + Duration::seconds(static_cast<std::int64_t>(random_.below(120)));
  command.shift = random_.uniform(-6, 6);
  command.value = Decimal(static_cast<Decimal::Units>(random_.below(120)) * 5, 2);
  command.id = last_id_ - std::min<std::uint64_t>(last_id_, random_.below(12));
  clears_ = command.kind == CommandKind::clear_halt && command.target == violated_;
  const bool names_undecided = !undecided_.empty() && random_.chance(0.5);
  if (names_undecided && !clears_) {
    command.kind = random_.chance(0.25) ? CommandKind::veto : CommandKind::release;
    // Mostly one that still waits.
    command.id = random_.chance(0.8) ? undecided_.back() : undecided_[random_.below(undecided_.size())];
  }
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
  std::size_t who = forgery_ == Forgery::unknown_key ? known : random_.below(known);
  if (who == 0 && random_.chance(0.6)) who = 1 + random_.below(2);  // most orders are a guardian's
  guardian::SignedOrder order;
  order.policy = forgery_ == Forgery::other_policy ? "a" : in_force_;
  order.nonce = std::string(24, '0') + std::to_string(10'000'000 + ++nonce_);
  order.expires = now_ + Duration::seconds(1 + static_cast<std::int64_t>(random_.below(300)));
  if (forgery_ == Forgery::late) order.expires = now_ - Duration::seconds(static_cast<std::int64_t>(random_.below(60)));
  order.command = command();
  order.command.reason = "by chance";
  if (random_.chance(pending_.empty() ? 0.15 : 0.6)) {
    const CommandKind kinds[] = {CommandKind::approve, CommandKind::approve, CommandKind::reject,
                                 CommandKind::allow_policy};
    order.command.kind = pending_.empty() ? CommandKind::allow_policy : kinds[random_.below(4)];
    clears_ = false;
    const std::string text = any(kWanted);
    if (order.command.kind == CommandKind::allow_policy) {
      allows_ = text;
      if (forgery_ == Forgery::none) who = kAdmin;
    }
    order.command.target = guardian::fingerprint(text);
    if (!pending_.empty())
      order.command.id = random_.chance(0.7) ? pending_.back() : pending_[random_.below(pending_.size())];
  }
  if (forgery_ == Forgery::none) ordered_ = order.command;
  order.key = people()[who].name;
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
                                  "out of the blue",
                                  {}};
  }
  // Mostly the newest; sometimes one that expired long ago.
  const std::size_t back = random_.chance(0.75) ? 1 : 1 + random_.below(std::min<std::size_t>(waiting_.size(), 20));
  const auto which = waiting_.end() - static_cast<std::ptrdiff_t>(back);
  const engine::Adjustment adjustment = *which;
  waiting_.erase(which);
  const bool is_applied = random_.chance(0.85);
  engine::ActuatorReport report{adjustment.id, "executor", now_, is_applied, adjustment.value, "0x1", {}};
  const bool is_partial = random_.chance(0.15);  // the chain clamped it, or there was less to move
  if (is_partial) report.value = halfway(adjustment.previous, adjustment.value);
  for (const auto& m : adjustment.members) {
    if (!is_applied || random_.chance(0.05)) continue;  // an answer that says nothing of a member
    report.members.push_back({m.parameter.str(), is_partial && random_.chance(0.5) ? m.previous : m.value});
  }
  return report;
}

engine::Input InputStream::policy_change() {
  if (random_.chance(0.2)) {
    const std::string bad = any({kBadPolicies.begin(), kBadPolicies.end()});
    return engine::PolicyChange{now_, "alice", bad, load_policy(bad).value(), random_.chance(0.3)};
  }
  asked_for_ = any(kWanted);
  if (!allowed_.empty() && random_.chance(0.7)) std::swap(asked_for_, allowed_);
  allowed_.clear();
  return engine::PolicyChange{now_, "alice", asked_for_, load_policy(asked_for_).value(), random_.chance(0.3)};
}

}  // namespace homeostat::golden
