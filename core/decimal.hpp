// Decimal: the value of a parameter, exactly as a contract can store it: an integer number of
// 10^-decimals units. Never a double: what is emitted is what is applied.
//
// Range: |units| <= 10^30 (kUnitsMax), decimals 0..18, so that every sum of two and every rescale is
// checked before it is computed and no operation can overflow 128 bits. Control arithmetic is
// double; the one quantisation (`from_double`, half to even) happens at the end of a decision.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/buffer.hpp"
#include "core/check.hpp"
#include "core/result.hpp"

namespace homeostat {

class Decimal {
 public:
  using Units = __int128;
  static constexpr int kDecimalsMax = 18;
  /// 10^30: twelve integer digits beside eighteen decimals.
  static constexpr Units kUnitsMax = static_cast<Units>(1'000'000'000'000'000) * 1'000'000'000'000'000;

  constexpr Decimal() = default;
  /// `units` x 10^-`decimals`; CHECKs both ranges (a programmer's mistake if violated).
  Decimal(Units units, int decimals) : units_(units), decimals_(static_cast<std::uint8_t>(decimals)) {
    HOMEOSTAT_CHECK(decimals >= 0 && decimals <= kDecimalsMax);
    HOMEOSTAT_CHECK(units <= kUnitsMax && units >= -kUnitsMax);
  }

  [[nodiscard]] constexpr Units units() const { return units_; }
  [[nodiscard]] constexpr int decimals() const { return decimals_; }

  /// Parses "-12.50" (no exponent, no sign but '-', at most `decimals` fraction digits unless the
  /// rest are zeros). Errors: malformed, out_of_range.
  [[nodiscard]] static Result<Decimal> parse(std::string_view text, int decimals);
  /// The nearest Decimal to `x`, ties to even; exact for every finite double. Errors: NaN, infinite or
  /// beyond kUnitsMax -> out_of_range.
  [[nodiscard]] static Result<Decimal> from_double(double x, int decimals);

  /// The nearest double (correctly rounded division is not needed: error <= 1 ulp).
  [[nodiscard]] double to_double() const;
  /// Shortest exact text: "0.0125", "-3", "7.10" is printed as "7.1".
  [[nodiscard]] std::string to_string() const;
  void append_to(Buffer& text) const;

  /// This value in another scale; `nullopt`-like error when digits would be lost (ErrorCode::out_of_range).
  [[nodiscard]] Result<Decimal> rescaled(int decimals) const;
  /// The nearest multiple of `quantum` (same decimals, > 0), ties to even multiple; towards zero where
  /// the nearest one is beyond kUnitsMax.
  [[nodiscard]] Decimal rounded_to(Decimal quantum) const;

  // Arithmetic and order between equal scales only (CHECKed): parameters never mix scales silently.
  [[nodiscard]] Decimal operator+(Decimal o) const {
    HOMEOSTAT_CHECK(decimals_ == o.decimals_);
    return {units_ + o.units_, decimals_};
  }
  [[nodiscard]] Decimal operator-(Decimal o) const {
    HOMEOSTAT_CHECK(decimals_ == o.decimals_);
    return {units_ - o.units_, decimals_};
  }
  [[nodiscard]] Decimal abs() const { return units_ < 0 ? Decimal(-units_, decimals_) : *this; }
  [[nodiscard]] std::strong_ordering operator<=>(const Decimal& o) const {
    HOMEOSTAT_CHECK(decimals_ == o.decimals_);
    return units_ < o.units_   ? std::strong_ordering::less
           : units_ > o.units_ ? std::strong_ordering::greater
                               : std::strong_ordering::equal;
  }
  [[nodiscard]] bool operator==(const Decimal& o) const {
    HOMEOSTAT_CHECK(decimals_ == o.decimals_);
    return units_ == o.units_;
  }

  /// Archive fields, see core/archive.hpp.
  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.units_);
    a(x.decimals_);
    if constexpr (requires { a.fail(); }) {  // a reader: bytes may lie, the ranges may not
      if (x.units_ > kUnitsMax || x.units_ < -kUnitsMax || x.decimals_ > kDecimalsMax) {
        x = Decimal();
        a.fail();
      }
    }
  }

 private:
  Units units_ = 0;
  std::uint8_t decimals_ = 0;
};

}  // namespace homeostat
