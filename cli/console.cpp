#include "cli/console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

namespace homeostat::cli {

Console make_process_console() {
  const bool out_is_terminal = isatty(STDOUT_FILENO) == 1;
  return Console{
      .out = std::cout,
      .err = std::cerr,
      .in = std::cin,
      .out_is_terminal = out_is_terminal,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
      .in_is_terminal = isatty(STDIN_FILENO) == 1,
      .environment = [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
      },
      .now =
          [] {
            const auto since = std::chrono::system_clock::now().time_since_epoch();
            return Instant{std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
          },
      .size = [out_is_terminal]() -> std::pair<std::size_t, std::size_t> {
        winsize window{};
        if (!out_is_terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0) return {0, 0};
        return {window.ws_col, window.ws_row};
      },
  };
}

}  // namespace homeostat::cli
