// What the oracle needs at the sizes it is asked to bear: a distinct count over 100 M keys, windows of 30 days at
// 10,000 series, 10 M logs. Memory is the resident memory of a process of its own for each; time the thread's own
// processor time.
//
//   scale_bench [--smoke]
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/table.hpp"
#include "core/archive.hpp"
#include "core/random.hpp"
#include "oracle/distinct.hpp"
#include "oracle/oracle.hpp"

using namespace homeostat;
using bench::grouped;
using oracle::Hash32;
using oracle::TimeGrid;
using oracle::Word;

namespace {

constexpr double kWindowsTargetMb = 256;
constexpr double kGrowthTargetMb = 1;
constexpr std::uint32_t kDays = 30;
constexpr std::uint32_t kHours = kDays * 24;

double processor_s() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

double resident_mb() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  file >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

Instant start() {
  return Instant::from_unix_seconds(1'790'000'000);
}

Word word_of(std::uint64_t x) {
  Word word{};
  for (std::size_t i = 0; i < 8; ++i) word[31 - i] = static_cast<std::uint8_t>(x >> (8 * i));
  return word;
}

/// Runs it in a process of its own, whose memory is then nobody else's.
template <class F>
void alone(F&& f) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) bench::give_up("fork failed");
  if (child == 0) {
    f();
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) bench::give_up("a part of the benchmark failed");
}

// ---- distinct ------------------------------------------------------------------------------------------------------

/// As many different keys over 30 days, an address-like word each, into one window and dealt to eight shards.
void count_distinct(std::uint64_t keys) {
  constexpr std::uint32_t kExactMax = 10'000;
  constexpr std::size_t kShards = 8;
  const TimeGrid grid(Duration::days(kDays), kHours);
  const auto time_of = [&](std::uint64_t i) {
    return start() + Duration{static_cast<std::int64_t>(static_cast<double>(i) / static_cast<double>(keys) * 0.999 *
                                                        static_cast<double>(Duration::days(kDays).ns))};
  };
  const double before_mb = resident_mb();
  oracle::DistinctWindow all(grid, kExactMax);
  const double before = processor_s();
  for (std::uint64_t i = 0; i < keys; ++i) all.add(time_of(i), word_of(i));
  const double all_s = processor_s() - before;
  const double all_mb = resident_mb() - before_mb;
  std::vector<oracle::DistinctWindow> shards(kShards, oracle::DistinctWindow(grid, kExactMax));
  for (std::uint64_t i = 0; i < keys; ++i) shards[i * 0x9e3779b97f4a7c15ULL >> 61].add(time_of(i), word_of(i));
  oracle::DistinctWindow united(grid, kExactMax);
  for (const oracle::DistinctWindow& shard : shards) {
    if (!united.merge(shard)) bench::give_up("a shard was refused");
  }
  const Instant end = start() + Duration::days(kDays);
  const auto count = all.count(end);
  (void)united.count(end);
  const std::string bytes = archive_bytes(all);
  if (archive_bytes(united) != bytes) bench::give_up("the union of the shards is not what one alone has counted");
  const double error = count.keys / static_cast<double>(keys) - 1;
  if (std::fabs(error) > 4 * count.error_ratio) bench::give_up(fmt::format("the count is off by {:.2f}%", 100 * error));
  bench::print({.what = fmt::format("distinct count of {} keys over 30 days in 720 buckets, error",
                                    grouped(static_cast<double>(keys))),
                .measured = fmt::format("{:+.2f}% ({} counted)", 100 * error, grouped(count.keys)),
                .beside = fmt::format("stated standard error: {:.2f}%; {} shards merged: the same bits",
                                      100 * count.error_ratio, kShards),
                .ratio = fmt::format("{:.2f}", std::fabs(error) / count.error_ratio),
                .target = bench::verdict("within 2 standard errors", std::fabs(error) <= 2 * count.error_ratio)});
  bench::print({.what = "memory of it, kB",
                .measured = fmt::format("{:.0f} resident (with the exact phase's), {:.0f} archived", all_mb * 1e3,
                                        static_cast<double>(bytes.size()) / 1e3),
                .beside = fmt::format("the keys alone: {}", grouped(static_cast<double>(keys) * 32 / 1e3))});
  bench::print({.what = "rate of it on one core, keys/s", .measured = grouped(static_cast<double>(keys) / all_s)});
}

// ---- windows -------------------------------------------------------------------------------------------------------

/// Sums, rates, counts and TWAPs, each of one source: a series each.
oracle::Settings windowed(std::size_t series) {
  using oracle::Aggregate;
  constexpr Aggregate kMix[] = {Aggregate::sum, Aggregate::rate, Aggregate::count, Aggregate::twap};
  oracle::Settings s;
  s.sources.push_back({.name = "app", .rate_per_s = 1e9, .burst = 1e9});
  for (std::size_t i = 0; i < series; ++i) {
    oracle::MetricSettings m{.name = fmt::format("metric_{}", i), .unit = "usd", .min = 0, .max = 1e9};
    m.origin = oracle::SampleOrigin{.sources = {"app"}, .quorum = 1};
    m.aggregate = kMix[i % std::size(kMix)];
    m.window = Duration::days(kDays);
    m.buckets = kHours;
    m.staleness_max = Duration::hours(2);
    s.metrics.push_back(std::move(m));
  }
  return s;
}

void fill_windows(std::size_t series, std::uint32_t hours) {
  const double empty_mb = resident_mb();
  oracle::Oracle oracle(windowed(series));
  oracle::SampleBatch batch{.source = "app", .first_sequence = 1};
  for (std::size_t i = 0; i < series; ++i) {
    batch.metrics.push_back(fmt::format("metric_{}", i));
    batch.samples.push_back({.metric = static_cast<std::uint32_t>(i), .value = 1});
  }
  constexpr std::uint32_t kWatchedHours = 4;
  std::vector<double> tick_s;
  for (std::uint32_t hour = 0; hour < hours; ++hour) {
    batch.received = start() + Duration::hours(hour);
    for (oracle::Sample& sample : batch.samples) sample.time = batch.received;
    if (oracle.ingest(batch).accepted != series) bench::give_up("a sample was refused");
    batch.first_sequence += series;
    // In the last hours a tick comes every 20 s, and the first of each hour finds that every window has moved. The
    // first of these hours is not counted: nothing was asked before it.
    if (hour + kWatchedHours < hours) continue;
    for (int slot = 0; slot < 180; ++slot) {
      const double before = processor_s();
      (void)oracle.evaluate(batch.received + Duration::seconds(20 * slot));
      if (hour + kWatchedHours > hours) tick_s.push_back(processor_s() - before);
    }
  }
  const auto& readings = oracle.readings();
  for (std::size_t i = 0; i < series; ++i) {
    const double expected[] = {double(hours), double(hours) / (kDays * 86400.0), double(hours), 1};
    const double value = readings[i].value;
    if (hours == kHours && std::fabs(value / expected[i % 4] - 1) > 1e-9) {
      bench::give_up(fmt::format("metric_{} reads {}, not {}", i, value, expected[i % 4]));
    }
  }
  const double resident = resident_mb();
  const double count = static_cast<double>(series);
  bench::print({.what = fmt::format("resident with {} series of 30-day windows in 720 buckets, after {} hours, MB",
                                    grouped(count), hours),
                .measured = fmt::format("{:.1f}", resident),
                .beside = fmt::format("the process before: {:.1f}; {:.1f} kB a series", empty_mb,
                                      (resident - empty_mb) * 1e3 / count),
                .ratio = fmt::format("{:.2f}", resident / kWindowsTargetMb),
                .target = bench::verdict("< 256", resident < kWindowsTargetMb)});
  const double p50_ms = 1e3 * bench::median(tick_s);
  bench::print({.what = "a tick of them, every 20 s, its processor time, ms",
                .measured = fmt::format("p50 {:.1f}, p99 {:.1f}, max {:.1f}", p50_ms,
                                        1e3 * bench::quantile(tick_s, 0.99), 1e3 * bench::quantile(tick_s, 1)),
                .beside = "once an hour all windows move in one tick",
                .ratio = "",
                .target = bench::verdict("p99 < 5", bench::quantile(tick_s, 0.99) < 0.005)});
}

// ---- logs ----------------------------------------------------------------------------------------------------------

oracle::Settings chain_settings() {
  using oracle::Aggregate;
  oracle::Settings s;
  s.sources.push_back({.name = "chain", .finality_depth = 64});
  s.events = {{.name = "Tip", .source = "chain", .signature = "event Tip(address indexed viewer, uint256 amount)"}};
  const auto add = [&](const char* name, Aggregate aggregate, oracle::EventOrigin origin) {
    oracle::MetricSettings m{.name = name, .unit = "u", .min = 0, .max = 1e12};
    m.aggregate = aggregate;
    m.origin = std::move(origin);
    m.window = Duration::hours(6);
    m.half_life = Duration::minutes(10);
    s.metrics.push_back(std::move(m));
  };
  using oracle::Finality;
  add("volume", Aggregate::sum, {.event = "Tip", .value = 1, .confirmations = 0});
  add("tips", Aggregate::rate, {.event = "Tip", .confirmations = 2});
  add("viewers", Aggregate::distinct, {.event = "Tip", .key = 0, .confirmations = 1});
  add("price", Aggregate::ewma, {.event = "Tip", .value = 1, .confirmations = 1});
  add("final", Aggregate::count, {.event = "Tip", .finality = Finality::finalized});
  return s;
}

/// Blocks of some hundred logs, a block at a time, every hundredth replaces the three before it; a tick per block.
class ChainFeed {
 public:
  explicit ChainFeed(std::uint64_t logs_a_block) : logs_a_block_(logs_a_block), oracle_(chain_settings()) {}

  void run_to(std::uint64_t logs) {
    while (fed_ < logs) {
      oracle::ChainSegment segment{.source = "chain", .events = {"Tip"}};
      if (++segments_ % 100 == 0) {
        segment.rewind_to = head_ -= 3;
        ++branch_;
      }
      segment.parent = hashes_[head_ % hashes_.size()];
      segment.from = segment.to = ++head_;
      segment.finalized = head_ > 64 ? head_ - 64 : 0;
      oracle::ChainBlock& block = segment.blocks.emplace_back();
      block.number = head_;
      block.hash = word_of(head_ << 20 | branch_);
      block.time = segment.received = start() + Duration::seconds(static_cast<std::int64_t>(12 * head_));
      for (std::uint32_t i = 0; i < logs_a_block_; ++i) {
        block.events.push_back({.event = 0, .log_index = i, .transaction = word_of(random_.next_u64())});
        block.events.back().args = {word_of(random_.below(10'000'000)), word_of(1 + random_.below(1000))};
      }
      hashes_[head_ % hashes_.size()] = block.hash;
      fed_ += block.events.size();
      const double before = processor_s();
      if (auto done = oracle_.ingest(segment); !done) bench::give_up(done.error().text());
      (void)oracle_.evaluate(block.time);
      seconds_ += processor_s() - before;
    }
  }
  [[nodiscard]] double logs_per_s() const { return static_cast<double>(fed_) / seconds_; }
  [[nodiscard]] std::uint64_t blocks() const { return head_; }
  [[nodiscard]] std::uint64_t reorgs() const { return oracle_.sources()[0].reorgs; }
  [[nodiscard]] std::size_t archived_bytes() const {
    Writer writer;
    oracle_.save(writer);
    return writer.bytes().size();
  }

 private:
  std::uint64_t logs_a_block_;
  oracle::Oracle oracle_;
  Random random_{13};
  std::vector<Hash32> hashes_ = std::vector<Hash32>(256);
  std::uint64_t head_ = 0;
  std::uint64_t branch_ = 0;
  std::uint64_t fed_ = 0;
  std::uint64_t segments_ = 0;
  double seconds_ = 0;
};

void feed_logs(std::uint64_t logs) {
  ChainFeed feed(200);
  feed.run_to(logs / 10);
  const double early_mb = resident_mb();
  const double early_bytes = static_cast<double>(feed.archived_bytes());
  feed.run_to(logs);
  const double late_mb = resident_mb();
  const double late_bytes = static_cast<double>(feed.archived_bytes());
  bench::print(
      {.what = fmt::format("resident after {} logs in {} blocks with {} reorgs, MB", grouped(static_cast<double>(logs)),
                           grouped(static_cast<double>(feed.blocks())), grouped(static_cast<double>(feed.reorgs()))),
       .measured = fmt::format("{:.2f} ({:.2f} MB archived)", late_mb, late_bytes / 1e6),
       .beside = fmt::format("after {}: {:.2f} ({:.2f} archived)", grouped(static_cast<double>(logs) / 10), early_mb,
                             early_bytes / 1e6),
       .ratio = fmt::format("{:.3f}", late_mb / early_mb),
       .target = bench::verdict("no growth (< 1 MB)", late_mb - early_mb < kGrowthTargetMb)});
  bench::print({.what = "rate of it on one core, five metrics and a tick a block, logs/s",
                .measured = grouped(feed.logs_per_s())});
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  alone([&] { count_distinct(smoke ? 100'000 : 100'000'000); });
  alone([&] { fill_windows(smoke ? 100 : 10'000, smoke ? 24 : kHours); });
  alone([&] { feed_logs(smoke ? 100'000 : 10'000'000); });
  return 0;
}
