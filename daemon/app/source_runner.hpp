// Runs the sources that go out and fetch (evm, chainlink, prometheus, http) on one I/O thread, and ties them to the
// pipeline: what they bring is offered to it; when the oracle refuses a chain segment the source starts
// over from where the oracle really is.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "config/config.hpp"
#include "daemon/app/pipeline.hpp"
#include "daemon/telemetry/exposition.hpp"

namespace homeostat::daemon {

class SourceRunner {
 public:
  explicit SourceRunner(Pipeline& pipeline, Pipeline::Clock clock);
  ~SourceRunner();

  /// Starts every fetching source of `config` where the oracle stands. Replaces those that run.
  void start(const config::ValidConfig& config);
  /// On the engine thread, with every view: a source whose violation was cleared begins anew with its oracle.
  void follow(const engine::View& view);
  /// Ends all of them; returns when their thread has ended.
  void stop();

  [[nodiscard]] std::vector<SourceFacts> facts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace homeostat::daemon
