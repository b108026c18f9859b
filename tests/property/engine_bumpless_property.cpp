// Who gets the wheel back goes on from where it is, and another law takes over without a step.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "engine_world.hpp"

namespace homeostat::engine {
namespace {

/// How far the output of a loop may move from one decision to the next for reasons of its own: proportional and
/// derivative terms follow the reading, the integral its error, its leak and what was not applied.
double explained(const LoopTerms& before, const LoopTerms& now, const controller::LoopSettings& loop, double dt_s) {
  const auto& gains = now.emergency_gains ? *loop.emergency : loop.pid.gains;
  const double leak = loop.pid.leak_half_life.ns == 0 ? 0 : 1 - std::exp2(-dt_s / loop.pid.leak_half_life.in_seconds());
  // A factor that changes moves what it takes from P and D into the integral: felt is what they moved by the old one.
  const double old = before.gain_factor, by = now.gain_factor;
  const double moved = (old - by) * (now.p + now.d) / by;
  return old * (std::fabs(now.p / by - before.p / old) + std::fabs(now.d / by - before.d / old)) +
         (std::fabs(before.i) + std::fabs(moved)) * leak +
         gains.ki_per_s * by * 0.5 * std::fabs(before.error + now.error) * dt_s + std::fabs(now.tracking);
}

const DecisionRecord* record_of(const Effects& effects, const std::string& parameter) {
  for (const auto& record : effects.records) {
    if (record.parameter == parameter) return &record;
  }
  return nullptr;
}

/// The parameter of this loop, another one of a decoupling, cannot follow it, or its reading cannot be trusted.
bool is_pinned(const LoopTerms& terms) {
  const double whole = terms.share * terms.output;
  return terms.frozen || std::fabs(terms.contribution - whole) > 1e-12 * (1 + std::fabs(whole));
}

/// Every output counts in full: nobody's parameter is held back by a limit, or by a reading that cannot be trusted,
/// which would show in the others' proposals.
bool is_unpinned(const DecisionRecord& record) {
  return std::all_of(record.loops.begin(), record.loops.end(), [](const LoopTerms& terms) {
    return terms.decoupling.empty() || (!is_pinned(terms) && terms.tracking == 0);
  });
}

/// What rounding may come to in a proposal: of a decoupling it is a sum of parts larger than itself.
double rounding(const DecisionRecord& record) {
  double size = 1 + std::fabs(record.proposed);
  for (const LoopTerms& terms : record.loops) {
    if (!terms.decoupling.empty()) size += std::fabs(terms.contribution);
  }
  return 1e-9 * size;
}

/// What a decoupled parameter proposes is its base, what its record says that each loop adds to it, and what it says
/// was given back since; and of every loop that does not count in full it says why.
void expect_told(const World& world, const Effects& effects) {
  for (const auto& record : effects.records) {
    if (record.loops.empty() || record.loops[0].decoupling.empty()) continue;
    double sum = world.settings_of(record.parameter.str()).initial.to_double() + record.given_back;
    for (const LoopTerms& terms : record.loops) {
      if (!terms.drives.empty()) continue;
      sum += terms.contribution;
      RC_ASSERT(terms.waiting || !is_pinned(terms) || terms.pin != Pin::none);
    }
    RC_ASSERT(std::fabs(record.proposed - sum) <= rounding(record));
    if (record.given_back == 0) continue;
    RC_ASSERT(record.loops[0].waiting);
    RC_ASSERT(record.overridden || record.why.view().find("given back since it asked") != std::string_view::npos);
  }
}

/// Runs undisturbed for a while with an executor that applies most of what it gets.
void settle(World& world, int ticks) {
  for (int i = 0; i < ticks; ++i) {
    world.advance();
    world.samples();
    world.release_some();
    const Effects effects = world.tick();
    expect_told(world, effects);
    std::set<std::string> given_back;
    for (const auto& a : effects.adjustments) {
      const bool applied = world.random.chance(0.8);
      (void)world.answer(a, applied);
      for (const Part& part : parts_of(a)) {
        if (!applied) given_back.insert(part.parameter);
      }
    }
    for (const auto& record : effects.records) {
      // What was rejected may have waited since an earlier tick: the gains of the step before that are not known here.
      const bool is_known = !given_back.contains(record.parameter.str());
      for (const LoopTerms& terms : record.loops) {
        if (!terms.moves.empty()) continue;  // another one's loop: what was given back its own record knows
        if (!is_known) world.by_emergency.erase(terms.loop.str());
        if (!is_known) continue;
        if (terms.waiting) continue;  // what it shows is the step that asked, which may have been given back since
        if (!terms.frozen) world.by_emergency[terms.loop.str()] = terms.emergency_gains;
      }
    }
    // What was not sent after all, or expired, gives its laws' steps back, with whatever gains the one before had.
    for (const auto& update : effects.updates) {
      if (update.outcome == Outcome::emitted && update.answer == Answer::waiting) continue;
      for (const LoopTerms& terms : update.loops) world.by_emergency.erase(terms.loop.str());
    }
  }
}

/// An adjustment of the parameter was not sent after all, or expired, in this tick: its record says so.
bool is_given_back(const Effects& effects, const SharedText& parameter) {
  return std::any_of(effects.updates.begin(), effects.updates.end(), [&](const DecisionRecord& update) {
    return update.parameter == parameter && (update.outcome == Outcome::withheld || update.answer == Answer::expired);
  });
}

/// Takes the wheel from the loops of `name` for some ticks and gives it back; what the guardian does is in force when
/// this returns, and the next tick is the first of the loops' own. Returns the last tick of the interruption.
Effects interrupt(World& world, const std::string& name) {
  Random& random = world.random;
  const std::uint64_t kind = random.below(7);
  const std::int64_t ticks = within(random, 1, 20);
  const bool expires = kind < 3 && random.chance(0.5);
  const std::int64_t until = world.now_s + kPeriodS * (ticks + 1) - within(random, 0, kPeriodS - 1);
  const std::string target = kind == 1 ? "" : name;
  if (kind < 3) {
    const auto what = kind == 2 ? CommandKind::override_value : CommandKind::pause;
    RC_ASSERT(world.order(what, target, expires ? until : world.now_s + 3600, world.any_value(name)).outcome.accepted);
  }
  Effects last;
  for (std::int64_t i = 0; i < ticks; ++i) {
    world.now_s += kPeriodS;
    world.samples();
    last = world.tick();
    expect_told(world, last);
    for (const auto& a : last.adjustments) (void)world.answer(a, true);
  }
  if (kind < 3 && !expires) {
    const auto what = kind == 2 ? CommandKind::clear_override : CommandKind::resume;
    RC_ASSERT(world.order(what, target).outcome.accepted);
  }
  if (kind >= 3) {  // a policy that changes what the loops move away from, or how they are combined
    Policy policy = world.engine.policy();
    auto& all = policy.guardian.parameters;
    auto& one = *std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.name == name; });
    const Decimal was = one.initial;
    one.initial = was == one.min ? one.max : one.min;
    RC_ASSERT(world.apply(PolicyChange{world.now(), "alice", "", shared(policy)}).outcome.accepted);
  }
  return last;
}

/// How far the law before may have moved the output in the step in which another one took over from it: by its own P
/// and D of the new readings, and by no integral.
double explained_by_old_law(const LoopTerms& before, const LoopTerms& now, const controller::LoopSettings& loop,
                            double dt_s) {
  const auto& old = before.emergency_gains ? *loop.emergency : loop.pid.gains;
  const auto& gains = now.emergency_gains ? *loop.emergency : loop.pid.gains;
  const double factor = before.gain_factor;
  double most = std::fabs(factor * now.p / now.gain_factor * old.kp / gains.kp - before.p);
  if (old.kd_s == 0) return most;
  // The new slope lies between the one before and the one between the two readings.
  const bool is_relative = loop.pid.error == controller::ErrorKind::relative;
  const double scale = is_relative ? std::fabs(now.setpoint) : 1;
  const double slope = (now.reading.value - before.reading.value) / dt_s / scale;
  const double was = is_relative ? before.d * std::fabs(before.setpoint) / scale : before.d;
  return most + std::fabs(before.d) + std::fabs(was) + factor * old.kd_s * std::fabs(slope);
}

/// How far a loop's part of a proposal may have moved from one decision to the next.
double part_explained(const LoopTerms& before, const LoopTerms& now, const World& world) {
  if (!now.moves.empty() && (is_pinned(before) || is_pinned(now) || now.tracking != 0)) {
    // What another parameter can follow, or does while its loop cannot see, is made up for; the record has both.
    return std::fabs(now.contribution - before.contribution);
  }
  if (now.law != controller::LawKind::pid) {  // goes on by its own value
    RC_ASSERT(now.frozen || now.reason != controller::LawReason::none);
    return std::fabs(now.output - before.output);
  }
  const double share = std::fabs(now.share);
  if (before.frozen || now.frozen) {  // held, or the first step from where it was held
    if (now.decoupling.empty()) RC_ASSERT(std::fabs(now.output - before.output) <= 1e-9 * (1 + std::fabs(now.output)));
    return share * std::fabs(now.output - before.output);
  }
  const auto& loop = world.loop_of(now.loop);
  const bool other_law = before.emergency_gains != now.emergency_gains;
  return share *
         (other_law ? explained_by_old_law(before, now, loop, kPeriodS) : explained(before, now, loop, kPeriodS));
}

// Bumpless: the first decision after a pause, an override or a change of the base proposes exactly what is applied,
// whatever was read, answered, given back or limited meanwhile. Nor does it move another parameter of its decoupling:
// what those propose changes by no more than what is said to have been given back. The next decision differs from it by
// no more than the loops' terms differ, and in a decoupling by what the record says that others cannot follow.
RC_GTEST_PROP(EngineSafety, TheWheelIsHandedBackWithoutAStep, ()) {
  World world(*rc::gen::arbitrary<std::uint64_t>(), {.integral_min_per_s = 1e-4});
  const bool is_decoupled = !world.engine.policy().decouplings.empty() && world.random.chance(0.7);
  const std::string name = is_decoupled ? (world.random.chance(0.5) ? "three" : "four") : "one";
  settle(world, static_cast<int>(world.random.below(40)));
  const Effects before = interrupt(world, name);

  world.now_s += kPeriodS;
  world.samples();
  std::map<std::string, double> applied;
  for (const auto& parameter : world.engine.view().parameters) applied[parameter.name] = parameter.value.to_double();
  const Effects first = world.tick();
  expect_told(world, first);
  const DecisionRecord* a = record_of(first, name);
  RC_ASSERT(a != nullptr && !a->overridden);
  RC_ASSERT(std::fabs(a->proposed - applied.at(name)) <= rounding(*a));
  for (const LoopTerms& terms : a->loops) {
    if (terms.moves.empty()) continue;
    const DecisionRecord& was = *record_of(before, terms.moves.str());
    const DecisionRecord& is = *record_of(first, terms.moves.str());
    if (is_given_back(before, was.parameter) || is_given_back(first, was.parameter)) continue;
    const double handed_back = applied.at(is.parameter.str());  // with everything, after a pause of all
    const double moved = std::min(std::fabs(is.proposed - was.proposed), std::fabs(is.proposed - handed_back));
    RC_ASSERT(moved <= rounding(is));
  }

  world.now_s += kPeriodS;
  world.samples();
  const Effects second = world.tick();
  expect_told(world, second);
  const DecisionRecord* b = record_of(second, name);
  double most = rounding(*a) + rounding(*b);
  for (std::size_t i = 0; i < b->loops.size(); ++i) {
    const LoopTerms& terms = b->loops[i];
    if (!terms.drives.empty()) continue;  // moves its loop's set-point, and so shows in that one's terms
    most += part_explained(a->loops[i], terms, world);
    // Nothing of the time before is made up for.
    if (is_unpinned(*a) && is_unpinned(*b)) RC_ASSERT(terms.tracking == 0);
  }
  RC_ASSERT(std::fabs(b->proposed - a->proposed) <= most);
}

/// How far a loop of two engines, alike to the last bit until now, may have come apart in one step, if a law that takes
/// over does it without one: what takes over gives what the law before would have given, and integrates nothing; so it
/// is what a loop that kept its law integrated. Mostly the plain engine's loops do; but an emergency that ends by
/// itself at this very tick is their change of law, and the other engine, where an order keeps it alive, goes on by its
/// own.
double apart_most(const LoopTerms& plain, const LoopTerms& changed, double integral_before,
                  std::optional<bool> was_by_emergency) {
  double most = std::fabs(plain.tracking - changed.tracking);  // an emergency's limits are others, too
  if (!was_by_emergency) {                                     // not known: either may have kept its law
    return most + std::max(std::fabs(plain.i - integral_before), std::fabs(changed.i - integral_before));
  }
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
  World world(*rc::gen::arbitrary<std::uint64_t>(),
              {.integral_min_per_s = 1e-4, .any_laws = false, .cascades = false, .schedules = false});
  Random& random = world.random;
  settle(world, 1 + static_cast<int>(random.below(40)));
  auto same = std::make_shared<const Policy>(world.engine.policy());
  Engine unchanged = Engine::load(same, world.engine.save()).value();
  if (random.chance(0.5)) {
    (void)world.order(CommandKind::emergency_on, "", world.now_s + 100);
  } else {
    Policy policy = *same;
    for (auto& loop : policy.loops) {
      const auto other = any_loop(random, 0, {.integral_min_per_s = 1e-4, .any_laws = false});
      loop.pid.gains = other.pid.gains;
      const bool is_free = !loop.name.starts_with("moves_");  // of a decoupling the matrix says which way it moves
      if (is_free) loop.pid.action = other.pid.action;
      loop.pid.error = other.pid.error;
      loop.pid.deadband = other.pid.deadband;
      loop.pid.setpoint_weight = other.pid.setpoint_weight;
    }
    RC_ASSERT(world.apply(PolicyChange{world.now(), "alice", "", shared(policy)}).outcome.accepted);
  }
  world.now_s += kPeriodS;
  const double x = random.uniform(1, 99), y = random.uniform(1, 99);
  const oracle::SampleBatch batch{
      "feed", ++world.sequence, world.now(), {"x", "y"}, {{0, world.now(), x}, {1, world.now(), y}}};
  (void)world.engine.apply(batch);
  (void)unchanged.apply(batch);
  const auto before = unchanged.view();
  const Effects changed = world.tick();
  const Effects plain = unchanged.apply(world.next_tick());
  for (const auto& record : plain.records) {
    const DecisionRecord* other = record_of(changed, record.parameter);
    // Laws that wait for an answer or a veto window take no step, also in the tick in which that ends; another policy
    // ends their waiting.
    const auto is_of = [&](const DecisionRecord& update) { return update.parameter == record.parameter; };
    if (std::any_of(plain.updates.begin(), plain.updates.end(), is_of)) continue;
    const bool is_decoupled = !record.loops.empty() && !record.loops[0].decoupling.empty();
    if (is_decoupled && !(plain.updates.empty() && changed.updates.empty())) continue;  // of one that it waits with
    if (record.loops.empty() || record.loops[0].waiting != other->loops[0].waiting) continue;
    double most = rounding(record) + rounding(*other);
    for (std::size_t i = 0; i < record.loops.size(); ++i) {
      const LoopTerms& terms = record.loops[i];
      // In a decoupling the new gains, or an emergency's limits, change what others can follow, and this one makes up
      // for it: that is no step of its law, and both records say which they are.
      if (!terms.moves.empty() && (is_pinned(terms) || is_pinned(other->loops[i]))) {
        most += std::fabs(other->loops[i].contribution - terms.contribution);
        continue;
      }
      const auto known = world.by_emergency.find(terms.loop.str());
      const auto was_by_emergency =
          known == world.by_emergency.end() ? std::nullopt : std::optional<bool>(known->second);
      for (const auto& loop : before.loops) {
        if (loop.name != terms.loop) continue;
        most += std::fabs(terms.share) * apart_most(terms, other->loops[i], loop.i, was_by_emergency);
      }
    }
    RC_ASSERT(std::fabs(other->proposed - record.proposed) <= most);
  }
}

}  // namespace
}  // namespace homeostat::engine
