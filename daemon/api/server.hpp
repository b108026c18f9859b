// The gRPC server: the public contract of proto/homeostat/v1 over a Backend, with health checking and
// reflection. gRPC's own threads call the services, which validate, convert and hand on to the
// Backend, or read its published view; one more thread (the outbox) sends what the engine answers, so
// that the engine thread never waits for a socket.
//
// Everything is bounded (ServerLimits): a client that does not read is cut off, a producer that is
// too fast is read more slowly, and beyond the number of streams new ones are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/result.hpp"
#include "core/time.hpp"
#include "daemon/api/backend.hpp"
#include "daemon/api/build_info.hpp"
#include "daemon/api/stats.hpp"

namespace homeostat::daemon::api {

/// PEM files. They are watched: a renewed pair is served to new connections without a restart; one that cannot be
/// right is held back, and the last good one stays.
struct TlsSettings {
  std::string certificate_path;
  std::string key_path;
  /// With it, a client must show a certificate that this authority signed, and the certificate's name
  /// (URI, else DNS name, else common name) is recorded as the actor. Empty = clients stay anonymous.
  std::string client_ca_path;
  Duration refresh = Duration::seconds(30);  ///< how often the files are looked at; at least 1 s
};

struct ServerLimits {
  std::size_t message_bytes_max = 4 * 1024 * 1024;     ///< of one request
  std::size_t memory_bytes_max = 256 * 1024 * 1024;    ///< gRPC's own buffers, all connections together
  int threads_max = 16;                                ///< of gRPC's synchronous parts (reflection)
  int calls_per_connection_max = 256;                  ///< concurrent calls and streams
  std::uint64_t streams_max = 256;                     ///< per kind: ingest, watch, subscribe
  std::uint64_t pending_calls_max = 1024;              ///< unary calls that wait for an answer
  std::size_t batches_in_flight_max = 256;             ///< per ingest stream; beyond it reading stops
  std::size_t samples_in_flight_max = 200'000;         ///< per ingest stream; 24 bytes each
  std::size_t watch_queue_max = 1024;                  ///< events a watcher may lag behind
  std::size_t subscribe_queue_max = 1024;              ///< adjustments an executor may lag behind
  Duration slow_client_grace = Duration::seconds(5);   ///< to read the reason why it is cut off
  Duration keepalive_time = Duration::seconds(30);     ///< silence after which a connection is probed
  Duration keepalive_timeout = Duration::seconds(10);  ///< without an answer the connection is closed
};

/// A renewed set of TLS files was taken (`text` is the certificate's path), or held back (`text` says why). Called on
/// any thread, once per change of the files; must not call the server.
using OnCertificate = std::function<void(bool is_taken, const std::string& text)>;

struct ServerSettings {
  std::string address = "127.0.0.1:7443";  ///< host:port or unix:path; port 0 = any free one
  std::optional<TlsSettings> tls;
  ServerLimits limits;
  OnCertificate on_certificate;
};

class Server {
 public:
  /// Listens and serves at once, with health NOT_SERVING: until set_serving(true) every call but GetStatus,
  /// GetConfig and GetVersion is answered UNAVAILABLE. `backend` must outlive the server.
  /// Errors: invalid_argument or io (a TLS file that is missing, not PEM, does not fit its key, or is
  /// out of its validity), unavailable (the address cannot be bound).
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerSettings settings, Backend& backend);
  /// Stops at once if drain() was not called.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The port that is listened on; 0 for a unix socket.
  [[nodiscard]] int port() const;

  /// The health of "" and of every service; also opens and closes the gate for calls.
  void set_serving(bool serving);

  /// Goes out of service: health NOT_SERVING, no new calls; ingest streams get the replies of what is in
  /// flight, watchers and executors what is queued, then each stream ends with UNAVAILABLE. What has not
  /// ended by the deadline is cancelled. Returns when every call is over, at most shortly after `deadline`.
  /// The backend must go on answering meanwhile. Idempotent.
  void drain(Duration deadline);

  [[nodiscard]] ApiStats stats() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace homeostat::daemon::api
