// The engine: one deterministic state machine with one entry point.
//
//     Effects effects = engine.apply(input);
//
// It has no clock, thread, file, socket, log, environment or randomness of its own. Not thread-safe:
// one thread owns it. Reads by others go through View, an immutable copy.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/state_hash.hpp"
#include "engine/input.hpp"
#include "engine/policy.hpp"
#include "engine/record.hpp"
#include "engine/view.hpp"
#include "oracle/oracle.hpp"

namespace homeostat::engine {

/// A guardian command's outcome, or a configuration change's.
struct CommandOutcome {
  bool accepted = false;
  std::uint64_t id = 0;                     ///< of the command, monotonic, also of refused ones
  std::uint32_t missing = 0;                ///< signatures it waits for; accepted, but not carried out before
  std::string message;                      ///< what will happen, or why it was refused
  ErrorCode refusal = ErrorCode::conflict;  ///< of a refused one: its value was wrong, or the state is not right for it
};

enum class NoticeKind : std::uint8_t { mode, source, command, policy, actuator, missed_slots };
[[nodiscard]] constexpr std::string_view name_of(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::mode: return "mode";
    case NoticeKind::source: return "source";
    case NoticeKind::command: return "command";
    case NoticeKind::policy: return "policy";
    case NoticeKind::actuator: return "actuator";
    case NoticeKind::missed_slots: return "missed_slots";
  }
  return "?";
}
/// Something worth an operator's attention; goes to the log, the watch stream and annotations.
struct Notice {
  NoticeKind kind = NoticeKind::mode;
  Instant at;
  std::string subject;
  std::string text;
};

/// What an input brought about, in the order in which it must take effect: records and updates are
/// made durable before adjustments are sent; verdicts, outcomes and notices go out last.
struct Effects {
  std::vector<DecisionRecord> records;  ///< new decisions, ascending ids
  std::vector<DecisionRecord> updates;  ///< earlier decisions whose outcome or answer changed
  std::vector<Adjustment> adjustments;  ///< to send, ascending ids
  oracle::BatchVerdict verdict;         ///< of a SampleBatch
  Result<> chain = {};                  ///< of a ChainSegment: why it was refused
  CommandOutcome outcome;               ///< of a GuardianCommand, ActuatorReport or PolicyChange
  std::vector<Notice> notices;
};

class Engine {
 public:
  /// `policy` must have passed check(); CHECKed.
  explicit Engine(PolicyPtr policy);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  [[nodiscard]] Effects apply(const Input& input);

  /// What the tick at `tick` would do now, without doing it.
  [[nodiscard]] Effects preview(const Tick& tick) const;

  /// Another engine that goes on from this state under the change's policy, as after the change but for who may ask:
  /// what it loosens needs no signature, as nothing of a fork is sent. Error conflict: the policy does not fit the
  /// state.
  [[nodiscard]] Result<Engine> fork(const PolicyChange& change) const;

  /// The whole state as canonical bytes; `load` continues from them bit for bit.
  /// Errors of load: corrupt (bytes), conflict (saved under another policy digest).
  [[nodiscard]] std::string save() const;
  [[nodiscard]] static Result<Engine> load(PolicyPtr policy, std::string_view bytes);
  /// Hash of save().
  [[nodiscard]] StateHash state_hash() const;
  /// Running hash over every decision record ever made, in order.
  [[nodiscard]] StateHash decisions_hash() const;

  [[nodiscard]] const Policy& policy() const;
  /// For sources that go on where the oracle is (recent_blocks).
  [[nodiscard]] const oracle::Oracle& oracle() const;
  [[nodiscard]] std::uint64_t last_slot() const;
  /// Adjustments emitted and not answered yet, ascending ids: what a subscriber must (again) be sent.
  [[nodiscard]] std::vector<Adjustment> outstanding() const;
  /// A copy for readers, at the last tick plus what came since.
  [[nodiscard]] View view() const;

  /// Inside the engine folder only (engine/state.hpp).
  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace homeostat::engine
