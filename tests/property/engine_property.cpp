// The engine under anything: a replay gives the same decisions to the last bit, and no adjustment that it ever
// emits breaks a limit.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "core/archive.hpp"
#include "engine_world.hpp"
#include "input_stream.hpp"

namespace homeostat::engine {
namespace {

using golden::InputStream;
using golden::load_policy;

constexpr std::uint64_t kInputs = 600;

/// REPLAY EQUALITY, the most important test of the project: inputs through bytes, into a fresh engine,
/// with a restart from saved state somewhere in the middle, give the same decisions and the same state. What does not;
/// empty = nothing.
std::string what_differs(std::uint64_t seed, std::uint64_t restart_at) {
  InputStream stream(seed);
  Engine live(load_policy("a").value());
  std::vector<std::string> journal;
  std::string saved;
  PolicyPtr saved_policy;
  for (std::uint64_t i = 0; i < kInputs; ++i) {
    if (i == restart_at) {
      saved = live.save();
      saved_policy = load_policy(live.policy().name).value();
    }
    const Input input = stream.next();
    journal.push_back(encode(input));
    stream.note(live.apply(input));
  }

  Engine replayed(load_policy("a").value());
  for (const std::string& bytes : journal) {
    auto input = decode(bytes, load_policy);
    if (!(input.has_value())) return "input.has_value()";
    if (!(encode(*input) == bytes)) return "encode(*input) == bytes";
    (void)replayed.apply(*input);
  }
  if (!(replayed.decisions_hash() == live.decisions_hash()))
    return "replayed.decisions_hash() == live.decisions_hash()";
  if (!(replayed.state_hash() == live.state_hash())) return "replayed.state_hash() == live.state_hash()";

  auto restarted = Engine::load(saved_policy, saved);
  if (!(restarted.has_value())) return "restarted.has_value()";
  if (!(restarted->save() == saved)) return "restarted->save() == saved";
  for (std::uint64_t i = restart_at; i < kInputs; ++i) (void)restarted->apply(decode(journal[i], load_policy).value());
  if (!(restarted->decisions_hash() == live.decisions_hash()))
    return "restarted->decisions_hash() == live.decisions_hash()";
  if (!(restarted->state_hash() == live.state_hash())) return "restarted->state_hash() == live.state_hash()";
  return "";
}

RC_GTEST_PROP(Engine, AReplayOfTheJournalGivesTheSameDecisionsToTheLastBit, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  RC_ASSERT(what_differs(seed, *rc::gen::inRange<std::uint64_t>(0, kInputs)) == "");
}

// The same of any policy, with decoupled loops and actions in half of them, and with restarts now and then.
RC_GTEST_PROP(Engine, AReplayOfAnyPolicysInputsGivesTheSameDecisionsToTheLastBit, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  World world(seed);
  Random& random = world.random;
  const auto policy = std::make_shared<const Policy>(world.engine.policy());
  world.is_journaled = true;
  std::vector<Adjustment> open;
  for (int i = 0; i < kTicks; ++i) {
    world.advance();
    world.samples();
    world.release_some();
    if (random.chance(0.1)) {
      const CommandKind kinds[] = {CommandKind::pause, CommandKind::resume, CommandKind::override_value,
                                   CommandKind::clear_override, CommandKind::emergency_on};
      const CommandKind kind = kinds[random.below(std::size(kinds))];
      const std::string target = world.any_parameter_name();
      const bool is_of_all = kind == CommandKind::emergency_on;
      world.order(kind, is_of_all ? "" : target, world.now_s + within(random, 1, 100), world.any_value(target));
    }
    if (random.chance(0.1)) world.engine = Engine::load(policy, world.engine.save()).value();
    const Effects effects = world.tick();
    open.insert(open.end(), effects.adjustments.begin(), effects.adjustments.end());
    while (!open.empty() && random.chance(0.6)) {
      const auto which = open.begin() + static_cast<std::ptrdiff_t>(random.below(open.size()));
      (void)world.answer(*which, random.chance(0.8));
      open.erase(which);
    }
  }
  Engine replayed(policy);
  for (const std::string& bytes : world.journal) (void)replayed.apply(decode(bytes, load_policy).value());
  RC_ASSERT(replayed.decisions_hash() == world.engine.decisions_hash());
  RC_ASSERT(replayed.state_hash() == world.engine.state_hash());
}

// What waited was given back and asked for again within one tick, the first of that parameter's laws after the restart.
TEST(Engine, ARestartKnowsWhatALawGoesBackTo) {
  EXPECT_EQ(what_differs(11'868'249'710, 233), "");
}

RC_GTEST_PROP(Engine, PreviewIsWhatTheTickThenDoesAndLeavesNoTrace, ()) {
  InputStream stream(*rc::gen::arbitrary<std::uint64_t>());
  Engine engine(load_policy("a").value());
  for (std::uint64_t i = 0; i < 150; ++i) {
    const Input input = stream.next();
    const auto* tick = std::get_if<Tick>(&input);
    if (tick == nullptr) {
      stream.note(engine.apply(input));
      continue;
    }
    const auto before = engine.state_hash();
    const Effects preview = engine.preview(*tick);
    RC_ASSERT(engine.state_hash() == before);
    const Effects real = engine.apply(input);
    RC_ASSERT(archive_bytes(preview.records) == archive_bytes(real.records));
    RC_ASSERT(archive_bytes(preview.adjustments) == archive_bytes(real.adjustments));
    stream.note(real);
  }
}

const guardian::ParameterSettings& settings_of(const Engine& engine, std::string_view name) {
  for (const auto& p : engine.policy().guardian.parameters) {
    if (p.name == name) return p;
  }
  std::abort();
}

void check_part(const Engine& engine, const Part& part, const DecisionRecord& record) {
  const auto& p = settings_of(engine, part.parameter);
  const auto outside = [&p](Decimal v) { return v < p.min ? p.min - v : v > p.max ? v - p.max : v - v; };
  RC_ASSERT(outside(part.value).units() == 0 || outside(part.value) < outside(part.previous));
  RC_ASSERT(part.value.rounded_to(p.quantum) == part.value);
  RC_ASSERT(part.value != part.previous);
  RC_ASSERT(record.mode != guardian::OperatingMode::halted);
  if (record.overridden) return;
  // What waited is judged by the mode of the tick at which it is sent.
  const auto most = guardian::change_max(p, part.previous, engine.view().mode);
  if (most) RC_ASSERT((part.value - part.previous).abs() <= *most);
}

RC_GTEST_PROP(Engine, NoAdjustmentEverBreaksALimit, ()) {
  InputStream stream(*rc::gen::arbitrary<std::uint64_t>());
  Engine engine(load_policy("a").value());
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, DecisionRecord> records;
  for (std::uint64_t i = 0; i < kInputs; ++i) {
    const Effects effects = engine.apply(stream.next());
    stream.note(effects);
    for (const auto& record : effects.records) {
      RC_ASSERT(record.id == last_id + 1);  // no decision is ever lost
      last_id = record.id;
      records[record.id] = record;
      RC_ASSERT(!record.why.empty());
      const bool moves = record.outcome == Outcome::emitted || record.outcome == Outcome::awaiting_veto ||
                         record.outcome == Outcome::awaiting_approval;
      RC_ASSERT(moves == (record.value != record.previous));
      RC_ASSERT((record.outcome == Outcome::withheld) == (!moves && !record.limits.empty()));
    }
    for (const auto& record : effects.updates) records[record.id] = record;
    for (const Adjustment& adjustment : effects.adjustments) {
      for (const Part& part : parts_of(adjustment)) check_part(engine, part, records.at(part.id));
    }
    RC_ASSERT(engine.outstanding().size() <= engine.policy().guardian.parameters.size());
  }
}

}  // namespace
}  // namespace homeostat::engine
