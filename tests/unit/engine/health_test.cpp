// Health is that the watermark advances.
#include "engine/health.hpp"
#include "world.hpp"

namespace homeostat::engine {
namespace {

TEST(Health, IsWellBeforeTheFirstTickAndWhileTheWatermarkAdvances) {
  World world;
  EXPECT_TRUE(health_of(world.engine.view(), at(0)).healthy);
  world.ticks(10, 200);
  const Health health = health_of(world.engine.view(), at(203));
  EXPECT_TRUE(health.healthy) << health.text;
  EXPECT_EQ(health.text, "the watermark advances: complete up to 2023-11-14T22:16:40Z, 3s ago");
}

TEST(Health, NamesTheMetricAndTheSourceThatHoldsIt) {
  World world;
  world.ticks(10, 200);
  world.loses("velocity");
  world.ticks(210, 280);  // staleness_max is 60 s, and the watermark moves in ticks
  EXPECT_TRUE(health_of(world.engine.view(), at(280)).healthy);
  world.ticks(290, 290);
  const Health health = health_of(world.engine.view(), at(290));
  EXPECT_FALSE(health.healthy);
  EXPECT_EQ(
      health.text,
      "the watermark of velocity has not moved for 1m30s (allowed 1m), held by feed (newest 2023-11-14T22:18:10Z)");
}

TEST(Health, ASourceThatRepeatsItsOldTimeBringsNothing) {
  World world;
  world.ticks(10, 200);
  world.loses("velocity");
  for (std::int64_t s = 210; s <= 290; s += 10) {
    oracle::SampleBatch batch{"feed", ++world.sequence, at(s), {"velocity"}, {{0, at(200), 10}}};
    (void)world.engine.apply(batch);
    world.tick(s);
  }
  EXPECT_FALSE(health_of(world.engine.view(), at(290)).healthy);
}

TEST(Health, OneOfSeveralSourcesThatIsSilentStallsNothing) {
  Policy policy = small_policy();
  policy.oracle.sources.push_back({"other", 1e6, 1e6});
  policy.oracle.metrics[0].origin = oracle::SampleOrigin{{"feed", "other"}, 1};
  World world(policy);
  oracle::SampleBatch batch{"other", 1, at(5), {"velocity"}, {{0, at(5), 10}}};
  EXPECT_EQ(world.engine.apply(batch).verdict.accepted, 1U);
  for (std::int64_t s = 10; s <= 400; s += 10) {
    world.tick(s);
    ASSERT_TRUE(health_of(world.engine.view(), at(s)).healthy) << s;
  }
  EXPECT_TRUE(world.engine.view().sources[1].idle);
}

TEST(Health, HasItsOwnBoundIfThePolicySaysSo) {
  Policy policy = small_policy();
  policy.oracle.stall_max = Duration::seconds(10);
  World world(policy);
  world.ticks(10, 100);
  world.loses("velocity");
  world.ticks(110, 140);
  EXPECT_FALSE(health_of(world.engine.view(), at(140)).healthy);
}

TEST(Health, ADowntimeIsNotHeldAgainstTheProcessThatEndsIt) {
  World world;
  world.ticks(10, 100);
  EXPECT_FALSE(health_of(world.engine.view(), at(7200)).healthy);
  EXPECT_TRUE(health_of(world.engine.view(), at(7200), at(7195)).healthy);
  (void)world.engine.apply(World::tick_at(7200));
  EXPECT_TRUE(health_of(world.engine.view(), at(7250), at(7195)).healthy) << "its sources have as long as ever";
  (void)world.engine.apply(World::tick_at(7280));
  EXPECT_FALSE(health_of(world.engine.view(), at(7280), at(7195)).healthy);
  EXPECT_FALSE(health_of(World().engine.view(), at(7396), at(7195)).healthy) << "it has never made a tick";
}

TEST(Health, TicksThatStopAreNotWell) {
  World world;
  world.ticks(10, 100);
  EXPECT_TRUE(health_of(world.engine.view(), at(160)).healthy);
  const Health health = health_of(world.engine.view(), at(201));
  EXPECT_FALSE(health.healthy);
  EXPECT_EQ(health.text, "no tick for 1m41s, the period is 10s");
}

}  // namespace
}  // namespace homeostat::engine
