// Expressions over metrics, as people write them in a policy: `creators / max(viewers, 1)`.
//
// The language: numbers, names ([A-Za-z_][A-Za-z0-9_]*), + - * /, parentheses, the comparisons
// < <= > >= == != (1 or 0), the choice `a ? b : c`, the functions min, max (one or more arguments), abs, sqrt
// and clamp(x, low, high), and the statistics mean, median, deviation, gini, hhi and nakamoto of one or more
// arguments (core/statistics.hpp), for example the concentration of the largest holders. A name without a call is a
// variable, also one that a function has. Everything in it is exactly
// rounded IEEE arithmetic, so that a replay gives the same bits; powers, logarithms and assignment are not in it.
// (muParser does the parsing; its other functions, operators and its optimiser, which reorders arithmetic, are taken
// out.)
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace homeostat {

/// Longest text taken, in characters.
inline constexpr std::size_t kExpressionLengthMax = 4096;

class Expression {
 public:
  /// Parses `text`. Error malformed: what and at which column; unsupported: a function or operator that is
  /// not in the language.
  [[nodiscard]] static Result<Expression> parse(std::string_view text);

  ~Expression();
  Expression(const Expression&);  ///< parses anew, some microseconds
  Expression(Expression&&) noexcept;
  Expression& operator=(const Expression&);
  Expression& operator=(Expression&&) noexcept;

  [[nodiscard]] const std::string& text() const;
  /// The names it uses, sorted, each once.
  [[nodiscard]] const std::vector<std::string>& variables() const;

  /// The value for `values` in the order of variables() (same size, CHECKed). Error out_of_range when it
  /// is not finite, such as a division by zero. Not to be called from two threads at once: it has scratch.
  [[nodiscard]] Result<double> evaluate(std::span<const double> values) const;
  /// The same without the cost of an Error: NaN or infinity when it is not finite.
  [[nodiscard]] double value(std::span<const double> values) const;

 private:
  struct Program;
  explicit Expression(std::unique_ptr<Program> program);
  std::unique_ptr<Program> program_;
};

}  // namespace homeostat
