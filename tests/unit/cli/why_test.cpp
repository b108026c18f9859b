// Every reason why a parameter may not move is named, the one that holds it first, with what to do about it.
#include "cli/why.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace homeostat::cli::test {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

void put(google::protobuf::Timestamp& t, std::int64_t seconds) {
  t.set_seconds(seconds);
}

/// A healthy parameter at 50 of 50 wanted, one loop at its set-point, decided a second ago.
Situation calm() {
  Situation s{.now = Instant::from_unix_seconds(kNow)};
  put(*s.status.mutable_at(), kNow - 1);
  s.status.mutable_period()->set_seconds(5);
  s.status.set_mode(v1::OPERATING_MODE_NORMAL);
  s.status.set_executors(1);
  s.parameter.set_name("rate");
  s.parameter.set_unit("points");
  s.parameter.set_value("50.00");
  s.parameter.set_quantum("0.25");
  v1::Decision d;
  d.set_id(7);
  put(*d.mutable_at(), kNow - 1);
  d.set_parameter("rate");
  d.set_previous("50.00");
  d.set_wanted("50.00");
  d.set_value("50.00");
  d.set_proposed(50);
  d.set_outcome("no_change");
  v1::LoopTerms& l = *d.add_loops();
  l.set_loop("hold_load");
  l.set_metric("load");
  l.set_setpoint(0.5);
  l.mutable_reading()->set_value(0.5);
  l.mutable_reading()->set_quality(v1::QUALITY_OK);
  l.mutable_reading()->set_authority(1);
  s.last = d;
  return s;
}

v1::Decision& wanting(Situation& s, const char* wanted) {
  s.last->set_outcome("withheld");
  s.last->set_wanted(wanted);
  s.last->mutable_loops(0)->set_error(0.1);
  return *s.last;
}

void bite(v1::Decision& d, const char* limit, const char* without, const char* with, const char* detail) {
  v1::LimitBite& b = *d.add_limits();
  b.set_limit(limit);
  b.set_without(without);
  b.set_with(with);
  b.set_detail(detail);
}

struct Case {
  const char* name;
  std::function<void(Situation&)> make;
  const char* kind;     ///< of the reason that holds it
  const char* says;     ///< part of its text
  const char* advises;  ///< part of what to do
};

class WhyNot : public testing::TestWithParam<Case> {};

TEST_P(WhyNot, NamesWhatHoldsItFirstAndWhatToDo) {
  Situation s = calm();
  GetParam().make(s);
  const WhyAnswer answer = why_of(s);
  ASSERT_FALSE(answer.reasons.empty());
  const WhyReason& first = answer.reasons.front();
  EXPECT_TRUE(first.holds);
  EXPECT_EQ(first.kind, GetParam().kind) << why_text(answer, s.now);
  EXPECT_NE(first.text.find(GetParam().says), std::string::npos) << first.text;
  EXPECT_NE(first.advice.find(GetParam().advises), std::string::npos) << first.advice;
  EXPECT_FALSE(answer.moved);
}

INSTANTIATE_TEST_SUITE_P(
    Every, WhyNot,
    testing::Values(
        Case{"AtTheSetPoint", [](Situation&) {}, "deadband", "at its set-point", "nothing"},
        Case{"LessThanAQuantum",
             [](Situation& s) {
               s.last->mutable_loops(0)->set_error(0.01);
               s.last->set_proposed(50.1);
             },
             "quantum", "50.1", "next quantum"},
        Case{"Satisfied", [](Situation& s) { s.last->mutable_loops(0)->set_error(0.01); }, "satisfied",
             "which is what is applied", "homeostat loops"},
        Case{"Cooldown",
             [](Situation& s) { bite(wanting(s, "52.00"), "cooldown", "52.00", "50.00", "next increase in 4m"); },
             "cooldown", "next increase", "by itself"},
        Case{"Drift", [](Situation& s) { bite(wanting(s, "52.00"), "drift", "52.00", "50.00", "9 of 10 used in 1d"); },
             "drift", "9 of 10", "leave the window"},
        Case{"Bound",
             [](Situation& s) { bite(wanting(s, "95.00"), "hard_max", "95.00", "50.00", "never above 50 points"); },
             "hard_max", "never above", "configuration"},
        Case{"FlapBudget",
             [](Situation& s) {
               bite(wanting(s, "52.00"), "flap", "52.00", "50.00",
                    "4 of 4 changes of direction used in 12h, next in 1h");
             },
             "flap", "4 of 4", "derisking direction"},
        Case{"Restricted",
             [](Situation& s) {
               bite(wanting(s, "52.00"), "restricted", "52.00", "50.00",
                    "no automation may send 51.00 to 53.00 points");
             },
             "restricted", "no automation", "homeostat guardian override rate"},
        Case{"Model",
             [](Situation& s) {
               bite(wanting(s, "52.00"), "model", "52.00", "50.00", "load would go from 0.5 to 0.9 in 10m");
             },
             "model", "load would go", "an override is not asked"},
        Case{"InFlight",
             [](Situation& s) {
               bite(wanting(s, "52.00"), "in_flight", "52.00", "50.00", "adjustment 6 is not answered yet");
             },
             "in_flight", "adjustment 6", "executor"},
        Case{"Backoff",
             [](Situation& s) {
               bite(wanting(s, "52.00"), "backoff", "52.00", "50.00", "adjustment 6 was rejected, again in 10s");
             },
             "backoff", "rejected", "refused"},
        Case{"Halted",
             [](Situation& s) {
               bite(wanting(s, "52.00"), "halted", "52.00", "50.00", "reading_halted load");
               s.status.set_mode(v1::OPERATING_MODE_HALTED);
             },
             "halted", "load", "clear-halt"},
        Case{"Unusable",
             [](Situation& s) {
               bite(wanting(s, "52.00"), "unusable", "52.00", "50.00", "no loop has a usable reading");
             },
             "unusable", "usable", "sources"},
        Case{"Paused",
             [](Situation& s) {
               s.parameter.set_paused(true);
               s.parameter.set_paused_by("ada");
               bite(wanting(s, "52.00"), "paused", "52.00", "50.00", "paused by ada");
             },
             "paused", "ada", "homeostat guardian resume rate"},
        Case{"Overridden",
             [](Situation& s) {
               s.parameter.set_overridden(true);
               s.parameter.set_override_by("ada");
               s.parameter.set_override_value("50.00");
               s.last->set_overridden(true);
             },
             "override", "ada holds it at 50.00 points", "clear-override rate"},
        Case{"FrozenReading",
             [](Situation& s) {
               s.last->mutable_loops(0)->set_frozen(true);
               s.last->mutable_loops(0)->mutable_reading()->set_quality(v1::QUALITY_STALE);
               s.last->mutable_loops(0)->set_error(0.1);
             },
             "reading", "load cannot be acted on: stale", "homeostat metrics load"},
        Case{"NoTick", [](Situation& s) { s.status.clear_at(); }, "clock", "no tick", "wait"},
        Case{"StandsStill", [](Situation& s) { put(*s.status.mutable_at(), kNow - 60); }, "clock", "1m ago",
             "stands still"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Why, SaysUntilWhenACooldownHoldsAndWhatWouldHaveGoneOn) {
  Situation s = calm();
  bite(wanting(s, "52.00"), "change", "58.00", "52.00", "at most 2 points per adjustment");
  bite(*s.last, "cooldown", "52.00", "50.00", "next increase in 4m12s");
  const WhyAnswer answer = why_of(s);
  ASSERT_GE(answer.reasons.size(), 2U);
  EXPECT_EQ(answer.reasons[0].kind, "cooldown");
  EXPECT_EQ(answer.reasons[0].until, Instant::from_unix_seconds(kNow - 1 + 252));
  EXPECT_EQ(answer.reasons[0].without, "52.00");
  EXPECT_FALSE(answer.reasons[1].holds);  // the largest change only shortened the way
  EXPECT_NE(why_text(answer, s.now).find("4m 11s left"), std::string::npos) << why_text(answer, s.now);
}

TEST(Why, OfOneThatMovedSaysHow) {
  Situation s = calm();
  s.last->set_outcome("emitted");
  s.last->set_value("51.00");
  s.last->set_answer("applied");
  const WhyAnswer answer = why_of(s);
  EXPECT_TRUE(answer.moved);
  EXPECT_NE(answer.headline.find("rate moved 1 s ago, 50.00 -> 51.00 points (#7, applied)"), std::string::npos)
      << answer.headline;
}

TEST(Why, ADecoupledLoopIsNamedAndHoldsNothing) {
  Situation s = calm();
  v1::Decision& d = wanting(s, "50.00");
  v1::LoopTerms& other = *d.add_loops();
  other.set_loop("hold_queue");
  other.set_metric("queue");
  other.set_decoupling("pair");
  other.set_moves("workers");
  other.set_contribution(-0.5);
  other.set_frozen(true);
  const WhyAnswer answer = why_of(s);
  const auto of = [&](const std::string& kind) {
    for (const WhyReason& r : answer.reasons) {
      if (r.kind == kind) return r;
    }
    return WhyReason{};
  };
  EXPECT_EQ(of("decoupling").text, "pair adds -0.5 for hold_queue, which moves workers");
  EXPECT_EQ(of("decoupling").advice, "homeostat explain 7; homeostat why workers");
  EXPECT_FALSE(of("reading").holds) << "another parameter's blind loop does not hold this one";
}

TEST(Why, SaysThatNoExecutorIsThere) {
  Situation s = calm();
  s.status.set_executors(0);
  EXPECT_NE(why_json(why_of(s)).find("reaches nobody"), std::string::npos);
}

}  // namespace
}  // namespace homeostat::cli::test
