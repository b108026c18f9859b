// Resident memory of the daemon with 10,000 series (a series is one metric as one source says it), all fed and ticked
// on, in different shapes. The empty daemon stands beside, because most of its memory is libraries and arenas.
//
//   memory_bench [--smoke]
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "benchmarks/support/load.hpp"
#include "benchmarks/support/process.hpp"
#include "benchmarks/support/table.hpp"

using namespace homeostat::bench;

namespace {

constexpr double kTargetMb = 100;
constexpr int kRounds = 20;  ///< batches from every source

struct Shape {
  int sources = 1;
  int metrics = 1;
};

double mb(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

/// Feeds every series, waits for some ticks, scrapes once, and gives the resident bytes then.
double resident_mb(const Shape& shape, double settle_s) {
  const Scratch scratch;
  Daemon daemon(scratch.path(), push_config(scratch.path(), shape.sources, shape.metrics, "500ms"));
  (void)run({.address = daemon.grpc_address(),
             .streams = shape.sources,
             .samples = shape.metrics,
             .metrics = shape.metrics,
             .batches_in_flight = 4,
             .batches = kRounds});
  std::string page;
  std::this_thread::sleep_for(std::chrono::duration<double>(settle_s));
  if (http_get(daemon.http_port(), "/metrics", &page) != 200) give_up("no /metrics");
  std::this_thread::sleep_for(std::chrono::duration<double>(settle_s));
  const double resident = mb(daemon.process().resident_bytes());
  daemon.stop();
  return resident;
}

void measure(const Shape& shape, double empty, double settle_s) {
  const double resident = resident_mb(shape, settle_s);
  const double series = double(shape.sources) * shape.metrics;
  print({.what = fmt::format("resident with {} series: {} source{} x {} metrics, MB", grouped(series), shape.sources,
                             shape.sources == 1 ? "" : "s", grouped(shape.metrics)),
         .measured = fmt::format("{:.1f}", resident),
         .beside =
             fmt::format("one series: {:.1f}; {:.1f} kB a series above it", empty, (resident - empty) * 1e3 / series),
         .ratio = fmt::format("{:.2f}", resident / empty),
         .target = verdict("< 100", resident < kTargetMb)});
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = is_smoke(argc, argv);
  const double settle_s = smoke ? 0.6 : 2;
  const double empty = resident_mb({}, settle_s);
  if (smoke) {
    measure({4, 50}, empty, settle_s);
    return 0;
  }
  for (const Shape shape : {Shape{10, 1000}, {100, 100}}) measure(shape, empty, settle_s);
  return 0;
}
