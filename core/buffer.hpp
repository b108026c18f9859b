// Buffer: bytes that are written one after another, in room that grows by doubling and is kept when it begins anew. A
// write is a store in place, not a call as std::string's append is: a decision makes a hundred of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace homeostat {

class Buffer {
 public:
  /// Valid until the next write.
  [[nodiscard]] std::string_view view() const { return {room_.data(), size_}; }
  /// What was written; begins anew.
  [[nodiscard]] std::string take() {
    room_.resize(std::exchange(size_, 0));
    return std::exchange(room_, {});
  }
  void clear() { size_ = 0; }
  /// Room for that many bytes in all; a hint.
  void reserve(std::size_t size) {
    if (size > room_.size()) room_.resize(size);
  }

  [[gnu::always_inline]] void push(char byte) {
    *room(1) = byte;
    ++size_;
  }
  [[gnu::always_inline]] void append(const void* data, std::size_t size) {
    if (size == 0) return;  // an empty text may be at no address at all, which memcpy must not be given
    std::memcpy(room(size), data, size);
    size_ += size;
  }
  Buffer& append(std::string_view text) {
    append(text.data(), text.size());
    return *this;
  }
  /// Where the next bytes go, at least `size` of them; `used` says how many it were.
  [[nodiscard]] [[gnu::always_inline]] char* room(std::size_t size) {
    if (room_.size() - size_ < size) grow(size);
    return room_.data() + size_;
  }
  void used(std::size_t size) { size_ += size; }

 private:
  static constexpr std::size_t kRoomMin = 128;
  [[gnu::noinline]] void grow(std::size_t size) { room_.resize(std::max({kRoomMin, 2 * room_.size(), size_ + size})); }

  std::string room_;  ///< its size is the room there is
  std::size_t size_ = 0;
};

}  // namespace homeostat
