#include "replay.hpp"

#include <optional>

#include "core/check.hpp"
#include "input_stream.hpp"

namespace homeostat::golden {
namespace {

// In inputs; a shadow is of the next policy each time.
constexpr std::uint64_t kRestartEvery = 2'500;
constexpr std::uint64_t kShadowEvery = 1'900;
constexpr std::uint64_t kShadowLives = 800;
constexpr std::uint64_t kViewEvery = 20;

/// What came of the shadows, chained.
struct Shadows {
  std::optional<engine::Shadow> running;
  std::uint64_t begun_at = 0;
  std::uint64_t forked = 0;
  std::uint64_t differing = 0;  ///< parameters that parted from the live ones
  StateHash hash;

  void end(Coverage& coverage) {
    if (!running) return;
    coverage.note(*running);
    for (const auto& p : running->parameters()) differing += p.differing > 0 ? 1 : 0;
    hash = homeostat::state_hash(hash.hex() + running->save());
    running.reset();
  }
  void step(std::uint64_t i, const engine::Engine& engine, Instant now, Coverage& coverage) {
    if (running && i >= begun_at + kShadowLives) end(coverage);
    if (i % kShadowEvery != 0 || i == 0) return;
    const std::string candidate = kPolicies[forked++ % kPolicies.size()];
    auto shadow = engine::Shadow::fork(engine, load_policy(candidate).value(), candidate, now);
    HOMEOSTAT_CHECK(shadow.has_value());
    running.emplace(std::move(*shadow));
    begun_at = i;
  }
};

std::string line(const char* what, std::uint64_t count) {
  return std::string(what) + " " + std::to_string(count) + "\n";
}

}  // namespace

Replay replay(std::uint64_t seed, std::uint64_t count) {
  Replay run;
  InputStream stream(seed);
  engine::Engine engine(load_policy("a").value());
  Shadows shadows;
  std::uint64_t adjustments = 0, updates = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const engine::PolicyPtr policy = load_policy(engine.policy().name).value();
    if (i % kRestartEvery == kRestartEvery - 1) {
      const std::string saved = engine.save();
      engine = engine::Engine::load(policy, saved).value();
      HOMEOSTAT_CHECK(engine.save() == saved);
      run.coverage.add("restart from saved state");
    }
    shadows.step(i, engine, stream.now(), run.coverage);
    const engine::Input input = stream.next();
    const engine::Effects effects = engine.apply(input);
    adjustments += effects.adjustments.size();
    updates += effects.updates.size();
    run.coverage.note(*policy, input, effects, stream.forgery());
    if (shadows.running) shadows.running->apply(input, engine::live_decisions(effects));
    if (i % kViewEvery == 0) run.coverage.note(engine.view());
    stream.note(effects);
  }
  shadows.end(run.coverage);
  const engine::View view = engine.view();
  run.report = line("seed", seed) + line("inputs", count) + line("ticks", view.ticks) +
               line("decisions", view.decisions) + line("adjustments", adjustments) + line("updates", updates) +
               line("commands accepted", view.commands_accepted) + line("commands refused", view.commands_refused) +
               line("shadows", shadows.forked) + line("shadow parameters that differed", shadows.differing) +
               "decisions hash " + engine.decisions_hash().hex() + "\nstate hash " + engine.state_hash().hex() +
               "\nshadows hash " + shadows.hash.hex() + "\n";
  return run;
}

}  // namespace homeostat::golden
