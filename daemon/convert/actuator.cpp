#include "daemon/convert/actuator.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/convert/fields.hpp"
#include "daemon/convert/names.hpp"

namespace homeostat::convert {
namespace {

std::string text_of(Decimal::Units units) {
  return fmt::format("{}", units);  // fmt formats __int128
}

/// What became of each member of a bundle. Their scales are those of their texts: the engine knows the parameters'.
Result<engine::ActuatorReport> with_members(const v1::Applied& proto, engine::ActuatorReport report) {
  if (static_cast<std::size_t>(proto.members_size()) > guardian::kBundleMembersMax) {
    return fail(ErrorCode::out_of_range, "applied.members",
                fmt::format("names {}, a bundle has at most {}", proto.members_size(), guardian::kBundleMembersMax));
  }
  for (int i = 0; i < proto.members_size(); ++i) {
    const v1::MemberValue& member = proto.members(i);
    const std::string where = fmt::format("applied.members[{}]", i);
    if (auto ok = check_name(member.parameter(), where + ".parameter"); !ok) return tl::make_unexpected(ok.error());
    const std::size_t point = member.value().find('.');
    const std::size_t digits = point == std::string::npos ? 0 : member.value().size() - point - 1;
    const int decimals = static_cast<int>(std::min<std::size_t>(digits, Decimal::kDecimalsMax));
    const auto value = decimal_from_text(member.value(), decimals, where + ".value");
    if (!value) return tl::make_unexpected(value.error());
    report.members.push_back({member.parameter(), *value});
  }
  return report;
}

}  // namespace

bool Subscription::wants(const engine::Adjustment& adjustment) const {
  const auto& members = adjustment.members;
  return wants(adjustment.parameter) ||
         std::any_of(members.begin(), members.end(), [this](const auto& m) { return wants(m.parameter); });
}

bool Subscription::wants(std::string_view parameter) const {
  return parameters.empty() || std::binary_search(parameters.begin(), parameters.end(), parameter);
}

Result<Subscription> subscription_from_proto(const v1::SubscribeRequest& proto, const engine::View& view) {
  if (auto ok = check_name(proto.executor(), "executor"); !ok) {
    return tl::make_unexpected(ok.error());
  }
  if (proto.parameters_size() > kParametersMax) {
    return fail(
        ErrorCode::out_of_range, "parameters",
        fmt::format("names {}, at most {} are allowed; name none to get all", proto.parameters_size(), kParametersMax));
  }
  for (int i = 0; i < proto.parameters_size(); ++i) {
    const std::string where = fmt::format("parameters[{}]", i);
    if (auto ok = check_name(proto.parameters(i), where); !ok) {
      return tl::make_unexpected(ok.error());
    }
    if (auto found = find_parameter(view, proto.parameters(i), where); !found) {
      return tl::make_unexpected(found.error());
    }
  }
  Subscription subscription{.executor = proto.executor(),
                            .parameters = {proto.parameters().begin(), proto.parameters().end()},
                            .after_id = proto.after_id()};
  auto& names = subscription.parameters;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return subscription;
}

namespace {
void proto_from_act(const engine::Act& act, v1::Action& proto) {
  proto.set_kind(std::string(name_of(act.kind)));
  proto.set_asset(act.asset.str());
  proto.set_from(act.from.str());
  proto.set_to(act.to.str());
  proto.set_amount(act.amount.to_string());
  proto.set_amount_units(text_of(act.amount.units()));
  for (const guardian::Transfer& t : act.transfers) {
    v1::Transfer& transfer = *proto.add_transfers();
    transfer.set_to(t.to);
    transfer.set_amount(t.amount.to_string());
    transfer.set_units(text_of(t.amount.units()));
  }
}
}  // namespace

void proto_from_adjustment(const engine::Adjustment& adjustment, std::uint64_t epoch, v1::Adjustment& proto) {
  proto.set_id(adjustment.id);
  proto.set_epoch(epoch);
  proto.set_parameter(adjustment.parameter.str());
  proto.set_value(adjustment.value.to_string());
  proto.set_units(text_of(adjustment.value.units()));
  proto.set_decimals(static_cast<std::uint32_t>(adjustment.value.decimals()));
  proto.set_previous(adjustment.previous.to_string());
  set_instant(proto, &v1::Adjustment::mutable_created, adjustment.created);
  set_instant(proto, &v1::Adjustment::mutable_expires, adjustment.expires);
  proto.set_why(valid_utf8(adjustment.why));
  proto.set_bundle(adjustment.bundle.str());
  if (adjustment.act.kind != guardian::ActionKind::set) proto_from_act(adjustment.act, *proto.mutable_action());
  for (const engine::BundleMember& m : adjustment.members) {
    v1::BundleMember& member = *proto.add_members();
    member.set_id(m.id);
    member.set_parameter(m.parameter.str());
    member.set_value(m.value.to_string());
    member.set_units(text_of(m.value.units()));
    member.set_decimals(static_cast<std::uint32_t>(m.value.decimals()));
    member.set_previous(m.previous.to_string());
    member.set_why(valid_utf8(m.why));
    if (m.act.kind != guardian::ActionKind::set) proto_from_act(m.act, *member.mutable_action());
  }
}

Result<> check_answer(const v1::AcknowledgeRequest& proto) {
  if (proto.adjustment_id() == 0) {
    return fail(ErrorCode::invalid_argument, "adjustment_id", "is required: the id of the adjustment answered");
  }
  if (auto ok = check_name(proto.executor(), "executor"); !ok) {
    return ok;
  }
  switch (proto.answer_case()) {
    case v1::AcknowledgeRequest::kApplied: return check_detail(proto.applied().reference(), "applied.reference");
    case v1::AcknowledgeRequest::kRejected: return check_reason(proto.rejected().reason(), "rejected.reason");
    case v1::AcknowledgeRequest::ANSWER_NOT_SET: break;
  }
  return fail(ErrorCode::invalid_argument, "answer", "is required: applied or rejected");
}

Result<engine::ActuatorReport> report_from_proto(const v1::AcknowledgeRequest& proto, int decimals, Instant at) {
  engine::ActuatorReport report{
      .adjustment = proto.adjustment_id(), .executor = proto.executor(), .at = at, .value = Decimal(0, decimals)};
  if (!proto.has_applied()) {
    report.detail = proto.rejected().reason();
    return report;
  }
  report.applied = true;
  report.detail = proto.applied().reference();
  if (proto.applied().members_size() > 0) return with_members(proto.applied(), std::move(report));
  const auto value = decimal_from_text(proto.applied().value(), decimals, "applied.value");
  if (!value) {
    return tl::make_unexpected(value.error());
  }
  report.value = *value;
  return report;
}

}  // namespace homeostat::convert
