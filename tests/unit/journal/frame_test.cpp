#include "daemon/journal/frame.hpp"

#include <gtest/gtest.h>

namespace homeostat::journal {
namespace {

Frame frame_of(const std::string& bytes) {
  Frame frame{.first_seq = 5, .last_seq = 6, .at = Instant{1234}, .bytes = bytes};
  frame.prev_hash.fill(7);
  frame.hash = hash_of(frame);
  return frame;
}

struct FrameTest : testing::Test {
  FrameTest() {
    add_input(bytes, "one");
    add_input(bytes, "");
    head.hash.fill(7);
  }
  std::string bytes;
  ChainHead head{.seq = 4};
};

TEST_F(FrameTest, GivesBackTheInputsInOrder) {
  std::string_view rest = bytes;
  std::string_view input = "?";
  ASSERT_TRUE(take_input(rest, input));
  EXPECT_EQ(input, "one");
  ASSERT_TRUE(take_input(rest, input));
  EXPECT_EQ(input, "");
  EXPECT_FALSE(take_input(rest, input));
}

TEST_F(FrameTest, NeverTakesAnInputThatIsCutShort) {
  std::string_view input;
  for (std::size_t size = 0; size < 7; ++size) {
    std::string_view rest = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(take_input(rest, input)) << size;
  }
}

TEST_F(FrameTest, HashIsThatOfTheDocumentedBytes) {
  // Python: hashlib.sha256(b'\x07'*32 + struct.pack('<QQQ', 5, 6, 1234) + b'\3\0\0\0one\0\0\0\0').hexdigest()
  EXPECT_EQ(hex(frame_of(bytes).hash), "1f37614eb488c9e787554144ab40e3d537cdb84999dc249cba05331067e87dd3");
}

TEST_F(FrameTest, FollowsTheHeadItWasMadeFor) {
  EXPECT_TRUE(check_frame(frame_of(bytes), head));
}

TEST_F(FrameTest, EveryChangedFieldIsFound) {
  std::string other = bytes;
  other[5] = static_cast<char>(other[5] ^ 1);
  for (int field = 0; field < 6; ++field) {
    Frame frame = frame_of(bytes);
    switch (field) {
      case 0: frame.first_seq = 4; break;
      case 1: frame.last_seq = 7; break;
      case 2: frame.at.ns += 1; break;
      case 3: frame.prev_hash[31] ^= 1; break;
      case 4: frame.hash[0] ^= 1; break;
      case 5: frame.bytes = other; break;
    }
    const Result<> checked = check_frame(frame, head);
    ASSERT_FALSE(checked) << field;
    EXPECT_EQ(checked.error().code, ErrorCode::corrupt);
    EXPECT_NE(checked.error().where.find("inputs "), std::string::npos);
  }
}

TEST_F(FrameTest, AWrongCountOfInputsIsFoundEvenUnderARightHash) {
  Frame frame = frame_of(bytes);
  frame.last_seq = 9;
  frame.hash = hash_of(frame);
  EXPECT_FALSE(check_frame(frame, head));
}

}  // namespace
}  // namespace homeostat::journal
