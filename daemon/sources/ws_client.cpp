#include "daemon/sources/ws_client.hpp"

#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "daemon/sources/net.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);
// A head is about 2 kB; a node that sends more than this in one message is not answering us.
constexpr std::size_t kMessageMax = 256 * 1024;
using Plain = websocket::stream<beast::tcp_stream>;
using Tls = websocket::stream<beast::ssl_stream<beast::tcp_stream>>;
}  // namespace

struct WsClient::State {
  State(asio::any_io_executor e, Endpoint p, HttpSettings s)
      : executor(std::move(e)), endpoint(std::move(p)), settings(std::move(s)) {}

  asio::any_io_executor executor;
  Endpoint endpoint;
  HttpSettings settings;
  std::shared_ptr<asio::ssl::context> tls_context;
  std::optional<Plain> plain;
  std::optional<Tls> tls;
  beast::flat_buffer buffer;

  beast::tcp_stream* lowest() {
    if (tls) return &beast::get_lowest_layer(*tls);
    if (plain) return &beast::get_lowest_layer(*plain);
    return nullptr;
  }

  template <class Stream>
  asio::awaitable<std::optional<Fault>> upgrade(Stream& stream) {
    beast::get_lowest_layer(stream).expires_never();  // from here on the WebSocket's own timeouts hold
    websocket::stream_base::timeout timeouts{};
    timeouts.handshake_timeout = net::chrono_of(settings.deadline);
    timeouts.idle_timeout = 2 * net::chrono_of(settings.deadline);
    timeouts.keep_alive_pings = true;
    stream.set_option(timeouts);
    stream.read_message_max(kMessageMax);
    stream.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
      request.set(beast::http::field::user_agent, "homeostat");
      if (!endpoint.authorization.empty()) request.set(beast::http::field::authorization, endpoint.authorization);
      for (const auto& [name, value] : settings.headers) request.set(name, value);
    }));
    const std::string host = endpoint.host + ":" + endpoint.port;
    const auto [error] = co_await stream.async_handshake(host, endpoint.target, kQuiet);
    if (error) co_return net::describe(endpoint, "WebSocket handshake", error);
    co_return std::nullopt;
  }

  asio::awaitable<std::optional<Fault>> open_tls() {
    auto made = net::make_tls(settings.ca_file);
    if (!made) co_return made.error();
    tls_context = *made;
    tls.emplace(std::move(plain->next_layer()), *tls_context);
    plain.reset();
    net::expect_peer(tls->next_layer().native_handle(), endpoint);
    const auto [error] = co_await tls->next_layer().async_handshake(asio::ssl::stream_base::client, kQuiet);
    if (error) co_return net::describe_handshake(endpoint, tls->next_layer().native_handle(), error);
    co_return co_await upgrade(*tls);
  }

  template <class Stream>
  asio::awaitable<Fetch<std::string>> read_from(Stream& stream) {
    buffer.clear();
    const auto [error, size] = co_await stream.async_read(buffer, kQuiet);
    if (error) co_return tl::make_unexpected(net::describe(endpoint, "reading from the WebSocket", error));
    co_return beast::buffers_to_string(buffer.data());
  }

  template <class Stream>
  asio::awaitable<std::optional<Fault>> write_to(Stream& stream, const std::string& text) {
    stream.text(true);
    const auto [error, size] = co_await stream.async_write(asio::buffer(text), kQuiet);
    if (error) co_return net::describe(endpoint, "writing to the WebSocket", error);
    co_return std::nullopt;
  }

  Fault not_open() const { return {FaultKind::transport, endpoint.shown + ": the WebSocket is not open", {}}; }
};

WsClient::WsClient(asio::any_io_executor executor, Endpoint endpoint, HttpSettings settings)
    : state_(std::make_shared<State>(std::move(executor), std::move(endpoint), std::move(settings))) {}

WsClient::~WsClient() {
  close();
}

void WsClient::close() {
  if (auto* stream = state_->lowest()) stream->close();
}

asio::awaitable<std::optional<Fault>> WsClient::open() {
  const auto state = state_;
  const auto deadline = std::chrono::steady_clock::now() + net::chrono_of(state->settings.deadline);
  state->plain.reset();
  state->tls.reset();
  auto addresses = co_await net::resolve(state->endpoint, deadline);
  if (!addresses) co_return addresses.error();
  state->plain.emplace(state->executor);
  auto& lowest = beast::get_lowest_layer(*state->plain);
  lowest.expires_at(deadline);
  const auto [error, where] = co_await lowest.async_connect(*addresses, kQuiet);
  if (error) co_return net::describe(state->endpoint, "connecting", error);
  if (state->endpoint.tls) co_return co_await state->open_tls();
  co_return co_await state->upgrade(*state->plain);
}

asio::awaitable<std::optional<Fault>> WsClient::write(std::string text) {
  const auto state = state_;
  if (state->tls) co_return co_await state->write_to(*state->tls, text);
  if (state->plain) co_return co_await state->write_to(*state->plain, text);
  co_return state->not_open();
}

asio::awaitable<Fetch<std::string>> WsClient::read() {
  const auto state = state_;
  if (state->tls) co_return co_await state->read_from(*state->tls);
  if (state->plain) co_return co_await state->read_from(*state->plain);
  co_return tl::make_unexpected(state->not_open());
}

}  // namespace homeostat::sources
