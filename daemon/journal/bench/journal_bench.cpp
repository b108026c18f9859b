// What the journal can carry on this disk, next to the bare write + fdatasync of the same bytes.
//
//     journal_bench DIRECTORY [SECONDS]
//
// The directory is used for scratch files and emptied again. Every row runs for SECONDS (default 3).
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/journal/journal.hpp"

namespace {

using namespace homeostat;
using namespace homeostat::journal;
using Clock = std::chrono::steady_clock;

struct Latencies {
  std::vector<double> us;
  void add(Clock::duration d) { us.push_back(std::chrono::duration<double, std::micro>(d).count()); }
  double at(double share) {
    if (us.empty()) return 0;
    std::sort(us.begin(), us.end());
    return us[std::min(us.size() - 1, static_cast<std::size_t>(share * static_cast<double>(us.size())))];
  }
};

void print_row(const char* what, std::size_t record_bytes, double records, double seconds, Latencies& latencies) {
  std::printf("%-44s %7zu B %12.0f /s %9.1f MB/s   p50 %8.0f us   p99 %8.0f us\n", what, record_bytes,
              records / seconds, records * static_cast<double>(record_bytes) / seconds / 1e6, latencies.at(0.5),
              latencies.at(0.99));
  std::fflush(stdout);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string payload(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 131 + i / 251);
  return text;
}

void bare(const std::filesystem::path& directory, std::size_t record_bytes, std::size_t group, double seconds) {
  const std::filesystem::path file = directory / "bare";
  const int fd = ::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  const std::string block = payload(record_bytes * group);
  Latencies latencies;
  double records = 0;
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
    const auto before = Clock::now();
    if (::write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()) || ::fdatasync(fd) != 0) {
      std::perror("bare write");
      std::exit(1);
    }
    latencies.add(Clock::now() - before);
    records += static_cast<double>(group);
  }
  const std::string what = "bare write + fdatasync, groups of " + std::to_string(group);
  print_row(what.c_str(), record_bytes, records, seconds_since(start), latencies);
  ::close(fd);
  std::filesystem::remove(file);
}

std::unique_ptr<Journal> open_journal(const std::filesystem::path& directory) {
  Result<std::unique_ptr<Journal>> journal = Journal::open({.directory = directory});
  if (!journal) {
    std::fprintf(stderr, "%s\n", journal.error().text().c_str());
    std::exit(1);
  }
  return std::move(*journal);
}

void one_at_a_time(const std::filesystem::path& directory, std::size_t record_bytes, double seconds) {
  const auto journal = open_journal(directory / "single");
  const std::string record = payload(record_bytes);
  Latencies latencies;
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
    const auto before = Clock::now();
    const Result<std::uint64_t> seq = journal->append(record);
    if (!seq || !journal->wait_durable(*seq)) std::exit(1);
    latencies.add(Clock::now() - before);
  }
  const auto records = static_cast<double>(latencies.us.size());
  print_row("journal, append + wait, one at a time", record_bytes, records, seconds_since(start), latencies);
}

// Paced at `rate` records per second, or as fast as they are taken when it is 0; latency is append to durable.
void many(const std::filesystem::path& directory, std::size_t record_bytes, double rate, double seconds) {
  const auto journal = open_journal(directory / "many");
  const std::string record = payload(record_bytes);
  std::mutex mutex;
  std::deque<Clock::time_point> appended;
  Latencies latencies;
  std::uint64_t durable_before = journal->durable_seq();
  journal->on_durable([&](const Durable& durable) {
    const auto now = Clock::now();
    const std::lock_guard lock(mutex);
    for (; durable_before < durable.seq; ++durable_before) {
      latencies.add(now - appended.front());
      appended.pop_front();
    }
  });
  const auto start = Clock::now();
  double taken = 0;
  while (seconds_since(start) < seconds) {
    if (rate > 0 && taken >= rate * seconds_since(start)) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    const std::unique_lock lock(mutex);
    const Result<std::uint64_t> seq = journal->append(record);
    if (seq) {
      appended.push_back(Clock::now());
      ++taken;
    } else {
      mutex.unlock();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      mutex.lock();
    }
  }
  if (!journal->wait_durable(journal->stats().appended_seq)) std::exit(1);
  const double took = seconds_since(start);
  const Stats stats = journal->stats();
  const std::string what =
      rate > 0 ? "journal, paced at " + std::to_string(static_cast<int>(rate)) + "/s" : "journal, flat out";
  print_row(what.c_str(), record_bytes, taken, took, latencies);
  std::printf("    commits %llu, commit p50 %.2f p99 %.2f max %.2f ms (last 1024), checkpoints %llu, log %.0f MB\n",
              static_cast<unsigned long long>(stats.commits_total), stats.commit_p50.in_seconds() * 1e3,
              stats.commit_p99.in_seconds() * 1e3, stats.commit_max.in_seconds() * 1e3,
              static_cast<unsigned long long>(stats.checkpoints_total), static_cast<double>(stats.wal_bytes) / 1e6);
}

void recovery(const std::filesystem::path& directory, std::size_t record_bytes, std::size_t records) {
  {
    const auto journal = open_journal(directory / "recovery");
    const std::string record = payload(record_bytes);
    for (std::size_t i = 0; i < records;) {
      if (journal->append(record)) {
        ++i;
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }
  const auto start = Clock::now();
  const auto journal = open_journal(directory / "recovery");
  const double opened = seconds_since(start);
  std::uint64_t count = 0;
  if (!journal->read(1, [&](std::uint64_t, std::string_view) { return ++count > 0; })) std::exit(1);
  std::printf("open with %zu records of %zu B and no snapshot: %.3f s (whole chain checked); read all: %.3f s\n",
              records, record_bytes, opened, seconds_since(start) - opened);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: journal_bench DIRECTORY [SECONDS]\n");
    return 2;
  }
  const std::filesystem::path directory = std::filesystem::path(argv[1]) / "journal_bench_scratch";
  const double seconds = argc > 2 ? std::atof(argv[2]) : 3;
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  constexpr std::size_t kSmall = 256;
  constexpr std::size_t kBatch = 2048;  // a batch of 100 samples
  bare(directory, kSmall, 1, seconds);
  one_at_a_time(directory, kSmall, seconds);
  bare(directory, kBatch, 1, seconds);
  one_at_a_time(directory, kBatch, seconds);
  bare(directory, kBatch, 100, seconds);
  bare(directory, kBatch, 2000, seconds);
  many(directory, kBatch, 1000, seconds);
  many(directory, kBatch, 20'000, seconds);
  many(directory, kBatch, 0, seconds);
  recovery(directory, kSmall, 1'000'000);
  std::filesystem::remove_all(directory);
}
