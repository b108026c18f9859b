// Times, durations and numbers as people read them in tables (exact texts are core/format.hpp's), and the contract's
// times as ours. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace google::protobuf {
class Duration;
class Timestamp;
}  // namespace google::protobuf

namespace homeostat::cli {

/// Two largest units: "250 ms", "4.2 s", "3m 20s", "2h 5m", "3d 4h"; "-" before a negative one.
[[nodiscard]] std::string human(Duration d);
/// Six significant digits, without trailing zeros; for tables only (JSON has every digit).
[[nodiscard]] std::string number(double x);
/// `text` and `unit` with a space between, or `text` alone.
[[nodiscard]] std::string with_unit(std::string text, std::string_view unit);
/// "1 executor", "2 executors"
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view noun);
/// "12,345,678"
[[nodiscard]] std::string grouped(std::uint64_t n);

[[nodiscard]] Instant instant_of(const google::protobuf::Timestamp& t);
[[nodiscard]] Duration duration_of(const google::protobuf::Duration& d);
void set_duration(google::protobuf::Duration& target, Duration d);

}  // namespace homeostat::cli
