// Event time: up to when what was taken in is complete, whether that advances, and how far each source's clock is from
// ours. One rule for every kind of source.
//
//     mark of a series (source, metric)  = its newest accepted event time - the source's allowed lateness
//     mark of an event metric            = the time of the newest block that counts for it
//     watermark of a metric              = the least mark of its series that are not idle
//     watermark of an expression         = the least of its operands'
//     watermark of a source              = the least mark of what it feeds; of a chain, the time of its head
//     watermark of everything            = the least of the metrics that some source still feeds
//
// Idle is a series whose newest event is older than its metric's staleness_max (of a chain: its head): it counts for
// no reading any more, so it holds no watermark back either, and its source is shown idle when all it feeds is.
//
// Late. An event before its own series' mark is refused (out_of_order where no lateness is allowed, else late), one
// behind the newest but not before the mark lands in its own bucket. So nothing is ever added before a series' mark.
// Only the own series' mark refuses: a source whose clock is ahead must not be able to shut out the others.
//
// Invariants: a series' mark never moves back, nor does the watermark of a metric of samples or of everything. A reorg
// takes the watermark of a chain and its metrics back with its blocks, as it does the readings. An idle series that
// comes back may be behind its metric's watermark: what it brings is taken in, and the watermark stays.
//
// Skew is the source's newest event time in a batch less our receive time of it, above 0 = its clock is ahead.
// Quantiles are those of the newest kSkewBatches batches: a few odd times move nothing. A chain that is catching up is
// behind.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/time.hpp"

namespace homeostat::oracle {

/// Batches (of a chain: segments) whose skew is remembered, per source.
inline constexpr std::size_t kSkewBatches = 32;
/// Fewer say nothing of a clock yet.
inline constexpr std::size_t kSkewBatchesMin = 4;

/// Of one series at one moment.
struct Mark {
  Instant complete;  ///< nothing before it will be added; never = nothing was taken in yet
  Instant newest;    ///< when it last brought something, by the source's clock; of a chain, its head
};

/// Where a metric's watermark is, and since when.
struct Progress {
  Instant watermark;
  Instant newest;  ///< the least of its sources' newest; a chain's head moves before its blocks count
  Instant moved;   ///< the tick at which `newest` was first seen higher than ever, or the metric was first looked at

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.watermark), a(x.newest), a(x.moved);
  }
};

/// The same for readers.
struct MetricProgress {
  bool is_watched = false;    ///< false for expressions, which have no sources
  Instant moved;              ///< never = no tick yet
  Duration stall_max;         ///< not moved for longer = stalled
  std::uint32_t held_by = 0;  ///< index into Settings::sources: the one that is farthest behind
};

/// The clock of one source against ours.
class SkewMeter {
 public:
  void note(Duration skew) {
    batches_[next_] = skew;
    next_ = (next_ + 1) % kSkewBatches;
    count_ = std::min<std::uint32_t>(count_ + 1, kSkewBatches);
  }
  /// The smallest that `percent` of the newest batches do not exceed; zero when there are too few.
  [[nodiscard]] Duration quantile(std::size_t percent) const {
    if (count_ < kSkewBatchesMin) return {};
    auto sorted = batches_;
    const auto end = sorted.begin() + count_;  // while the ring fills it is in use from its beginning
    const auto place = sorted.begin() + static_cast<std::ptrdiff_t>((count_ - 1) * percent / 100);
    std::nth_element(sorted.begin(), place, end);
    return *place;
  }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.batches_), a(x.next_), a(x.count_);
    if constexpr (requires { a.fail(); }) {
      if (x.next_ >= kSkewBatches || x.count_ > kSkewBatches) {
        x = SkewMeter();
        a.fail();
      }
    }
  }

 private:
  std::array<Duration, kSkewBatches> batches_{};
  std::uint32_t next_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace homeostat::oracle
