#include "world.hpp"

namespace homeostat::engine {
namespace {

constexpr std::string_view kEased = "which asks for less than before";

bool says(const DecisionRecord& record, std::string_view words) {
  return record.why.view().find(words) != std::string_view::npos;
}

TEST(Why, AMoveAgainstWhatTheReadingAsksForIsSaidToTakeBack) {
  World world;
  world.tick(0);
  world.sees("velocity", 14).ticks(10, 300);
  world.sees("velocity", 10.5).tick(310);
  ASSERT_LT(world.fee().value, world.fee().previous);
  EXPECT_TRUE(says(world.fee(), "is above its set-point")) << world.fee().why;
  EXPECT_TRUE(says(world.fee(), kEased)) << world.fee().why;
}

TEST(Why, AMoveThatTheReadingAsksForIsNotSaidToTakeBackAlthoughTheLoopStillAddsToTheBase) {
  World world;
  world.tick(0);
  world.sees("velocity", 11).ticks(10, 110);
  world.sees("velocity", 9.5).tick(120);
  ASSERT_LT(world.fee().value, world.fee().previous);
  ASSERT_GT(world.fee().loops[0].output, 0);  // of the integral
  EXPECT_TRUE(says(world.fee(), "is below its set-point")) << world.fee().why;
  EXPECT_FALSE(says(world.fee(), kEased)) << world.fee().why;
}

TEST(Why, AWaitThatBeganBetweenTwoTicksIsToldToTheMillisecond) {
  World world;
  world.tick(0);
  world.answers = false;
  const std::uint64_t id = world.sees("velocity", 14).tick(10).adjustments.at(0).id;
  const Instant refused = at(15) + Duration{300'000'001};
  (void)world.engine.apply(ActuatorReport{id, "executor", refused, false, Decimal{}, "paused on chain"});
  world.tick(20);
  ASSERT_EQ(world.fee_limits(), (std::vector{guardian::Limit::change, guardian::Limit::backoff}));
  EXPECT_TRUE(says(world.fee(), "paused on chain, again in 5.301s;")) << world.fee().why;
}

}  // namespace
}  // namespace homeostat::engine
