#include "cli/format.hpp"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace homeostat::cli {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

struct Unit {
  std::string_view name;
  Duration length;
};
/// Descending.
constexpr std::array<Unit, 4> kUnits{
    {{"d", Duration::days(1)}, {"h", Duration::hours(1)}, {"m", Duration::minutes(1)}, {"s", Duration::seconds(1)}}};

}  // namespace

std::string human(Duration d) {
  if (d < Duration::zero()) return "-" + human(-d);
  if (d < Duration::milliseconds(1))
    return d.ns == 0 ? "0 s" : fmt::format("{:.3g} ms", static_cast<double>(d.ns) / 1e6);
  if (d < Duration::seconds(1)) return fmt::format("{} ms", d / Duration::milliseconds(1));
  if (d < Duration::minutes(1)) return number(std::floor(d.in_seconds() * 10) / 10) + " s";
  for (std::size_t i = 0; i + 1 < kUnits.size(); ++i) {
    const Unit& large = kUnits[i];
    const Unit& small = kUnits[i + 1];
    if (d < large.length) continue;
    const std::int64_t rest = Duration{d.ns % large.length.ns} / small.length;
    const std::string first = fmt::format("{}{}", d / large.length, large.name);
    return rest == 0 ? first : fmt::format("{} {}{}", first, rest, small.name);
  }
  return "";
}

std::string number(double x) {
  return fmt::format("{:.6g}", x == 0 ? 0.0 : x);
}

std::string with_unit(std::string text, std::string_view unit) {
  if (!unit.empty()) text.append(" ").append(unit);
  return text;
}

std::string counted(std::uint64_t n, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(n), noun, n == 1 ? "" : "s");
}

std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

Instant instant_of(const google::protobuf::Timestamp& t) {
  return Instant::from_unix_seconds(t.seconds()) + Duration{t.nanos()};
}

Duration duration_of(const google::protobuf::Duration& d) {
  return Duration::seconds(d.seconds()) + Duration{d.nanos()};
}

void set_duration(google::protobuf::Duration& target, Duration d) {
  target.set_seconds(d.ns / kNsPerSecond);
  target.set_nanos(static_cast<std::int32_t>(d.ns % kNsPerSecond));
}

}  // namespace homeostat::cli
