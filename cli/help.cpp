#include "cli/help.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/table.hpp"

namespace homeostat::cli {
namespace {

/// Name, and what it means beside it.
using Rows = std::vector<std::pair<std::string, std::string>>;

std::string section(const std::string& title, const Rows& rows) {
  if (rows.empty()) return "";
  Table table({{""}, {""}, {""}});
  for (const auto& [name, meaning] : rows) table.add({{""}, {name}, {meaning}});
  return fmt::format("\n{}:\n{}", title, table.render({}));
}

std::string argument_name(const CLI::Option& option) {
  const std::string name = option.get_type_name();
  return name.empty() ? "VALUE" : name;
}

Rows option_rows(const CLI::App& app) {
  Rows rows;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() || option->get_group().empty()) continue;
    std::string name = option->get_name(false, true);
    std::replace(name.begin(), name.end(), ',', ' ');
    if (option->get_items_expected_max() > 0) name += " " + argument_name(*option);
    rows.emplace_back(std::move(name), option->get_description() + (option->get_required() ? " (required)" : ""));
  }
  return rows;
}

Rows positional_rows(const CLI::App& app) {
  Rows rows;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) rows.emplace_back(option->get_single_name(), option->get_description());
  }
  return rows;
}

std::string usage(const CLI::App& app) {
  std::string text = full_name(app);
  if (!option_rows(app).empty()) text += " [OPTIONS]";
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    text += option->get_required() ? " " + option->get_single_name() : " [" + option->get_single_name() + "]";
  }
  if (!app.get_subcommands([](const CLI::App*) { return true; }).empty()) text += " COMMAND";
  return text;
}

class HelpFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string /*name*/, CLI::AppFormatMode /*mode*/) const override {
    const bool is_root = app->get_parent() == nullptr;
    Rows commands;
    for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; })) {
      if (!sub->get_group().empty()) commands.emplace_back(sub->get_name(), sub->get_description());
    }
    std::string text = fmt::format("{}\n\nUsage: {}\n", app->get_description(), usage(*app));
    text += section("Arguments", positional_rows(*app));
    text += section("Commands", commands);
    text += section("Options", option_rows(*app));
    if (const std::string examples = app->get_footer(); !examples.empty()) text += "\nExamples:\n" + examples;
    text += is_root ? "\nMore: homeostat COMMAND --help, homeostat help exit-codes\n"
                    : "\nFor every command: --json --endpoint --timeout --ca --cert --key (see homeostat --help)\n";
    return text;
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> make_help_formatter() {
  return std::make_shared<HelpFormatter>();
}

std::string help_text(const CLI::App& app) {
  return HelpFormatter().make_help(&app, "", CLI::AppFormatMode::Normal);
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

}  // namespace homeostat::cli
