#include "daemon/sources/outside.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/sources/http_client.hpp"
#include "daemon/sources/ws_client.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;

namespace {

class SteadyTimer final : public Timer {
 public:
  explicit SteadyTimer(const asio::any_io_executor& executor) : timer_(executor) {}

  asio::awaitable<void> wait_until(Moment when) override {
    timer_.expires_at(when);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  void cancel() override { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
};

class SteadyTiming final : public Timing {
 public:
  explicit SteadyTiming(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  Moment now() const override { return std::chrono::steady_clock::now(); }
  std::unique_ptr<Timer> make_timer() override { return std::make_unique<SteadyTimer>(executor_); }

 private:
  asio::any_io_executor executor_;
};

class NetworkWire final : public Wire {
 public:
  explicit NetworkWire(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  std::unique_ptr<HttpChannel> http(const Endpoint& endpoint, const HttpSettings& settings) override {
    return std::make_unique<HttpClient>(executor_, endpoint, settings);
  }
  std::unique_ptr<MessageChannel> messages(const Endpoint& endpoint, const HttpSettings& settings) override {
    return std::make_unique<WsClient>(executor_, endpoint, settings);
  }

 private:
  asio::any_io_executor executor_;
};

}  // namespace

Outside network(asio::any_io_executor executor) {
  return {executor, std::make_shared<SteadyTiming>(executor), std::make_shared<NetworkWire>(executor)};
}

}  // namespace homeostat::sources
