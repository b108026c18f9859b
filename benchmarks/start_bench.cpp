// Start with a journal of 1,000,000 inputs, from exec to /readyz 200. The journal is made by the daemon itself: one
// sample per input, pushed over gRPC. Two cases: after an end in order, where the newest snapshot is the newest input;
// and after kill -9 when no snapshot but the first was made, so that every input is read, checked and applied again.
// A third journal shows the most that a crash can ever cost: full batches up to just below the bytes at which the
// daemon makes a snapshot of its own accord, however long the period.
//
//   start_bench [--smoke]
#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/load.hpp"
#include "benchmarks/support/process.hpp"
#include "benchmarks/support/table.hpp"

using namespace homeostat::bench;
namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
constexpr double kTargetS = 2;
constexpr int kStreams = 4;
constexpr auto kReadyMax = std::chrono::minutes(5);

std::string config(const fs::path& directory) {
  return push_config(directory, kStreams, 10, "1s", "snapshot_period: 1d, retention: 7d");
}

struct Made {
  double inputs_per_s = 0;
  std::uint64_t bytes = 0;
};

/// Fills `directory`/journal and ends the daemon by kill -9.
Made make_journal(const fs::path& directory, std::uint64_t inputs, int samples) {
  Daemon daemon(directory, config(directory));
  const Loaded loaded = run({.address = daemon.grpc_address(),
                             .streams = kStreams,
                             .samples = samples,
                             .metrics = std::min(samples, 10),
                             .batches = inputs / kStreams});
  (void)daemon.process().end(SIGKILL);
  Made made{.inputs_per_s = loaded.samples_per_s / samples};
  for (const auto& file : fs::directory_iterator(directory / "journal")) made.bytes += fs::file_size(file);
  return made;
}

struct Start {
  double seconds = 0;
  std::string replayed;  ///< as the daemon's log says it
};

/// A daemon on the journal in `directory`, which it ends in order: the next start finds its last snapshot.
Start start(const fs::path& directory) {
  const std::uint16_t port = free_port();
  std::string text = config(directory);
  const std::string any = "http: \"127.0.0.1:0\"";
  text.replace(text.find(any), any.size(), fmt::format("http: \"127.0.0.1:{}\"", port));
  std::ofstream(directory / "config.yaml") << text;
  const auto begin = Clock::now();
  Process daemon("homeostatd", {"--config", (directory / "config.yaml").string()}, directory / "output.log");
  while (http_get(port, "/readyz") != 200) {
    if (Clock::now() - begin > kReadyMax) give_up("the daemon does not get ready");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  Start out{.seconds = std::chrono::duration<double>(Clock::now() - begin).count()};
  out.replayed = daemon.wait_for("recovered: ");
  if (daemon.end(SIGTERM) != 0) give_up("homeostatd did not end in order");
  return out;
}

void report(const std::string& what, const std::vector<double>& seconds, const std::string& replayed,
            const Made& made) {
  const double s = median(seconds);
  print({.what = fmt::format("start, {}, exec to /readyz 200, s", what),
         .measured = fmt::format("{:.2f} (best {:.2f}, worst {:.2f})", s, quantile(seconds, 0), quantile(seconds, 1)),
         .beside = fmt::format("{}; {} MB on disk", replayed, grouped(static_cast<double>(made.bytes) / 1e6)),
         .ratio = "",
         .target = verdict("< 2", s < kTargetS)});
}

struct Case {
  std::uint64_t inputs;
  int samples;  ///< in each
  bool also_ended;
};

void measure(const Case& what, int repeats) {
  const Scratch scratch;
  const fs::path made_in = scratch.path() / "made";
  fs::create_directories(made_in);
  const Made made = make_journal(made_in, what.inputs, what.samples);
  std::vector<double> killed, ended;
  std::string killed_text, ended_text;
  for (int i = 0; i < repeats; ++i) {
    const fs::path copy = scratch.path() / fmt::format("copy{}", i);
    fs::copy(made_in, copy, fs::copy_options::recursive);
    const Start first = start(copy);
    killed.push_back(first.seconds);
    killed_text = first.replayed;
    const Start second = start(copy);
    ended.push_back(second.seconds);
    ended_text = second.replayed;
    fs::remove_all(copy);
  }
  const std::string name = fmt::format("{} inputs of {} sample{}", grouped(static_cast<double>(what.inputs)),
                                       what.samples, what.samples == 1 ? "" : "s");
  if (what.also_ended) report(name + ", ended in order", ended, ended_text, made);
  report(name + ", killed, no snapshot but the first", killed, killed_text, made);
  print({.what = fmt::format("for that journal: durable ingest at {} a batch, inputs/s", what.samples),
         .measured = grouped(made.inputs_per_s),
         .beside = fmt::format("{} streams", kStreams),
         .ratio = "",
         .target = ""});
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = is_smoke(argc, argv);
  measure({.inputs = smoke ? 4000u : 1'000'000u, .samples = 1, .also_ended = true}, smoke ? 1 : 5);
  if (!smoke) measure({.inputs = 120'000, .samples = 100, .also_ended = false}, 3);
  return 0;
}
