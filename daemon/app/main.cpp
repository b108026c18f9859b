// homeostatd: parses the command line, starts the App and waits for signals.
#include <csignal>
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <pthread.h>
#include <CLI/CLI.hpp>

#include "config/config.hpp"
#include "daemon/app/app.hpp"
#include "daemon/app/logging.hpp"
#include "daemon/app/process.hpp"
#include "daemon/app/sd_notify.hpp"

namespace {

using homeostat::daemon::App;

constexpr int kExitConfig = 7;  ///< as the command's `check` uses it

int check_only(const std::string& path) {
  const auto loaded = homeostat::config::load_file(path);
  if (loaded) {
    fmt::print("{}: ok\n", path);
    return 0;
  }
  for (const auto& d : loaded.error()) fmt::print(stderr, "{}\n", d.text());
  return kExitConfig;
}

int serve(const std::string& path) {
  // Blocked before any thread exists, so that only sigwait below ever sees them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, s);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  auto app = App::start(path);
  if (!app) {
    for (const auto& line : app.error()) fmt::print(stderr, "{}\n", line);
    fmt::print(stderr, "homeostatd: not started, {} problem{}\n", app.error().size(),
               app.error().size() == 1 ? "" : "s");
    return kExitConfig;
  }
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    homeostat::daemon::sd_notify("RELOADING=1");
    (void)(*app)->reload_now("SIGHUP");
    homeostat::daemon::sd_notify("READY=1");
  }
  homeostat::daemon::sd_notify("STOPPING=1\nSTATUS=draining");
  (*app)->drain();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli{
      "homeostatd: keeps a token economy at its set-points.\n\n"
      "Examples:\n  homeostatd --config config/minimal.yaml\n  homeostatd --config FILE --check\n"
      "Signals: SIGHUP reads the configuration again; SIGTERM drains and ends.\n"
      "Exit codes: 0 ended in order, 2 usage, 7 not started (configuration, journal, ports), "
      "74 the journal could not be written."};
  std::string path;
  bool check = false;
  cli.add_option("-c,--config", path, "The configuration file (YAML)")->required();
  cli.add_flag("--check", check, "Only say whether the configuration is good");
  const auto facts = homeostat::daemon::process_facts();
  cli.set_version_flag("--version",
                       fmt::format("homeostatd {} ({}, {})", facts.version, facts.compiler, facts.build_type));
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? 0 : 2;
  }
  return check ? check_only(path) : serve(path);
}
