// How single values are written: every number that has a dimension carries its unit. Pure; each parser
// gives the value, or what is wrong with it and the nearest right thing.
//
//     durations   250ms 30s 5m 6h 7d, and `1 day`, `0.25 day`: of the economy's own day (key `day`)
//     ratios      0.5% 25bps 0.005
//     rates       1000/s 5/m 20/day
//     quantities  in the unit of a metric or parameter: 0.3, 120 tips, 5% where the unit is a ratio
//     changes     0.25 (in the parameter's unit), 5% of value (relative to the value that changes),
//                 5% of value, at least 0.01, at most 0.5
//     budgets     1.5 per day, 20% per 1h
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "core/decimal.hpp"
#include "core/time.hpp"
#include "guardian/settings.hpp"
#include "oracle/settings.hpp"

namespace homeostat::config {

struct Complaint {
  std::string message;
  std::string nearest;
};
template <class T>
using Parsed = tl::expected<T, Complaint>;

/// `day` is the length of the economy's own day.
[[nodiscard]] Parsed<Duration> parse_duration_value(std::string_view text, Duration day);
[[nodiscard]] Parsed<double> parse_ratio(std::string_view text);
/// Per second.
[[nodiscard]] Parsed<double> parse_rate_per_s(std::string_view text, Duration day);
/// A finite number, optionally followed by `unit`; % and bps where the unit is one of them or `ratio`.
[[nodiscard]] Parsed<double> parse_quantity(std::string_view text, std::string_view unit);
/// The same, exactly: never through a double.
[[nodiscard]] Parsed<Decimal> parse_decimal(std::string_view text, std::string_view unit, int decimals);
[[nodiscard]] Parsed<guardian::ChangeLimit> parse_change(std::string_view text, std::string_view unit, int decimals);

/// The two sides of "<amount> per <duration>".
struct Per {
  std::string_view amount;
  Duration per;
};
[[nodiscard]] Parsed<Per> parse_per(std::string_view text, Duration day);

struct FinalityValue {
  oracle::Finality finality = oracle::Finality::confirmations;
  std::uint32_t confirmations = 0;
};
/// `latest`, `12 confirmations`, `safe` or `finalized`.
[[nodiscard]] Parsed<FinalityValue> parse_finality(std::string_view text);

/// "host:port", in a form that can be listened on. `is_loopback` is true for 127.0.0.0/8, ::1, localhost.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
  bool is_loopback = false;
};
[[nodiscard]] Parsed<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace homeostat::config
