// One WebSocket connection: open, write a text message, read one. Every step has a deadline and
// messages a bound. Used for wake-ups only; nothing it says is believed without asking over HTTP.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "daemon/sources/fault.hpp"
#include "daemon/sources/outside.hpp"

namespace homeostat::sources {

class WsClient final : public MessageChannel {
 public:
  WsClient(boost::asio::any_io_executor executor, Endpoint endpoint, HttpSettings settings);
  ~WsClient() override;

  /// Resolve, connect, TLS and upgrade.
  [[nodiscard]] boost::asio::awaitable<std::optional<Fault>> open() override;
  [[nodiscard]] boost::asio::awaitable<std::optional<Fault>> write(std::string text) override;
  /// Waits for as long as the server answers pings.
  [[nodiscard]] boost::asio::awaitable<Fetch<std::string>> read() override;
  void close() override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace homeostat::sources
