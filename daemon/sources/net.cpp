#include "daemon/sources/net.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>

namespace homeostat::sources::net {

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<Fetch<std::vector<tcp::endpoint>>> resolve(const Endpoint& endpoint,
                                                           std::chrono::steady_clock::time_point deadline) {
  using namespace asio::experimental::awaitable_operators;
  constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);
  std::vector<tcp::endpoint> found;
  boost::system::error_code literal_error;
  const auto literal = asio::ip::make_address(endpoint.host, literal_error);
  if (!literal_error) {
    found.emplace_back(literal, static_cast<std::uint16_t>(std::stoul(endpoint.port)));
    co_return found;
  }
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  asio::steady_timer timer(executor, deadline);
  const auto first =
      co_await (resolver.async_resolve(endpoint.host, endpoint.port, kQuiet) || timer.async_wait(kQuiet));
  if (first.index() == 1)
    co_return fault(FaultKind::timed_out, endpoint.shown + ": resolving the host name took too long");
  const auto& [error, results] = std::get<0>(first);
  if (error) co_return tl::make_unexpected(describe(endpoint, "resolving the host name", error));
  for (const auto& entry : results) found.push_back(entry.endpoint());
  co_return found;
}

Fetch<std::shared_ptr<asio::ssl::context>> make_tls(const std::string& ca_file) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  boost::system::error_code error;
  if (ca_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(ca_file, error);
  }
  if (error)
    return fault(FaultKind::transport, "loading the certificate authorities " + ca_file + ": " + error.message());
  context->set_verify_mode(asio::ssl::verify_peer, error);
  return context;
}

void expect_peer(SSL* session, const Endpoint& endpoint) {
  boost::system::error_code not_an_address;
  (void)asio::ip::make_address(endpoint.host, not_an_address);
  if (not_an_address) {
    SSL_set_tlsext_host_name(session, endpoint.host.c_str());
    SSL_set1_host(session, endpoint.host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), endpoint.host.c_str());
  }
}

Fault describe_handshake(const Endpoint& endpoint, SSL* session, boost::system::error_code error) {
  const long verified = SSL_get_verify_result(session);
  if (verified == X509_V_OK) return describe(endpoint, "TLS handshake", error);
  std::string_view advice;
  switch (verified) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: advice = "; it is made out to another host"; break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      advice = "; if its authority is to be trusted, name it with ca_file";
      break;
    default: break;
  }
  return {FaultKind::transport,
          fmt::format("{}: TLS handshake: the server's certificate is refused: {}{}", endpoint.shown,
                      X509_verify_cert_error_string(verified), advice),
          {}};
}

Fault describe(const Endpoint& endpoint, std::string_view doing, boost::system::error_code error) {
  FaultKind kind = FaultKind::transport;
  if (error == boost::beast::error::timeout) kind = FaultKind::timed_out;
  if (error == boost::beast::http::error::body_limit || error == boost::beast::http::error::header_limit ||
      error == boost::beast::http::error::buffer_overflow) {
    kind = FaultKind::oversize;
  }
  return {kind, fmt::format("{}: {}: {}", endpoint.shown, doing, error.message()), {}};
}

}  // namespace homeostat::sources::net
