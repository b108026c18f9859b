#include "daemon/sources/poll_parse.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "core/format.hpp"
#include "daemon/sources/rpc.hpp"

namespace homeostat::sources {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 32;

tl::unexpected<Fault> bad(std::string text) {
  return fault(FaultKind::bad_reply, std::move(text));
}

json::value parse_text(std::string_view body, json::storage_ptr storage, json::error_code& error) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  return json::parse(body, error, std::move(storage), options);
}

std::optional<double> number_of(const json::value& value) {
  if (value.is_double()) return value.get_double();
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (value.is_string()) return parse_number(value.get_string());
  return std::nullopt;
}

std::string_view kind_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_: return "a number";
    case json::kind::string: return "a string";
    case json::kind::array: return "a list";
    case json::kind::object: return "an object";
  }
  return "?";
}

/// [ unix seconds, "value" ]
Fetch<PollValue> parse_pair(const json::value* pair) {
  if (pair == nullptr || !pair->is_array() || pair->get_array().size() != 2)
    return bad("a value is not a pair of time and text");
  const auto time = number_of(pair->get_array()[0]);
  const json::value& text = pair->get_array()[1];
  const auto value = text.is_string() ? parse_number(text.get_string()) : std::nullopt;
  if (!value) return bad("a value is not a number");
  const auto instant = time ? instant_from_unix(*time) : std::nullopt;
  if (!instant) return bad("a value without a valid time");
  return PollValue{*value, instant};
}

Fetch<PollValue> parse_data(const json::object& data) {
  const json::value* type = data.if_contains("resultType");
  const json::value* result = data.if_contains("result");
  if (type == nullptr || !type->is_string() || result == nullptr) return bad("no resultType or no result");
  const std::string_view name = type->get_string();
  if (name == "scalar") return parse_pair(result);
  if (name != "vector")
    return bad(fmt::format("the expression gives a {}, not a scalar or an instant vector", rpc::shown(name)));
  if (!result->is_array()) return bad("the result is not a list");
  const json::array& series = result->get_array();
  if (series.empty()) return bad("the expression gives no series");
  if (series.size() > 1)
    return bad(fmt::format("the expression gives {} series, expected exactly one; aggregate it", series.size()));
  if (!series[0].is_object()) return bad("a series is not an object");
  return parse_pair(series[0].get_object().if_contains("value"));
}

Fetch<Instant> time_at(const json::value& document, const std::string& pointer) {
  json::error_code error;
  const json::value* found = document.find_pointer(pointer, error);
  if (found == nullptr) return bad(fmt::format("nothing at {} (the time)", pointer));
  if (const auto number = number_of(*found)) {
    const auto instant = instant_from_unix(*number);
    if (instant) return *instant;
    return bad(fmt::format("the number at {} is not a unix time", pointer));
  }
  if (!found->is_string()) return bad(fmt::format("{} at {}, expected a time", kind_of(*found), pointer));
  const auto instant = parse_instant(std::string_view(found->get_string()));
  if (!instant) return bad(fmt::format("the text at {} is neither a unix time nor RFC 3339", pointer));
  return *instant;
}

Fetch<PollValue> value_at(const json::value& document, const HttpMetric& metric) {
  json::error_code error;
  const json::value* found = document.find_pointer(metric.value_pointer, error);
  if (found == nullptr) return bad(fmt::format("nothing at {}", metric.value_pointer));
  const auto number = number_of(*found);
  if (!number) return bad(fmt::format("{} at {}, expected a number", kind_of(*found), metric.value_pointer));
  PollValue value{*number, std::nullopt};
  if (metric.time_pointer.empty()) return value;
  auto time = time_at(document, metric.time_pointer);
  if (!time) return tl::make_unexpected(std::move(time.error()));
  value.time = *time;
  return value;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view bare = negative || text.starts_with('+') ? text.substr(1) : text;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (bare == "Inf" || bare == "Infinity") return negative ? -kInfinity : kInfinity;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  // What is left must begin like a number: from_chars would also take "nan(1)" or "inf".
  if (bare.empty() || (bare[0] != '.' && (bare[0] < '0' || bare[0] > '9'))) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(bare.data(), bare.data() + bare.size(), value);
  if (error != std::errc{} || end != bare.data() + bare.size()) return std::nullopt;
  return negative ? -value : value;
}

std::optional<Instant> instant_from_unix(double number) {
  constexpr double kMilliseconds = 1e11;
  constexpr double kSecondsMax = 9.2e9;  // an Instant ends in 2262
  const double seconds = number >= kMilliseconds ? number / 1000 : number;
  if (!(seconds > 0) || seconds > kSecondsMax) return std::nullopt;
  return Instant{std::llround(seconds * 1e6) * 1000};
}

Fetch<PollValue> parse_prometheus(std::string_view body) {
  json::monotonic_resource memory;
  json::error_code error;
  const json::value document = parse_text(body, &memory, error);
  if (error)
    return fault(FaultKind::not_json,
                 "the reply is not JSON (" + error.message() + "): " + rpc::shown(body.substr(0, 80)));
  if (!document.is_object()) return bad("the reply is not an object");
  const json::object& reply = document.get_object();
  const json::value* status = reply.if_contains("status");
  if (status == nullptr || !status->is_string()) return bad("the reply has no status");
  if (status->get_string() != "success") {
    const json::value* why = reply.if_contains("error");
    const std::string_view text =
        why != nullptr && why->is_string() ? std::string_view(why->get_string()) : "no reason given";
    return fault(FaultKind::rpc_error, "Prometheus refused the query: " + rpc::shown(text));
  }
  const json::value* data = reply.if_contains("data");
  if (data == nullptr || !data->is_object()) return bad("the reply has no data");
  return parse_data(data->get_object());
}

std::vector<Fetch<PollValue>> parse_http(std::string_view body, std::span<const HttpMetric> metrics) {
  json::monotonic_resource memory;
  json::error_code error;
  const json::value document = parse_text(body, &memory, error);
  std::vector<Fetch<PollValue>> values;
  for (const HttpMetric& metric : metrics) {
    if (error) {
      values.emplace_back(fault(FaultKind::not_json,
                                "the reply is not JSON (" + error.message() + "): " + rpc::shown(body.substr(0, 80))));
    } else {
      values.push_back(value_at(document, metric));
    }
  }
  return values;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

bool is_json_pointer(std::string_view text) {
  if (!text.empty() && text[0] != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1'))) return false;
  }
  return true;
}

}  // namespace homeostat::sources
