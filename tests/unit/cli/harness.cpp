#include "harness.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cli/app.hpp"
#include "core/format.hpp"

namespace homeostat::cli::test {

Ran run_command(const std::vector<std::string>& arguments, const Terminal& terminal) {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in(terminal.typed);
  Console console{.out = out,
                  .err = err,
                  .in = in,
                  .out_is_terminal = terminal.is_terminal,
                  .err_is_terminal = terminal.is_terminal,
                  .in_is_terminal = terminal.is_terminal,
                  .environment = [&](const char* name) -> std::optional<std::string> {
                    const auto found = terminal.environment.find(name);
                    return found == terminal.environment.end() ? std::nullopt : std::optional(found->second);
                  },
                  .now = [] { return *parse_instant("2026-01-31T12:00:10Z"); },
                  .size = [&] { return std::pair(terminal.columns, terminal.rows); }};
  const ExitCode code = cli::run(arguments, console);
  return {code, out.str(), err.str()};
}

void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = "tests/unit/cli/golden/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path << " is missing; run with UPDATE_GOLDEN=1 and read what it wrote";
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text) << path;
}

}  // namespace homeostat::cli::test
