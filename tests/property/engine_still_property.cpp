// An automaton that must be still is still, and one that is overridden does what it is told for as long as it was told.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <set>

#include "engine_world.hpp"

namespace homeostat::engine {
namespace {

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
    world.release_some();
    const Effects effects = world.tick();
    std::map<std::string, bool> is_blind;
    // What was not done is given back: its law remembers less than it showed.
    const auto forget = [&](const std::string& parameter) {
      for (const auto& loop : world.engine.policy().loops) {
        if (loop.parameter == parameter) integral.erase(loop.name);
      }
    };
    for (const auto& update : effects.updates) {
      if (update.answer == Answer::expired || update.outcome == Outcome::withheld) forget(update.parameter);
    }
    for (const auto& record : effects.records) {
      bool any_usable = false;
      for (const LoopTerms& terms : record.loops) {
        // Of a decoupling the record shows the other parameters' loops too. They have no say in whether this one may
        // move, and their own records say what they remember: one of them may have been given back in between.
        if (!terms.moves.empty()) continue;
        const bool usable = oracle::is_usable(terms.reading.quality);
        const bool is_outer = !terms.drives.empty();  // holds also while what it drives is not in charge
        any_usable |= usable && !is_outer;
        RC_ASSERT(terms.frozen == !usable || (terms.frozen && (is_outer || terms.law != controller::LawKind::pid)));
        if (!usable && integral.contains(terms.loop)) RC_ASSERT(terms.i == integral[terms.loop]);
        integral[terms.loop] = terms.i;
      }
      is_blind[record.parameter] = !any_usable;
    }
    for (const auto& adjustment : effects.adjustments) {
      for (const Part& part : parts_of(adjustment)) {
        RC_ASSERT(!is_paused("") && !is_paused(part.parameter));
        RC_ASSERT(!is_blind[part.parameter]);
      }
      if (!random.chance(0.9)) continue;
      const bool applied = random.chance(0.8);
      (void)world.answer(adjustment, applied);
      for (const Part& part : parts_of(adjustment)) {
        if (!applied) forget(part.parameter);
      }
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
    world.release_some();
    const Effects effects = world.tick();
    for (const auto& record : effects.records) {
      RC_ASSERT(record.overridden == held.contains(record.parameter));
      if (record.overridden) RC_ASSERT(record.wanted == held[record.parameter].value);
      const auto forth = [&](Decimal v) { return (record.wanted - v).abs(); };
      if (record.overridden) RC_ASSERT(forth(record.value) <= forth(record.previous));
    }
    for (const auto& adjustment : effects.adjustments) (void)world.answer(adjustment, true);
  }
}

}  // namespace
}  // namespace homeostat::engine
