#include "core/text.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "core/format.hpp"
#include "core/hex.hpp"
#include "core/random.hpp"

namespace homeostat {
namespace {

TEST(Text, FindsTheNearestName) {
  const std::vector<std::string> names = {"velocity", "creators", "viewers"};
  EXPECT_EQ(nearest_name("velocty", names), "velocity");
  EXPECT_EQ(nearest_name("veiwers", names), "viewers");
  EXPECT_EQ(nearest_name("temperature", names), "");
  EXPECT_EQ(did_you_mean("creator", names), "; did you mean 'creators'?");
  EXPECT_EQ(did_you_mean("zzz", names), "");
  EXPECT_EQ(nearest_name("x", std::vector<std::string>{}), "");
}

TEST(Text, EditDistanceCountsASwapOnce) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("abc", "acb"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance(std::string(10'000, 'a'), "a"), kNameLengthMax - 1);
}

TEST(Format, WritesInstantsAsRfc3339) {
  EXPECT_EQ(text_of(Instant{}), "never");
  EXPECT_EQ(text_of(Instant{1}), "1970-01-01T00:00:00.000000001Z");
  EXPECT_EQ(text_of(Instant::from_unix_seconds(1795208400)), "2026-11-20T21:00:00Z");
  EXPECT_EQ(text_of(Instant{1795208400'123'000'000}), "2026-11-20T21:00:00.123Z");
  EXPECT_EQ(text_of(Instant{-1'000}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(text_of(Instant::from_unix_seconds(951782400)), "2000-02-29T00:00:00Z");
  EXPECT_EQ(text_of(Instant{std::numeric_limits<std::int64_t>::max()}), "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(text_of(Instant{std::numeric_limits<std::int64_t>::min()}), "1677-09-21T00:12:43.145224192Z");
}

TEST(Format, ReadsEveryInstantThatItWrites) {
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    const Instant t{static_cast<std::int64_t>(random.next_u64())};
    ASSERT_EQ(parse_instant(text_of(t)).value(), t) << text_of(t);
  }
}

TEST(Format, ReadsOffsetsAndRefusesDaysThatDoNotExist) {
  EXPECT_EQ(parse_instant("2026-11-20T22:00:00+01:00"), parse_instant("2026-11-20T21:00:00Z"));
  EXPECT_EQ(parse_instant("2026-02-29T00:00:00Z").error().code, ErrorCode::out_of_range);
  EXPECT_EQ(parse_instant("2026-13-01T00:00:00Z").error().code, ErrorCode::out_of_range);
  EXPECT_EQ(parse_instant("3000-01-01T00:00:00Z").error().code, ErrorCode::out_of_range);
  for (const char* text : {"", "2026", "2026-11-20", "2026-11-20T21:00:00", "2026-11-20T21:00:00.Z",
                           "2026-11-20T21:00:00.1234567890Z", "2026-11-20T21:00:00ZZ", "2026-11-20T21:00:00+1"}) {
    EXPECT_EQ(parse_instant(text).error().code, ErrorCode::malformed) << text;
  }
}

TEST(Format, WritesDurationsInTheirLargestUnits) {
  EXPECT_EQ(text_of(Duration::zero()), "0s");
  EXPECT_EQ(text_of(Duration::minutes(5)), "5m");
  EXPECT_EQ(text_of(Duration::minutes(90)), "1h30m");
  EXPECT_EQ(text_of(Duration::days(7)), "7d");
  EXPECT_EQ(text_of(Duration::milliseconds(250)), "250ms");
  EXPECT_EQ(text_of(Duration::milliseconds(1500)), "1.5s");
  EXPECT_EQ(text_of(Duration{1'500}), "1.5us");
  EXPECT_EQ(text_of(-Duration::minutes(5)), "-5m");
}

TEST(Format, ReadsEveryDurationThatItWrites) {
  Random random(8);
  for (int i = 0; i < 20'000; ++i) {
    const Duration d{static_cast<std::int64_t>(random.next_u64()) >> random.below(60)};
    const auto read = parse_duration(text_of(d));
    ASSERT_TRUE(read) << text_of(d);
    ASSERT_EQ(*read, d) << text_of(d);
  }
  const Duration least{std::numeric_limits<std::int64_t>::min()};
  EXPECT_EQ(parse_duration(text_of(least)).value(), least);
}

TEST(Format, RefusesDurationsWithoutUnits) {
  for (const char* text : {"", "-", "5", "5 m", "m5", "5min", "1m1h", "1h1h", "1.5", ".5s", "1e3s", "1.5ns", "5mm"}) {
    EXPECT_EQ(parse_duration(text).error().code, ErrorCode::malformed) << text;
  }
  EXPECT_EQ(parse_duration("106752d").error().code, ErrorCode::out_of_range);
  EXPECT_EQ(parse_duration("99999999999999999999d").error().code, ErrorCode::out_of_range);
  EXPECT_EQ(parse_duration("0").value(), Duration::zero());
}

TEST(Hex, DecodesExactlyTheBytesAskedFor) {
  const auto address = bytes_from_hex<20>("0x5FbDB2315678afecb367f032d93F642f64180aa3").value();
  EXPECT_EQ(hex0x_of(address), "0x5fbdb2315678afecb367f032d93f642f64180aa3");
  EXPECT_EQ(bytes_from_hex<2>("beef")->at(1), 0xef);
  EXPECT_EQ(bytes_from_hex<2>("0xbee").error().message, "expected 4 hexadecimal digits, found 3");
  EXPECT_EQ(bytes_from_hex<2>("0xbeeg").error().message, "'g' at column 6 is not a hexadecimal digit");
}

}  // namespace
}  // namespace homeostat
