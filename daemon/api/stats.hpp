// What the API counts about itself, for the metrics page: calls by method and status code, streams,
// slow clients, refusals. Counters are atomics; a snapshot is consistent per counter, not across them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

namespace homeostat::daemon::api {

/// Every method of the public contract, in the order of kMethodNames.
enum class Method : std::uint8_t {
  ingest,
  push,
  get_status,
  list_sources,
  list_metrics,
  list_loops,
  list_parameters,
  list_decisions,
  explain,
  preview,
  watch,
  subscribe,
  acknowledge,
  pause,
  resume,
  override_value,
  clear_override,
  shift_setpoint,
  clear_shift,
  emergency,
  veto,
  release,
  clear_halt,
  submit,
  list_pending,
  reload,
  get_config,
  backup,
  set_log_level,
  get_version,
  add_shadow,
  remove_shadow,
  list_shadows,
  promote_shadow,
  list_mechanisms,
  list_governed_parameters,
  evaluate,
  quote_bonding,
  apportion,
  find_arbitrage,
  plan_rebalance,
};
inline constexpr std::size_t kMethodCount = 41;
static_assert(static_cast<std::size_t>(Method::plan_rebalance) + 1 == kMethodCount);

struct MethodName {
  std::string_view service;  ///< full, as on the wire
  std::string_view method;
};
[[nodiscard]] MethodName name_of(Method method);

/// gRPC has 17 status codes, 0 (OK) to 16 (UNAUTHENTICATED).
inline constexpr std::size_t kStatusCodeCount = 17;
/// "OK", "CANCELLED", ... as gRPC spells them; "?" beyond the last.
[[nodiscard]] std::string_view status_code_name(std::size_t code);

struct MethodStats {
  MethodName name;
  std::array<std::uint64_t, kStatusCodeCount> calls{};  ///< ended calls by status code
};

struct ApiStats {
  std::vector<MethodStats> methods;          ///< all of them, in the order of Method
  std::uint64_t ingest_streams = 0;          ///< open now
  std::uint64_t watch_streams = 0;           ///< open now
  std::uint64_t subscribe_streams = 0;       ///< open now: connected executors
  std::uint64_t pending_calls = 0;           ///< unary calls that wait for the engine or the journal
  std::uint64_t batches = 0;                 ///< read, by stream or Push
  std::uint64_t samples = 0;                 ///< inside batches that were taken
  std::uint64_t overloaded = 0;              ///< batches answered OVERLOADED
  std::uint64_t malformed = 0;               ///< batches answered MALFORMED
  std::uint64_t slow_clients_cut = 0;        ///< streams ended because the client did not read
  std::uint64_t refused_streams = 0;         ///< streams and calls refused because too many were open
  std::uint64_t certificates_renewed = 0;    ///< changed TLS files that were taken
  std::uint64_t certificates_held_back = 0;  ///< changed TLS files that could not be right
};

using Counter = std::atomic<std::uint64_t>;

/// The live counters behind ApiStats.
struct Counters {
  std::array<std::array<Counter, kStatusCodeCount>, kMethodCount> calls{};
  Counter ingest_streams{0}, watch_streams{0}, subscribe_streams{0}, pending_calls{0};
  Counter batches{0}, samples{0}, overloaded{0}, malformed{0}, slow_clients_cut{0}, refused_streams{0};

  void count_call(Method method, int status_code);
  [[nodiscard]] ApiStats snapshot() const;
};

}  // namespace homeostat::daemon::api
