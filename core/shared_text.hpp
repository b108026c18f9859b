// SharedText: a text that is made once and kept in many places, such as the names in a decision record. A copy shares
// it, so it costs a counter instead of an allocation; it never changes once made. Archived as a string.
#pragma once

#include <cstring>
#include <new>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "core/check.hpp"
#include "core/pile.hpp"
#include "core/prefetch.hpp"

namespace homeostat {

class SharedText {
 public:
  SharedText() = default;  ///< empty
  // Implicit, as from one string to another.
  SharedText(std::string_view text) : SharedText(text, nullptr) {}             // NOLINT(google-explicit-constructor)
  SharedText(const std::string& text) : SharedText(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
  SharedText(const char* text) : SharedText(std::string_view(text)) {}         // NOLINT(google-explicit-constructor)
  /// Made in a pile, beside what else is made there.
  SharedText(std::string_view text, Pile* pile) {
    if (text.empty()) return;
    HOMEOSTAT_CHECK(text.size() < UINT32_MAX - sizeof(Head));
    std::uint32_t place = 0;
    head_ = new (Pile::room(pile, sizeof(Head) + text.size(), place)) Head{{}, static_cast<std::uint32_t>(text.size())};
    head_->place = place;
    std::memcpy(head_->characters(), text.data(), text.size());
  }
  SharedText(const SharedText& o) : head_(o.head_) {
    if (head_ != nullptr) head_->share();
  }
  SharedText(SharedText&& o) noexcept : head_(std::exchange(o.head_, nullptr)) {}
  SharedText& operator=(const SharedText& o) {
    if (head_ != o.head_) SharedText(o).swap(*this);
    return *this;
  }
  SharedText& operator=(SharedText&& o) noexcept {
    SharedText(std::move(o)).swap(*this);
    return *this;
  }
  ~SharedText() {
    if (head_ != nullptr && head_->leave()) Pile::drop(head_, head_->place);
  }

  [[nodiscard]] std::string_view view() const {
    return head_ == nullptr ? std::string_view() : std::string_view(head_->characters(), head_->size);
  }
  [[nodiscard]] std::string str() const { return std::string(view()); }
  operator std::string_view() const { return view(); }  // NOLINT(google-explicit-constructor)
  operator std::string() const { return str(); }        // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool empty() const { return head_ == nullptr; }
  /// Its counter and first characters, for a copy or a drop that is to come.
  void prefetch() const { homeostat::prefetch(head_, kCacheLine); }
  void swap(SharedText& o) noexcept { std::swap(head_, o.head_); }

  friend bool operator==(const SharedText& a, const SharedText& b) {
    return a.head_ == b.head_ || a.view() == b.view();
  }
  friend std::ostream& operator<<(std::ostream& out, const SharedText& x) { return out << x.view(); }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    if constexpr (requires { a.fail(); }) {  // a reader
      std::string text;
      a(text);
      x = SharedText(text);
    } else {
      a(x.view());
    }
  }

 private:
  struct Head : Shared {
    std::uint32_t size = 0;

    [[nodiscard]] char* characters() { return reinterpret_cast<char*>(this + 1); }
  };
  Head* head_ = nullptr;  ///< none = empty
};

}  // namespace homeostat
