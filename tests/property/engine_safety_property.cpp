// The whole engine under random policies, readings, guardians, executors and clocks, watched by a ledger that knows
// nothing of its code: what an executor is ever asked to do keeps every limit, an automaton that must be still is
// still, and who gets the wheel back goes on from where it is.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <set>

#include "controller/law.hpp"
#include "core/random.hpp"
#include "engine/engine.hpp"

namespace homeostat::engine {
namespace {

constexpr std::int64_t kPeriodS = 10;
constexpr int kTicks = 150;
const Instant kStart = Instant::from_unix_seconds(1'700'000'000);

std::int64_t within(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}
Duration some_seconds(Random& random, std::int64_t low, std::int64_t high) {
  return Duration::seconds(within(random, low, high));
}

oracle::MetricSettings any_metric(Random& random, const std::string& name) {
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
Decimal units(std::int64_t n) {
  return Decimal(n, kDecimals);
}

guardian::ChangeLimit any_change(Random& random, std::int64_t quantum) {
  guardian::ChangeLimit change;
  if (random.chance(0.6)) change.absolute = units(quantum * within(random, 1, 40) + within(random, 0, quantum - 1));
  if (random.chance(0.4)) change.relative = random.uniform(0.001, 0.5);
  return change;
}

guardian::ParameterSettings any_parameter(Random& random, const std::string& name) {
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
  p.arbitration = static_cast<guardian::Arbitration>(random.below(5));
  p.expiry = some_seconds(random, 15, 120);
  p.ack_timeout = some_seconds(random, 5, 60);
  if (random.chance(0.3)) p.veto_window = some_seconds(random, 1, 60);
  return p;
}

controller::Gains any_gains(Random& random, double integral_min_per_s) {
  return {random.uniform(0, 0.05), random.uniform(integral_min_per_s, 0.005),
          random.chance(0.3) ? random.uniform(0, 0.2) : 0};
}

/// Any of the laws other than pid; what of its settings cannot hold for a parameter (a fee below 0) must be held.
std::shared_ptr<const controller::LawSettings> any_law(Random& random) {
  using namespace controller;
  LawSettings law;
  if (random.chance(0.5)) law.hand_back_half_life = some_seconds(random, 1, 500);
  const Duration every = random.chance(0.5) ? some_seconds(random, 1, 60) : Duration::zero();
  switch (random.below(7)) {
    case 0: {
      RaiPiLaw rai{.per = some_seconds(random, 1, 100), .units_per_ratio = 100};
      rai.settings.variant = static_cast<rai::Variant>(random.below(8));
      rai.settings.kp = wad() / within(random, 10, 100'000);
      if (random.chance(0.7)) rai.settings.ki = wad() / within(random, 10, 1'000'000);
      if (random.chance(0.5)) rai.settings.leak = ray() - ray() / within(random, 10, 100'000);
      if (random.chance(0.3)) rai.settings.noise_barrier = wad() - wad() / within(random, 2, 1000);
      if (random.chance(0.5)) rai.redemption_price = "y";
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

/// A loop whose own limits never bite, so that what it says is what its law says.
controller::LoopSettings any_loop(Random& random, std::size_t index, double integral_min_per_s, bool any_laws) {
  controller::LoopSettings l;
  l.name = "loop" + std::to_string(index);
  l.metric = random.chance(0.5) ? "x" : "y";
  l.parameter = index == 0 || random.chance(0.4) ? "one" : "two";
  l.setpoint = random.uniform(20, 80);
  l.pid.gains = any_gains(random, integral_min_per_s);
  l.pid.action = random.chance(0.5) ? controller::Action::direct : controller::Action::reverse;
  l.pid.error = random.chance(0.3) ? controller::ErrorKind::relative : controller::ErrorKind::absolute;
  l.pid.deadband = random.chance(0.3) ? random.uniform(0, 5) : 0;
  l.pid.setpoint_weight = random.chance(0.5) ? 1 : random.uniform();
  if (random.chance(0.3)) l.pid.leak_half_life = some_seconds(random, 10, 1000);
  if (random.chance(0.5)) l.pid.derivative_filter = some_seconds(random, 0, 100);
  l.pid.feed_forward = random.chance(0.3) ? random.uniform(-1, 1) : 0;
  l.pid.output_min = -1e6;
  l.pid.output_max = 1e6;
  if (random.chance(0.3)) l.emergency = any_gains(random, integral_min_per_s);
  if (random.chance(0.3)) l.emergency_above = random.uniform(85, 99);
  l.emergency_clear_after = some_seconds(random, 0, 60);
  if (any_laws && random.chance(0.35)) {
    l.law = any_law(random);
    l.pid.action = controller::action_of(*l.law);
    l.emergency.reset();
  }
  return l;
}

Policy any_policy(Random& random, double integral_min_per_s, bool any_laws) {
  Policy policy;
  policy.name = "any";
  policy.digest = "any";
  policy.period = Duration::seconds(kPeriodS);
  policy.oracle.sources = {{"feed", 1e6, 1e6}};
  policy.oracle.metrics = {any_metric(random, "x"), any_metric(random, "y")};
  policy.guardian.parameters = {any_parameter(random, "one"), any_parameter(random, "two")};
  for (std::size_t i = 1 + random.below(4); i-- > 0;) {
    policy.loops.push_back(any_loop(random, policy.loops.size(), integral_min_per_s, any_laws));
  }
  return policy;
}

PolicyPtr shared(Policy policy) {
  const auto errors = check(policy);
  if (!errors.empty()) RC_FAIL(errors.front().text());
  return std::make_shared<const Policy>(std::move(policy));
}

/// The engine and what surrounds it. Every input goes through `apply` here, and what is known from outside about
/// orders and answers is kept beside it.
struct World {
  explicit World(std::uint64_t seed, double integral_min_per_s = 0, bool any_laws = true)
      : random(seed), engine(shared(any_policy(random, integral_min_per_s, any_laws))) {}

  [[nodiscard]] Instant now() const { return kStart + Duration::seconds(now_s); }
  [[nodiscard]] Tick next_tick() const {
    return {static_cast<std::uint64_t>(now().ns / 1'000'000'000 / kPeriodS), now()};
  }

  void samples() {
    for (const char* metric : {"x", "y"}) {
      double& level = levels[metric];
      level = std::clamp(level + random.uniform(-8, 8), 1.0, 99.0);
      if (random.chance(0.2) || silent_until_s[metric] > now_s) continue;
      if (random.chance(0.03)) silent_until_s[metric] = now_s + within(random, 20, 100);
      const double value = random.chance(0.03) ? random.uniform(1, 99) : level;
      (void)engine.apply(oracle::SampleBatch{"feed", ++sequence, now(), {metric}, {{0, now(), value}}});
    }
  }
  Effects order(CommandKind kind, const std::string& target, std::int64_t until_s = 0,
                std::optional<Decimal> value = std::nullopt) {
    GuardianCommand command{"alice", "drill", now(), kind, target, value};
    if (until_s > 0) command.until = kStart + Duration::seconds(until_s);
    return engine.apply(command);
  }
  Effects answer(const Adjustment& adjustment, bool applied, Decimal value) {
    return engine.apply(ActuatorReport{adjustment.id, "executor", now(), applied, value, ""});
  }
  [[nodiscard]] const guardian::ParameterSettings& settings_of(const std::string& name) const {
    return engine.policy().guardian.parameters[name == "one" ? 0 : 1];
  }
  [[nodiscard]] const controller::LoopSettings& loop_of(const std::string& name) const {
    const auto& loops = engine.policy().loops;
    return *std::find_if(loops.begin(), loops.end(), [&](const auto& l) { return l.name == name; });
  }
  [[nodiscard]] Decimal applied(const std::string& name) const {
    return engine.view().parameters[name == "one" ? 0 : 1].value;
  }
  std::string any_parameter_name() { return random.chance(0.5) ? "one" : "two"; }
  Decimal any_value(const std::string& parameter) {
    const auto& p = settings_of(parameter);
    const std::int64_t quantum = static_cast<std::int64_t>(p.quantum.units());
    const auto steps = static_cast<std::int64_t>((p.max - p.min).units()) / quantum;
    return p.min + units(within(random, 0, steps) * quantum);
  }
  /// The next slot; now and then some are missed.
  void advance() { now_s += kPeriodS * (random.chance(0.05) ? within(random, 2, 12) : 1); }

  Random random;
  std::int64_t now_s = 0;
  std::map<std::string, double> levels{{"x", 50}, {"y", 50}};
  std::map<std::string, std::int64_t> silent_until_s;
  std::uint64_t sequence = 0;
  std::map<std::string, bool> by_emergency;  ///< by loop, after settle(): gains of its last step not given back
  Engine engine;
};

/// What an auditor would write down of one parameter from the outside: when what was sent, and whether it counts. What
/// was rejected or has expired does not, unless it turns out later that it was applied after all.
struct Ledger {
  struct Sent {
    Instant at;
    Decimal change;
    bool counts = true;
    Instant expires;
    bool answered = false;
  };
  Decimal applied;
  std::uint64_t newest_answer = 0;
  std::map<std::uint64_t, Sent> sent;

  void expire(Instant now) {
    for (auto& [id, s] : sent) {
      if (!s.answered && now >= s.expires) s.counts = false;
    }
  }
  void answer(std::uint64_t id, bool was_applied, Decimal value) {
    Sent& s = sent.at(id);
    s.answered = true;
    s.counts = was_applied;
    if (!was_applied || id < newest_answer) return;
    newest_answer = id;
    applied = value;
  }
  [[nodiscard]] std::optional<Instant> last(bool up) const {
    std::optional<Instant> last;
    for (const auto& [id, s] : sent) {
      if (s.counts && (s.change.units() > 0) == up) last = std::max(last.value_or(s.at), s.at);
    }
    return last;
  }
  [[nodiscard]] Decimal used(Instant now, Duration window) const {
    Decimal used = units(0);
    for (const auto& [id, s] : sent) {
      if (s.counts && s.at > now - window) used = used + s.change.abs();
    }
    return used;
  }
};

/// Largest change by the policy's own words, in the parameter's unit.
double change_max(const guardian::ParameterSettings& p, Decimal applied, bool is_emergency) {
  const auto& limit = is_emergency && p.emergency && p.emergency->change.is_set() ? p.emergency->change : p.change;
  double most = HUGE_VAL;
  if (limit.absolute) most = std::min(most, limit.absolute->to_double());
  if (limit.relative) most = std::min(most, *limit.relative * std::fabs(applied.to_double()));
  return std::max(most, p.quantum.to_double());
}

struct Watched {
  World world;
  std::map<std::string, Ledger> ledgers;
  std::map<std::uint64_t, bool> overridden;  // by decision
  std::deque<Adjustment> open;
  std::uint64_t emitted = 0;

  explicit Watched(std::uint64_t seed) : world(seed) {
    for (const auto& p : world.engine.policy().guardian.parameters) ledgers[p.name].applied = p.initial;
  }

  void answer_some() {
    Random& random = world.random;
    while (!open.empty() && random.chance(0.6)) {
      if (random.chance(0.2)) {  // later, perhaps too late; perhaps never
        std::rotate(open.begin(), open.begin() + 1, open.end());
        if (random.chance(0.2)) open.pop_back();
        continue;
      }
      const Adjustment adjustment = open.front();
      open.pop_front();
      const bool applied = random.chance(0.8);
      const Decimal value = random.chance(0.1) ? adjustment.previous : adjustment.value;
      RC_ASSERT(world.answer(adjustment, applied, value).outcome.accepted);
      ledgers[adjustment.parameter].answer(adjustment.id, applied, value);
    }
  }

  void command_some() {
    Random& random = world.random;
    if (!random.chance(0.12)) return;
    const std::string parameter = world.any_parameter_name();
    const std::int64_t until = world.now_s + within(random, 1, 200);
    switch (random.below(8)) {
      case 0: world.order(CommandKind::pause, parameter, until); break;
      case 1: world.order(CommandKind::resume, parameter); break;
      case 2: world.order(CommandKind::override_value, parameter, until, world.any_value(parameter)); break;
      case 3: world.order(CommandKind::clear_override, parameter); break;
      case 4: world.order(CommandKind::emergency_on, "", until); break;
      case 5: world.order(CommandKind::emergency_off, ""); break;
      case 6: world.order(random.chance(0.5) ? CommandKind::pause : CommandKind::resume, "", until); break;
      default: world.order(CommandKind::clear_halt, random.chance(0.5) ? "x" : "y"); break;
    }
  }

  void check_adjustment(const Adjustment& a) {
    const auto& p = world.settings_of(a.parameter);
    Ledger& ledger = ledgers[a.parameter];
    const Decimal change = a.value - ledger.applied;
    const bool up = change.units() > 0;
    const auto mode = world.engine.view().mode;
    const bool is_emergency = mode == guardian::OperatingMode::emergency;
    const Instant now = world.now();
    RC_ASSERT(mode != guardian::OperatingMode::halted);
    RC_ASSERT(a.value >= p.min && a.value <= p.max);
    RC_ASSERT(a.value.rounded_to(p.quantum) == a.value);
    RC_ASSERT(change.units() != 0);
    RC_ASSERT(a.previous == ledger.applied);  // what it is meant to replace is what is there
    RC_ASSERT(change.abs().to_double() <= change_max(p, ledger.applied, is_emergency) * (1 + 1e-12));
    if (!overridden.at(a.id)) {
      const bool by_emergency = is_emergency && p.emergency;
      const Duration cooldown = by_emergency ? (up ? p.emergency->cooldown_up : p.emergency->cooldown_down)
                                             : (up ? p.cooldown_up : p.cooldown_down);
      const auto last = ledger.last(up);
      if (last) RC_ASSERT(now - *last >= cooldown);
      if (p.drift) RC_ASSERT(ledger.used(now, p.drift->window) + change.abs() <= p.drift->budget);
    }
    ledger.sent[a.id] = {now, change, true, now + p.expiry};
    ++emitted;
  }

  void run() {
    for (int i = 0; i < kTicks; ++i) {
      world.advance();
      world.samples();
      answer_some();
      command_some();
      for (auto& [name, ledger] : ledgers) ledger.expire(world.now());
      const Effects effects = world.engine.apply(world.next_tick());
      for (const auto& record : effects.records) overridden[record.id] = record.overridden;
      for (const auto& adjustment : effects.adjustments) {
        check_adjustment(adjustment);
        open.push_back(adjustment);
      }
    }
  }
};

// Per direction no two adjustments are nearer than the cooldown, in any rolling window they add up to no more than
// the budget, each is inside the bounds, on the grid and no larger than the largest change.
RC_GTEST_PROP(EngineSafety, NothingIsEverSentTooSoonTooFarOrTooMuch, ()) {
  Watched watched(*rc::gen::arbitrary<std::uint64_t>());
  watched.run();
  RC_CLASSIFY(watched.emitted >= 10);
}

// Paused, halted, or without a reading to act on, nothing is sent; a loop whose reading is held, stale or halted keeps
// its integral to the last bit.
RC_GTEST_PROP(EngineSafety, WhatMustBeStillIsStill, ()) {
  World world(*rc::gen::arbitrary<std::uint64_t>());
  Random& random = world.random;
  std::map<std::string, std::int64_t> paused_until_s;  // "" = everything
  std::map<std::string, double> integral;              // by loop, of the last tick
  std::uint64_t still = 0;
  for (int i = 0; i < kTicks; ++i) {
    world.advance();
    world.samples();
    if (random.chance(0.1)) {
      const std::string target = random.chance(0.3) ? "" : world.any_parameter_name();
      const std::int64_t until = world.now_s + within(random, 1, 100);
      if (random.chance(0.7)) {
        if (world.order(CommandKind::pause, target, until).outcome.accepted) paused_until_s[target] = until;
      } else if (world.order(CommandKind::resume, target).outcome.accepted) {
        paused_until_s.erase(target);
      }
    }
    const auto is_paused = [&](const std::string& target) {
      const auto it = paused_until_s.find(target);
      return it != paused_until_s.end() && world.now_s < it->second;
    };
    const Effects effects = world.engine.apply(world.next_tick());
    std::map<std::string, bool> is_blind;
    // What was not done is given back: its law remembers less than it showed.
    const auto forget = [&](const std::string& parameter) {
      for (const auto& loop : world.engine.policy().loops) {
        if (loop.parameter == parameter) integral.erase(loop.name);
      }
    };
    for (const auto& update : effects.updates) {
      if (update.answer == Answer::expired) forget(update.parameter);
    }
    for (const auto& record : effects.records) {
      bool any_usable = false;
      for (const LoopTerms& terms : record.loops) {
        const bool usable = oracle::is_usable(terms.reading.quality);
        any_usable |= usable;
        RC_ASSERT(terms.frozen == !usable || (terms.frozen && terms.law != controller::LawKind::pid));
        if (!usable && integral.contains(terms.loop)) RC_ASSERT(terms.i == integral[terms.loop]);
        integral[terms.loop] = terms.i;
      }
      is_blind[record.parameter] = !any_usable;
    }
    for (const auto& adjustment : effects.adjustments) {
      RC_ASSERT(!is_paused("") && !is_paused(adjustment.parameter));
      RC_ASSERT(!is_blind[adjustment.parameter]);
      if (!random.chance(0.9)) continue;
      const bool applied = random.chance(0.8);
      (void)world.answer(adjustment, applied, adjustment.value);
      if (!applied) forget(adjustment.parameter);
    }
    if (is_paused("") || is_paused("one") || is_blind["one"]) ++still;
  }
  RC_CLASSIFY(still >= 10);
}

// An override holds until its last second and not one tick longer: every decision until then wants its value,
// every later one is the loops' again.
RC_GTEST_PROP(EngineSafety, AnOverrideEndsWhenItSaysAndHandsBack, ()) {
  World world(*rc::gen::arbitrary<std::uint64_t>());
  Random& random = world.random;
  struct Held {
    std::int64_t until_s;
    Decimal value;
  };
  std::map<std::string, Held> held;
  for (int i = 0; i < kTicks; ++i) {
    world.advance();
    world.samples();
    if (random.chance(0.15)) {
      const std::string target = world.any_parameter_name();
      const std::int64_t until = world.now_s + within(random, 1, 150);
      const Decimal value = world.any_value(target);
      if (random.chance(0.8)) {
        RC_ASSERT(world.order(CommandKind::override_value, target, until, value).outcome.accepted);
        held[target] = {until, value};
      } else if (world.order(CommandKind::clear_override, target).outcome.accepted) {
        held.erase(target);
      }
    }
    std::erase_if(held, [&](const auto& h) { return world.now_s >= h.second.until_s; });
    const Effects effects = world.engine.apply(world.next_tick());
    for (const auto& record : effects.records) {
      RC_ASSERT(record.overridden == held.contains(record.parameter));
      if (record.overridden) RC_ASSERT(record.wanted == held[record.parameter].value);
      const auto forth = [&](Decimal v) { return (record.wanted - v).abs(); };
      if (record.overridden) RC_ASSERT(forth(record.value) <= forth(record.previous));
    }
    for (const auto& adjustment : effects.adjustments) (void)world.answer(adjustment, true, adjustment.value);
  }
}

/// How far the output of a loop may move from one decision to the next for reasons of its own: proportional and
/// derivative terms follow the reading, the integral its error, its leak and what was not applied.
double explained(const LoopTerms& before, const LoopTerms& now, const controller::LoopSettings& loop, double dt_s) {
  const auto& gains = now.emergency_gains ? *loop.emergency : loop.pid.gains;
  const double leak = loop.pid.leak_half_life.ns == 0 ? 0 : 1 - std::exp2(-dt_s / loop.pid.leak_half_life.in_seconds());
  return std::fabs(now.p - before.p) + std::fabs(now.d - before.d) + std::fabs(before.i) * leak +
         gains.ki_per_s * 0.5 * std::fabs(before.error + now.error) * dt_s + std::fabs(now.tracking);
}

const DecisionRecord* record_of(const Effects& effects, const std::string& parameter) {
  for (const auto& record : effects.records) {
    if (record.parameter == parameter) return &record;
  }
  return nullptr;
}

/// Runs undisturbed for a while with an executor that applies most of what it gets.
void settle(World& world, int ticks) {
  for (int i = 0; i < ticks; ++i) {
    world.advance();
    world.samples();
    const Effects effects = world.engine.apply(world.next_tick());
    std::set<std::string> given_back;
    for (const auto& a : effects.adjustments) {
      const bool applied = world.random.chance(0.8);
      (void)world.answer(a, applied, a.value);
      if (!applied) given_back.insert(a.parameter);
    }
    for (const auto& record : effects.records) {
      if (given_back.contains(record.parameter.str())) continue;
      for (const LoopTerms& terms : record.loops) {
        if (!terms.frozen) world.by_emergency[terms.loop.str()] = terms.emergency_gains;
      }
    }
  }
}

/// Takes the wheel from the loops of "one" for some ticks and gives it back; what the guardian does is in force when
/// this returns, and the next tick is the first of the loops' own.
void interrupt(World& world) {
  Random& random = world.random;
  const std::uint64_t kind = random.below(7);
  const std::int64_t ticks = within(random, 1, 20);
  const bool expires = kind < 3 && random.chance(0.5);
  const std::int64_t until = world.now_s + kPeriodS * (ticks + 1) - within(random, 0, kPeriodS - 1);
  const std::string target = kind == 1 ? "" : "one";
  if (kind < 3) {
    const auto what = kind == 2 ? CommandKind::override_value : CommandKind::pause;
    RC_ASSERT(world.order(what, target, expires ? until : world.now_s + 3600, world.any_value("one")).outcome.accepted);
  }
  for (std::int64_t i = 0; i < ticks; ++i) {
    world.now_s += kPeriodS;
    world.samples();
    for (const auto& a : world.engine.apply(world.next_tick()).adjustments) (void)world.answer(a, true, a.value);
  }
  if (kind < 3 && !expires) {
    const auto what = kind == 2 ? CommandKind::clear_override : CommandKind::resume;
    RC_ASSERT(world.order(what, target).outcome.accepted);
  }
  if (kind >= 3) {  // a policy that changes what the loops move away from, or how they are combined
    Policy policy = world.engine.policy();
    auto& one = policy.guardian.parameters[0];
    const Decimal was = one.initial;
    one.initial = was == one.min ? one.max : one.min;
    RC_ASSERT(world.engine.apply(PolicyChange{world.now(), "alice", "", shared(policy)}).outcome.accepted);
  }
}

// Bumpless: the first decision after a pause, an override or a change of the base proposes exactly what is applied,
// whatever was read meanwhile; the next one differs from it by no more than the loops' terms differ.
RC_GTEST_PROP(EngineSafety, TheWheelIsHandedBackWithoutAStep, ()) {
  World world(*rc::gen::arbitrary<std::uint64_t>(), 1e-4);
  settle(world, static_cast<int>(world.random.below(40)));
  interrupt(world);

  world.now_s += kPeriodS;
  world.samples();
  const double applied = world.applied("one").to_double();
  const Effects first = world.engine.apply(world.next_tick());
  const DecisionRecord* a = record_of(first, "one");
  RC_ASSERT(a != nullptr && !a->overridden);
  RC_ASSERT(std::fabs(a->proposed - applied) <= 1e-9 * (1 + std::fabs(applied)));

  world.now_s += kPeriodS;
  world.samples();
  const Effects second = world.engine.apply(world.next_tick());
  const DecisionRecord* b = record_of(second, "one");
  double most = 1e-9 * (1 + std::fabs(applied));
  for (std::size_t i = 0; i < b->loops.size(); ++i) {
    if (b->loops[i].law != controller::LawKind::pid) return;  // the others go on by their own value
    const bool other_law = a->loops[i].emergency_gains != b->loops[i].emergency_gains;
    if (a->loops[i].frozen || b->loops[i].frozen || other_law) return;  // the first step by this law is still to come
    most += explained(a->loops[i], b->loops[i], world.loop_of(b->loops[i].loop), kPeriodS);
    RC_ASSERT(b->loops[i].tracking == 0);  // nothing of the time before is made up for
  }
  RC_ASSERT(std::fabs(b->proposed - a->proposed) <= most);
}

/// How far a loop of two engines, alike to the last bit until now, may have come apart in one step, if a law that takes
/// over does it without one: what takes over gives what the law before would have given, and integrates nothing; so it
/// is what a loop that kept its law integrated. Mostly the plain engine's loops do; but an emergency that ends by
/// itself at this very tick is their change of law, and the other engine, where an order keeps it alive, goes on by its
/// own.
double apart_most(const LoopTerms& plain, const LoopTerms& changed, double integral_before, bool was_by_emergency) {
  double most = std::fabs(plain.tracking - changed.tracking);  // an emergency's limits are others, too
  if (plain.emergency_gains == was_by_emergency) {
    most += std::fabs(plain.i - integral_before);
  } else if (changed.emergency_gains == was_by_emergency) {
    most += std::fabs(changed.i - integral_before);
  }
  return most;
}

// Bumpless: of two engines alike to the last bit, one is given another law (by a policy, or by an emergency). At the
// next tick their proposals differ by no more than the integrals of what kept its law were moved by error and
// anti-windup.
RC_GTEST_PROP(EngineSafety, AnotherLawTakesOverWithoutAStep, ()) {
  World world(*rc::gen::arbitrary<std::uint64_t>(), 1e-4, false);
  Random& random = world.random;
  settle(world, 1 + static_cast<int>(random.below(40)));
  auto same = std::make_shared<const Policy>(world.engine.policy());
  Engine unchanged = Engine::load(same, world.engine.save()).value();
  if (random.chance(0.5)) {
    (void)world.order(CommandKind::emergency_on, "", world.now_s + 100);
  } else {
    Policy policy = *same;
    for (auto& loop : policy.loops) {
      const auto other = any_loop(random, 0, 1e-4, false);
      loop.pid.gains = other.pid.gains;
      loop.pid.action = other.pid.action;
      loop.pid.error = other.pid.error;
      loop.pid.deadband = other.pid.deadband;
      loop.pid.setpoint_weight = other.pid.setpoint_weight;
    }
    RC_ASSERT(world.engine.apply(PolicyChange{world.now(), "alice", "", shared(policy)}).outcome.accepted);
  }
  world.now_s += kPeriodS;
  const double x = random.uniform(1, 99), y = random.uniform(1, 99);
  const oracle::SampleBatch batch{
      "feed", ++world.sequence, world.now(), {"x", "y"}, {{0, world.now(), x}, {1, world.now(), y}}};
  (void)world.engine.apply(batch);
  (void)unchanged.apply(batch);
  const auto before = unchanged.view();
  const Effects changed = world.engine.apply(world.next_tick());
  const Effects plain = unchanged.apply(world.next_tick());
  for (const auto& record : plain.records) {
    const DecisionRecord* other = record_of(changed, record.parameter);
    double most = 1e-9 * (1 + std::fabs(record.proposed));
    for (std::size_t i = 0; i < record.loops.size(); ++i) {
      const LoopTerms& terms = record.loops[i];
      const bool was_by_emergency = world.by_emergency[terms.loop.str()];
      for (const auto& loop : before.loops) {
        if (loop.name == terms.loop) most += apart_most(terms, other->loops[i], loop.i, was_by_emergency);
      }
    }
    RC_ASSERT(std::fabs(other->proposed - record.proposed) <= most);
  }
}

}  // namespace
}  // namespace homeostat::engine
