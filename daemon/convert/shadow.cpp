#include "daemon/convert/shadow.hpp"

#include "daemon/convert/fields.hpp"

namespace homeostat::convert {
namespace {

void proto_from_parameter(const engine::ShadowParameter& p, v1::ShadowParameter& proto) {
  proto.set_name(p.name.str());
  proto.set_compared(p.compared);
  proto.set_differing(p.differing);
  proto.set_live_adjustments(p.live.adjustments);
  proto.set_shadow_adjustments(p.shadow.adjustments);
  if (p.live.known) proto.set_live_value(p.live.value.to_string());
  if (p.shadow.known) proto.set_shadow_value(p.shadow.value.to_string());
  proto.set_live_why(valid_utf8(p.live.why.str()));
  proto.set_shadow_why(valid_utf8(p.shadow.why.str()));
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

void proto_from_shadow(const engine::Shadow& shadow, v1::Shadow& proto) {
  proto.set_policy(shadow.engine().policy().name);
  proto.set_digest(shadow.engine().policy().digest);
  set_instant(proto, &v1::Shadow::mutable_forked, shadow.forked());
  proto.set_ticks(shadow.ticks());
  proto.set_decisions_hash(shadow.engine().decisions_hash().hex());
  for (const engine::ShadowParameter& p : shadow.parameters()) proto_from_parameter(p, *proto.add_parameters());
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
  for (const engine::ShadowParameter& p : status.parameters) proto_from_parameter(p, *proto.add_parameters());
  if (status.promotion.fingerprint.empty()) return;
  v1::PromotionTerms& terms = *proto.mutable_promotion();
  terms.set_fingerprint(status.promotion.fingerprint);
  for (const std::string& limit : status.promotion.loosens) terms.add_loosens(valid_utf8(limit));
  terms.set_signatures(status.promotion.signatures);
  set_instant(terms, &v1::PromotionTerms::mutable_allowed_until, status.promotion.allowed_until);
}

}  // namespace homeostat::convert
