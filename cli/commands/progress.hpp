// How far a long offline command has come: a line on stderr that rewrites itself, on a terminal only.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "cli/console.hpp"

namespace homeostat::cli {

class Progress {
 public:
  Progress(const Console& console, std::string what) : console_(console), what_(std::move(what)) {}

  void show(std::uint64_t done, std::uint64_t total) {
    if (!console_.err_is_terminal || total == 0) return;
    const Instant now = console_.now();
    if (now - shown_ < kShowEvery) return;
    shown_ = now;
    console_.err << fmt::format("\r\x1b[K{}: {} of {} ({}%)", what_, done, total, done * 100 / total) << std::flush;
  }
  /// Removes the line.
  void end() {
    if (!shown_.is_never()) console_.err << "\r\x1b[K" << std::flush;
  }

 private:
  static constexpr Duration kShowEvery = Duration::milliseconds(100);
  const Console& console_;
  std::string what_;
  Instant shown_;
};

}  // namespace homeostat::cli
