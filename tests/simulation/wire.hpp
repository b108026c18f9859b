// The network of the simulation: channels that lead to the model's providers.
#pragma once

#include <memory>
#include <vector>

#include "tests/simulation/provider.hpp"
#include "tests/simulation/timeline.hpp"

namespace homeostat::simulation {

/// How the WebSocket of a provider is, besides what it says over HTTP.
enum class Heads : std::uint8_t { told, silent, closed };

class SimulatedWire final : public sources::Wire {
 public:
  /// The provider at index i answers for the hosts "p<i>".
  SimulatedWire(Timeline& timeline, std::vector<Provider>& providers);

  [[nodiscard]] std::unique_ptr<sources::HttpChannel> http(const sources::Endpoint& endpoint,
                                                           const sources::HttpSettings& settings) override;
  [[nodiscard]] std::unique_ptr<sources::MessageChannel> messages(const sources::Endpoint& endpoint,
                                                                  const sources::HttpSettings& settings) override;

  /// Tells who listens to this provider of its head.
  void tell_head(std::size_t provider);
  void set_heads(std::size_t provider, Heads heads);

  struct Line;  ///< one WebSocket

 private:
  Timeline& timeline_;
  std::vector<Provider>& providers_;
  std::vector<Heads> heads_;
  std::vector<std::weak_ptr<Line>> lines_;
};

}  // namespace homeostat::simulation
