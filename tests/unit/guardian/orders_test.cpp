#include "guardian/orders.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace homeostat::guardian {
namespace {

const Instant kNow = Instant::from_unix_seconds(1'000'000);

Decimal d(const char* text, int decimals = 2) {
  return Decimal::parse(text, decimals).value();
}
Order order(Duration until = Duration::hours(1)) {
  return {"alice", "drill", kNow, kNow + until};
}

ParameterSettings fee() {
  ParameterSettings settings;
  settings.name = "fee";
  settings.unit = "%";
  settings.decimals = 2;
  settings.min = d("0.5");
  settings.max = d("5");
  settings.quantum = d("0.05");
  return settings;
}

std::string refusal(const Result<Override>& result) {
  return result ? "accepted" : result.error().text();
}

TEST(Orders, NeedAnActorAReasonAndATime) {
  Order nobody = order();
  nobody.actor.clear();
  EXPECT_FALSE(check_order({}, nobody, Expiry::required));
  Order unfounded = order();
  unfounded.reason.clear();
  EXPECT_FALSE(check_order({}, unfounded, Expiry::required));
  for (std::string Order::*text : {&Order::actor, &Order::reason}) {
    Order wordy = order();
    wordy.*text = std::string(kOrderTextMax, 'x');
    EXPECT_TRUE(check_order({}, wordy, Expiry::required));
    wordy.*text += 'x';
    EXPECT_FALSE(check_order({}, wordy, Expiry::required));
  }
  Order endless = order();
  endless.until = {};
  EXPECT_FALSE(check_order({}, endless, Expiry::required));
  EXPECT_TRUE(check_order({}, endless, Expiry::optional));
  EXPECT_TRUE(check_order({}, order(), Expiry::required));
}

TEST(Orders, MustExpireInTheFutureAndNotTooFarAhead) {
  EXPECT_FALSE(check_order({}, order(Duration::zero()), Expiry::required));
  EXPECT_TRUE(check_order({}, order(Duration::hours(24)), Expiry::required));
  const auto far = check_order({}, order(Duration::hours(25)), Expiry::optional);
  ASSERT_FALSE(far);
  EXPECT_EQ(far.error().text(), "until: the expiry is 1d1h ahead; at most 1d is allowed");
}

TEST(Orders, AnOverrideStaysInsideTheHardBoundsAndOnTheGrid) {
  EXPECT_TRUE(make_override({}, fee(), order(), d("5")));
  EXPECT_TRUE(make_override({}, fee(), order(), d("0.5")));
  EXPECT_FALSE(make_override({}, fee(), order(), d("0.45")));
  EXPECT_EQ(make_override({}, fee(), order(), d("4.5000", 4))->value, d("4.5"));
  EXPECT_EQ(refusal(make_override({}, fee(), order(), d("5.05"))),
            "value: 5.05 is outside the hard bounds of fee, 0.5 to 5 %");
  EXPECT_EQ(refusal(make_override({}, fee(), order(), d("1.01"))),
            "value: 1.01 is not a multiple of 0.05; the nearest is 1");
  EXPECT_EQ(refusal(make_override({}, fee(), order(), d("1.005", 3))),
            "value: 1.005 does not fit the 2 decimals of fee");
  EXPECT_EQ(refusal(make_override({}, fee(), order(), std::nullopt)), "value: an override needs the value to hold");
}

TEST(Orders, AShiftIsBoundedByItsShareOfTheSetpointAndByTheMetric) {
  const auto shift = [](double amount) { return make_shift({}, 10, 0, 12, order(), amount); };
  EXPECT_TRUE(shift(2));
  EXPECT_TRUE(shift(-5));
  EXPECT_FALSE(shift(-5.1));  // more than half of 10
  EXPECT_FALSE(shift(3));     // beyond the metric's 12
  EXPECT_TRUE(make_shift({}, 10, 8, 12, order(), -2));
  const auto below = make_shift({}, 10, 8, 12, order(), -3);
  ASSERT_FALSE(below);
  EXPECT_EQ(below.error().text(), "shift: the shifted set-point 7 is outside the metric's bounds 8 to 12");
  EXPECT_FALSE(shift(0));
  EXPECT_FALSE(shift(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(shift(std::numeric_limits<double>::infinity()));
}

}  // namespace
}  // namespace homeostat::guardian
