// --help of every command, in one shape: what it does, usage, arguments, options, examples; at most 40 lines.
#pragma once

#include <memory>
#include <string>

namespace CLI {
class App;
class FormatterBase;
}  // namespace CLI

namespace homeostat::cli {

/// Columns of help text; fixed, so that help reads the same everywhere.
inline constexpr unsigned kHelpWidth = 100;

[[nodiscard]] std::shared_ptr<CLI::FormatterBase> make_help_formatter();
/// The same text that `--help` prints.
[[nodiscard]] std::string help_text(const CLI::App& app);
/// "homeostat guardian pause"
[[nodiscard]] std::string full_name(const CLI::App& app);

}  // namespace homeostat::cli
