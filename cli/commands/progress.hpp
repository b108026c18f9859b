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
  Progress(const Console& console, std::string what) : x_console(console), x_what(std::move(what)) {}

  void show(std::uint64_t done, std::uint64_t total) {
    if (!x_console.err_is_terminal || total == 0) return;
    const Instant now = x_console.now();
    if (now - x_shown < kShowEvery) return;
    x_shown = now;
    x_console.err << fmt::format("\r\x1b[K{}: {} of {} ({}%)", x_what, done, total, done * 100 / total) << std::flush;
  }
  /// Removes the line.
  void end() {
    if (!x_shown.is_never()) x_console.err << "\r\x1b[K" << std::flush;
  }

 private:
  static constexpr Duration kShowEvery = Duration::milliseconds(100);
  const Console& x_console;
  std::string x_what;
  Instant x_shown;
};

}  // namespace homeostat::cli
