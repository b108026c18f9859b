// Runs a source on an io_context in the test's own thread and keeps what it delivers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include "daemon/sources/evm_source.hpp"

namespace homeostat::test {

struct SourceRun {
  boost::asio::io_context io{1};
  std::vector<oracle::ChainSegment> segments;
  std::vector<oracle::SampleBatch> batches;
  std::vector<oracle::SourceReport> reports;
  std::vector<std::string> log;
  int refuse = 0;  ///< how many deliveries to refuse
  Instant now = Instant::from_unix_seconds(1'700'000'000);
  std::unique_ptr<sources::EvmSource> evm;

  sources::Sink sink() {
    sources::Sink sink;
    sink.chain = [this](oracle::ChainSegment& segment) {
      if (refuse > 0 && refuse-- > 0) return false;
      segments.push_back(std::move(segment));
      return true;
    };
    sink.samples = [this](oracle::SampleBatch& batch) {
      if (refuse > 0 && refuse-- > 0) return false;
      batches.push_back(std::move(batch));
      return true;
    };
    sink.report = [this](const oracle::SourceReport& report) { reports.push_back(report); };
    sink.log = [this](sources::LogLevel, std::string_view text) { log.emplace_back(text); };
    return sink;
  }

  void start(sources::EvmSettings settings, sources::Cursor cursor = {}) {
    auto made = sources::EvmSource::make(io.get_executor(), std::move(settings), sink(), std::move(cursor),
                                         [this] { return now; });
    ASSERT_TRUE(made) << made.error().text();
    evm = std::move(*made);
    evm->start();
  }

  /// Handles events until `done` holds; fails the test after `limit`, which is for what hangs, not for what is slow.
  void run_until(const std::function<bool()>& done, const char* what,
                 std::chrono::seconds limit = std::chrono::seconds(300)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    io.restart();
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) {
        std::string all;
        for (const auto& line : log) all += line + "\n";
        FAIL() << "not within " << limit.count() << " s: " << what << "\n" << all;
      }
      io.run_one_for(std::chrono::milliseconds(100));
    }
  }

  [[nodiscard]] std::uint64_t delivered() const { return segments.empty() ? 0 : segments.back().to; }
  [[nodiscard]] std::uint64_t events() const {
    std::uint64_t count = 0;
    for (const auto& segment : segments) {
      for (const auto& block : segment.blocks) count += block.events.size();
    }
    return count;
  }
  [[nodiscard]] bool reported(oracle::SourceCondition condition) const {
    return !reports.empty() && reports.back().condition == condition;
  }
  [[nodiscard]] std::uint64_t faults(sources::FaultKind kind) const {
    return evm->metrics().faults[static_cast<std::size_t>(kind)];
  }

  /// Every segment must lie exactly behind what is left of the ones before it.
  void expect_linked() const {
    std::vector<std::pair<std::uint64_t, oracle::Hash32>> chain;
    for (const auto& segment : segments) {
      while (segment.rewind_to && !chain.empty() && chain.back().first > *segment.rewind_to) chain.pop_back();
      if (!chain.empty()) {
        EXPECT_EQ(segment.from, chain.back().first + 1);
        EXPECT_EQ(segment.parent, chain.back().second);
      }
      ASSERT_FALSE(segment.blocks.empty());
      EXPECT_EQ(segment.blocks.back().number, segment.to);
      for (const auto& block : segment.blocks) chain.emplace_back(block.number, block.hash);
    }
  }
};

}  // namespace homeostat::test
