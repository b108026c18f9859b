#include "oracle/event_signature.hpp"

#include <gtest/gtest.h>

#include <array>

namespace homeostat::oracle {
namespace {

TEST(EventSignature, ReadsADeclarationAsPeopleWriteIt) {
  const auto tip =
      parse_event_signature("event Tip(address indexed viewer, address indexed creator, uint256 amount);").value();
  EXPECT_EQ(tip.name, "Tip");
  EXPECT_EQ(tip.canonical, "Tip(address,address,uint256)");
  ASSERT_EQ(tip.parameters.size(), 3u);
  EXPECT_EQ(tip.parameters[0].name, "viewer");
  EXPECT_TRUE(tip.parameters[1].indexed);
  EXPECT_FALSE(tip.parameters[1].hashed_topic);
  EXPECT_FALSE(tip.parameters[2].indexed);
  EXPECT_TRUE(tip.parameters[2].is_integer());
  EXPECT_EQ(tip.find("amount"), 2u);
  EXPECT_EQ(tip.find("1"), 1u);
  EXPECT_EQ(tip.find("3"), std::nullopt);
  EXPECT_EQ(tip.find("tip"), std::nullopt);
}

TEST(EventSignature, TakesEveryWayOfWritingIt) {
  const std::vector<std::array<std::string, 2>> table = {
      {"Ping()", "Ping()"},
      {"  event\tPing ( ) ; ", "Ping()"},
      {"A(uint)", "A(uint256)"},
      {"event A(int x,uint8 y)", "A(int256,uint8)"},
      {"event A(bytes32 indexed id, bytes data, string memo, bool ok)", "A(bytes32,bytes,string,bool)"},
      {"event A(uint[] xs, address[3] ys, int[][2] zs)", "A(uint256[],address[3],int256[][2])"},
      {"event A(address payable to)", "A(address)"},
      {"event A(\n  uint256 indexed\n)", "A(uint256)"},
      {"event event(uint8)", "event(uint8)"},
      {"event _A$1(bytes1 indexedx)", "_A$1(bytes1)"},
  };
  for (const auto& [text, canonical] : table) {
    const auto event = parse_event_signature(text);
    ASSERT_TRUE(event) << text << ": " << event.error().text();
    EXPECT_EQ(event->canonical, canonical);
  }
}

TEST(EventSignature, KnowsHowEachParameterIsLaidOut) {
  const auto e = parse_event_signature("event A(string indexed s, int24 i, address[3] f, uint8[] d, bytes4 b)").value();
  EXPECT_TRUE(e.parameters[0].hashed_topic);
  EXPECT_TRUE(e.parameters[1].is_signed());
  EXPECT_EQ(e.parameters[1].bits, 24);
  EXPECT_FALSE(e.parameters[2].dynamic);
  EXPECT_EQ(e.parameters[2].words, 3u);
  EXPECT_TRUE(e.parameters[3].dynamic);
  EXPECT_EQ(e.parameters[3].words, 1u);
  EXPECT_EQ(e.parameters[4].bits, 32);
}

TEST(EventSignature, SaysWhatWasExpectedAndWhere) {
  const std::vector<std::array<std::string, 2>> table = {
      {"", "column 1: expected the event's name, found the end"},
      {"event", "column 6: expected the event's name, found the end"},
      {"event Tip", "column 10: expected '(', found the end"},
      {"event Tip(address viewer", "column 25: expected ',' or ')', found the end"},
      {"event Tip(address a b)", "column 21: expected ',' or ')', found 'b'"},
      {"event Tip(address,)", "column 19: expected a type, found ')'"},
      {"event Tip(addres a)",
       "column 11: there is no type 'addres' (expected address, bool, string, bytes, bytes1..32, "
       "uint8..256 or int8..256 in steps of 8); did you mean 'address'?"},
      {"event Tip(uint7 a)",
       "column 11: there is no type 'uint7' (expected address, bool, string, bytes, bytes1..32, "
       "uint8..256 or int8..256 in steps of 8); did you mean 'uint'?"},
      {"event Tip((uint8,bool) a)", "column 11: tuples are not supported; emit their members as parameters"},
      {"event Tip(uint8 a) anonymous;", "column 20: an anonymous event has no topic to find it by"},
      {"event Tip(uint8 a) x", "column 20: expected the end of the declaration, found 'x'"},
      {"event Tip(uint8 a, bool a)", "column 20: a second parameter named 'a'"},
      {"event Tip(uint8[0] a)", "column 17: a fixed array has 1 to 4096 elements"},
      {"event Tip(uint8[x] a)", "column 17: expected a length or ']', found 'x'"},
      {"event Tip(uint indexed a,uint indexed b,uint indexed c,uint indexed d)",
       "column 56: an event has at most 3 indexed parameters"},
      {"event T\xc3\xafp()", "column 8: expected '(', found a character outside ASCII"},
  };
  for (const auto& [text, message] : table) {
    const auto event = parse_event_signature(text);
    ASSERT_FALSE(event) << text;
    EXPECT_EQ(event.error().text(), message);
  }
}

TEST(EventSignature, RefusesWhatWouldCostTooMuch) {
  EXPECT_EQ(parse_event_signature(std::string(5000, 'a')).error().code, ErrorCode::out_of_range);
  std::string many = "E(bool";
  for (int i = 0; i < 40; ++i) many += ",bool";
  EXPECT_EQ(parse_event_signature(many + ")").error().code, ErrorCode::out_of_range);
  EXPECT_EQ(parse_event_signature("E(bool[4000][4000])").error().code, ErrorCode::out_of_range);
  EXPECT_EQ(parse_event_signature("E(bool[99999999999999999999])").error().code, ErrorCode::out_of_range);
}

}  // namespace
}  // namespace homeostat::oracle
