// The one sentence of a decision: what happened to the parameter, and the fact that mattered most.
#pragma once

#include <string_view>

#include "core/buffer.hpp"
#include "engine/record.hpp"
#include "guardian/settings.hpp"

namespace homeostat::engine {

/// E.g. "raised 2.5 % -> 2.75 %: token_velocity 14.2 is above its set-point 10 (quality ok); limited by
/// change: at most 0.25 % per adjustment". `record` is complete but for `why`; `override_by` is the actor
/// of an override in force; `scratch` is where it is put together, and what the result is read from until it is used
/// again.
[[nodiscard]] std::string_view why(const DecisionRecord& record, const guardian::ParameterSettings& settings,
                                   std::string_view override_by, Buffer& scratch);

}  // namespace homeostat::engine
