#include "daemon/convert/shadow.hpp"

#include "daemon/convert/fields.hpp"

namespace homeostat::convert {
namespace {

void proto_from_parameter(const daemon::ShadowParameterStatus& p, v1::ShadowParameter& proto) {
  proto.set_name(p.name);
  proto.set_compared(p.compared);
  proto.set_differing(p.differing);
  proto.set_live_adjustments(p.live_adjustments);
  proto.set_shadow_adjustments(p.shadow_adjustments);
  if (p.live_known) proto.set_live_value(p.live_value.to_string());
  if (p.shadow_known) proto.set_shadow_value(p.shadow_value.to_string());
  proto.set_live_why(valid_utf8(p.live_why));
  proto.set_shadow_why(valid_utf8(p.shadow_why));
  if (!p.first) return;
  proto.set_distance_max(p.distance_max.to_string());
  set_instant(proto, &v1::ShadowParameter::mutable_distance_max_at, p.distance_max_at);
  v1::ShadowDivergence& first = *proto.mutable_first();
  first.set_slot(p.first->slot);
  set_instant(first, &v1::ShadowDivergence::mutable_at, p.first->at);
  first.set_live(p.first->live.to_string());
  first.set_shadow(p.first->shadow.to_string());
  first.set_live_why(valid_utf8(p.first->live_why.str()));
  first.set_shadow_why(valid_utf8(p.first->shadow_why.str()));
}

}  // namespace

daemon::ShadowParameterStatus status_of(const engine::ShadowParameter& p) {
  return {.name = p.name.str(),
          .compared = p.compared,
          .differing = p.differing,
          .live_adjustments = p.live.adjustments,
          .shadow_adjustments = p.shadow.adjustments,
          .live_known = p.live.known,
          .shadow_known = p.shadow.known,
          .live_value = p.live.value,
          .shadow_value = p.shadow.value,
          .live_why = p.live.why.str(),
          .shadow_why = p.shadow.why.str(),
          .distance_max = p.distance_max,
          .distance_max_at = p.distance_max_at,
          .first = p.first};
}

void proto_from_shadow(const engine::Shadow& shadow, v1::Shadow& proto) {
  proto.set_policy(shadow.engine().policy().name);
  proto.set_digest(shadow.engine().policy().digest);
  set_instant(proto, &v1::Shadow::mutable_forked, shadow.forked());
  proto.set_ticks(shadow.ticks());
  proto.set_decisions_hash(shadow.engine().decisions_hash().hex());
  for (const engine::ShadowParameter& p : shadow.parameters())
    proto_from_parameter(status_of(p), *proto.add_parameters());
}

void proto_from_shadow(const daemon::ShadowStatus& status, v1::Shadow& proto) {
  proto.set_name(status.name);
  proto.set_policy(status.policy);
  proto.set_digest(status.digest);
  proto.set_dropped(valid_utf8(status.dropped));
  set_instant(proto, &v1::Shadow::mutable_forked, status.forked);
  proto.set_forked_after(status.forked_after);
  proto.set_sequence(status.sequence);
  proto.set_ticks(status.ticks);
  proto.set_tick_seconds(status.tick_seconds);
  proto.set_decisions_hash(status.decisions_hash);
  for (const daemon::ShadowParameterStatus& p : status.parameters) proto_from_parameter(p, *proto.add_parameters());
}

}  // namespace homeostat::convert
