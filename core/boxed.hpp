// Boxed: an optional value that is kept elsewhere, so that what seldom has one carries 16 bytes of it instead of all.
// Used and archived as std::optional; the room, once made, is kept for the next value.
#pragma once

#include <memory>
#include <utility>

namespace homeostat {

template <class T>
class Boxed {
 public:
  Boxed() = default;
  Boxed(const Boxed& o) { *this = o; }
  Boxed(Boxed&& o) noexcept : room_(std::move(o.room_)), has_(std::exchange(o.has_, false)) {}
  Boxed& operator=(const Boxed& o) {
    if (this == &o) return *this;
    if (o.has_) {
      *this = *o;
    } else {
      has_ = false;
    }
    return *this;
  }
  Boxed& operator=(Boxed&& o) noexcept {
    room_ = std::move(o.room_);
    has_ = std::exchange(o.has_, false);
    return *this;
  }
  Boxed& operator=(T value) {
    if (room_) {
      *room_ = std::move(value);
    } else {
      room_ = std::make_unique<T>(std::move(value));
    }
    has_ = true;
    return *this;
  }
  ~Boxed() = default;

  [[nodiscard]] bool has_value() const { return has_; }
  explicit operator bool() const { return has_; }
  [[nodiscard]] T& operator*() { return *room_; }
  [[nodiscard]] const T& operator*() const { return *room_; }
  [[nodiscard]] T* operator->() { return room_.get(); }
  [[nodiscard]] const T* operator->() const { return room_.get(); }
  void reset() { has_ = false; }
  /// A new value, in the room of the last one.
  T& emplace() {
    *this = T{};
    return *room_;
  }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    bool has = x.has_;
    a(has);
    if constexpr (requires { a.fail(); }) {  // a reader
      x.reset();
      if (has) x = T{};
    }
    if (has) a(*x.room_);
  }

 private:
  std::unique_ptr<T> room_;
  bool has_ = false;
};

}  // namespace homeostat
