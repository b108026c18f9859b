// The decision record for the wire, and in words. The parameter's unit is not part of the record
// (the configuration has it), so it is passed in; empty when the parameter is no longer configured.
#pragma once

#include <string>
#include <string_view>

#include "engine/engine.hpp"
#include "homeostat/v1/control.pb.h"
#include "homeostat/v1/types.pb.h"

namespace homeostat::convert {

[[nodiscard]] v1::Quality proto_from_quality(oracle::Quality quality);
[[nodiscard]] v1::OperatingMode proto_from_mode(guardian::OperatingMode mode);
void proto_from_reading(const oracle::Reading& reading, v1::Reading& proto);
void proto_from_decision(const engine::DecisionRecord& record, std::string_view unit, v1::Decision& proto);

/// The same in plain words, several lines, as `homeostat explain` prints it.
[[nodiscard]] std::string explain(const engine::DecisionRecord& record, std::string_view unit);

/// The unit of a parameter by name; empty when the view has no such parameter.
[[nodiscard]] std::string_view unit_of(const engine::View& view, std::string_view parameter);

}  // namespace homeostat::convert
