#include "economy/amount.hpp"

#include <bit>
#include <cmath>
#include <string>

#include <boost/multiprecision/cpp_int.hpp>

#include "core/check.hpp"
#include "core/format.hpp"

namespace homeostat::economy {

namespace {
using Wide = unsigned __int128;

tl::unexpected<Error> beyond_range() {
  return fail(ErrorCode::out_of_range, "amount", "is beyond 10^30 base units, the most that an amount can be");
}
}  // namespace

Result<Amount> mul_div(Amount a, Amount b, Amount c, Rounding rounding) {
  HOMEOSTAT_CHECK(is_amount(a) && is_amount(b) && is_amount(c) && c > 0);
  Wide product = 0;
  if (!__builtin_mul_overflow(static_cast<Wide>(a), static_cast<Wide>(b), &product)) {
    const Wide divisor = static_cast<Wide>(c);
    const Wide quotient = product / divisor;
    const Wide rounded = quotient + (rounding == Rounding::up && quotient * divisor != product ? 1 : 0);
    if (rounded > static_cast<Wide>(kAmountMax)) return beyond_range();
    return static_cast<Amount>(rounded);
  }
  using boost::multiprecision::uint256_t;
  const uint256_t exact = uint256_t(static_cast<Wide>(a)) * uint256_t(static_cast<Wide>(b));
  const uint256_t divisor(static_cast<Wide>(c));
  uint256_t quotient = exact / divisor;
  if (rounding == Rounding::up && quotient * divisor != exact) ++quotient;
  if (quotient > uint256_t(static_cast<Wide>(kAmountMax))) return beyond_range();
  return static_cast<Amount>(static_cast<Wide>(quotient));
}

Result<Amount> amount_of(double tokens, int decimals, Rounding rounding) {
  HOMEOSTAT_CHECK(decimals >= 0 && decimals <= Decimal::kDecimalsMax);
  if (!(tokens >= 0) || !std::isfinite(tokens)) {
    return fail(ErrorCode::out_of_range, "amount", "must be finite and at least 0, is " + text_of(tokens));
  }
  Wide scale = 1;
  for (int i = 0; i < decimals; ++i) scale *= 10;

  // tokens = mantissa x 2^exponent exactly; mantissa x 10^decimals < 2^53 x 2^60 = 2^113.
  int exponent = 0;
  const double fraction = std::frexp(tokens, &exponent);
  const auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
  exponent -= 53;
  const Wide scaled = Wide{mantissa} * scale;
  if (exponent >= 0) {
    if (mantissa != 0 && (exponent >= 100 || (scaled >> (100 - exponent)) != 0)) return beyond_range();
    const Wide units = mantissa == 0 ? 0 : scaled << exponent;
    if (units > static_cast<Wide>(kAmountMax)) return beyond_range();
    return static_cast<Amount>(units);
  }
  const int shift = -exponent;
  const Wide whole = shift >= 128 ? 0 : scaled >> shift;
  const bool is_exact = shift >= 128 ? scaled == 0 : whole << shift == scaled;
  const Wide units = whole + (rounding == Rounding::up && !is_exact ? 1 : 0);
  if (units > static_cast<Wide>(kAmountMax)) return beyond_range();
  return static_cast<Amount>(units);
}

double tokens_of(Amount amount, int decimals) {
  return Decimal(amount, decimals).to_double();
}

}  // namespace homeostat::economy
