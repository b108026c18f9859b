// Bundles under anything: a bundle is sent whole or not at all and its invariants hold of what would be applied, by
// what is known at the tick at which it is sent, also of a member that moves alone and of what waited in a veto window;
// a refused one changes nothing.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/random.hpp"
#include "engine/engine.hpp"

namespace homeostat::engine {
namespace {

constexpr std::int64_t kPeriodS = 10;
const Instant kStart = Instant::from_unix_seconds(1'700'000'000);

Decimal units(std::int64_t n) {
  return Decimal(n, 2);
}
std::int64_t within(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

guardian::ParameterSettings any_member(Random& random, const std::string& name) {
  guardian::ParameterSettings p;
  p.name = name;
  p.decimals = 2;
  p.quantum = units(5);
  p.min = units(0);
  p.max = units(1000);
  p.initial = units(500);
  if (random.chance(0.5)) p.change.absolute = units(within(random, 5, 300));
  if (random.chance(0.5)) p.cooldown_up = p.cooldown_down = Duration::seconds(within(random, 0, 60));
  if (random.chance(0.3)) p.drift = guardian::DriftBudget{units(within(random, 100, 2000)), Duration::seconds(200)};
  if (random.chance(0.3)) p.flaps = guardian::FlapBudget{2, Duration::seconds(300)};
  if (random.chance(0.3)) p.restricted_values = {{units(550), units(600)}};
  if (random.chance(0.3)) p.veto_window = Duration::seconds(within(random, 1, 40));
  p.expiry = Duration::seconds(60);
  p.ack_timeout = Duration::seconds(30);
  return p;
}

oracle::MetricSettings metric(const std::string& name) {
  oracle::MetricSettings m;
  m.name = name;
  m.min = 0;
  m.max = 10;
  m.origin = oracle::SampleOrigin{{"feed"}, 1};
  m.staleness_max = Duration::seconds(30);
  return m;
}

constexpr double kBeyondRoom = 6;

/// a and b follow what two metrics ask for, by a law or directly, or b is moved by nobody; their difference is bounded,
/// and so is their sum by what a third metric leaves room for.
Policy any_policy(Random& random, double apart) {
  Policy policy;
  policy.name = policy.digest = "any";
  policy.period = Duration::seconds(kPeriodS);
  policy.oracle.sources = {{"feed", 1e6, 1e6}};
  for (const char* name : {"a", "b"}) {
    const oracle::MetricSettings m = metric(std::string("want_") + name);
    policy.oracle.metrics.push_back(m);
    policy.guardian.parameters.push_back(any_member(random, name));
    controller::LoopSettings loop;
    loop.name = std::string("follow_") + name;
    loop.metric = m.name;
    loop.parameter = name;
    loop.setpoint = 5;
    loop.pid.action = controller::Action::reverse;
    loop.pid.gains = {1, random.chance(0.4) ? random.uniform(0, 0.01) : 0, 0};
    loop.pid.output_min = -5;
    loop.pid.output_max = 5;
    policy.loops.push_back(loop);
  }
  if (random.chance(0.3)) policy.loops.pop_back();
  policy.oracle.metrics.push_back(metric("room"));
  const std::string most = std::to_string(apart);
  policy.guardian.bundles = {{"pair",
                              {"a", "b"},
                              {{"near", "a - b <= " + most},
                               {"near_too", "b - a <= " + most},
                               {"roomy", "a + b <= room + " + std::to_string(kBeyondRoom)}}}};
  return policy;
}

struct Pair {
  explicit Pair(std::uint64_t seed)
      : random(seed), apart(static_cast<double>(within(random, 0, 6)) / 2), engine(made(any_policy(random, apart))) {}

  static PolicyPtr made(Policy policy) {
    const auto errors = check(policy);
    if (!errors.empty()) RC_FAIL(errors.front().text());
    return std::make_shared<const Policy>(std::move(policy));
  }
  [[nodiscard]] Instant now() const { return kStart + Duration::seconds(now_s); }
  Effects tick() {
    now_s += kPeriodS;
    const bool together = random.chance(0.7);
    const double value = random.uniform(0, 10);
    for (const char* name : {"a", "b"}) {
      if (random.chance(0.1)) continue;
      const double asked = together ? value : random.uniform(0, 10);
      tell(std::string("want_") + name, asked);
    }
    room = std::clamp(room + random.uniform(-2, 2), 0.0, 10.0);
    if (random.chance(0.8)) tell("room", room);
    return engine.apply(Tick{static_cast<std::uint64_t>(now().ns / 1'000'000'000 / kPeriodS), now()});
  }
  void tell(const std::string& name, double value) {
    (void)engine.apply(oracle::SampleBatch{"feed", ++sequence, now(), {name}, {{0, now(), value}}});
  }
  [[nodiscard]] Decimal applied(const std::string& name) const {
    return engine.view().parameters[name == "a" ? 0 : 1].value;
  }
  void check_refused(const View& before, const Effects& effects);
  void check_sent(const Adjustment& adjustment, const Effects& effects);
  /// Of what was not answered at once, most of it expired.
  void answer_late() {
    if (unanswered.empty() || !random.chance(0.1)) return;
    answer(unanswered.back());
    unanswered.pop_back();
  }
  void answer(const Adjustment& adjustment) {
    ActuatorReport report{adjustment.id, "executor", now(), random.chance(0.8), adjustment.value, "x", {}};
    if (report.applied) {
      for (const auto& m : adjustment.members) report.members.push_back({m.parameter.str(), m.value});
    }
    RC_ASSERT(engine.apply(report).outcome.accepted);
  }

  Random random;
  double apart;
  std::int64_t now_s = 0;
  std::uint64_t sequence = 0;
  double room = 7;
  std::vector<Adjustment> unanswered;
  std::map<std::uint64_t, DecisionRecord> decided;  ///< as they were made
  int sent = 0, sent_alone = 0, sent_late = 0, refused = 0;
  Engine engine;
};

/// No value, cooldown, budget or adjustment of any member changes.
void Pair::check_refused(const View& before, const Effects& effects) {
  ++refused;
  RC_ASSERT(effects.adjustments.empty());
  const auto after = engine.view();
  for (std::size_t p = 0; p < 2; ++p) {
    const auto& was = before.parameters[p];
    const auto& now = after.parameters[p];
    RC_ASSERT(now.value == was.value);
    RC_ASSERT(now.emitted == was.emitted);
    RC_ASSERT(now.last_raised == was.last_raised || was.in_flight != 0);  // an expiry gives back in the same tick
    RC_ASSERT(now.last_lowered == was.last_lowered || was.in_flight != 0);
    RC_ASSERT(now.in_flight == was.in_flight || now.in_flight == 0);
  }
  for (const auto& record : effects.records) {
    RC_ASSERT(record.value == record.previous);
    RC_ASSERT(std::any_of(record.limits.begin(), record.limits.end(),
                          [](const auto& b) { return b.limit == guardian::Limit::bundle && !b.detail.empty(); }));
  }
}

void Pair::check_sent(const Adjustment& adjustment, const Effects& effects) {
  std::map<std::string, double> values{{"a", applied("a").to_double()}, {"b", applied("b").to_double()}};
  std::vector<std::uint64_t> ids{adjustment.id};
  values[adjustment.parameter] = adjustment.value.to_double();
  for (const auto& m : adjustment.members) {
    values[m.parameter] = m.value.to_double();
    if (m.id != adjustment.id) ids.push_back(m.id);
  }
  RC_ASSERT(std::fabs(values["a"] - values["b"]) <= apart + 1e-9);
  const oracle::Reading reading = engine.view().metrics.back().reading;
  RC_ASSERT(is_usable(reading.quality));
  RC_ASSERT(values["a"] + values["b"] <= reading.value + kBeyondRoom + 1e-9);
  RC_ASSERT(adjustment.members.empty() || adjustment.members.size() == 2);
  for (const std::uint64_t id : ids) RC_ASSERT(decided.at(id).value == decided.at(id).wanted);  // nothing in part
  ++sent;
  if (adjustment.members.empty()) ++sent_alone;
  if (effects.records.empty() || adjustment.id < effects.records.front().id) ++sent_late;
}

RC_GTEST_PROP(Bundles, GoWholeOrNotAtAllAndWhatIsAppliedKeepsTheirInvariants, ()) {
  Pair pair(*rc::gen::arbitrary<std::uint64_t>());
  for (int i = 0; i < 60; ++i) {
    pair.answer_late();
    const auto before = pair.engine.view();
    const Effects effects = pair.tick();
    RC_ASSERT(effects.adjustments.size() <= 1);
    for (const auto& record : effects.records) pair.decided[record.id] = record;
    const bool is_late = !effects.adjustments.empty() && effects.adjustments.front().id < effects.records.front().id;
    bool is_refused = false;
    for (const auto& record : effects.records) {
      for (const auto& bite : record.limits) is_refused |= bite.limit == guardian::Limit::bundle;
    }
    if (is_refused && !is_late) pair.check_refused(before, effects);
    for (const auto& adjustment : effects.adjustments) {
      pair.check_sent(adjustment, effects);
      if (pair.random.chance(0.9)) {
        pair.answer(adjustment);
      } else {
        pair.unanswered.push_back(adjustment);
      }
    }
  }
  RC_CLASSIFY(pair.sent > 0 && pair.refused > 0, "both sent and refused");
  RC_CLASSIFY(pair.sent_alone > 0, "some of a member alone");
  RC_CLASSIFY(pair.sent_late > 0, "some after a veto window");
}

}  // namespace
}  // namespace homeostat::engine
