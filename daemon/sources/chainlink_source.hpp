// Chainlink feeds as a source of samples: asks every feed's proxy at one and the same block, judges each answer
// (chainlink_check.hpp) and delivers what is believed as one batch per round of asking.
//
// - Sample time is the observation's (`startedAt`). Every believed answer is delivered again in each round, with its
//   own old time: it ages in the oracle, where a frozen feed goes stale, and a lasting breach of a rate of change
//   lasts.
// - The clock of all ages is the timestamp of the block. So that a node that stands still cannot keep an old answer
//   young, a newest block older than `head_age_max` by our own clock is not used, and a node that falls behind the
//   highest block seen is passed over.
// - Every call names the block by its hash (EIP-1898), so a batch cannot mix two branches. Nodes must offer that.
// - Providers are tried in order; the chain id is asked with every round. A feed's fault is its own: the others of the
//   source are delivered, the fault is counted, told in the source's detail, and ends by itself.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/result.hpp"
#include "daemon/sources/chainlink_check.hpp"
#include "daemon/sources/metrics.hpp"
#include "daemon/sources/outside.hpp"
#include "daemon/sources/settings.hpp"
#include "daemon/sources/sink.hpp"

namespace homeostat::sources {

struct ChainlinkFeed {
  std::string name;
  std::string metric;  ///< as in the policy
  Address proxy{};
  chainlink::FeedRules rules;
};

struct ChainlinkSequencer {
  Address feed{};
  Duration grace = Duration::hours(1);
};

struct ChainlinkSettings {
  std::string name;
  std::vector<EvmProvider> providers;  ///< tried in this order; `ws` is not used
  std::uint64_t chain_id = 0;
  Duration period = Duration::seconds(10);
  Duration head_age_max = Duration::minutes(5);  ///< by our own clock; above it a node's newest block is not used
  std::vector<ChainlinkFeed> feeds;
  std::optional<ChainlinkSequencer> sequencer;
  std::uint32_t batch_max = 50;  ///< requests in one JSON-RPC batch
  HttpSettings http{.response_max = 4u << 20};
  BackoffSettings backoff;
};

struct FeedMetrics {
  std::array<Counter, chainlink::kRefusalCount> refusals{};  ///< rounds of asking, by chainlink::Refusal
  Counter samples{0};
  Counter usable{0};         ///< 1 when the last answer was believed
  Counter phase{0};          ///< of the last answer that could be read, as the three below
  Counter round{0};          ///< the aggregator's own
  Counter observed_at_s{0};  ///< unix seconds; 0 = none yet
  Counter age_s{0};          ///< when it was read, by the chain's clock
  Counter phase_changes{0};
};

struct ChainlinkMetrics {
  explicit ChainlinkMetrics(std::size_t feed_count) : feeds(feed_count) {}
  EvmMetrics node;                 ///< of it: requests, faults, provider, head_seen, back_pressure, exchange times
  std::vector<FeedMetrics> feeds;  ///< in the order of the settings
};

class ChainlinkSource {
 public:
  /// As SampleSource::make. `cursor` is that of the newest batch delivered before (oracle::SampleBatch): the rounds
  /// believed then; one that cannot be read is as none, and feeds that are not in it begin anew. Errors: no provider,
  /// no feed, a malformed URL, a zero period.
  [[nodiscard]] static Result<std::unique_ptr<ChainlinkSource>> make(const boost::asio::any_io_executor& executor,
                                                                     ChainlinkSettings settings, Sink sink,
                                                                     std::uint64_t last_sequence, Clock now,
                                                                     std::string_view cursor = {});
  /// The same over another outside than the network.
  [[nodiscard]] static Result<std::unique_ptr<ChainlinkSource>> make(Outside outside, ChainlinkSettings settings,
                                                                     Sink sink, std::uint64_t last_sequence, Clock now,
                                                                     std::string_view cursor = {});
  /// Stops.
  ~ChainlinkSource();
  ChainlinkSource(const ChainlinkSource&) = delete;
  ChainlinkSource& operator=(const ChainlinkSource&) = delete;

  void start();  ///< from any thread, as stop()
  void stop();

  [[nodiscard]] const ChainlinkMetrics& metrics() const;
  [[nodiscard]] const ChainlinkSettings& settings() const;

 private:
  struct Impl;
  explicit ChainlinkSource(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace homeostat::sources
