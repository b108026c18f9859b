#include "daemon/http/listener.hpp"

#include <pthread.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace homeostat::daemon {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

http::response<http::string_body> reply_to(const http::request<http::empty_body>& request, const HttpHandler& handler) {
  HttpResponse answer;
  const bool reads = request.method() == http::verb::get || request.method() == http::verb::head;
  if (!reads) {
    answer = {405, "text/plain; charset=utf-8",
              "only GET and HEAD: this listener changes nothing; commands go over gRPC (homeostat guardian --help)\n"};
  } else {
    const std::string_view target(request.target().data(), request.target().size());
    answer = handler(target.substr(0, target.find('?')));
  }
  http::response<http::string_body> response{http::int_to_status(answer.status), request.version()};
  if (!reads) response.set(http::field::allow, "GET, HEAD");
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  response.keep_alive(request.keep_alive());
  const std::size_t size = answer.body.size();
  if (request.method() != http::verb::head) response.body() = std::move(answer.body);
  response.content_length(size);
  return response;
}

Result<tcp::endpoint> parse_address(const std::string& address) {
  const auto colon = address.rfind(':');
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::invalid_argument, "http listen address",
                fmt::format("\"{}\" {}; write IP:port, e.g. 127.0.0.1:7401 or [::1]:7401", address, why));
  };
  if (colon == std::string::npos) return bad("has no port");
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  unsigned port = 0;
  const char* end = address.data() + address.size();
  const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, port);
  if (error != std::errc{} || stop != end || port > 65535) return bad("has no port between 0 and 65535");
  boost::system::error_code ec;
  const auto ip = asio::ip::make_address(host, ec);
  if (ec) return bad("does not begin with an IP address");
  return tcp::endpoint{ip, static_cast<std::uint16_t>(port)};
}

}  // namespace

struct HttpListener::Impl {
  explicit Impl(HttpHandler h) : handler(std::move(h)) {}

  /// Reads on a little after the answer: a socket closed on unread bytes is reset, and the answer may be lost with it.
  asio::awaitable<void> drain(beast::tcp_stream& stream, beast::flat_buffer& buffer) {
    boost::system::error_code error;
    stream.socket().shutdown(tcp::socket::shutdown_send, error);
    for (std::size_t left = kHttpBodyDrainedMax; left > 0 && !error;) {
      buffer.clear();
      const std::size_t got = co_await stream.async_read_some(buffer.prepare(std::min(left, kHttpHeaderBytesMax)),
                                                              asio::redirect_error(asio::use_awaitable, error));
      left -= got;
    }
  }

  asio::awaitable<void> serve(tcp::socket socket) {
    beast::tcp_stream stream(std::move(socket));
    beast::flat_buffer buffer;
    try {
      for (;;) {
        http::request_parser<http::empty_body> parser;
        parser.header_limit(kHttpHeaderBytesMax);
        stream.expires_after(std::chrono::seconds(kHttpTimeoutSeconds));
        // The header only: what has a body is refused all the same, and is told so instead of cut off.
        co_await http::async_read_header(stream, buffer, parser, asio::use_awaitable);
        const bool has_body = !parser.is_done();
        auto response = reply_to(parser.get(), handler);
        if (has_body) response.keep_alive(false);
        co_await http::async_write(stream, response, asio::use_awaitable);
        if (has_body) co_await drain(stream, buffer);
        if (!response.keep_alive()) break;
      }
    } catch (const std::exception&) {
      // A client that is gone, slow or does not speak HTTP: the connection ends, nothing else.
    }
    boost::system::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
    --connections;
  }

  asio::awaitable<void> accept() {
    for (;;) {
      boost::system::error_code ec;
      tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, ec));
      if (ec == asio::error::operation_aborted) co_return;
      if (ec || connections >= kHttpConnectionsMax) continue;  // the socket closes
      ++connections;
      asio::co_spawn(context, serve(std::move(socket)), asio::detached);
    }
  }

  HttpHandler handler;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  std::size_t connections = 0;  // touched on the listener's thread only
  std::thread thread;
};

HttpListener::HttpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpListener::~HttpListener() {
  impl_->context.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

int HttpListener::port() const {
  return impl_->acceptor.local_endpoint().port();
}

Result<std::unique_ptr<HttpListener>> HttpListener::start(const std::string& address, HttpHandler handler) {
  const auto endpoint = parse_address(address);
  if (!endpoint) return tl::make_unexpected(endpoint.error());
  auto impl = std::make_unique<Impl>(std::move(handler));
  boost::system::error_code ec;
  impl->acceptor.open(endpoint->protocol(), ec);
  if (!ec) impl->acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) impl->acceptor.bind(*endpoint, ec);
  if (!ec) impl->acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) {
    return fail(ErrorCode::io, address,
                fmt::format("cannot listen: {}; is another homeostatd running, or the port taken?", ec.message()));
  }
  asio::co_spawn(impl->context, impl->accept(), asio::detached);
  impl->thread = std::thread([raw = impl.get()] {
    pthread_setname_np(pthread_self(), "http");
    raw->context.run();
  });
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(impl)));
}

}  // namespace homeostat::daemon
