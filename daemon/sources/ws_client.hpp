// One WebSocket connection: open, write a text message, read one. Every step has a deadline and
// messages a bound. Used for wake-ups only; nothing it says is believed without asking over HTTP.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "daemon/sources/fault.hpp"
#include "daemon/sources/http_client.hpp"

namespace homeostat::sources {

class WsClient {
 public:
  WsClient(boost::asio::any_io_executor executor, Endpoint endpoint, HttpSettings settings);
  ~WsClient();
  WsClient(const WsClient&) = delete;
  WsClient& operator=(const WsClient&) = delete;

  /// Resolve, connect, TLS and upgrade, within the settings' deadline.
  [[nodiscard]] boost::asio::awaitable<std::optional<Fault>> open();
  [[nodiscard]] boost::asio::awaitable<std::optional<Fault>> write(std::string text);
  /// The next message; waits for as long as the server answers pings.
  [[nodiscard]] boost::asio::awaitable<Fetch<std::string>> read();
  /// Ends the connection at once; what is running returns a transport fault.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace homeostat::sources
