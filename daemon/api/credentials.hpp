// The credentials that the server listens with. The files are checked before gRPC sees them, because gRPC would only
// fail each handshake, silently and later. They are looked at again while the server runs: a renewed set that is
// whole is served to new connections; one that is not (a key of another certificate, a file half written, expired)
// is held back, reported and counted, and the last good set stays.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include "core/result.hpp"
#include "core/time.hpp"
#include "daemon/api/server.hpp"

namespace homeostat::daemon::api {

/// What the files hold, all of one reading.
struct TlsTexts {
  std::string certificates;  ///< the server's own first, then its chain
  std::string key;
  std::string client_ca;  ///< empty = clients are not asked

  bool operator==(const TlsTexts&) const = default;
};

/// Errors, with the file's path: io (cannot be read), malformed (not PEM, or cut off), conflict (the key does not
/// belong to the certificate), out_of_range (not yet or no longer valid at `now`).
[[nodiscard]] Result<TlsTexts> read_tls_files(const TlsSettings& tls, Instant now);

/// The newest good set of the files. Thread-safe.
class TlsFiles {
 public:
  using Clock = std::function<Instant()>;
  /// Errors: as read_tls_files.
  [[nodiscard]] static Result<std::shared_ptr<TlsFiles>> open(TlsSettings settings, Clock clock, OnCertificate report);

  /// Reads the files again if that is due; cheap otherwise.
  void look_again();
  /// The credentials that serve the newest set. This object must outlive every server that uses them.
  [[nodiscard]] std::shared_ptr<grpc::ServerCredentials> credentials();

  [[nodiscard]] std::uint64_t renewed() const { return renewed_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t held_back() const { return held_back_.load(std::memory_order_relaxed); }

 private:
  TlsFiles(TlsSettings settings, Clock clock, OnCertificate report, TlsTexts texts);
  static grpc_ssl_certificate_config_reload_status fetch(void* self, grpc_ssl_server_certificate_config** config);

  const TlsSettings settings_;
  const Clock clock_;
  const OnCertificate report_;
  std::mutex mutex_;
  TlsTexts texts_;
  bool is_handed_out_ = false;
  std::string last_error_;  ///< of the set that is held back; empty = the files are what is served
  std::chrono::steady_clock::time_point next_look_;
  std::atomic<std::uint64_t> renewed_{0}, held_back_{0};
};

}  // namespace homeostat::daemon::api
