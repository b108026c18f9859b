// A shadow: a candidate policy that runs beside the live engine on the same inputs and emits nothing.
//
// It begins as the live engine would be if the candidate were promoted at that moment (Engine::fork: the same state,
// changed over without a step), and from there on gets every input of the live engine, in order, but for
//   - answers of executors to adjustments that were decided after the fork: they are the live engine's. Its own
//   adjustments
//     are answered at once, as applied with their own value, in its own state: the shadow assumes an executor without
//     delay, error or cost. Answers to what was under way at the fork are its own, too.
//   - policy changes: it keeps its candidate;
//   - orders that name an id (veto, approve, reject): ids are each engine's own.
// What it assumes of the plant: that readings would have been the same. They answer to the live parameters, so a shadow
// tells how a candidate would have reacted to this history, not what the economy would have done; the longer and the
// farther both part, the less it says. It still shows each first difference, where they have parted by nothing yet.
//
// Deterministic: state and decisions depend on the live engine at the fork, the candidate, and the inputs alone, so
// that the same journal gives the same shadow anywhere (the hash says so). A candidate with another period decides on
// its own grid, at live ticks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "engine/engine.hpp"

namespace homeostat::engine {

/// What a comparison needs of one live decision.
struct LiveDecision {
  SharedText parameter;
  std::uint64_t id = 0;
  Outcome outcome = Outcome::no_change;
  Answer answer = Answer::none;
  Decimal previous;
  Decimal value;
  Decimal applied;
  SharedText why;
};
/// Of new records and of earlier ones that were answered, in order.
[[nodiscard]] std::vector<LiveDecision> live_decisions(const Effects& effects);

/// One side of a comparison.
struct ShadowSide {
  bool known = false;  ///< it has decided about the parameter
  Decimal value;       ///< applied, or on its way
  std::uint64_t adjustments = 0;
  std::uint64_t waiting = 0;  ///< id of its adjustment that is not answered, 0 = none
  SharedText why;             ///< of its last decision

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.known), a(x.value), a(x.adjustments), a(x.waiting), a(x.why);
  }
};

/// The first tick at which both values differed.
struct Divergence {
  std::uint64_t slot = 0;  ///< of the live engine
  Instant at;
  Decimal live, shadow;
  SharedText live_why, shadow_why;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.slot), a(x.at), a(x.live), a(x.shadow), a(x.live_why), a(x.shadow_why);
  }
};

struct ShadowParameter {
  SharedText name;
  ShadowSide live, shadow;
  std::uint64_t compared = 0;  ///< ticks at which both sides were known
  std::uint64_t differing = 0;
  Decimal distance_max;
  Instant distance_max_at;
  std::optional<Divergence> first;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.name), a(x.live), a(x.shadow), a(x.compared), a(x.differing), a(x.distance_max), a(x.distance_max_at),
        a(x.first);
  }
};

class Shadow {
 public:
  /// Errors: what a policy change would be refused for, but for what it loosens: nothing that a shadow does is sent.
  [[nodiscard]] static Result<Shadow> fork(const Engine& live, PolicyPtr candidate, const std::string& text,
                                           Instant at);

  /// One input of the live engine and what it decided on it.
  void apply(const Input& input, const std::vector<LiveDecision>& live);

  [[nodiscard]] const Engine& engine() const { return engine_; }
  [[nodiscard]] const std::vector<ShadowParameter>& parameters() const { return parameters_; }  ///< as decided
  [[nodiscard]] std::uint64_t ticks() const { return ticks_; }
  [[nodiscard]] Instant forked() const { return forked_; }

  [[nodiscard]] std::string save() const;
  /// Errors as of Engine::load.
  [[nodiscard]] static Result<Shadow> load(PolicyPtr candidate, std::string_view bytes);

 private:
  explicit Shadow(Engine engine) : engine_(std::move(engine)) {}

  [[nodiscard]] bool is_for_it(const Input& input) const;
  void step(const Input& input);
  template <class Decision>  // LiveDecision or DecisionRecord
  void note(ShadowSide ShadowParameter::*side, const Decision& decision);
  void compare(const Tick& tick);
  [[nodiscard]] ShadowParameter& parameter(const SharedText& name);

  Engine engine_;
  Instant forked_;
  std::uint64_t forked_decisions_ = 0;  ///< the live engine's newest then
  std::uint64_t ticks_ = 0;             ///< live ticks since
  std::vector<ShadowParameter> parameters_;
  std::size_t last_ = 0;  ///< index of the one last looked for; only saves time
};

}  // namespace homeostat::engine
