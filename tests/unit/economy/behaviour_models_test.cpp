#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "economy/behaviour/diffusion.hpp"
#include "economy/behaviour/habit.hpp"
#include "economy/behaviour/herding.hpp"
#include "economy/behaviour/present_bias.hpp"
#include "economy/behaviour/prospect.hpp"

namespace homeostat::economy::behaviour {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr Duration kYear = Duration::days(365);

TEST(Prospect, HasTheCurvesOf1992) {
  const ProspectSettings s;
  EXPECT_NEAR(value_of(s, 100), 57.5439937337157, 1e-11);
  EXPECT_NEAR(value_of(s, -100), -129.47398590086, 1e-10);
  EXPECT_EQ(value_of(s, 0), 0);
  EXPECT_NEAR(gain_weight(s, 0.01), 0.0552661367517085, 1e-14);
  EXPECT_NEAR(gain_weight(s, 0.5), 0.420639354335756, 1e-14);
  EXPECT_NEAR(gain_weight(s, 0.9), 0.711716063884206, 1e-14);
  EXPECT_NEAR(loss_weight(s, 0.1), 0.170145428077176, 1e-14);
  EXPECT_NEAR(loss_weight(s, 0.5), 0.453987549524030, 1e-14);
  EXPECT_EQ(gain_weight(s, 0), 0);
  EXPECT_EQ(gain_weight(s, 1), 1);
}

TEST(Prospect, CertaintyEquivalentsAreNearThePublishedMedians) {
  // Tversky and Kahneman 1992, table 3: 100 with probability p, else nothing.
  const double published[][2] = {{0.05, 14}, {0.25, 25}, {0.5, 36}, {0.75, 52}, {0.95, 78}};
  const double exact[] = {9.98276373747038, 24.5669548915417, 37.3787598934851, 52.6117935479465, 76.8527723912891};
  for (std::size_t i = 0; i < 5; ++i) {
    const Outcome bet[] = {{0, 1 - published[i][0]}, {100, published[i][0]}};
    EXPECT_NEAR(certainty_equivalent({}, bet), published[i][1], 5) << published[i][0];
    EXPECT_NEAR(certainty_equivalent({}, bet), exact[i], 1e-10);
  }
}

TEST(Prospect, AnEvenBetIsRefusedAndTheDieIsRankDependent) {
  const Outcome even[] = {{100, 0.5}, {-100, 0.5}};
  EXPECT_NEAR(prospect_value({}, even), -34.5743092161937, 1e-11);
  EXPECT_NEAR(certainty_equivalent({}, even), -22.3036596491391, 1e-11);
  // A die: what is even is won, what is odd is lost.
  const double p = 1.0 / 6;
  const Outcome die[] = {{-1, p}, {2, p}, {-3, p}, {4, p}, {-5, p}, {6, p}};
  EXPECT_NEAR(prospect_value({}, die), 1.6404518061461 - 3.07704779312659, 1e-12);
}

TEST(Diffusion, IsTheClosedFormOfBass) {
  const DiffusionSettings s;
  EXPECT_NEAR(adopted_after(s, 0, kYear), 0.0357581642564416, 1e-14);
  EXPECT_NEAR(adopted_after(s, 0, kYear * 5), 0.331198642491373, 1e-13);
  EXPECT_NEAR(adopted_after(s, 0, kYear * 10), 0.812803221221346, 1e-13);
  EXPECT_NEAR(*peak_years(s), 6.19261919770311, 1e-12);
  // Half less p / 2q have adopted at the peak, and there the rate is largest.
  const double at_peak = 0.5 - 0.03 / 0.76;
  EXPECT_NEAR(adopted_after(s, 0, Duration::seconds(static_cast<std::int64_t>(6.19261919770311 * 365 * 86400))),
              at_peak, 1e-8);
  EXPECT_GT(adoption_rate_per_year(s, at_peak), adoption_rate_per_year(s, at_peak + 0.01));
  EXPECT_GT(adoption_rate_per_year(s, at_peak), adoption_rate_per_year(s, at_peak - 0.01));
  EXPECT_EQ(adopted_after({0, 0.4}, 0, kYear), 0);  // nobody to imitate
  EXPECT_EQ(adopted_after(s, 1, kYear), 1);
  EXPECT_FALSE(peak_years({0.4, 0.3}));
}

TEST(Habit, IsAlmostFullAfter66DaysAndHalvesIn30) {
  EXPECT_NEAR(habit_after({}, 0, 1, Duration::days(66)), 0.95, 1e-13);
  EXPECT_NEAR(habit_after({}, 0.8, 0, Duration::days(30)), 0.4, 1e-13);
  EXPECT_NEAR(acts_with_habit({}, 0.5, 0.2), 1 - 0.8 * 0.6, 1e-15);
}

TEST(Herding, RestsWhereTanhDoes) {
  const Duration long_time = Duration::days(1000);
  HerdingSettings s;
  s.crowd_pull = 1.2;
  EXPECT_NEAR(opinion_after(s, 0.1, 0, long_time), 0.658569660405754, 1e-9);
  EXPECT_NEAR(opinion_after(s, -0.1, 0, long_time), -0.658569660405754, 1e-9);
  EXPECT_EQ(opinion_after(s, 0, 0, long_time), 0);
  s.crowd_pull = 1.5;
  EXPECT_NEAR(opinion_after(s, 0.1, 0, long_time), 0.85855963664011, 1e-9);
  s.crowd_pull = 0.8;
  EXPECT_NEAR(opinion_after(s, 0.9, 0, long_time), 0, 1e-6);
  EXPECT_GT(opinion_after(s, 0, 0.5, Duration::days(1)), 0);
  s.crowd_pull = s.sentiment_pull = 0;  // then it is a plain decay
  EXPECT_NEAR(opinion_after(s, 1, 0, Duration::days(2)), std::exp(-1), 1e-6);
}

TEST(Herding, AntsAreFlatAtKirmansLimitAndHaveTwoPeaksBelow) {
  AntSettings s{50, 0.01 / 49, 0.01};
  for (const double p : stationary(s)) EXPECT_NEAR(p, 1.0 / 51, 1e-12);
  s.self_change /= 2;
  const auto two = stationary(s);
  EXPECT_GT(two[0], two[25]);
  EXPECT_NEAR(two[0], two[50], 1e-12);
  s.self_change *= 10;
  const auto one = stationary(s);
  EXPECT_LT(one[0], one[25]);
  // Without recruitment: a binomial.
  const auto coin = stationary({4, 0.1, 0});
  EXPECT_NEAR(coin[2], 6.0 / 16, 1e-14);
}

TEST(Herding, SentimentOfFewVoicesSaysLittle) {
  EXPECT_EQ(*sentiment_of(0, 0), 0);
  EXPECT_NEAR(*sentiment_of(2, 0), 2.0 / 12, 1e-15);
  EXPECT_NEAR(*sentiment_of(200, 0), 200.0 / 210, 1e-15);
  EXPECT_EQ(*sentiment_of(3, 7), -*sentiment_of(7, 3));
  EXPECT_EQ(sentiment_of(-1, 0).error().where, "positive");
  EXPECT_EQ(sentiment_of(0, kNan).error().where, "negative");
  EXPECT_EQ(sentiment_of(0, 0, 0).error().where, "prior");
}

TEST(PresentBias, DiscountsAllThatIsNotNow) {
  EXPECT_EQ(discount_after({}, Duration::zero()), 1);
  EXPECT_NEAR(discount_after({}, Duration{1}), 0.703, 1e-12);
  EXPECT_NEAR(discount_after({}, kYear), 0.673474, 1e-14);
}

TEST(PresentBias, PutsOffAndHurriesAsInThePublishedExamples) {
  // O'Donoghue and Rabin 1999, examples 1 and 2, beta = 1/2.
  const PresentBiasSettings s{0.5, 1};
  const double none[] = {0, 0, 0, 0}, same[] = {20, 20, 20, 20}, rising[] = {3, 5, 8, 13};
  const auto report = [&](Foresight f) { return *period_of_action(s, f, Immediate::cost, same, rising) + 1; };
  EXPECT_EQ(report(Foresight::unbiased), 1);
  EXPECT_EQ(report(Foresight::naive), 4);
  EXPECT_EQ(report(Foresight::sophisticated), 2);
  const auto cinema = [&](Foresight f) { return *period_of_action(s, f, Immediate::reward, rising, none) + 1; };
  EXPECT_EQ(cinema(Foresight::unbiased), 4);
  EXPECT_EQ(cinema(Foresight::naive), 3);
  EXPECT_EQ(cinema(Foresight::sophisticated), 1);
}

TEST(BehaviourModels, RefuseWhatIsOutOfRangeByName) {
  const auto where = [](const Result<>& r) { return r ? std::string() : r.error().where; };
  EXPECT_EQ(where(check(ProspectSettings{})), "");
  EXPECT_EQ(where(check(ProspectSettings{0})), "gain_curvature");
  EXPECT_EQ(where(check(ProspectSettings{1, kNan})), "loss_curvature");
  EXPECT_EQ(where(check(ProspectSettings{1, 1, 0.5})), "loss_aversion");
  EXPECT_EQ(where(check(ProspectSettings{1, 1, 2, 0.2})), "gain_weighting");
  EXPECT_EQ(where(check(ProspectSettings{1, 1, 2, 1, kInf})), "loss_weighting");
  EXPECT_EQ(where(check(std::span<const Outcome>{})), "outcomes");
  EXPECT_EQ(where(check(std::vector<Outcome>(65))), "outcomes");
  EXPECT_EQ(where(check(std::vector<Outcome>{{kNan, 1}})), "outcomes[0].change");
  EXPECT_EQ(where(check(std::vector<Outcome>{{1, 0.5}, {2, 0.4}})), "probabilities");
  EXPECT_EQ(where(check(std::vector<Outcome>{{1, 1.5}, {2, -0.5}})), "probabilities[0]");
  EXPECT_EQ(where(check(DiffusionSettings{-1})), "innovation_per_year");
  EXPECT_EQ(where(check(DiffusionSettings{0, 0})), "innovation_per_year");
  EXPECT_EQ(where(check(DiffusionSettings{0, kNan})), "imitation_per_year");
  EXPECT_EQ(where(check(HabitSettings{-1})), "gain_per_day");
  EXPECT_EQ(where(check(HabitSettings{1, 1, 2})), "strength");
  EXPECT_EQ(where(check(HerdingSettings{1, 4})), "crowd_pull");
  EXPECT_EQ(where(check(AntSettings{1})), "ants");
  EXPECT_EQ(where(check(AntSettings{10, 0})), "self_change");
  EXPECT_EQ(where(check(PresentBiasSettings{0})), "present_bias");
  EXPECT_EQ(where(check(PresentBiasSettings{1, 1.1})), "discount_per_year");
  const double one[] = {1}, two[] = {1, 2};
  const auto period = [&](auto rewards, auto costs) {
    return period_of_action({}, Foresight::naive, Immediate::cost, rewards, costs).error().where;
  };
  EXPECT_EQ(period(std::span<const double>(), std::span<const double>(one)), "rewards");
  EXPECT_EQ(period(std::span<const double>(two), std::span<const double>(one)), "costs");
}

}  // namespace
}  // namespace homeostat::economy::behaviour
