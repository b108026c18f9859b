// One writer per journal: an exclusive flock on a file that names its holder's pid. The kernel lets go
// of it when the process ends in whatever way, so a crash never leaves a stale lock.
#pragma once

#include <filesystem>

#include "core/result.hpp"

namespace homeostat::journal {

class LockFile {
 public:
  /// Error conflict names the pid that holds the lock.
  [[nodiscard]] static Result<LockFile> take(const std::filesystem::path& file);
  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace homeostat::journal
