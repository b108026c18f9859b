// The decision record: why a parameter moved, or did not. Complete enough that an auditor needs
// nothing else: readings with quality and provenance, every term, every limit that bit and what
// would have been sent without it, the mode and its cause, the actuator's answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/law_kind.hpp"
#include "core/decimal.hpp"
#include "core/shared_text.hpp"
#include "core/shared_vector.hpp"
#include "core/time.hpp"
#include "guardian/action.hpp"
#include "guardian/limits.hpp"
#include "guardian/mode.hpp"
#include "oracle/reading.hpp"

namespace homeostat::engine {

/// Why the parameter of a loop in a decoupling cannot follow its output in full.
enum class Pin : std::uint8_t {
  none,
  unusable,    ///< the loop cannot see
  override,    ///< a guardian's
  pause,       ///< a guardian's
  bound,       ///< hard min or max
  change,      ///< its largest change
  unapplied,   ///< what was last sent did not become what is applied
  restricted,  ///< moved by guardians alone
  undecided,   ///< no choice of what counts fits: what counted last goes on to
};
constexpr Pin last_of(Pin) {
  return Pin::undecided;
}
[[nodiscard]] constexpr std::string_view name_of(Pin x) {
  switch (x) {
    case Pin::none: return "";
    case Pin::unusable: return "unusable";
    case Pin::override: return "override";
    case Pin::pause: return "pause";
    case Pin::bound: return "bound";
    case Pin::change: return "change";
    case Pin::unapplied: return "unapplied";
    case Pin::restricted: return "restricted";
    case Pin::undecided: return "undecided";
  }
  return "?";
}

/// One loop's part of a decision. Values in the units of its metric (PV) or parameter (U).
struct LoopTerms {
  SharedText loop;
  SharedText metric;
  oracle::Reading reading;
  double setpoint = 0;      ///< PV, after ramp and shift
  double error = 0;         ///< after the deadband; PV or a ratio, by the loop's error kind
  double p = 0;             ///< U
  double i = 0;             ///< U
  double d = 0;             ///< U
  double feed_forward = 0;  ///< U
  double unlimited = 0;     ///< sum of the terms, U
  double output = 0;        ///< contribution after the loop's own output limits, U
  double tracking = 0;      ///< change of the integral by anti-windup in this step, U
  bool frozen = false;      ///< the integral did not move because of the reading
  bool emergency_gains = false;
  // Of a law other than pid.
  controller::LawKind law = controller::LawKind::pid;
  controller::LawReason reason = controller::LawReason::none;
  double raw = 0;           ///< the law's own value, before a hand-back's bridge and the loop's limits, U
  bool waiting = false;     ///< for the answer to an adjustment: the terms are those of the step that asked for it
  double gain_factor = 1;   ///< on all gains, by the loop's schedule
  double weight = 1;        ///< of its contribution in the parameter, where the arbitration is weighted; 0 = none
  SharedText drives;        ///< the loop whose set-point its output moves; empty = the parameter itself
  SharedText decoupling;    ///< by which its output reaches parameters; empty = its own parameter alone
  double share = 1;         ///< U of this parameter per U of its output, by the decoupling
  double contribution = 0;  ///< what it comes to here: share x what of its output its own parameter can follow, U
  SharedText moves;         ///< its own parameter, where that is another one of the decoupling; empty = this one
  Pin pin = Pin::none;      ///< of its own parameter, in a decoupling that does not wait
  SharedText detail;        ///< of the law economy: the mechanism, what it was given, and what it gave or refused

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.loop), a(x.metric), a(x.reading), a(x.setpoint), a(x.error), a(x.p), a(x.i), a(x.d), a(x.feed_forward),
        a(x.unlimited), a(x.output), a(x.tracking), a(x.frozen), a(x.emergency_gains), a(x.law), a(x.reason), a(x.raw),
        a(x.waiting), a(x.gain_factor), a(x.weight), a(x.drives), a(x.decoupling), a(x.share), a(x.contribution),
        a(x.moves), a(x.pin), a(x.detail);
  }
};

enum class Outcome : std::uint8_t {
  no_change,      ///< the wanted value is the applied one, to the quantum
  withheld,       ///< a limit, the mode or a guardian kept it back
  awaiting_veto,  ///< will be sent when its veto window has passed
  emitted,
  vetoed,
  awaiting_approval,  ///< will be sent when a guardian has released it
};
constexpr Outcome last_of(Outcome) {
  return Outcome::awaiting_approval;
}
[[nodiscard]] constexpr std::string_view name_of(Outcome o) {
  switch (o) {
    case Outcome::no_change: return "no_change";
    case Outcome::withheld: return "withheld";
    case Outcome::awaiting_veto: return "awaiting_veto";
    case Outcome::emitted: return "emitted";
    case Outcome::vetoed: return "vetoed";
    case Outcome::awaiting_approval: return "awaiting_approval";
  }
  return "?";
}

enum class Answer : std::uint8_t { none, waiting, applied, rejected, timed_out, expired };
constexpr Answer last_of(Answer) {
  return Answer::expired;
}
[[nodiscard]] constexpr std::string_view name_of(Answer x) {
  switch (x) {
    case Answer::none: return "none";
    case Answer::waiting: return "waiting";
    case Answer::applied: return "applied";
    case Answer::rejected: return "rejected";
    case Answer::timed_out: return "timed_out";
    case Answer::expired: return "expired";
  }
  return "?";
}

struct DecisionRecord {
  std::uint64_t id = 0;  ///< monotonic; also the adjustment's id if one came of it
  std::uint64_t slot = 0;
  Instant at;
  SharedText parameter;
  SharedVector<LoopTerms> loops;
  guardian::OperatingMode mode = guardian::OperatingMode::normal;
  SharedText mode_cause;
  double proposed = 0;  ///< base + contributions by the arbitration, U, before quantisation
  /// Of `proposed`, in a decoupling that waits for answers: beyond what its loops add up to, as steps of some of them
  /// were given back since they asked, U. What comes of it is settled at the last answer.
  double given_back = 0;
  bool overridden = false;              ///< `wanted` is a guardian's override
  Decimal wanted;                       ///< proposed, quantised
  SharedVector<guardian::Bite> limits;  ///< in the order in which they were applied
  Decimal previous;                     ///< last known applied value
  Decimal value;                        ///< decided value (== previous unless emitted or awaiting veto)
  Outcome outcome = Outcome::no_change;
  SharedText why;  ///< one sentence
  SharedText policy_digest;
  Answer answer = Answer::none;
  Decimal applied;  ///< read back by the executor, if answer is applied
  Instant answered;
  SharedText executor;
  SharedText answer_detail;
  SharedText bundle;                 ///< of the parameter, if it was judged with others
  std::vector<std::uint64_t> group;  ///< ids of all that were sent with it, ascending; the first is the adjustment's

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.id), a(x.slot), a(x.at), a(x.parameter), a(x.loops), a(x.mode), a(x.mode_cause), a(x.proposed), a(x.given_back),
        a(x.overridden), a(x.wanted), a(x.limits), a(x.previous), a(x.value), a(x.outcome), a(x.why),
        a(x.policy_digest), a(x.answer), a(x.applied), a(x.answered), a(x.executor), a(x.answer_detail), a(x.bundle),
        a(x.group);
  }
};

/// What an adjustment is in the world.
struct Act {
  guardian::ActionKind kind = guardian::ActionKind::set;
  SharedText asset;
  SharedText from;
  SharedText to;
  Decimal amount;                             ///< what is to be moved now; value - previous of an amount, else 0
  std::vector<guardian::Transfer> transfers;  ///< of a distribution; they sum to the amount

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.kind), a(x.asset), a(x.from), a(x.to), a(x.amount), a(x.transfers);
  }
};

/// One parameter of a bundle that is sent as one.
struct BundleMember {
  std::uint64_t id = 0;  ///< of its decision
  SharedText parameter;
  Decimal value;
  Decimal previous;
  SharedText why;
  Act act;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.id), a(x.parameter), a(x.value), a(x.previous), a(x.why), a(x.act);
  }
};

/// What executors get. Idempotent by id; must not be applied after `expires`. With `members`, all of them must be
/// applied together or not at all, and one answer tells what became of each; the other fields are the first one's.
struct Adjustment {
  std::uint64_t id = 0;
  SharedText parameter;
  Decimal value;
  Decimal previous;
  Instant created;
  Instant expires;
  std::uint64_t slot = 0;
  SharedText why;
  SharedText bundle;                  ///< empty = a parameter on its own
  std::vector<BundleMember> members;  ///< ascending ids, at least two of them; empty = a parameter on its own
  Act act;                            ///< what it is in the world; of a bundle, every member's own

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.id), a(x.parameter), a(x.value), a(x.previous), a(x.created), a(x.expires), a(x.slot), a(x.why), a(x.bundle),
        a(x.members), a(x.act);
  }
};

}  // namespace homeostat::engine
