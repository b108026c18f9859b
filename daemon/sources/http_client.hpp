// One keep-alive HTTP/1.1 connection to one server, one exchange at a time, with a deadline over the
// whole exchange and a bound on the reply. A connection that turns out dead when it is used again is
// opened anew once, which is safe because everything asked here only reads.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "core/result.hpp"
#include "daemon/sources/fault.hpp"
#include "daemon/sources/settings.hpp"

namespace homeostat::sources {

/// A URL taken apart. `shown` is scheme, host and port only: paths and queries often hold API keys.
struct Endpoint {
  bool tls = false;
  std::string host;
  std::string port;
  std::string target;         ///< path and query, at least "/"
  std::string authorization;  ///< from user:password@, else empty
  std::string shown;
};

/// Schemes: http and https, or ws and wss. Errors name `where`.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view url, bool websocket, const std::string& where);

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

class HttpClient {
 public:
  HttpClient(boost::asio::any_io_executor executor, Endpoint endpoint, HttpSettings settings);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// A whole reply, of any status, or a fault: transport, timed_out, oversize.
  [[nodiscard]] boost::asio::awaitable<Fetch<HttpReply>> exchange(HttpRequest request);
  /// What a status other than 200 means: rate_limited (429), oversize (413) or http_status.
  [[nodiscard]] Fault status_fault(const HttpReply& reply) const;
  /// Ends a running exchange (it returns a transport fault) and the connection.
  void close();
  [[nodiscard]] const Endpoint& endpoint() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace homeostat::sources
