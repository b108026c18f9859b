#include "config/values.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "core/format.hpp"

namespace homeostat::config {
namespace {

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

tl::unexpected<Complaint> complain(std::string message, std::string nearest = {}) {
  return tl::make_unexpected(Complaint{std::move(message), std::move(nearest)});
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// "-12.5e3 tips" -> "-12.5e3", "tips".
struct NumberAndUnit {
  std::string_view number;
  std::string_view unit;
};

std::optional<NumberAndUnit> split_number(std::string_view text) {
  text = trimmed(text);
  std::size_t i = !text.empty() && text[0] == '-' ? 1 : 0;
  const std::size_t first = i;
  while (i < text.size() && (is_digit(text[i]) || text[i] == '.')) ++i;
  if (i == first || text[i - 1] == '.' || text[first] == '.') return std::nullopt;
  std::size_t e = i;
  if (e < text.size() && (text[e] == 'e' || text[e] == 'E')) {
    ++e;
    if (e < text.size() && (text[e] == '-' || text[e] == '+')) ++e;
    const std::size_t exponent = e;
    while (e < text.size() && is_digit(text[e])) ++e;
    if (e > exponent) i = e;
  }
  return NumberAndUnit{text.substr(0, i), trimmed(text.substr(i))};
}

/// number x 10^shift, correctly rounded once.
std::optional<double> to_double(std::string_view number, int shift = 0) {
  const bool has_exponent = number.find_first_of("eE") != std::string_view::npos;
  if (has_exponent && shift != 0) return std::nullopt;
  const std::string text = shift == 0 ? std::string(number) : fmt::format("{}e{}", number, shift);
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(x)) return std::nullopt;
  return x;
}

/// What people write instead of the units above.
std::string_view meant_unit(std::string_view unit) {
  struct Pair {
    std::string_view written, meant;
  };
  constexpr std::array<Pair, 15> kMeant = {{{"sec", "s"},
                                            {"secs", "s"},
                                            {"second", "s"},
                                            {"seconds", "s"},
                                            {"min", "m"},
                                            {"mins", "m"},
                                            {"minute", "m"},
                                            {"minutes", "m"},
                                            {"hour", "h"},
                                            {"hours", "h"},
                                            {"hr", "h"},
                                            {"M", "m"},
                                            {"H", "h"},
                                            {"D", "d"},
                                            {"S", "s"}}};
  for (const Pair& p : kMeant) {
    if (p.written == unit) return p.meant;
  }
  return {};
}

/// The power of ten of a dimensionless unit, none if `unit` is not one.
std::optional<int> ratio_exponent(std::string_view unit) {
  if (unit == "ratio") return 0;
  if (unit == "%") return -2;
  if (unit == "bps") return -4;
  return std::nullopt;
}

Complaint not_a_number(std::string_view text) {
  std::string nearest;
  if (const auto comma = text.find(','); comma != std::string_view::npos) {
    nearest = std::string(text);
    nearest[comma] = '.';
  }
  return {fmt::format("'{}' is not a number", text), nearest};
}

/// Splits `text` and finds the power of ten that takes its number into `unit`.
struct Scaled {
  std::string_view number;
  int shift = 0;
};
Parsed<Scaled> in_unit(std::string_view text, std::string_view unit) {
  const auto split = split_number(text);
  if (!split || split->unit.starts_with(',')) return tl::make_unexpected(not_a_number(text));
  if (split->unit.empty() || split->unit == unit) return Scaled{split->number, 0};
  const auto written = ratio_exponent(split->unit);
  const auto wanted = ratio_exponent(unit);
  if (written && wanted) {
    if (split->number.find_first_of("eE") != std::string_view::npos) {
      return complain(fmt::format("'{}' has both an exponent and a unit; write one of them", text));
    }
    return Scaled{split->number, *written - *wanted};
  }
  if (unit.empty()) {
    return complain(fmt::format("'{}' has a unit, but this value has none", text), std::string(split->number));
  }
  return complain(fmt::format("'{}' is not in the unit of this value, which is {}", text, unit),
                  wanted ? "" : fmt::format("{} {}", split->number, unit));
}

}  // namespace

Parsed<Duration> parse_duration_value(std::string_view text, Duration day) {
  constexpr std::string_view kForms = "a duration is a number and its unit: 250ms, 30s, 5m, 6h, 7d, 1 day";
  const auto split = split_number(text);
  if (split && split->unit.empty() && split->number != "0") {
    return complain(fmt::format("'{}' has no unit; {}", text, kForms), fmt::format("{}s", split->number));
  }
  if (split && split->number.front() == '-') {
    return complain(fmt::format("'{}' is negative; a duration is 0 or more", text));
  }
  if (split && (split->unit == "day" || split->unit == "days")) {
    constexpr Decimal::Units kOne = 1'000'000'000;
    const auto days = Decimal::parse(split->number, 9);
    if (days && days->units() <= kOne * 1'000'000) return Duration{detail::saturate(days->units() * day.ns / kOne)};
  } else if (const auto duration = parse_duration(split ? std::string(split->number).append(split->unit) : text)) {
    return *duration;
  }
  const std::string_view meant = split ? meant_unit(split->unit) : "";
  return complain(fmt::format("'{}' is not a duration; {}", text, kForms),
                  meant.empty() ? "" : fmt::format("{}{}", split->number, meant));
}

Parsed<double> parse_ratio(std::string_view text) {
  const auto scaled = in_unit(text, "ratio");
  if (!scaled) {
    return complain(fmt::format("'{}' is not a ratio; write 0.5%, 25bps or 0.005", text), scaled.error().nearest);
  }
  const auto x = to_double(scaled->number, scaled->shift);
  if (!x) return tl::make_unexpected(not_a_number(text));
  return *x;
}

Parsed<double> parse_rate_per_s(std::string_view text, Duration day) {
  constexpr std::string_view kForms = "a rate is a number per time: 1000/s, 5/m, 20/h, 3/day";
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    const auto split = split_number(text);
    return complain(fmt::format("'{}' has no unit of time; {}", text, kForms),
                    split && split->unit.empty() ? fmt::format("{}/s", split->number) : "");
  }
  const auto split = split_number(text.substr(0, slash));
  const std::string_view unit = trimmed(text.substr(slash + 1));
  const auto per = parse_duration_value(fmt::format("1 {}", unit), day);
  const auto x = split && split->unit.empty() ? to_double(split->number) : std::nullopt;
  if (!x || !per || *per <= Duration::zero()) {
    const std::string_view meant = meant_unit(unit);
    return complain(fmt::format("'{}' is not a rate; {}", text, kForms),
                    x && !meant.empty() ? fmt::format("{}/{}", split->number, meant) : "");
  }
  return *x / per->in_seconds();
}

Parsed<double> parse_quantity(std::string_view text, std::string_view unit) {
  const auto scaled = in_unit(text, unit);
  if (!scaled) return tl::make_unexpected(scaled.error());
  const auto x = to_double(scaled->number, scaled->shift);
  if (!x) return tl::make_unexpected(not_a_number(text));
  return *x;
}

Parsed<Decimal> parse_decimal(std::string_view text, std::string_view unit, int decimals) {
  const auto scaled = in_unit(text, unit);
  if (!scaled) return tl::make_unexpected(scaled.error());
  const int digits = decimals + scaled->shift;  // units = number x 10^digits
  const auto fits = digits >= 0 && digits <= Decimal::kDecimalsMax ? Decimal::parse(scaled->number, digits)
                                                                   : fail(ErrorCode::out_of_range, "", "");
  if (fits) return Decimal(fits->units(), decimals);
  if (const auto x = to_double(scaled->number, scaled->shift)) {
    const auto rounded = Decimal::from_double(*x, decimals);
    return complain(fmt::format("'{}' cannot be held exactly with decimals: {}", text, decimals),
                    rounded && rounded->units() != 0 ? rounded->to_string() : "");
  }
  return tl::make_unexpected(not_a_number(text));
}

Parsed<guardian::ChangeLimit> parse_change(std::string_view text, std::string_view unit, int decimals) {
  constexpr std::string_view kOfValue = "of value";
  constexpr std::string_view kAtLeast = "at least ", kAtMost = "at most ";
  text = trimmed(text);
  guardian::ChangeLimit limit;
  // 5% of value, at least 0.01, at most 0.5: the part behind the last comma first
  if (const std::size_t comma = text.rfind(','); comma != std::string_view::npos) {
    const std::string_view bound = trimmed(text.substr(comma + 1));
    const bool is_floor = bound.starts_with(kAtLeast);
    if (!is_floor && !bound.starts_with(kAtMost)) {
      return complain(fmt::format("'{}' is neither 'at least ...' nor 'at most ...'", bound));
    }
    const auto value =
        parse_decimal(trimmed(bound.substr(is_floor ? kAtLeast.size() : kAtMost.size())), unit, decimals);
    if (!value) return tl::make_unexpected(value.error());
    auto rest = parse_change(text.substr(0, comma), unit, decimals);
    if (!rest) return rest;
    auto& place = is_floor ? rest->floor : rest->absolute;
    if (!rest->relative) return complain("'at least' and 'at most' bound a change '... of value'");
    if (place) return complain(fmt::format("'{}' is said twice", is_floor ? "at least" : "at most"));
    place = *value;
    return rest;
  }
  if (text.ends_with(kOfValue)) {
    const auto ratio = parse_ratio(trimmed(text.substr(0, text.size() - kOfValue.size())));
    if (!ratio) return tl::make_unexpected(ratio.error());
    limit.relative = *ratio;
    return limit;
  }
  const auto absolute = parse_decimal(text, unit, decimals);
  if (!absolute) {
    const bool is_percent = text.ends_with('%') && !ratio_exponent(unit);
    if (!is_percent) return tl::make_unexpected(absolute.error());
    return complain(fmt::format("'{}' is relative, and does not say to what", text), fmt::format("{} of value", text));
  }
  limit.absolute = *absolute;
  return limit;
}

Parsed<Per> parse_per(std::string_view text, Duration day) {
  constexpr std::string_view kPer = " per ";
  const std::size_t at = text.find(kPer);
  if (at == std::string_view::npos) {
    return complain(fmt::format("'{}' does not say in what time; write it as '<amount> per <duration>'", text),
                    fmt::format("{} per day", trimmed(text)));
  }
  const std::string_view right = trimmed(text.substr(at + kPer.size()));
  const auto per = right == "day" ? Parsed<Duration>(day) : parse_duration_value(right, day);
  if (!per) return tl::make_unexpected(per.error());
  return Per{trimmed(text.substr(0, at)), *per};
}

Parsed<FinalityValue> parse_finality(std::string_view text) {
  if (text == "latest") return FinalityValue{oracle::Finality::confirmations, 0};
  if (text == "safe") return FinalityValue{oracle::Finality::safe, 0};
  if (text == "finalized") return FinalityValue{oracle::Finality::finalized, 0};
  constexpr std::string_view kForms = "'{}' is not a finality; write latest, 12 confirmations, safe or finalized";
  const auto split = split_number(text);
  if (!split) return complain(fmt::format(kForms, text));
  std::uint32_t n = 0;
  const auto [end, error] = std::from_chars(split->number.data(), split->number.data() + split->number.size(), n);
  const bool is_count = error == std::errc{} && end == split->number.data() + split->number.size();
  if (!is_count || (split->unit != "confirmations" && split->unit != "confirmation")) {
    return complain(fmt::format(kForms, text), is_count ? fmt::format("{} confirmations", n) : "");
  }
  return FinalityValue{oracle::Finality::confirmations, n};
}

namespace {

/// Four numbers 0..255 with dots.
bool is_ipv4(std::string_view host) {
  int parts = 0;
  while (true) {
    std::uint8_t byte = 0;
    const auto [end, error] = std::from_chars(host.data(), host.data() + host.size(), byte);
    if (error != std::errc{}) return false;
    ++parts;
    host.remove_prefix(static_cast<std::size_t>(end - host.data()));
    if (host.empty()) return parts == 4;
    if (host.front() != '.' || parts == 4) return false;
    host.remove_prefix(1);
  }
}

bool is_host_name(std::string_view host) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
  return !host.empty() && host.size() <= 253 && host.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

Parsed<ListenAddress> parse_listen_address(std::string_view text) {
  constexpr std::string_view kForms = "'{}' is not an address to listen on; write host:port, e.g. 127.0.0.1:7400";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return complain(fmt::format(kForms, text));
  const std::string_view port_text = text.substr(colon + 1);
  ListenAddress address;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), address.port);
  if (error != std::errc{} || end != port_text.data() + port_text.size()) {
    return complain(fmt::format("'{}' is not a port; it is a number from 0 (any free one) to 65535", port_text));
  }
  std::string_view host = text.substr(0, colon);
  if (host.empty()) return complain(fmt::format(kForms, text), fmt::format("127.0.0.1:{}", address.port));
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.empty() || host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) {
      return complain(fmt::format(kForms, text));
    }
    address.is_loopback = host == "::1";
  } else if (is_ipv4(host)) {
    address.is_loopback = host.starts_with("127.");
  } else if (is_host_name(host)) {
    address.is_loopback = host == "localhost";
  } else {
    return complain(fmt::format(kForms, text));
  }
  address.host = std::string(host);
  return address;
}

}  // namespace homeostat::config
