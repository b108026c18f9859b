#include "daemon/convert/guardian.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/hex.hpp"
#include "daemon/convert/fields.hpp"
#include "daemon/convert/names.hpp"
#include "guardian/signed_order.hpp"

namespace homeostat::convert {
namespace {

CommandResult order_from_proto(const v1::Order& order, engine::CommandKind kind, const OrderContext& context) {
  const std::string& actor = context.identity.empty() ? order.actor() : context.identity;
  if (auto ok = check_name(actor, "order.actor"); !ok) {
    return tl::make_unexpected(ok.error());
  }
  if (auto ok = check_reason(order.reason(), "order.reason"); !ok) {
    return tl::make_unexpected(ok.error());
  }
  return engine::GuardianCommand{.actor = actor, .reason = order.reason(), .at = context.at, .kind = kind};
}

/// A parameter as target; the empty name stands for all of them when `all_allowed`.
Result<> set_parameter(engine::GuardianCommand& command, const std::string& name, bool all_allowed,
                       const OrderContext& context) {
  if (name.empty() && all_allowed) {
    return {};
  }
  if (auto ok = check_name(name, "parameter"); !ok) {
    return ok;
  }
  if (auto found = find_parameter(context.view, name, "parameter"); !found) {
    return tl::make_unexpected(found.error());
  }
  command.target = name;
  return {};
}

Result<> set_loop(engine::GuardianCommand& command, const std::string& name, const OrderContext& context) {
  if (auto ok = check_name(name, "loop"); !ok) {
    return ok;
  }
  if (find_by_name(context.view.loops, name) == nullptr) {
    return tl::make_unexpected(unknown_name("loop", name, names_of(context.view.loops), "loop"));
  }
  command.target = name;
  return {};
}

template <class Request>
Result<> set_until(engine::GuardianCommand& command, const Request& proto, bool required) {
  if (!proto.has_duration()) {
    return required ? fail(ErrorCode::invalid_argument, "duration", "is required: how long this holds") : Result<>{};
  }
  const auto duration = duration_from_proto(proto.duration(), "duration");
  if (!duration) {
    return tl::make_unexpected(duration.error());
  }
  command.until = command.at + *duration;
  return {};
}

Result<> set_value(engine::GuardianCommand& command, const std::string& text, const OrderContext& context) {
  const engine::ParameterView& parameter = **find_parameter(context.view, command.target, "parameter");
  const auto value = decimal_from_text(text, parameter.min.decimals(), "value");
  if (!value) {
    return tl::make_unexpected(value.error());
  }
  if (*value < parameter.min || *value > parameter.max) {
    return fail(ErrorCode::out_of_range, "value",
                fmt::format("{} is outside the hard bounds of {}, {}..{}", value->to_string(), parameter.name,
                            parameter.min.to_string(), parameter.max.to_string()));
  }
  command.value = *value;
  return {};
}

Result<> set_shift(engine::GuardianCommand& command, double shift) {
  if (!std::isfinite(shift) || shift == 0) {
    return fail(ErrorCode::out_of_range, "shift", fmt::format("is {}, must be finite and not 0", shift));
  }
  command.shift = shift;
  return {};
}

/// A metric, or a source; both can halt.
Result<> set_halted(engine::GuardianCommand& command, const std::string& name, const OrderContext& context) {
  if (auto ok = check_name(name, "name"); !ok) {
    return ok;
  }
  const engine::View& view = context.view;
  if (find_by_name(view.metrics, name) == nullptr && find_by_name(view.sources, name) == nullptr) {
    auto known = names_of(view.metrics);
    const auto sources = names_of(view.sources);
    known.insert(known.end(), sources.begin(), sources.end());
    return tl::make_unexpected(unknown_name("metric or source", name, known, "name"));
  }
  command.target = name;
  return {};
}

/// Runs the steps in order; the first error is the answer.
template <class... Steps>
CommandResult build(CommandResult command, Steps... steps) {
  if (!command) {
    return command;
  }
  Result<> outcome;
  // The fold stops at the first step that fails.
  const bool all_passed = ((outcome = steps(*command), outcome.has_value()) && ...);
  return all_passed ? command : CommandResult(tl::make_unexpected(outcome.error()));
}

}  // namespace

namespace {
Result<> set_adjustment(engine::GuardianCommand& command, std::uint64_t id, const char* what) {
  if (id == 0) {
    return fail(ErrorCode::invalid_argument, "adjustment_id",
                std::string("is required: the id of the adjustment to ") + what);
  }
  command.id = id;
  return {};
}
}  // namespace

CommandResult command_from_proto(const v1::PauseRequest& proto, const OrderContext& context) {
  return build(
      order_from_proto(proto.order(), engine::CommandKind::pause, context),
      [&](auto& command) { return set_parameter(command, proto.parameter(), true, context); },
      [&](auto& command) { return set_until(command, proto, false); });
}

CommandResult command_from_proto(const v1::ResumeRequest& proto, const OrderContext& context) {
  return build(order_from_proto(proto.order(), engine::CommandKind::resume, context),
               [&](auto& command) { return set_parameter(command, proto.parameter(), true, context); });
}

CommandResult command_from_proto(const v1::OverrideRequest& proto, const OrderContext& context) {
  return build(
      order_from_proto(proto.order(), engine::CommandKind::override_value, context),
      [&](auto& command) { return set_parameter(command, proto.parameter(), false, context); },
      [&](auto& command) { return set_value(command, proto.value(), context); },
      [&](auto& command) { return set_until(command, proto, true); });
}

CommandResult command_from_proto(const v1::ClearOverrideRequest& proto, const OrderContext& context) {
  return build(order_from_proto(proto.order(), engine::CommandKind::clear_override, context),
               [&](auto& command) { return set_parameter(command, proto.parameter(), false, context); });
}

CommandResult command_from_proto(const v1::ShiftSetpointRequest& proto, const OrderContext& context) {
  return build(
      order_from_proto(proto.order(), engine::CommandKind::shift_setpoint, context),
      [&](auto& command) { return set_loop(command, proto.loop(), context); },
      [&](auto& command) { return set_shift(command, proto.shift()); },
      [&](auto& command) { return set_until(command, proto, true); });
}

CommandResult command_from_proto(const v1::ClearShiftRequest& proto, const OrderContext& context) {
  return build(order_from_proto(proto.order(), engine::CommandKind::clear_shift, context),
               [&](auto& command) { return set_loop(command, proto.loop(), context); });
}

CommandResult command_from_proto(const v1::EmergencyRequest& proto, const OrderContext& context) {
  const auto kind = proto.on() ? engine::CommandKind::emergency_on : engine::CommandKind::emergency_off;
  return build(order_from_proto(proto.order(), kind, context), [&](auto& command) -> Result<> {
    if (!proto.on() && proto.has_duration()) {
      return fail(ErrorCode::invalid_argument, "duration", "has a meaning only with on = true");
    }
    return set_until(command, proto, false);
  });
}

CommandResult command_from_proto(const v1::VetoRequest& proto, const OrderContext& context) {
  return build(order_from_proto(proto.order(), engine::CommandKind::veto, context),
               [&](auto& command) { return set_adjustment(command, proto.adjustment_id(), "veto"); });
}

CommandResult command_from_proto(const v1::ReleaseRequest& proto, const OrderContext& context) {
  return build(order_from_proto(proto.order(), engine::CommandKind::release, context),
               [&](auto& command) { return set_adjustment(command, proto.adjustment_id(), "release"); });
}

CommandResult command_from_proto(const v1::ClearHaltRequest& proto, const OrderContext& context) {
  return build(order_from_proto(proto.order(), engine::CommandKind::clear_halt, context),
               [&](auto& command) { return set_halted(command, proto.name(), context); });
}

Result<engine::SignedCommand> signed_from_proto(const v1::SubmitRequest& proto, Instant at) {
  if (proto.text().empty() || proto.text().size() > guardian::kSignedTextMax) {
    return fail(ErrorCode::out_of_range, "text",
                fmt::format("has {} bytes, must be 1 to {}", proto.text().size(), guardian::kSignedTextMax));
  }
  engine::SignedCommand command{.at = at, .text = proto.text()};
  if (proto.signature().size() != command.signature.size()) {
    return fail(
        ErrorCode::malformed, "signature",
        fmt::format("has {} bytes, an Ed25519 signature has {}", proto.signature().size(), command.signature.size()));
  }
  std::copy(proto.signature().begin(), proto.signature().end(), command.signature.begin());
  return command;
}

namespace {

void proto_from_pending(const engine::PendingView& pending, v1::PendingCommand& proto) {
  const guardian::Command& command = pending.command;
  proto.set_id(pending.id);
  proto.set_command(std::string(word_of(command.kind)));
  proto.set_target(valid_utf8(command.target));
  if (command.value) proto.set_value(command.value->to_string());
  proto.set_shift(command.shift);
  set_instant(proto, &v1::PendingCommand::mutable_until, command.until);
  proto.set_reason(valid_utf8(command.reason));
  for (const auto& signer : pending.signers) proto.add_signers(signer);
  proto.set_needed(pending.needed);
  set_instant(proto, &v1::PendingCommand::mutable_expires, pending.expires);
}

}  // namespace

void proto_from_pending(const engine::View& view, v1::ListPendingResponse& proto) {
  proto.set_policy(view.policy_name);
  for (const guardian::Key& key : view.keys) {
    v1::GuardianKey& entry = *proto.add_keys();
    entry.set_name(key.name);
    entry.set_role(std::string(name_of(key.role)));
    entry.set_public_key(hex_of(key.public_key));
    set_instant(entry, &v1::GuardianKey::mutable_expires, key.expires);
  }
  for (const engine::PendingView& pending : view.pending) proto_from_pending(pending, *proto.add_pending());
}

}  // namespace homeostat::convert
