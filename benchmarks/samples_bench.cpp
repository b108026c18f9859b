// Validation and windowing of samples on one core: batches through oracle::Oracle::ingest, every check on, beside a
// bare loop over the same batches that only adds the values up.
//
// The mix of metrics is an application's: newest values and medians of three sources, sums and rates over windows,
// averages, TWAPs, some with a bound on their rate of change. Samples arrive in the order of time, a whole round of all
// metrics from one source after the other. Time is the thread's own processor time: the machine is shared.
//
//   samples_bench [--smoke]
//   samples_bench profile   only batches of 100, for long enough to be looked at by a profiler
#include <time.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/table.hpp"
#include "core/random.hpp"
#include "oracle/oracle.hpp"

using namespace homeostat;

namespace {

constexpr double kTargetPerS = 5e6;
constexpr std::int64_t kStart = 1'790'000'000;
constexpr std::size_t kSmall = 100;                       ///< metrics of three sources each
constexpr std::size_t kLarge = 3'400;                     ///< some 10,000 series: no longer in the processor's caches
constexpr Duration kRound = Duration::milliseconds(100);  ///< between two samples of one series

double processor_s() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

oracle::MetricSettings metric_of(std::size_t i) {
  using oracle::Aggregate;
  constexpr Aggregate kMix[] = {Aggregate::last, Aggregate::median, Aggregate::sum,  Aggregate::rate,
                                Aggregate::ewma, Aggregate::median, Aggregate::twap, Aggregate::count};
  oracle::MetricSettings m{.name = fmt::format("metric_{}", i), .unit = "usd", .min = 0, .max = 1e6};
  m.aggregate = kMix[i % std::size(kMix)];
  m.origin = oracle::SampleOrigin{.sources = {"a", "b", "c"}, .quorum = 2};
  m.window = Duration::minutes(60);
  m.half_life = Duration::minutes(1);
  const bool is_level = m.aggregate == Aggregate::last || m.aggregate == Aggregate::median ||
                        m.aggregate == Aggregate::ewma || m.aggregate == Aggregate::twap;
  if (is_level) {
    m.rate_of_change =
        oracle::RateOfChange{.ratio_max = 0.5, .per = Duration::minutes(1), .halt_after = Duration::minutes(10)};
  }
  return m;
}

oracle::Settings settings(std::size_t metrics) {
  oracle::Settings s;
  for (const char* name : {"a", "b", "c"}) s.sources.push_back({.name = name, .rate_per_s = 1e9, .burst = 1e9});
  for (std::size_t i = 0; i < metrics; ++i) s.metrics.push_back(metric_of(i));
  return s;
}

/// `rounds` values of every metric from every source, a round of all metrics after the other, cut into batches of
/// `size`.
std::vector<oracle::SampleBatch> batches_of(std::size_t metrics, std::size_t size, std::size_t rounds) {
  std::vector<oracle::SampleBatch> batches;
  Random random(11);
  std::uint64_t sequence = 1;
  const Instant start = Instant::from_unix_seconds(kStart);
  for (std::size_t first = 0; first < metrics * rounds; first += size) {
    const std::size_t last = std::min(first + size, metrics * rounds);
    for (const char* source : {"a", "b", "c"}) {
      oracle::SampleBatch batch{.source = source, .first_sequence = sequence};
      for (std::size_t i = first; i < last; ++i) {
        // A name is given once in a batch, however often it is meant.
        if (i < first + metrics) batch.metrics.push_back(fmt::format("metric_{}", i % metrics));
        batch.samples.push_back({.metric = static_cast<std::uint32_t>((i - first) % metrics),
                                 .time = start + kRound * static_cast<std::int64_t>(i / metrics),
                                 .value = random.uniform(100, 110)});
      }
      batch.received = batch.samples.back().time;
      batches.push_back(std::move(batch));
    }
    sequence += last - first;
  }
  return batches;
}

struct Measured {
  double oracle_s = 0;
  double bare_s = 0;
  double sum = 0;
  std::uint64_t samples = 0;
};

/// Fresh oracle, every batch once, a tick after each second of samples (not timed).
Measured measure(std::size_t metrics, const std::vector<oracle::SampleBatch>& batches) {
  Measured m;
  oracle::Oracle oracle(settings(metrics));
  Instant ticked = batches.front().received;
  for (const oracle::SampleBatch& batch : batches) {
    double before = processor_s();
    const oracle::BatchVerdict verdict = oracle.ingest(batch);
    m.oracle_s += processor_s() - before;
    if (verdict.accepted != batch.samples.size()) bench::give_up("refused: " + verdict.refused.front().message);
    before = processor_s();
    for (const oracle::Sample& sample : batch.samples) m.sum += sample.value;
    m.bare_s += processor_s() - before;
    m.samples += batch.samples.size();
    if (batch.received - ticked < Duration::seconds(1)) continue;
    ticked = batch.received;
    (void)oracle.evaluate(ticked);
  }
  return m;
}

/// What the clock itself takes of a measurement.
double clock_s() {
  constexpr int kTimes = 10000;
  const double before = processor_s();
  for (int i = 0; i < kTimes; ++i) (void)processor_s();
  return (processor_s() - before) / kTimes;
}

void report(std::size_t metrics, std::size_t size, std::size_t rounds, int runs) {
  const std::vector<oracle::SampleBatch> batches = batches_of(metrics, size, rounds);
  const double clock = clock_s() * static_cast<double>(batches.size());
  std::vector<double> rates;
  std::vector<double> bare_rates;
  for (int run = 0; run < runs; ++run) {
    const Measured m = measure(metrics, batches);
    rates.push_back(static_cast<double>(m.samples) / m.oracle_s);
    bare_rates.push_back(static_cast<double>(m.samples) / std::max(1e-9, m.bare_s - clock));
    if (!std::isfinite(m.sum)) bench::give_up("the samples are no numbers");
  }
  const double rate = bench::median(rates);
  const double bare = bench::median(bare_rates);
  bench::print(
      {.what = fmt::format("samples judged and windowed on one core, {} series, batches of {}, samples/s",
                           bench::grouped(3.0 * static_cast<double>(metrics)), size),
       .measured = fmt::format("{} (best {})", bench::grouped(rate), bench::grouped(bench::quantile(rates, 1))),
       .beside = fmt::format("a loop that adds the same samples up: {}", bench::grouped(bare)),
       .ratio = fmt::format("{:.3f}", rate / bare),
       .target = bench::verdict(">= 5 000 000", rate >= kTargetPerS)});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "profile") {
    report(kSmall, 100, 10000, 5);
    return 0;
  }
  const bool smoke = bench::is_smoke(argc, argv);
  for (const std::size_t size : {100u, 1000u}) report(kSmall, size, smoke ? 50 : 10000, smoke ? 1 : 7);
  for (const std::size_t size : {100u, 1000u}) report(kLarge, size, smoke ? 2 : 300, smoke ? 1 : 7);
  return 0;
}
