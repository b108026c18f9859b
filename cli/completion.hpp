// Shell completion, generated from the same command tree that parses the line, so that it cannot lag behind. Names of
// parameters, loops, metrics and sources are asked from the daemon (homeostat names), silently nothing without one.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace homeostat::cli {

[[nodiscard]] std::string bash_completion(const CLI::App& root);
[[nodiscard]] std::string zsh_completion(const CLI::App& root);
[[nodiscard]] std::string fish_completion(const CLI::App& root);

}  // namespace homeostat::cli
