// Bundles: parameters that must move together, and what must hold between them.
//
// An invariant is an expression (core/expression.hpp) over
//   NAME         a member's proposed value, or else a metric's reading
//   prev(NAME)   a member's applied value, before the change
//   since(NAME)  seconds since a member's last change was sent; kSinceNever if none ever was
//   now          the time of the decision, in Unix seconds
// and holds when it is true (not 0). What cannot be computed, or needs a reading that cannot be used, does not hold.
//
// A bundle is judged as a whole, after each member's own limits: it is sent as it is, or not at all. A member that a
// limit would clamp or hold refuses the bundle, for the others would move without it. [Aave CAPO, 2026-03-10: a ratio
// was clamped to +3 %, its timestamp moved in full, and the cap computed from both fell 2.85 % under the market.]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/expression.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::guardian {

struct BundleInvariant {
  std::string name;  ///< what a refusal calls it
  std::string text;
};

struct Bundle {
  std::string name;
  std::vector<std::string> members;  ///< parameters; a parameter is in one bundle at most
  std::vector<BundleInvariant> invariants;
};

inline constexpr std::size_t kBundlesMax = 1000;
inline constexpr std::size_t kBundleMembersMax = 64;
inline constexpr std::size_t kInvariantsMax = 64;
inline constexpr std::size_t kInvariantLengthMax = 500;
/// since() of a member that never changed, in seconds (ten years): longer than any cooldown may be.
inline constexpr double kSinceNever = 315'360'000;

enum class OperandKind : std::uint8_t { value, previous, since, now };

/// One variable of an invariant: what it stands for, and of which member or metric.
struct Operand {
  OperandKind kind = OperandKind::value;
  std::string name;
};

struct Invariant {
  std::string name;
  std::string text;
  Expression expression;          ///< with prev(x) and since(x) as plain names
  std::vector<Operand> operands;  ///< in the order of expression.variables()

  /// True, false, or not computable (which is false).
  [[nodiscard]] bool holds(const std::vector<double>& values) const { return is_true(expression.value(values)); }
  /// "a = 1, prev(b) = 2": what it was judged by.
  [[nodiscard]] std::string numbers(const std::vector<double>& values) const;

 private:
  [[nodiscard]] static bool is_true(double x) { return x != 0 && x - x == 0; }
};

/// Errors: malformed, unsupported (as Expression::parse, in the columns of `text`), out_of_range (too long).
[[nodiscard]] Result<Invariant> parse_invariant(const BundleInvariant& invariant);

/// "prev(x)", as people wrote it.
[[nodiscard]] std::string operand_text(const Operand& operand);

}  // namespace homeostat::guardian
