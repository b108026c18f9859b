// Listens for new heads on a provider's WebSocket and says when one came. Only a wake-up.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/sources/metrics.hpp"
#include "daemon/sources/outside.hpp"
#include "daemon/sources/settings.hpp"
#include "daemon/sources/sink.hpp"

namespace homeostat::sources {

class EvmHeads {
 public:
  /// `wake` is called on the executor for each new head. The settings, metrics and sink must outlive it.
  EvmHeads(Outside outside, const EvmSettings& settings, EvmMetrics& metrics, const Sink& sink,
           std::function<void()> wake);
  ~EvmHeads();
  EvmHeads(const EvmHeads&) = delete;
  EvmHeads& operator=(const EvmHeads&) = delete;

  /// Follows the provider with this index (which may have no WebSocket) from now on.
  void follow(std::size_t provider);
  /// Polling has just seen new blocks: if the WebSocket stayed silent for too long, it is reopened.
  void polled_progress();
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace homeostat::sources
