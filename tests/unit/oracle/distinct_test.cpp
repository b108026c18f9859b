// The sketch against its stated error, and its estimator against the series it is made of.
#include <gtest/gtest.h>

#include <cmath>

#include "core/random.hpp"
#include "oracle/distinct.hpp"
#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using testing::at;

constexpr double kSize = SlidingSketch::kRegisters;
constexpr std::size_t kLast = SlidingSketch::kRankMax;

Word random_word(Random& random) {
  Word word;
  for (std::uint8_t& byte : word) byte = static_cast<std::uint8_t>(random.next_u64());
  return word;
}

/// Ertl's sigma and tau as sums, term by term and in more digits than the code under test has.
double sigma_sum(long double x) {
  long double sum = x;
  for (int k = 1; k <= 60; ++k) sum += std::pow(x, std::pow(2.0L, k)) * std::pow(2.0L, k - 1);
  return static_cast<double>(sum);
}
double tau_sum(long double x) {
  long double sum = 1 - x;
  for (int k = 1; k <= 100; ++k) sum -= std::pow(1 - std::pow(x, std::pow(2.0L, -k)), 2.0L) * std::pow(2.0L, -k);
  return static_cast<double>(sum / 3);
}

TEST(SketchEstimate, IsErtlsFormulaForEveryShareOfEmptyAndOfFullRegisters) {
  for (const int none : {0, 1, 5, 1600, 8192, 14000, 16380, 16383}) {
    for (const int full : {0, 1, 5, 1600, 8192, 14000, 16380, 16383}) {
      const int rest = SlidingSketch::kRegisters - none - full;
      if (rest < 0 || none + rest == 0) continue;
      SlidingSketch::Histogram h{};
      h[0] = none, h[kLast] = full, h[3] = rest / 2, h[kLast - 1] = rest - rest / 2;
      const double saturated = std::ldexp(1.0, 1 - static_cast<int>(kLast));
      const double z = kSize * sigma_sum(none / static_cast<long double>(kSize)) + h[3] / 8.0 +
                       (h[kLast - 1] + kSize * tau_sum(1 - full / static_cast<long double>(kSize))) * saturated;
      const double expected = kSize * kSize / (2 * std::log(2.0)) / z;
      EXPECT_NEAR(SlidingSketch::estimate_of(h) / expected, 1, 1e-12) << none << " empty, " << full << " full";
    }
  }
}

TEST(SketchEstimate, IsZeroOfNothingAndOneOfOneKey) {
  SlidingSketch::Histogram h{};
  h[0] = SlidingSketch::kRegisters;
  EXPECT_EQ(SlidingSketch::estimate_of(h), 0);
  --h[0], ++h[1];
  EXPECT_NEAR(SlidingSketch::estimate_of(h), 1, 0.01);
}

TEST(SketchEstimate, ReadsTheExpectedRegistersOfAnyCountUpTo1e18) {
  for (double n = 1e3; n < 2e18; n *= 10) {
    // With n keys a register is at most k with probability exp(-n / 16384 / 2^k): the histogram in the mean, its
    // fractions carried over.
    SlidingSketch::Histogram h{};
    double before = 0;
    int used = 0;
    for (std::size_t k = 0; k <= kLast; ++k) {
      const double share = k == kLast ? 1 : std::exp(-n / kSize * std::pow(2.0, -static_cast<double>(k)));
      const int upto = static_cast<int>(std::lround(share * kSize));
      h[k] = upto - used;
      used = upto;
      before = share;
    }
    ASSERT_EQ(before, 1);
    EXPECT_NEAR(SlidingSketch::estimate_of(h) / n, 1, 0.003) << n;
  }
}

TEST(DistinctWindow, HoldsItsStatedErrorOverManySeedsWithoutBias) {
  constexpr int kSeeds = 64;
  for (const int keys : {11'000, 30'000}) {
    double sum = 0;
    double squares = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
      Random random(static_cast<std::uint64_t>(seed * 7919 + keys));
      DistinctWindow window(TimeGrid(Duration::days(30), 720), 1000);
      for (int i = 0; i < keys; ++i) window.add(at(i), random_word(random));
      const DistinctWindow::Count count = window.count(at(keys));
      ASSERT_EQ(count.error_ratio, kSketchErrorRatio);
      const double error = count.keys / keys - 1;
      sum += error;
      squares += error * error;
    }
    EXPECT_LT(std::sqrt(squares / kSeeds), 1.15 * kSketchErrorRatio) << keys;
    EXPECT_GT(std::sqrt(squares / kSeeds), 0.7 * kSketchErrorRatio) << keys << ": a smaller one could be stated";
    EXPECT_LT(std::fabs(sum / kSeeds), 3.5 * kSketchErrorRatio / std::sqrt(kSeeds)) << keys;
  }
}

TEST(DistinctWindow, CountsAMillionKeysInBoundedMemoryWithinThreeStandardErrors) {
  Random random(3);
  const TimeGrid grid(Duration::days(30), 720);
  DistinctWindow window(grid, 10'000);
  SlidingSketch sketch(grid);
  constexpr int kKeys = 1'000'000;
  for (int i = 0; i < kKeys; ++i) {
    const Word key = random_word(random);
    const Instant t = at(i * 2.5);
    window.add(t, key);
    sketch.add(grid.index(t), sketch_hash(key));
  }
  EXPECT_NEAR(window.count(at(kKeys * 2.5)).keys / kKeys, 1, 3 * kSketchErrorRatio);
  EXPECT_LT(sketch.memory_bytes(), 600'000u);
}

TEST(DistinctWindow, ForgetsWhatFellOutOfTheWindowBucketByBucket) {
  Random random(5);
  DistinctWindow window(TimeGrid(Duration::hours(10), 10), 100);
  for (int hour = 0; hour < 40; ++hour) {
    for (int i = 0; i < 2000; ++i) window.add(at(3600.0 * hour), random_word(random));
    const double keys = 2000 * std::min(11, hour + 1);  // the bucket it is in and ten before
    EXPECT_NEAR(window.count(at(3600.0 * hour + 1)).keys, keys, 3.5 * kSketchErrorRatio * keys) << hour;
  }
  EXPECT_EQ(window.count(at(3600.0 * 50)).keys, 0);
  EXPECT_EQ(window.count(at(3600.0 * 50)).error_ratio, 0);
}

TEST(DistinctWindow, MergeOfTwoExactCountsBecomesASketchBeyondTheBound) {
  DistinctWindow a(TimeGrid(Duration::hours(1), 60), 100);
  DistinctWindow b = a;
  for (std::uint64_t i = 0; i < 60; ++i) a.add(at(0), testing::word_of(i)), b.add(at(0), testing::word_of(i + 30));
  DistinctWindow within = a;
  ASSERT_TRUE(within.merge(b).has_value());
  EXPECT_EQ(within.count(at(0)).keys, 90);
  EXPECT_EQ(within.count(at(0)).error_ratio, 0);
  for (std::uint64_t i = 0; i < 40; ++i) b.add(at(0), testing::word_of(i + 1000));
  ASSERT_TRUE(a.merge(b).has_value());
  EXPECT_NEAR(a.count(at(0)).keys, 130, 5);
  EXPECT_EQ(a.count(at(0)).error_ratio, kSketchErrorRatio);
  DistinctWindow c(TimeGrid(Duration::hours(1), 60), 100);
  for (std::uint64_t i = 0; i < 120; ++i) c.add(at(0), testing::word_of(i + 5000));
  ASSERT_TRUE(a.merge(c).has_value());  // counted before: the count must be a new one
  EXPECT_NEAR(a.count(at(0)).keys, 250, 9);
}

TEST(DistinctWindow, BecomesASketchByALateKeyAndIsReadBackFromItsBytes) {
  DistinctWindow window(TimeGrid(Duration::hours(1), 60), 1);
  window.add(at(0), testing::word_of(1));
  ASSERT_EQ(window.count(at(1800)).keys, 1);
  window.add(at(60), testing::word_of(2));
  ASSERT_EQ(window.count(at(1800)).keys, 2);
  DistinctWindow same(TimeGrid(Duration::hours(1), 60), 1);
  const std::string bytes = archive_bytes(window);
  Reader reader(bytes);
  reader(same);
  ASSERT_TRUE(reader.is_done());
  EXPECT_EQ(same.count(at(1800)).keys, 2);
}

TEST(SketchHash, WithAKeyIsSipHash) {
  HashKey key{};
  Word word{};
  for (std::uint8_t i = 0; i < 16; ++i) key[i] = i;
  for (std::uint8_t i = 0; i < 32; ++i) word[i] = i;
  EXPECT_EQ(sketch_hash(word, key), 0x7127512f72f27cceULL);  // by OpenSSL's
}

TEST(DistinctWindow, WithAKeyIsNotShiftedByWhoChoseWhatIsCountedForTheFixedHash) {
  // Words that the fixed hash sends to one register: they count as one or two, and hide from the estimate.
  DistinctWindow fixed(TimeGrid(Duration::hours(1), 60), 10);
  DistinctWindow keyed(TimeGrid(Duration::hours(1), 60), 10, HashKey{7, 7, 7});
  int chosen = 0;
  for (std::uint64_t i = 1; chosen < 200; ++i) {
    const Word word = testing::word_of(i);
    if (sketch_hash(word) >> (64 - SlidingSketch::kIndexBits) != 5) continue;
    ++chosen;
    fixed.add(at(0), word);
    keyed.add(at(0), word);
  }
  EXPECT_LT(fixed.count(at(1)).keys, 10);
  EXPECT_NEAR(keyed.count(at(1)).keys, 200, 10);
}

TEST(DistinctWindow, RefusesToMergeAnotherShape) {
  DistinctWindow window(TimeGrid(Duration::hours(1), 60), 100);
  window.add(at(0), testing::word_of(1));
  const std::string before = archive_bytes(window);
  for (DistinctWindow other :
       {DistinctWindow(TimeGrid(Duration::hours(1), 60), 100, HashKey{1}),
        DistinctWindow(TimeGrid(Duration::hours(2), 60), 100), DistinctWindow(TimeGrid(Duration::hours(1), 61), 100),
        DistinctWindow(TimeGrid(Duration::hours(1), 60), 101)}) {
    other.add(at(0), testing::word_of(2));
    const auto merged = window.merge(other);
    ASSERT_FALSE(merged.has_value());
    EXPECT_EQ(merged.error().code, ErrorCode::conflict);
    EXPECT_EQ(archive_bytes(window), before);
  }
}

TEST(DistinctWindow, RefusesBytesThatNoWindowWouldWrite) {
  const TimeGrid grid(Duration::hours(1), 60);
  SlidingSketch sketch(grid);
  Random random(9);
  for (int i = 0; i < 500; ++i) sketch.add(static_cast<std::int64_t>(random.below(61)), random.next_u64());
  const std::string bytes = archive_bytes(sketch);
  SlidingSketch same(grid);
  Reader good(bytes);
  good(same);
  ASSERT_TRUE(good.is_done());
  ASSERT_EQ(archive_bytes(same), bytes);
  SlidingSketch narrower(TimeGrid(Duration::hours(1), 10));
  Reader slots_beyond_the_ring(bytes);
  slots_beyond_the_ring(narrower);
  EXPECT_FALSE(slots_beyond_the_ring.ok());
  EXPECT_TRUE(narrower.empty());
  int refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {  // whatever is read keeps its invariants, so it can go on
    std::string broken = bytes;
    broken[i] = static_cast<char>(broken[i] ^ (1 << random.below(8)));
    SlidingSketch x(grid);
    Reader reader(broken);
    reader(x);
    refused += reader.ok() ? 0 : 1;
    SlidingSketch twice = x;  // would drop what a sound one does not hold
    twice.merge(x);
    ASSERT_EQ(archive_bytes(twice), archive_bytes(x)) << "byte " << i;
    for (int j = 0; j < 20; ++j) x.add(60 + static_cast<std::int64_t>(random.below(100)), random.next_u64());
    EXPECT_GE(x.estimate(), 1);
  }
  EXPECT_GT(refused, static_cast<int>(bytes.size()) / 4);
}

}  // namespace
}  // namespace homeostat::oracle
