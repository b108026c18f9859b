// The daemon's messages as tables and sentences for people. Pure: messages, the time and a style in, text out; the
// watch panel and the commands share it.
#pragma once

#include <string>

#include "cli/table.hpp"
#include "core/time.hpp"
#include "homeostat/v1/control.pb.h"

namespace homeostat::cli {

namespace v1 = ::homeostat::v1;

/// How a table is drawn, and the time that ages are counted from.
struct Look {
  TableStyle style;
  Instant now;
};

[[nodiscard]] std::string word_of(v1::Quality quality);
[[nodiscard]] std::string word_of(v1::OperatingMode mode);
[[nodiscard]] Tone tone_of(v1::Quality quality);
[[nodiscard]] Tone tone_of(v1::OperatingMode mode);
/// A decision's outcome and, if it was sent, the executor's answer: "emitted, applied".
[[nodiscard]] Cell outcome_cell(const v1::Decision& decision);

[[nodiscard]] std::string status_text(const v1::Status& status, const Look& look);
[[nodiscard]] std::string metrics_table(const v1::ListMetricsResponse& metrics, const Look& look);
/// Units come from the metrics and parameters.
[[nodiscard]] std::string loops_table(const v1::ListLoopsResponse& loops, const v1::ListMetricsResponse& metrics,
                                      const v1::ListParametersResponse& parameters, const Look& look);
[[nodiscard]] std::string parameters_table(const v1::ListParametersResponse& parameters, const Look& look);
[[nodiscard]] std::string sources_table(const v1::ListSourcesResponse& sources, const Look& look);
/// One line per decision.
[[nodiscard]] std::string decisions_table(const google::protobuf::RepeatedPtrField<v1::Decision>& decisions,
                                          const Look& look);
/// "paused until ... by ...", "held at ... until ... by ...", or "automatic".
[[nodiscard]] std::string state_of(const v1::Parameter& parameter);
/// One line for one event of the watch stream.
[[nodiscard]] std::string event_line(const v1::WatchEvent& event, const Look& look);

}  // namespace homeostat::cli
