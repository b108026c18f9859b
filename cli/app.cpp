#include "cli/app.hpp"

#include <algorithm>
#include <ostream>

#include "cli/commands/context.hpp"
#include "cli/help.hpp"
#include "core/format.hpp"
#include "core/text.hpp"

namespace homeostat::cli {
namespace {

void add_options(CLI::App& root, Context& context) {
  Options& o = context.options;
  root.add_flag("--json", o.json, "JSON on stdout, for programs (docs/cli.md)");
  root.add_option("--endpoint", o.endpoint, "of the daemon; default 127.0.0.1:7400, or HOMEOSTAT_ENDPOINT")
      ->type_name("HOST:PORT");
  root.add_option("--timeout", o.timeout, "of each call to the daemon; default 5s")->type_name("DURATION");
  root.add_option("--ca", o.ca_path, "PEM file: talk TLS and trust this authority")->type_name("FILE");
  root.add_option("--cert", o.certificate_path, "PEM file: who we are (mutual TLS)")->type_name("FILE");
  root.add_option("--key", o.key_path, "PEM file: the certificate's key")->type_name("FILE");
  root.add_flag("--no-color", o.no_colour, "never colour (NO_COLOR does the same)");
}

void read_environment(Context& context) {
  const auto variable = [&](const char* name) { return context.console.environment(name).value_or(""); };
  if (const std::string endpoint = variable("HOMEOSTAT_ENDPOINT"); !endpoint.empty())
    context.options.endpoint = endpoint;
  context.console.colour_wanted = variable("NO_COLOR").empty();
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// The words an unknown word could have meant: sub-commands, or options of the command and of the root.
std::vector<std::string> candidates(const CLI::App& root, const CLI::App& command, bool option) {
  std::vector<std::string> names;
  if (!option) {
    for (const CLI::App* sub : commands_of(command)) names.push_back(sub->get_name());
    return names;
  }
  for (const CLI::App* app : {&command, &root}) {
    for (const CLI::Option* o : app->get_options()) {
      for (const std::string& name : o->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

/// The innermost command that was recognised on the line.
const CLI::App& innermost(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : innermost(*parsed.front());
}

/// `-.02` as `-0.02`: the parser knows a negative number by the digit behind its sign.
std::string with_leading_zero(const std::string& word) {
  const bool is_short = word.size() > 2 && word[0] == '-' && word[1] == '.' && word[2] >= '0' && word[2] <= '9';
  return is_short ? "-0" + word.substr(1) : word;
}

std::string usage_message(const CLI::App& root, const CLI::ParseError& error,
                          const std::vector<std::string>& arguments) {
  const CLI::App& command = innermost(root);
  const auto left = root.remaining(true);
  const std::string hint = fmt::format(" (see {} --help)", full_name(command));
  if (left.empty()) return fmt::format("{}: {}{}", full_name(command), error.what(), hint);
  const std::string& word = left.front();
  const bool option = word.rfind("-", 0) == 0;
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (option && std::find(dashes, arguments.end(), word) != arguments.end()) {
    return fmt::format("{}: '{}' stands behind '--', where nothing is an option; write it before{}", full_name(command),
                       printable(word), hint);
  }
  const std::string what = option ? "option" : commands_of(command).empty() ? "argument" : "command";
  std::string message = fmt::format("{}: unknown {} '{}'", full_name(command), what, printable(word));
  return message + did_you_mean(word, candidates(root, command, option)) + hint;
}

ExitCode parse_and_run(CLI::App& root, Context& context, const std::vector<std::string>& arguments) {
  std::ostream& err = context.console.err;
  try {
    std::vector<std::string> words(arguments.rbegin(), arguments.rend());
    for (std::string& word : words) word = with_leading_zero(word);
    root.parse(std::move(words));
    return context.exit;
  } catch (const CLI::CallForHelp&) {
    context.print(help_text(innermost(root)));
    return ExitCode::ok;
  } catch (const CLI::ParseError& error) {
    if (arguments.empty()) {
      err << help_text(root);
    } else {
      err << usage_message(root, error, arguments) << '\n';
    }
    return ExitCode::usage;
  }
}

}  // namespace

ExitCode run(const std::vector<std::string>& arguments, Console& console) {
  Context context{.console = console};
  read_environment(context);
  CLI::App root("Reads, steers and proves a Homeostat daemon.", "homeostat");
  context.root = &root;
  root.formatter(make_help_formatter());
  root.fallthrough();
  root.require_subcommand(1);
  root.set_help_flag("-h,--help", "what a command does, with examples");
  add_state_commands(root, context);
  add_decision_commands(root, context);
  add_watch_command(root, context);
  add_guardian_commands(root, context);
  add_admin_commands(root, context);
  add_check_command(root, context);
  add_replay_command(root, context);
  add_audit_commands(root, context);
  add_shadow_commands(root, context);
  add_incidents_command(root, context);
  add_conformance_command(root, context);
  add_economy_commands(root, context);
  add_journal_commands(root, context);
  add_help_commands(root, context);
  add_options(root, context);
  try {
    return parse_and_run(root, context, arguments);
  } catch (const std::exception& error) {
    // Nothing of ours throws; this is the standard library out of memory or a broken stream.
    console.err << "homeostat: " << error.what() << '\n';
    return ExitCode::error;
  }
}

Outcome<Client> Context::client() const {
  const auto timeout = parse_duration(options.timeout);
  if (!timeout) return stop(ExitCode::usage, "--timeout: " + timeout.error().message);
  if (*timeout <= Duration::zero()) return stop(ExitCode::usage, "--timeout: must be longer than zero");
  return Client::make({.endpoint = options.endpoint,
                       .timeout = *timeout,
                       .ca_path = options.ca_path,
                       .certificate_path = options.certificate_path,
                       .key_path = options.key_path});
}

void Context::print(std::string_view text) const {
  console.out << text;
  console.out.flush();
}

void Context::say(std::string_view text) const {
  console.err << printable(text, Keep::lines) << '\n';
}

CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name, const std::string& description,
                      const std::vector<std::string>& examples, std::function<Outcome<>()> action) {
  CLI::App* app = add_group(parent, name, description, examples);
  app->require_subcommand(0, 0);
  app->callback([&context, action = std::move(action)] {
    if (context.options.no_colour) context.console.colour_wanted = false;
    if (const auto done = action(); !done) {
      context.say("homeostat: " + done.error().message);
      context.exit = done.error().code;
    }
  });
  return app;
}

CLI::App* add_group(CLI::App& parent, const std::string& name, const std::string& description,
                    const std::vector<std::string>& examples) {
  CLI::App* app = parent.add_subcommand(name, description);
  app->fallthrough();
  app->require_subcommand(1);
  std::string footer;
  for (const std::string& example : examples) footer += "  " + example + "\n";
  app->footer(footer);
  return app;
}

}  // namespace homeostat::cli
