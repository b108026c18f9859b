// /metrics as a pure function of snapshots: every sample is set in one place from one consistent view,
// so a gauge can never lie because a branch forgot to set it. Label values come from the
// configuration and from fixed enumerations only, so the number of series is bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/view.hpp"

namespace homeostat::daemon {

struct JournalFacts {
  std::uint64_t durable_sequence = 0;
  std::uint64_t commits = 0;
  std::uint64_t bytes = 0;        ///< on disk
  std::uint64_t queue_bytes = 0;  ///< waiting for a commit
  double commit_seconds_p50 = 0;
  double commit_seconds_p99 = 0;
  Instant last_snapshot;  ///< never = none yet
};

struct PipelineFacts {
  std::uint64_t queue_items = 0;
  std::uint64_t queue_bytes = 0;
  std::uint64_t queue_bytes_max = 0;
  std::uint64_t refused_full = 0;    ///< submissions refused because the queue was full
  std::uint64_t inputs = 0;          ///< applied since start
  double tick_seconds_last = 0;      ///< time the engine took for the last tick
  double tick_lag_seconds_last = 0;  ///< from the slot's time to the decision being published
};

struct RpcFacts {
  struct Method {
    std::string method;
    std::string code;
    std::uint64_t calls = 0;
  };
  std::vector<Method> methods;
  std::uint64_t streams_open = 0;
  std::uint64_t executors = 0;
  std::uint64_t slow_clients_cut = 0;
  std::uint64_t overloaded_replies = 0;
  std::uint64_t certificates_renewed = 0;
  std::uint64_t certificates_held_back = 0;
};

/// A Chainlink feed as last read; `refused` names come from a fixed list in the source.
struct FeedFacts {
  std::string feed;
  bool usable = false;  ///< the last answer was believed
  std::uint64_t phase = 0;
  std::uint64_t round = 0;  ///< the aggregator's own
  std::uint64_t phase_changes = 0;
  Instant observed;  ///< never = no round was read yet
  Duration age;      ///< when it was read, by the chain's clock
  std::vector<std::pair<std::string, std::uint64_t>> refused;
};

/// A source's own counters, by kind of trouble; `errors` names come from a fixed list in the source.
/// One provider of a chain source.
struct ProviderFacts {
  std::string name;
  std::string_view state;  ///< sources::name_of(ProviderState)
  std::uint64_t head = 0;  ///< block, 0 = not seen yet
};

struct SourceFacts {
  std::string source;
  std::uint64_t requests = 0;
  std::vector<std::pair<std::string, std::uint64_t>> errors;
  std::uint64_t logs = 0;
  std::uint64_t blocks = 0;
  std::uint64_t head_seen = 0;
  double request_seconds_last = 0;
  std::vector<ProviderFacts> providers;  ///< of a chain source
  std::uint64_t hedges = 0;
  std::uint64_t probes = 0;
  std::uint64_t budget_waits = 0;
  std::uint64_t comparisons = 0;      ///< ranges that another provider was asked for again
  std::uint64_t receipts_checks = 0;  ///< blocks whose receipts gave their receipts root
  std::vector<FeedFacts> feeds;       ///< of a chainlink source
};

struct ShadowFacts {
  struct Parameter {
    std::string name;
    double value = 0;
    double distance = 0;  ///< |live - shadow| now
    std::uint64_t differing = 0;
    std::uint64_t adjustments = 0;
  };
  std::string name;
  bool running = false;
  std::uint64_t ticks = 0;
  double tick_seconds = 0;
  std::vector<Parameter> parameters;
};

struct ConfigFacts {
  bool last_reload_ok = true;
  Instant last_reload_success;
};

struct ProcessFacts {
  std::string version;
  std::string compiler;
  std::string build_type;
  Instant started;
  Instant now;
  Instant serving_since;  ///< since when this run decides
  std::uint64_t epoch = 0;
  bool ready = false;
  std::uint64_t resident_bytes = 0;
  double cpu_seconds = 0;
  std::uint64_t open_files = 0;
};

struct Facts {
  engine::View view;
  JournalFacts journal;
  PipelineFacts pipeline;
  RpcFacts rpc;
  std::vector<SourceFacts> sources;
  ConfigFacts config;
  ProcessFacts process;
  std::vector<ShadowFacts> shadows;
  std::uint64_t shadows_dropped = 0;
};

/// The Prometheus text exposition format, version 0.0.4.
[[nodiscard]] std::string exposition(const Facts& facts);

}  // namespace homeostat::daemon
