// SharedText: a text that is made once and kept in many places, such as the names in a decision record. A copy shares
// it, so it costs a counter instead of an allocation; it never changes once made. Archived as a string.
#pragma once

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace homeostat {

class SharedText {
 public:
  SharedText() = default;  ///< empty
  // Implicit, as from one string to another.
  SharedText(std::string_view text) : size_(text.size()) {  // NOLINT(google-explicit-constructor)
    if (text.empty()) return;
    auto characters = std::make_shared_for_overwrite<char[]>(text.size());
    std::copy(text.begin(), text.end(), characters.get());
    text_ = std::move(characters);
  }
  SharedText(const std::string& text) : SharedText(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
  SharedText(const char* text) : SharedText(std::string_view(text)) {}         // NOLINT(google-explicit-constructor)

  [[nodiscard]] std::string_view view() const { return {text_.get(), size_}; }
  [[nodiscard]] std::string str() const { return std::string(view()); }
  operator std::string_view() const { return view(); }  // NOLINT(google-explicit-constructor)
  operator std::string() const { return str(); }        // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool empty() const { return size_ == 0; }

  friend bool operator==(const SharedText& a, const SharedText& b) { return a.view() == b.view(); }
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
  std::shared_ptr<const char[]> text_;
  std::size_t size_ = 0;
};

}  // namespace homeostat
