// A decision in plain words, for a person who was not there: what happened, what was seen and how far
// it can be trusted, what each loop made of it, what held it back and what would have been sent without,
// in which mode, and what the executor answered.
#pragma once

#include <string>

#include "engine/record.hpp"

namespace homeostat::engine {

/// Several lines, each ended by a newline, at most about 100 columns unless a name or reason is longer.
[[nodiscard]] std::string explain(const DecisionRecord& record);

}  // namespace homeostat::engine
