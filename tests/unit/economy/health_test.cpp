#include "economy/tokenomics/health.hpp"

#include <cmath>

#include "tests/unit/economy/tokenomics.hpp"

namespace homeostat::economy::tokenomics {
namespace {

using Values = std::vector<double>;

TEST(Health, ThePriceBandCountsStepsInsideAndWhenItSettled) {
  const Values prices{1, 1.05, 1.3, 0.85, 1.1, 0.95, 1, 1};
  const auto band = *price_band(prices, 1, 0.1 + 1e-12, 3);
  EXPECT_EQ(band.inside_share, 6.0 / 8);
  EXPECT_DOUBLE_EQ(band.deviation_max, 0.3);
  EXPECT_EQ(band.settled_after, 4u);
  EXPECT_EQ(price_band(prices, 1, 0.2, 6)->settled_after, 8u);  // never for six steps on end
}

TEST(Health, ASeriesKeepsToItsTargetOrNot) {
  const Values staked{0.7, 0.65, 0.5, 0.55, 0.62, 0.64};  // 20 points leave, and come back
  const auto record = *band_record(staked, {0.6, 1}, 2);
  EXPECT_DOUBLE_EQ(record.inside_share, 4.0 / 6);
  EXPECT_EQ(record.least, 0.5);
  EXPECT_EQ(record.most, 0.7);
  EXPECT_DOUBLE_EQ(record.mean, 0.61);
  EXPECT_EQ(record.settled_after, 4u);
  EXPECT_EQ(refused(band_record(Values{1, kNan}, {0, 1})), "values[1]");
  EXPECT_EQ(refused(band_record(Values{1}, {1, 0})), "target.low");
  EXPECT_EQ(refused(band_record(Values{1}, {0, kNan})), "target.low");
  EXPECT_EQ(refused(band_record(Values{1}, {0, 1}, 0)), "settled");
  EXPECT_EQ(refused(band_record({}, {0, 1})), "values");
}

TEST(Health, VolatilityOfAConstantGrowthIsItsRate) {
  Values prices{1};
  for (int i = 0; i < 50; ++i) prices.push_back(prices.back() * (i % 2 == 0 ? 1.01 : 1 / 1.01));
  EXPECT_NEAR(*realised_volatility(prices, 365), std::sqrt(365) * std::log(1.01), 1e-12);
  EXPECT_EQ(*realised_volatility(Values{2, 2, 2}, 365), 0);
}

TEST(Health, RatiosAreTheirFormulas) {
  EXPECT_NEAR(*inflation(1035, 1000), 0.035, 1e-15);
  EXPECT_EQ(*participation(62, 100), 0.62);
  const auto captured = *value_capture(30, 10, 40, 100, 25);
  EXPECT_EQ(captured.ratio, 0.8);
  EXPECT_EQ(captured.net, 55);
  EXPECT_EQ(*runway_months(900, 50), 18);
  EXPECT_EQ(*runway_months(900, 0), kRunwayMonthsMax);
  // TKPI-8 at its start: price 0.2, a volume of 100 000 an hour over 10^8 tokens worth 0.2 each is a velocity of 0.005.
  EXPECT_DOUBLE_EQ(*velocity(0.2, 100'000 / 0.2, 0.2 * 1e8), 0.005);
  EXPECT_NEAR(*velocity_gap(2e7, 0.005, 0.2, 500'000), 0, 1e-15);
  EXPECT_NEAR(*velocity_gap(2e7, 0.006, 0.2, 500'000), 0.2, 1e-12);
}

TEST(Health, ConcentrationLeavesItsArgumentAlone) {
  const Values holdings{40, 10, 30, 20};
  Values scratch;
  const auto c = *concentration(holdings, scratch);
  EXPECT_DOUBLE_EQ(c.gini, 0.25);
  EXPECT_DOUBLE_EQ(c.hhi, 0.3);
  EXPECT_EQ(c.nakamoto, 2);
  EXPECT_EQ(holdings[0], 40);
}

TEST(Health, JudgesWhatWasMeasured) {
  HealthMeasured measured;
  measured.inflation = 0.06;
  measured.participation = 0.55;
  measured.gini = 0.5;
  const auto health = *judge({}, measured);
  EXPECT_EQ(health.measured, 3u);
  EXPECT_EQ(health.missed, 2u);
  EXPECT_NEAR(health.items[2].gap, 0.01, 1e-15);
  EXPECT_NEAR(health.items[3].gap, -0.05, 1e-15);
  EXPECT_TRUE(health.items[3].is_missed);
  EXPECT_FALSE(health.items[6].is_missed);
  EXPECT_FALSE(health.items[0].value.has_value());
}

TEST(Health, RefusesWhatIsOutOfRange) {
  for (const double bad : {kNan, kInfinity, -1.0}) {
    const Values prices{1, bad};
    EXPECT_EQ(refused(price_band(prices, 1, 0.1)), "prices[1]");
    EXPECT_EQ(refused(realised_volatility(prices, 365)), "prices[1]");
    EXPECT_EQ(refused(price_band(Values{1}, bad, 0.1)), "reference");
    EXPECT_EQ(refused(price_band(Values{1}, 1, bad)), "band");
    EXPECT_EQ(refused(inflation(bad, 1)), "supply_now");
    EXPECT_EQ(refused(inflation(1, bad)), "supply_a_year_ago");
    EXPECT_EQ(refused(participation(bad, 1)), "staked");
    EXPECT_EQ(refused(value_capture(bad, 0, 0, 1, 0)), "treasury");
    EXPECT_EQ(refused(value_capture(0, 0, 0, 1, bad)), "buy_back_cost");
    EXPECT_EQ(refused(runway_months(1, bad)), "spending_per_month");
    EXPECT_EQ(refused(velocity(1, 1, bad)), "money");
    EXPECT_EQ(refused(velocity_gap(1, bad, 1, 1)), "velocity");
  }
  Values scratch;
  EXPECT_EQ(refused(participation(2, 1)), "staked");
  EXPECT_EQ(refused(price_band({}, 1, 0.1)), "prices");
  EXPECT_EQ(refused(price_band(Values{1}, 1, 0.1, 0)), "settled");
  EXPECT_EQ(refused(realised_volatility(Values{1}, 365)), "prices");
  EXPECT_EQ(refused(value_capture(0, 0, 0, 0, 0)), "gross_fees");
  EXPECT_EQ(refused(concentration(Values{0, 0}, scratch)), "holdings");
  EXPECT_EQ(refused(concentration(Values{1, -1}, scratch)), "holdings[1]");
  EXPECT_EQ(refused(judge({.inflation = {0.5, 0.1}}, {})), "inflation");
  HealthMeasured measured;
  measured.hhi = kNan;
  EXPECT_EQ(refused(judge({}, measured)), "hhi");
}

}  // namespace
}  // namespace homeostat::economy::tokenomics
