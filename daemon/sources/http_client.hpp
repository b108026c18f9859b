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
#include "daemon/sources/outside.hpp"
#include "daemon/sources/settings.hpp"

namespace homeostat::sources {

/// Schemes: http and https, or ws and wss. Errors name `where`.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view url, bool websocket, const std::string& where);

/// What a status other than 200 means: rate_limited (429), oversize (413) or http_status.
[[nodiscard]] Fault status_fault(const Endpoint& endpoint, unsigned status);

class HttpClient final : public HttpChannel {
 public:
  HttpClient(boost::asio::any_io_executor executor, Endpoint endpoint, HttpSettings settings);
  ~HttpClient() override;

  [[nodiscard]] boost::asio::awaitable<Fetch<HttpReply>> exchange(HttpRequest request) override;
  void close() override;
  [[nodiscard]] const Endpoint& endpoint() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace homeostat::sources
