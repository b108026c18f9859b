#include "daemon/sources/http_client.hpp"

#include <optional>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "daemon/sources/net.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t kHeaderMax = 32 * 1024;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;
using Message = http::request<http::string_body>;

/// An exchange that failed before the first byte of an answer on a connection used before can be repeated.
struct Attempt {
  Fetch<HttpReply> reply;
  bool stale_connection = false;
};
}  // namespace

struct HttpClient::State {
  State(asio::any_io_executor e, Endpoint p, HttpSettings s)
      : executor(std::move(e)), endpoint(std::move(p)), settings(std::move(s)) {}

  asio::any_io_executor executor;
  Endpoint endpoint;
  HttpSettings settings;
  std::shared_ptr<asio::ssl::context> tls_context;
  std::optional<beast::tcp_stream> plain;
  std::optional<TlsStream> tls;
  beast::flat_buffer buffer;
  bool closed = false;

  [[nodiscard]] bool connected() const { return plain.has_value() || tls.has_value(); }
  beast::tcp_stream& lowest() { return tls ? tls->next_layer() : *plain; }

  void drop() {
    if (connected()) lowest().close();
    plain.reset();
    tls.reset();
    buffer.clear();
  }

  Message message(const HttpRequest& request) const {
    Message out{request.post ? http::verb::post : http::verb::get, request.target, 11};
    const bool default_port = endpoint.port == (endpoint.tls ? "443" : "80");
    const std::string host = endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
    out.set(http::field::host, default_port ? host : host + ":" + endpoint.port);
    out.set(http::field::user_agent, "homeostat");
    out.set(http::field::accept, "application/json");
    if (!endpoint.authorization.empty()) out.set(http::field::authorization, endpoint.authorization);
    if (!request.content_type.empty()) out.set(http::field::content_type, request.content_type);
    for (const auto& [name, value] : settings.headers) out.set(name, value);
    out.body() = request.body;
    out.prepare_payload();
    return out;
  }

  asio::awaitable<std::optional<Fault>> connect(std::chrono::steady_clock::time_point deadline) {
    auto addresses = co_await net::resolve(endpoint, deadline);
    if (!addresses) co_return addresses.error();
    buffer.clear();
    beast::tcp_stream stream(executor);
    stream.expires_at(deadline);
    plain.emplace(std::move(stream));
    const auto [error, where] = co_await plain->async_connect(*addresses, kQuiet);
    if (error) co_return net::describe(endpoint, "connecting", error);
    boost::system::error_code ignored;
    plain->socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    if (!endpoint.tls) co_return std::nullopt;
    co_return co_await handshake();
  }

  asio::awaitable<std::optional<Fault>> handshake() {
    if (!tls_context) {
      auto made = net::make_tls(settings.ca_file);
      if (!made) co_return made.error();
      tls_context = *made;
    }
    tls.emplace(std::move(*plain), *tls_context);
    plain.reset();
    net::expect_peer(tls->native_handle(), endpoint);
    const auto [error] = co_await tls->async_handshake(asio::ssl::stream_base::client, kQuiet);
    if (error) co_return net::describe_handshake(endpoint, tls->native_handle(), error);
    co_return std::nullopt;
  }

  template <class Stream>
  asio::awaitable<Attempt> talk(Stream& stream, const Message& message, bool reused) {
    Attempt attempt;
    const auto [write_error, written] = co_await http::async_write(stream, message, kQuiet);
    if (write_error) {
      attempt.reply = tl::make_unexpected(net::describe(endpoint, "sending the request", write_error));
      attempt.stale_connection = reused && attempt.reply.error().kind == FaultKind::transport;
      co_return attempt;
    }
    http::response_parser<http::string_body> parser;
    parser.body_limit(settings.response_max);
    parser.header_limit(kHeaderMax);
    const auto [read_error, read] = co_await http::async_read(stream, buffer, parser, kQuiet);
    if (read_error) {
      attempt.reply = tl::make_unexpected(net::describe(endpoint, "reading the reply", read_error));
      attempt.stale_connection = reused && read == 0 && attempt.reply.error().kind == FaultKind::transport;
      co_return attempt;
    }
    HttpReply reply;
    reply.status = parser.get().result_int();
    const bool keep = parser.get().keep_alive();
    reply.body = std::move(parser.get().body());
    attempt.reply = std::move(reply);
    if (!keep) drop();
    co_return attempt;
  }

  asio::awaitable<Attempt> attempt_once(const Message& message, std::chrono::steady_clock::time_point deadline) {
    const bool reused = connected();
    if (!reused) {
      auto failed = co_await connect(deadline);
      if (failed) {
        Attempt attempt;
        attempt.reply = tl::make_unexpected(std::move(*failed));
        co_return attempt;
      }
    }
    lowest().expires_at(deadline);
    if (tls) co_return co_await talk(*tls, message, reused);
    co_return co_await talk(*plain, message, reused);
  }
};

HttpClient::HttpClient(asio::any_io_executor executor, Endpoint endpoint, HttpSettings settings)
    : state_(std::make_shared<State>(std::move(executor), std::move(endpoint), std::move(settings))) {}

HttpClient::~HttpClient() {
  close();
}

void HttpClient::close() {
  state_->closed = true;
  // Only closes the socket: a running exchange still owns the stream and drops it when it returns.
  if (state_->connected()) state_->lowest().close();
}

const Endpoint& HttpClient::endpoint() const {
  return state_->endpoint;
}

Fault status_fault(const Endpoint& endpoint, unsigned status) {
  const FaultKind kind = status == 429   ? FaultKind::rate_limited
                         : status == 413 ? FaultKind::oversize
                                         : FaultKind::http_status;
  return {kind, fmt::format("{}: HTTP status {}", endpoint.shown, status), {}};
}

asio::awaitable<Fetch<HttpReply>> HttpClient::exchange(HttpRequest request) {
  const auto state = state_;  // outlives the client if it is destroyed meanwhile
  const auto deadline = std::chrono::steady_clock::now() + net::chrono_of(state->settings.deadline);
  const Message message = state->message(request);
  for (int tries = 0; tries < 2; ++tries) {
    if (state->closed) break;
    Attempt attempt = co_await state->attempt_once(message, deadline);
    if (!attempt.reply) {
      state->drop();
      if (attempt.stale_connection) continue;
      co_return std::move(attempt.reply);
    }
    co_return std::move(attempt.reply);
  }
  co_return fault(FaultKind::transport, state->endpoint.shown + ": the connection was closed");
}

}  // namespace homeostat::sources
