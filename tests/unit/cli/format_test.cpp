#include "cli/format.hpp"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <limits>

#include "cli/json.hpp"
#include "homeostat/v1/control.pb.h"

namespace homeostat::cli {
namespace {

TEST(Human, ShowsTheTwoLargestUnits) {
  EXPECT_EQ(human(Duration::zero()), "0 s");
  EXPECT_EQ(human(Duration{1'500}), "0.0015 ms");
  EXPECT_EQ(human(Duration::milliseconds(250)), "250 ms");
  EXPECT_EQ(human(Duration::milliseconds(4'250)), "4.2 s");
  EXPECT_EQ(human(Duration::milliseconds(59'999)), "59.9 s");  // never rounds up into another unit
  EXPECT_EQ(human(Duration::seconds(200)), "3m 20s");
  EXPECT_EQ(human(Duration::hours(2)), "2h");
  EXPECT_EQ(human(Duration::hours(76)), "3d 4h");
  EXPECT_EQ(human(-Duration::seconds(5)), "-5 s");
}

TEST(Number, HasSixSignificantDigitsAndNoNegativeZero) {
  EXPECT_EQ(number(0.0412345678), "0.0412346");
  EXPECT_EQ(number(-0.0), "0");
  EXPECT_EQ(number(1e21), "1e+21");
}

TEST(Grouped, PutsACommaEveryThreeDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(12'345'678), "12,345,678");
}

template <class Message>
Message message_of(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

TEST(Json, WritesEveryFieldWithNumbersTimesAndWords) {
  const auto notice = message_of<v1::ModeCause>(
      R"(kind: "x" mode: OPERATING_MODE_EMERGENCY since { seconds: 1769860800 nanos: 5000000 })");
  EXPECT_EQ(
      line_json(notice),
      R"({"kind":"x","subject":"","reason":"","mode":"emergency","since":"2026-01-31T12:00:00.005Z","until":null})");
}

TEST(Json, KeepsEveryDigitOfADoubleAndLargeIntegersAsNumbers) {
  v1::Reading reading;
  reading.set_value(0.1 + 0.2);
  reading.set_count(9'007'199'254'740'991);
  reading.set_error_ratio(std::numeric_limits<double>::quiet_NaN());
  const std::string text = line_json(reading);
  EXPECT_NE(text.find(R"("value":0.30000000000000004)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("count":9007199254740991)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("error_ratio":null)"), std::string::npos) << text;
}

TEST(Json, DurationsAreSecondsUnderTheirUnit) {
  const auto status = message_of<v1::Status>("period { seconds: 5 nanos: 500000000 }");
  EXPECT_NE(line_json(status).find(R"("period_s":5.5)"), std::string::npos);
}

TEST(Json, OfAOneofOnlyTheMemberThatIsSetAppears) {
  EXPECT_EQ(line_json(message_of<v1::WatchEvent>(R"(notice { kind: "mode" })")),
            R"({"notice":{"kind":"mode","at":null,"subject":"","text":""}})");
}

TEST(Json, SortsMapsAndEscapesText) {
  const auto source =
      message_of<v1::Source>(R"(refused { key: "z" value: 1 } refused { key: "a" value: 2 } detail: "a\"b\\\n\001")");
  const std::string text = line_json(source);
  EXPECT_NE(text.find(R"("refused":{"a":2,"z":1})"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("detail":"a\"b\\\n\u0001")"), std::string::npos) << text;
}

}  // namespace
}  // namespace homeostat::cli
