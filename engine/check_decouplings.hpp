// What of a policy's decouplings contradicts itself or the loops; a part of check().
#pragma once

#include <vector>

#include "core/result.hpp"
#include "engine/policy.hpp"

namespace homeostat::engine {

void check_decouplings(const Policy& policy, std::vector<Error>& errors);

}  // namespace homeostat::engine
