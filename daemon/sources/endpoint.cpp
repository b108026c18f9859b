#include <charconv>

#include <fmt/format.h>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "daemon/sources/http_client.hpp"

namespace homeostat::sources {
namespace {

std::string base64(std::string_view text) {
  namespace codec = boost::beast::detail::base64;
  std::string out(codec::encoded_size(text.size()), '\0');
  out.resize(codec::encode(out.data(), text.data(), text.size()));
  return out;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view url, bool websocket, const std::string& where) {
  const std::string plain = websocket ? "ws" : "http";
  const auto expected = fmt::format("expected {0}://host[:port]/path or {0}s://host[:port]/path", plain);
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(url.data(), url.size()));
  if (parsed.has_error()) return fail(ErrorCode::malformed, where, "not a URL; " + expected);
  const boost::urls::url_view view = parsed.value();
  const std::string scheme(view.scheme());
  if (scheme != plain && scheme != plain + "s") {
    return fail(ErrorCode::invalid_argument, where, fmt::format("the scheme is {}; {}", scheme, expected));
  }
  if (view.host().empty()) return fail(ErrorCode::malformed, where, "the host is empty; " + expected);
  Endpoint endpoint;
  endpoint.tls = scheme != plain;
  endpoint.host = std::string(view.host_address());
  endpoint.port = view.has_port() && !view.port().empty() ? std::string(view.port()) : endpoint.tls ? "443" : "80";
  // Not port_number(): it wraps around, 99999 would become 34463.
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(endpoint.port.data(), endpoint.port.data() + endpoint.port.size(), port);
  if (error != std::errc{} || end != endpoint.port.data() + endpoint.port.size() || port == 0) {
    return fail(ErrorCode::out_of_range, where,
                fmt::format("the port is {}, it must be within 1..65535", endpoint.port));
  }
  endpoint.target = std::string(view.encoded_path());
  if (endpoint.target.empty()) endpoint.target = "/";
  if (view.has_query()) endpoint.target += "?" + std::string(view.encoded_query());
  if (view.has_userinfo()) endpoint.authorization = "Basic " + base64(view.userinfo());
  endpoint.shown = fmt::format("{}://{}:{}", scheme, std::string(view.encoded_host()), endpoint.port);
  return endpoint;
}

}  // namespace homeostat::sources
