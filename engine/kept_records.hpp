// The decisions that are kept for their answers and for queries, by ascending id, side by side in a ring: a tick of
// many loops adds and forgets as many records as it has loops, and each would otherwise be an allocation and a node of
// a tree.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/check.hpp"
#include "engine/record.hpp"

namespace homeostat::engine {

class KeptRecords {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  /// By age, the oldest first.
  [[nodiscard]] const DecisionRecord& operator[](std::size_t i) const { return ring_[place(i)]; }

  /// None if it is not kept (any more). Valid until the next put or forget.
  [[nodiscard]] DecisionRecord* find(std::uint64_t id) {
    const std::size_t i = index_of(id);
    return i < size_ ? &ring_[place(i)] : nullptr;
  }
  [[nodiscard]] const DecisionRecord* find(std::uint64_t id) const {
    const std::size_t i = index_of(id);
    return i < size_ ? &ring_[place(i)] : nullptr;
  }
  /// Of one that is known to be kept.
  [[nodiscard]] DecisionRecord& at(std::uint64_t id) {
    DecisionRecord* const record = find(id);
    HOMEOSTAT_CHECK(record != nullptr);
    return *record;
  }
  [[nodiscard]] const DecisionRecord& at(std::uint64_t id) const { return const_cast<KeptRecords&>(*this).at(id); }

  /// A new one, newer than all, or again one that is kept.
  void put(const DecisionRecord& record) {
    if (DecisionRecord* const known = find(record.id)) {
      if (known != &record) *known = record;
      return;
    }
    HOMEOSTAT_CHECK(size_ == 0 || (*this)[size_ - 1].id < record.id);
    if (size_ == ring_.size()) grow();
    ring_[place(size_++)] = record;
  }

  /// Forgets the oldest that are not `needed` until only so many are left, or only those.
  template <class Needed>
  void forget(std::size_t left, const Needed& needed) {
    if (size_ <= left) return;
    const std::size_t excess = size_ - left;
    std::size_t seen = 0, gone = 0;
    for (; seen < size_ && gone < excess; ++seen) {
      DecisionRecord& record = ring_[place(seen)];
      if (needed(record)) continue;
      record = DecisionRecord{};  // its id, 0, marks it
      ++gone;
    }
    // What is needed of those that were seen moves up, so that the gaps are in front.
    for (std::size_t from = seen, to = seen; from-- > 0;) {
      DecisionRecord& record = ring_[place(from)];
      if (record.id != 0 && --to != from) ring_[place(to)] = std::exchange(record, DecisionRecord{});
    }
    first_ = place(gone);
    size_ -= gone;
  }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    if constexpr (requires { a.fail(); }) {  // a reader
      x = KeptRecords();
      for (std::uint64_t n = a.length(); n > 0 && a.ok(); --n) {
        std::uint64_t id = 0;
        DecisionRecord record;
        a(id), a(record);
        if (id == 0 || id != record.id || (x.size_ > 0 && x[x.size_ - 1].id >= id)) a.fail();
        if (a.ok()) x.put(record);
      }
    } else {
      a.varint(x.size_);
      for (std::size_t i = 0; i < x.size_; ++i) a(x[i].id), a(x[i]);
    }
  }

 private:
  [[nodiscard]] std::size_t place(std::size_t i) const { return (first_ + i) & (ring_.size() - 1); }
  /// size_ if it is not kept. Ids ascend by at least one, so it is at most as far from the oldest as its id is, and
  /// not much nearer as long as most decisions are kept.
  [[nodiscard]] std::size_t index_of(std::uint64_t id) const {
    if (size_ == 0 || id < (*this)[0].id || id > (*this)[size_ - 1].id) return size_;
    std::size_t high = static_cast<std::size_t>(std::min<std::uint64_t>(size_ - 1, id - (*this)[0].id)) + 1;
    std::size_t low = high - 1;
    for (std::size_t step = 1; (*this)[low].id > id; step *= 2) {
      high = low;
      low -= std::min(low, step);
    }
    while (high - low > 1) {
      const std::size_t middle = low + (high - low) / 2;
      ((*this)[middle].id <= id ? low : high) = middle;
    }
    return (*this)[low].id == id ? low : size_;
  }
  void grow() {
    std::vector<DecisionRecord> larger(std::max<std::size_t>(16, 2 * ring_.size()));
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move(ring_[place(i)]);
    ring_ = std::move(larger);
    first_ = 0;
  }

  std::vector<DecisionRecord> ring_;  ///< its size is a power of two, or 0
  std::size_t first_ = 0;             ///< place of the oldest
  std::size_t size_ = 0;
};

}  // namespace homeostat::engine
