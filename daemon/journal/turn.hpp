// Who may write next. SQLite lets one connection write at a time and makes the others poll; the writer
// and the keeper instead take turns here, first come first served, so that neither waits for more than
// one transaction of the other.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace homeostat::journal {

/// BasicLockable; for std::lock_guard.
class Turn {
 public:
  void lock() {
    std::unique_lock lock(mutex_);
    const std::uint64_t ticket = next_ticket_++;
    changed_.wait(lock, [&] { return serving_ == ticket; });
  }
  void unlock() {
    {
      const std::lock_guard lock(mutex_);
      ++serving_;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t serving_ = 0;
};

}  // namespace homeostat::journal
