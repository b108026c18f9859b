#include "core/shared_text.hpp"

#include <gtest/gtest.h>

#include "core/archive.hpp"
#include "core/buffer.hpp"

namespace homeostat {
namespace {

TEST(SharedText, CopiesShareTheirCharacters) {
  const SharedText text("borrow_rate");
  const SharedText copy = text;
  EXPECT_EQ(copy.view().data(), text.view().data());
  EXPECT_EQ(copy, "borrow_rate");
}

TEST(SharedText, EqualTextsAreEqualHoweverTheyWereMade) {
  EXPECT_EQ(SharedText(std::string("fee")), SharedText("fee"));
  EXPECT_FALSE(SharedText("fee") == SharedText("fees"));
  EXPECT_EQ(SharedText(""), SharedText());
}

TEST(SharedText, IsArchivedAsAString) {
  for (const std::string& text : {std::string(), std::string("fee"), std::string("a\0b", 3), std::string(300, 'x')}) {
    const std::string bytes = archive_bytes(SharedText(text));
    EXPECT_EQ(bytes, archive_bytes(text));
    SharedText read("something else");
    Reader reader(bytes);
    reader(read);
    EXPECT_TRUE(reader.is_done());
    EXPECT_EQ(read, SharedText(text));
  }
}

TEST(Buffer, KeepsWhatWasWrittenWhenItGrowsAndBeginsAnewEmpty) {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    buffer.push(static_cast<char>('a' + i % 26));
    buffer.append("0123456789", static_cast<std::size_t>(i % 11));
    expected += static_cast<char>('a' + i % 26);
    expected.append("0123456789", static_cast<std::size_t>(i % 11));
  }
  EXPECT_EQ(buffer.view(), expected);
  buffer.clear();
  EXPECT_EQ(buffer.view(), "");
  buffer.append("again");
  EXPECT_EQ(buffer.take(), "again");
  EXPECT_EQ(buffer.view(), "");
  buffer.append("after");
  EXPECT_EQ(buffer.take(), "after");
}

}  // namespace
}  // namespace homeostat
