// reload, config, backup, log-level, version: running the daemon.
#include "cli/commands/context.hpp"
#include "cli/format.hpp"
#include "cli/json.hpp"

#ifndef HOMEOSTAT_VERSION
#error "HOMEOSTAT_VERSION comes from the build"
#endif

namespace homeostat::cli {
namespace {

Outcome<> reload(Context& context) {
  const auto answer = fetch(context, v1::ReloadRequest{});
  if (!answer) {
    // The daemon refuses a wrong file as a failed precondition; for the caller it is an invalid configuration.
    const bool invalid = answer.error().code == ExitCode::conflict;
    return stop(invalid ? ExitCode::refused : answer.error().code, answer.error().message);
  }
  if (context.options.json) context.print_line(pretty_json(*answer));
  for (const std::string& error : answer->errors()) context.say(error);
  if (!answer->errors().empty()) {
    return stop(ExitCode::refused, "the file has errors; the last good configuration stays in force");
  }
  if (!context.options.json) {
    context.print_line(
        answer->changed() ? fmt::format("in force from the next tick: generation {}, digest {}", answer->generation(),
                                        answer->digest())
                          : fmt::format("unchanged: generation {}, digest {}", answer->generation(), answer->digest()));
  }
  return {};
}

Outcome<> show_config(Context& context) {
  const auto answer = fetch(context, v1::GetConfigRequest{});
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(*answer));
    return {};
  }
  context.say(fmt::format("# {}, generation {}, digest {}", answer->path(), answer->generation(), answer->digest()));
  if (answer->last_reload_failed()) context.say("# the last reload failed:");
  for (const std::string& error : answer->last_errors()) context.say("#   " + error);
  context.print(printable(answer->text(), Keep::lines));
  return {};
}

Outcome<> backup(Context& context, const std::string& name) {
  v1::BackupRequest request;
  request.set_name(name);
  const auto answer = fetch(context, request);
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(*answer));
  } else {
    context.print_line(printable(fmt::format("{} on the daemon's machine: {} bytes, inputs up to {}", answer->path(),
                                             grouped(answer->bytes()), grouped(answer->sequence()))));
  }
  return {};
}

Outcome<> log_level(Context& context, const std::string& level) {
  v1::SetLogLevelRequest request;
  request.set_level(level);
  const auto answer = fetch(context, request);
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(*answer));
  } else {
    context.print_line(printable(fmt::format("{} (was {})", level, answer->previous())));
  }
  return {};
}

/// The command's own version always; the daemon's if one answers, which is no error if none does.
Outcome<> version(Context& context, bool client_only) {
  Outcome<v1::GetVersionResponse> daemon = stop(ExitCode::unavailable, "not asked");
  if (!client_only) daemon = fetch(context, v1::GetVersionRequest{});
  if (context.options.json) {
    context.print_line(fmt::format("{{\n  \"command\": {},\n  \"daemon\": {}\n}}", quoted(HOMEOSTAT_VERSION),
                                   daemon ? line_json(*daemon) : "null"));
    return {};
  }
  context.print_line(fmt::format("homeostat {}", HOMEOSTAT_VERSION));
  if (daemon) {
    context.print_line(printable(fmt::format("homeostatd {} at {} ({}, {})", daemon->version(),
                                             context.options.endpoint, daemon->compiler(), daemon->build_type())));
  } else if (!client_only) {
    context.say(daemon.error().message);
  }
  return {};
}

}  // namespace

void add_admin_commands(CLI::App& root, Context& context) {
  add_command(root, context, "reload", "Read the configuration file again; all of it, or nothing",
              {"homeostat reload", "homeostat check config/streaming.yaml && homeostat reload"},
              [&context] { return reload(context); });
  add_command(root, context, "config", "The configuration in force",
              {"homeostat config > in-force.yaml", "homeostat config --json | jq -r .digest"},
              [&context] { return show_config(context); });

  const auto name = std::make_shared<std::string>();
  CLI::App* app = add_command(root, context, "backup", "An online copy of the journal, made by the daemon",
                              {"homeostat backup", "homeostat backup before-upgrade.db"},
                              [&context, name] { return backup(context, *name); });
  app->add_option("NAME", *name, "file name in the daemon's backup directory; default: made of the time");

  const auto level = std::make_shared<std::string>();
  app = add_command(root, context, "log-level", "Change what the daemon logs", {"homeostat log-level debug"},
                    [&context, level] { return log_level(context, *level); });
  app->add_option("LEVEL", *level, "trace, debug, info, warn or error")
      ->required()
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));

  const auto client_only = std::make_shared<bool>(false);
  app = add_command(root, context, "version", "The version of this command, and of the daemon if one answers",
                    {"homeostat version", "homeostat version --client"},
                    [&context, client_only] { return version(context, *client_only); });
  app->add_flag("--client", *client_only, "do not ask the daemon");
}

}  // namespace homeostat::cli
