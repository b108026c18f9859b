#include "economy/behaviour/nudge.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/archive.hpp"

namespace homeostat::economy::behaviour {
namespace {

const Instant kNow = Instant::from_unix_seconds(1'800'000'000);
const Audience kAnna{"anna", "holders"};

Template social() {
  return {"most_stake",
          Behaviour::stake,
          Framing::social_proof,
          "{stakers_share:percent} of holders stake, for {apy:percent} a year.",
          {{"stakers_share", 0.5, 1}}};
}

LiveValues live() {
  return {{"stakers_share", {0.6234, kNow - Duration::minutes(2), Trust::ok}},
          {"apy", {0.0875, kNow - Duration::minutes(5), Trust::ok}}};
}

TEST(Nudge, EveryNumberIsThatOfALiveMetric) {
  ASSERT_TRUE(check(social()));
  const auto p = propose(social(), live(), {}, {}, kAnna, kNow);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->text, "62.3% of holders stake, for 8.8% a year.");
  ASSERT_EQ(p->numbers.size(), 2);
  EXPECT_EQ(p->numbers[0], (Quoted{"stakers_share", 0.6234, kNow - Duration::minutes(2), "62.3%"}));
  EXPECT_EQ(p->numbers[1].text, "8.8%");
  EXPECT_EQ(p->effect, Effect{});
  EXPECT_EQ(p->approvals_needed, 1);
  EXPECT_EQ(p->valid_until, kNow + Duration::minutes(5));  // when its oldest number is too old
}

TEST(Nudge, AStaleUntrustedOrMissingMetricBlocksIt) {
  LiveValues v = live();
  const auto refused = [&] { return propose(social(), v, {}, {}, kAnna, kNow).error(); };
  v["apy"].as_of = kNow - Duration::minutes(11);
  EXPECT_EQ(refused().code, ErrorCode::unavailable);
  EXPECT_EQ(refused().text(), "apy: is stale, 11m old, at most 10m");
  v = live(), v["apy"].trust = Trust::doubtful;
  EXPECT_EQ(refused().text(), "apy: cannot be trusted now");
  v = live(), v["stakers_share"].trust = Trust::unusable;
  EXPECT_EQ(refused().where, "stakers_share");
  v = live(), v["apy"].as_of = kNow + Duration::seconds(1);
  EXPECT_EQ(refused().text(), "apy: is of a time that has not come");
  v = live(), v["apy"].value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refused().code, ErrorCode::unavailable);
  v = live(), v["apy"].value = 1e300;
  EXPECT_EQ(refused().code, ErrorCode::unavailable);
  v.erase("apy");
  EXPECT_EQ(refused().text(), "apy: has no value");
  v = live(), v["stakers_share"].value = 0.4;  // "of holders stake" is meant as most of them
  EXPECT_EQ(refused().text(), "stakers_share: is 0.4, so the words would not be true");
}

TEST(Nudge, ATemplateHasNoNumberOfItsOwn) {
  const auto error = [](const char* text) {
    Template t = social();
    t.text = text;
    const auto ok = check(t);
    return ok ? std::string("fine") : ok.error().message;
  };
  EXPECT_EQ(error("Stake now for {apy:percent}. One person, ten ones."),
            "must not say 'ten'; numbers come from metrics, as {name}");
  EXPECT_NE(error("Earn 12% a year, {apy}."), "fine");
  EXPECT_NE(error("Double your {apy}."), "fine");
  EXPECT_NE(error("{apy} and HALF of it"), "fine");
  EXPECT_NE(error("{apy"), "fine");
  EXPECT_NE(error("apy}"), "fine");
  EXPECT_NE(error("{}"), "fine");
  EXPECT_NE(error("{apy:12}"), "fine");
  EXPECT_NE(error("{apy:x}"), "fine");
  EXPECT_EQ(error("Someone often stakes at {apy:0}"), "fine");  // letters within words are no numbers
  Template t = social();
  t.text = "Stake now.";
  t.when.clear();
  EXPECT_EQ(check(t).error().code, ErrorCode::missing);  // nothing makes it true
  t = social(), t.name = "";
  EXPECT_EQ(check(t).error().where, "name");
  t = social(), t.age_max = Duration::zero();
  EXPECT_EQ(check(t).error().where, "age_max");
  t = social(), t.when[0].min = 2;
  EXPECT_EQ(check(t).error().where, "when[0].min");
  t = social(), t.text = std::string(501, 'a');
  EXPECT_EQ(check(t).error().where, "text");
}

NudgeProposal proposal(const Ledger& ledger, const Audience& who, Instant now, const FrequencyLimits& limits = {}) {
  LiveValues v = live();
  for (auto& [name, value] : v) value.as_of = now;
  return *propose(social(), v, ledger, limits, who, now);
}

TEST(Nudge, FrequencyLimitsOfPersonsHold) {
  Ledger ledger;
  const FrequencyLimits limits;  // two in 30 days, three days apart
  ASSERT_TRUE(record_sent(ledger, limits, proposal(ledger, kAnna, kNow), 1, kNow));
  const auto at = [&](Duration d) {
    LiveValues v = live();
    for (auto& [name, value] : v) value.as_of = kNow + d;
    return propose(social(), v, ledger, limits, kAnna, kNow + d);
  };
  EXPECT_EQ(at(Duration::days(2)).error().code, ErrorCode::conflict);
  EXPECT_EQ(at(Duration::days(2)).error().text(),
            "person: had one less than 3d ago; the next not before 2027-01-18T08:00:00Z");
  const auto second = at(Duration::days(3));
  ASSERT_TRUE(second);
  ASSERT_TRUE(record_sent(ledger, limits, *second, 1, kNow + Duration::days(3)));
  EXPECT_EQ(at(Duration::days(29)).error().where, "person");
  EXPECT_TRUE(at(Duration::days(30)));
  EXPECT_TRUE(propose(social(), live(), ledger, limits, {"bert", "holders"}, kNow));
}

TEST(Nudge, TwoApprovedProposalsCannotTogetherBreakALimit) {
  Ledger ledger;
  const auto one = proposal(ledger, kAnna, kNow), two = proposal(ledger, kAnna, kNow);
  ASSERT_TRUE(record_sent(ledger, {}, one, 1, kNow));
  const std::string before = archive_bytes(ledger);
  EXPECT_EQ(record_sent(ledger, {}, two, 1, kNow).error().code, ErrorCode::conflict);
  EXPECT_EQ(archive_bytes(ledger), before);
}

TEST(Nudge, FrequencyLimitsOfSegmentsHold) {
  FrequencyLimits limits;
  limits.per_segment_max = 2;
  Ledger ledger;
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(record_sent(ledger, limits, proposal(ledger, {name, "holders"}, kNow, limits), 1, kNow));
  }
  EXPECT_EQ(propose(social(), live(), ledger, limits, {"c", "holders"}, kNow).error().where, "segment");
  EXPECT_TRUE(propose(social(), live(), ledger, limits, {"c", "stakers"}, kNow));
}

TEST(Nudge, NothingIsSentWithoutItsApprovalsOrPastItsTruth) {
  Ledger ledger;
  Template t = social();
  t.framing = Framing::loss;
  const auto pressing = *propose(t, live(), ledger, {}, kAnna, kNow);
  EXPECT_EQ(pressing.approvals_needed, 2);
  EXPECT_EQ(record_sent(ledger, {}, pressing, 1, kNow).error().text(), "approvals: must be at least 2, are 1");
  EXPECT_EQ(record_sent(ledger, {}, proposal(ledger, kAnna, kNow), 0, kNow).error().code, ErrorCode::permission_denied);
  EXPECT_EQ(record_sent(ledger, {}, pressing, 2, kNow + Duration::minutes(6)).error().code, ErrorCode::unavailable);
  EXPECT_EQ(ledger, Ledger{});
  EXPECT_TRUE(record_sent(ledger, {}, pressing, 2, kNow + Duration::minutes(5)));
}

TEST(Nudge, CandidatesComeBestFirstAndTheBlockedSayWhy) {
  Template other = social(), blocked = social(), foreign = social();
  other.name = "tested", blocked.name = "blocked", blocked.text = "{missing}", foreign.behaviour = Behaviour::vote;
  Ledger ledger;
  ledger.effects["tested"] = {0.02, 0.001};
  const auto list =
      candidates(std::vector{blocked, social(), other, foreign}, Behaviour::stake, live(), ledger, {}, kAnna, kNow);
  ASSERT_EQ(list.size(), 3);
  EXPECT_EQ(list[0].template_name, "tested");
  EXPECT_EQ(list[1].template_name, "most_stake");
  EXPECT_EQ(list[2].template_name, "blocked");
  EXPECT_EQ(list[2].proposal.error().text(), "missing: has no value");
}

TEST(Nudge, EffectsAreLearnedFromTrials) {
  Ledger ledger;
  // 550 of 1000 against 500 of 1000: 0.05, variance 551/1002 451/1002 / 1000 + 0.25 / 1000; prior 0.014 -+ 0.02.
  ASSERT_TRUE(learn(ledger, "most_stake", {1000, 550, 1000, 500}));
  const double v = 551.0 / 1002 * 451 / 1002 / 1000 + 0.25 / 1000, precision = 2500 + 1 / v;
  EXPECT_NEAR(ledger.effects["most_stake"].mean, (0.014 * 2500 + 0.05 / v) / precision, 1e-14);
  EXPECT_NEAR(ledger.effects["most_stake"].deviation, std::sqrt(1 / precision), 1e-15);
  EXPECT_NEAR(ledger.effects["most_stake"].mean, 0.0300444, 1e-6);
  EXPECT_NEAR(ledger.effects["most_stake"].deviation, 0.0148906, 1e-6);
  const std::string before = archive_bytes(ledger);
  EXPECT_EQ(learn(ledger, "x", {0, 0, 1, 0}).error().where, "treated");
  EXPECT_EQ(learn(ledger, "x", {1, 2, 1, 0}).error().where, "treated_acted");
  EXPECT_EQ(learn(ledger, "x", {1, 1, 0, 0}).error().where, "control");
  EXPECT_EQ(learn(ledger, "", {1, 1, 1, 1}).error().where, "template_name");
  EXPECT_EQ(archive_bytes(ledger), before);
}

TEST(Nudge, LedgerGoesOnBitForBitFromItsArchive) {
  Ledger ledger;
  ASSERT_TRUE(record_sent(ledger, {}, proposal(ledger, kAnna, kNow), 1, kNow));
  ASSERT_TRUE(learn(ledger, "most_stake", {10, 5, 10, 4}));
  Ledger copy;
  const std::string bytes = archive_bytes(ledger);
  Reader reader(bytes);
  reader(copy);
  ASSERT_TRUE(reader.is_done());
  EXPECT_EQ(copy, ledger);
}

TEST(Nudge, RefusesBadLimitsAndAudiences) {
  const auto where = [](auto change) {
    FrequencyLimits l;
    change(l);
    const auto ok = check(l);
    return ok ? std::string() : ok.error().where;
  };
  EXPECT_EQ(where([](auto&) {}), "");
  EXPECT_EQ(where([](auto& l) { l.window = Duration::zero(); }), "window");
  EXPECT_EQ(where([](auto& l) { l.gap_min = Duration::days(31); }), "gap_min");
  EXPECT_EQ(where([](auto& l) { l.per_person_max = 0; }), "per_person_max");
  EXPECT_EQ(where([](auto& l) { l.per_segment_max = 0; }), "per_segment_max");
  EXPECT_EQ(propose(social(), live(), {}, {}, {"", "x"}, kNow).error().where, "person");
  EXPECT_EQ(propose(social(), live(), {}, {}, {"x", ""}, kNow).error().where, "segment");
}

TEST(LiveValues, OnlyLiveOnesBecomeInputs) {
  LiveValues v = live();
  v["old"] = {1, kNow - Duration::hours(1), Trust::ok};
  v["doubtful"] = {1, kNow, Trust::doubtful};
  EXPECT_EQ(inputs_of(v, kNow, Duration::minutes(10)), (Inputs{{"stakers_share", 0.6234}, {"apy", 0.0875}}));
}

}  // namespace
}  // namespace homeostat::economy::behaviour
