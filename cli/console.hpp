// Where the command reads and writes, and what it may know of its surroundings. Tests build one of strings; main
// builds one of the process. Results go to `out`, and only results; everything said to a person beside them to `err`.
#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "cli/table.hpp"
#include "core/time.hpp"

namespace homeostat::cli {

struct Console {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool in_is_terminal = false;
  std::function<std::optional<std::string>(const char* name)> environment;
  std::function<Instant()> now;
  /// Columns and rows of the terminal now; {0, 0} = not a terminal, unlimited.
  std::function<std::pair<std::size_t, std::size_t>()> size;
  bool colour_wanted = true;  ///< false by --no-color or NO_COLOR

  [[nodiscard]] bool has_colour() const { return out_is_terminal && colour_wanted; }
  [[nodiscard]] TableStyle table_style() const { return {size().first, has_colour()}; }
  [[nodiscard]] std::string tone(std::string_view text, Tone t) const { return toned(text, t, has_colour()); }
};

/// The console of this process: cin, cout, cerr, the environment, the system clock.
[[nodiscard]] Console make_process_console();

}  // namespace homeostat::cli
