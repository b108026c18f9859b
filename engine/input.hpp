// Everything that can ever change the engine's state. Inputs are journaled before they are applied;
// the same sequence of inputs gives the same decisions, to the last bit, anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/decimal.hpp"
#include "core/time.hpp"
#include "engine/policy.hpp"
#include "guardian/command.hpp"
#include "guardian/keys.hpp"
#include "oracle/observation.hpp"

namespace homeostat::engine {

/// The decision grid: slot n is at n x period since the epoch. Slots must ascend; a jump of more than
/// one is counted as missed slots and acts as one step over the larger dt.
struct Tick {
  std::uint64_t slot = 0;
  Instant at;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.slot), a(x.at);
  }
};

using guardian::CommandKind;
/// An order that nobody signed; a policy that lists keys refuses it.
using GuardianCommand = guardian::Command;

/// An order as its guardian signed it: the engine itself checks signature, key and approvals, so that a replay proves
/// them again.
struct SignedCommand {
  Instant at;
  std::string text;  ///< guardian/signed_order.hpp
  guardian::Signature signature{};

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.at), a(x.text), a(x.signature);
  }
};

/// What became of one member of a bundle.
struct MemberValue {
  std::string parameter;
  Decimal value;  ///< read back after applying

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.parameter), a(x.value);
  }
};

/// An executor's answer: what was really applied, or why it was not.
struct ActuatorReport {
  std::uint64_t adjustment = 0;
  std::string executor;
  Instant at;
  bool applied = false;
  Decimal value;                     ///< read back after applying; meaningful if applied
  std::string detail;                ///< transaction hash, or the reason of a rejection
  std::vector<MemberValue> members;  ///< of a bundle that was applied: every member; `value` is not looked at then

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.adjustment), a(x.executor), a(x.at), a(x.applied), a(x.value), a(x.detail);
    // Answers to single adjustments are stored as they were before there were bundles.
    if constexpr (requires { a.fail(); }) {
      if (a.left() > 0) {
        a(x.members);
        if (x.members.empty()) a.fail();  // one text for one answer
      }
    } else {
      if (!x.members.empty()) a(x.members);
    }
  }
};

/// A new policy, in force from the next tick. The journal keeps the text; `policy` is what the
/// loader made of it (the same text gives the same policy).
struct PolicyChange {
  Instant at;
  std::string actor;
  std::string text;
  PolicyPtr policy;
  /// Its text came over the network and not from the host's configuration file: a shadow that is promoted. A policy
  /// with keys takes it only when its fingerprint was signed for, whether it loosens anything or not.
  bool promotion = false;
};

using Input = std::variant<oracle::SampleBatch, oracle::ChainSegment, oracle::SourceReport, Tick, GuardianCommand,
                           ActuatorReport, PolicyChange, SignedCommand>;

}  // namespace homeostat::engine
