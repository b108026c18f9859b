// All that a chain source asks of the world outside itself, as two interfaces: time that can be waited for,
// and channels to a provider. The daemon hands in the network and the steady clock; the simulation a hand-run
// queue of events, so that the very same source, with every deadline, retry and reconnect, runs in simulated
// time. Whatever the source does later or asks of somebody goes through here; nothing else may wait or ask.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "daemon/sources/fault.hpp"
#include "daemon/sources/settings.hpp"

namespace homeostat::sources {

/// A point of the time that only waits are measured by; it has nothing to do with the wall clock.
using Moment = std::chrono::steady_clock::time_point;

[[nodiscard]] inline Moment after(Moment moment, Duration wait) {
  return moment + std::chrono::nanoseconds(wait.ns);
}

/// One wait at a time.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  /// Ends a wait that is under way.
  virtual ~Timer() = default;

  /// Returns at `when`, or as soon as cancel() is called meanwhile. Obeys the cancellation of its coroutine.
  [[nodiscard]] virtual boost::asio::awaitable<void> wait_until(Moment when) = 0;
  /// Ends the wait under way, if any; a later wait is not touched.
  virtual void cancel() = 0;
};

class Timing {
 public:
  Timing() = default;
  Timing(const Timing&) = delete;
  Timing& operator=(const Timing&) = delete;
  virtual ~Timing() = default;

  [[nodiscard]] virtual Moment now() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Timer> make_timer() = 0;
};

struct HttpRequest {
  bool post = false;
  std::string target;  ///< path and query
  std::string body;
  std::string content_type;
};

struct HttpReply {
  unsigned status = 0;
  std::string body;
};

/// Requests to one server, one at a time.
class HttpChannel {
 public:
  HttpChannel() = default;
  HttpChannel(const HttpChannel&) = delete;
  HttpChannel& operator=(const HttpChannel&) = delete;
  virtual ~HttpChannel() = default;

  /// A whole reply, of any status, within HttpSettings::deadline, or a fault: transport, timed_out, oversize.
  [[nodiscard]] virtual boost::asio::awaitable<Fetch<HttpReply>> exchange(HttpRequest request) = 0;
  /// For good: a running exchange returns a transport fault, and so does every later one.
  virtual void close() = 0;
};

/// Text messages to and from one server. Nothing it says is believed without asking over HTTP.
class MessageChannel {
 public:
  MessageChannel() = default;
  MessageChannel(const MessageChannel&) = delete;
  MessageChannel& operator=(const MessageChannel&) = delete;
  virtual ~MessageChannel() = default;

  /// Within HttpSettings::deadline. Also opens again what was closed.
  [[nodiscard]] virtual boost::asio::awaitable<std::optional<Fault>> open() = 0;
  [[nodiscard]] virtual boost::asio::awaitable<std::optional<Fault>> write(std::string text) = 0;
  /// The next message; waits for as long as the connection is alive.
  [[nodiscard]] virtual boost::asio::awaitable<Fetch<std::string>> read() = 0;
  /// At once; what is running returns a transport fault.
  virtual void close() = 0;
};

/// A URL taken apart. `shown` is scheme, host and port only: paths and queries often hold API keys.
struct Endpoint {
  bool tls = false;
  std::string host;
  std::string port;
  std::string target;         ///< path and query, at least "/"
  std::string authorization;  ///< from user:password@, else empty
  std::string shown;
};

class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  virtual ~Wire() = default;

  [[nodiscard]] virtual std::unique_ptr<HttpChannel> http(const Endpoint& endpoint, const HttpSettings& settings) = 0;
  [[nodiscard]] virtual std::unique_ptr<MessageChannel> messages(const Endpoint& endpoint,
                                                                 const HttpSettings& settings) = 0;
};

struct Outside {
  boost::asio::any_io_executor executor;  ///< runs handlers one at a time: one thread, or a strand
  std::shared_ptr<Timing> timing;
  std::shared_ptr<Wire> wire;
};

/// The steady clock, and HTTP and WebSocket over the network.
[[nodiscard]] Outside network(boost::asio::any_io_executor executor);

}  // namespace homeostat::sources
