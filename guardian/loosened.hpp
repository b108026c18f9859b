// What a new configuration lets the system do that the old one did not: wider bounds, larger or sooner changes, bigger
// budgets, longer orders, other keys or fewer approvals. A policy with keys takes such a one only if an admin allowed
// it.
#pragma once

#include <string>
#include <vector>

#include "guardian/settings.hpp"

namespace homeostat::guardian {

/// One sentence for each thing that is looser, empty if nothing is. A parameter that is new is: something may move that
/// could not before.
[[nodiscard]] std::vector<std::string> loosened(const Settings& was, const Settings& now);

}  // namespace homeostat::guardian
