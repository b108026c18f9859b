#include "tests/integration/sources/tiny_server.hpp"

#include <set>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace homeostat::test {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);

RawReply reply_with(const std::string& body, int status) {
  return {fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", status,
                      body.size(), body),
          false, false};
}

struct TinyServer::State : std::enable_shared_from_this<TinyServer::State> {
  State(asio::io_context& io, Handler h)
      : acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), handler(std::move(h)) {}

  tcp::acceptor acceptor;
  Handler handler;
  std::set<std::shared_ptr<tcp::socket>> open;

  asio::awaitable<void> serve(std::shared_ptr<tcp::socket> socket) {
    std::string buffer;
    for (;;) {
      const auto [error, header_size] =
          co_await asio::async_read_until(*socket, asio::dynamic_buffer(buffer), "\r\n\r\n", kQuiet);
      if (error) break;
      const std::string head = buffer.substr(0, header_size);
      buffer.erase(0, header_size);
      const std::size_t at = head.find("Content-Length: ");
      const std::size_t length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
      if (buffer.size() < length) {
        const auto [body_error, got] = co_await asio::async_read(
            *socket, asio::dynamic_buffer(buffer), asio::transfer_exactly(length - buffer.size()), kQuiet);
        if (body_error) break;
      }
      const std::size_t first = head.find(' ') + 1;
      RawReply reply = handler(head.substr(first, head.find(' ', first) - first), buffer.substr(0, length));
      buffer.erase(0, length);
      if (reply.silent) continue;
      const auto [write_error, sent] = co_await asio::async_write(*socket, asio::buffer(reply.bytes), kQuiet);
      if (write_error || reply.close) break;
    }
    boost::system::error_code ignored;
    socket->close(ignored);
    open.erase(socket);
  }

  asio::awaitable<void> accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor.async_accept(kQuiet);
      if (error) co_return;
      auto shared = std::make_shared<tcp::socket>(std::move(socket));
      open.insert(shared);
      asio::co_spawn(
          acceptor.get_executor(), [self = shared_from_this(), shared] { return self->serve(shared); }, asio::detached);
    }
  }
};

TinyServer::TinyServer(asio::io_context& io, Handler handler)
    : state_(std::make_shared<State>(io, std::move(handler))) {
  asio::co_spawn(
      io, [state = state_] { return state->accept(); }, asio::detached);
}

TinyServer::~TinyServer() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  for (const auto& socket : state_->open) socket->close(ignored);
}

std::string TinyServer::url() const {
  return fmt::format("http://127.0.0.1:{}", state_->acceptor.local_endpoint().port());
}

}  // namespace homeostat::test
