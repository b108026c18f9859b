// The producer of the ingest benchmarks: batches of samples over bidirectional streams, many in flight, every reply
// awaited. The same code drives homeostatd and the bare server, so that its own cost is in both figures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace homeostat::bench {

struct Load {
  std::string address;
  int streams = 1;                        ///< each with a connection and a source of its own: app1, app2, ...
  int samples = 100;                      ///< in a batch
  int metrics = 10;                       ///< m0, m1, ...; samples take them in turn
  int batches_in_flight = 256;            ///< per stream
  double warm_up_s = 0.5;                 ///< not counted
  double measured_s = 3;                  ///< counted; ends before when `batches` is reached
  std::uint64_t batches = 0;              ///< per stream, then the stream ends; 0 = as many as fit in the time
  std::vector<std::uint64_t> first = {};  ///< first sequence of each stream; empty = 1
  bool expect_verdicts = true;            ///< every reply must accept every sample; false: replies are empty
  bool expect_replies = true;             ///< false: the server reads all and answers once, at the end
};

struct Loaded {
  double samples_per_s = 0;
  std::uint64_t samples = 0;        ///< sent in all, and answered
  std::vector<std::uint64_t> next;  ///< sequence that each stream goes on with
  std::vector<double> reply_ms;     ///< from sending a batch to its reply, every 16th
};

/// Gives up when a stream fails, or a reply is not what was expected.
[[nodiscard]] Loaded run(const Load& load);

/// A configuration with `metrics` metrics (m0, m1, ...) that `sources` push sources (app1, app2, ...) feed, no limit
/// that a benchmark could reach, and one loop: proportional, around a threshold of one half for m0, free to move its
/// parameter at every tick. `journal` is more keys of the journal, for example "snapshot_period: 1d".
[[nodiscard]] std::string push_config(const std::string& directory, int sources, int metrics, const std::string& period,
                                      const std::string& journal = "");

}  // namespace homeostat::bench
