// Two-phase commit: a law advances when what it asked for is acknowledged, waits while it is not answered, and is where
// it was when it was not done.
#include "world.hpp"

namespace homeostat::engine {
namespace {

using guardian::Limit;
using guardian::OperatingMode;

/// The fee's loop asked for 2.75 at 10 s, and nobody has answered.
struct Asked : World {
  explicit Asked(Policy policy = small_policy()) : World(std::move(policy)) {
    answers = false;
    tick(0);
    before = integral();
    sees("velocity", 11);
    tick(10);
    EXPECT_EQ(last.adjustments.size(), 1U);
    id = last.adjustments.at(0).id;
    asked = integral();
  }
  [[nodiscard]] double integral() const { return engine.view().loops.at(0).i; }
  double before = 0, asked = 0;
  std::uint64_t id = 0;
};

TEST(Commit, ALawWaitsForTheAnswerAndItsRecordSaysSo) {
  Asked world;
  EXPECT_GT(world.asked, world.before);
  EXPECT_FALSE(world.fee().loops[0].waiting);
  world.ticks(20, 60);
  EXPECT_TRUE(world.fee().loops[0].waiting);
  EXPECT_EQ(world.integral(), world.asked);
  EXPECT_EQ(world.fee_limits().back(), Limit::in_flight);
  EXPECT_FALSE(world.record("reward").loops.empty());  // whose loop goes on
}

TEST(Commit, AnAcknowledgementLetsItGoOnWithTheTimeThatPassed) {
  Asked world;
  world.ticks(20, 30);
  world.answer(world.id, dec("2.75"));
  world.tick(40);
  EXPECT_FALSE(world.fee().loops[0].waiting);
  EXPECT_GT(world.integral() - world.asked, 0.01 * 1 * 20);  // error 1 for 30 s, less what the next change cannot do
  EXPECT_LE(world.integral() - world.asked, 0.01 * 1 * 30);
}

TEST(Commit, ARejectionLeavesTheLawAsItWas) {
  Asked world;
  world.ticks(20, 60);
  world.reject(world.id);
  EXPECT_EQ(world.integral(), world.before);
  EXPECT_EQ(world.engine.view().parameters[0].value, dec("2.5"));
}

TEST(Commit, RejectionsWithoutEndNeverMoveTheLaw) {
  auto policy = small_policy();
  policy.guardian.parameters[0].change = {};  // nothing behind it that anti-windup could hold on to
  Asked world(policy);
  for (std::int64_t s = 20; s <= 3000; s += 10) {
    if (!world.last.adjustments.empty()) world.reject(world.last.adjustments[0].id);
    world.tick(s);
    EXPECT_LE(std::abs(world.integral()), 0.01 * 1 * 40 + 0.05) << "at " << s << " s";
  }
}

TEST(Commit, SilenceHoldsTheLoopSaysSoAndInTheEndLeavesItAsItWas) {
  Asked world;
  world.ticks(20, 130);
  const auto& limits = world.fee().limits;
  ASSERT_FALSE(limits.empty());
  EXPECT_EQ(limits.back().detail,
            "adjustment " + std::to_string(world.id) +
                " was not answered within 2m; its loops hold until it is, or until it expires in 8m");
  EXPECT_EQ(world.fee().mode, OperatingMode::degraded);
  EXPECT_EQ(world.integral(), world.asked);
  world.ticks(140, 600);
  EXPECT_EQ(world.integral(), world.asked);
  world.sees("velocity", 10);  // at its set-point when it expires: nothing is integrated anew
  world.tick(610);
  EXPECT_EQ(world.fee().loops[0].waiting, false);
  EXPECT_NEAR(world.integral(), world.before, 1e-12);
}

TEST(Commit, AnOverrideUnderWayHoldsNoLaw) {
  World world;
  world.answers = false;
  world.tick(0);
  world.override_value("fee", "3", 3600);
  world.tick(10);
  ASSERT_EQ(world.last.adjustments.size(), 1U);
  world.tick(20);
  EXPECT_FALSE(world.fee().loops[0].waiting);
}

TEST(Commit, AHandBackMeanwhileIsNotUndoneByARejection) {
  Asked world;
  world.order(CommandKind::pause, "fee", 3600);
  world.order(CommandKind::resume, "fee");  // the law goes on from what is applied
  world.tick(20);
  EXPECT_FALSE(world.fee().loops[0].waiting);
  const double aligned = world.integral();
  world.reject(world.id);
  EXPECT_EQ(world.integral(), aligned);
}

TEST(Commit, WaitingOutlivesARestart) {
  Asked world;
  auto again = Engine::load(std::make_shared<const Policy>(small_policy()), world.engine.save());
  ASSERT_TRUE(again);
  (void)again->apply(ActuatorReport{world.id, "executor", at(15), false, Decimal{}, "no"});
  (void)world.engine.apply(ActuatorReport{world.id, "executor", at(15), false, Decimal{}, "no"});
  EXPECT_EQ(again->state_hash(), world.engine.state_hash());
  EXPECT_EQ(again->view().loops.at(0).i, world.before);
}

}  // namespace
}  // namespace homeostat::engine
