#include "daemon/convert/control.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/convert/decision.hpp"
#include "daemon/convert/fields.hpp"
#include "daemon/convert/names.hpp"
#include "engine/health.hpp"

namespace homeostat::convert {
namespace {

std::string_view condition_name(oracle::SourceCondition condition) {
  switch (condition) {
    case oracle::SourceCondition::connected: return "connected";
    case oracle::SourceCondition::failing: return "failing";
    case oracle::SourceCondition::wrong_chain: return "wrong_chain";
    case oracle::SourceCondition::violated: return "violated";
    case oracle::SourceCondition::disputed: return "disputed";
  }
  return "?";
}

std::string_view notice_name(engine::NoticeKind kind) {
  switch (kind) {
    case engine::NoticeKind::mode: return "mode";
    case engine::NoticeKind::source: return "source";
    case engine::NoticeKind::command: return "command";
    case engine::NoticeKind::policy: return "policy";
    case engine::NoticeKind::actuator: return "actuator";
    case engine::NoticeKind::missed_slots: return "missed_slots";
  }
  return "?";
}

void proto_from_cause(const guardian::Cause& cause, v1::ModeCause& proto) {
  proto.set_kind(std::string(guardian::name_of(cause.kind)));
  proto.set_subject(cause.subject);
  proto.set_reason(valid_utf8(cause.reason));
  proto.set_mode(proto_from_mode(guardian::mode_of(cause.kind)));
  set_instant(proto, &v1::ModeCause::mutable_since, cause.since);
  set_instant(proto, &v1::ModeCause::mutable_until, cause.until);
}

}  // namespace

void proto_from_status(const engine::View& view, const daemon::RunStatus& run, const ServerFacts& facts,
                       v1::Status& proto) {
  proto.set_version(std::string(facts.version));
  proto.set_policy(view.policy_name);
  proto.set_policy_digest(view.policy_digest);
  proto.set_policy_generation(view.policy_generation);
  proto.set_mode(proto_from_mode(view.mode));
  for (const guardian::Cause& cause : view.causes) {
    proto_from_cause(cause, *proto.add_causes());
  }
  *proto.mutable_period() = proto_from_duration(view.period);
  proto.set_slot(view.slot);
  set_instant(proto, &v1::Status::mutable_at, view.at);
  proto.set_ticks(view.ticks);
  proto.set_missed_slots(view.missed_slots);
  set_instant(proto, &v1::Status::mutable_started, run.started);
  proto.set_epoch(run.epoch);
  proto.set_decisions(view.decisions);
  proto.set_durable_sequence(run.durable_sequence);
  proto.set_executors(facts.executors);
  const auto connected = std::count_if(view.sources.begin(), view.sources.end(), [](const engine::SourceView& source) {
    return source.condition == oracle::SourceCondition::connected;
  });
  proto.set_sources_connected(static_cast<std::uint32_t>(connected));
  proto.set_sources(static_cast<std::uint32_t>(view.sources.size()));
  proto.set_decisions_hash(run.decisions_hash);
  set_instant(proto, &v1::Status::mutable_watermark, view.watermark);
  const engine::Health health = engine::health_of(view, run.now, run.serving_since);
  proto.set_healthy(health.healthy);
  proto.set_health(valid_utf8(health.text));
}

void proto_from_source(const engine::SourceView& source, std::string_view kind, v1::Source& proto) {
  proto.set_name(source.name);
  proto.set_kind(std::string(kind));
  proto.set_condition(std::string(condition_name(source.condition)));
  proto.set_detail(valid_utf8(source.detail));
  set_instant(proto, &v1::Source::mutable_since, source.condition_since);
  proto.set_accepted(source.accepted);
  for (std::size_t i = 1; i < source.refused.size(); ++i) {  // 0 is Refusal::none
    if (source.refused[i] > 0) {
      (*proto.mutable_refused())[std::string(oracle::name_of(static_cast<oracle::Refusal>(i)))] = source.refused[i];
    }
  }
  if (source.chain_refused > 0) {
    (*proto.mutable_refused())["chain_segment"] = source.chain_refused;
  }
  set_instant(proto, &v1::Source::mutable_watermark, source.watermark);
  set_instant(proto, &v1::Source::mutable_newest, source.newest);
  proto.set_idle(source.idle);
  *proto.mutable_skew() = proto_from_duration(source.skew);
  *proto.mutable_skew_ahead() = proto_from_duration(source.skew_ahead);
  *proto.mutable_skew_behind() = proto_from_duration(source.skew_behind);
  proto.set_skewed(source.skewed);
  *proto.mutable_allowed_lateness() = proto_from_duration(source.allowed_lateness);
  proto.set_late_accepted(source.late_accepted);
  proto.set_block(source.block);
  proto.set_block_hash(hex_from_hash(source.block_hash));
  proto.set_finalized(source.finalized);
  proto.set_settled(source.settled);
  proto.set_reorgs(source.reorgs);
  proto.set_retracted_blocks(source.retracted_blocks);
  proto.set_retracted_events(source.retracted_events);
  proto.set_disputes(source.disputes);
  proto.set_last_refused(valid_utf8(source.last_refused));
  set_instant(proto, &v1::Source::mutable_last_refused_at, source.last_refused_at);
}

void proto_from_metric(const engine::MetricView& metric, v1::Metric& proto) {
  proto.set_name(metric.name);
  proto.set_unit(metric.unit);
  proto.set_help(metric.help);
  proto_from_reading(metric.reading, *proto.mutable_reading());
  if (!metric.has_sources) return;
  set_instant(proto, &v1::Metric::mutable_moved, metric.moved);
  *proto.mutable_stall_max() = proto_from_duration(metric.stall_max);
  proto.set_held_by(metric.held_by);
}

void proto_from_loop(const engine::LoopView& loop, const engine::View& view, v1::Loop& proto) {
  proto.set_name(loop.name);
  proto.set_metric(loop.metric);
  proto.set_parameter(loop.parameter);
  proto.set_response(loop.response);
  proto.set_setpoint(loop.setpoint);
  proto.set_setpoint_shift(loop.setpoint_shift);
  set_instant(proto, &v1::Loop::mutable_shift_until, loop.shift_until);
  if (const auto* metric = find_by_name(view.metrics, loop.metric)) {
    proto.set_value(metric->reading.value);
    proto.set_quality(proto_from_quality(metric->reading.quality));
  }
  proto.set_error(loop.error);
  proto.set_p(loop.p);
  proto.set_i(loop.i);
  proto.set_d(loop.d);
  proto.set_output(loop.output);
  proto.set_frozen(loop.frozen);
  proto.set_emergency(loop.emergency);
}

void proto_from_parameter(const engine::ParameterView& parameter, v1::Parameter& proto) {
  proto.set_name(parameter.name);
  proto.set_unit(parameter.unit);
  proto.set_help(parameter.help);
  proto.set_value(parameter.value.to_string());
  proto.set_wanted(parameter.wanted.to_string());
  proto.set_min(parameter.min.to_string());
  proto.set_max(parameter.max.to_string());
  proto.set_quantum(parameter.quantum.to_string());
  proto.set_initial(parameter.initial.to_string());
  proto.set_paused(parameter.paused);
  set_instant(proto, &v1::Parameter::mutable_paused_until, parameter.paused_until);
  proto.set_paused_by(parameter.paused_by);
  proto.set_overridden(parameter.overridden);
  if (parameter.overridden) {
    proto.set_override_value(parameter.override_value.to_string());
  }
  set_instant(proto, &v1::Parameter::mutable_override_until, parameter.override_until);
  proto.set_override_by(parameter.override_by);
  set_instant(proto, &v1::Parameter::mutable_last_raised, parameter.last_raised);
  set_instant(proto, &v1::Parameter::mutable_last_lowered, parameter.last_lowered);
  if (parameter.drift_budget.units() != 0) {
    proto.set_drift_used(parameter.drift_used.to_string());
    proto.set_drift_budget(parameter.drift_budget.to_string());
  }
  proto.set_in_flight(parameter.in_flight);
  proto.set_last_decision(parameter.last_decision);
  proto.set_why(valid_utf8(parameter.why));
  proto.set_emitted(parameter.emitted);
  proto.set_applied(parameter.applied);
  proto.set_rejected(parameter.rejected);
  proto.set_timed_out(parameter.timed_out);
}

void proto_from_notice(const engine::Notice& notice, v1::Notice& proto) {
  proto.set_kind(std::string(notice_name(notice.kind)));
  set_instant(proto, &v1::Notice::mutable_at, notice.at);
  proto.set_subject(valid_utf8(notice.subject));
  proto.set_text(valid_utf8(notice.text));
}

Result<daemon::DecisionFilter> filter_from_proto(const v1::ListDecisionsRequest& proto) {
  constexpr std::uint32_t kLimitDefault = 50;
  constexpr std::uint32_t kLimitMax = 1'000;
  if (auto ok = check_optional_name(proto.parameter(), "parameter"); !ok) {
    return tl::make_unexpected(ok.error());
  }
  if (proto.limit() > kLimitMax) {
    return fail(
        ErrorCode::out_of_range, "limit",
        fmt::format("is {}, allowed are 1..{} (0 = {}); page with before_id", proto.limit(), kLimitMax, kLimitDefault));
  }
  return daemon::DecisionFilter{.parameter = proto.parameter(),
                                .adjustments_only = proto.adjustments_only(),
                                .limit = proto.limit() == 0 ? kLimitDefault : proto.limit(),
                                .before_id = proto.before_id()};
}

}  // namespace homeostat::convert
