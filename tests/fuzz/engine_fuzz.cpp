// The engine under any sequence of inputs, decoded from bytes: whatever comes in, no adjustment is outside its limits,
// a bundle goes whole, an action is sent once and exactly, what needs a release is sent only after one in time, a saved
// state continues bit for bit, and a replay of the inputs gives the same decisions.
// Arbitrary bytes as a saved state, or as an input, are an error or a state that can go on.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "core/check.hpp"
#include "engine/codec.hpp"
#include "engine/engine.hpp"
#include "engine_policies.hpp"

using namespace homeostat;
using engine::Adjustment;
using engine::Engine;
using fuzz::kPeriodS;
using fuzz::policies;
using fuzz::units;

namespace {

constexpr std::size_t kInputsMax = 400;
constexpr std::size_t kWaitingMax = 8;
constexpr double kBase = 5;  ///< of the decoupled parameters, in every policy
const Instant kStart = Instant::from_unix_seconds(1'700'000'000);

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  [[nodiscard]] bool empty() const { return left_ == 0; }
  std::uint8_t next() { return left_ == 0 ? 0 : (--left_, *data_++); }
  std::string_view take(std::size_t n) {
    n = std::min(n, left_);
    const std::string_view text(reinterpret_cast<const char*>(data_), n);
    data_ += n;
    left_ -= n;
    return text;
  }
  double number() {
    const std::uint8_t kind = next();
    if (kind < 250) return kind * 0.05 + next() * 0.0002;  // where the metrics are
    double x = 0;
    const std::string_view raw = take(sizeof x);
    std::memcpy(&x, raw.data(), raw.size());
    return x;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

/// What was said of a decision when it was made.
struct Decided {
  guardian::OperatingMode mode = guardian::OperatingMode::normal;
  bool overridden = false;
  engine::Outcome outcome = engine::Outcome::no_change;
  Instant approval_ends;  ///< of one that waits for a release
  std::vector<std::uint64_t> group;
};

struct Run {
  explicit Run(int variant) : live(policies(variant)), in_force(variant), began(variant) {}

  engine::Effects apply(engine::Input input) {
    const bool is_tick = std::holds_alternative<engine::Tick>(input);
    std::map<std::string, Decimal> before;  // only a tick sends anything
    if (is_tick) {
      for (const auto& p : live.view().parameters) before[p.name] = p.value;
    }
    engine::Effects effects = live.apply(input);
    if (const auto* c = std::get_if<engine::GuardianCommand>(&input); c != nullptr && effects.outcome.accepted) {
      if (c->kind == guardian::CommandKind::release) note_release(*c);
    }
    inputs.push_back(std::move(input));
    for (const auto& record : effects.records) note(record, effects.records);
    if (!is_tick) {
      HOMEOSTAT_CHECK(effects.adjustments.empty());
      return effects;
    }
    mode = live.view().mode;
    for (const Adjustment& adjustment : effects.adjustments) check(adjustment, before);
    HOMEOSTAT_CHECK(live.outstanding().size() <= live.policy().guardian.parameters.size());
    return effects;
  }

  const guardian::ParameterSettings& settings_of(std::string_view name) const {
    const auto& all = live.policy().guardian.parameters;
    const auto p = std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.name == name; });
    HOMEOSTAT_CHECK(p != all.end());
    return *p;
  }
  /// How long a guardian's release of it is waited for; 0 = it needs none.
  Duration approval_of(const engine::DecisionRecord& record) const {
    const auto& p = settings_of(record.parameter);
    const bool is_large = p.approve_above && (record.value - record.previous).abs() > *p.approve_above;
    return is_large && !record.overridden ? p.approval_max : Duration::zero();
  }
  void note(const engine::DecisionRecord& record, const std::vector<engine::DecisionRecord>& all) {
    HOMEOSTAT_CHECK(record.id == ++decisions && !record.why.empty());
    check_terms(record);
    Duration approval = approval_of(record);
    for (const auto& other : all) {
      const bool is_with = std::find(record.group.begin(), record.group.end(), other.id) != record.group.end();
      if (is_with) approval = std::max(approval, approval_of(other));
    }
    const bool moves = record.value != record.previous;
    HOMEOSTAT_CHECK((record.outcome == engine::Outcome::awaiting_approval) == (moves && approval > Duration::zero()));
    if (!moves) return;
    decided[record.id] = {record.mode, record.overridden, record.outcome, record.at + approval, record.group};
    if (record.outcome != engine::Outcome::emitted) waiting.push_back(record.id);
    if (waiting.size() > kWaitingMax) waiting.pop_front();
  }
  void note_release(const engine::GuardianCommand& command) {
    std::vector<std::uint64_t> ids = decided.at(command.id).group;
    if (ids.empty()) ids = {command.id};
    for (const std::uint64_t id : ids) {
      HOMEOSTAT_CHECK(decided.at(id).outcome == engine::Outcome::awaiting_approval);
      HOMEOSTAT_CHECK(command.at < decided.at(id).approval_ends);  // afterwards nobody's word counts
      HOMEOSTAT_CHECK(released.insert(id).second);
    }
  }

  /// What a decoupling makes of its loops is what the record says that it makes of them.
  static void check_terms(const engine::DecisionRecord& record) {
    HOMEOSTAT_CHECK(std::isfinite(record.proposed));
    if (record.loops.empty() || record.loops.front().decoupling.empty() || record.loops.front().waiting) return;
    double sum = kBase, size = kBase;
    for (const auto& terms : record.loops) {
      if (!terms.drives.empty()) continue;
      sum += terms.contribution;
      size += std::fabs(terms.contribution);
    }
    HOMEOSTAT_CHECK(std::fabs(record.proposed - sum) <= 1e-9 * size);
  }

  void check(const Adjustment& adjustment, std::map<std::string, Decimal> values) {
    HOMEOSTAT_CHECK(adjustment.members.size() != 1);
    if (adjustment.members.empty()) {
      check_one(adjustment.id, adjustment.parameter, adjustment.value, adjustment.previous, adjustment.act);
      values[adjustment.parameter] = adjustment.value;
    }
    for (const auto& m : adjustment.members) {
      check_one(m.id, m.parameter, m.value, m.previous, m.act);
      values[m.parameter] = m.value;
    }
    for (const auto& bundle : live.policy().guardian.bundles) {
      const auto& of = bundle.members;
      if (std::find(of.begin(), of.end(), adjustment.parameter.str()) == of.end()) continue;
      HOMEOSTAT_CHECK((values.at(of[0]) - values.at(of[1])).abs() <= units(200));
    }
    open.push_back(adjustment);
  }
  void check_one(std::uint64_t id, std::string_view name, Decimal value, Decimal previous, const engine::Act& act) {
    const auto& p = settings_of(name);
    HOMEOSTAT_CHECK(sent.insert(id).second);  // one order, one adjustment
    HOMEOSTAT_CHECK(value != previous && value.rounded_to(p.quantum) == value);
    const auto outside = [&](Decimal v) { return v < p.min ? p.min - v : v > p.max ? v - p.max : units(0); };
    HOMEOSTAT_CHECK(outside(value) == units(0) || outside(value) < outside(previous));
    const Decided& decision = decided.at(id);
    HOMEOSTAT_CHECK(decision.mode != guardian::OperatingMode::halted && mode != guardian::OperatingMode::halted);
    const auto most = guardian::change_max(p, previous, mode);
    HOMEOSTAT_CHECK(!most || (value - previous).abs() <= *most);
    if (guardian::is_amount(p.action.kind)) check_amount(p.action, value - previous, act);
    if (decision.outcome == engine::Outcome::awaiting_approval) HOMEOSTAT_CHECK(released.contains(id));
    if (decision.overridden) return;
    for (const auto& r : p.restricted_values) HOMEOSTAT_CHECK(value < r.from || value > r.to);
  }
  static void check_amount(const guardian::Action& action, Decimal amount, const engine::Act& act) {
    HOMEOSTAT_CHECK(amount > units(0) && act.amount == amount && act.kind == action.kind);
    Decimal sum = units(0);
    for (const auto& t : act.transfers) sum = sum + t.amount;
    HOMEOSTAT_CHECK(act.transfers.size() == action.recipients.size());
    HOMEOSTAT_CHECK(act.transfers.empty() || sum == amount);
  }

  Instant now() const { return kStart + Duration::seconds(now_s); }
  void step(Bytes& bytes);
  void answer(Bytes& bytes);
  void order(Bytes& bytes);
  void restart();

  Engine live;
  int in_force, began;
  std::int64_t now_s = 0;
  std::uint64_t sequence = 0, decisions = 0;
  guardian::OperatingMode mode = guardian::OperatingMode::normal;
  std::deque<Adjustment> open;
  std::deque<std::uint64_t> waiting;  ///< decisions that are, or were, in a veto window or wait for a release
  std::map<std::uint64_t, Decided> decided;
  std::set<std::uint64_t> sent, released;
  std::vector<engine::Input> inputs;
};

void Run::answer(Bytes& bytes) {
  const std::uint8_t how = bytes.next();
  engine::ActuatorReport report{how, "executor", now(), how % 4 != 0, units(how), "because", {}};
  if (!open.empty()) {
    const std::size_t which = how % open.size();
    const Adjustment adjustment = open[which];
    report.adjustment = adjustment.id;
    report.value = how % 8 == 1 ? units(bytes.next() * 5 + how / 64) : adjustment.value;
    for (const auto& m : adjustment.members) {
      if (how % 16 == 2) continue;  // says nothing of some
      report.members.push_back({m.parameter.str(), how % 16 == 3 ? m.previous : m.value});
    }
    if (how % 3 != 0) open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
  }
  (void)apply(report);
}

void Run::order(Bytes& bytes) {
  guardian::Command command;
  command.actor = "ann";
  command.reason = "drill";
  command.at = now();
  command.kind = static_cast<guardian::CommandKind>(bytes.next() % guardian::kCommandKindCount);
  const char* const targets[] = {"",  "a", "b",    "c",  "la", "lc2", "x", "nobody",
                                 "d", "e", "paid", "ld", "le", "lp",  "f", "lg"};
  command.target = targets[bytes.next() % std::size(targets)];
  const std::uint8_t much = bytes.next();
  if (much % 5 != 0) command.value = units(much * 5);
  command.shift = (much - 128) * 0.02;
  command.until = now() + Duration::seconds(much);
  const bool is_of_waiting =
      command.kind == guardian::CommandKind::veto || command.kind == guardian::CommandKind::release;
  command.id = is_of_waiting && !waiting.empty() ? waiting[much % waiting.size()] : much;
  (void)apply(command);
}

void Run::restart() {
  const std::string saved = live.save();
  auto again = Engine::load(policies(in_force), saved);
  HOMEOSTAT_CHECK(again && again->save() == saved);
  live = std::move(*again);
}

void Run::step(Bytes& bytes) {
  const std::uint8_t op = bytes.next();
  switch (op % 14) {
    case 0:
    case 1:
    case 2:
    case 3: {
      now_s += kPeriodS * (op >= 240 ? 20 : 1);
      (void)apply(engine::Tick{static_cast<std::uint64_t>(now().ns / 1'000'000'000 / kPeriodS), now()});
      break;
    }
    case 4:
    case 5: {
      const char* const metrics[] = {"x", "y"};
      const auto at = now() - Duration::seconds(op / 16);
      (void)apply(oracle::SampleBatch{"feed", ++sequence, now(), {metrics[op & 1]}, {{0, at, bytes.number()}}});
      break;
    }
    case 6:
    case 7: answer(bytes); break;
    case 8: order(bytes); break;
    case 9: restart(); break;
    case 10: {  // any bytes as an input
      const std::string_view text = bytes.take(bytes.next());
      if (auto input = engine::decode(text, {}); input) {
        if (const auto* tick = std::get_if<engine::Tick>(&*input)) {
          if (tick->at > now() + Duration::hours(1) || tick->at < now()) break;  // the edge reads one clock
        }
        (void)apply(*std::move(input));
      }
      break;
    }
    case 11: now_s += op / 14 % kPeriodS; break;  // guardians and executors do not wait for ticks
    case 12: {
      if (waiting.empty()) break;
      guardian::Command command{"ann", "as voted", now(), guardian::CommandKind::release};
      command.id = waiting.back();
      (void)apply(command);
      break;
    }
    default:
      in_force = bytes.next() & 3;
      (void)apply(engine::PolicyChange{now(), "ann", "", policies(in_force)});
      break;
  }
}

/// A saved state with some of its bytes changed: refused, or one that can go on.
void load_changed(const Engine& engine, int in_force, Instant now, Bytes bytes) {
  std::string saved = engine.save();
  for (int i = 0; i < 4 && !bytes.empty(); ++i) {
    const std::size_t where = (std::size_t{bytes.next()} << 8 | bytes.next()) % saved.size();
    saved[where] = static_cast<char>(saved[where] ^ bytes.next());
  }
  auto other = Engine::load(policies(in_force), saved);
  if (!other) {
    HOMEOSTAT_CHECK(!other.error().message.empty());
    return;
  }
  const Instant at = now + Duration::seconds(kPeriodS);
  (void)other->apply(engine::Tick{static_cast<std::uint64_t>(at.ns / 1'000'000'000 / kPeriodS), at});
  (void)other->view();
}

}  // namespace

// The first byte says what is done: a policy to begin with, and what beside the sequence itself. A state to be loaded
// is most of an input's cost, and so is only a part of the inputs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  const std::uint8_t first = bytes.next();
  if (first >= 224) {
    (void)Engine::load(policies(0), {reinterpret_cast<const char*>(data + 1), size - 1});
    return 0;
  }
  Run run(first % fuzz::kVariants);
  while (!bytes.empty() && run.inputs.size() < kInputsMax) run.step(bytes);
  if (first >= 128) load_changed(run.live, run.in_force, run.now(), Bytes(data, size));

  Engine replayed(policies(run.began));
  for (const engine::Input& input : run.inputs) (void)replayed.apply(input);
  HOMEOSTAT_CHECK(replayed.decisions_hash() == run.live.decisions_hash());
  HOMEOSTAT_CHECK(replayed.state_hash() == run.live.state_hash());
  return 0;
}
