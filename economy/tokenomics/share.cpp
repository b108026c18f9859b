#include "economy/tokenomics/share.hpp"

#include <cmath>
#include <string>

#include <boost/multiprecision/cpp_int.hpp>

#include "core/check.hpp"

namespace homeostat::economy::tokenomics {

Result<> require_amount(std::string_view name, Amount amount) {
  if (is_amount(amount)) return {};
  return fail(ErrorCode::out_of_range, std::string(name),
              std::string("must be from 0 to 10^30 base units, is ") + (amount < 0 ? "negative" : "above"));
}

Result<Amount> share_of(Amount amount, double ratio, Rounding rounding) {
  using boost::multiprecision::uint256_t;
  HOMEOSTAT_CHECK(is_amount(amount));
  HOMEOSTAT_CHECK(ratio >= 0 && std::isfinite(ratio));
  if (amount == 0 || ratio == 0) return Amount{0};
  int exponent = 0;
  const auto mantissa = static_cast<std::uint64_t>(std::ldexp(std::frexp(ratio, &exponent), 53));
  exponent -= 53;
  // amount < 2^100 and mantissa < 2^53: a shift to the left of more than 47 bits cannot stay within 10^30.
  uint256_t product = uint256_t(static_cast<unsigned __int128>(amount)) * mantissa;
  const uint256_t max(static_cast<unsigned __int128>(kAmountMax));
  if (exponent >= 0) {
    product = exponent > 47 ? max + 1 : uint256_t(product << static_cast<unsigned>(exponent));
  } else {
    const auto shift = static_cast<unsigned>(-exponent);
    const uint256_t whole = shift > 200 ? uint256_t(0) : uint256_t(product >> shift);
    const bool is_exact = shift <= 200 && uint256_t(whole << shift) == product;
    product = whole + (rounding == Rounding::up && !is_exact ? 1 : 0);
  }
  if (product > max) {
    return fail(ErrorCode::out_of_range, "amount", "is beyond 10^30 base units, the most that an amount can be");
  }
  return static_cast<Amount>(static_cast<unsigned __int128>(product));
}

Amount part_of(Amount amount, double ratio, Rounding rounding) {
  HOMEOSTAT_CHECK(ratio >= 0 && ratio <= 1);
  return *share_of(amount, ratio, rounding);
}

}  // namespace homeostat::economy::tokenomics
