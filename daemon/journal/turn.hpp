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
    std::unique_lock lock(x_mutex);
    const std::uint64_t ticket = x_next_ticket++;
    x_changed.wait(lock, [&] { return x_serving == ticket; });
  }
  void unlock() {
    {
      const std::lock_guard lock(x_mutex);
      ++x_serving;
    }
    x_changed.notify_all();
  }

 private:
  std::mutex x_mutex;
  std::condition_variable x_changed;
  std::uint64_t x_next_ticket = 0;
  std::uint64_t x_serving = 0;
};

}  // namespace homeostat::journal
