#include "daemon/sources/rpc.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/sources/hex.hpp"

namespace homeostat::sources::rpc {
namespace {

using ::testing::HasSubstr;

const std::string kHash(64, 'a');
const std::string kBloom(512, '0');

std::string header_json(const std::string& fields = R"("number":"0x10")") {
  return R"({"hash":"0x)" + kHash + R"(","parentHash":"0x)" + kHash + R"(","timestamp":"0x64","logsBloom":"0x)" +
         kBloom + "\"," + fields + "}";
}

std::string log_json(const std::string& replaced = "", const std::string& by = "") {
  std::string text = R"({"address":"0x)" + std::string(40, '1') + R"(","topics":["0x)" + kHash +
                     R"("],"data":"0x0102",)" + R"("blockNumber":"0x10","blockHash":"0x)" + kHash +
                     R"(","transactionHash":"0x)" + kHash + R"(","logIndex":"0x3","removed":false})";
  if (!replaced.empty()) text.replace(text.find(replaced), replaced.size(), by);
  return text;
}

std::string answer(const std::string& result, const std::string& id = "7") {
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}";
}

Fetch<Value> one(const Call& call, const std::string& body) {
  auto values = parse_replies(body, {&call, 1}, 7);
  if (!values) return tl::make_unexpected(values.error());
  return values->front();
}

const Call kLogs{Want::logs, "eth_getLogs", "[]"};
const Call kHeader{Want::header, "eth_getBlockByNumber", "[]"};

TEST(Rpc, ReadsAHeader) {
  const auto value = one(kHeader, answer(header_json()));
  ASSERT_TRUE(value) << value.error().text;
  const auto& header = std::get<std::optional<Header>>(*value);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->number, 16u);
  EXPECT_EQ(header->time_s, 100u);
  EXPECT_EQ(header->hash[31], 0xaa);
}

const Call kEthCall{Want::bytes, "eth_call", "[]"};

TEST(Rpc, ReadsWhatAContractAnswers) {
  const auto value = one(kEthCall, answer(R"("0x0102")"));
  ASSERT_TRUE(value) << value.error().text;
  const auto& result = std::get<CallResult>(*value);
  EXPECT_FALSE(result.reverted);
  EXPECT_THAT(result.bytes, ::testing::ElementsAre(1, 2));
  EXPECT_TRUE(std::get<CallResult>(*one(kEthCall, answer(R"("0x")"))).bytes.empty());
  EXPECT_FALSE(one(kEthCall, answer(R"("0x0")")));
  EXPECT_FALSE(one(kEthCall, answer("null")));
}

TEST(Rpc, ARevertIsTheContractsAnswerAndAnythingElseTheNodesFault) {
  for (const char* error : {R"({"code":3,"message":"execution reverted","data":"0x"})",
                            R"({"code":-32000,"message":"execution reverted: No data present"})",
                            R"({"code":-32015,"message":"VM execution error.","data":"Reverted 0x"})",
                            R"({"code":-32603,"message":"EVM error: invalid opcode: INVALID"})",
                            R"({"code":-32000,"message":"out of gas"})"}) {
    const auto value = one(kEthCall, std::string(R"({"jsonrpc":"2.0","id":7,"error":)") + error + "}");
    ASSERT_TRUE(value) << error;
    EXPECT_TRUE(std::get<CallResult>(*value).reverted) << error;
  }
  const std::string reverted = R"({"jsonrpc":"2.0","id":7,"error":{"code":3,"message":"execution reverted"}})";
  EXPECT_EQ(one(kHeader, reverted).error().kind, FaultKind::rpc_error) << "only of eth_call";
  for (const char* error : {R"({"code":-32000,"message":"header not found"})",
                            R"({"code":-32602,"message":"invalid argument 1: hex string expected"})"}) {
    const auto value = one(kEthCall, std::string(R"({"jsonrpc":"2.0","id":7,"error":)") + error + "}");
    ASSERT_FALSE(value) << error;
    EXPECT_EQ(value.error().kind, FaultKind::rpc_error);
  }
}

TEST(Rpc, AsksAContractAtABlocksHash) {
  const std::vector<std::uint8_t> data = {0xfe, 0xaf, 0x96, 0x8c};
  const Call call = call_contract(Address{0x11}, data, Hash32{0x22});
  EXPECT_EQ(call.params, R"([{"to":"0x11)" + std::string(38, '0') + R"(","data":"0xfeaf968c"},{"blockHash":"0x22)" +
                             std::string(62, '0') + R"("}])");
}

TEST(Rpc, ReadsNullAsNoBlock) {
  const auto value = one(kHeader, answer("null"));
  ASSERT_TRUE(value);
  EXPECT_FALSE(std::get<std::optional<Header>>(*value));
}

TEST(Rpc, ReadsALogWithItsTopicsAndData) {
  const auto value = one(kLogs, answer("[" + log_json() + "]"));
  ASSERT_TRUE(value) << value.error().text;
  const auto& logs = std::get<std::vector<Log>>(*value);
  ASSERT_EQ(logs.size(), 1u);
  EXPECT_EQ(logs[0].topic_count, 1);
  EXPECT_THAT(logs[0].data, ::testing::ElementsAre(1, 2));
  EXPECT_EQ(logs[0].log_index, 3u);
  EXPECT_FALSE(logs[0].block_time_s);
}

struct BadReply {
  const char* name;
  Call call;
  std::string body;
  FaultKind kind;
  const char* text;
};

class RpcBadReply : public ::testing::TestWithParam<BadReply> {};

TEST_P(RpcBadReply, IsRefusedWithItsReason) {
  const auto value = one(GetParam().call, GetParam().body);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().kind, GetParam().kind) << value.error().text;
  EXPECT_THAT(value.error().text, HasSubstr(GetParam().text));
}

const Call kId{Want::quantity, "eth_chainId", "[]"};
const std::string kDeep(2000, '[');

INSTANTIATE_TEST_SUITE_P(
    Table, RpcBadReply,
    ::testing::Values(
        BadReply{"empty", kId, "", FaultKind::not_json, "not JSON"},
        BadReply{"html", kId, "<html>502</html>", FaultKind::not_json, "<html>502"},
        BadReply{"cut", kId, R"({"jsonrpc":"2.0","id":7,"resu)", FaultKind::not_json, "not JSON"},
        BadReply{"two_documents", kId, answer("\"0x1\"") + answer("\"0x1\""), FaultKind::not_json, "not JSON"},
        BadReply{"too_deep", kId, kDeep, FaultKind::not_json, "not JSON"},
        BadReply{"list", kId, "[]", FaultKind::bad_reply, "not an object"},
        BadReply{"number", kId, "5", FaultKind::bad_reply, "not an object"},
        BadReply{"wrong_id", kId, answer("\"0x1\"", "8"), FaultKind::wrong_id, "not asked"},
        BadReply{"no_id", kId, R"({"result":"0x1"})", FaultKind::wrong_id, "not asked"},
        BadReply{"text_id", kId, answer("\"0x1\"", "\"7\""), FaultKind::wrong_id, "not asked"},
        BadReply{"negative_id", kId, answer("\"0x1\"", "-7"), FaultKind::wrong_id, "not asked"},
        BadReply{"no_result", kId, R"({"id":7})", FaultKind::bad_reply, "neither result nor error"},
        BadReply{"error_is_text", kId, R"({"id":7,"error":"x"})", FaultKind::bad_reply, "not an object"},
        BadReply{"error", kId, R"({"id":7,"error":{"code":-32601,"message":"no such method"}})", FaultKind::rpc_error,
                 "no such method"},
        BadReply{"anonymous_error", kId, R"({"id":null,"error":{"code":-32700,"message":"parse"}})",
                 FaultKind::rpc_error, "-32700"},
        BadReply{"quantity_as_number", kId, answer("1"), FaultKind::bad_reply, "did not give a number"},
        BadReply{"quantity_empty", kId, answer("\"0x\""), FaultKind::bad_reply, "did not give a number"},
        BadReply{"quantity_huge", kId, answer("\"0x1ffffffffffffffff\""), FaultKind::bad_reply,
                 "did not give a number"},
        BadReply{"quantity_not_hex", kId, answer("\"0xzz\""), FaultKind::bad_reply, "did not give a number"},
        BadReply{"header_is_text", kHeader, answer("\"x\""), FaultKind::bad_reply, "neither an object nor null"},
        BadReply{"header_without_number", kHeader, answer(header_json(R"("x":1)")), FaultKind::bad_reply,
                 "without a valid number"},
        BadReply{"header_negative", kHeader, answer(header_json(R"("number":-5)")), FaultKind::bad_reply,
                 "without a valid number"},
        BadReply{"header_without_hash", kHeader, answer(R"({"number":"0x1"})"), FaultKind::bad_reply,
                 "without a valid hash"},
        BadReply{"logs_null", kLogs, answer("null"), FaultKind::bad_reply, "did not give a list"},
        BadReply{"log_is_number", kLogs, answer("[1]"), FaultKind::bad_reply, "not an object"},
        BadReply{"log_short_address", kLogs, answer("[" + log_json(std::string(40, '1'), "11") + "]"),
                 FaultKind::bad_reply, "address"},
        BadReply{"log_removed", kLogs, answer("[" + log_json("false", "true") + "]"), FaultKind::bad_reply, "removed"},
        BadReply{"log_odd_data", kLogs, answer("[" + log_json("0x0102", "0x012") + "]"), FaultKind::bad_reply, "data"},
        BadReply{"log_pending", kLogs, answer("[" + log_json("\"0x10\"", "null") + "]"), FaultKind::bad_reply,
                 "blockNumber"},
        BadReply{"log_huge_index", kLogs, answer("[" + log_json("\"0x3\"", "\"0x1ffffffff\"") + "]"),
                 FaultKind::bad_reply, "logIndex"},
        BadReply{"log_topics_text", kLogs, answer("[" + log_json("[\"0x" + kHash + "\"]", "\"x\"") + "]"),
                 FaultKind::bad_reply, "topics"},
        BadReply{"log_five_topics", kLogs,
                 answer("[" + log_json("[\"0x" + kHash + "\"]", "[\"0x0\",\"0x0\",\"0x0\",\"0x0\",\"0x0\"]") + "]"),
                 FaultKind::bad_reply, "topics"},
        BadReply{"log_short_topic", kLogs, answer("[" + log_json("[\"0x" + kHash + "\"]", "[\"0x00\"]") + "]"),
                 FaultKind::bad_reply, "topic"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Rpc, ABatchIsMatchedByIdNotByPlace) {
  const std::vector<Call> calls{kId, kId};
  const auto values = parse_replies("[" + answer("\"0x2\"", "8") + "," + answer("\"0x1\"", "7") + "]", calls, 7);
  ASSERT_TRUE(values);
  EXPECT_EQ(std::get<std::uint64_t>(*(*values)[0]), 1u);
  EXPECT_EQ(std::get<std::uint64_t>(*(*values)[1]), 2u);
}

TEST(Rpc, ABatchWithAnAnswerTwiceOrMissingIsRefused) {
  const std::vector<Call> calls{kId, kId};
  const auto twice = parse_replies("[" + answer("\"0x2\"") + "," + answer("\"0x1\"") + "]", calls, 7);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().kind, FaultKind::wrong_id);
  const auto missing = parse_replies("[" + answer("\"0x2\"") + "]", calls, 7);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, FaultKind::bad_reply);
}

TEST(Rpc, ABatchAnsweredByOneErrorGivesThatError) {
  const std::vector<Call> calls{kId, kId};
  const auto values =
      parse_replies(R"({"id":null,"error":{"code":-32600,"message":"batches are not supported"}})", calls, 7);
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().kind, FaultKind::rpc_error);
}

TEST(Rpc, OneFailedCallLeavesTheOthersOfABatchAlone) {
  const std::vector<Call> calls{kId, kHeader};
  const auto values = parse_replies(
      "[" + answer("\"0x1\"") + R"(,{"id":8,"error":{"code":-39001,"message":"Unknown block"}}])", calls, 7);
  ASSERT_TRUE(values);
  EXPECT_TRUE((*values)[0]);
  EXPECT_FALSE((*values)[1]);
}

TEST(Rpc, EncodesAnObjectForOneCallAndAListForMore) {
  const std::vector<Call> calls{chain_id(), header_by_number(255)};
  EXPECT_EQ(encode({calls.data(), 1}, 3), R"({"jsonrpc":"2.0","id":3,"method":"eth_chainId","params":[]})");
  EXPECT_THAT(encode(calls, 3), HasSubstr(R"("id":4,"method":"eth_getBlockByNumber","params":["0xff",false])"));
}

TEST(Rpc, AnEmptyFilterAsksForAllLogs) {
  EXPECT_EQ(logs_of_range({}, 1, 2).params, R"([{"fromBlock":"0x1","toBlock":"0x2"}])");
}

struct Dialect {
  const char* provider;
  std::int64_t code;
  const char* message;
  FaultKind kind;
  std::optional<std::uint64_t> hint;
};

class RpcDialect : public ::testing::TestWithParam<Dialect> {};

TEST_P(RpcDialect, IsUnderstood) {
  const Fault found = classify_error(GetParam().code, GetParam().message, Want::logs);
  EXPECT_EQ(found.kind, GetParam().kind);
  EXPECT_EQ(found.blocks_hint, GetParam().hint);
}

constexpr auto kWide = FaultKind::range_too_wide;
INSTANTIATE_TEST_SUITE_P(
    Table, RpcDialect,
    ::testing::Values(
        Dialect{"Geth", -32005, "query returned more than 10000 results", kWide, {}},
        Dialect{"Infura", -32005, "query returned more than 10000 results. Try with this block range [0x10, 0x1F].",
                kWide, 16},
        Dialect{"Alchemy", -32602,
                "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no "
                "limit on the response "
                "size, or you can request any block range with a cap of 10K logs in the response. Based on your "
                "parameters and the "
                "response size limit, this block range should work: [0x0, 0x3ff]",
                kWide, 1024},
        Dialect{"QuickNode", -32614, "eth_getLogs is limited to a 10,000 range", kWide, 10000},
        Dialect{"Ankr", -32600, "block range is too wide", kWide, {}},
        Dialect{"Cloudflare", -32047,
                "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800", kWide, 800},
        Dialect{"Avalanche", -32000, "requested too many blocks from 0 to 16777216, maximum is set to 2048", kWide,
                2048},
        Dialect{"Reth", -32602, "query exceeds max block range 100000", kWide, 100000},
        Dialect{"Arbitrum", -32000, "logs matched by query exceeds limit of 10000", kWide, {}},
        Dialect{"Merkle", -32602, "eth_getLogs range is too large, max is 10k blocks", kWide, 10000},
        Dialect{"Chainstack", -32000, "Block range limit exceeded. See more details at https://docs", kWide, {}},
        Dialect{"Moonriver", -32603, "block range is too wide (maximum 1024)", kWide, 1024},
        Dialect{"InfuraRange", -32602, "range 1000000 exceeds limit of 10000", kWide, 10000},
        Dialect{"Boba", -32602, "range 9009594 is bigger than range limit 2000", kWide, 2000},
        Dialect{"Scroll", -32000, "block range is bigger than maxBlockRange", kWide, {}},
        Dialect{"Morph", -32000,
                "block range is larger than max block range, block range = 5120, max block range = 5000", kWide, 5000},
        Dialect{"Base", -32602, "query exceeds max results 20000, retry with the range 25766988-25775072", kWide, {}},
        Dialect{"Overflowing", -32005, "Max range: 99999999999999999999999999", kWide, 999999999999999},
        Dialect{"BackwardsHint", -32005, "query returned more than 1 results [0x5, 0x1]", kWide, {}},
        Dialect{"RateLimit", -32005, "daily request count exceeded, request rate limited", FaultKind::rate_limited, {}},
        Dialect{"Http429", 429, "slow down", FaultKind::rate_limited, {}},
        Dialect{"HeaderNotFound", -32000, "header not found", FaultKind::rpc_error, {}},
        Dialect{"Internal", -32603, "internal error", FaultKind::rpc_error, {}}),
    [](const auto& test) { return std::string(test.param.provider); });

TEST(Rpc, TooManyResultsMeansNothingForOtherCalls) {
  EXPECT_EQ(classify_error(-32005, "query returned more than 10000 results", Want::header).kind, FaultKind::rpc_error);
}

TEST(Rpc, UntrustedTextIsShownPrintableAndShort) {
  EXPECT_EQ(shown("a\nb\x1b"), "a?b?");
  EXPECT_EQ(shown(std::string(500, 'x')).size(), 203u);
}

TEST(Rpc, ReadsWebSocketAnswersAndHeads) {
  const auto head = parse_ws_message(
      R"({"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":{"number":"0x2a"}}})");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->head, 42u);
  const auto reply = parse_ws_message(R"({"id":1,"result":"0x7a69"})");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->id, 1u);
  EXPECT_EQ(reply->result, "0x7a69");
  for (const char* bad :
       {"", "[]", "{}", R"({"params":{}})", R"({"params":{"result":{"number":5}}})", R"({"params":{"result":7}})"}) {
    EXPECT_FALSE(parse_ws_message(bad)) << bad;
  }
}

TEST(Rpc, AnAnswersFieldsMayComeInAnyOrder) {
  const std::vector<Call> calls{kId, kLogs};
  const auto values = parse_replies(
      R"([{"result":[)" + log_json() + R"(],"id":8,"jsonrpc":"2.0"},{"error":null,"result":"0x5","id":7}])", calls, 7);
  ASSERT_TRUE(values) << values.error().text;
  EXPECT_EQ(std::get<std::uint64_t>(*(*values)[0]), 5u);
  EXPECT_EQ(std::get<std::vector<Log>>(*(*values)[1]).size(), 1u);
}

TEST(Rpc, AReplyBrokenInsideAnAnswerIsRefusedWhole) {
  const std::vector<Call> calls{kId, kLogs};
  const std::string good = answer("\"0x1\"");
  for (const std::string& bad :
       {answer("[" + log_json() + " " + log_json() + "]", "8"), answer("[" + log_json() + ",]", "8"),
        answer("[" + log_json(":\"0x10\"", " \"0x10\"") + "]", "8")}) {
    const auto values = parse_replies("[" + good + "," + bad + "]", calls, 7);
    const bool refused = !values || !(*values)[1];
    EXPECT_TRUE(refused) << bad;
  }
}

TEST(Hex, EveryLengthAndEveryDigitIsDecodedOrRefused) {
  const std::string digits = "0123456789abcdefABCDEF";
  for (std::size_t length = 0; length <= 70; ++length) {
    std::string text = "0x";
    for (std::size_t i = 0; i < length; ++i) text += digits[(i * 7 + length) % digits.size()];
    std::vector<std::uint8_t> bytes;
    ASSERT_EQ(parse_bytes(text, bytes), length % 2 == 0) << text;
    if (length % 2 != 0) continue;
    for (std::size_t i = 0; i < length; i += 2) {
      ASSERT_EQ(bytes[i / 2], std::stoi(text.substr(2 + i, 2), nullptr, 16)) << text;
    }
    for (std::size_t i = 2; i < text.size(); ++i) {
      for (const int c :
           std::initializer_list<int>{0, 1, 0x10, 0x19, '/', ':', '@', 'G', '`', 'g', 0x7f, 0x80, 0xb0, 0xff}) {
        std::string wrong = text;
        wrong[i] = static_cast<char>(c);
        ASSERT_FALSE(parse_bytes(wrong, bytes)) << wrong;
      }
    }
  }
}

TEST(Hex, QuantitiesAreBounded) {
  EXPECT_EQ(parse_quantity("0xffffffffffffffff"), UINT64_MAX);
  for (const char* bad : {"", "0x", "1", "0x10000000000000000", "0x-1", "0x 1", "0x1g"})
    EXPECT_FALSE(parse_quantity(bad)) << bad;
}

TEST(Hex, KeccakIsTheOneEthereumUses) {
  EXPECT_EQ(hex0x_of(keccak256("Transfer(address,address,uint256)")),
            "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

}  // namespace
}  // namespace homeostat::sources::rpc
