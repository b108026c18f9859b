// GuardianService: orders in. Names are looked up here, so that a misspelt one is answered with the
// nearest right one; whether an order is allowed now is the engine's to say.
#pragma once

#include <string>

#include "core/result.hpp"
#include "engine/engine.hpp"
#include "homeostat/v1/guardian.pb.h"

namespace homeostat::convert {

/// What an order is judged against.
struct OrderContext {
  const engine::View& view;
  Instant at;
  std::string identity;  ///< as the transport authenticated the caller; empty = order.actor is believed
};

using CommandResult = Result<engine::GuardianCommand>;
[[nodiscard]] CommandResult command_from_proto(const v1::PauseRequest& proto, const OrderContext& context);
[[nodiscard]] CommandResult command_from_proto(const v1::ResumeRequest& proto, const OrderContext& context);
/// The value must be a decimal of the parameter's scale inside its hard bounds.
[[nodiscard]] CommandResult command_from_proto(const v1::OverrideRequest& proto, const OrderContext& context);
[[nodiscard]] CommandResult command_from_proto(const v1::ClearOverrideRequest& proto, const OrderContext& context);
[[nodiscard]] CommandResult command_from_proto(const v1::ShiftSetpointRequest& proto, const OrderContext& context);
[[nodiscard]] CommandResult command_from_proto(const v1::ClearShiftRequest& proto, const OrderContext& context);
[[nodiscard]] CommandResult command_from_proto(const v1::EmergencyRequest& proto, const OrderContext& context);
[[nodiscard]] CommandResult command_from_proto(const v1::VetoRequest& proto, const OrderContext& context);
[[nodiscard]] CommandResult command_from_proto(const v1::ReleaseRequest& proto, const OrderContext& context);
[[nodiscard]] CommandResult command_from_proto(const v1::ClearHaltRequest& proto, const OrderContext& context);

/// Only the sizes are judged here; what the text says, and whether the signature is right, the engine judges.
[[nodiscard]] Result<engine::SignedCommand> signed_from_proto(const v1::SubmitRequest& proto, Instant at);

void proto_from_pending(const engine::View& view, v1::ListPendingResponse& proto);

}  // namespace homeostat::convert
