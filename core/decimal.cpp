#include "core/decimal.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "core/check.hpp"

namespace homeostat {
namespace {

using Wide = unsigned __int128;

constexpr std::array<std::uint64_t, Decimal::kDecimalsMax + 1> kPowersOfTen = [] {
  std::array<std::uint64_t, Decimal::kDecimalsMax + 1> powers{};
  std::uint64_t p = 1;
  for (auto& x : powers) {
    x = p;
    p *= 10;
  }
  return powers;
}();

Decimal::Units power_of_ten(int n) {
  return static_cast<Decimal::Units>(kPowersOfTen[static_cast<std::size_t>(n)]);
}

/// x / 2^shift, half to even; shift >= 1.
Wide shifted_half_even(Wide x, int shift) {
  if (shift >= 128) return 0;  // callers pass x < 2^113, less than half of 2^128
  const Wide quotient = x >> shift;
  const Wide rest = x & ((Wide{1} << shift) - 1);
  const Wide half = Wide{1} << (shift - 1);
  const bool up = rest > half || (rest == half && (quotient & 1) != 0);
  return quotient + (up ? 1 : 0);
}

tl::unexpected<Error> beyond_range() {
  return fail(ErrorCode::out_of_range, "", "the value is beyond what a parameter can hold (10^30 units)");
}

tl::unexpected<Error> malformed(std::string_view text) {
  return fail(ErrorCode::malformed, "",
              "'" + std::string(text.substr(0, 64)) + "' is not a decimal number such as 12.5 or -0.003");
}

}  // namespace

Result<Decimal> Decimal::parse(std::string_view text, int decimals) {
  HOMEOSTAT_CHECK(decimals >= 0 && decimals <= kDecimalsMax);
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative) rest.remove_prefix(1);

  Units units = 0;
  int fraction_digits = -1;  // -1: before the point
  std::size_t integer_digits = 0;
  for (const char c : rest) {
    if (c == '.' && fraction_digits < 0) {
      fraction_digits = 0;
      continue;
    }
    if (c < '0' || c > '9') return malformed(text);
    if (fraction_digits < 0) {
      ++integer_digits;
    } else if (fraction_digits == decimals) {
      if (c == '0') continue;
      return fail(ErrorCode::out_of_range, "",
                  "'" + std::string(text.substr(0, 64)) + "' has more than " + std::to_string(decimals) + " decimals");
    } else {
      ++fraction_digits;
    }
    units = units * 10 + (c - '0');
    if (units > kUnitsMax) return beyond_range();
  }
  if (integer_digits == 0 || rest.back() == '.') return malformed(text);
  for (int n = fraction_digits < 0 ? 0 : fraction_digits; n < decimals; ++n) {
    units *= 10;
    if (units > kUnitsMax) return beyond_range();
  }
  return Decimal(negative ? -units : units, decimals);
}

Result<Decimal> Decimal::from_double(double x, int decimals) {
  HOMEOSTAT_CHECK(decimals >= 0 && decimals <= kDecimalsMax);
  if (!std::isfinite(x)) return fail(ErrorCode::out_of_range, "", "the value is not a finite number");

  // |x| = mantissa x 2^exponent exactly; mantissa x 10^decimals < 2^53 x 2^60 = 2^113.
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const int biased = static_cast<int>((bits >> 52) & 0x7ff);
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52) - 1);
  const std::uint64_t mantissa = biased == 0 ? fraction : fraction | (std::uint64_t{1} << 52);
  const int exponent = (biased == 0 ? 1 : biased) - 1075;
  const Wide scaled = Wide{mantissa} * static_cast<Wide>(power_of_ten(decimals));

  Wide magnitude = 0;
  if (exponent < 0) {
    magnitude = shifted_half_even(scaled, -exponent);
  } else {
    // 10^30 < 2^100: beyond that the shift below could overflow, and the value is out of range anyway.
    if (exponent >= 100 || (scaled >> (100 - exponent)) != 0) return beyond_range();
    magnitude = scaled << exponent;
  }
  if (magnitude > static_cast<Wide>(kUnitsMax)) return beyond_range();
  const auto units = static_cast<Units>(magnitude);
  return Decimal((bits >> 63) != 0 ? -units : units, decimals);
}

double Decimal::to_double() const {
  // Both operands are correctly rounded (10^18 exactly), so the error is below one ulp.
  const auto small = static_cast<std::int64_t>(units_);
  const double units = small == units_ ? static_cast<double>(small) : static_cast<double>(units_);  // the same, faster
  return units / static_cast<double>(kPowersOfTen[decimals_]);
}

std::string Decimal::to_string() const {
  Buffer text;
  append_to(text);
  return std::string(text.view());
}

void Decimal::append_to(Buffer& text) const {
  char buffer[64];  // a sign, 31 digits, a point and as many zeros as there are decimals at most
  char* const end = buffer + sizeof buffer;
  char* p = end;
  const auto write = [&](auto magnitude) {
    for (int n = 0; n < decimals_; ++n, magnitude /= 10) {
      const auto digit = static_cast<char>('0' + static_cast<int>(magnitude % 10));
      if (p != end || digit != '0') *--p = digit;  // trailing zeros are left out
    }
    if (p != end) *--p = '.';
    do {
      *--p = static_cast<char>('0' + static_cast<int>(magnitude % 10));
      magnitude /= 10;
    } while (magnitude != 0);
  };
  const Wide magnitude = static_cast<Wide>(units_ < 0 ? -units_ : units_);
  // Division of 128 bits takes several times as long, and nearly no value needs it.
  if (magnitude <= std::numeric_limits<std::uint64_t>::max()) {
    write(static_cast<std::uint64_t>(magnitude));
  } else {
    write(magnitude);
  }
  if (units_ < 0) *--p = '-';
  text.append(p, static_cast<std::size_t>(end - p));
}

Result<Decimal> Decimal::rescaled(int decimals) const {
  HOMEOSTAT_CHECK(decimals >= 0 && decimals <= kDecimalsMax);
  if (decimals < decimals_) {
    const Units divisor = power_of_ten(decimals_ - decimals);
    if (units_ % divisor != 0) {
      return fail(ErrorCode::out_of_range, "",
                  to_string() + " cannot be held exactly with " + std::to_string(decimals) + " decimals");
    }
    return Decimal(units_ / divisor, decimals);
  }
  const Units factor = power_of_ten(decimals - decimals_);
  if (units_ > kUnitsMax / factor || units_ < -kUnitsMax / factor) return beyond_range();
  return Decimal(units_ * factor, decimals);
}

Decimal Decimal::rounded_to(Decimal quantum) const {
  HOMEOSTAT_CHECK(quantum.decimals_ == decimals_ && quantum.units_ > 0);
  const Units magnitude = units_ < 0 ? -units_ : units_;
  Units multiple = magnitude / quantum.units_;
  const Units rest = magnitude % quantum.units_;
  const Units twice = 2 * rest;
  const bool up = twice > quantum.units_ || (twice == quantum.units_ && multiple % 2 != 0);
  Units result = multiple * quantum.units_;
  if (up && result <= kUnitsMax - quantum.units_) result += quantum.units_;
  return Decimal(units_ < 0 ? -result : result, decimals_);
}

}  // namespace homeostat
