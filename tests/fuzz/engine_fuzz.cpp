// The engine under any sequence of inputs, decoded from bytes: whatever comes in, no adjustment is outside its limits,
// a bundle goes whole, a saved state continues bit for bit, and a replay of the inputs gives the same decisions.
// Arbitrary bytes as a saved state, or as an input, are an error or a state that can go on.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <string>

#include "core/check.hpp"
#include "engine/codec.hpp"
#include "engine/engine.hpp"

using namespace homeostat;
using engine::Adjustment;
using engine::Engine;

namespace {

constexpr std::size_t kInputsMax = 400;
constexpr std::int64_t kPeriodS = 10;
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

Decimal units(std::int64_t n) {
  return Decimal(n, 2);
}

guardian::ParameterSettings member(const char* name, int variant) {
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

/// Three parameters, two of them a bundle, the third with a veto window and two loops; one of them with a gain
/// schedule, and driven by another, in some variants.
engine::PolicyPtr policy(int variant) {
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
  policy.guardian.parameters = {member("a", variant), member("b", variant), member("c", variant)};
  policy.guardian.parameters[2].veto_window = Duration::seconds(variant % 2 == 0 ? 20 : 0);
  policy.guardian.bundles = {{"pair", {"a", "b"}, {{"near", "abs(a - b) <= 2"}}}};
  const auto loop = [&](const char* name, const char* metric, const char* parameter, double ki) {
    controller::LoopSettings l;
    l.name = name;
    l.metric = metric;
    l.parameter = parameter;
    l.setpoint = 5;
    l.pid.gains = {variant % 2 == 0 ? 1.0 : 0.4, ki, 0.5};
    l.pid.output_min = -4;
    l.pid.output_max = 4;
    l.emergency_above = 9;
    l.emergency_clear_after = Duration::seconds(30);
    policy.loops.push_back(l);
  };
  loop("la", "x", "a", 0.01);
  loop("lb", variant >= 2 ? "y" : "x", "b", 0.01);
  loop("lc", "x", "c", 0);
  loop("lc2", "y", "c", 0.002);
  if (variant >= 2) policy.loops[3].schedule = controller::GainSchedule{"x", {{0, 0.5}, {10, 2}}};
  if (variant == 3) {
    loop("outer", "x", "c", 0.003);
    policy.loops.back().drives = "lc2";
  }
  policy.loops[2].plant = controller::Plant{0.5, 2, Duration::seconds(60), Duration::seconds(10)};
  policy.loops[2].corridor = controller::Corridor{1, 9, Duration::seconds(300)};
  HOMEOSTAT_CHECK(engine::check(policy).empty());
  return std::make_shared<const engine::Policy>(std::move(policy));
}

const engine::PolicyPtr& policies(int variant) {
  static const engine::PolicyPtr all[] = {policy(0), policy(1), policy(2), policy(3)};
  return all[variant & 3];
}

struct Run {
  explicit Run(int variant) : live(policies(variant)), in_force(variant), began(variant) {}

  engine::Effects apply(engine::Input input) {
    std::map<std::string, Decimal> before;
    for (const auto& p : live.view().parameters) before[p.name] = p.value;
    engine::Effects effects = live.apply(input);
    inputs.push_back(std::move(input));
    for (const auto& record : effects.records) {
      HOMEOSTAT_CHECK(record.id == ++decisions && !record.why.empty());
      records[record.id] = record;
    }
    for (const auto& record : effects.updates) records[record.id] = record;
    for (const Adjustment& adjustment : effects.adjustments) check(adjustment, before);
    HOMEOSTAT_CHECK(live.outstanding().size() <= live.policy().guardian.parameters.size());
    return effects;
  }

  void check(const Adjustment& adjustment, std::map<std::string, Decimal> values) {
    HOMEOSTAT_CHECK(adjustment.members.size() != 1);
    if (adjustment.members.empty()) {
      check_one(adjustment.id, adjustment.parameter, adjustment.value, adjustment.previous);
      values[adjustment.parameter] = adjustment.value;
    }
    for (const auto& m : adjustment.members) {
      check_one(m.id, m.parameter, m.value, m.previous);
      values[m.parameter] = m.value;
    }
    if (adjustment.parameter.view() != "c") {
      HOMEOSTAT_CHECK((values.at("a") - values.at("b")).abs() <= units(200));
    }
    open.push_back(adjustment);
  }
  void check_one(std::uint64_t id, std::string_view name, Decimal value, Decimal previous) {
    const auto& all = live.policy().guardian.parameters;
    const auto p = std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.name == name; });
    HOMEOSTAT_CHECK(p != all.end() && value != previous && value.rounded_to(p->quantum) == value);
    const auto outside = [&](Decimal v) { return v < p->min ? p->min - v : v > p->max ? v - p->max : units(0); };
    HOMEOSTAT_CHECK(outside(value) == units(0) || outside(value) < outside(previous));
    const engine::DecisionRecord& record = records.at(id);
    HOMEOSTAT_CHECK(record.mode != guardian::OperatingMode::halted);
    const auto mode = live.view().mode;
    const auto most = guardian::change_max(*p, previous, mode);
    HOMEOSTAT_CHECK(!most || (value - previous).abs() <= *most);
    if (record.overridden) return;
    for (const auto& r : p->restricted_values) HOMEOSTAT_CHECK(value < r.from || value > r.to);
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
  std::deque<Adjustment> open;
  std::map<std::uint64_t, engine::DecisionRecord> records;
  std::vector<engine::Input> inputs;
};

void Run::answer(Bytes& bytes) {
  const std::uint8_t how = bytes.next();
  engine::ActuatorReport report{how, "executor", now(), how % 4 != 0, units(how), "because", {}};
  if (!open.empty()) {
    const std::size_t which = how % open.size();
    const Adjustment adjustment = open[which];
    report.adjustment = adjustment.id;
    report.value = how % 8 == 1 ? units(bytes.next() * 5) : adjustment.value;
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
  const char* const targets[] = {"", "a", "b", "c", "la", "lc2", "x", "nobody"};
  command.target = targets[bytes.next() % 8];
  const std::uint8_t much = bytes.next();
  if (much % 5 != 0) command.value = units(much * 5);
  command.shift = (much - 128) * 0.02;
  command.until = now() + Duration::seconds(much);
  command.id = open.empty() ? much : open.front().id;
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
  switch (op % 12) {
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

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)Engine::load(policies(0), {reinterpret_cast<const char*>(data), size});
  Bytes bytes(data, size);
  Run run(bytes.next() & 3);
  while (!bytes.empty() && run.inputs.size() < kInputsMax) run.step(bytes);
  load_changed(run.live, run.in_force, run.now(), Bytes(data, size));

  Engine replayed(policies(run.began));
  for (const engine::Input& input : run.inputs) (void)replayed.apply(input);
  HOMEOSTAT_CHECK(replayed.decisions_hash() == run.live.decisions_hash());
  HOMEOSTAT_CHECK(replayed.state_hash() == run.live.state_hash());
  return 0;
}
