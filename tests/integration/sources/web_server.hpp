// A well-behaved HTTP and WebSocket server for tests, plain or over TLS, in the test's own io_context. (What lies on
// the wire is TinyServer's work.)
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

namespace homeostat::test {

class WebServer {
 public:
  /// The body of a reply with status 200.
  using Answer = std::function<std::string(const std::string& target, const std::string& body)>;
  /// What to send back for a message; none = nothing.
  using Talk = std::function<std::optional<std::string>(const std::string& text)>;

  /// Plain without `tls`. Without `talk` a WebSocket is not offered.
  WebServer(boost::asio::io_context& io, Answer answer, Talk talk = nullptr,
            std::shared_ptr<boost::asio::ssl::context> tls = nullptr);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  /// scheme://host:port
  [[nodiscard]] std::string url(const std::string& scheme, const std::string& host = "127.0.0.1") const;
  /// Sends a message on every open WebSocket.
  void tell(const std::string& text);
  /// Closes every open WebSocket's connection without a word.
  void hang_up();
  [[nodiscard]] std::size_t sockets_opened() const;
  [[nodiscard]] std::size_t sockets_open() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace homeostat::test
