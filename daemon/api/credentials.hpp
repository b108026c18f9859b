// The credentials that the server listens with. The files are checked before gRPC sees them, because
// gRPC would only fail each handshake, silently and later.
#pragma once

#include <memory>
#include <optional>

#include <grpcpp/security/server_credentials.h>

#include "core/result.hpp"
#include "core/time.hpp"
#include "daemon/api/server.hpp"

namespace homeostat::daemon::api {

/// Errors, with the file's path: io (cannot be read), malformed (not PEM), conflict (the key does not
/// belong to the certificate), out_of_range (not yet or no longer valid at `now`).
[[nodiscard]] Result<> check_tls_files(const TlsSettings& tls, Instant now);

/// Plain-text credentials without `tls`.
[[nodiscard]] Result<std::shared_ptr<grpc::ServerCredentials>> make_credentials(const std::optional<TlsSettings>& tls,
                                                                                Instant now);

}  // namespace homeostat::daemon::api
