// A small HTTP/1.1 listener for machines and people that only read: /metrics, /healthz, /readyz and the
// console. It has its own thread, so that neither a busy engine nor a slow provider can delay a health
// answer. GET and HEAD only; requests are bounded in size and time, connections in number.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace homeostat::daemon {

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};
/// Called on the listener's thread with the path (without the query); must not block.
using HttpHandler = std::function<HttpResponse(std::string_view path)>;

inline constexpr std::size_t kHttpConnectionsMax = 64;
inline constexpr std::size_t kHttpHeaderBytesMax = 8192;
inline constexpr std::size_t kHttpBodyDrainedMax = 1 << 20;  ///< bytes of a refused body that are read and thrown away
inline constexpr int kHttpTimeoutSeconds = 10;

class HttpListener {
 public:
  /// `address` is host:port, an IP address (IPv6 in brackets); port 0 picks a free one.
  /// Errors: invalid_argument (address), io (cannot bind: says who may hold the port).
  [[nodiscard]] static Result<std::unique_ptr<HttpListener>> start(const std::string& address, HttpHandler handler);
  ~HttpListener();

  [[nodiscard]] int port() const;

 private:
  struct Impl;
  explicit HttpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace homeostat::daemon
