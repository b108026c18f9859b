// Moving windows in constant memory: a ring of `buckets` + 1 buckets on a fixed grid of the time axis.
//
// A window of length W has buckets of width ceil(W / buckets). At time t it covers the bucket that t
// is in and the `buckets` before it: everything of the last W, and at most one bucket more. Values may
// arrive out of order; those older than the ring are left out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "core/time.hpp"

namespace homeostat::oracle {

/// Bucket indexes read from bytes are refused beyond this, so that arithmetic on them cannot overflow.
inline constexpr std::int64_t kIndexMax = std::int64_t{1} << 62;

/// Which bucket an instant falls into.
class TimeGrid {
 public:
  TimeGrid(Duration window, std::uint32_t buckets);

  [[nodiscard]] std::int64_t index(Instant t) const { return t.ns / width_.ns - (t.ns % width_.ns < 0 ? 1 : 0); }
  [[nodiscard]] Instant start(std::int64_t index) const { return Instant{} + width_ * index; }
  [[nodiscard]] Duration width() const { return width_; }
  bool operator==(const TimeGrid&) const = default;
  /// Buckets of the ring.
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::size_t slot(std::int64_t index) const {
    const std::int64_t rest = index % size_;
    return static_cast<std::size_t>(rest < 0 ? rest + size_ : rest);
  }

 private:
  Duration width_;
  std::int64_t size_;
};

/// How many buckets of the next window are added up ahead at each look.
inline constexpr std::int64_t kBucketsAhead = 8;

/// The ring itself: buckets by their index, those that fell out are default again. No memory before the
/// first use.
///
/// sum() adds buckets up from the oldest on, always in that order, so that no rounding error accumulates however long
/// it runs. Since only the newest bucket changes as a rule, the sum of those before it is remembered, and that of the
/// window that comes next is added up a few buckets at a look: the same additions in the same order give the same bits
/// whether they are made at once or over many ticks. What a late value changes is added up anew.
template <class Bucket>
class BucketRing {
 public:
  explicit BucketRing(TimeGrid grid) : grid_(grid) {}

  [[nodiscard]] const TimeGrid& grid() const { return grid_; }
  [[nodiscard]] bool empty() const { return buckets_.empty(); }
  [[nodiscard]] std::int64_t newest() const { return newest_; }

  /// The bucket `index`, to be changed, moving the ring on to it if it is newer; nullptr if it has fallen out.
  Bucket* at(std::int64_t index) {
    advance(index);
    for (Partial* partial : {&known_, &ahead_}) {
      if (index >= partial->first && index < partial->end) *partial = {};
    }
    return index <= newest_ - grid_.size() ? nullptr : &buckets_[grid_.slot(index)];
  }
  /// The oldest index that the window ending in bucket `last` still holds.
  [[nodiscard]] std::int64_t first(std::int64_t last) const {
    return (last > newest_ ? last : newest_) - grid_.size() + 1;
  }
  /// The sum, from the oldest to the newest, of the window that ends in bucket `last`.
  /// Not from two threads at once: it remembers.
  [[nodiscard]] Bucket sum(std::int64_t last) const {
    if (buckets_.empty() || first(last) > newest_) return {};
    const std::int64_t begin = first(last);
    if (known_.first != begin || known_.end == known_.first) {
      known_ = ahead_.first == begin ? ahead_ : Partial{.first = begin, .end = begin, .sum = {}};
    }
    extend(known_, newest_);
    if (ahead_.first != begin + 1 || ahead_.end == ahead_.first)
      ahead_ = {.first = begin + 1, .end = begin + 1, .sum = {}};
    extend(ahead_, std::min(newest_, ahead_.end + kBucketsAhead));
    Bucket total = known_.sum;
    total += buckets_[grid_.slot(newest_)];
    return total;
  }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.newest_), a(x.buckets_);
    if constexpr (!std::is_const_v<Self>) {
      const bool fits = x.buckets_.empty() || static_cast<std::int64_t>(x.buckets_.size()) == x.grid_.size();
      if (!fits || x.newest_ < -kIndexMax || x.newest_ > kIndexMax) {
        x.newest_ = 0;
        x.buckets_.clear();
        a.fail();
      }
      x.known_ = x.ahead_ = {};
    }
  }

 private:
  /// The sum of the buckets `first`..`end` - 1, none of which has changed since.
  struct Partial {
    std::int64_t first = 0;
    std::int64_t end = 0;
    Bucket sum{};
  };

  void extend(Partial& partial, std::int64_t end) const {
    for (; partial.end < end; ++partial.end) partial.sum += buckets_[grid_.slot(partial.end)];
  }

  void advance(std::int64_t index) {
    if (buckets_.empty()) {
      buckets_.resize(static_cast<std::size_t>(grid_.size()));
      newest_ = index;
    }
    if (index <= newest_) return;
    const std::int64_t first_new = index - newest_ > grid_.size() ? index - grid_.size() + 1 : newest_ + 1;
    for (std::int64_t i = first_new; i <= index; ++i) buckets_[grid_.slot(i)] = Bucket{};
    newest_ = index;
  }

  TimeGrid grid_;
  std::int64_t newest_ = 0;
  std::vector<Bucket> buckets_;
  mutable Partial
      known_;  ///< of the window last asked for, but for its newest bucket; follows from the buckets: not archived
  mutable Partial ahead_;  ///< of the window one bucket further
};

/// Sum and number of contributions.
class SumWindow {
 public:
  struct Total {
    double sum = 0;
    std::uint64_t count = 0;

    Total& operator+=(const Total& other) {
      sum += other.sum;
      count += other.count;
      return *this;
    }

    template <class Archive, class Self>
    static void fields(Archive& a, Self& x) {
      a(x.sum), a(x.count);
    }
  };

  explicit SumWindow(TimeGrid grid) : ring_(grid) {}

  void add(Instant t, double value);
  /// Of the window that ends at `at`.
  [[nodiscard]] Total total(Instant at) const;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.ring_);
  }

 private:
  BucketRing<Total> ring_;
};

/// Integral over time of a step function, and for how long it was known.
class StepWindow {
 public:
  struct Integral {
    double value_seconds = 0;
    std::int64_t covered_ns = 0;

    Integral& operator+=(const Integral& other) {
      value_seconds += other.value_seconds;
      covered_ns += other.covered_ns;
      return *this;
    }

    template <class Archive, class Self>
    static void fields(Archive& a, Self& x) {
      a(x.value_seconds), a(x.covered_ns);
    }
  };

  explicit StepWindow(TimeGrid grid) : ring_(grid) {}

  /// The function had `value` from `from` to `to`.
  void hold(Instant from, Instant to, double value);
  /// Over the window that ends at `at`, if the function had `value` from `from` to `to` besides.
  [[nodiscard]] Integral integral(Instant at, Instant from, Instant to, double value) const;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.ring_);
  }

 private:
  BucketRing<Integral> ring_;
};

}  // namespace homeostat::oracle
