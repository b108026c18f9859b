// Pile: room for small things that are made one after another and live about as long, such as the texts and terms of a
// tick's records. They lie side by side in blocks, so making one costs an addition instead of an allocation, and
// reading them in the order in which they were made is one walk through memory.
//
// Each thing has a Shared header in front and is counted by itself; its block counts the things in it that are still
// alive and goes with the last. What is kept of a block keeps all of it: at most kBlockSize for each thing that is
// kept, however small it is.
//
// One thread makes things in a pile; any thread may drop them. A copy of a pile is a new one, with nothing in it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace homeostat {

/// In front of everything that is shared by counting. Made with a count of one.
struct Shared {
  std::atomic<std::uint32_t> count{1};
  std::uint32_t place = 0;  ///< bytes from the beginning of its block; 0 = it has an allocation of its own

  void share() { count.fetch_add(1, std::memory_order_relaxed); }
  /// True if that was the last: what it is in front of has to be destroyed, and dropped.
  [[nodiscard]] bool leave() {
    // The only one that there is needs no other thread's word for it.
    return count.load(std::memory_order_acquire) == 1 || count.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  [[nodiscard]] bool is_only() const { return count.load(std::memory_order_acquire) == 1; }
};

class Pile {
 public:
  /// The most that is kept alive by one small thing; twice as much would save little more, as a block holds the things
  /// of some six records.
  static constexpr std::size_t kBlockSize = 4096 - 16;  // with the allocator's own header a page
  static constexpr std::size_t kAlignment = 16;

  Pile() = default;
  Pile(const Pile&) {}
  Pile(Pile&& o) noexcept : block_(o.block_), used_(o.used_), made_(o.made_) { o.block_ = nullptr; }
  Pile& operator=(const Pile&) { return *this; }
  Pile& operator=(Pile&& o) noexcept {
    if (this == &o) return *this;
    close();
    block_ = o.block_, used_ = o.used_, made_ = o.made_;
    o.block_ = nullptr;
    return *this;
  }
  ~Pile() { close(); }

  /// Room for `size` bytes whose header says where they lie. Without a pile, and for what is as large as a block, an
  /// allocation of its own.
  [[nodiscard]] static void* room(Pile* pile, std::size_t size, std::uint32_t& place) {
    size = (size + kAlignment - 1) / kAlignment * kAlignment;
    place = 0;
    if (pile == nullptr || size > kBlockSize / 2) return ::operator new(size);
    if (pile->block_ == nullptr || kBlockSize - pile->used_ < size) pile->open();
    place = static_cast<std::uint32_t>(pile->used_);
    void* const at = reinterpret_cast<char*>(pile->block_) + pile->used_;
    pile->used_ += size;
    ++pile->made_;
    return at;
  }

  /// Gives back what `room` gave.
  static void drop(void* at, std::uint32_t place) {
    if (place == 0) return ::operator delete(at);
    auto* const block = reinterpret_cast<Block*>(static_cast<char*>(at) - place);
    if (block->alive.fetch_sub(1, std::memory_order_acq_rel) == 1) ::operator delete(block);
  }

 private:
  struct alignas(kAlignment) Block {
    std::atomic<std::int64_t> alive{kOpen};
  };
  /// While things are made in a block it counts as if so many of them were alive, so making one changes no counter.
  static constexpr std::int64_t kOpen = std::int64_t{1} << 40;

  void open() {
    close();
    block_ = new (::operator new(kBlockSize)) Block;
    used_ = sizeof(Block);
    made_ = 0;
  }
  void close() {
    if (block_ == nullptr) return;
    const std::int64_t unmade = kOpen - made_;
    if (block_->alive.fetch_sub(unmade, std::memory_order_acq_rel) == unmade) ::operator delete(block_);
    block_ = nullptr;
  }

  Block* block_ = nullptr;
  std::size_t used_ = 0;   ///< bytes of the block
  std::int64_t made_ = 0;  ///< things in the block
};

}  // namespace homeostat
