#include "config/values.hpp"

#include <gtest/gtest.h>

namespace homeostat::config {
namespace {

constexpr Duration kDay = Duration::minutes(2);  // an economy's day, not the clock's

TEST(DurationValue, IsTheClocksWithAUnitAndTheEconomysWithDay) {
  EXPECT_EQ(parse_duration_value("250ms", kDay), Duration::milliseconds(250));
  EXPECT_EQ(parse_duration_value("1.5h", kDay), Duration::minutes(90));
  EXPECT_EQ(parse_duration_value("7d", kDay), Duration::days(7));
  EXPECT_EQ(parse_duration_value("1 day", kDay), Duration::minutes(2));
  EXPECT_EQ(parse_duration_value("0.25 day", kDay), Duration::seconds(30));
  EXPECT_EQ(parse_duration_value("3 days", kDay), Duration::minutes(6));
}

TEST(RatioValue, IsRoundedOnce) {
  EXPECT_EQ(parse_ratio("0.5%"), 0.005);
  EXPECT_EQ(parse_ratio("25bps"), 0.0025);
  EXPECT_EQ(parse_ratio("57.3 %"), 0.573);  // 57.3 x 0.01 would be 0.5730000000000001
  EXPECT_EQ(parse_ratio("0.2"), 0.2);
}

TEST(RateValue, IsPerSecond) {
  EXPECT_EQ(parse_rate_per_s("1000/s", kDay), 1000);
  EXPECT_EQ(parse_rate_per_s("30/m", kDay), 0.5);
  EXPECT_EQ(parse_rate_per_s("60/day", kDay), 0.5);
}

TEST(QuantityValue, MayCarryItsUnitAndNoOther) {
  EXPECT_EQ(parse_quantity("120 tips", "tips"), 120);
  EXPECT_EQ(parse_quantity("1e-18", "ETH"), 1e-18);
  EXPECT_EQ(parse_quantity("25bps", "%"), 0.25);
  EXPECT_FALSE(parse_quantity("5%", "tips"));
  EXPECT_FALSE(parse_quantity("1e999", "tips"));
  EXPECT_FALSE(parse_quantity("nan", "tips"));
  EXPECT_FALSE(parse_quantity("inf", "tips"));
  EXPECT_FALSE(parse_quantity("0x10", "tips"));
}

TEST(DecimalValue, NeverGoesThroughADouble) {
  EXPECT_EQ(parse_decimal("123456789012.123456789012345678", "X", 18)->to_string(), "123456789012.123456789012345678");
  EXPECT_EQ(parse_decimal("0.3%", "ratio", 4)->to_string(), "0.003");
  EXPECT_EQ(parse_decimal("1%", "bps", 0)->to_string(), "100");
  EXPECT_EQ(parse_decimal("1bps", "%", 2)->to_string(), "0.01");
  EXPECT_FALSE(parse_decimal("0.00001", "ratio", 4));
  EXPECT_FALSE(parse_decimal("1bps", "ratio", 3));
}

TEST(ChangeValue, TellsAbsoluteFromRelative) {
  EXPECT_EQ(parse_change("0.25", "USD", 2)->absolute->to_string(), "0.25");
  EXPECT_EQ(parse_change("5% of value", "USD", 2)->relative, 0.05);
  const auto both = parse_change("5% of value, at least 0.01, at most 0.5", "USD", 2);
  EXPECT_EQ(both->floor->to_string(), "0.01");
  EXPECT_EQ(both->absolute->to_string(), "0.5");
  EXPECT_EQ(both->relative, 0.05);
  EXPECT_FALSE(parse_change("0.25, at least 0.01", "USD", 2));
  EXPECT_FALSE(parse_change("5% of value, at least 0.01, at least 0.02", "USD", 2));
  EXPECT_FALSE(parse_change("5% of value, maybe 0.01", "USD", 2));
  EXPECT_EQ(parse_change("25bps", "ratio", 4)->absolute->to_string(), "0.0025");
  EXPECT_EQ(parse_change("5%", "USD", 2).error().nearest, "5% of value");
}

TEST(ListenAddress, KnowsLoopback) {
  EXPECT_TRUE(parse_listen_address("127.0.0.1:7400")->is_loopback);
  EXPECT_TRUE(parse_listen_address("127.1.2.3:0")->is_loopback);
  EXPECT_TRUE(parse_listen_address("[::1]:7400")->is_loopback);
  EXPECT_TRUE(parse_listen_address("localhost:7400")->is_loopback);
  EXPECT_FALSE(parse_listen_address("0.0.0.0:7400")->is_loopback);
  EXPECT_FALSE(parse_listen_address("[::]:7400")->is_loopback);
  EXPECT_FALSE(parse_listen_address("127.evil.example:7400")->is_loopback);
  EXPECT_FALSE(parse_listen_address("[::ffff:127.0.0.1]:7400")->is_loopback);
}

TEST(Values, RefuseGarbageWithoutCrashing) {
  for (const std::string_view text : {"",
                                      " ",
                                      "-",
                                      ".",
                                      "%",
                                      "1.",
                                      ".5",
                                      "--1",
                                      "1e",
                                      "1e+",
                                      "/",
                                      "5/",
                                      "/s",
                                      " per ",
                                      "x per y",
                                      "1 per",
                                      "[",
                                      "[]",
                                      "[]:1",
                                      ":",
                                      ":1",
                                      "a:b",
                                      "99999999999999999999d",
                                      "1e300%",
                                      "1e5 day",
                                      "999999999999 days",
                                      "of value",
                                      "\xff\xfe"}) {
    EXPECT_FALSE(parse_ratio(text)) << text;
    EXPECT_FALSE(parse_rate_per_s(text, kDay)) << text;
    EXPECT_FALSE(parse_duration_value(text, kDay)) << text;
    EXPECT_FALSE(parse_per(text, kDay)) << text;
    EXPECT_FALSE(parse_finality(text)) << text;
    EXPECT_FALSE(parse_listen_address(text)) << text;
    EXPECT_FALSE(parse_change(text, "ratio", 4)) << text;
  }
}

}  // namespace
}  // namespace homeostat::config
