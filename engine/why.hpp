// The one sentence of a decision: what happened to the parameter, and the fact that mattered most.
#pragma once

#include <string>

#include "engine/record.hpp"
#include "guardian/settings.hpp"

namespace homeostat::engine {

/// `x` to six significant digits, for sentences (records keep the exact number).
[[nodiscard]] std::string short_text(double x);

/// E.g. "raised 2.5 % -> 2.75 %: token_velocity 14.2 is above its set-point 10 (quality ok); limited by
/// change: at most 0.25 % per adjustment". `record` is complete but for `why`; `override_by` is the actor
/// of an override in force.
[[nodiscard]] std::string why(const DecisionRecord& record, const guardian::ParameterSettings& settings,
                              const std::string& override_by);

}  // namespace homeostat::engine
