// Shared by the two clients: one way to resolve, to make a TLS context and to name a network error.
#pragma once

#include <chrono>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "core/time.hpp"
#include "daemon/sources/fault.hpp"
#include "daemon/sources/http_client.hpp"

namespace homeostat::sources::net {

/// The addresses of a host within `deadline`. An address written as such needs no resolver.
[[nodiscard]] boost::asio::awaitable<Fetch<std::vector<boost::asio::ip::tcp::endpoint>>> resolve(
    const Endpoint& endpoint, std::chrono::steady_clock::time_point deadline);

/// Verifies the peer against the system's authorities or `ca_file`.
[[nodiscard]] Fetch<std::shared_ptr<boost::asio::ssl::context>> make_tls(const std::string& ca_file);

/// Before the handshake: asks for the endpoint's host by name (SNI) and demands a certificate made out to it, or to
/// its address where the host is one.
void expect_peer(SSL* session, const Endpoint& endpoint);

/// Why a handshake failed, in the words of the certificate check where that was it, and what to do about it.
[[nodiscard]] Fault describe_handshake(const Endpoint& endpoint, SSL* session, boost::system::error_code error);

/// transport, timed_out or oversize, with the endpoint and what was being done.
[[nodiscard]] Fault describe(const Endpoint& endpoint, std::string_view doing, boost::system::error_code error);

[[nodiscard]] inline std::chrono::nanoseconds chrono_of(Duration d) {
  return std::chrono::nanoseconds(d.ns);
}

}  // namespace homeostat::sources::net
