// The programs under measurement, as processes of their own: the real homeostatd with a configuration and a journal in
// a scratch directory, and the bare stream server. Both are looked for beside the running benchmark.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace homeostat::bench {

/// A directory under TMPDIR (default /tmp), removed with its content at the end.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A child whose output goes to a file. Ends with SIGKILL when it is destroyed while it still runs.
class Process {
 public:
  /// `program` is a file beside this executable. Gives up when it cannot be started.
  Process(const std::string& program, const std::vector<std::string>& arguments, std::filesystem::path output);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Waits until the output holds `marker`, and returns what follows it on its line. Gives up when the process ends or
  /// two minutes pass first.
  [[nodiscard]] std::string wait_for(const std::string& marker) const;
  /// Sends the signal and waits for the end; returns the exit code, or -1 when a signal ended it.
  int end(int signal);
  [[nodiscard]] std::uint64_t resident_bytes() const;

 private:
  pid_t pid_ = -1;
  std::filesystem::path output_;
};

/// homeostatd on a configuration text, with the ports it was given.
class Daemon {
 public:
  /// Writes `config` to `directory`/config.yaml, starts the daemon in it and waits until it serves. The configuration's
  /// ports should be 0 and its journal inside `directory`.
  Daemon(const std::filesystem::path& directory, const std::string& config);

  [[nodiscard]] const std::string& grpc_address() const { return grpc_; }
  [[nodiscard]] std::uint16_t http_port() const { return http_port_; }
  [[nodiscard]] Process& process() { return process_; }
  /// SIGTERM; gives up unless it ends in order.
  void stop();

 private:
  Process process_;
  std::string grpc_;
  std::uint16_t http_port_ = 0;
};

/// The status of GET `path` at 127.0.0.1:`port`; 0 when nothing answers there. `body` gets the answer when it is given.
[[nodiscard]] int http_get(std::uint16_t port, const std::string& path, std::string* body = nullptr);

/// A port of 127.0.0.1 that was free a moment ago.
[[nodiscard]] std::uint16_t free_port();

}  // namespace homeostat::bench
