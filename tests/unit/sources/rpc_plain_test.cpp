// The short way for logs against the JSON parser: the same values, or nothing.
#include <gtest/gtest.h>

#include "daemon/sources/rpc_plain.hpp"

namespace homeostat::sources::rpc {
namespace {

const std::string kHash = "0x" + std::string(62, 'a') + "B1";

std::string log_of(const std::string& data = "0x0102", const std::string& rest = "", const std::string& index = "0x3") {
  return R"({"address":"0x1111111111111111111111111111111111111111","topics":[")" + kHash + R"(",")" + kHash +
         R"("],"data":")" + data + R"(","blockNumber":"0x10","transactionHash":")" + kHash +
         R"(","transactionIndex":"0x0","blockHash":")" + kHash + R"(","logIndex":")" + index + R"(","removed":false)" +
         rest + "}";
}

std::string reply_of(const std::string& logs, const std::string& id = "1") {
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":[)" + logs + "]}";
}

const std::vector<Call> kOne = {logs_of_range({}, 0, 1)};

/// What the parser makes of it, after checking that the short way gives the same.
void expect_same(const std::string& body, const std::vector<Call>& calls, std::size_t logs) {
  const auto plain = read_plain_logs(body, calls, 1);
  const auto parsed = parse_any_replies(body, calls, 1);
  ASSERT_TRUE(plain) << body;
  ASSERT_TRUE(parsed) << parsed.error().text;
  std::size_t count = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    ASSERT_TRUE((*parsed)[i]) << (*parsed)[i].error().text;
    EXPECT_TRUE(std::get<std::vector<Log>>(*(*parsed)[i]) == (*plain)[i]) << body;
    count += (*plain)[i].size();
  }
  EXPECT_EQ(count, logs);
}

TEST(PlainLogs, AreWhatTheJsonParserGives) {
  expect_same(reply_of(""), kOne, 0);
  expect_same(reply_of(log_of()) + "\n", kOne, 1);
  expect_same(reply_of(log_of("0x") + "," + log_of("0x" + std::string(400, 'F'), R"(,"blockTimestamp":"0x64")")), kOne,
              2);
  expect_same(R"({"result":[)" + log_of() + R"(],"id":1,"jsonrpc":"2.0"})", kOne, 1);
  const std::vector<Call> two = {logs_of_range({}, 0, 1), logs_of_range({}, 2, 3)};
  expect_same("[" + reply_of(log_of()) + "," + reply_of(log_of() + "," + log_of(), "2") + "]", two, 3);
}

class NotPlain : public ::testing::TestWithParam<std::string> {};

TEST_P(NotPlain, IsLeftToTheJsonParser) {
  EXPECT_FALSE(read_plain_logs(GetParam(), kOne, 1));
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

INSTANTIATE_TEST_SUITE_P(
    Table, NotPlain,
    ::testing::Values("", "{", reply_of(log_of(), "2"), reply_of(log_of(), "11"), reply_of(log_of(), "\"1\""),
                      reply_of(log_of(), "null"), reply_of(log_of()) + "x", reply_of(log_of()) + "}",
                      reply_of(log_of() + ","), reply_of(log_of() + log_of()), reply_of(log_of()).substr(0, 300),
                      "[" + reply_of(log_of()) + "]", reply_of(log_of("0x010")), reply_of(log_of("0x01zz")),
                      reply_of(log_of("0102")), reply_of(log_of("0X0102")), reply_of(log_of("0x01\\u0030")),
                      reply_of(log_of("0x0102", "", "0x")), reply_of(log_of("0x0102", "", "0x100000000")),
                      reply_of(log_of("0x0102", "", "0x00000000000000001")), reply_of(log_of("0x0102", "", "0xg")),
                      reply_of(log_of("0x0102", R"(,"blockTimestamp":"0xffffffffffff")")),
                      reply_of(log_of("0x0102", R"(,"data":"0x0103")")), reply_of(log_of("0x0102", R"(,"more":1)")),
                      reply_of(log_of("0x0102", " ")), replaced(reply_of(log_of()), "false", "true"),
                      replaced(reply_of(log_of()), R"("logIndex":"0x3",)", ""),
                      replaced(reply_of(log_of()), R"("blockHash":")" + kHash + R"(",)", ""),
                      replaced(reply_of(log_of()), "0x1111", "0x111"), replaced(reply_of(log_of()), "0x1111", "0x1é11"),
                      replaced(reply_of(log_of()), R"("topics":[)",
                               R"("topics":[")" + kHash + R"(",")" + kHash + R"(",")" + kHash + R"(",)"),
                      replaced(reply_of(log_of()), R"("id":1)", R"("id":1,"error":null)"),
                      replaced(reply_of(log_of()), R"("id":1)", R"("id":1,"id":1)")));

}  // namespace
}  // namespace homeostat::sources::rpc
