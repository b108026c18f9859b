// Whole base units as decimal text: no number of JSON or double can hold them.
#pragma once

#include <string>

#include "core/result.hpp"
#include "economy/amount.hpp"

namespace homeostat::convert {

[[nodiscard]] std::string text_of_amount(economy::Amount amount);
/// Errors: malformed, out_of_range (0 to 10^30), at `where`.
[[nodiscard]] Result<economy::Amount> amount_from_text(const std::string& text, const std::string& where);

}  // namespace homeostat::convert
