// The part of check() that is about bundles: names, bounds, and invariants that can be computed from what there is.
#pragma once

#include <vector>

#include "engine/policy.hpp"

namespace homeostat::engine {

/// Appends to `errors` whatever is wrong with the policy's bundles.
void check_bundles(const Policy& policy, std::vector<Error>& errors);

}  // namespace homeostat::engine
