// The text of a nudge: a template's words and the numbers that go between them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace homeostat::economy::behaviour {

/// A piece of a template: words, then a number unless it is the last.
struct Piece {
  std::string_view words;
  std::string_view metric;  ///< empty at the end
  int decimals = 2;
  bool is_percent = false;
};

/// Splits a template's text. Error malformed or invalid_argument: an unclosed or empty brace, a format that is none,
/// words that have a digit or mean a number.
[[nodiscard]] Result<std::vector<Piece>> pieces_of(std::string_view text);

/// The number as it stands in the message: rounded half to even from its exact value. Error out_of_range if it is not
/// finite or beyond what a Decimal holds.
[[nodiscard]] Result<std::string> number_text(const Piece& piece, double value);

}  // namespace homeostat::economy::behaviour
