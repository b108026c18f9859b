#include "core/shared_vector.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/archive.hpp"
#include "core/boxed.hpp"
#include "core/shared_text.hpp"

namespace homeostat {
namespace {

TEST(SharedVector, CopiesShareTheirElementsUntilOneOfThemGrows) {
  SharedVector<std::string> a{"one", "two"};
  SharedVector<std::string> b = a;
  EXPECT_EQ(a.begin(), b.begin());
  b.push_back("three");
  EXPECT_EQ(a, (SharedVector<std::string>{"one", "two"}));
  EXPECT_EQ(b, (SharedVector<std::string>{"one", "two", "three"}));
  a = b;
  b.clear();
  EXPECT_EQ(a.back(), "three");
  EXPECT_TRUE(b.empty());
}

TEST(SharedVector, ACopyThatHasRoomDoesNotGrowIntoTheOthersElements) {
  SharedVector<int> a;
  a.reserve(8);
  a.push_back(1);
  SharedVector<int> b = a;
  b.push_back(2);
  a.push_back(3);
  EXPECT_EQ(a, (SharedVector<int>{1, 3}));
  EXPECT_EQ(b, (SharedVector<int>{1, 2}));
}

TEST(SharedVector, IsArchivedAsAVector) {
  const SharedVector<std::string> shared{"", "a", std::string(300, 'x')};
  const std::string bytes = archive_bytes(shared);
  EXPECT_EQ(bytes, archive_bytes(std::vector<std::string>(shared.begin(), shared.end())));
  SharedVector<std::string> read{"something else"};
  Reader reader(bytes);
  reader(read);
  EXPECT_TRUE(reader.is_done());
  EXPECT_EQ(read, shared);
  Reader cut(std::string_view(bytes).substr(0, bytes.size() - 1));
  cut(read);
  EXPECT_FALSE(cut.ok());
}

TEST(Pile, WhatIsMadeInItOutlivesItAndLiesSideBySide) {
  std::vector<SharedText> texts;
  SharedVector<SharedText> vector;
  {
    Pile pile;
    vector.reserve(3, &pile);
    for (int i = 0; i < 2000; ++i) texts.emplace_back("text " + std::to_string(i), &pile);
    for (int i = 0; i < 3; ++i) vector.push_back(texts[static_cast<std::size_t>(i)]);
    EXPECT_LT(texts[1].view().data() - texts[0].view().data(), 64);
  }
  for (int i = 0; i < 2000; i += 2) texts[static_cast<std::size_t>(i)] = SharedText();
  for (int i = 1; i < 2000; i += 2) EXPECT_EQ(texts[static_cast<std::size_t>(i)], "text " + std::to_string(i));
  texts.clear();
  EXPECT_EQ(vector, (SharedVector<SharedText>{"text 0", "text 1", "text 2"}));
}

TEST(Pile, ACopyIsANewOneAndALargeThingHasRoomOfItsOwn) {
  Pile pile;
  const SharedText small("small", &pile);
  Pile copy = pile;
  const SharedText other("other", &copy);
  EXPECT_GT(std::abs(other.view().data() - small.view().data()), 64);
  const SharedText large(std::string(10'000, 'x'), &pile);
  EXPECT_EQ(large.view().size(), 10'000u);
  Pile moved = std::move(pile);
  EXPECT_EQ(SharedText("again", &moved), "again");
}

TEST(Boxed, IsArchivedAsAnOptionalAndCopiesItsValue) {
  Boxed<std::string> none;
  EXPECT_EQ(archive_bytes(none), archive_bytes(std::optional<std::string>()));
  Boxed<std::string> some;
  some = std::string("value");
  const std::string bytes = archive_bytes(some);
  EXPECT_EQ(bytes, archive_bytes(std::optional<std::string>("value")));
  Boxed<std::string> copy = some;
  some.reset();
  EXPECT_FALSE(some.has_value());
  EXPECT_EQ(archive_bytes(some), archive_bytes(none));
  EXPECT_EQ(*copy, "value");
  Reader reader(bytes);
  reader(some);
  EXPECT_TRUE(reader.is_done());
  EXPECT_EQ(*some, "value");
  copy = none;
  EXPECT_FALSE(copy);
}

}  // namespace
}  // namespace homeostat
