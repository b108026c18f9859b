#include "controller/evm_math.hpp"

#include <algorithm>

namespace homeostat::controller {
namespace {

using Word = unsigned __int128;

// 10^27 = 2^26 kDivisor, whose top bit is set, and kReciprocal = floor((2^128 - 1) / kDivisor) - 2^64.
constexpr std::uint64_t kDivisor = 2 * 7'450'580'596'923'828'125ULL;
constexpr unsigned kShift = 26;
constexpr std::uint64_t kReciprocal = static_cast<std::uint64_t>(~Word{0} / kDivisor);
constexpr Word kRay = Word{1'000'000'000} * kWadUnits;

/// floor((high 2^64 + low) / kDivisor) and the rest in `high`, for high < kDivisor. The machine's own division, which
/// the compiler does not use here, would take three times as long. [Moller & Granlund 2011, algorithm 4]
std::uint64_t divide(std::uint64_t& high, std::uint64_t low) {
  const Word q = Word{kReciprocal} * high + (Word{high} << 64 | low);
  std::uint64_t quotient = static_cast<std::uint64_t>(q >> 64) + 1;
  std::uint64_t rest = low - quotient * kDivisor;
  if (rest > static_cast<std::uint64_t>(q)) {
    --quotient;
    rest += kDivisor;
  }
  if (rest >= kDivisor) {
    ++quotient;
    rest -= kDivisor;
  }
  high = rest;
  return quotient;
}

/// a b / RAY, half up, for a, b <= RAY: what a leak is made of. The product stays under 2^180.
Word ray_times_small(Word a, Word b) {
  const std::uint64_t a0 = static_cast<std::uint64_t>(a), a1 = static_cast<std::uint64_t>(a >> 64);
  const std::uint64_t b0 = static_cast<std::uint64_t>(b), b1 = static_cast<std::uint64_t>(b >> 64);
  const Word low = Word{a0} * b0 + static_cast<std::uint64_t>(kRay / 2);
  const Word middle = Word{a0} * b1 + Word{a1} * b0 + (low >> 64) + (kRay / 2 >> 64);  // a1, b1 < 2^26: no carry lost
  const Word high = Word{a1} * b1 + (middle >> 64);
  const std::uint64_t x0 = static_cast<std::uint64_t>(low), x1 = static_cast<std::uint64_t>(middle);
  const std::uint64_t x2 = static_cast<std::uint64_t>(high);
  std::uint64_t rest = x2 >> kShift;
  const std::uint64_t q1 = divide(rest, x1 >> kShift | x2 << (64 - kShift));
  const std::uint64_t q0 = divide(rest, x0 >> kShift | x1 << (64 - kShift));
  return Word{q1} << 64 | q0;
}

/// Truncated towards zero.
Int quotient_by_ray(const Int& x) {
  const Int size = (abs(x) >> kShift) / kDivisor;
  return x.sign() < 0 ? Int{-size} : size;
}

Int magnitude(unsigned bits) {
  return (Int{1} << bits) - 1;
}

}  // namespace

const Int& wad() {
  static const Int x{kWadUnits};
  return x;
}

const Int& ray() {
  static const Int x = Int{kWadUnits} * 1'000'000'000;
  return x;
}

const Int& int256_max() {
  static const Int x = magnitude(255);
  return x;
}

const Int& uint256_max() {
  static const Int x = magnitude(256);
  return x;
}

bool is_int256(const Int& x) {
  if (x.backend().size() * sizeof(boost::multiprecision::limb_type) < 32) return true;  // surely
  static const Int least = -int256_max() - 1;
  return x <= int256_max() && x >= least;
}

bool is_uint256(const Int& x) {
  if (x.backend().size() * sizeof(boost::multiprecision::limb_type) <= 32) return x.sign() >= 0;
  return x.sign() >= 0 && x <= uint256_max();
}

std::optional<Int> parse_int(std::string_view text) {
  constexpr std::size_t kDigitsMax = 78;  // of 2^256
  const bool is_negative = !text.empty() && text.front() == '-';
  if (is_negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
  Int x = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    x = x * 10 + (c - '0');
  }
  if (is_negative) x = -x;
  if (!is_int256(x) && !is_uint256(x)) return std::nullopt;
  return x;
}

std::string text_of(const Int& x) {
  return x.str();
}

Int EvmMath::signed_in_range(Int x, const char* what) {
  if (is_fault()) return 0;
  if (is_int256(x)) return x;
  note(what);
  return 0;
}

Int EvmMath::unsigned_in_range(Int x, const char* what) {
  if (is_fault()) return 0;
  if (is_uint256(x)) return x;
  note(what);
  return 0;
}

Int EvmMath::quotient(const Int& a, const Int& b) {
  if (b.is_zero()) note("division by zero");
  if (is_fault()) return 0;
  return signed_in_range(a / b, "division outside 256 bits");
}

Int EvmMath::quotient_u(const Int& a, const Int& b) {
  if (b.is_zero()) note("division by zero");
  if (is_fault()) return 0;
  return unsigned_in_range(a / b, "division outside 256 bits");
}

Int EvmMath::times_ray(const Int& a, const Int& b) {
  const Int product = multiply(a, b);
  if (is_fault()) return 0;
  return quotient_by_ray(product);
}

Int EvmMath::times_wad(const Int& a, const Int& b) {
  const Int product = multiply(a, b);
  if (is_fault()) return 0;
  return product / kWadUnits;
}

Int EvmMath::ray_times(const Int& a, const Int& b) {
  const Int product = add_u(multiply_u(a, b), ray() / 2);
  if (is_fault()) return 0;
  return quotient_by_ray(product);
}

Int EvmMath::ray_pow(const Int& base, std::uint64_t exponent) {
  if (base.is_zero()) return exponent == 0 ? ray() : Int{0};
  if (base.sign() > 0 && base <= ray()) {  // powers of it stay there
    Word x = static_cast<Word>(base);
    Word z = exponent % 2 == 1 ? x : kRay;
    for (exponent /= 2; exponent > 0; exponent /= 2) {
      x = ray_times_small(x, x);
      if (exponent % 2 == 1) z = ray_times_small(z, x);
    }
    return Int{z};
  }
  Int x = base;
  Int z = exponent % 2 == 1 ? x : ray();
  for (exponent /= 2; exponent > 0 && !is_fault(); exponent /= 2) {
    x = ray_times(x, x);
    if (exponent % 2 == 1) z = ray_times(z, x);
  }
  return is_fault() ? Int{0} : z;
}

Int EvmMath::as_signed(const Int& x) {
  return x > int256_max() ? Int{x - uint256_max() - 1} : x;
}

Error EvmMath::fault(std::string where) const {
  if (fault_ == nullptr) return {ErrorCode::out_of_range, std::move(where), "no fault"};
  return {ErrorCode::out_of_range, std::move(where), std::string("the contract would revert: ") + fault_};
}

}  // namespace homeostat::controller
