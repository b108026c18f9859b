// check: a configuration file, judged by the loader that the daemon uses. Every error with its line and a caret under
// the place; or what the file would do: speeds, thresholds, margins of stability.
#include <fstream>
#include <iterator>

#include "cli/commands/context.hpp"
#include "cli/json.hpp"
#include "config/config.hpp"
#include "config/describe.hpp"

namespace homeostat::cli {
namespace {

using config::Diagnostic;

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; lines.size() < 1'000'000 && std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// The line of the file and a caret under the column, which counts characters.
std::string excerpt(const std::vector<std::string>& lines, const Diagnostic& d) {
  if (d.line == 0 || d.line > lines.size()) return "";
  const std::string line = printable(lines[d.line - 1]);
  std::size_t bytes = 0;
  for (std::size_t column = 1; column < d.column && bytes < line.size(); ++column) {
    do ++bytes;
    while (bytes < line.size() && (static_cast<unsigned char>(line[bytes]) & 0xc0) == 0x80);
  }
  return "    " + line + "\n    " + std::string(display_width(std::string_view(line).substr(0, bytes)), ' ') + "^\n";
}

std::string json_of(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& d : diagnostics) {
    out += fmt::format(
        "{}\n    {{\"file\": {}, \"line\": {}, \"column\": {}, \"path\": {}, \"message\": {}, \"nearest\": {}}}",
        out.empty() ? "" : ",", quoted(d.file), d.line, d.column, quoted(d.path), quoted(d.message), quoted(d.nearest));
  }
  return out.empty() ? "[]" : "[" + out + "\n  ]";
}

std::string summary(const config::ValidConfig& valid) {
  std::string out;
  if (!valid.policy()->guardian.keys.empty()) {
    out = fmt::format("fingerprint {} (what guardian allow-policy signs)\n", guardian::fingerprint(valid.text()));
  }
  return out + to_text(describe(valid));
}

Outcome<> check(Context& context, const std::string& path) {
  const auto loaded = config::load_file(path);
  const std::vector<Diagnostic> none;
  const auto& errors = loaded ? none : loaded.error();
  const auto& warnings = loaded ? loaded->warnings() : none;
  if (context.options.json) {
    context.print_line(
        fmt::format("{{\n  \"valid\": {},\n  \"digest\": {},\n  \"fingerprint\": {},\n  \"errors\": {},\n  "
                    "\"warnings\": {},\n  \"policy\": {}\n}}",
                    loaded.has_value(), loaded ? quoted(loaded->digest()) : "null",
                    loaded ? quoted(guardian::fingerprint(loaded->text())) : "null", json_of(errors), json_of(warnings),
                    loaded ? to_json(describe(*loaded)) : "null"));
  } else {
    const auto lines = lines_of(path);
    for (const Diagnostic& d : errors) context.say(d.text() + "\n" + excerpt(lines, d));
    for (const Diagnostic& d : warnings) context.say("warning: " + d.text() + "\n" + excerpt(lines, d));
    if (loaded) context.print(printable(fmt::format("{}: valid\n{}", path, summary(*loaded)), Keep::lines));
  }
  if (loaded) return {};
  return stop(ExitCode::refused, fmt::format("{}: {} error{}", path, errors.size(), errors.size() == 1 ? "" : "s"));
}

}  // namespace

void add_check_command(CLI::App& root, Context& context) {
  const auto path = std::make_shared<std::string>();
  CLI::App* app =
      add_command(root, context, "check", "Check a configuration file: every error with its place, or what it would do",
                  {"homeostat check config/streaming.yaml", "homeostat check new.yaml --json | jq '.errors[].message'",
                   "homeostat check new.yaml --json | jq '.policy.loops[] | {name, stability}'"},
                  [&context, path] { return check(context, *path); });
  app->add_option("FILE", *path, "the configuration, YAML")->required();
}

}  // namespace homeostat::cli
