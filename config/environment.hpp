// Substitution of environment variables: `${NAME}` and `${NAME:-default}` in a configuration's values.
//
// It happens on the text, before YAML sees it, and never again: the text after substitution is what is
// validated, digested, journaled and replayed, so that a replay does not depend on an environment.
// Comments are left alone. A value may not bring YAML structure along (line breaks, `: `, ` #`, braces,
// quotes ...): a variable fills in a value, it does not write configuration. The text is stored: a secret may
// stand in a provider's address, from which it is taken out (config/secrets.hpp), and nowhere else.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.hpp"

namespace homeostat::config {

/// The value of a variable, or none if it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

/// The process's own environment.
[[nodiscard]] Environment process_environment();

/// What stands in the text for a reference that could not be resolved, so that the rest can still be
/// checked; the error is already reported.
inline constexpr std::string_view kUnresolved = "__unresolved__";

class Substituted {
 public:
  std::string text;
  std::vector<YamlError> errors;  ///< by their place in the text as it was before

  /// The place before substitution of a place in `text`.
  [[nodiscard]] Mark original(Mark mark) const;

 private:
  friend Substituted substitute(std::string_view text, const Environment& environment);
  void add_line(std::size_t number, std::string_view line, const Environment& environment);

  struct Replacement {
    std::size_t line;
    std::size_t column_before, size_before;
    std::size_t column_after, size_after;
  };
  std::vector<Replacement> replacements_;  ///< in the order of the text
};

/// An empty variable counts as not set, as the shell's `:-` has it.
[[nodiscard]] Substituted substitute(std::string_view text, const Environment& environment);

}  // namespace homeostat::config
