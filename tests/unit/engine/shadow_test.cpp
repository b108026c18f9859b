// A shadow decides as the live engine would have after the change, on the same inputs, and nothing of the live executor
// reaches it.
#include "engine/shadow.hpp"

#include "tests/unit/engine/world.hpp"

namespace homeostat::engine {
namespace {

PolicyPtr candidate(void (*change)(Policy&) = [](Policy&) {}) {
  Policy policy = small_policy();
  policy.digest = "d2";
  change(policy);
  return std::make_shared<const Policy>(policy);
}
void gentler(Policy& policy) {
  policy.guardian.parameters[0].change.absolute = dec("0.10");
}

/// A live world whose inputs a shadow gets, too.
struct Beside : World {
  explicit Beside(const PolicyPtr& policy, Policy live = small_policy())
      : World(std::move(live)), shadow(*Shadow::fork(engine, policy, "candidate", at(0))) {}

  Effects both(const Input& input) {
    Effects effects = engine.apply(input);
    shadow.apply(input, live_decisions(effects));
    return effects;
  }
  /// As World::tick, for both.
  void step(std::int64_t seconds, bool applied = true) {
    now_s = seconds;
    for (const auto& [metric, value] : values) {
      both(oracle::SampleBatch{"feed", ++sequence, at(seconds), {metric}, {{0, at(seconds), value}}});
    }
    last = both(tick_at(seconds));
    if (!answers) return;
    for (const Adjustment& a : last.adjustments) {
      both(ActuatorReport{a.id, "executor", at(seconds), applied, applied ? a.value : Decimal{}, "0xabc"});
    }
  }
  void steps(std::int64_t from, std::int64_t to, bool applied = true) {
    for (std::int64_t s = from; s <= to; s += 10) step(s, applied);
  }
  [[nodiscard]] const ShadowParameter& fee_compared() const {
    for (const ShadowParameter& p : shadow.parameters()) {
      if (p.name == "fee") return p;
    }
    ADD_FAILURE() << "fee was not compared";
    static const ShadowParameter none;
    return none;
  }

  Shadow shadow;
};

TEST(Shadow, OfTheLivePolicyNeverDiffers) {
  Beside w(candidate());
  w.sees("velocity", 14);
  w.steps(10, 600);
  EXPECT_EQ(w.fee_compared().compared, 60U);
  EXPECT_EQ(w.fee_compared().differing, 0U);
  EXPECT_FALSE(w.fee_compared().first.has_value());
  EXPECT_GT(w.fee_compared().live.adjustments, 0U);
  EXPECT_EQ(w.fee_compared().live.adjustments, w.fee_compared().shadow.adjustments);
}

TEST(Shadow, DecidesAsTheEngineThatWasPromotedThen) {
  Beside w(candidate(gentler));
  World promoted;
  (void)promoted.engine.apply(PolicyChange{at(0), "alice", "candidate", candidate(gentler)});
  for (std::int64_t s = 10; s <= 600; s += 10) {
    w.sees("velocity", s < 300 ? 14 : 7);
    promoted.sees("velocity", s < 300 ? 14 : 7);
    w.step(s);
    promoted.tick(s);
  }
  EXPECT_EQ(w.shadow.engine().decisions_hash(), promoted.engine.decisions_hash());
  EXPECT_GT(w.fee_compared().differing, 0U);
}

TEST(Shadow, SaysWhereItFirstDifferedAndWhy) {
  Beside w(candidate(gentler));
  w.sees("velocity", 14);
  w.steps(10, 100);
  const ShadowParameter& fee = w.fee_compared();
  ASSERT_TRUE(fee.first.has_value());
  EXPECT_EQ(fee.first->at, at(20));
  EXPECT_EQ(fee.first->live, dec("2.75"));
  EXPECT_EQ(fee.first->shadow, dec("2.60"));
  EXPECT_NE(fee.first->live_why.view().find("raised 2.5 % -> 2.75 %"), std::string_view::npos) << fee.first->live_why;
  EXPECT_NE(fee.first->shadow_why.view().find("raised 2.5 % -> 2.6 %"), std::string_view::npos);
  EXPECT_GE(fee.distance_max, dec("0.15"));
}

TEST(Shadow, GoesOnWhenTheLiveExecutorRefusesEverything) {
  Beside w(candidate());
  w.sees("velocity", 14);
  w.steps(10, 60, false);
  EXPECT_EQ(w.value("fee"), dec("2.50"));
  EXPECT_GT(w.fee_compared().shadow.value, dec("3.00"));
  EXPECT_EQ(w.fee_compared().live.value, dec("2.50"));
}

TEST(Shadow, TakesTheAnswerToWhatWasUnderWayAtTheFork) {
  World live;
  live.answers = false;
  live.sees("velocity", 14);
  live.ticks(10, 20);
  ASSERT_FALSE(live.last.adjustments.empty());
  const Adjustment under_way = live.last.adjustments.at(0);
  Shadow shadow = *Shadow::fork(live.engine, candidate(), "candidate", at(20));
  const Input answer = ActuatorReport{under_way.id, "executor", at(21), true, under_way.value, "0x1"};
  shadow.apply(answer, live_decisions(live.engine.apply(answer)));
  EXPECT_TRUE(shadow.engine().outstanding().empty());
}

TEST(Shadow, FollowsAPauseOfTheGuardian) {
  Beside w(candidate());
  w.sees("velocity", 14);
  w.steps(10, 30);
  const std::uint64_t before = w.fee_compared().shadow.adjustments;
  w.both(GuardianCommand{"alice", "drill", at(30), CommandKind::pause, "fee"});
  w.steps(40, 100);
  EXPECT_EQ(w.fee_compared().shadow.adjustments, before);
}

TEST(Shadow, GoesOnBitForBitFromItsSavedState) {
  Beside w(candidate(gentler));
  w.sees("velocity", 14);
  w.steps(10, 200);
  auto again = Shadow::load(candidate(gentler), w.shadow.save());
  ASSERT_TRUE(again) << again.error().text();
  Beside other(candidate(gentler));
  std::swap(other.shadow, *again);
  EXPECT_EQ(other.shadow.save(), w.shadow.save());
  w.steps(210, 300);
  EXPECT_NE(other.shadow.save(), w.shadow.save());
  EXPECT_FALSE(Shadow::load(candidate(gentler), "nonsense"));
}

TEST(Shadow, IsRefusedWhereAChangeWouldBe) {
  World live;
  const auto refused = Shadow::fork(live.engine, candidate([](Policy& p) {
                                      p.guardian.parameters[0].decimals = 3;
                                      auto& fee = p.guardian.parameters[0];
                                      fee.initial = dec("2.5", 3), fee.min = dec("0.5", 3), fee.max = dec("5", 3);
                                      fee.quantum = dec("0.05", 3), fee.change.absolute = dec("0.25", 3);
                                    }),
                                    "candidate", at(0));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("decimals"), std::string::npos);
}

}  // namespace
}  // namespace homeostat::engine
