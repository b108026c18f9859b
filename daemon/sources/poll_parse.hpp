// Answers of Prometheus and of HTTP endpoints with JSON, as pure functions: bytes in, values out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "daemon/sources/fault.hpp"
#include "daemon/sources/settings.hpp"

namespace homeostat::sources {

struct PollValue {
  double value = 0;             ///< NaN and infinities as the source gave them: the oracle refuses and counts them
  std::optional<Instant> time;  ///< the source's own; none when it gives none
};

/// The reply to /api/v1/query: a scalar, or a vector of exactly one series. Errors: not_json, bad_reply (another
/// result type, no series, several), rpc_error (Prometheus' own error).
[[nodiscard]] Fetch<PollValue> parse_prometheus(std::string_view body);

/// One value per metric from one document. Errors per metric: bad_reply with the pointer and what is there.
[[nodiscard]] std::vector<Fetch<PollValue>> parse_http(std::string_view body, std::span<const HttpMetric> metrics);

/// "1.5", "-2e3", "NaN", "+Inf", "-Inf", nothing before or behind.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

/// Unix time: seconds below 10^11 (year 5138), else milliseconds; kept to the microsecond. None outside 1970..2262.
[[nodiscard]] std::optional<Instant> instant_from_unix(double number);

/// Every byte but unreserved ones as %XX [RFC 3986].
[[nodiscard]] std::string percent_encoded(std::string_view text);

/// RFC 6901: empty, or "/" before each part and "~" only as "~0" and "~1".
[[nodiscard]] bool is_json_pointer(std::string_view text);

}  // namespace homeostat::sources
