// What all services share, and the small decisions they all make: may this call come in, who is
// calling, which status does an error become. Internal to daemon/api; holds gRPC headers.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include <grpcpp/grpcpp.h>

#include "core/result.hpp"
#include "daemon/api/outbox.hpp"
#include "daemon/api/server.hpp"
#include "daemon/api/stats.hpp"

namespace homeostat::daemon::api {

/// A stream that outlives its first message; told when the daemon goes out of service.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Sends what is due, then ends with UNAVAILABLE. Returns at once.
  virtual void drain() = 0;
};

/// The open streams. Bounded by ServerLimits::streams_max per kind.
class StreamRegistry {
 public:
  /// False once draining has begun: the stream must not be opened.
  [[nodiscard]] bool add(const std::shared_ptr<Stream>& stream);
  void remove(const Stream* stream);
  void drain_all();

 private:
  std::mutex mutex_;
  bool draining_ = false;
  std::unordered_map<const Stream*, std::weak_ptr<Stream>> streams_;
};

/// Shared by the server and every call; calls may outlive the server's services for a moment, because the backend
/// may hold an answer function until it is done with it.
struct Context {
  Context(Backend& the_backend, const ServerLimits& the_limits) : backend(the_backend), limits(the_limits) {}

  Backend& backend;
  const ServerLimits limits;
  Counters counters;
  StreamRegistry streams;
  std::atomic<bool> serving{false};
  Outbox outbox;
};
using ContextPtr = std::shared_ptr<Context>;

/// UNAVAILABLE until the daemon is in service (it recovers its state first) and once it drains.
[[nodiscard]] grpc::Status admit(const Context& context);

/// One place in `counter`, given back when the ticket dies; empty when `places` are taken.
class Ticket {
 public:
  [[nodiscard]] static std::unique_ptr<Ticket> take(const ContextPtr& context, Counter Counters::*counter,
                                                    std::uint64_t places);
  Ticket(ContextPtr context, Counter Counters::*counter) : context_(std::move(context)), counter_(counter) {}
  ~Ticket() { (context_->counters.*counter_).fetch_sub(1, std::memory_order_relaxed); }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

 private:
  ContextPtr context_;
  Counter Counters::*counter_;
};
using TicketPtr = std::unique_ptr<Ticket>;

/// The status code that an error becomes, and its text (cut where gRPC's metadata would not take it).
[[nodiscard]] grpc::Status status_from_error(const Error& error);
[[nodiscard]] grpc::Status too_many(std::string_view what, std::uint64_t places);

/// The name in the client's certificate: a URI, else a DNS name, else the common name. Empty without
/// mutual TLS.
[[nodiscard]] std::string identity_of(const grpc::ServerContextBase& call);
/// identity_of, else the address the call came from, e.g. "ipv4:127.0.0.1:40312".
[[nodiscard]] std::string caller_of(const grpc::ServerContextBase& call);

}  // namespace homeostat::daemon::api
