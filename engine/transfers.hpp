// An amount shared among an action's recipients.
#pragma once

#include <vector>

#include "guardian/action.hpp"

namespace homeostat::engine {

/// `amount` >= 0 in the recipients' shares, exact to the last unit: by the largest remainder, of equal ones the first
/// (economy/tokenomics/apportion.hpp). Empty without recipients.
[[nodiscard]] std::vector<guardian::Transfer> transfers_of(const guardian::Action& action, Decimal amount);

}  // namespace homeostat::engine
