// The distinct count against a model that keeps everything, and the algebra of its merge.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <map>

#include "core/random.hpp"
#include "oracle/distinct.hpp"
#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

constexpr std::uint32_t kBuckets = 7;
constexpr double kWidth_s = 10;

TimeGrid grid() {
  return {Duration::seconds(static_cast<std::int64_t>(kBuckets * kWidth_s)), kBuckets};
}

struct Seen {
  double seconds = 0;
  Word key{};
};

/// Mostly forward in time, sometimes back, sometimes so far on that nothing is left. Keys come again.
std::vector<Seen> random_stream(Random& random) {
  std::vector<Seen> stream(random.below(400));
  const std::uint64_t keys = 1 + random.below(600);
  double now = 0;
  for (Seen& seen : stream) {
    now += random.uniform(0, random.chance(0.01) ? 200 : 2);
    seen = {.seconds = now - (random.chance(0.2) ? random.uniform(0, 100) : 0), .key = word_of(random.below(keys))};
  }
  return stream;
}

template <class Stream>
DistinctWindow window_of(const Stream& stream, std::uint32_t exact_max, double end) {
  DistinctWindow window(grid(), exact_max);
  for (const Seen& seen : stream) window.add(at(seen.seconds), seen.key);
  (void)window.count(at(end));
  return window;
}

double end_of(const std::vector<Seen>& stream) {
  double end = 0;
  for (const Seen& seen : stream) end = std::max(end, seen.seconds);
  return end;
}

DistinctWindow merged(DistinctWindow a, const DistinctWindow& b) {
  RC_ASSERT(a.merge(b).has_value());
  return a;
}

/// Ranks of the registers of the keys seen in the window's buckets, from the definition.
SlidingSketch::Histogram model(const std::map<Word, std::int64_t>& newest, std::int64_t last) {
  std::map<std::uint64_t, int> ranks;
  for (const auto& [key, index] : newest) {
    if (index <= last - grid().size()) continue;
    const std::uint64_t h = sketch_hash(key);
    int rank = 1;
    while (rank < SlidingSketch::kRankMax && (h << SlidingSketch::kIndexBits >> (64 - rank) & 1) == 0) ++rank;
    int& highest = ranks[h / (UINT64_C(1) << (64 - SlidingSketch::kIndexBits))];
    highest = std::max(highest, rank);
  }
  SlidingSketch::Histogram histogram{};
  histogram[0] = static_cast<int>(SlidingSketch::kRegisters - ranks.size());
  for (const auto& [index, rank] : ranks) ++histogram[static_cast<std::size_t>(rank)];
  return histogram;
}

TEST(SlidingSketchProperty, ItsRegistersAreThoseOfTheKeysInTheWindowAtEveryMoment) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    SlidingSketch sketch(grid());
    std::map<Word, std::int64_t> newest;
    std::int64_t last = grid().index(at(-1000));
    for (const Seen& seen : random_stream(random)) {
      const std::int64_t index = grid().index(at(seen.seconds));
      last = std::max(last, index);
      sketch.advance(last);
      sketch.add(index, sketch_hash(seen.key));
      if (index > last - grid().size()) {
        auto& at_newest = newest.try_emplace(seen.key, index).first->second;
        at_newest = std::max(at_newest, index);
      }
      if (random.chance(0.1)) RC_ASSERT(sketch.histogram() == model(newest, last));
    }
    sketch.advance(last + 3);
    RC_ASSERT(sketch.histogram() == model(newest, last + 3));
  }));
}

TEST(DistinctWindowProperty, OrderDoesNotMatterAndNeitherDoesRepetition) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    std::vector<Seen> stream = random_stream(random);
    const double end = end_of(stream);
    for (const std::uint32_t exact_max : {0u, 1000u}) {
      const std::string bytes = archive_bytes(window_of(stream, exact_max, end));
      std::vector<Seen> other = stream;
      other.insert(other.end(), stream.begin(), stream.end());
      for (std::size_t i = other.size(); i > 1; --i) std::swap(other[i - 1], other[random.below(i)]);
      DistinctWindow window(grid(), exact_max);
      (void)window.count(at(end));
      for (const Seen& seen : other) window.add(at(seen.seconds), seen.key);
      (void)window.count(at(end));
      RC_ASSERT(stream.empty() || archive_bytes(window) == bytes);
    }
  }));
}

TEST(DistinctWindowProperty, TheUnionOfShardsIsWhatOneThatHasSeenEverythingHas) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    const std::vector<Seen> stream = random_stream(random);
    std::vector<Seen> shards[3];
    for (const Seen& seen : stream) shards[random.below(3)].push_back(seen);
    for (const std::uint32_t exact_max : {0u, 1000u}) {
      DistinctWindow all(grid(), exact_max);
      for (const auto& shard : shards) RC_ASSERT(all.merge(window_of(shard, exact_max, end_of(shard))).has_value());
      RC_ASSERT(archive_bytes(all) == archive_bytes(window_of(stream, exact_max, end_of(stream))) || stream.empty());
    }
  }));
}

TEST(SlidingSketchProperty, MergesOneThatEndsEarlierLaterOrLongAgo) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    SlidingSketch all(grid());
    SlidingSketch parts[2] = {SlidingSketch(grid()), SlidingSketch(grid())};
    const std::uint64_t apart = random.below(20);
    for (std::uint64_t i = random.below(300); i > 0; --i) {
      const std::uint64_t part = random.below(2);
      const auto bucket = static_cast<std::int64_t>(random.below(10) + part * apart);
      const std::uint64_t hash = random.next_u64() % 200 * 0x9e3779b97f4a7c15ULL;
      all.add(bucket, hash);
      parts[part].add(bucket, hash);
    }
    SlidingSketch forth = parts[0];
    forth.merge(parts[1]);
    parts[1].merge(parts[0]);
    RC_ASSERT(archive_bytes(forth) == archive_bytes(all));
    RC_ASSERT(archive_bytes(parts[1]) == archive_bytes(all));
  }));
}

TEST(DistinctWindowProperty, MergeCommutesAssociatesAndIsIdempotentInEitherForm) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    const auto exact_max = static_cast<std::uint32_t>(random.below(300));
    const std::vector<Seen> streams[3] = {random_stream(random), random_stream(random), random_stream(random)};
    const double end = std::max({end_of(streams[0]), end_of(streams[1]), end_of(streams[2])});
    const bool is_at_one_time = random.chance(0.5);
    const auto window = [&](int i) {
      return window_of(streams[i], exact_max, is_at_one_time ? end : end_of(streams[i]));
    };
    const DistinctWindow a = window(0), b = window(1), c = window(2);
    RC_ASSERT(archive_bytes(merged(a, b)) == archive_bytes(merged(b, a)));
    RC_ASSERT(archive_bytes(merged(a, a)) == archive_bytes(a));
    RC_ASSERT(archive_bytes(merged(merged(a, b), b)) == archive_bytes(merged(a, b)));
    if (!is_at_one_time) return;
    RC_ASSERT(archive_bytes(merged(merged(a, b), c)) == archive_bytes(merged(a, merged(b, c))));
  }));
}

TEST(DistinctWindowProperty, GoesOnFromItsArchiveWithTheSameBits) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    const auto exact_max = static_cast<std::uint32_t>(random.below(100));
    const std::vector<Seen> stream = random_stream(random);
    DistinctWindow straight(grid(), exact_max);
    DistinctWindow resumed(grid(), exact_max);
    for (const Seen& seen : stream) {
      straight.add(at(seen.seconds), seen.key);
      resumed.add(at(seen.seconds), seen.key);
      if (!random.chance(0.05)) continue;
      const std::string bytes = archive_bytes(resumed);
      DistinctWindow read(grid(), exact_max);
      Reader reader(bytes);
      reader(read);
      RC_ASSERT(reader.is_done());
      resumed = std::move(read);
      RC_ASSERT(resumed.count(at(seen.seconds)).keys == straight.count(at(seen.seconds)).keys);
    }
    RC_ASSERT(archive_bytes(resumed) == archive_bytes(straight));
  }));
}

}  // namespace
}  // namespace homeostat::oracle
