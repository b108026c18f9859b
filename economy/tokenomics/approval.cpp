#include "economy/tokenomics/approval.hpp"

#include "core/format.hpp"
#include "economy/argument.hpp"
#include "economy/tokenomics/share.hpp"

namespace homeostat::economy::tokenomics {

std::string_view name_of(Subject subject) {
  switch (subject) {
    case Subject::treasury_tax: return "treasury_tax";
    case Subject::burn: return "burn";
  }
  return "?";
}

Result<> check(const VoteRule& rule) {
  return first_error(require("quorum", rule.quorum, {0, 1}), require("majority", rule.majority, {0.5, 1}));
}

namespace {
Result<> check(const Proposal& proposal) {
  return require("value", proposal.value, {0, 1});
}

Result<> check(const Vote& vote) {
  if (auto ok = first_error(
          require_amount("votes_for", vote.votes_for), require_amount("votes_against", vote.votes_against),
          require_amount("votes_abstain", vote.votes_abstain), require_amount("votes_eligible", vote.votes_eligible));
      !ok) {
    return ok;
  }
  if (vote.votes_eligible == 0) return fail(ErrorCode::missing, "votes_eligible", "must be above 0");
  if (vote.votes_for + vote.votes_against + vote.votes_abstain > vote.votes_eligible) {
    return fail(ErrorCode::invalid_argument, "votes_eligible", "must be at least as many as were cast");
  }
  return {};
}

tl::unexpected<Error> refused(const char* what, Amount part, Amount of, double least) {
  const double is = of == 0 ? 0 : tokens_of(part, 0) / tokens_of(of, 0);
  return fail(
      ErrorCode::permission_denied, what,
      std::string("must be ") + (least == 0.5 ? "above " : "at least ") + short_text(least) + ", is " + short_text(is));
}
}  // namespace

Result<Approval> Approval::from_vote(const Proposal& proposal, const Vote& vote, const VoteRule& rule) {
  if (auto ok = first_error(check(proposal), check(vote), check(rule)); !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const Amount cast = vote.votes_for + vote.votes_against + vote.votes_abstain;
  const Amount decided = vote.votes_for + vote.votes_against;
  // Rounded up: 33.4 % of ten votes are four, and no vote at all is no turnout.
  if (cast == 0 || cast < part_of(vote.votes_eligible, rule.quorum, Rounding::up)) {
    return refused("quorum", cast, vote.votes_eligible, rule.quorum);
  }
  const bool is_carried = rule.majority == 0.5 ? vote.votes_for > vote.votes_against
                                               : vote.votes_for >= part_of(decided, rule.majority, Rounding::up);
  if (decided == 0 || !is_carried) return refused("majority", vote.votes_for, decided, rule.majority);
  return Approval(proposal, "vote");
}

Result<Approval> Approval::on_record(const Proposal& proposal, std::string_view reference) {
  if (auto ok = check(proposal); !ok) return tl::make_unexpected(std::move(ok.error()));
  if (reference.empty()) return fail(ErrorCode::missing, "reference", "must name the decision");
  return Approval(proposal, reference);
}

}  // namespace homeostat::economy::tokenomics
