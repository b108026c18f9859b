// Deposits and redemptions of the composed system: planned from the state, then kept.
#include <algorithm>
#include <cmath>

#include "economy/argument.hpp"
#include "economy/bonding/system.hpp"

namespace homeostat::economy::bonding {
namespace {

double sum_of(std::span<const double> xs) {
  double sum = 0;
  for (const double x : xs) sum += x;
  return sum;
}

std::string vault_name(std::size_t i) {
  return "vault[" + std::to_string(i) + "]";
}

}  // namespace

Result<double> System::surface_mint(const Values& net) const {
  Values v(assets()), d(assets());
  for (std::size_t i = 0; i < v.size(); ++i) {
    v[i] = state_.balances[i] * settings_.calibration_prices[i];
    d[i] = net[i] * settings_.calibration_prices[i];
  }
  const auto mint = derived_.surface->mint(v, d);
  if (!mint) return tl::make_unexpected(mint.error());
  return state_.supply * mint->ratio();
}

Result<> System::judge_deposit(const Values& entered) const {
  const auto verdict =
      judge(settings_.safety, {state_.balances, entered, state_.prices, derived_.targets, true, settings_.pegs});
  if (!verdict) return tl::make_unexpected(verdict.error());
  switch (*verdict) {
    case Safety::ok: return {};
    case Safety::price_too_small:
      return fail(ErrorCode::conflict, "prices",
                  "must all be at least safety.price_min, " + text_of(settings_.safety.price_min) + ", to mint");
    case Safety::off_peg:
      return fail(ErrorCode::conflict, "amounts",
                  "would not lower the weight of every asset that is off its peg while one is below its floor");
    case Safety::infeasible:
    case Safety::unsafe: break;
  }
  return fail(ErrorCode::conflict, "amounts",
              "would be unsafe: each vault must end within " + text_of(settings_.safety.band) +
                  " of its target weight, or no farther from it than it is");
}

Result<> System::judge_inflow(const Values& entered) const {
  if (!settings_.vault_flow) return {};
  const Values u = values();
  const double after = sum_of(u) + [&] {
    double sum = 0;
    for (std::size_t i = 0; i < entered.size(); ++i) sum += entered[i] * state_.prices[i];
    return sum;
  }();
  for (std::size_t i = 0; i < entered.size(); ++i) {
    if (entered[i] == 0) continue;
    const double share = entered[i] * state_.prices[i] / after;
    const FlowStep next = step(*settings_.vault_flow, state_.inflow[i], share, state_.now);
    if (next.is_accepted()) continue;
    return fail(ErrorCode::resource_exhausted, vault_name(i),
                "takes no more than " + text_of(headroom(*settings_.vault_flow, state_.inflow[i], state_.now)) +
                    " of the reserve now (" + std::string(name_of(next.verdict)) + ")");
  }
  return {};
}

Result<Deposit> System::plan_deposit(std::span<const double> amounts, bool has_fee) const {
  if (auto ok = first_error(require_each("amounts", amounts, {0, kTokensMost}),
                            require_same_size("amounts", amounts.size(), "assets", assets()));
      !ok) {
    return tl::make_unexpected(ok.error());
  }
  const Values u = values();
  Deposit out;
  Values net(assets()), after(assets());
  for (std::size_t i = 0; i < net.size(); ++i) {
    const double value = amounts[i] * state_.prices[i];
    out.value += value;
    after[i] = u[i] + value;
  }
  if (auto ok = require("value of amounts", out.value, {1e-12, kTokensMost}); !ok) {
    return tl::make_unexpected(ok.error());
  }
  if (has_fee) {
    const std::span<const double> weights = derived_.targets;
    const auto fee =
        imbalance_fee(settings_.fee, u, after, settings_.fee.measure == Measure::raw ? weights.first(0) : weights);
    if (!fee) return tl::make_unexpected(fee.error());
    out.imbalance_before = fee->before;
    out.imbalance_after = fee->after;
    out.fee_ratio = fee->rate;
  }
  out.fee_value = out.value * out.fee_ratio;
  out.to_treasury = out.fee_value * settings_.fee.fee_to_treasury;
  const double stays = 1 - out.fee_ratio * settings_.fee.fee_to_treasury;
  out.entered = Values(assets());
  for (std::size_t i = 0; i < net.size(); ++i) {
    net[i] = amounts[i] * (1 - out.fee_ratio);
    out.entered[i] = amounts[i] * stays;
  }
  if (auto ok = judge_deposit(out.entered); !ok) return tl::make_unexpected(ok.error());
  if (auto ok = judge_inflow(out.entered); !ok) return tl::make_unexpected(ok.error());
  const double at_par = (out.value - out.fee_value) / settings_.par;
  if (state_.supply == 0 || sum_of(u) == 0) {  // nothing whose growth could be measured
    Values balances(assets());
    for (std::size_t i = 0; i < balances.size(); ++i) balances[i] = state_.balances[i] + out.entered[i];
    if (auto ok = check_domain(settings_, derived_, balances); !ok) return tl::make_unexpected(ok.error());
    out.surface_mint = out.minted = at_par;
  } else {
    const auto mint = surface_mint(net);
    if (!mint) return tl::make_unexpected(mint.error());
    out.surface_mint = *mint;
    out.minted = settings_.has_mint_guard ? std::min(*mint, at_par) : *mint;
  }
  if (auto ok = require("minted", out.minted, {0, kTokensMost}); !ok) return tl::make_unexpected(ok.error());
  return out;
}

void System::keep(const Deposit& d) {
  double after = 0;
  for (std::size_t i = 0; i < assets(); ++i) {
    state_.balances[i] += d.entered[i];
    after += state_.balances[i] * state_.prices[i];
  }
  if (settings_.vault_flow) {
    for (std::size_t i = 0; i < assets(); ++i) {
      if (d.entered[i] == 0) continue;
      state_.inflow[i] =
          step(*settings_.vault_flow, state_.inflow[i], d.entered[i] * state_.prices[i] / after, state_.now).next;
    }
  }
  state_.supply += d.minted;
  state_.treasury += d.to_treasury;
}

Result<Deposit> System::quote_deposit(std::span<const double> amounts) const {
  return plan_deposit(amounts, true);
}

Result<Deposit> System::deposit(std::span<const double> amounts) {
  auto out = plan_deposit(amounts, true);
  if (out) keep(*out);
  return out;
}

Result<Values> System::route(double value) const {
  if (auto ok = require("value", value, {1e-12, kTokensMost}); !ok) return tl::make_unexpected(ok.error());
  const Values u = values();
  Values low(assets()), high(assets()), parts(assets());
  safe_deposit_bounds(u, derived_.targets, value, settings_.safety.band, low, high);
  const auto level = split_deposit(u, derived_.targets, value, SplitBounds{low, high}, parts);
  if (!level) return tl::make_unexpected(level.error());
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i] /= state_.prices[i];
  return parts;
}

Result<Deposit> System::deposit_value(double value) {
  const auto amounts = route(value);
  if (!amounts) return tl::make_unexpected(amounts.error());
  return deposit(*amounts);
}

Result<> System::split_over_vaults(const Values& u, Redeem& out) const {
  const double total = sum_of(u);
  out.parts = Values(assets());
  out.left = out.parts;
  if (out.paid <= 0) return {};
  Values low(assets()), high(assets());
  safe_withdrawal_bounds(u, derived_.targets, out.paid, settings_.safety.band, low, high);
  if (settings_.vault_flow) {
    for (std::size_t i = 0; i < high.size(); ++i) {
      // A little less than the headroom, so that rounding cannot take the flow over its threshold.
      const double room = headroom(*settings_.vault_flow, state_.outflow[i], state_.now) * (1 - 1e-12) * total;
      high[i] = std::min(high[i], room);
      low[i] = std::min(low[i], high[i]);
    }
    if (sum_of(high) < out.paid) {
      return fail(
          ErrorCode::resource_exhausted, "amount",
          "is worth " + text_of(out.paid) + ", and the vaults give no more than " + text_of(sum_of(high)) + " now");
    }
  }
  const auto level = split_withdrawal(u, derived_.targets, out.paid, SplitBounds{low, high}, out.parts);
  if (!level) return tl::make_unexpected(level.error());
  Values after(assets());
  for (std::size_t i = 0; i < after.size(); ++i) {
    after[i] = u[i] - out.parts[i];
    out.left[i] =
        out.parts[i] >= u[i] ? state_.balances[i] : std::min(out.parts[i] / state_.prices[i], state_.balances[i]);
  }
  if (!is_safe({.band = settings_.safety.band}, u, after, derived_.targets)) {
    return fail(ErrorCode::conflict, "amount", "cannot be taken from the vaults safely within their flow limits");
  }
  return {};
}

Result<Redeem> System::quote_redeem(double amount) const {
  const SystemState& s = state_;
  if (auto ok = require("amount", amount, {0, std::max(0.0, s.supply - s.staked)}); !ok) {
    return tl::make_unexpected(ok.error());
  }
  const Values u = values();
  const double total = sum_of(u);
  Redeem out;
  out.asked = amount;
  if (amount == 0) {
    out.parts = out.left = Values(assets());
    out.rate_before = out.rate_after = rate();
    return out;
  }
  out.effective = settings_.flow.mode == Dampening::exponential
                      ? derived_.dampener.effective(s.flow, total / settings_.par, amount)
                      : derived_.dampener.redeemable(s.flow, s.supply, amount);
  out.burned = settings_.flow.shortfall == Shortfall::confiscate ? amount : out.effective;
  const Redemption redemption = derived_.pamm.redeem_checked({s.level, total / settings_.par, s.supply}, out.effective);
  out.paid = std::min(settings_.par * redemption.paid, total);
  out.rate_before = redemption.rate_before;
  out.rate_after = redemption.rate_after;
  out.region = redemption.region;
  if (auto ok = split_over_vaults(u, out); !ok) return tl::make_unexpected(ok.error());
  Values balances(assets());
  for (std::size_t i = 0; i < balances.size(); ++i) balances[i] = s.balances[i] - out.left[i];
  if (auto ok = check_domain(settings_, derived_, balances); !ok) return tl::make_unexpected(ok.error());
  return out;
}

void System::keep(const Redeem& r) {
  const double total = sum_of(values());
  for (std::size_t i = 0; i < assets(); ++i) {
    if (settings_.vault_flow && r.parts[i] > 0) {
      state_.outflow[i] = step(*settings_.vault_flow, state_.outflow[i], r.parts[i] / total, state_.now).next;
    }
    state_.balances[i] -= r.left[i];
  }
  if (r.burned >= state_.supply) {
    state_.supply = state_.committed = 0;
  } else if (r.burned > 0) {
    const double after = std::max(state_.supply - r.burned, state_.staked);  // rounding must not burn what is staked
    state_.committed *= after / state_.supply;  // 1 - burned / supply, without the cancellation
    state_.supply = after;
  }
  state_.flow += r.effective;
  state_.level += r.effective;
}

Result<Redeem> System::redeem(double amount) {
  auto out = quote_redeem(amount);
  if (out) keep(*out);
  return out;
}

Result<Redeem> System::redeem_batch(std::span<const double> requests, std::span<double> filled,
                                    std::span<double> paid) {
  if (auto ok = first_error(require_each("requests", requests, {0, kTokensMost}),
                            require_same_size("filled", filled.size(), "requests", requests.size()),
                            require_same_size("paid", paid.size(), "requests", requests.size()));
      !ok) {
    return tl::make_unexpected(ok.error());
  }
  auto out = quote_redeem(sum_of(requests));
  if (!out) {
    return fail(out.error().code, out.error().where == "amount" ? "sum of requests" : out.error().where,
                out.error().message);
  }
  fill_pro_rata(requests, out->effective, filled);
  const double price = out->effective > 0 ? out->paid / out->effective : 0;
  for (std::size_t i = 0; i < paid.size(); ++i) paid[i] = filled[i] * price;
  keep(*out);
  return out;
}

}  // namespace homeostat::economy::bonding
