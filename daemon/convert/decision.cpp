#include "daemon/convert/decision.hpp"

#include "daemon/convert/fields.hpp"
#include "daemon/convert/names.hpp"

namespace homeostat::convert {

v1::Quality proto_from_quality(oracle::Quality quality) {
  switch (quality) {
    case oracle::Quality::ok: return v1::QUALITY_OK;
    case oracle::Quality::degraded: return v1::QUALITY_DEGRADED;
    case oracle::Quality::rate_limited: return v1::QUALITY_RATE_LIMITED;
    case oracle::Quality::held: return v1::QUALITY_HELD;
    case oracle::Quality::stale: return v1::QUALITY_STALE;
    case oracle::Quality::halted: return v1::QUALITY_HALTED;
  }
  return v1::QUALITY_UNSPECIFIED;
}

v1::OperatingMode proto_from_mode(guardian::OperatingMode mode) {
  switch (mode) {
    case guardian::OperatingMode::normal: return v1::OPERATING_MODE_NORMAL;
    case guardian::OperatingMode::degraded: return v1::OPERATING_MODE_DEGRADED;
    case guardian::OperatingMode::emergency: return v1::OPERATING_MODE_EMERGENCY;
    case guardian::OperatingMode::halted: return v1::OPERATING_MODE_HALTED;
  }
  return v1::OPERATING_MODE_UNSPECIFIED;
}

void proto_from_reading(const oracle::Reading& reading, v1::Reading& proto) {
  proto.set_value(reading.value);
  proto.set_quality(proto_from_quality(reading.quality));
  proto.set_reason(valid_utf8(reading.reason));
  if (!reading.time.is_never()) {
    *proto.mutable_time() = proto_from_instant(reading.time);
    *proto.mutable_age() = proto_from_duration(reading.age);
  }
  proto.set_sources(reading.sources);
  proto.set_count(reading.count);
  proto.set_error_ratio(reading.error_ratio);
  proto.set_provisional(reading.provisional);
  proto.set_authority(reading.authority);
  proto.set_confidence(reading.confidence);
  proto.set_guard_gap(reading.guard_gap);
  proto.set_guard_suspect(reading.guard_suspect);
  set_instant(proto, &v1::Reading::mutable_watermark, reading.watermark);
  proto.set_unresponsive(reading.unresponsive);
  if (!reading.provenance.source.empty()) {
    v1::Provenance& provenance = *proto.mutable_provenance();
    provenance.set_source(reading.provenance.source);
    set_instant(provenance, &v1::Provenance::mutable_time, reading.provenance.time);
    provenance.set_sequence(reading.provenance.sequence);
    provenance.set_log_index(reading.provenance.log_index);
    provenance.set_block_hash(hex_from_hash(reading.provenance.block));
  }
}

namespace {

void proto_from_terms(const engine::LoopTerms& terms, v1::LoopTerms& proto) {
  proto.set_loop(terms.loop.str());
  proto.set_metric(terms.metric.str());
  proto_from_reading(terms.reading, *proto.mutable_reading());
  proto.set_setpoint(terms.setpoint);
  proto.set_error(terms.error);
  proto.set_p(terms.p);
  proto.set_i(terms.i);
  proto.set_d(terms.d);
  proto.set_feed_forward(terms.feed_forward);
  proto.set_unlimited(terms.unlimited);
  proto.set_output(terms.output);
  proto.set_tracking(terms.tracking);
  proto.set_frozen(terms.frozen);
  proto.set_emergency_gains(terms.emergency_gains);
  proto.set_gain_factor(terms.gain_factor);
  proto.set_decoupling(terms.decoupling.str());
  proto.set_share(terms.share);
  proto.set_contribution(terms.contribution);
  proto.set_moves(terms.moves.str());
  proto.set_pin(std::string(name_of(terms.pin)));
  proto.set_weight(terms.weight);
  proto.set_drives(terms.drives.str());
  if (terms.law != controller::LawKind::pid) {
    proto.set_law(std::string(name_of(terms.law)));
    proto.set_raw(terms.raw);
    proto.set_reason(std::string(name_of(terms.reason)));
    proto.set_detail(valid_utf8(terms.detail));
  }
  proto.set_waiting(terms.waiting);
}

}  // namespace

void proto_from_decision(const engine::DecisionRecord& record, std::string_view unit, v1::Decision& proto) {
  proto.set_id(record.id);
  proto.set_slot(record.slot);
  set_instant(proto, &v1::Decision::mutable_at, record.at);
  proto.set_parameter(record.parameter.str());
  proto.set_unit(std::string(unit));
  for (const engine::LoopTerms& terms : record.loops) {
    proto_from_terms(terms, *proto.add_loops());
  }
  proto.set_mode(proto_from_mode(record.mode));
  proto.set_mode_cause(record.mode_cause.str());
  proto.set_proposed(record.proposed);
  proto.set_overridden(record.overridden);
  proto.set_wanted(record.wanted.to_string());
  for (const guardian::Bite& bite : record.limits) {
    v1::LimitBite& limit = *proto.add_limits();
    limit.set_limit(std::string(guardian::name_of(bite.limit)));
    limit.set_without(bite.without.to_string());
    limit.set_with(bite.with.to_string());
    limit.set_detail(bite.detail);
  }
  proto.set_previous(record.previous.to_string());
  proto.set_value(record.value.to_string());
  proto.set_outcome(std::string(engine::name_of(record.outcome)));
  proto.set_why(valid_utf8(record.why));
  proto.set_policy_digest(record.policy_digest.str());
  proto.set_answer(std::string(engine::name_of(record.answer)));
  if (record.answer == engine::Answer::applied) {
    proto.set_applied(record.applied.to_string());
  }
  set_instant(proto, &v1::Decision::mutable_answered, record.answered);
  proto.set_executor(record.executor);
  proto.set_answer_detail(valid_utf8(record.answer_detail));
  proto.set_bundle(record.bundle.str());
  proto.set_given_back(record.given_back);
  for (const std::uint64_t id : record.group) proto.add_group(id);
}

std::string_view unit_of(const engine::View& view, std::string_view parameter) {
  const auto* found = find_by_name(view.parameters, parameter);
  return found == nullptr ? std::string_view{} : std::string_view(found->unit);
}

}  // namespace homeostat::convert
