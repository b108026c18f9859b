// Bundles under anything: a bundle is sent whole or not at all and its invariants hold of what would be applied; a
// refused one changes nothing.
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
  p.expiry = Duration::seconds(60);
  p.ack_timeout = Duration::seconds(30);
  return p;
}

/// a and b follow what two metrics ask for, by a law or directly; their difference is bounded.
Policy any_policy(Random& random, double apart) {
  Policy policy;
  policy.name = policy.digest = "any";
  policy.period = Duration::seconds(kPeriodS);
  policy.oracle.sources = {{"feed", 1e6, 1e6}};
  for (const char* name : {"a", "b"}) {
    oracle::MetricSettings m;
    m.name = std::string("want_") + name;
    m.min = 0;
    m.max = 10;
    m.origin = oracle::SampleOrigin{{"feed"}, 1};
    m.staleness_max = Duration::seconds(30);
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
  const std::string most = std::to_string(apart);
  policy.guardian.bundles = {{"pair", {"a", "b"}, {{"near", "a - b <= " + most}, {"near_too", "b - a <= " + most}}}};
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
      (void)engine.apply(
          oracle::SampleBatch{"feed", ++sequence, now(), {std::string("want_") + name}, {{0, now(), asked}}});
    }
    return engine.apply(Tick{static_cast<std::uint64_t>(now().ns / 1'000'000'000 / kPeriodS), now()});
  }
  [[nodiscard]] Decimal applied(const std::string& name) const {
    return engine.view().parameters[name == "a" ? 0 : 1].value;
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
  Engine engine;
};

RC_GTEST_PROP(Bundles, GoWholeOrNotAtAllAndWhatIsAppliedKeepsTheirInvariants, ()) {
  Pair pair(*rc::gen::arbitrary<std::uint64_t>());
  int sent = 0, refused = 0;
  for (int i = 0; i < 60; ++i) {
    const auto before = pair.engine.view();
    const Effects effects = pair.tick();
    RC_ASSERT(effects.adjustments.size() <= 1);
    bool is_refused = false;
    for (const auto& record : effects.records) {
      for (const auto& bite : record.limits) is_refused |= bite.limit == guardian::Limit::bundle;
    }
    if (is_refused) {
      ++refused;
      RC_ASSERT(effects.adjustments.empty());
      const auto after = pair.engine.view();
      for (std::size_t p = 0; p < 2; ++p) {  // no value, cooldown, budget or adjustment of any member
        const auto& was = before.parameters[p];
        const auto& now = after.parameters[p];
        RC_ASSERT(now.value == was.value);
        RC_ASSERT(now.emitted == was.emitted);
        RC_ASSERT(now.last_raised == was.last_raised || was.in_flight != 0);  // an expiry gives back in the same tick
        RC_ASSERT(now.last_lowered == was.last_lowered || was.in_flight != 0);
        RC_ASSERT(now.in_flight == was.in_flight || now.in_flight == 0);
        RC_ASSERT(effects.records[p].value == effects.records[p].previous);
        RC_ASSERT(std::any_of(effects.records[p].limits.begin(), effects.records[p].limits.end(),
                              [](const auto& b) { return b.limit == guardian::Limit::bundle && !b.detail.empty(); }));
      }
    }
    for (const auto& adjustment : effects.adjustments) {
      ++sent;
      std::map<std::string, double> values{{"a", pair.applied("a").to_double()}, {"b", pair.applied("b").to_double()}};
      values[adjustment.parameter] = adjustment.value.to_double();
      for (const auto& m : adjustment.members) values[m.parameter] = m.value.to_double();
      RC_ASSERT(std::fabs(values["a"] - values["b"]) <= pair.apart + 1e-9);
      RC_ASSERT(adjustment.members.empty() || adjustment.members.size() == 2);
      for (const auto& record : effects.records) RC_ASSERT(record.value == record.wanted);  // nothing clamped in part
      if (pair.random.chance(0.9)) pair.answer(adjustment);
    }
  }
  RC_CLASSIFY(sent > 0 && refused > 0, "both sent and refused");
}

}  // namespace
}  // namespace homeostat::engine
