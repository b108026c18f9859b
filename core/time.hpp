// Strong time types: Instant (a point, nanoseconds since the Unix epoch, UTC without leap seconds)
// and Duration (nanoseconds). No clock lives here: time always arrives as an argument.
//
// The arithmetic saturates instead of overflowing, so that a hostile timestamp can never become
// undefined behaviour; saturated values are far outside every validated range.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace homeostat {

namespace detail {
constexpr std::int64_t saturate(__int128 x) {
  constexpr __int128 kMax = std::numeric_limits<std::int64_t>::max();
  constexpr __int128 kMin = std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(x > kMax ? kMax : x < kMin ? kMin : x);
}
}  // namespace detail

struct Duration {
  std::int64_t ns = 0;

  static constexpr Duration zero() { return {0}; }
  static constexpr Duration max() { return {std::numeric_limits<std::int64_t>::max()}; }
  static constexpr Duration milliseconds(std::int64_t n) { return {detail::saturate(__int128{n} * 1'000'000)}; }
  static constexpr Duration seconds(std::int64_t n) { return {detail::saturate(__int128{n} * 1'000'000'000)}; }
  static constexpr Duration minutes(std::int64_t n) { return seconds(n * 60); }
  static constexpr Duration hours(std::int64_t n) { return seconds(n * 3600); }
  static constexpr Duration days(std::int64_t n) { return seconds(n * 86400); }

  /// The length in seconds; exact up to 2^53 ns (104 days), within half an ulp beyond.
  [[nodiscard]] constexpr double in_seconds() const { return static_cast<double>(ns) / 1e9; }

  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator-() const { return {detail::saturate(-__int128{ns})}; }
  constexpr Duration operator+(Duration o) const { return {detail::saturate(__int128{ns} + o.ns)}; }
  constexpr Duration operator-(Duration o) const { return {detail::saturate(__int128{ns} - o.ns)}; }
  constexpr Duration operator*(std::int64_t n) const { return {detail::saturate(__int128{ns} * n)}; }
  constexpr Duration operator/(std::int64_t n) const { return {ns / n}; }
  /// How many whole `o` fit; `o` must not be zero.
  constexpr std::int64_t operator/(Duration o) const { return ns / o.ns; }
};

struct Instant {
  std::int64_t ns = 0;  ///< since 1970-01-01T00:00:00Z

  static constexpr Instant from_unix_seconds(std::int64_t s) { return {detail::saturate(__int128{s} * 1'000'000'000)}; }
  /// True for a default-constructed Instant, which stands for "never".
  [[nodiscard]] constexpr bool is_never() const { return ns == 0; }

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return {detail::saturate(__int128{ns} + d.ns)}; }
  constexpr Instant operator-(Duration d) const { return {detail::saturate(__int128{ns} - d.ns)}; }
  constexpr Duration operator-(Instant o) const { return {detail::saturate(__int128{ns} - o.ns)}; }
};

}  // namespace homeostat
