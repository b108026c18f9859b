// What every command gets, and how a command joins the tree: one function per group, listed in app.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/client.hpp"
#include "cli/console.hpp"
#include "cli/exit_codes.hpp"

namespace homeostat::cli {

/// Options valid for every command.
struct Options {
  std::string endpoint = kDefaultEndpoint;
  std::string timeout = "5s";
  std::string ca_path;
  std::string certificate_path;
  std::string key_path;
  bool json = false;
  bool no_colour = false;
};

struct Context {
  Console& console;
  Options options;
  const CLI::App* root = nullptr;
  ExitCode exit = ExitCode::ok;

  /// A client for the endpoint of the options; connects on its first call.
  [[nodiscard]] Outcome<Client> client() const;

  /// Prints to stdout: the text as it is.
  void print(std::string_view text) const;
  void print_line(std::string_view text) const { print(std::string(text) + "\n"); }
  /// One message to the person, on stderr.
  void say(std::string_view text) const;
};

/// One call to the daemon of the options.
template <class Request>
[[nodiscard]] auto fetch(const Context& context, const Request& request)
    -> decltype(std::declval<Client&>().call(request)) {
  auto client = context.client();
  if (!client) return tl::make_unexpected(client.error());
  return client->call(request);
}

/// Adds a command: its one-line description, examples for its --help, and what it does once the line is parsed.
CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name, const std::string& description,
                      const std::vector<std::string>& examples, std::function<Outcome<>()> action);
/// Adds a command that only holds others, such as `guardian`.
CLI::App* add_group(CLI::App& parent, const std::string& name, const std::string& description,
                    const std::vector<std::string>& examples);

void add_state_commands(CLI::App& root, Context& context);       // status metrics loops parameters sources
void add_decision_commands(CLI::App& root, Context& context);    // adjustments explain why preview
void add_watch_command(CLI::App& root, Context& context);        // watch
void add_guardian_commands(CLI::App& root, Context& context);    // guardian ...
void add_approval_commands(CLI::App& group, Context& context);   // guardian key pending submit approve reject ...
void add_admin_commands(CLI::App& root, Context& context);       // reload config backup log-level version
void add_check_command(CLI::App& root, Context& context);        // check
void add_replay_command(CLI::App& root, Context& context);       // replay
void add_audit_commands(CLI::App& root, Context& context);       // audit ...
void add_shadow_commands(CLI::App& root, Context& context);      // shadow ...
void add_incidents_command(CLI::App& root, Context& context);    // incidents
void add_economy_commands(CLI::App& root, Context& context);     // economy
void add_conformance_command(CLI::App& root, Context& context);  // conformance
void add_journal_commands(CLI::App& root, Context& context);     // journal ...
void add_help_commands(CLI::App& root, Context& context);        // help completion names

}  // namespace homeostat::cli
