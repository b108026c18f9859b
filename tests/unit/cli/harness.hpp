// Runs the command in this process, with strings for its streams and a clock that stands still.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/exit_codes.hpp"

namespace homeostat::cli::test {

struct Ran {
  ExitCode code = ExitCode::ok;
  std::string out;
  std::string err;
};

struct Terminal {
  bool is_terminal = false;
  std::size_t columns = 0;
  std::size_t rows = 0;
  std::string typed;  ///< on stdin
  std::map<std::string, std::string> environment{{"USER", "ada"}};
};

/// The time is 2026-01-31T12:00:10Z.
[[nodiscard]] Ran run_command(const std::vector<std::string>& arguments, const Terminal& terminal = {});

/// The text of tests/unit/cli/golden/`name`. With UPDATE_GOLDEN in the environment it is written instead.
void expect_golden(const std::string& name, const std::string& text);

}  // namespace homeostat::cli::test
