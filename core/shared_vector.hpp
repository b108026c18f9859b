// SharedVector: a vector whose copies share their elements until one of them is changed, which then gets elements of
// its own. For what is made once and copied often, such as the terms and limits of a decision record. Its interface is
// the part of std::vector's that does not hand out elements to be changed: only push_back and emplace_back do, and what
// emplace_back returns may be changed until the vector is copied.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "core/pile.hpp"

namespace homeostat {

template <class T>
class SharedVector {
 public:
  using value_type = T;

  SharedVector() = default;
  SharedVector(std::initializer_list<T> elements) {
    reserve(elements.size());
    for (const T& x : elements) push_back(x);
  }
  SharedVector(const SharedVector& o) : head_(o.head_) {
    if (head_ != nullptr) head_->share();
  }
  SharedVector(SharedVector&& o) noexcept : head_(std::exchange(o.head_, nullptr)) {}
  SharedVector& operator=(const SharedVector& o) {
    if (head_ != o.head_) SharedVector(o).swap(*this);
    return *this;
  }
  SharedVector& operator=(SharedVector&& o) noexcept {
    SharedVector(std::move(o)).swap(*this);
    return *this;
  }
  ~SharedVector() {
    if (head_ == nullptr || !head_->leave()) return;
    std::destroy_n(head_->elements(), head_->size);
    Pile::drop(head_, head_->place);
  }

  [[nodiscard]] std::size_t size() const { return head_ == nullptr ? 0 : head_->size; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] const T* begin() const { return head_ == nullptr ? nullptr : head_->elements(); }
  [[nodiscard]] const T* end() const { return begin() + size(); }
  [[nodiscard]] const T& operator[](std::size_t i) const { return begin()[i]; }
  [[nodiscard]] const T& front() const { return *begin(); }
  [[nodiscard]] const T& back() const { return begin()[size() - 1]; }

  void push_back(T x) { emplace_back(std::move(x)); }
  template <class... Arguments>
  T& emplace_back(Arguments&&... arguments) {
    if (head_ == nullptr || !head_->is_only() || head_->size == head_->capacity)
      grow(std::max<std::size_t>(1, 2 * size()));
    T* const made = new (head_->elements() + head_->size) T{std::forward<Arguments>(arguments)...};
    ++head_->size;
    return *made;
  }
  void clear() { *this = SharedVector(); }
  /// Room for that many elements in all, in the pile if there is one.
  void reserve(std::size_t capacity, Pile* pile = nullptr) {
    if (capacity > (head_ == nullptr ? 0 : head_->capacity)) grow(capacity, pile);
  }
  void swap(SharedVector& o) noexcept { std::swap(head_, o.head_); }

  friend bool operator==(const SharedVector& a, const SharedVector& b) {
    return a.head_ == b.head_ || std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    if constexpr (requires { a.fail(); }) {  // a reader
      x.clear();
      for (std::uint64_t n = a.length(); n > 0 && a.ok(); --n) a(x.emplace_back());
    } else {
      a.varint(x.size());
      for (const T& element : x) a(element);
    }
  }

 private:
  struct alignas(Pile::kAlignment) Head : Shared {
    std::uint32_t size = 0, capacity = 0;

    [[nodiscard]] T* elements() { return reinterpret_cast<T*>(this + 1); }
  };
  static_assert(alignof(T) <= Pile::kAlignment);

  /// Elements of its own, in room for at least so many.
  void grow(std::size_t capacity, Pile* pile = nullptr) {
    capacity = std::max(capacity, size());
    std::uint32_t place = 0;
    Head* const head = new (Pile::room(pile, sizeof(Head) + capacity * sizeof(T), place)) Head;
    head->place = place;
    head->capacity = static_cast<std::uint32_t>(capacity);
    if (head_ != nullptr && head_->is_only()) {
      std::uninitialized_move(begin_of_own(), begin_of_own() + size(), head->elements());
    } else {
      std::uninitialized_copy(begin(), end(), head->elements());
    }
    head->size = static_cast<std::uint32_t>(size());
    SharedVector old;
    std::swap(old.head_, head_);
    head_ = head;
  }
  [[nodiscard]] T* begin_of_own() { return head_->elements(); }

  Head* head_ = nullptr;  ///< none = empty
};

}  // namespace homeostat
