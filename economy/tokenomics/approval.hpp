// What only a decision of governance may change: its proposal, the vote on it, and the approval that a function asks
// for as an argument, so that a tax or a burn cannot be moved without one.
//
//     turnout = (for + against + abstain) / eligible  >= quorum
//     for / (for + against)                           >= majority            compared exactly, in votes
//
// An Approval can be had in two ways only: from a vote that meets its rule, or from the record of a decision that was
// verified elsewhere (a guardian's signed order, a proposal executed on the chain), which is named. It holds the
// subject and the value that were approved; using it for another subject is an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "economy/amount.hpp"

namespace homeostat::economy::tokenomics {

enum class Subject : std::uint8_t { treasury_tax, burn };

[[nodiscard]] std::string_view name_of(Subject subject);

struct Proposal {
  Subject subject = Subject::treasury_tax;
  double value = 0;  ///< the ratio proposed; its range is the subject's
};

struct Vote {
  Amount votes_for = 0;
  Amount votes_against = 0;
  Amount votes_abstain = 0;
  Amount votes_eligible = 0;  ///< > 0, at least as many as were cast
};

struct VoteRule {
  double quorum = 0.334;  ///< 0..1, of those eligible (the default of Cosmos' x/gov)
  double majority = 0.5;  ///< 0.5..1, of those for or against; at exactly one half it must be more
};
[[nodiscard]] Result<> check(const VoteRule& rule);

class Approval {
 public:
  /// Error permission_denied, with the numbers, if the vote does not meet the rule.
  [[nodiscard]] static Result<Approval> from_vote(const Proposal& proposal, const Vote& vote, const VoteRule& rule);
  /// Of a decision verified elsewhere. `reference` names it: error missing if it is empty.
  [[nodiscard]] static Result<Approval> on_record(const Proposal& proposal, std::string_view reference);

  [[nodiscard]] const Proposal& proposal() const { return proposal_; }
  /// "vote" or the reference.
  [[nodiscard]] const std::string& reference() const { return reference_; }

 private:
  Approval(const Proposal& proposal, std::string_view reference) : proposal_(proposal), reference_(reference) {}
  Proposal proposal_;
  std::string reference_;
};

}  // namespace homeostat::economy::tokenomics
