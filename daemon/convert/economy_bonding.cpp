// Quotes of the bonding surface: a system is made of what was asked, asked once, and forgotten.
#include <fmt/format.h>

#include "daemon/convert/economy.hpp"
#include "daemon/convert/names.hpp"
#include "economy/bonding/governed.hpp"
#include "economy/bonding/system.hpp"

namespace homeostat::convert {
namespace {

using namespace economy::bonding;

/// Unset = 0.
Result<double> optional_quantity(bool has, const v1::Quantity& proto, const engine::View& view, const char* where) {
  if (!has) return 0.0;
  const auto taken = quantity_from_proto(proto, "", view, where);
  if (!taken) return tl::make_unexpected(taken.error());
  return taken->value;
}

Result<> read_assets(const v1::QuoteBondingRequest& request, const engine::View& view, SystemSettings& settings,
                     SystemState& state) {
  const int count = request.assets_size();
  if (count < static_cast<int>(kAssetsMin) || count > static_cast<int>(kAssetsMax)) {
    return fail(ErrorCode::out_of_range, "assets", fmt::format("has {} assets, must have 2 to 16", count));
  }
  state.balances = state.prices = state.weights_from = state.weights_to = Values(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const v1::BondingAsset& asset = request.assets(i);
    const auto at = static_cast<std::size_t>(i);
    const auto balance = quantity_from_proto(asset.balance(), "", view, fmt::format("assets[{}].balance", i));
    if (!balance) return tl::make_unexpected(balance.error());
    const auto price = quantity_from_proto(asset.price(), "", view, fmt::format("assets[{}].price", i));
    if (!price) return tl::make_unexpected(price.error());
    state.balances[at] = balance->value;
    state.prices[at] = price->value;
    state.weights_from[at] = state.weights_to[at] = asset.weight();
    settings.weights.push_back(asset.weight());
    settings.calibration_prices.push_back(asset.calibration_price() == 0 ? price->value : asset.calibration_price());
  }
  return {};
}

/// The daemon's parameters by their governed names first, then what was given.
Result<> read_parameters(const v1::QuoteBondingRequest& request, const engine::View& view, SystemSettings& settings,
                         v1::QuoteBondingResponse& out) {
  if (request.live()) {
    for (const auto& parameter : view.parameters) {
      if (governed_parameter(parameter.name) == nullptr) continue;
      const double value = parameter.value.to_double();
      if (auto ok = set_parameter(settings, parameter.name, value); !ok) return ok;
      v1::NamedValue& used = *out.add_live_parameters();
      used.set_name(parameter.name);
      used.set_value(value);
    }
  }
  for (int i = 0; i < request.parameters_size(); ++i) {
    const v1::NamedValue& given = request.parameters(i);
    if (auto ok = set_parameter(settings, given.name(), given.value()); !ok) {
      Error error = ok.error();
      error.where = fmt::format("parameters[{}].{}", i, given.name());
      return tl::make_unexpected(std::move(error));
    }
  }
  return {};
}

Result<System> system_of(const v1::QuoteBondingRequest& request, const engine::View& view,
                         v1::QuoteBondingResponse& out) {
  SystemSettings settings;
  SystemState wanted;
  if (auto ok = read_assets(request, view, settings, wanted); !ok) return tl::make_unexpected(ok.error());
  if (auto ok = read_parameters(request, view, settings, out); !ok) return tl::make_unexpected(ok.error());
  auto system = System::make(settings);
  if (!system) return system;
  SystemState state = system->state();
  state.balances = wanted.balances;
  state.prices = wanted.prices;
  struct {
    const char* name;
    bool has;
    const v1::Quantity& proto;
    double& target;
  } const quantities[] = {
      {"supply", request.has_supply(), request.supply(), state.supply},
      {"committed", request.has_committed(), request.committed(), state.committed},
      {"redemption_level", request.has_redemption_level(), request.redemption_level(), state.level},
      {"outflow", request.has_outflow(), request.outflow(), state.flow},
  };
  for (const auto& q : quantities) {
    const auto value = optional_quantity(q.has, q.proto, view, q.name);
    if (!value) return tl::make_unexpected(value.error());
    q.target = *value;
  }
  if (auto ok = system->restore(state); !ok) return tl::make_unexpected(ok.error());
  return system;
}

void put(const Deposit& deposit, v1::DepositQuote& proto) {
  proto.set_value(deposit.value);
  proto.set_fee_ratio(deposit.fee_ratio);
  proto.set_fee_value(deposit.fee_value);
  proto.set_minted(deposit.minted);
  proto.set_surface_mint(deposit.surface_mint);
  proto.set_imbalance_before(deposit.imbalance_before);
  proto.set_imbalance_after(deposit.imbalance_after);
  for (const double x : deposit.entered) proto.add_entered(x);
}

void put(const Redeem& redeem, v1::RedeemQuote& proto) {
  proto.set_effective(redeem.effective);
  proto.set_burned(redeem.burned);
  proto.set_paid(redeem.paid);
  proto.set_rate_after(redeem.rate_after);
  proto.set_region(std::string(name_of(redeem.region)));
  for (const double x : redeem.parts) proto.add_parts(x);
  for (const double x : redeem.left) proto.add_left(x);
}

}  // namespace

Result<v1::QuoteBondingResponse> answer(const v1::QuoteBondingRequest& request, const engine::View& view) {
  v1::QuoteBondingResponse out;
  auto system = system_of(request, view, out);
  if (!system) return tl::make_unexpected(system.error());
  out.set_reserve(system->reserve());
  out.set_backing(system->backing());
  out.set_rate(system->rate());
  const auto size = system->size();
  if (!size) return tl::make_unexpected(size.error());
  out.set_size(*size);
  switch (request.operation_case()) {
    case v1::QuoteBondingRequest::kDeposit: {
      const std::vector<double> amounts(request.deposit().amounts().begin(), request.deposit().amounts().end());
      const auto deposit = system->quote_deposit(amounts);
      if (!deposit) return tl::make_unexpected(deposit.error());
      put(*deposit, *out.mutable_deposit());
      return out;
    }
    case v1::QuoteBondingRequest::kDepositValue: {
      const auto deposit = system->deposit_value(request.deposit_value());
      if (!deposit) return tl::make_unexpected(deposit.error());
      put(*deposit, *out.mutable_deposit());
      return out;
    }
    case v1::QuoteBondingRequest::kRedeem: {
      const auto redeem = system->quote_redeem(request.redeem());
      if (!redeem) return tl::make_unexpected(redeem.error());
      put(*redeem, *out.mutable_redeem());
      return out;
    }
    case v1::QuoteBondingRequest::OPERATION_NOT_SET: break;
  }
  return out;  // the state alone
}

}  // namespace homeostat::convert
