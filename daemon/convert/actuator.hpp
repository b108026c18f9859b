// ActuatorService: adjustments out, executors' answers in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "engine/engine.hpp"
#include "homeostat/v1/actuator.pb.h"

namespace homeostat::convert {

struct Subscription {
  std::string executor;
  std::vector<std::string> parameters;  ///< sorted, without repetition; empty = all
  std::uint64_t after_id = 0;

  [[nodiscard]] bool wants(std::string_view parameter) const;
  /// A bundle is wanted by whoever wants any of its members.
  [[nodiscard]] bool wants(const engine::Adjustment& adjustment) const;
};

/// Errors: executor missing, more than 1000 parameters, or one that the policy does not have (a subscription
/// to a misspelt name would otherwise wait for ever).
[[nodiscard]] Result<Subscription> subscription_from_proto(const v1::SubscribeRequest& proto, const engine::View& view);

void proto_from_adjustment(const engine::Adjustment& adjustment, std::uint64_t epoch, v1::Adjustment& proto);

/// Everything of an answer but its value. Errors: id 0, executor missing, no answer, no reason.
[[nodiscard]] Result<> check_answer(const v1::AcknowledgeRequest& proto);

/// The answer as the engine takes it. `proto` must have passed check_answer; `decimals` is the scale of the
/// adjustment's parameter, which the request does not name. Errors: the value is not a decimal of that scale.
[[nodiscard]] Result<engine::ActuatorReport> report_from_proto(const v1::AcknowledgeRequest& proto, int decimals,
                                                               Instant at);

}  // namespace homeostat::convert
