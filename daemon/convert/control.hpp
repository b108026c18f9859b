// ControlService: the published view and the journal's answers for the wire.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.hpp"
#include "daemon/api/backend.hpp"
#include "homeostat/v1/control.pb.h"

namespace homeostat::convert {

/// What of a Status neither the view nor the run knows.
struct ServerFacts {
  std::string_view version;
  std::uint32_t executors = 0;  ///< subscriptions open now
};

void proto_from_status(const engine::View& view, const daemon::RunStatus& run, const ServerFacts& facts,
                       v1::Status& proto);
void proto_from_source(const engine::SourceView& source, std::string_view kind, v1::Source& proto);
void proto_from_metric(const engine::MetricView& metric, v1::Metric& proto);
/// `view` gives the reading of the loop's metric.
void proto_from_loop(const engine::LoopView& loop, const engine::View& view, v1::Loop& proto);
void proto_from_parameter(const engine::ParameterView& parameter, v1::Parameter& proto);
void proto_from_notice(const engine::Notice& notice, v1::Notice& proto);

/// Bounds: parameter at most 128 bytes, limit 1..1000 (0 = 50).
[[nodiscard]] Result<daemon::DecisionFilter> filter_from_proto(const v1::ListDecisionsRequest& proto);

}  // namespace homeostat::convert
