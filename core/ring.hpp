// Ring: the newest `capacity` elements of a sequence; pushing one more drops the oldest.
//
// Memory grows with use up to the capacity and never beyond; index 0 is the oldest. Archived oldest
// first, so that two rings with equal contents have equal bytes whatever their history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/check.hpp"

namespace homeostat {

template <class T>
class Ring {
 public:
  explicit Ring(std::size_t capacity = 1) : capacity_(capacity) { HOMEOSTAT_CHECK(capacity > 0); }

  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  [[nodiscard]] bool empty() const { return slots_.empty(); }
  [[nodiscard]] bool is_full() const { return slots_.size() == capacity_; }

  /// The i-th element, oldest first; i < size() (CHECKed).
  [[nodiscard]] const T& operator[](std::size_t i) const { return slots_[slot(i)]; }
  [[nodiscard]] T& operator[](std::size_t i) { return slots_[slot(i)]; }
  [[nodiscard]] const T& front() const { return (*this)[0]; }
  [[nodiscard]] const T& back() const { return (*this)[size() - 1]; }
  [[nodiscard]] T& back() { return (*this)[size() - 1]; }

  /// Appends `x`; true if the oldest element had to go for it.
  bool push(T x) {
    if (!is_full()) {
      slots_.push_back(std::move(x));
      return false;
    }
    slots_[oldest_] = std::move(x);
    oldest_ = (oldest_ + 1) % capacity_;
    return true;
  }
  /// Takes the newest element away; not empty (CHECKed).
  void pop_back() {
    HOMEOSTAT_CHECK(!slots_.empty());
    straighten();
    slots_.pop_back();
  }
  void clear() {
    slots_.clear();
    oldest_ = 0;
  }

  bool operator==(const Ring& o) const {
    if (capacity_ != o.capacity_ || size() != o.size()) return false;
    for (std::size_t i = 0; i < size(); ++i) {
      if (!((*this)[i] == o[i])) return false;
    }
    return true;
  }

  /// The capacity is not archived: it belongs to the configuration. Reading more elements than fit fails.
  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    if constexpr (std::is_const_v<Self>) {
      a(static_cast<std::uint64_t>(x.size()));
      for (std::size_t i = 0; i < x.size(); ++i) a(x[i]);
    } else {
      x.clear();
      a(x.slots_);
      if (x.slots_.size() > x.capacity_) {
        x.clear();
        a.fail();
      }
    }
  }

 private:
  [[nodiscard]] std::size_t slot(std::size_t i) const {
    HOMEOSTAT_CHECK(i < slots_.size());
    const std::size_t s = oldest_ + i;
    return s < slots_.size() ? s : s - slots_.size();
  }
  /// Moves the oldest element to slot 0, so that the vector may shrink at its end.
  void straighten() {
    if (oldest_ == 0) return;
    std::vector<T> ordered;
    ordered.reserve(slots_.size());
    for (std::size_t i = 0; i < slots_.size(); ++i) ordered.push_back(std::move(slots_[slot(i)]));
    slots_ = std::move(ordered);
    oldest_ = 0;
  }

  std::size_t capacity_;
  std::size_t oldest_ = 0;  ///< 0 unless full
  std::vector<T> slots_;
};

}  // namespace homeostat
