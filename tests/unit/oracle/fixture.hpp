// A small economy for the oracle's tests: time in seconds since a fixed start.
#pragma once

#include <string>
#include <vector>

#include "core/archive.hpp"
#include "oracle/oracle.hpp"

namespace homeostat::oracle::testing {

inline Instant at(double seconds) {
  return Instant::from_unix_seconds(1'790'000'000) + Duration{static_cast<std::int64_t>(seconds * 1e9)};
}

inline MetricSettings sampled(std::string name, Aggregate aggregate, std::vector<std::string> sources = {"a"},
                              std::uint32_t quorum = 1) {
  MetricSettings m;
  m.name = std::move(name);
  m.unit = "u";
  m.min = 0;
  m.max = 1000;
  m.origin = SampleOrigin{.sources = std::move(sources), .quorum = quorum};
  m.aggregate = aggregate;
  m.window = Duration::seconds(60);
  m.half_life = Duration::seconds(10);
  m.staleness_max = Duration::seconds(30);
  if (aggregate != Aggregate::twap) m.coverage_min = 0;  // tests are shorter than windows
  return m;
}

inline MetricSettings from_event(std::string name, Aggregate aggregate, EventOrigin origin) {
  MetricSettings m = sampled(std::move(name), aggregate);
  m.origin = std::move(origin);
  return m;
}

inline MetricSettings expression(std::string name, std::string text) {
  MetricSettings m = sampled(std::move(name), Aggregate::last);
  m.origin = ExpressionOrigin{.text = std::move(text)};
  return m;
}

inline Settings settings_of(std::vector<MetricSettings> metrics) {
  Settings s;
  s.sources = {{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "chain"}};
  s.events = {{.name = "Tip", .source = "chain", .signature = "event Tip(address indexed viewer, uint256 amount)"}};
  s.metrics = std::move(metrics);
  return s;
}

/// Sends one sample with the next sequence of its source; the verdict's refusal (none = accepted).
class Feed {
 public:
  explicit Feed(Oracle& oracle) : oracle_(oracle) {}

  BatchVerdict send(const std::string& source, const std::string& metric, double seconds, double value) {
    SampleBatch batch{.source = source, .first_sequence = ++sequences_[source], .received = at(seconds)};
    batch.metrics = {metric};
    batch.samples = {{.metric = 0, .time = at(seconds), .value = value}};
    return oracle_.ingest(batch);
  }

 private:
  Oracle& oracle_;
  std::map<std::string, std::uint64_t> sequences_;
};

inline Word word_of(std::uint64_t x) {
  Word w{};
  for (std::size_t i = 0; i < 8; ++i) w[31 - i] = static_cast<std::uint8_t>(x >> (8 * i));
  return w;
}

/// A hash that depends on the block's number and its branch.
inline Hash32 hash_of(std::uint64_t number, std::uint64_t branch = 0) {
  Hash32 h = word_of(number * 1000 + branch);
  h[0] = 0xbb;
  return h;
}

/// The block `number` of a branch at 12 s a block, with tips of the given amounts by viewer = amount.
inline ChainBlock block_of(std::uint64_t number, std::vector<std::uint64_t> tips = {}, std::uint64_t branch = 0) {
  ChainBlock block{.number = number, .hash = hash_of(number, branch), .time = at(12.0 * static_cast<double>(number))};
  std::uint32_t index = 0;
  for (const std::uint64_t tip : tips) {
    block.events.push_back({.event = 0, .log_index = index++, .args = {word_of(tip), word_of(tip)}});
  }
  return block;
}

/// A segment of these consecutive blocks; its parent is the block before the first, of `parent_branch`.
inline ChainSegment segment_of(std::vector<ChainBlock> blocks, std::uint64_t parent_branch = 0) {
  ChainSegment s{.source = "chain"};
  s.from = blocks.front().number;
  s.to = blocks.back().number;
  s.parent = hash_of(s.from - 1, parent_branch);
  s.received = blocks.back().time + Duration::seconds(1);
  s.events = {"Tip"};
  s.blocks = std::move(blocks);
  return s;
}

inline std::string bytes_of(const Oracle& oracle) {
  Writer w;
  oracle.save(w);
  return w.take();
}

}  // namespace homeostat::oracle::testing
