// What the sources need to know, as plain values; the config folder fills and validates them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "oracle/event_signature.hpp"
#include "oracle/observation.hpp"

namespace homeostat::sources {

using Address = std::array<std::uint8_t, 20>;

/// What every request over HTTP shares.
struct HttpSettings {
  Duration deadline = Duration::seconds(10);                 ///< of one exchange: resolve, connect, TLS, send, receive
  std::uint64_t response_max = 64ull << 20;                  ///< bytes; more is an error, or for logs a smaller range
  std::string ca_file;                                       ///< PEM; empty = the system's
  std::vector<std::pair<std::string, std::string>> headers;  ///< e.g. Authorization; never logged
};

/// Waiting after failures: first, then twice that, up to max; each shortened by up to a quarter by a
/// seeded generator, so that many daemons do not return at once, and a test sees the same waits.
struct BackoffSettings {
  Duration first = Duration::milliseconds(250);
  Duration max = Duration::seconds(30);
  std::uint64_t seed = 1;
};

struct EvmProvider {
  std::string name;
  std::string http;           ///< http:// or https:// JSON-RPC endpoint, required
  std::string ws;             ///< ws:// or wss://, optional: newHeads only wakes the poll up earlier
  double requests_per_s = 0;  ///< what it allows or is paid for; 0 = no limit. A batch of n calls is n requests.
  double burst = 100;         ///< requests that may go at once
};

/// When a provider is used, left aside, and used again.
struct PoolSettings {
  std::uint32_t failures_max = 5;  ///< faults that successes have not made up for, until it counts as unreachable
  std::uint32_t probes_good = 2;   ///< good answers in a row until one that was left aside is used again
  std::uint64_t behind_max = 5;    ///< blocks behind the best head
  Duration head_silence_max = Duration::minutes(3);        ///< without a new head while others have one
  Duration finalized_silence_max = Duration::minutes(30);  ///< without a new finalized head while others have one
  Duration probe_period = Duration::seconds(15);           ///< how often those not in use are looked at
  /// With several providers: a step near the head that takes longer is also asked of the next one, and the first
  /// good answer counts. 0 = never.
  Duration hedge_after = Duration::seconds(2);
  /// Providers, the one that gave them included, that must have given the same logs until blocks are final.
  std::uint32_t agreement = 1;
};

/// When a block's receipts are asked for and must give its receipts root.
enum class CheckReceipts : std::uint8_t {
  off,
  disputed,  ///< when providers contradict each other: it says who is right
  always,    ///< of every block that may have ours
};

struct EvmEvent {
  std::string name;  ///< as metrics refer to it
  Address contract{};
  oracle::EventSignature signature;
};

struct EvmSettings {
  std::string name;
  std::vector<EvmProvider> providers;  ///< tried in this order
  std::uint64_t chain_id = 0;
  std::uint64_t start_block = 0;  ///< the first block that counts when the cursor is empty
  bool start_at_latest = false;   ///< begin at the head, less `confirmations`, instead; then start_block is 0
  /// Blocks nearer to the head than this are fetched one by one with every hash remembered; what is
  /// deeper is backfilled in ranges. Should be at least the deepest reorg expected.
  std::uint64_t confirmations = 12;
  Duration poll_period = Duration::seconds(2);
  Duration ws_silence_max = Duration::seconds(30);  ///< no head by WebSocket while polling sees new ones
  std::uint64_t range_max = 2000;                   ///< blocks in one eth_getLogs
  std::uint64_t logs_target = 10000;         ///< logs in one segment: ranges shrink until they give about this many
  std::uint32_t batch_max = 50;              ///< requests in one JSON-RPC batch; 1 = do not batch
  std::map<std::string, Address> contracts;  ///< names for errors, and all checked to have code
  std::vector<EvmEvent> events;
  bool ask_safe = true;       ///< ask for the `safe` height each time
  bool ask_finalized = true;  ///< ask for the `finalized` height each time
  /// Of a block whose bloom filter promises a watched event all logs are fetched, and must be complete by number and
  /// give exactly that filter. Turn off for chains that leave the bloom filter empty.
  bool check_bloom = true;
  /// In a backfill, too, every block's header is read, must link to the one before, and its bloom filter must not
  /// promise an event where none came. Off: only the ends of a range and the blocks with events are looked at.
  bool check_backfill = true;
  CheckReceipts check_receipts = CheckReceipts::disputed;
  /// As oracle::SourceSettings::finality_depth: of a provider that names no finalized block.
  std::uint32_t finality_depth = 64;
  HttpSettings http;
  BackoffSettings backoff;
  PoolSettings pool;
};

/// Where the oracle is in a chain: Oracle::recent_blocks, ascending, the last one being the head. The
/// source goes on exactly behind it. Empty = begin at start_block.
struct Cursor {
  std::vector<std::pair<std::uint64_t, oracle::Hash32>> recent;
  std::uint64_t settled = 0;                   ///< Oracle::settled_block: a fork below it is a violation; 0 = unknown
  std::optional<oracle::MissingPast> missing;  ///< Oracle::missing_past
  oracle::Unsettled unsettled;                 ///< Oracle::unsettled
};

struct PrometheusMetric {
  std::string metric;      ///< as in the policy
  std::string expression;  ///< PromQL; must give a scalar or exactly one series
};

struct PrometheusSettings {
  std::string name;
  std::string url;  ///< the server's root, e.g. http://127.0.0.1:9090
  Duration period = Duration::seconds(15);
  std::vector<PrometheusMetric> metrics;
  HttpSettings http{.response_max = 1u << 20};
  BackoffSettings backoff;
};

struct HttpMetric {
  std::string metric;
  std::string url;
  std::string value_pointer;  ///< RFC 6901, to a number or a string that is one
  /// RFC 6901, to the value's own time: unix seconds, milliseconds, or RFC 3339. Empty = receive time,
  /// which cannot tell a frozen endpoint from a live one.
  std::string time_pointer;
};

struct HttpSourceSettings {
  std::string name;
  Duration period = Duration::seconds(15);
  std::vector<HttpMetric> metrics;  ///< metrics of the same url share one request
  HttpSettings http{.response_max = 1u << 20};
  BackoffSettings backoff;
};

}  // namespace homeostat::sources
