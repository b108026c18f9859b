// The part of check() that is about sources, events and metrics.
#pragma once

#include <vector>

#include "engine/policy.hpp"

namespace homeostat::engine {

/// Appends to `errors` whatever is wrong with the policy's sources, events and metrics but for their names.
void check_oracle(const Policy& policy, std::vector<Error>& errors);

}  // namespace homeostat::engine
