#include "core/archive.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/decimal.hpp"
#include "core/random.hpp"
#include "core/ring.hpp"
#include "core/state_hash.hpp"

namespace homeostat {
namespace {

enum class Colour : std::uint8_t { red, green, blue };
constexpr Colour last_of(Colour) {
  return Colour::blue;
}

struct Inner {
  std::int32_t a = 0;
  std::string b;
  bool operator==(const Inner&) const = default;
  template <class Archive, class Self>
  static void fields(Archive& ar, Self& x) {
    ar(x.a), ar(x.b);
  }
};

struct Everything {
  bool flag = false;
  Colour colour = Colour::red;
  std::uint64_t u = 0;
  std::int64_t i = 0;
  std::int8_t small = 0;
  __int128 wide = 0;
  double x = 0;
  Duration d;
  Instant t;
  std::array<std::uint8_t, 4> bytes{};
  std::array<std::int16_t, 2> pair{};
  std::vector<Inner> list;
  std::deque<std::uint32_t> queue;
  std::map<std::string, double> map;
  std::set<std::int64_t> set;
  std::optional<Inner> maybe;
  std::variant<std::monostate, Inner, double> either;
  Decimal decimal;
  bool operator==(const Everything&) const = default;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.flag), a(s.colour), a(s.u), a(s.i), a(s.small), a(s.wide), a(s.x), a(s.d), a(s.t), a(s.bytes), a(s.pair),
        a(s.list), a(s.queue), a(s.map), a(s.set), a(s.maybe), a(s.either), a(s.decimal);
  }
};

Everything sample() {
  Everything e;
  e.flag = true;
  e.colour = Colour::blue;
  e.u = std::numeric_limits<std::uint64_t>::max();
  e.i = std::numeric_limits<std::int64_t>::min();
  e.small = -128;
  e.wide = -Decimal::kUnitsMax;
  e.x = -0.1;
  e.d = Duration::minutes(-3);
  e.t = Instant{123456789};
  e.bytes = {1, 2, 3, 255};
  e.pair = {-1, 300};
  e.list = {{1, "one"}, {-2, ""}};
  e.queue = {0, 127, 128, 4294967295u};
  e.map = {{"b", 2}, {"a", 1}};
  e.set = {-5, 5};
  e.maybe = Inner{7, "seven"};
  e.either = Inner{8, "eight"};
  e.decimal = Decimal(-12345, 3);
  return e;
}

TEST(Archive, ReadsBackEverythingItWrote) {
  const Everything e = sample();
  const std::string bytes = archive_bytes(e);
  Reader reader(bytes);
  Everything back;
  reader(back);
  EXPECT_TRUE(reader.is_done());
  EXPECT_EQ(back, e);
}

TEST(Archive, EveryTruncationIsNoticed) {
  const std::string bytes = archive_bytes(sample());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    Reader reader(std::string_view(bytes).substr(0, n));
    Everything back;
    reader(back);
    EXPECT_FALSE(reader.is_done()) << n;
  }
}

TEST(Archive, CorruptBytesNeitherCrashNorAllocateMuch) {
  const std::string bytes = archive_bytes(sample());
  Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = bytes;
    for (std::uint64_t n = random.below(4) + 1; n > 0; --n) {
      bad[random.below(bad.size())] = static_cast<char>(random.next_u64());
    }
    Reader reader(bad);
    Everything back;
    reader(back);
    ASSERT_LE(back.list.size() + back.queue.size() + back.map.size(), bad.size());
    ASSERT_LE(back.colour, Colour::blue);
    ASSERT_LE(back.decimal.decimals(), Decimal::kDecimalsMax);
  }
}

TEST(Archive, ALyingLengthIsRefusedBeforeAnythingIsAllocated) {
  Writer w;
  w.varint(std::uint64_t{1} << 60);
  for (const auto read : {+[](Reader& r) {
                            std::string s;
                            r(s);
                          },
                          +[](Reader& r) {
                            std::vector<double> v;
                            r(v);
                          },
                          +[](Reader& r) {
                            std::map<int, int> m;
                            r(m);
                          }}) {
    Reader reader(w.bytes());
    read(reader);
    EXPECT_FALSE(reader.ok());
  }
}

TEST(Archive, RefusesAnEnumerationBeyondItsLast) {
  Reader reader(std::string_view("\x03", 1));
  Colour c = Colour::green;
  reader(c);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(c, Colour::red);
}

TEST(Archive, RefusesAVarintThatDoesNotFit) {
  Reader wide(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
  std::uint64_t u = 0;
  wide(u);
  EXPECT_FALSE(wide.ok());
  Reader narrow(std::string_view("\x80\x02", 2));
  std::uint8_t small = 0;
  narrow(small);
  EXPECT_FALSE(narrow.ok());
}

TEST(Archive, TheBytesAreTheStatedFormat) {
  Writer w;
  w(std::uint32_t{300});
  w(std::int32_t{-2});
  w(true);
  w(std::string("ab"));
  w(1.0);
  EXPECT_EQ(w.bytes(), std::string("\xac\x02\x03\x01\x02"
                                   "ab\x00\x00\x00\x00\x00\x00\xf0\x3f",
                                   15));
}

TEST(Ring, KeepsTheNewestAndArchivesByContent) {
  Ring<int> a(3);
  Ring<int> b(3);
  for (int i = 0; i < 5; ++i) a.push(i);
  for (int i = 2; i < 5; ++i) b.push(i);
  EXPECT_EQ(a.front(), 2);
  EXPECT_EQ(a.back(), 4);
  EXPECT_EQ(a, b);
  EXPECT_EQ(archive_bytes(a), archive_bytes(b));
  a.pop_back();
  EXPECT_EQ(a.back(), 3);
  a.push(9);
  a.push(10);
  EXPECT_EQ(a.front(), 3);

  const std::string bytes = archive_bytes(a);
  Ring<int> back(3);
  Reader reader(bytes);
  reader(back);
  EXPECT_TRUE(reader.is_done());
  EXPECT_EQ(back, a);
  Ring<int> small(2);
  Reader again(bytes);
  again(small);
  EXPECT_FALSE(again.ok());
  EXPECT_TRUE(small.empty());
}

TEST(StateHash, DependsOnOrderAndOnWhatCameBefore) {
  const StateHash a = state_hash("a");
  EXPECT_EQ(state_hash("").hex(), "99aa06d3014798d86001c324468d497f");  // XXH3's published value for no bytes
  EXPECT_EQ(a.hex().size(), 32u);
  EXPECT_NE(chain(chain({}, "a"), "b"), chain(chain({}, "b"), "a"));
  EXPECT_NE(chain({}, "a"), a);
  EXPECT_EQ(chain({1, 2}, "abc"), chain({1, 2}, "abc"));
}

TEST(Random, GoesOnFromItsArchivedState) {
  Random a(5);
  for (int i = 0; i < 100; ++i) (void)a.next_u64();
  const std::string bytes = archive_bytes(a);
  Random b;
  Reader reader(bytes);
  reader(b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.next_u64(), b.next_u64());
}

TEST(Random, IsUniformAndWithinItsRanges) {
  Random random(6);
  std::array<int, 10> histogram{};
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < 100'000; ++i) {
    ++histogram[random.below(10)];
    const double u = random.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    const double n = random.normal();
    sum += n;
    squares += n * n;
  }
  for (const int n : histogram) EXPECT_NEAR(n, 10'000, 500);
  EXPECT_NEAR(sum / 100'000, 0, 0.02);
  EXPECT_NEAR(squares / 100'000, 1, 0.03);
}

}  // namespace
}  // namespace homeostat
