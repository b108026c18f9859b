// What the shell needs to know besides the policy: where to listen, where to keep the journal, how to
// reach each source. Plain values; config::load fills and validates them, daemon/app hands each part on.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/time.hpp"
#include "oracle/settings.hpp"

namespace homeostat::config {

/// PEM files. A client CA makes clients prove themselves (mutual TLS).
struct TlsSettings {
  std::string certificate;
  std::string key;
  std::string client_ca;  ///< empty = clients are not asked

  [[nodiscard]] bool is_set() const { return !certificate.empty(); }
  bool operator==(const TlsSettings&) const = default;
};

/// Addresses are "host:port"; IPv6 in brackets; port 0 = any free one.
struct ListenSettings {
  std::string grpc = "127.0.0.1:7400";
  std::string http = "127.0.0.1:7401";
  TlsSettings tls;

  bool operator==(const ListenSettings&) const = default;
};

struct JournalSettings {
  std::string directory = "homeostat-data";
  Duration retention = Duration::days(90);          ///< inputs and decisions older than this may go
  Duration snapshot_period = Duration::minutes(5);  ///< recovery replays at most what came since
  std::uint64_t queue_bytes_max = 64ull << 20;      ///< their size in bytes

  bool operator==(const JournalSettings&) const = default;
};

enum class LogFormat : std::uint8_t { text, json };
enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogSettings {
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::info;

  bool operator==(const LogSettings&) const = default;
};

/// What every source reached over HTTP shares.
struct HttpAccess {
  Duration deadline = Duration::seconds(10);  ///< of one exchange
  std::string ca_file;                        ///< PEM; empty = the system's
  std::string authorization_file;             ///< its first line is the Authorization header; never journaled
  Duration backoff_first = Duration::milliseconds(250);
  Duration backoff_max = Duration::seconds(30);

  bool operator==(const HttpAccess&) const = default;
};

/// Samples come by themselves, over gRPC.
struct PushConnection {
  bool operator==(const PushConnection&) const = default;
};

struct EvmProviderSettings {
  std::string name;
  std::string http;           ///< http:// or https:// JSON-RPC
  std::string ws;             ///< ws:// or wss://, empty = polling only
  double requests_per_s = 0;  ///< its own limit, 0 = none; a batch of n calls is n requests
  double burst = 100;

  bool operator==(const EvmProviderSettings&) const = default;
};

/// When a provider is left aside and used again; see sources::PoolSettings.
struct EvmPoolSettings {
  std::uint32_t failures_max = 5;
  std::uint32_t probes_good = 2;
  std::uint64_t behind_max = 5;  ///< blocks
  Duration head_silence_max = Duration::minutes(3);
  Duration finalized_silence_max = Duration::minutes(30);
  Duration probe_period = Duration::seconds(15);
  Duration hedge_after = Duration::seconds(2);  ///< 0 = never
  std::uint32_t agreement = 1;                  ///< providers that must give the same before a block is final

  bool operator==(const EvmPoolSettings&) const = default;
};

/// See sources::CheckReceipts.
enum class CheckReceipts : std::uint8_t { off, disputed, always };

struct EvmConnection {
  std::vector<EvmProviderSettings> providers;  ///< asked in this order as long as they are well
  EvmPoolSettings pool;
  std::uint64_t chain_id = 0;
  bool start_at_latest = false;  ///< begin at the head of the first start; then start_block is 0
  std::uint64_t start_block = 0;
  Duration poll = Duration::seconds(2);
  std::uint64_t range_max = 2000;                               ///< blocks in one eth_getLogs
  oracle::Finality finality = oracle::Finality::confirmations;  ///< of metrics that do not say otherwise
  std::uint32_t confirmations = 12;
  std::uint32_t finality_depth = 64;  ///< blocks on top that make one final where nodes name no finalized height
  bool check_bloom = true;
  bool check_backfill = true;
  CheckReceipts check_receipts = CheckReceipts::disputed;
  Duration ws_silence_max = Duration::seconds(30);  ///< no head by WebSocket while polling sees new blocks
  std::map<std::string, std::string> contracts;     ///< name -> 0x and 40 hex digits, lower case
  HttpAccess access;

  bool operator==(const EvmConnection&) const = default;
};

struct PrometheusConnection {
  std::string url;  ///< the server's root
  Duration period = Duration::seconds(15);
  std::map<std::string, std::string> queries;  ///< metric -> PromQL
  HttpAccess access;

  bool operator==(const PrometheusConnection&) const = default;
};

struct HttpValue {
  std::string pointer;       ///< RFC 6901, to the number
  std::string time_pointer;  ///< RFC 6901, to its time; empty = receive time

  bool operator==(const HttpValue&) const = default;
};

struct ChainlinkFeedSettings {
  std::string name;
  std::string metric;  ///< it feeds
  std::string proxy;   ///< 0x and 40 hex digits, lower case
  Duration heartbeat = Duration::hours(1);
  Duration slack = Duration::minutes(6);
  double phase_change_max_ratio = 0.1;    ///< of the first value of a new aggregator
  std::optional<std::uint32_t> decimals;  ///< none = not checked
  std::string description;                ///< empty = not checked

  bool operator==(const ChainlinkFeedSettings&) const = default;
};

struct ChainlinkConnection {
  std::vector<EvmProviderSettings> providers;  ///< tried in this order
  std::uint64_t chain_id = 0;
  Duration poll = Duration::seconds(10);
  Duration head_age_max = Duration::minutes(5);
  std::string sequencer_uptime_feed;  ///< address, empty = not an L2, or not checked
  Duration sequencer_grace = Duration::hours(1);
  std::vector<ChainlinkFeedSettings> feeds;  ///< in the order of the file
  HttpAccess access;

  bool operator==(const ChainlinkConnection&) const = default;
};

struct HttpConnection {
  std::string url;
  Duration period = Duration::seconds(15);
  std::map<std::string, HttpValue> values;  ///< metric -> where it is in the document
  HttpAccess access;

  bool operator==(const HttpConnection&) const = default;
};

using Connection =
    std::variant<PushConnection, EvmConnection, PrometheusConnection, HttpConnection, ChainlinkConnection>;

/// "push", "evm", "prometheus", "http" or "chainlink".
[[nodiscard]] std::string_view kind_of(const Connection& connection);

struct SourceConnection {
  std::string name;  ///< as in oracle::SourceSettings
  Connection connection;

  bool operator==(const SourceConnection&) const = default;
};

struct DaemonSettings {
  ListenSettings listen;
  JournalSettings journal;
  LogSettings log;
  std::vector<SourceConnection> sources;            ///< in the order of Policy::oracle.sources
  Duration drain_deadline = Duration::seconds(10);  ///< on SIGTERM: what is under way may take this long

  bool operator==(const DaemonSettings&) const = default;
};

}  // namespace homeostat::config
