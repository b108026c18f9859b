// Off-chain metrics asked for periodically: Prometheus (one PromQL expression per metric) and any HTTP
// endpoint that gives JSON. A round makes one SampleBatch of the metrics that answered; the others are counted
// and told by name. When none answers the source waits with exponential backoff and reports failing.
//
// Sequence numbers go on from what the oracle has. A batch the daemon cannot take yet is offered again until
// it is taken; no new round starts meanwhile.
//
// Prometheus gives the time of the evaluation, not of the scrape: a series that stopped is still answered for
// five minutes. Where that matters, let the expression say so (`x and (time() - timestamp(x) < 60)`).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/result.hpp"
#include "daemon/sources/metrics.hpp"
#include "daemon/sources/settings.hpp"
#include "daemon/sources/sink.hpp"

namespace homeostat::sources {

struct MetricStatus {
  std::string name;
  std::string fault;  ///< why the last round gave none, else empty
  std::uint64_t faults = 0;
};

struct SampleStatus {
  oracle::SourceCondition condition = oracle::SourceCondition::connected;
  std::string detail;
  bool reported = false;
  std::vector<MetricStatus> metrics;
};

class SampleSource {
 public:
  /// As EvmSource::make. `last_sequence`: the highest the oracle has of this source, 0 if none. Errors: no
  /// metric, zero period, malformed URL, a JSON pointer that is none.
  [[nodiscard]] static Result<std::unique_ptr<SampleSource>> make(const boost::asio::any_io_executor& executor,
                                                                  PrometheusSettings settings, Sink sink,
                                                                  std::uint64_t last_sequence, Clock now);
  [[nodiscard]] static Result<std::unique_ptr<SampleSource>> make(const boost::asio::any_io_executor& executor,
                                                                  HttpSourceSettings settings, Sink sink,
                                                                  std::uint64_t last_sequence, Clock now);
  /// Stops.
  ~SampleSource();
  SampleSource(const SampleSource&) = delete;
  SampleSource& operator=(const SampleSource&) = delete;

  void start();  ///< from any thread, as stop()
  void stop();

  [[nodiscard]] SampleStatus status() const;  ///< from any thread
  [[nodiscard]] const PollMetrics& metrics() const;
  [[nodiscard]] const std::string& name() const;

 private:
  struct Impl;
  explicit SampleSource(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace homeostat::sources
