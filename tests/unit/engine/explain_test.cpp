#include "engine/explain.hpp"

#include "world.hpp"

namespace homeostat::engine {
namespace {

TEST(Explain, TellsTheWholeStoryOfADecision) {
  World world;
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  world.answers = false;
  const auto id = world.fee().id;
  const auto record = world.engine.apply(ActuatorReport{id, "executor", at(12), true, dec("2.75"), "0xabc"});
  EXPECT_EQ(record.outcome.message, "already answered so");
  DecisionRecord told = world.fee();
  told.answer = Answer::applied;
  told.applied = dec("2.7");
  told.answered = at(12);
  told.executor = "executor";
  told.answer_detail = "0xabc";
  EXPECT_EQ(explain(told),
            "decision 3: fee, 2023-11-14T22:13:30Z (slot 170000001)\n"
            "  what        raised 2.5 % -> 2.75 %: velocity 14 is above its set-point 10 (quality ok); limited by "
            "change: at most 0.25 % per adjustment\n"
            "  outcome     emitted\n"
            "  mode        normal\n"
            "loop cool_velocity\n"
            "  saw         velocity = 14, quality ok, 0s old, from 1 source, 1 contribution\n"
            "  newest      feed, sample 4, 2023-11-14T22:13:30Z\n"
            "  wanted      velocity = 10; error after the deadband +4\n"
            "  law         P +2, I +0, D +0, feed-forward +0 = +2\n"
            "value\n"
            "  before      2.5\n"
            "  wanted      4.5, of 4.5\n"
            "  decided     2.75\n"
            "limits\n"
            "  change      4.5 became 2.75 (at most 0.25 % per adjustment)\n"
            "afterwards\n"
            "  answer      applied 2.7 by executor at 2023-11-14T22:13:32Z: 0xabc; it asked for 2.75\n"
            "  policy      d1\n");
}

TEST(Explain, SaysWhatWasHeldBackAndWhy) {
  World world;
  world.tick(0);
  world.order(CommandKind::pause, "fee");
  world.sees("velocity", 14).tick(10);
  const std::string text = explain(world.fee());
  EXPECT_NE(text.find("  paused      2.75 became 2.5 (paused by alice: drill)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  change      4.5 became 2.75 (at most 0.25 % per adjustment)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("held at 2.5 % instead of 2.75 % by paused: paused by alice: drill"), std::string::npos) << text;
}

TEST(Explain, SaysThatAReadingCouldNotBeActedOn) {
  World world;
  world.tick(0);
  world.loses("velocity").ticks(10, 100);
  const std::string text = explain(world.fee());
  EXPECT_NE(text.find("the reading cannot be acted on: integral frozen at +0, contribution held at +0"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  mode        degraded (reading_unusable velocity: "), std::string::npos) << text;
}

}  // namespace
}  // namespace homeostat::engine
