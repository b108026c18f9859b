#include "core/format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace homeostat {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

struct Date {
  std::int64_t year = 0;
  int month = 0;  ///< 1..12
  int day = 0;    ///< 1..31
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in(std::int64_t year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

/// Days from 0000-03-01 to the 1st of March of `year`: years start in March so that the leap day is last.
std::int64_t days_before_march(std::int64_t year) {
  return 365 * year + floor_div(year, 4) - floor_div(year, 100) + floor_div(year, 400);
}

/// Days from the 1st of March to the 1st of a month, March = 0: 31, 30, 31, 30, 31 twice and the rest.
int days_before_month(int months_since_march) {
  return (153 * months_since_march + 2) / 5;
}

constexpr std::int64_t kEpochFromMarch0 = 719'468;  // 0000-03-01 to 1970-01-01

std::int64_t days_from_date(Date d) {
  const std::int64_t year = d.month <= 2 ? d.year - 1 : d.year;
  return days_before_march(year) + days_before_month((d.month + 9) % 12) + d.day - 1 - kEpochFromMarch0;
}

Date date_from_days(std::int64_t days_since_epoch) {
  const std::int64_t days = days_since_epoch + kEpochFromMarch0;
  std::int64_t year = floor_div(days * 400, 146'097);  // right or one too high
  if (days_before_march(year) > days) --year;
  if (days_before_march(year + 1) <= days) ++year;
  const int day_of_year = static_cast<int>(days - days_before_march(year));
  const int month = (5 * day_of_year + 2) / 153;
  const int shifted = month + 3;
  return {.year = shifted > 12 ? year + 1 : year,
          .month = shifted > 12 ? shifted - 12 : shifted,
          .day = day_of_year - days_before_month(month) + 1};
}

void append_padded(std::string& out, std::int64_t value, int width) {
  std::string digits = std::to_string(value);
  if (digits.size() < static_cast<std::size_t>(width)) out.append(static_cast<std::size_t>(width) - digits.size(), '0');
  out += digits;
}

/// ".5", ".123", "" for a fraction of 10^-9 units.
std::string trimmed_fraction(std::int64_t ns) {
  if (ns == 0) return "";
  std::string text = ".";
  append_padded(text, ns, 9);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

/// Reads `count` digits at `pos`, or fails.
bool read_digits(std::string_view text, std::size_t& pos, int count, std::int64_t& out) {
  out = 0;
  for (int i = 0; i < count; ++i, ++pos) {
    if (pos >= text.size() || text[pos] < '0' || text[pos] > '9') return false;
    out = out * 10 + (text[pos] - '0');
  }
  return true;
}

bool read_char(std::string_view text, std::size_t& pos, std::string_view any_of) {
  if (pos >= text.size() || any_of.find(text[pos]) == std::string_view::npos) return false;
  ++pos;
  return true;
}

/// An optional ".123" as nanoseconds; false when malformed.
bool read_fraction(std::string_view text, std::size_t& pos, std::int64_t& ns) {
  ns = 0;
  if (!read_char(text, pos, ".")) return true;
  std::int64_t unit = kNsPerSecond;
  const std::size_t first = pos;
  while (pos < text.size() && text[pos] >= '0' && text[pos] <= '9') {
    if (pos - first == 9) return false;
    unit /= 10;
    ns += (text[pos++] - '0') * unit;
  }
  return pos > first;
}

/// "Z" or "+hh:mm" as seconds east of UTC; false when malformed.
bool read_offset(std::string_view text, std::size_t& pos, std::int64_t& seconds) {
  seconds = 0;
  if (read_char(text, pos, "Zz")) return true;
  const bool west = pos < text.size() && text[pos] == '-';
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  if (!read_char(text, pos, "+-") || !read_digits(text, pos, 2, hours) || !read_char(text, pos, ":") ||
      !read_digits(text, pos, 2, minutes) || hours > 23 || minutes > 59) {
    return false;
  }
  seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
  return true;
}

struct Unit {
  std::string_view name;
  std::int64_t ns;
};
constexpr std::array<Unit, 7> kUnits = {{{"d", kSecondsPerDay* kNsPerSecond},
                                         {"h", 3600 * kNsPerSecond},
                                         {"m", 60 * kNsPerSecond},
                                         {"s", kNsPerSecond},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1}}};

/// A magnitude in [1e-4, 1e6) as six digits and where their point is: digits x 10^-decimals, rounded to nearest.
/// False where that is too near a tie to be told by one multiplication.
bool six_digits(double magnitude, std::uint32_t& digits, int& decimals) {
  constexpr std::array<double, 10> kPowers = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
  constexpr double kTieMargin = 1e-6;  // the product is wrong by less than 1e-10
  decimals = magnitude >= 1 ? 0 : 5;
  while (magnitude * kPowers[static_cast<std::size_t>(decimals)] < 1e5) {
    if (++decimals > 9) return false;
  }
  const double scaled = magnitude * kPowers[static_cast<std::size_t>(decimals)];
  digits = static_cast<std::uint32_t>(scaled);
  const double rest = scaled - digits;
  if (rest > 0.5 - kTieMargin && rest < 0.5 + kTieMargin) return false;
  if (rest > 0.5) ++digits;
  if (digits >= 1'000'000) return false;
  while (decimals > 0 && digits % 10 == 0) digits /= 10, --decimals;  // trailing zeros are left out
  return true;
}

tl::unexpected<Error> bad_duration(std::string_view text) {
  return fail(
      ErrorCode::malformed, "",
      "'" + std::string(text.substr(0, 64)) +
          "' is not a duration; write numbers with units d, h, m, s, ms, us or ns, such as 250ms, 30s or 1h30m");
}

tl::unexpected<Error> long_duration(std::string_view text) {
  return fail(ErrorCode::out_of_range, "",
              "'" + std::string(text.substr(0, 64)) + "' is longer than the 106751 days that a duration can hold");
}

}  // namespace

std::string text_of(Instant t) {
  if (t.is_never()) return "never";
  const std::int64_t seconds = floor_div(t.ns, kNsPerSecond);
  const std::int64_t ns = (t.ns % kNsPerSecond + kNsPerSecond) % kNsPerSecond;
  const std::int64_t days = floor_div(seconds, kSecondsPerDay);
  const std::int64_t of_day = seconds - days * kSecondsPerDay;
  const Date date = date_from_days(days);
  std::string text;
  text.reserve(30);
  append_padded(text, date.year, 4);
  append_padded(text += '-', date.month, 2);
  append_padded(text += '-', date.day, 2);
  append_padded(text += 'T', of_day / 3600, 2);
  append_padded(text += ':', of_day / 60 % 60, 2);
  append_padded(text += ':', of_day % 60, 2);
  if (ns % 1'000'000 == 0) {
    if (ns != 0) append_padded(text += '.', ns / 1'000'000, 3);
  } else if (ns % 1'000 == 0) {
    append_padded(text += '.', ns / 1'000, 6);
  } else {
    append_padded(text += '.', ns, 9);
  }
  return text += 'Z';
}

std::string text_of(Duration d) {
  if (d.ns == 0) return "0s";
  // Unsigned, because the most negative duration has no positive counterpart.
  std::uint64_t rest = d.ns < 0 ? 0 - static_cast<std::uint64_t>(d.ns) : static_cast<std::uint64_t>(d.ns);
  std::string text = d.ns < 0 ? "-" : "";
  for (const Unit& unit : kUnits) {
    const auto size = static_cast<std::uint64_t>(unit.ns);
    if (rest < size) continue;
    text += std::to_string(rest / size);
    rest %= size;
    if (unit.ns <= kNsPerSecond) {  // seconds and below take the remainder as a fraction
      if (rest != 0) text += trimmed_fraction(static_cast<std::int64_t>(rest) * (kNsPerSecond / unit.ns));
      rest = 0;
    }
    text += unit.name;
  }
  return text;
}

std::string text_of(double x) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, x);
  return std::string(buffer, end.ptr);
}

std::string short_text(double x) {
  Buffer text;
  append_short(text, x);
  return std::string(text.view());
}

void append_short(Buffer& text, double x) {
  char buffer[32];
  char* const end = buffer + sizeof buffer;
  const double magnitude = x < 0 ? -x : x;
  std::uint32_t digits = 0;
  int decimals = 0;
  if (!(magnitude >= 1e-4 && magnitude < 1e6) || !six_digits(magnitude, digits, decimals)) {
    // Exact for everything, but some 150 ns; a decision has two of them.
    const char* const stop = std::to_chars(buffer, end, x, std::chars_format::general, 6).ptr;
    return text.append(buffer, static_cast<std::size_t>(stop - buffer));
  }
  char* p = end;
  if (decimals > 0) {
    for (; decimals > 0; --decimals, digits /= 10) *--p = static_cast<char>('0' + digits % 10);
    *--p = '.';
  }
  do {
    *--p = static_cast<char>('0' + digits % 10);
    digits /= 10;
  } while (digits != 0);
  if (x < 0) *--p = '-';
  text.append(p, static_cast<std::size_t>(end - p));
}

Result<Instant> parse_instant(std::string_view text) {
  std::size_t pos = 0;
  std::int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ns = 0, offset = 0;
  const bool shaped = read_digits(text, pos, 4, year) && read_char(text, pos, "-") &&
                      read_digits(text, pos, 2, month) && read_char(text, pos, "-") && read_digits(text, pos, 2, day) &&
                      read_char(text, pos, "Tt ") && read_digits(text, pos, 2, hour) && read_char(text, pos, ":") &&
                      read_digits(text, pos, 2, minute) && read_char(text, pos, ":") &&
                      read_digits(text, pos, 2, second) && read_fraction(text, pos, ns) &&
                      read_offset(text, pos, offset) && pos == text.size();
  const std::string shown = "'" + std::string(text.substr(0, 64)) + "'";
  if (!shaped) {
    return fail(ErrorCode::malformed, "", shown + " is not a time such as 2026-11-20T21:00:00Z");
  }
  if (month < 1 || month > 12 || day < 1 || day > days_in(year, static_cast<int>(month)) || hour > 23 || minute > 59 ||
      second > 59) {
    return fail(ErrorCode::out_of_range, "", shown + " names a day or time that does not exist");
  }
  const Date date{.year = year, .month = static_cast<int>(month), .day = static_cast<int>(day)};
  const std::int64_t seconds = days_from_date(date) * kSecondsPerDay + hour * 3600 + minute * 60 + second - offset;
  const __int128 total = __int128{seconds} * kNsPerSecond + ns;
  if (total != detail::saturate(total)) {
    return fail(ErrorCode::out_of_range, "", shown + " is outside the years 1678 to 2261");
  }
  return Instant{static_cast<std::int64_t>(total)};
}

Result<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative) rest.remove_prefix(1);
  if (rest == "0") return Duration{};
  if (rest.empty()) return bad_duration(text);

  __int128 total = 0;
  std::int64_t last_unit = std::numeric_limits<std::int64_t>::max();
  while (!rest.empty()) {
    std::size_t pos = 0;
    std::int64_t whole = 0;
    while (pos < rest.size() && rest[pos] >= '0' && rest[pos] <= '9') {
      if (pos == 18) return long_duration(text);
      whole = whole * 10 + (rest[pos++] - '0');
    }
    std::int64_t fraction = 0;  // of 10^-9
    if (pos == 0 || !read_fraction(rest, pos, fraction)) return bad_duration(text);
    std::size_t end = pos;
    while (end < rest.size() && rest[end] >= 'a' && rest[end] <= 'z') ++end;
    const auto* unit = std::find_if(kUnits.begin(), kUnits.end(),
                                    [&](const Unit& u) { return u.name == rest.substr(pos, end - pos); });
    if (unit == kUnits.end() || unit->ns >= last_unit) return bad_duration(text);
    const __int128 part = __int128{fraction} * unit->ns;
    if (part % kNsPerSecond != 0) return bad_duration(text);  // finer than a nanosecond
    total += __int128{whole} * unit->ns + part / kNsPerSecond;
    if (total > (__int128{1} << 63)) return long_duration(text);
    last_unit = unit->ns;
    rest.remove_prefix(end);
  }
  if (negative) total = -total;
  if (total != detail::saturate(total)) return long_duration(text);
  return Duration{static_cast<std::int64_t>(total)};
}

}  // namespace homeostat
