// `homeostat explain ID`, as a guardian at night reads it: what the engine decided in a small world, in words and as
// JSON, for laws other than pid, for members of a decoupling, and for a value that several limits held.
#include <gtest/gtest.h>

#include "cli/json.hpp"
#include "controller/law.hpp"
#include "daemon/convert/decision.hpp"
#include "tests/unit/engine/world.hpp"

namespace homeostat::cli {
namespace {

using namespace controller;
using engine::dec;
using engine::DecisionRecord;
using engine::World;

std::string text_of(const DecisionRecord& record) {
  return convert::explain(record, "%");
}

/// What `--json` prints: the response as the daemon fills it.
std::string json_of(const DecisionRecord& record) {
  v1::ExplainResponse response;
  convert::proto_from_decision(record, "%", *response.mutable_decision());
  response.set_text(text_of(record));
  return pretty_json(response);
}

void expect_in_order(const std::string& text, const std::vector<std::string>& parts) {
  std::size_t from = 0;
  for (const std::string& part : parts) {
    const std::size_t found = text.find(part, from);
    ASSERT_NE(found, std::string::npos) << part << "\nis not there, or not in its place, in\n" << text;
    from = found + part.size();
  }
}

void expect_none(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_EQ(text.find(part), std::string::npos) << part << "\nis in\n" << text;
}

/// A fee of 2.5 % by this law of the velocity, free to go anywhere.
engine::Policy by_law(LawChoice choice) {
  engine::Policy policy = engine::small_policy();
  auto& fee = policy.guardian.parameters[0];
  fee.quantum = dec("0.01");
  fee.change.absolute.reset();
  LoopSettings& loop = policy.loops[0];
  loop.law = std::make_shared<const LawSettings>(LawSettings{std::move(choice), Duration::seconds(100)});
  loop.pid = {};
  loop.pid.action = action_of(*loop.law);
  loop.pid.output_min = -2;
  loop.pid.output_max = 2.5;
  return policy;
}

struct LawCase {
  const char* name;
  LawChoice choice;
  const char* reason;  ///< of the fourth tick, at 15 against a set-point of 10
  std::vector<std::string> words;
};

std::vector<LawCase> laws() {
  const Redemption redemption{.price = {}, .per = Duration::seconds(1), .units_per_ratio = 100};
  RaiPiLaw rai{.settings = {}, .redemption = redemption};
  rai.settings.kp = wad() / 1000;
  rai.settings.ki = wad() / 100'000;
  RatioLaw ratio{ratio::defaults(0.5, 5)};
  ratio.settings.up.policies = {{ratio::Measure::units, 1, Duration::seconds(60)}};
  const SigmoidLaw sigmoid{.settings = {wad() / 100, wad() * 3, wad() * 3, wad() / 10, -wad() / 10}, .every = {}};
  const ExponentialLaw exponential{.settings = {.rate_0 = 2.2, .rate_extra = 0, .rate_cap = 4.5, .peg = 0, .sigma = 10},
                                   .keepers_share = {},
                                   .debt = {},
                                   .debt_ceiling = {},
                                   .keepers_mean = {}};
  return {
      {"rai_pi",
       rai,
       "followed",
       {"error -5\n", "a rate from a market price of 15 against 10: P of the deviation, I of its past",
        "law rai_pi: P -0.5, I +2.85, together 2.35 %; its own value goes on (followed)",
        "moves its parameter by -0.15 % from its base"}},
      {"direct_rate",
       DirectRateLaw{.acceleration = wad() / 1000, .redemption = redemption, .every = {}},
       "followed",
       {"the rate goes down in proportion to the distance of the market price 15 from 10",
        "law direct_rate: gives 1 %; its own value goes on (followed)"}},
      {"multiplicative",
       MultiplicativeLaw{.settings = {}, .every = {}},
       "followed",
       {"1.5 of its target was used: its value goes up, by the share above it over the denominator",
        "law multiplicative: gives 2.98", "moves its parameter by +0.4"}},
      {"blob_fee",
       BlobFeeLaw{.fee_min = 1, .update_fraction = 50, .every = {}},
       "followed",
       {"15 used against a target of 10: the excess grows, and the fee is exponential in it",
        "law blob_fee: gives 3.3"}},
      {"sigmoid",
       sigmoid,
       "followed",
       {"1.5 of its target: its value grows by what the curve gives for that", "law sigmoid: gives 2.8"}},
      {"ratio",
       ratio,
       "up_limit",
       {"what is applied, times 1.5 (reading / set-point), rounded up",
        "law ratio: gives 3.5 %; a policy for raising cut it (up_limit)", "moves its parameter by +1 % from its base"}},
      {"semilog",
       SemilogLaw{.settings = {0.6, 4.8}, .full = 20},
       "bridging",
       {"a rate between its least and its most, by the same factor for each step of the reading 15",
        "law semilog: gives 2.85409708 %; the hand-back is still being taken back (bridging)"}},
      {"exponential",
       exponential,
       "bridging",
       {"a rate that is exponential in the distance to the peg, -5", "law exponential: gives 1.33436745 %"}},
  };
}

TEST(Explain, SaysWhatEachLawMadeOfItsReadingInItsOwnTerms) {
  for (const LawCase& law : laws()) {
    SCOPED_TRACE(law.name);
    World world(by_law(law.choice));
    world.sees("velocity", 15).ticks(0, 30);
    std::vector<std::string> parts{"velocity reads 15 against a set-point of 10"};
    parts.insert(parts.end(), law.words.begin(), law.words.end());
    const std::string text = text_of(world.fee());
    expect_in_order(text, parts);
    expect_none(text, {"deadband", "feed-forward", "(s)", "-0 ", "-0,"});
    expect_in_order(json_of(world.fee()), {"\"decision\"", std::string("\"law\": \"") + law.name + '"', "\"raw\": ",
                                           std::string("\"reason\": \"") + law.reason + '"', "\"text\": "});
  }
}

TEST(Explain, OfALawThatCannotSeeSaysWhereItStandsAndNotWhatItWouldHaveMade) {
  for (const LawCase& law : laws()) {
    SCOPED_TRACE(law.name);
    World world(by_law(law.choice));
    world.sees("velocity", 15).ticks(0, 30);
    world.loses("velocity").ticks(40, 150);  // stale after a minute
    const std::string text = text_of(world.fee());
    expect_in_order(text,
                    {"fee stays at ", "mode     degraded", "reading stale (", "2m old, 1 contribution from 1 source",
                     std::string("law ") + law.name + ": at ", " %; a reading cannot be acted on (unusable)"});
    expect_none(text, {law.words[law.words[0].starts_with("error") ? 1 : 0], "P +", "P -", "contribution(s)"});
    expect_in_order(json_of(world.fee()), {"\"quality\": \"stale\"", "\"frozen\": true", "\"reason\": \"unusable\""});
  }
}

TEST(Explain, OfALawCountsItsWeightAmongSeveralLoops) {
  World world(by_law(MultiplicativeLaw{.settings = {}, .every = {}}));
  world.sees("velocity", 15).ticks(0, 30);
  DecisionRecord record = world.fee();
  engine::LoopTerms weighted = record.loops[0];
  weighted.weight = 0.25;
  record.loops = {weighted};
  EXPECT_NE(text_of(record).find("\n           counts 0.25 among the parameter's loops\n"), std::string::npos)
      << text_of(record);
}

TEST(Explain, OfADecoupledMemberSaysWhatEveryLoopMakesOfIt) {
  engine::Policy policy = engine::small_policy();
  policy.decouplings = {{"pair", {"cool_velocity", "wake_activity"}, true, {-4, 3, 0.13, 0.1}}};
  World world(policy);
  world.sees("velocity", 12).sees("activity", 0.2).ticks(0, 60);
  expect_in_order(
      text_of(world.fee()),
      {"fee was moved from 3.1 % to 3.25 %", "decoupling pair adds 0.136709",
       "loop     cool_velocity: velocity reads 12 against a set-point of 10, error 2 after the deadband",
       "P +1, I +0.2, D +0, feed-forward +0: +1.2 %",
       "by decoupling pair it moves its parameter by +0.607595 % (its output times 0.5063)\n",
       "loop     wake_activity: activity reads 0.2", "P +0.6, I -0.24, D +0, feed-forward +0: +0.36\n",
       "by decoupling pair it moves this parameter too, by +0.136709 % (its output times 0.3797); its own is reward\n",
       "wanted   3.25 % (3.2443038 before rounding)"});
  expect_in_order(json_of(world.fee()), {"\"loop\": \"cool_velocity\"", "\"decoupling\": \"pair\"", "\"share\": 0.506",
                                         "\"contribution\": 0.607", "\"loop\": \"wake_activity\"", "\"share\": 0.379",
                                         "\"contribution\": 0.136", "\"moves\": \"reward\""});
}

TEST(Explain, OfADecoupledMemberSaysWhatAnotherParameterCannotFollow) {
  engine::Policy policy = engine::small_policy();
  policy.decouplings = {{"pair", {"cool_velocity", "wake_activity"}, true, {-4, 3, 0.13, 0.1}}};
  World world(policy);
  world.order(engine::CommandKind::pause, "reward");
  world.sees("velocity", 12).sees("activity", 0.2).ticks(0, 60);
  expect_in_order(text_of(world.fee()),
                  {"loop     wake_activity", "; its own is reward, which cannot follow: in full it would be +",
                   " (pinned by: pause)\n"});
}

TEST(Explain, OfSeveralLimitsTellsEachInTheOrderInWhichItWasApplied) {
  engine::Policy policy = engine::small_policy();
  auto& fee = policy.guardian.parameters[0];
  fee.cooldown_up = Duration::seconds(60);
  fee.drift = guardian::DriftBudget{dec("0.4"), Duration::hours(1)};
  fee.veto_window = Duration::seconds(30);
  World world(policy);
  world.sees("velocity", 40).ticks(0, 60);
  expect_in_order(text_of(world.fee()), {"fee was kept at 2.75 %", "instead of 3 % by cooldown: next increase in 30s",
                                         "wanted   4.5 % (4.5 before rounding)\n",
                                         "limit    change: 3 instead of 4.5 % (at most 0.25 % per adjustment)\n",
                                         "limit    cooldown: 2.75 instead of 3 % (next increase in 30s)\n"});
  world.ticks(70, 100);  // the second one waits, shortened by the budget
  expect_in_order(text_of(world.fee()),
                  {"fee was kept at 2.75 %", "limit    change: 3 instead of 4.5 %",
                   "limit    drift: 2.9 instead of 3 % (0.25 % of 0.4 % used in 1h)\n",
                   "limit    in_flight: 2.75 instead of 2.9 % (adjustment 19 waits for its veto window)\n"});
  expect_in_order(json_of(world.fee()),
                  {"\"limits\": [", "\"limit\": \"change\"", "\"without\": \"4.5\"", "\"with\": \"3\"",
                   "\"limit\": \"drift\"", "\"without\": \"3\"", "\"with\": \"2.9\"", "\"limit\": \"in_flight\"",
                   "\"without\": \"2.9\"", "\"with\": \"2.75\"", "\"outcome\": \"withheld\""});
}

TEST(Explain, OfAPidThatWaitsSaysWhoseTermsTheyAre) {
  engine::Policy policy = engine::small_policy();
  policy.guardian.parameters[0].veto_window = Duration::seconds(30);
  World world(policy);
  world.sees("velocity", 40).ticks(0, 10);
  EXPECT_NE(text_of(world.fee()).find("waits: these are the terms of the step that asked"), std::string::npos)
      << text_of(world.fee());
}

}  // namespace
}  // namespace homeostat::cli
