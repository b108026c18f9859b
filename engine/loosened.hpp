// What a new policy lets happen that the old one did not: what guardian/loosened.hpp says of limits, orders and keys;
// and of what limits rest on, what the oracle believes (bounds, age, origins, quorum, finality, guards) and what stops
// a loop (its metric, emergency bands, corridor, plausibility). A policy with keys takes such a one only if an admin
// allowed it.
//
// Not in it: what a loop makes of its readings inside its limits (gains, set-points, laws, plants).
#pragma once

#include <string>
#include <vector>

#include "engine/policy.hpp"

namespace homeostat::engine {

/// One sentence for each thing that is looser, empty if nothing is.
[[nodiscard]] std::vector<std::string> loosened(const Policy& was, const Policy& now);

}  // namespace homeostat::engine
