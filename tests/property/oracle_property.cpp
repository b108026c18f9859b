// Properties of core and oracle that must hold for every input, checked on random ones.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <numeric>
#include <set>

#include "core/decimal.hpp"
#include "core/random.hpp"
#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

/// Every aggregate, one source or three, and an expression.
Settings every_kind() {
  MetricSettings limited = sampled("limited", Aggregate::last, {"a", "b"});
  limited.rate_of_change =
      RateOfChange{.ratio_max = 1, .per = Duration::seconds(5), .halt_after = Duration::seconds(5)};
  MetricSettings keys = sampled("keys", Aggregate::distinct);
  keys.exact_max = 20;
  Settings s = settings_of({sampled("last", Aggregate::last, {"a", "b", "c"}, 2), sampled("sum", Aggregate::sum),
                            sampled("rate", Aggregate::rate, {"a", "b"}), sampled("count", Aggregate::count), keys,
                            sampled("ewma", Aggregate::ewma, {"a", "c"}), sampled("twap", Aggregate::twap, {"a", "b"}),
                            limited, expression("ratio", "sum / (count + 1)"),
                            from_event("tips", Aggregate::sum, {.event = "Tip", .value = 1, .confirmations = 2})});
  s.sources[1].rate_per_s = 2;
  s.sources[1].burst = 5;
  return s;
}

/// A hostile producer: duplicates, gaps, old and future times, values of every kind, names that do not exist.
SampleBatch random_batch(Random& random, double now) {
  static const std::vector<std::string> kNames = {"last", "sum",     "rate",  "count", "keys",   "ewma",
                                                  "twap", "limited", "ratio", "tips",  "nothing"};
  static const std::vector<std::string> kSources = {"a", "b", "c", "chain", "nobody"};
  SampleBatch batch;
  batch.source = kSources[random.below(random.chance(0.9) ? 3 : 5)];
  batch.first_sequence = static_cast<std::uint64_t>(now * 8) + random.below(20);
  batch.received = at(now);
  batch.metrics = kNames;
  for (std::uint64_t n = random.below(20); n > 0; --n) {
    Sample s{.metric = static_cast<std::uint32_t>(random.below(12)), .time = at(now - random.uniform(-0.1, 1))};
    s.value = std::floor(random.uniform(0, 100));
    if (random.chance(0.1)) s.value = random.uniform(-1e4, 1e4);
    if (random.chance(0.02)) s.value = std::nan("");
    if (random.chance(0.05)) s.time = at(now - random.uniform(-100, 100));
    batch.samples.push_back(s);
  }
  return batch;
}

void drive(Oracle& oracle, Random& random, double from, int steps) {
  for (int i = 0; i < steps; ++i) {
    const double now = from + i * 0.7;
    (void)oracle.ingest(random_batch(random, now));
    if (random.chance(0.4)) oracle.evaluate(at(now));
    if (random.chance(0.02)) (void)oracle.clear("limited", at(now));
  }
}

TEST(OracleProperty, GoesOnFromASavedStateAsIfNothingHadHappened) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    Oracle oracle(every_kind());
    drive(oracle, random, 0, static_cast<int>(random.below(200)));
    if (random.chance(0.5)) {
      (void)oracle.ingest(segment_of({block_of(1, {5}), block_of(2), block_of(3, {6}), block_of(4)}));
    }
    const std::string saved = bytes_of(oracle);
    Oracle loaded(every_kind());
    Reader reader(saved);
    RC_ASSERT(loaded.load(reader) && reader.is_done());
    RC_ASSERT(bytes_of(loaded) == saved);
    Random same = random;
    drive(oracle, random, 150, 100);
    drive(loaded, same, 150, 100);
    RC_ASSERT(bytes_of(loaded) == bytes_of(oracle));
  }));
}

TEST(OracleProperty, CorruptStateIsRefusedOrReadNeverACrash) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    Oracle oracle(every_kind());
    drive(oracle, random, 0, 60);
    (void)oracle.ingest(segment_of({block_of(1, {5}), block_of(2), block_of(3, {6})}));
    std::string bytes = bytes_of(oracle);
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.next_u64());
    }
    if (random.chance(0.3)) bytes.resize(random.below(bytes.size()));
    Oracle loaded(every_kind());
    Reader reader(bytes);
    (void)loaded.load(reader);
  }));
}

TEST(OracleProperty, EveryOfferedSampleIsAcceptedOrRefusedOnce) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    Oracle oracle(every_kind());
    std::map<std::string, std::uint64_t> offered;
    for (int i = 0; i < 150; ++i) {
      const SampleBatch batch = random_batch(random, i * 0.5);
      const BatchVerdict verdict = oracle.ingest(batch);
      RC_ASSERT(verdict.accepted + verdict.refused.size() == batch.samples.size());
      offered[batch.source] += batch.samples.size();
      for (const Verdict& v : verdict.refused) RC_ASSERT(v.refusal != Refusal::none && !v.message.empty());
    }
    for (const SourceStatus& s : oracle.sources()) {
      const auto refused = std::accumulate(s.refused.begin(), s.refused.end(), std::uint64_t{0});
      RC_ASSERT(s.accepted + refused == offered[s.name]);
    }
  }));
}

TEST(OracleProperty, ASequenceIsNeverCountedTwice) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    MetricSettings m = sampled("count", Aggregate::count);
    m.window = Duration::hours(1);
    m.max = 1e6;
    Settings settings = settings_of({m});
    settings.sources[0].rate_per_s = 3;
    settings.sources[0].burst = 10;
    Oracle oracle(settings);
    std::set<std::uint64_t> taken;
    double now = 0;
    for (int i = 0; i < 200; ++i) {
      now += random.uniform();
      SampleBatch batch{
          .source = "a", .first_sequence = 1 + random.below(300), .received = at(now), .metrics = {"count"}};
      for (std::uint64_t n = random.below(8); n > 0; --n) batch.samples.push_back({0, at(now), 1});
      const BatchVerdict verdict = oracle.ingest(batch);
      std::set<std::uint32_t> refused;
      for (const Verdict& v : verdict.refused) refused.insert(v.index);
      for (std::uint32_t k = 0; k < batch.samples.size(); ++k) {
        if (!refused.contains(k)) RC_ASSERT(taken.insert(batch.first_sequence + k).second);
      }
    }
    RC_ASSERT(oracle.evaluate(at(now))[0].value == static_cast<double>(taken.size()));
  }));
}

TEST(OracleProperty, AWindowIsThatOfBruteForceToOneBucket) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    Settings settings = settings_of({sampled("sum", Aggregate::sum), sampled("keys", Aggregate::distinct)});
    settings.sources[0].rate_per_s = 1e6;
    for (MetricSettings& m : settings.metrics) m.max = 1e9;
    Oracle oracle(settings);
    Feed feed(oracle);
    std::vector<std::pair<double, double>> all;
    double now = 0;
    for (int i = 0; i < 300; ++i) {
      now += random.exponential(0.6);
      const double value = std::floor(random.uniform(0, 30));
      RC_ASSERT(feed.send("a", "sum", now, value).accepted == 1);
      RC_ASSERT(feed.send("a", "keys", now, value).accepted == 1);
      all.emplace_back(now, value);
      if (!random.chance(0.2)) continue;
      double inner = 0, outer = 0;
      std::set<double> inner_keys, outer_keys;
      for (const auto& [t, v] : all) {
        if (now - t < 60) inner += v, inner_keys.insert(v);
        if (now - t <= 61) outer += v, outer_keys.insert(v);
      }
      const auto& r = oracle.evaluate(at(now));
      RC_ASSERT(r[0].value >= inner && r[0].value <= outer);
      RC_ASSERT(r[1].value >= static_cast<double>(inner_keys.size()));
      RC_ASSERT(r[1].value <= static_cast<double>(outer_keys.size()));
    }
  }));
}

TEST(OracleProperty, AReorgWithinDepthReadsAsTheCanonicalChain) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    const auto make = [] {
      Settings s = every_kind();
      for (MetricSettings& m : s.metrics) m.window = Duration::minutes(5), m.max = 1e9;
      s.metrics.push_back(from_event("tippers", Aggregate::distinct, {.event = "Tip", .key = 0, .confirmations = 4}));
      s.metrics.back().window = Duration::minutes(5);
      return s;
    };
    Oracle reorged(make());
    std::vector<ChainBlock> canonical = {block_of(1)};
    std::vector<std::uint64_t> branches = {0, 0};  // by number; block 0 is the first one's parent
    RC_ASSERT(reorged.ingest(segment_of({block_of(1)})).has_value());
    for (int i = 0; i < 60; ++i) {
      const std::uint64_t head = canonical.back().number;
      // At two confirmations the block `head - 2` has counted: at most two blocks may go.
      const std::uint64_t depth = random.chance(0.3) ? std::min<std::uint64_t>(random.below(3), head - 1) : 0;
      canonical.resize(canonical.size() - depth);
      branches.resize(branches.size() - depth);
      std::vector<ChainBlock> added;
      for (std::uint64_t n = depth + 1 + random.below(2); n > 0; --n) {
        const std::uint64_t branch = depth > 0 ? static_cast<std::uint64_t>(i) + 1 : 0;
        std::vector<std::uint64_t> tips(random.below(3));
        for (auto& tip : tips) tip = random.below(50);
        added.push_back(block_of(branches.size(), tips, branch));
        branches.push_back(branch);
      }
      ChainSegment s = segment_of(added, branches[added.front().number - 1]);
      if (depth > 0) s.rewind_to = added.front().number - 1;
      RC_ASSERT(reorged.ingest(s).has_value());
      canonical.insert(canonical.end(), added.begin(), added.end());
    }
    Oracle direct(make());
    RC_ASSERT(direct.ingest(segment_of(canonical)).has_value());
    const Instant now = canonical.back().time + Duration::seconds(1);
    const auto& a = reorged.evaluate(now);
    const auto& b = direct.evaluate(now);
    RC_ASSERT(archive_bytes(a[9]) == archive_bytes(b[9]));
    RC_ASSERT(archive_bytes(a[10]) == archive_bytes(b[10]));
    RC_ASSERT(reorged.sources()[3].block_hash == direct.sources()[3].block_hash);
  }));
}

TEST(OracleProperty, AReadingIsAlwaysFiniteAndInsideItsBounds) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    const Settings settings = every_kind();
    Oracle oracle(settings);
    for (int i = 0; i < 100; ++i) {
      drive(oracle, random, i * 0.7, 1);
      const auto& readings = oracle.evaluate(at(i * 0.7));
      for (std::size_t k = 0; k < readings.size(); ++k) {
        const Reading& r = readings[k];
        RC_ASSERT(std::isfinite(r.value) && r.value >= settings.metrics[k].min && r.value <= settings.metrics[k].max);
        RC_ASSERT((r.quality == Quality::ok) == r.reason.empty());
      }
    }
  }));
}

TEST(DecimalProperty, FromDoubleIsTheExactValueHalfToEven) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    for (int i = 0; i < 50; ++i) {
      const int decimals = static_cast<int>(random.below(7));
      const double x = std::ldexp(random.uniform(-1, 1), static_cast<int>(random.below(60)) - 20);
      const auto d = Decimal::from_double(x, decimals);
      RC_ASSERT(d.has_value());
      // x 10^decimals has at most 53 + 14 significant bits: split it so that both parts are exact.
      long double scale = 1;
      for (int k = 0; k < decimals; ++k) scale *= 10;
      const long double whole = std::floor(static_cast<long double>(x));
      const long double fraction = static_cast<long double>(x) - whole;
      const long double units = whole * scale + std::nearbyint(fraction * scale);
      if (std::fabs(fraction * scale - std::floor(fraction * scale) - 0.5L) < 1e-9L) continue;  // ties: unit tests
      RC_ASSERT(static_cast<long double>(d->units()) == units);
      RC_ASSERT(Decimal::parse(d->to_string(), decimals) == *d);
    }
  }));
}

}  // namespace
}  // namespace homeostat::oracle
