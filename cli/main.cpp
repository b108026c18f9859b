#include "cli/app.hpp"

int main(int argc, char** argv) {
  auto console = homeostat::cli::make_process_console();
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return static_cast<int>(homeostat::cli::run(arguments, console));
}
