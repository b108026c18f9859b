// The EVM's integers for laws that must agree with a contract to the last digit: 256 bits, checked.
//
// A calculation runs through one EvmMath. What would revert in a contract (overflow, division by zero, a negative
// number where uint256 is meant) is remembered as its fault, once, with the operation that failed; every later
// operation of the same calculation then gives 0, and the caller asks for the fault at the end. Nothing wraps, with
// the one exception that the EVM itself makes: as_signed(), a type conversion, reinterprets the bits.
//
// Rounding. quotient() truncates towards zero (signed `/`, SDIV); of two uint256 values that is the floor.
// ray_pow() rounds each product half up. Nothing else rounds.
//
// Units. WAD: 18 decimals; RAY: 27 decimals.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace homeostat::controller {

/// Wide enough for the product of any two 256-bit values, so that a range is checked after the operation. Fixed size:
/// no allocation; unchecked: no exceptions. (Division by zero is the one thing it would throw for; quotient() asks.)
using Int = boost::multiprecision::number<
    boost::multiprecision::cpp_int_backend<512, 512, boost::multiprecision::signed_magnitude,
                                           boost::multiprecision::unchecked, void>,
    boost::multiprecision::et_off>;

inline constexpr std::int64_t kWadUnits = 1'000'000'000'000'000'000;
[[nodiscard]] const Int& wad();          ///< 10^18
[[nodiscard]] const Int& ray();          ///< 10^27
[[nodiscard]] const Int& int256_max();   ///< 2^255 - 1
[[nodiscard]] const Int& uint256_max();  ///< 2^256 - 1
[[nodiscard]] bool is_int256(const Int& x);
[[nodiscard]] bool is_uint256(const Int& x);

/// Decimal digits with an optional sign, as JSON vectors write them; no value outside [-2^255, 2^256).
[[nodiscard]] std::optional<Int> parse_int(std::string_view text);
[[nodiscard]] std::string text_of(const Int& x);

class EvmMath {
 public:
  // int256
  [[nodiscard]] Int add(const Int& a, const Int& b) { return signed_in_range(a + b, "addition outside 256 bits"); }
  [[nodiscard]] Int subtract(const Int& a, const Int& b) {
    return signed_in_range(a - b, "subtraction outside 256 bits");
  }
  [[nodiscard]] Int multiply(const Int& a, const Int& b) {
    return signed_in_range(a * b, "multiplication outside 256 bits");
  }
  /// Truncates towards zero; -2^255 / -1 is out of range.
  [[nodiscard]] Int quotient(const Int& a, const Int& b);
  /// a b / WAD, truncated towards zero; the product must fit into 256 bits, as in the contracts.
  [[nodiscard]] Int times_wad(const Int& a, const Int& b);
  /// a b / RAY, likewise.
  [[nodiscard]] Int times_ray(const Int& a, const Int& b);

  // uint256: negative results are faults as well
  [[nodiscard]] Int add_u(const Int& a, const Int& b) { return unsigned_in_range(a + b, "addition outside 256 bits"); }
  [[nodiscard]] Int subtract_u(const Int& a, const Int& b) {
    return unsigned_in_range(a - b, "subtraction outside 256 bits");
  }
  [[nodiscard]] Int multiply_u(const Int& a, const Int& b) {
    return unsigned_in_range(a * b, "multiplication outside 256 bits");
  }
  [[nodiscard]] Int quotient_u(const Int& a, const Int& b);

  /// base^exponent in RAY by squaring, every product rounded half up; 0^0 = 1 RAY. `base` is uint256.
  [[nodiscard]] Int ray_pow(const Int& base, std::uint64_t exponent);

  /// The conversion int256(uint256): bits reinterpreted, never a fault.
  [[nodiscard]] static Int as_signed(const Int& x);

  /// For a condition that a contract requires.
  void require(bool condition, const char* what) {
    if (!condition) note(what);
  }
  [[nodiscard]] bool is_fault() const { return fault_ != nullptr; }
  /// The first thing that would have reverted.
  [[nodiscard]] Error fault(std::string where) const;

 private:
  void note(const char* what) {
    if (fault_ == nullptr) fault_ = what;
  }
  [[nodiscard]] Int signed_in_range(Int x, const char* what);
  [[nodiscard]] Int unsigned_in_range(Int x, const char* what);
  [[nodiscard]] Int ray_times(const Int& a, const Int& b);

  const char* fault_ = nullptr;
};

}  // namespace homeostat::controller
