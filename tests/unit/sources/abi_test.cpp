#include "daemon/sources/abi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/sources/hex.hpp"

namespace homeostat::sources::abi {
namespace {

using ::testing::HasSubstr;

Layout layout_of(const char* declaration) {
  const auto signature = oracle::parse_event_signature(declaration);
  EXPECT_TRUE(signature) << declaration;
  const auto layout = make_layout(*signature);
  EXPECT_TRUE(layout) << declaration;
  return *layout;
}

/// Words given by their last byte, or in full as 64 digits.
std::vector<std::uint8_t> words(std::initializer_list<const char*> texts) {
  std::vector<std::uint8_t> out;
  for (std::string text : texts) {
    text.insert(0, 64 - text.size(), '0');
    std::vector<std::uint8_t> bytes;
    EXPECT_TRUE(parse_bytes("0x" + text, bytes));
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

oracle::Word word(const char* text) {
  oracle::Word out{};
  std::ranges::copy(words({text}), out.begin());
  return out;
}

rpc::Log log_with(const Layout& layout, std::vector<oracle::Word> indexed, std::vector<std::uint8_t> data) {
  rpc::Log log;
  log.topics[log.topic_count++] = layout.topic;
  for (const auto& topic : indexed) log.topics[log.topic_count++] = topic;
  log.data.assign(data.begin(), data.end());
  return log;
}

TEST(Abi, GivesIndexedAndPlainArgumentsInDeclarationOrder) {
  const Layout layout =
      layout_of("event Tip(uint256 amount, address indexed viewer, bool big, address indexed creator)");
  const auto words_out = decode(layout, log_with(layout, {word("aa"), word("bb")}, words({"07", "01"})));
  ASSERT_TRUE(words_out) << words_out.error();
  EXPECT_EQ(*words_out, (std::vector<oracle::Word>{word("07"), word("aa"), word("01"), word("bb")}));
}

TEST(Abi, HashesAStringTheSameWhetherIndexedOrNot) {
  const Layout plain = layout_of("event E(uint256 a, string s, uint256 b)");
  const auto out = decode(
      plain,
      log_with(plain, {},
               words({"01", "60", "02", "03", "6162630000000000000000000000000000000000000000000000000000000000"})));
  ASSERT_TRUE(out) << out.error();
  EXPECT_EQ((*out)[1], keccak256("abc"));
  EXPECT_EQ((*out)[2], word("02"));
}

TEST(Abi, HashesAnArrayWithoutItsLength) {
  const Layout layout = layout_of("event E(uint16[] a)");
  const auto out = decode(layout, log_with(layout, {}, words({"20", "02", "05", "06"})));
  ASSERT_TRUE(out) << out.error();
  EXPECT_EQ((*out)[0], keccak256(words({"05", "06"})));
}

TEST(Abi, AFixedArrayTakesItsWordsInTheHead) {
  const Layout layout = layout_of("event E(uint8[2] a, uint256 b)");
  const auto out = decode(layout, log_with(layout, {}, words({"05", "06", "09"})));
  ASSERT_TRUE(out) << out.error();
  EXPECT_EQ((*out)[0], keccak256(words({"05", "06"})));
  EXPECT_EQ((*out)[1], word("09"));
}

TEST(Abi, ReadsNestedDynamicArrays) {
  const Layout layout = layout_of("event E(string[] a)");
  const char* ab = "6162000000000000000000000000000000000000000000000000000000000000";
  const auto out = decode(layout, log_with(layout, {}, words({"20", "01", "20", "02", ab})));
  ASSERT_TRUE(out) << out.error();
  EXPECT_EQ((*out)[0], keccak256(words({ab})));
}

struct BadLog {
  const char* name;
  const char* declaration;
  std::vector<oracle::Word> indexed;
  std::vector<std::uint8_t> data;
  const char* reason;
};

class AbiBadLog : public ::testing::TestWithParam<BadLog> {};

TEST_P(AbiBadLog, IsRefusedWithItsReason) {
  const Layout layout = layout_of(GetParam().declaration);
  const auto out = decode(layout, log_with(layout, GetParam().indexed, GetParam().data));
  ASSERT_FALSE(out);
  EXPECT_THAT(out.error(), HasSubstr(GetParam().reason));
}

const char* const kOnes = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

INSTANTIATE_TEST_SUITE_P(
    Table, AbiBadLog,
    ::testing::Values(
        BadLog{"no_data", "event E(uint256 a)", {}, {}, "too short"},
        BadLog{"half_a_word", "event E(uint256 a)", {}, std::vector<std::uint8_t>(16), "too short"},
        BadLog{"missing_topic", "event E(uint256 indexed a)", {}, words({"01"}), "0 indexed arguments"},
        BadLog{"extra_topic", "event E(uint256 a)", {word("01")}, words({"01"}), "1 indexed arguments"},
        BadLog{"dirty_address", "event E(address a)", {}, words({kOnes}), "out of its type's range"},
        BadLog{"dirty_indexed_address", "event E(address indexed a)", {word(kOnes)}, {}, "out of its type's range"},
        BadLog{"bool_two", "event E(bool a)", {}, words({"02"}), "out of its type's range"},
        BadLog{"uint8_300", "event E(uint8 a)", {}, words({"012c"}), "out of its type's range"},
        BadLog{"int8_200", "event E(int8 a)", {}, words({"c8"}), "out of its type's range"},
        BadLog{"bytes4_long", "event E(bytes4 a)", {}, words({"01"}), "out of its type's range"},
        BadLog{"string_offset_out", "event E(string a)", {}, words({"40", "01"}), "too short"},
        BadLog{"string_offset_huge", "event E(string a)", {}, words({kOnes, "01"}), "beyond the data"},
        BadLog{"string_length_huge", "event E(string a)", {}, words({"20", kOnes}), "beyond the data"},
        BadLog{"array_too_long", "event E(uint256[] a)", {}, words({"20", "05", "01"}), "too short"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Abi, OverlappingContentCannotBlowUp) {
  // Every element points back at the list itself: a careless decoder would visit 30^7 elements.
  const Layout layout = layout_of("event E(uint256[][][][][][][] a)");
  std::vector<std::uint8_t> data = words({"20", "1e"});
  for (int i = 0; i < 60; ++i) std::ranges::copy(words({"00"}), std::back_inserter(data));
  rpc::Log log = log_with(layout, {}, data);
  for (std::size_t i = 2; i < 62; ++i) log.data[32 * i + 31] = 0x20;
  const auto out = decode(layout, log);
  ASSERT_FALSE(out);
}

TEST(Abi, RefusesWhatIsNoType) {
  for (const char* bad : {"", "uint7", "uint264", "uint0", "bytes33", "bytes0", "foo", "uint8[", "uint8]", "[]",
                          "uint8[0]", "uint8[-1]", "uint256[99999999]", "uint8[][][][][][][][][][]"}) {
    EXPECT_FALSE(parse_type(bad)) << bad;
  }
}

}  // namespace
}  // namespace homeostat::sources::abi
