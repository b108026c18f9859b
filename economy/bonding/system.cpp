#include "economy/bonding/system.hpp"

#include <algorithm>
#include <cmath>

#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

/// Rounding allowed to the invariant C <= cap S.
constexpr double kCapSlack = 1e-12;

/// The checked result of a part, its field named after the part.
Result<> within(const char* part, const Result<>& checked) {
  if (checked) return {};
  return fail(checked.error().code, std::string(part) + "." + checked.error().where, checked.error().message);
}

Result<> check_lists(const SystemSettings& s) {
  const std::size_t n = s.weights.size();
  if (auto ok = require("weights.size", static_cast<double>(n),
                        {static_cast<double>(kAssetsMin), static_cast<double>(kAssetsMax)});
      !ok) {
    return ok;
  }
  if (auto ok = first_error(require_shares("weights", s.weights), require_each("weights", s.weights, {kWeightLeast, 1}),
                            require_each("calibration_prices", s.calibration_prices, {kPriceLeast, kPriceMost}),
                            require_same_size("calibration_prices", s.calibration_prices.size(), "weights", n),
                            require_same_size("pegs", s.pegs.empty() ? n : s.pegs.size(), "weights", n));
      !ok) {
    return ok;
  }
  for (std::size_t i = 0; i < s.pegs.size(); ++i) {
    const std::string name = "pegs[" + std::to_string(i) + "]";
    if (auto ok = first_error(require(name + ".floor", s.pegs[i].floor, {}),
                              require(name + ".ceiling", s.pegs[i].ceiling, {}),
                              require_order(name + ".floor", s.pegs[i].floor, name + ".ceiling", s.pegs[i].ceiling));
        !ok) {
      return ok;
    }
  }
  return {};
}

SurfaceSettings shape_of(const SystemSettings& settings, const Values& weights) {
  SurfaceSettings shape = settings.surface;
  if (shape.centre == Centre::peg) shape.weights.assign(weights.begin(), weights.end());
  return shape;
}

double sum_of(std::span<const double> xs) {
  double sum = 0;
  for (const double x : xs) sum += x;
  return sum;
}

}  // namespace

Result<> check(const SystemSettings& s) {
  if (auto ok = check_lists(s); !ok) return ok;
  return first_error(within("surface", check(shape_of(s, Values(s.weights)))), require("par", s.par, {1e-6, 1e6}),
                     within("safety", check(s.safety)), within("pamm", check(s.pamm)), within("flow", check(s.flow)),
                     within("vault_flow", s.vault_flow ? check(*s.vault_flow) : Result<>{}),
                     within("fee", check(s.fee)), within("commitment", check(s.commitment)));
}

Result<> System::derive_weights(const SystemSettings& settings, const SystemState& state, Derived& out) {
  out.scheduled = Values(settings.weights.size());
  out.targets = out.scheduled;
  if (!state.drifts.empty()) {
    if (auto ok = drifting_weights(state.drifts, state.now, out.scheduled); !ok) return ok;
    return target_weights(state.prices, settings.calibration_prices, out.scheduled, out.targets);
  }
  if (auto ok = scheduled_weights(state.weights_from, state.weights_to, state.now - state.weights_begin,
                                  state.weights_end - state.weights_begin, out.scheduled);
      !ok) {
    return ok;
  }
  return target_weights(state.prices, settings.calibration_prices, out.scheduled, out.targets);
}

Result<System::Derived> System::derive(const SystemSettings& settings, const SystemState& state) {
  if (auto ok = check(settings); !ok) return tl::make_unexpected(ok.error());
  Derived out;
  out.pamm = *Pamm::make(settings.pamm);
  out.dampener = *Dampener::make(settings.flow);
  out.commitment_dampener = *Dampener::make(settings.commitment.flow);
  out.level_memory = Memory(settings.pamm.level_memory);
  out.flow_memory = Memory(settings.flow.memory);
  out.channel_memory = Memory(settings.commitment.flow.memory);
  if (auto ok = derive_weights(settings, state, out); !ok) return tl::make_unexpected(ok.error());
  auto surface = Surface::make(shape_of(settings, out.scheduled));
  if (!surface) return tl::make_unexpected(surface.error());
  out.surface = std::move(*surface);
  return out;
}

Result<System> System::make(const SystemSettings& settings) {
  if (auto ok = check(settings); !ok) return tl::make_unexpected(ok.error());
  System out;
  out.settings_ = settings;
  SystemState& s = out.state_;
  s.balances = Values(settings.weights.size());
  s.prices = Values(settings.calibration_prices);
  s.weights_from = s.weights_to = Values(settings.weights);
  auto derived = derive(settings, s);
  if (!derived) return tl::make_unexpected(derived.error());
  out.derived_ = std::move(*derived);
  return out;
}

Values System::values() const {
  Values u(assets());
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = state_.balances[i] * state_.prices[i];
  return u;
}

double System::reserve() const {
  return sum_of(values());
}

double System::backing() const {
  return state_.supply > 0 ? reserve() / (state_.supply * settings_.par) : 1;
}

Values System::weights() const {
  Values out(assets());
  current_weights(values(), derived_.targets, out);
  return out;
}

double System::rate() const {
  return derived_.pamm.rate({state_.level, reserve() / settings_.par, state_.supply});
}

double System::penalty() const {
  return state_.supply > 0 ? derived_.dampener.multiplier(state_.flow / state_.supply) : 1;
}

Result<double> System::size() const {
  Values v(assets());
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = state_.balances[i] * settings_.calibration_prices[i];
  if (sum_of(v) == 0) return 0.0;
  return derived_.surface->invariant(v);
}

Result<> System::check_domain(const SystemSettings& settings, const Derived& derived, const Values& balances) const {
  Values v(balances.size());
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = balances[i] * settings.calibration_prices[i];
  if (sum_of(v) < kReserveMin) return {};  // an empty reserve has no shape
  const auto r = derived.surface->invariant(v);
  return r ? Result<>{} : Result<>{tl::make_unexpected(r.error())};
}

Result<> System::advance(double days) {
  if (auto ok =
          first_error(require("days", days, {0, kDaysMost}), require("now + days", state_.now + days, {0, kDaysMost}));
      !ok) {
    return ok;
  }
  const double before = state_.now;
  const auto put_back = [&](const Error& error) {
    state_.now = before;
    return tl::make_unexpected(error);
  };
  state_.now += days;
  if (before < state_.weights_end || !state_.drifts.empty()) {
    auto derived = derive(settings_, state_);
    if (!derived) return put_back(derived.error());
    derived_ = std::move(*derived);
  }
  state_.level *= derived_.level_memory.after(days);
  state_.flow *= derived_.flow_memory.after(days);
  for (ChannelState& channel : state_.channels) channel.flow *= derived_.channel_memory.after(days);
  return {};
}

Result<> System::set_prices(std::span<const double> prices) {
  if (auto ok = first_error(require_each("prices", prices, {kPriceLeast, kPriceMost}),
                            require_same_size("prices", prices.size(), "weights", assets()));
      !ok) {
    return ok;
  }
  Values targets(assets());
  if (auto ok = target_weights(prices, settings_.calibration_prices, derived_.scheduled, targets); !ok) return ok;
  state_.prices = Values(prices);
  derived_.targets = targets;
  return {};
}

Result<> System::schedule_weights(std::span<const double> weights, double duration_days) {
  if (auto ok = first_error(require_shares("weights", weights), require_each("weights", weights, {kWeightLeast, 1}),
                            require_same_size("weights", weights.size(), "assets", assets()),
                            require("duration_days", duration_days, {0, kDaysMost}));
      !ok) {
    return ok;
  }
  SystemState next = state_;
  next.weights_from = derived_.scheduled;
  next.weights_to = Values(weights);
  next.weights_begin = state_.now;
  next.weights_end = state_.now + duration_days;
  next.drifts.clear();
  return restore(next);
}

Result<> System::drift_weights(std::span<const Drift> drifts) {
  if (auto ok = require_same_size("drifts", drifts.size(), "assets", assets()); !ok) return ok;
  SystemState next = state_;
  next.drifts.assign(drifts.begin(), drifts.end());
  for (std::size_t i = 0; i < drifts.size(); ++i) {
    const std::string name = "drifts[" + std::to_string(i) + "].";
    next.drifts[i].updated = state_.now;
    if (auto ok = first_error(require(name + "min", drifts[i].min, {kWeightLeast, 1}),
                              require(name + "max", drifts[i].max, {kWeightLeast, 1}));
        !ok) {
      return ok;
    }
  }
  return restore(next);
}

Result<> System::lock_vault(std::size_t vault, double duration_days) {
  if (auto ok = require("vault", static_cast<double>(vault), {0, static_cast<double>(assets() - 1)}); !ok) return ok;
  if (!settings_.vault_flow) {
    return fail(ErrorCode::unsupported, "vault_flow", "has no settings, so that no vault can be locked");
  }
  const auto in = locked(*settings_.vault_flow, state_.inflow[vault], duration_days, state_.now);
  const auto out = locked(*settings_.vault_flow, state_.outflow[vault], duration_days, state_.now);
  if (!in) return tl::make_unexpected(in.error());
  state_.inflow[vault] = *in;
  state_.outflow[vault] = *out;
  return {};
}

Result<> System::reconfigure(const SystemSettings& settings) {
  if (auto ok = require_same_size("weights", settings.weights.size(), "assets", assets()); !ok) return ok;
  if (settings.calibration_prices != settings_.calibration_prices) {
    return fail(ErrorCode::unsupported, "calibration_prices", "cannot change while there is a reserve");
  }
  auto derived = derive(settings, state_);
  if (!derived) return tl::make_unexpected(derived.error());
  if (auto ok = check_domain(settings, *derived, state_.balances); !ok) return ok;
  const double share = state_.supply > 0 ? state_.committed / state_.supply : 0;
  if (share > settings.commitment.cap * (1 + kCapSlack)) {
    return fail(ErrorCode::out_of_range, "commitment.cap",
                "must be at least the share of commitments in the supply, " + text_of(share));
  }
  settings_ = settings;
  derived_ = std::move(*derived);
  return {};
}

Result<> System::restore(const SystemState& state) {
  const std::size_t n = assets();
  if (auto ok = first_error(require_same_size("balances", state.balances.size(), "assets", n),
                            require_same_size("prices", state.prices.size(), "assets", n),
                            require_same_size("drifts", state.drifts.empty() ? n : state.drifts.size(), "assets", n),
                            require_same_size("weights_from", state.weights_from.size(), "assets", n),
                            require_same_size("weights_to", state.weights_to.size(), "assets", n),
                            require_each("prices", state.prices, {kPriceLeast, kPriceMost}));
      !ok) {
    return ok;
  }
  auto derived = derive(settings_, state);
  if (!derived) return tl::make_unexpected(derived.error());
  if (auto ok = check_domain(settings_, *derived, state.balances); !ok) return ok;
  System next;
  next.settings_ = settings_;
  next.state_ = state;
  next.derived_ = std::move(*derived);
  if (auto ok = next.invariants(); !ok) return ok;
  *this = std::move(next);
  return {};
}

void System::settle(const Values& balances, double supply) {
  state_.balances = balances;
  state_.supply = supply;
  state_.staked = std::min(state_.staked, supply);
  state_.committed = std::min(state_.committed, settings_.commitment.cap * supply);
}

Result<> System::invariants() const {
  const SystemState& s = state_;
  constexpr Range kTokens{0, 1e300};
  const double n = static_cast<double>(assets());
  const double tolerance = 4 * n * std::numeric_limits<double>::epsilon();
  if (auto ok = first_error(
          require("supply", s.supply, kTokens), require_each("balances", s.balances, kTokens),
          require("level", s.level, kTokens), require("flow", s.flow, kTokens),
          require("treasury", s.treasury, kTokens), require("staked", s.staked, {0, s.supply * (1 + kCapSlack)}),
          require("sum of weights", sum_of(derived_.scheduled), {1 - tolerance, 1 + tolerance}),
          require("sum of targets", sum_of(derived_.targets), {1 - tolerance, 1 + tolerance}),
          require("committed", s.committed, {0, settings_.commitment.cap * s.supply * (1 + kCapSlack)}));
      !ok) {
    return ok;
  }
  for (const ChannelState& channel : s.channels) {
    if (auto ok = first_error(require("channel.flow", channel.flow, kTokens),
                              require("channel.window_minted", channel.window_minted, kTokens));
        !ok) {
      return ok;
    }
  }
  return {};
}

}  // namespace homeostat::economy::bonding
