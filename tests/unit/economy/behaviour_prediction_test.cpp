#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/archive.hpp"
#include "economy/behaviour/prediction.hpp"

namespace homeostat::economy::behaviour {
namespace {

const Inputs kStaking{{"gain", 10},        {"loss", 5},         {"gain_probability", 0.6}, {"cost_now", 5},
                      {"reward_later", 8}, {"delay_days", 180}, {"opinion_index", 0.1},    {"sentiment", 0.3}};
constexpr Duration kMonth = Duration::days(30);

TEST(Registry, EveryModelHasItsFormSourceAndRanges) {
  ASSERT_EQ(models().size(), kModels);
  for (std::size_t i = 0; i < kModels; ++i) {
    const ModelInfo& m = models()[i];
    EXPECT_EQ(static_cast<std::size_t>(m.id), i);
    EXPECT_EQ(*model_named(name_of(m.id)), m.id);
    EXPECT_FALSE(m.form.empty() || m.source.empty() || m.inputs.empty() || m.parameters.empty());
    for (const Quantity& q : m.parameters) EXPECT_TRUE(q.min <= q.initial && q.initial <= q.max) << q.name;
  }
  for (std::size_t b = 0; b < kBehaviours; ++b) {
    const auto behaviour = static_cast<Behaviour>(b);
    EXPECT_EQ(*behaviour_named(name_of(behaviour)), behaviour);
    EXPECT_GE(models_for(behaviour).size(), 2);  // one model alone cannot disagree
  }
  EXPECT_EQ(models_for(Behaviour::adopt), (std::vector{ModelId::diffusion, ModelId::herding}));
  EXPECT_EQ(models_for(Behaviour::stake), (std::vector{ModelId::prospect, ModelId::herding, ModelId::present_bias}));
  EXPECT_EQ(behaviour_named("stacke").error().text(), "behaviour: 'stacke' is none; did you mean 'stake'?");
}

TEST(Registry, EachModelPredictsItsOwnFormula) {
  const auto by = [](ModelId m) { return *predict_by(m, {}, kStaking, kMonth); };
  EXPECT_NEAR(by(ModelId::prospect), 0.490570555935412, 1e-13);
  EXPECT_NEAR(by(ModelId::present_bias), 0.623926304873132, 1e-13);
  EXPECT_NEAR(*predict_by(ModelId::diffusion, {}, {{"adopted_share", 0}}, Duration::days(365)), 0.0357581642564416,
              1e-14);
  EXPECT_NEAR(*predict_by(ModelId::habit, {}, {{"habit_stock", 0}, {"activity_share", 1}, {"intention", 0}},
                          Duration::days(66)),
              0.95 * 0.8, 1e-13);
  EXPECT_GT(by(ModelId::herding), 0.5);
  // A sentiment is an input like any other, and moves what it should.
  Inputs gloomy = kStaking;
  gloomy["sentiment"] = -1;
  EXPECT_LT(*predict_by(ModelId::herding, {}, gloomy, kMonth), by(ModelId::herding));
  EXPECT_LT(*predict_by(ModelId::prospect, {{"loss_aversion", 3}}, kStaking, kMonth), by(ModelId::prospect));
}

TEST(Registry, RefusesWhatIsMissingOrOutOfRangeByName) {
  const auto text = [](ModelId m, const Parameters& p, const Inputs& in, Duration h = kMonth) {
    return predict_by(m, p, in, h).error().text();
  };
  EXPECT_EQ(text(ModelId::diffusion, {}, {}), "diffusion.adopted_share: is needed and not given");
  EXPECT_EQ(text(ModelId::diffusion, {}, {{"adopted_share", 1.5}}),
            "diffusion.adopted_share: must be from 0 to 1, is 1.5");
  EXPECT_EQ(text(ModelId::prospect, {{"loss_aversoin", 2}}, kStaking),
            "prospect.loss_aversoin: is not a parameter of this model; did you mean 'loss_aversion'?");
  EXPECT_EQ(predict_by(ModelId::prospect, {{"loss_aversion", 0.5}}, kStaking, kMonth).error().where,
            "prospect.loss_aversion");
  EXPECT_EQ(predict_by(ModelId::prospect, {}, kStaking, -kMonth).error().where, "horizon");
  EXPECT_EQ(predict_by(ModelId::prospect, {}, kStaking, Duration::days(4000)).error().where, "horizon");
}

TEST(Prediction, CombinesByInverseSquaredErrorAndSaysHowSureItIs) {
  const PredictionSettings s;
  Calibration c;
  c.scores[{Behaviour::stake, ModelId::prospect}] = {0, 1e6};  // has always been right
  const auto p = predict(s, c, Behaviour::stake, kStaking, kMonth);
  ASSERT_TRUE(p);
  ASSERT_EQ(p->models.size(), 3);
  EXPECT_GT(p->models[0].weight, 0.99);
  EXPECT_NEAR(p->share, p->models[0].share, 0.01);
  const auto fresh = *predict(s, {}, Behaviour::stake, kStaking, kMonth);
  EXPECT_NEAR(fresh.share, (fresh.models[0].share + fresh.models[1].share + fresh.models[2].share) / 3, 1e-15);
  EXPECT_NEAR(fresh.calibration, 0.2, 1e-15);
  double spread = 0;
  for (const auto& m : fresh.models) spread += (m.share - fresh.share) * (m.share - fresh.share) / 3;
  EXPECT_NEAR(fresh.disagreement, std::sqrt(spread), 1e-15);
  EXPECT_NEAR(fresh.confidence, 1 - std::sqrt(spread + 0.04) / 0.5, 1e-14);
  EXPECT_LT(fresh.confidence, p->confidence);
  EXPECT_TRUE(fresh.low >= 0 && fresh.low < fresh.share && fresh.share < fresh.high && fresh.high <= 1);
}

TEST(Prediction, ConfidenceGrowsWithOutcomesThatCameTrueAndFallsWithOthers) {
  const PredictionSettings s;
  Calibration good, bad;
  const auto first = *predict(s, {}, Behaviour::stake, kStaking, kMonth);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(observe(s, good, first, first.share));
    ASSERT_TRUE(observe(s, bad, first, i % 2));
  }
  EXPECT_GT(predict(s, good, Behaviour::stake, kStaking, kMonth)->confidence, first.confidence);
  EXPECT_LT(predict(s, bad, Behaviour::stake, kStaking, kMonth)->confidence, first.confidence);
  // Only for the behaviour that was observed.
  EXPECT_EQ(predict(s, good, Behaviour::hold, kStaking, kMonth)->calibration, 0.2);
}

TEST(Prediction, LeavesOutModelsWithoutInputsAndRefusesWithoutAny) {
  Inputs some = kStaking;
  some.erase("delay_days");
  const auto p = predict({}, {}, Behaviour::stake, some, kMonth);
  ASSERT_EQ(p->models.size(), 2);
  ASSERT_EQ(p->left_out.size(), 1);
  EXPECT_EQ(p->left_out[0].second.text(), "present_bias.delay_days: is needed and not given");
  const auto none = predict({}, {}, Behaviour::adopt, {}, kMonth);
  EXPECT_EQ(none.error().code, ErrorCode::missing);
  EXPECT_EQ(none.error().where, "adopt");
  EXPECT_EQ(predict({}, {}, Behaviour::stake, kStaking, -kMonth).error().where, "horizon");
}

TEST(Prediction, CalibrationGoesOnBitForBitFromItsArchive) {
  const PredictionSettings s;
  const auto p = *predict(s, {}, Behaviour::stake, kStaking, kMonth);
  Calibration c;
  ASSERT_TRUE(observe(s, c, p, 0.37));
  Calibration copy;
  const std::string bytes = archive_bytes(c);
  Reader reader(bytes);
  reader(copy);
  ASSERT_TRUE(reader.is_done());
  ASSERT_TRUE(observe(s, c, p, 0.61));
  ASSERT_TRUE(observe(s, copy, p, 0.61));
  EXPECT_EQ(archive_bytes(c), archive_bytes(copy));
  EXPECT_EQ(*predict(s, c, Behaviour::stake, kStaking, kMonth), *predict(s, copy, Behaviour::stake, kStaking, kMonth));
}

TEST(Prediction, ABadOutcomeChangesNothing) {
  Calibration c;
  const auto p = *predict({}, {}, Behaviour::stake, kStaking, kMonth);
  ASSERT_TRUE(observe({}, c, p, 0.5));
  const std::string before = archive_bytes(c);
  for (const double bad :
       {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(observe({}, c, p, bad).error().where, "outcome_share");
  }
  EXPECT_EQ(observe({0.5}, c, p, 0.5).error().where, "half_life");
  EXPECT_EQ(observe({50, 0.6}, c, p, 0.5).error().where, "prior_error");
  EXPECT_EQ(observe({50, 0.2, 0}, c, p, 0.5).error().where, "prior_weight");
  EXPECT_EQ(archive_bytes(c), before);
}

}  // namespace
}  // namespace homeostat::economy::behaviour
