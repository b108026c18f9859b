#include "economy/bonding/liquidity.hpp"

#include <algorithm>

#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr Range kFees{0, kFeeMax};
constexpr double kShareMax = 1e12;

Result<> require_asset(const Surface& surface, std::size_t asset) {
  if (asset < surface.assets()) return {};
  return fail(ErrorCode::out_of_range, "asset",
              "must be from 0 to " + std::to_string(surface.assets() - 1) + ", is " + std::to_string(asset));
}

}  // namespace

Result<Added> add_amounts(const Surface& surface, const Point& point, std::span<const double> amounts, double fee) {
  auto ok = first_error(require("fee", fee, kFees), require_each("amounts", amounts, {0, kBalanceMax}));
  if (!ok) return tl::make_unexpected(ok.error());
  const auto whole = surface.mint(point, amounts);
  if (!whole) return tl::make_unexpected(whole.error());
  Added out{.share = whole->ratio(), .fees = Values(amounts.size())};
  Values net(amounts);
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    out.fees[i] = fee * std::max(0.0, amounts[i] - whole->ratio() * point.balances[i]);
    net[i] -= out.fees[i];
  }
  const auto rest = surface.mint(point, net);
  if (!rest) return tl::make_unexpected(rest.error());
  out.share = rest->ratio();
  return out;
}

Result<Single> add_share(const Surface& surface, const Point& point, std::size_t asset, double share, double fee) {
  auto ok =
      first_error(require_asset(surface, asset), require("share", share, {0, kShareMax}), require("fee", fee, kFees));
  if (!ok) return tl::make_unexpected(ok.error());
  const auto amount = surface.amount_for(point, asset, share * point.size);
  if (!amount) return tl::make_unexpected(amount.error());
  const double taxable = std::max(0.0, *amount - share * point.balances[asset]);
  const double paid = taxable * fee / (1 - fee);
  return Single{*amount + paid, share, paid};
}

Result<Single> remove_share(const Surface& surface, const Point& point, std::size_t asset, double share, double fee) {
  auto ok = first_error(require_asset(surface, asset), require("share", share, {0, 1}), require("fee", fee, kFees));
  if (!ok) return tl::make_unexpected(ok.error());
  const auto change = surface.amount_for(point, asset, -share * point.size);
  if (!change) return tl::make_unexpected(change.error());
  const double paid = fee * std::max(0.0, -*change - share * point.balances[asset]);
  return Single{-*change - paid, share, paid};
}

Result<Single> remove_amount(const Surface& surface, const Point& point, std::size_t asset, double amount, double fee) {
  auto ok = first_error(require_asset(surface, asset), require("fee", fee, kFees));
  if (ok) ok = require("amount", amount, {0, point.balances[asset]});
  if (!ok) return tl::make_unexpected(ok.error());
  Values change(surface.assets());
  change[asset] = -amount;
  const auto whole = surface.mint(point, change);
  if (!whole) return tl::make_unexpected(whole.error());
  const double taxable = std::max(0.0, amount + whole->ratio() * point.balances[asset]);
  const double paid = taxable * fee / (1 - fee);
  change[asset] -= paid;
  const auto rest = surface.mint(point, change);
  if (!rest) return tl::make_unexpected(rest.error());
  return Single{amount, -rest->ratio(), paid};
}

}  // namespace homeostat::economy::bonding
