// The whole engine under random policies, readings, guardians, executors and clocks, watched by a ledger that knows
// nothing of its code: what an executor is ever asked to do keeps every limit.
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

/// What an auditor would write down of one parameter from the outside: when what was sent, and whether it counts. What
/// was rejected or has expired does not, unless it turns out later that it was applied after all.
struct Ledger {
  struct Sent {
    Instant at;
    Decimal change;
    bool counts = true;
    Instant expires;
    bool answered = false;
    bool late = false;  ///< applied when it was believed to be gone: since then it counts as of its expiry
    [[nodiscard]] Instant done() const { return late ? expires : at; }
  };
  Decimal applied;
  std::uint64_t newest_answer = 0;
  std::map<std::uint64_t, Sent> sent;

  void expire(Instant now) {
    for (auto& [id, s] : sent) {
      if (!s.answered && now >= s.expires) s.counts = false;
    }
  }
  void answer(std::uint64_t id, bool was_applied, Decimal value, Instant now) {
    Sent& s = sent.at(id);
    s.answered = true;
    s.late = was_applied && now >= s.expires && !s.counts;
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

/// How often the direction changed inside the window, and in which direction the last change went; 0 = none.
struct Turns {
  std::size_t count = 0;
  int last = 0;
};
Turns turns_of(const Ledger& ledger, Instant now, Duration window) {
  std::vector<const Ledger::Sent*> done;
  for (const auto& [id, s] : ledger.sent) {
    if (s.counts) done.push_back(&s);
  }
  std::stable_sort(done.begin(), done.end(), [](const auto* a, const auto* b) { return a->done() < b->done(); });
  Turns turns;
  for (const auto* s : done) {
    const int way = s->change.units() > 0 ? 1 : -1;
    if (turns.last == -way && s->done() > now - window) ++turns.count;
    turns.last = way;
  }
  return turns;
}

/// Largest change by the policy's own words, in the parameter's unit.
double change_max(const guardian::ParameterSettings& p, Decimal applied, bool is_emergency) {
  const auto& limit = is_emergency && p.emergency && p.emergency->change.is_set() ? p.emergency->change : p.change;
  double most = HUGE_VAL;
  if (limit.absolute) most = std::min(most, limit.absolute->to_double());
  if (limit.relative) {
    const double floor = limit.floor ? limit.floor->to_double() : 0;
    most = std::min(most, std::max(floor, *limit.relative * std::fabs(applied.to_double())));
  }
  return std::max(most, p.quantum.to_double());
}

struct Watched {
  World world;
  std::map<std::string, Ledger> ledgers;
  std::map<std::string, Decimal> totals;     // what was moved, as executors count it
  std::map<std::uint64_t, bool> overridden;  // by decision
  std::vector<std::uint64_t> awaiting;       // decisions that were put into a veto window
  std::deque<Adjustment> open;
  std::uint64_t emitted = 0;

  explicit Watched(std::uint64_t seed) : world(seed, {.reading_invariants = true}) {
    for (const auto& p : world.engine.policy().guardian.parameters) ledgers[p.name].applied = p.initial;
    for (const auto& p : world.engine.policy().guardian.parameters) totals[p.name] = p.initial;
  }

  /// What an executor has when it is told to apply a part: a value is set, mostly; of a total it moves what is missing
  /// up to the value, now and then less.
  Decimal executed(const Part& part) {
    Random& random = world.random;
    const bool is_total = guardian::is_amount(world.settings_of(part.parameter).action.kind);
    if (!is_total) return random.chance(0.1) ? part.previous : part.value;
    Decimal& total = totals[part.parameter];
    const auto amount = static_cast<std::int64_t>((part.value - part.previous).units());
    const Decimal upto = random.chance(0.2) ? part.previous + units(within(random, 0, amount)) : part.value;
    const Decimal moved = upto > total ? upto - total : units(0);
    RC_ASSERT(moved <= part.act.amount);  // whatever was sent again, in which order it came
    total = total + moved;
    return total;
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
      const auto parts = parts_of(adjustment);
      std::vector<Decimal> values;
      for (const Part& part : parts) values.push_back(applied ? executed(part) : part.value);
      RC_ASSERT(world.answer(adjustment, applied, values).outcome.accepted);
      for (std::size_t i = 0; i < parts.size(); ++i) {
        // A member that was left as it was, while others moved, was not applied.
        const bool is_done = applied && (adjustment.members.empty() || values[i] != parts[i].previous);
        ledgers[parts[i].parameter].answer(parts[i].id, is_done, values[i], world.now());
      }
    }
  }

  void command_some() {
    Random& random = world.random;
    world.release_some();
    if (!random.chance(0.12)) return;
    const std::string parameter = world.any_parameter_name();
    const std::int64_t until = world.now_s + within(random, 1, 200);
    switch (random.below(9)) {
      case 0: world.order(CommandKind::pause, parameter, until); break;
      case 1: world.order(CommandKind::resume, parameter); break;
      case 2: world.order(CommandKind::override_value, parameter, until, world.any_value(parameter)); break;
      case 3: world.order(CommandKind::clear_override, parameter); break;
      case 4: world.order(CommandKind::emergency_on, "", until); break;
      case 5: world.order(CommandKind::emergency_off, ""); break;
      case 6: world.order(random.chance(0.5) ? CommandKind::pause : CommandKind::resume, "", until); break;
      case 7: veto_one(); break;
      default: world.order(CommandKind::clear_halt, random.chance(0.5) ? "x" : "y"); break;
    }
  }

  void veto_one() {
    if (awaiting.empty()) return;
    GuardianCommand command{"alice", "no", world.now(), CommandKind::veto};
    command.id = awaiting.back();
    (void)world.apply(command);
  }

  void check_part(const Part& a) {
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
    RC_ASSERT(!ledger.sent.contains(a.id));  // one order, one adjustment
    const auto approval = world.approvals.find(a.id);
    RC_ASSERT(approval == world.approvals.end() || approval->second.is_released);
    check_act(p, a, change);
    RC_ASSERT(a.previous == ledger.applied);  // what it is meant to replace is what is there
    RC_ASSERT(change.abs().to_double() <= change_max(p, ledger.applied, is_emergency) * (1 + 1e-12));
    if (!overridden.at(a.id)) {
      const bool by_emergency = is_emergency && p.emergency;
      const Duration cooldown = by_emergency ? (up ? p.emergency->cooldown_up : p.emergency->cooldown_down)
                                             : (up ? p.cooldown_up : p.cooldown_down);
      const bool is_derisking = p.derisking == (up ? guardian::Direction::up : guardian::Direction::down);
      const auto last = ledger.last(up);
      if (last && !is_derisking) RC_ASSERT(now - *last >= cooldown);
      // What was applied after all counts where it was in the order of things, as of its expiry. It may have made more
      // turns of what was sent before it was known; nothing that is sent knowing it makes one more than there may be.
      if (p.flaps && !is_derisking) {
        const Turns turns = turns_of(ledger, now, p.flaps->window);
        if (turns.last == (up ? -1 : 1)) RC_ASSERT(turns.count < p.flaps->count);
      }
      RC_ASSERT(!p.restricted);
      for (const auto& r : p.restricted_values) RC_ASSERT(a.value < r.from || a.value > r.to);
      if (p.drift) RC_ASSERT(ledger.used(now, p.drift->window) + change.abs() <= p.drift->budget);
    }
    ledger.sent[a.id] = {now, change, true, now + p.expiry};
    ++emitted;
  }

  /// A total never falls, what is to be moved is the difference, and what recipients get sums to it.
  static void check_act(const guardian::ParameterSettings& p, const Part& a, Decimal change) {
    RC_ASSERT(a.act.kind == p.action.kind);
    if (!guardian::is_amount(p.action.kind)) {
      RC_ASSERT(a.act.amount.units() == 0);
      return;
    }
    RC_ASSERT(change.units() > 0 && a.act.amount == change);
    RC_ASSERT(a.act.transfers.size() == p.action.recipients.size());
    Decimal sum = units(0);
    for (const auto& t : a.act.transfers) sum = sum + t.amount;
    RC_ASSERT(a.act.transfers.empty() || sum == change);
  }

  /// What is applied together keeps the bundle's invariants, by the executor's own words for what it has and by the
  /// readings of the tick at which it is sent.
  void check_whole(const Adjustment& a) {
    const auto& bundles = world.engine.policy().guardian.bundles;
    const auto found = std::find_if(bundles.begin(), bundles.end(), [&](const auto& b) {
      return std::find(b.members.begin(), b.members.end(), a.parameter.str()) != b.members.end();
    });
    RC_ASSERT(a.bundle.empty() == (found == bundles.end()));
    if (found == bundles.end()) return;
    const auto& bundle = *found;
    RC_ASSERT(a.bundle == bundle.name);
    std::map<std::string, double> values;
    for (const auto& [name, ledger] : ledgers) values[name] = ledger.applied.to_double();
    for (const Part& part : parts_of(a)) values[part.parameter] = part.value.to_double();
    for (const auto& invariant : bundle.invariants) {
      const double number = std::stod(invariant.text.substr(invariant.text.rfind(' ')));
      if (invariant.name == "reach") {
        const oracle::Reading x = world.engine.view().metrics.front().reading;
        RC_ASSERT(is_usable(x.quality));
        RC_ASSERT(values[bundle.members[0]] <= x.value - number + 1e-9);
      } else {
        RC_ASSERT(std::fabs(values[bundle.members[0]] - values[bundle.members[1]]) <= number + 1e-9);
      }
    }
  }

  void run() {
    for (int i = 0; i < kTicks; ++i) {
      world.advance();
      world.samples();
      answer_some();
      command_some();
      for (auto& [name, ledger] : ledgers) ledger.expire(world.now());
      const Effects effects = world.tick();
      for (const auto& record : effects.records) {
        overridden[record.id] = record.overridden;
        if (record.outcome == Outcome::awaiting_veto || record.outcome == Outcome::awaiting_approval) {
          awaiting.push_back(record.id);
        }
      }
      for (const auto& adjustment : effects.adjustments) {
        for (const Part& part : parts_of(adjustment)) check_part(part);
        check_whole(adjustment);
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

}  // namespace
}  // namespace homeostat::engine
