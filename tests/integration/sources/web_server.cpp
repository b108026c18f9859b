#include "tests/integration/sources/web_server.hpp"

#include <deque>
#include <set>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

namespace homeostat::test {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);

namespace {

struct Socket {
  virtual ~Socket() = default;
  virtual void send(std::string text) = 0;
  virtual void hang_up() = 0;
};

/// A WebSocket takes one write at a time: the rest waits in a queue.
template <class Stream>
struct SocketOver final : Socket, std::enable_shared_from_this<SocketOver<Stream>> {
  explicit SocketOver(Stream lower) : stream(std::move(lower)) {}

  websocket::stream<Stream> stream;
  std::deque<std::string> waiting;
  bool writing = false;

  void send(std::string text) override {
    waiting.push_back(std::move(text));
    if (std::exchange(writing, true)) return;
    asio::co_spawn(
        stream.get_executor(), [self = this->shared_from_this()] { return self->write(); }, asio::detached);
  }
  void hang_up() override { beast::get_lowest_layer(stream).close(); }

  asio::awaitable<void> write() {
    while (!waiting.empty()) {
      const std::string text = std::move(waiting.front());
      waiting.pop_front();
      const auto [error, sent] = co_await stream.async_write(asio::buffer(text), kQuiet);
      if (error) waiting.clear();
    }
    writing = false;
  }
};

}  // namespace

struct WebServer::State : std::enable_shared_from_this<WebServer::State> {
  State(asio::io_context& io, Answer a, Talk t, std::shared_ptr<asio::ssl::context> c)
      : acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        answer(std::move(a)),
        talk(std::move(t)),
        tls(std::move(c)) {}

  tcp::acceptor acceptor;
  Answer answer;
  Talk talk;
  std::shared_ptr<asio::ssl::context> tls;
  std::set<std::shared_ptr<Socket>> sockets;
  std::size_t opened = 0;

  template <class Stream>
  asio::awaitable<void> serve_socket(Stream lower, http::request<http::string_body> request) {
    const auto socket = std::make_shared<SocketOver<Stream>>(std::move(lower));
    const auto [refused] = co_await socket->stream.async_accept(request, kQuiet);
    if (refused) co_return;
    opened += 1;
    sockets.insert(socket);
    beast::flat_buffer buffer;
    for (;;) {
      const auto [error, size] = co_await socket->stream.async_read(buffer, kQuiet);
      if (error) break;
      auto reply = talk(beast::buffers_to_string(buffer.data()));
      buffer.clear();
      if (reply) socket->send(std::move(*reply));
    }
    sockets.erase(socket);
  }

  template <class Stream>
  asio::awaitable<void> serve(Stream stream) {
    beast::flat_buffer buffer;
    for (;;) {
      http::request<http::string_body> request;
      const auto [error, size] = co_await http::async_read(stream, buffer, request, kQuiet);
      if (error) co_return;
      if (talk && websocket::is_upgrade(request)) {
        co_await serve_socket(std::move(stream), std::move(request));
        co_return;
      }
      http::response<http::string_body> response{http::status::ok, 11};
      response.body() = answer(std::string(request.target()), request.body());
      response.prepare_payload();
      const auto [failed, sent] = co_await http::async_write(stream, response, kQuiet);
      if (failed) co_return;
    }
  }

  asio::awaitable<void> serve_tls(tcp::socket socket) {
    beast::ssl_stream<beast::tcp_stream> stream(beast::tcp_stream(std::move(socket)), *tls);
    const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, kQuiet);
    if (!error) co_await serve(std::move(stream));
  }

  asio::awaitable<void> accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor.async_accept(kQuiet);
      if (error) co_return;
      auto self = shared_from_this();
      auto shared = std::make_shared<tcp::socket>(std::move(socket));
      asio::co_spawn(
          acceptor.get_executor(),
          [self, shared] {
            return self->tls ? self->serve_tls(std::move(*shared)) : self->serve(beast::tcp_stream(std::move(*shared)));
          },
          asio::detached);
    }
  }
};

WebServer::WebServer(asio::io_context& io, Answer answer, Talk talk, std::shared_ptr<asio::ssl::context> tls)
    : state_(std::make_shared<State>(io, std::move(answer), std::move(talk), std::move(tls))) {
  asio::co_spawn(
      io, [state = state_] { return state->accept(); }, asio::detached);
}

WebServer::~WebServer() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  hang_up();
}

std::string WebServer::url(const std::string& scheme, const std::string& host) const {
  return fmt::format("{}://{}:{}", scheme, host, state_->acceptor.local_endpoint().port());
}
void WebServer::tell(const std::string& text) {
  for (const auto& socket : state_->sockets) socket->send(text);
}
void WebServer::hang_up() {
  for (const auto& socket : state_->sockets) socket->hang_up();
}
std::size_t WebServer::sockets_opened() const {
  return state_->opened;
}
std::size_t WebServer::sockets_open() const {
  return state_->sockets.size();
}

}  // namespace homeostat::test
