// Event time, for every input: watermarks never move back, nothing is accepted before one, and the order in which
// sources interleave does not show in a reading.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <deque>
#include <map>

#include "core/random.hpp"
#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

const std::vector<std::string> kSources = {"a", "b", "c"};
const std::vector<std::string> kMetrics = {"last", "median", "sum", "rate", "count", "keys", "ewma", "twap"};

Settings every_kind(Random& random) {
  Settings s = settings_of({sampled("last", Aggregate::last, kSources),
                            sampled("median", Aggregate::median, kSources, 2), sampled("sum", Aggregate::sum, kSources),
                            sampled("rate", Aggregate::rate, kSources), sampled("count", Aggregate::count, kSources),
                            sampled("keys", Aggregate::distinct, kSources), sampled("ewma", Aggregate::ewma, kSources),
                            sampled("twap", Aggregate::twap, kSources), expression("both", "sum / (count + 1)")});
  for (MetricSettings& m : s.metrics) m.max = 1e9, m.future_max = Duration::hours(1);
  for (SourceSettings& source : s.sources) {
    source.rate_per_s = source.burst = 1e6;
    if (random.chance(0.7)) source.allowed_lateness = Duration::seconds(static_cast<std::int64_t>(random.below(20)));
  }
  return s;
}

struct Event {
  std::uint32_t metric = 0;
  double time = 0;
  double value = 0;
};

/// One event at its time or up to `behind` later than it should be; values of which any sum is exact.
Event random_event(Random& random, double now, double behind) {
  Event event{.metric = static_cast<std::uint32_t>(random.below(kMetrics.size()))};
  event.time = std::floor((now - (random.chance(0.5) ? random.uniform(0, behind) : 0)) * 8) / 8;
  event.value = static_cast<double>(random.below(800)) / 8;
  return event;
}

bool send(Oracle& oracle, const std::string& source, std::uint64_t sequence, const Event& event, double received) {
  SampleBatch batch{.source = source, .first_sequence = sequence, .received = at(received), .metrics = kMetrics};
  batch.samples = {{.metric = event.metric, .time = at(event.time), .value = event.value}};
  return oracle.ingest(batch).accepted == 1;
}

TEST(WatermarkProperty, NeverMovesBackAndNothingIsAcceptedBeforeThatOfItsSeries) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    const Settings settings = every_kind(random);
    Oracle oracle(settings);
    std::map<std::string, std::uint64_t> sequences;
    std::map<std::pair<std::string, std::uint32_t>, double> newest;
    std::vector<Instant> metrics(settings.metrics.size());
    std::map<std::string, Instant> sources;
    std::vector<Instant> expected(kMetrics.size());
    const auto lateness_of = [&](const std::pair<std::string, std::uint32_t>& series) {
      const bool is_sequence = kMetrics[series.second] == "ewma" || kMetrics[series.second] == "twap";
      const auto who = static_cast<std::size_t>(series.first[0] - 'a');
      return is_sequence ? 0 : settings.sources[who].allowed_lateness.in_seconds();
    };
    Instant all;
    double now = 0;
    for (int i = 0; i < 300; ++i) {
      now += random.exponential(random.chance(0.02) ? 0.03 : 2);  // now and then a silence
      const std::size_t who = random.below(kSources.size());
      const Event event = random_event(random, now, 25);
      const bool accepted = send(oracle, kSources[who], ++sequences[kSources[who]], event, now);
      const auto known = newest.find({kSources[who], event.metric});
      if (known != newest.end()) {
        const bool is_late = event.time < known->second - lateness_of(known->first);
        RC_ASSERT(!(accepted && is_late));
        if (!is_late && now - event.time <= 30) RC_ASSERT(accepted);  // nothing else may refuse it
      }
      if (accepted) {
        double& n = newest.try_emplace({kSources[who], event.metric}, event.time).first->second;
        n = std::max(n, event.time);
      }
      if (!random.chance(0.4)) continue;
      const auto& readings = oracle.evaluate(at(now));
      for (std::size_t k = 0; k < readings.size(); ++k) {
        RC_ASSERT(readings[k].watermark >= metrics[k]);
        metrics[k] = readings[k].watermark;
      }
      // Each is the least of its series that are not idle, or what it was.
      std::vector<Instant> least(metrics.size());
      for (const auto& [series, time] : newest) {
        if (at(now) - at(time) > Duration::seconds(30)) continue;
        const Instant mark = at(time) - Duration::seconds(static_cast<std::int64_t>(lateness_of(series)));
        Instant& m = least[series.second];
        if (m.is_never() || mark < m) m = mark;
      }
      for (std::size_t k = 0; k < kMetrics.size(); ++k) {
        expected[k] = std::max(expected[k], least[k]);
        RC_ASSERT(readings[k].watermark == expected[k]);
      }
      for (const SourceStatus& s : oracle.sources()) {
        RC_ASSERT(s.watermark >= sources[s.name]);
        RC_ASSERT(s.watermark <= s.newest);
        sources[s.name] = s.watermark;
      }
      RC_ASSERT(oracle.watermark() >= all);
      all = oracle.watermark();
    }
  }));
}

TEST(WatermarkProperty, TheInterleavingOfSourcesDoesNotShowOnceTheWatermarkHasPassed) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    Random random(seed);
    const Settings settings = every_kind(random);
    constexpr double kReceived = 20;  // all of it comes at once: what differs is only who is heard first
    std::vector<std::deque<Event>> events(kSources.size());
    for (auto& of_source : events) {
      for (int i = 0; i < 40; ++i) of_source.push_back(random_event(random, i * 0.5, 6));
      for (std::uint32_t m = 0; m < kMetrics.size(); ++m) of_source.push_back({m, 40, 5});  // the watermark passes
    }
    const auto run = [&](Random order) {
      Oracle oracle(settings);
      auto left = events;
      std::vector<std::uint64_t> sequences(kSources.size());
      for (std::size_t n = kSources.size() * events[0].size(); n > 0; --n) {
        std::size_t who = order.below(kSources.size());
        while (left[who].empty()) who = (who + 1) % kSources.size();
        (void)send(oracle, kSources[who], ++sequences[who], left[who].front(), kReceived);
        left[who].pop_front();
      }
      return archive_bytes(oracle.evaluate(at(41)));
    };
    const std::string first = run(Random(random.next_u64()));
    for (int i = 0; i < 4; ++i) RC_ASSERT(run(Random(random.next_u64())) == first);
  }));
}

}  // namespace
}  // namespace homeostat::oracle
