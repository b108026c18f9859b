#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/sources/http_client.hpp"
#include "daemon/sources/poll_parse.hpp"

namespace homeostat::sources {
namespace {

using ::testing::HasSubstr;

std::string vector_of(const std::string& series) {
  return R"({"status":"success","data":{"resultType":"vector","result":[)" + series + "]}}";
}
std::string series(const std::string& value) {
  return R"({"metric":{},"value":[1435781451.781,)" + value + "]}";
}

TEST(Prometheus, ReadsAVectorOfOneAndAScalar) {
  for (const std::string& body :
       {vector_of(series("\"1.5\"")),
        std::string(R"({"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"1.5"]}})")}) {
    const auto value = parse_prometheus(body);
    ASSERT_TRUE(value) << value.error().text;
    EXPECT_EQ(value->value, 1.5);
    EXPECT_EQ(value->time->ns, 1435781451781000000);
  }
}

TEST(Prometheus, PassesNaNAndInfinitiesOnForTheOracleToRefuse) {
  EXPECT_TRUE(std::isnan(parse_prometheus(vector_of(series("\"NaN\"")))->value));
  EXPECT_EQ(parse_prometheus(vector_of(series("\"+Inf\"")))->value, INFINITY);
  EXPECT_EQ(parse_prometheus(vector_of(series("\"-Inf\"")))->value, -INFINITY);
}

TEST(Prometheus, BadRepliesAreRefusedWithTheirReason) {
  const std::vector<std::pair<std::string, const char*>> table = {
      {"", "not JSON"},
      {"<html>", "not JSON"},
      {"[]", "not an object"},
      {"{}", "no status"},
      {R"({"status":5})", "no status"},
      {R"({"status":"error","errorType":"bad_data","error":"parse error at char 3"})", "parse error at char 3"},
      {R"({"status":"success"})", "no data"},
      {R"({"status":"success","data":{}})", "no resultType"},
      {R"({"status":"success","data":{"resultType":"matrix","result":[]}})", "gives a matrix"},
      {R"({"status":"success","data":{"resultType":"vector","result":{}}})", "not a list"},
      {vector_of(""), "no series"},
      {vector_of(series("\"1\"") + "," + series("\"2\"")), "2 series"},
      {vector_of("7"), "not an object"},
      {vector_of("{}"), "not a pair"},
      {vector_of(R"({"value":[1]})"), "not a pair"},
      {vector_of(series("1")), "not a number"},
      {vector_of(series("\"1x\"")), "not a number"},
      {vector_of(series("\"\"")), "not a number"},
      {vector_of(R"({"value":["yesterday","1"]})"), "valid time"},
      {vector_of(R"({"value":[-5,"1"]})"), "valid time"},
      {vector_of(R"({"value":[1e300,"1"]})"), "valid time"},
  };
  for (const auto& [body, reason] : table) {
    const auto value = parse_prometheus(body);
    ASSERT_FALSE(value) << body;
    EXPECT_THAT(value.error().text, HasSubstr(reason)) << body;
  }
}

Fetch<PollValue> http(const std::string& body, const std::string& value, const std::string& time = "") {
  const HttpMetric metric{"m", "", value, time};
  return parse_http(body, {&metric, 1})[0];
}

TEST(HttpSource, FollowsAJsonPointerToNumbersAndNumericTexts) {
  EXPECT_EQ(http(R"({"a":{"b":[1,2.5]}})", "/a/b/1")->value, 2.5);
  EXPECT_EQ(http(R"({"a/b":"3"})", "/a~1b")->value, 3);
  EXPECT_EQ(http("-7", "")->value, -7);
  EXPECT_EQ(http("18446744073709551615", "")->value, 18446744073709551615.0);
}

TEST(HttpSource, ReadsTheTimeAsSecondsMillisecondsOrText) {
  const Instant expected = Instant::from_unix_seconds(1600000000);
  for (const char* time :
       {"1600000000", "1600000000000", "\"1600000000\"", "\"2020-09-13T12:26:40Z\"", "\"2020-09-13T14:26:40+02:00\""}) {
    const auto value = http(std::string(R"({"v":1,"t":)") + time + "}", "/v", "/t");
    ASSERT_TRUE(value) << value.error().text;
    EXPECT_EQ(value->time, expected) << time;
  }
  EXPECT_FALSE(http(R"({"v":1})", "/v")->time);
}

TEST(HttpSource, BadDocumentsAreRefusedWithTheirReason) {
  EXPECT_THAT(http("nope", "/v").error().text, HasSubstr("not JSON"));
  EXPECT_THAT(http("{}", "/v").error().text, HasSubstr("nothing at /v"));
  EXPECT_THAT(http(R"({"v":null})", "/v").error().text, HasSubstr("null at /v"));
  EXPECT_THAT(http(R"({"v":{}})", "/v").error().text, HasSubstr("an object at /v"));
  EXPECT_THAT(http(R"({"v":true})", "/v").error().text, HasSubstr("a boolean at /v"));
  EXPECT_THAT(http(R"({"v":1})", "/v", "/t").error().text, HasSubstr("nothing at /t"));
  EXPECT_THAT(http(R"({"v":1,"t":"noon"})", "/v", "/t").error().text, HasSubstr("neither a unix time"));
  EXPECT_THAT(http(R"({"v":1,"t":-1})", "/v", "/t").error().text, HasSubstr("not a unix time"));
  EXPECT_THAT(http(R"({"v":1,"t":[]})", "/v", "/t").error().text, HasSubstr("a list at /t"));
}

TEST(HttpSource, OneBadPointerDoesNotSpoilTheOthers) {
  const std::vector<HttpMetric> metrics{{"a", "", "/a", ""}, {"b", "", "/b", ""}};
  const auto values = parse_http(R"({"b":2})", metrics);
  EXPECT_FALSE(values[0]);
  EXPECT_EQ(values[1]->value, 2);
}

TEST(Number, IsAllOfTheTextOrNothing) {
  EXPECT_EQ(parse_number("+1.5e3"), 1500);
  for (const char* bad : {"", " 1", "1 ", "0x10", "nan", "inf", "--1", "+-1", "1,5", "-", "NaN(1)"})
    EXPECT_FALSE(parse_number(bad)) << bad;
}

TEST(Query, IsPercentEncoded) {
  EXPECT_EQ(percent_encoded("rate(x[5m]) > 1"), "rate%28x%5B5m%5D%29%20%3E%201");
}

TEST(Endpoint, TakesAUrlApartAndHidesItsSecrets) {
  const auto endpoint = parse_endpoint("https://user:pass@node.example/v3/KEY?x=1", false, "here");
  ASSERT_TRUE(endpoint) << endpoint.error().text();
  EXPECT_TRUE(endpoint->tls);
  EXPECT_EQ(endpoint->port, "443");
  EXPECT_EQ(endpoint->target, "/v3/KEY?x=1");
  EXPECT_EQ(endpoint->authorization, "Basic dXNlcjpwYXNz");
  EXPECT_EQ(endpoint->shown, "https://node.example:443");
  EXPECT_EQ(parse_endpoint("ws://[::1]:8546", true, "here")->host, "::1");
}

TEST(Endpoint, RefusesWhatIsNoUrlOfItsKind) {
  for (const char* bad : {"", "node:8545", "127.0.0.1:8545", "ftp://x", "ws://x", "http://", "http://x:0",
                          "http://x:99999", "http://x y"}) {
    const auto endpoint = parse_endpoint(bad, false, "here");
    EXPECT_FALSE(endpoint) << "taken: " << bad;
  }
}

}  // namespace
}  // namespace homeostat::sources
