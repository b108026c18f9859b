#include "economy/tokenomics/incentives.hpp"

#include <algorithm>
#include <cmath>

#include "core/format.hpp"
#include "core/math.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::tokenomics {

namespace {
constexpr Duration kLongest = Duration::days(36'500);
constexpr double kRewardMax = 1e60;

Result<> require_span(std::string_view name, Duration d, bool may_be_zero) {
  if (d <= kLongest && (d > Duration::zero() || (may_be_zero && d == Duration::zero()))) return {};
  return fail(ErrorCode::out_of_range, std::string(name),
              std::string(may_be_zero ? "must be from 0s to " : "must be above 0s, at most ") + text_of(kLongest) +
                  ", is " + text_of(d));
}

std::int64_t period_at(const IncentiveSettings& s, Duration elapsed) {
  return elapsed / s.adjustment_period;
}
}  // namespace

IncentiveSettings incentive_defaults(IncentiveModel model) {
  IncentiveSettings s;
  s.model = model;
  switch (model) {
    case IncentiveModel::linear: s.adjustment_period = Duration::days(30); break;
    case IncentiveModel::quadratic:
    case IncentiveModel::square_root: s.adjustment_period = Duration::days(14); break;
    case IncentiveModel::exponential_decay: s.adjustment_period = Duration::days(7); break;
    case IncentiveModel::dynamic_multiplier: s.adjustment_period = Duration::days(1); break;
  }
  return s;
}

Result<> check(const IncentiveSettings& s) {
  return first_error(require("rate", s.rate, {0, 1e12}), require_span("adjustment_period", s.adjustment_period, false),
                     require("activity_reference", s.activity_reference, {1e-12, kActivityMax}),
                     require_span("half_life", s.half_life, false), require("gain", s.gain, {0, 1}),
                     require("multiplier_min", s.multiplier_min, {1e-12, 1000}),
                     require("multiplier_max", s.multiplier_max, {1e-12, 1000}),
                     require_order("multiplier_min", s.multiplier_min, "multiplier_max", s.multiplier_max));
}

namespace {
Result<> check(const IncentiveSettings& s, const MultiplierState& state) {
  if (auto ok = check(s); !ok) return ok;
  if (s.model != IncentiveModel::dynamic_multiplier) return {};
  return require("multiplier", state.multiplier, {s.multiplier_min, s.multiplier_max});
}
}  // namespace

Result<double> incentive(const IncentiveSettings& s, double activity, Duration elapsed, const MultiplierState& state) {
  if (auto ok = first_error(check(s, state), require("activity", activity, {0, kActivityMax}),
                            require_span("elapsed", elapsed, true));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  double worth = s.rate * activity;
  switch (s.model) {
    case IncentiveModel::linear: break;
    case IncentiveModel::quadratic: worth *= activity / s.activity_reference; break;
    case IncentiveModel::square_root: worth = s.rate * std::sqrt(activity * s.activity_reference); break;
    case IncentiveModel::exponential_decay: {
      const Duration begun = s.adjustment_period * period_at(s, elapsed);
      worth *= math::half_life_decay(begun, s.half_life);
      break;
    }
    case IncentiveModel::dynamic_multiplier: worth *= state.multiplier; break;
  }
  if (auto ok = require("reward", worth, {0, kRewardMax}); !ok) return tl::make_unexpected(std::move(ok.error()));
  return worth;
}

Result<MultiplierState> next_multiplier(const IncentiveSettings& s, const MultiplierState& state, Duration elapsed,
                                        double observed, double target) {
  if (auto ok =
          first_error(check(s, state), require("multiplier", state.multiplier, {s.multiplier_min, s.multiplier_max}),
                      require_span("elapsed", elapsed, true), require("observed", observed, {0, kActivityMax}),
                      require("target", target, {1e-12, kActivityMax}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const std::int64_t period = period_at(s, elapsed);
  if (period <= state.period) return state;
  const double gap = std::clamp(1 - observed / target, -1.0, 1.0);
  const double next = state.multiplier * (1 + s.gain * gap);
  return MultiplierState{std::clamp(next, s.multiplier_min, s.multiplier_max), period};
}

}  // namespace homeostat::economy::tokenomics
