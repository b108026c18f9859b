// The command line as a whole: builds the tree of commands, parses, runs one of them.
#pragma once

#include <string>
#include <vector>

#include "cli/console.hpp"
#include "cli/exit_codes.hpp"

namespace homeostat::cli {

/// Runs `homeostat ARGUMENTS...` (without the program's name). Never throws; prints its own errors to `console.err`.
[[nodiscard]] ExitCode run(const std::vector<std::string>& arguments, Console& console);

}  // namespace homeostat::cli
