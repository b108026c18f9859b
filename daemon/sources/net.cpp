#include "daemon/sources/net.hpp"

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
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
