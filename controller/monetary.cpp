#include "controller/monetary.hpp"

#include <algorithm>
#include <cmath>

#include "core/math.hpp"

namespace homeostat::controller::monetary {
namespace {

std::int64_t half_day_of(Instant at) {
  const std::int64_t ns = at.ns;
  const std::int64_t window = kDebtWindow.ns;
  return ns >= 0 ? ns / window : -((-ns + window - 1) / window);
}

tl::unexpected<Error> refuse(const char* where, const char* message) {
  return fail(ErrorCode::out_of_range, where, message);
}

}  // namespace

Result<> check(const Semilog& s) {
  if (!(s.rate_min > 0) || !std::isfinite(s.rate_min)) return refuse("rate_min", "must be above 0");
  if (!(s.rate_max > s.rate_min) || !std::isfinite(s.rate_max)) return refuse("rate_max", "must be above rate_min");
  return {};
}

double rate(const Semilog& s, double utilisation) {
  const double u = std::clamp(utilisation, 0.0, 1.0);
  if (u == 1) return s.rate_max;  // exact at both ends
  return std::clamp(s.rate_min * math::pow(s.rate_max / s.rate_min, u), s.rate_min, s.rate_max);
}

Result<> check(const Exponential& s) {
  if (!(s.rate_0 >= 0) || !std::isfinite(s.rate_0)) return refuse("rate_0", "must not be negative");
  if (!(s.rate_extra >= 0) || !std::isfinite(s.rate_extra)) return refuse("rate_extra", "must not be negative");
  if (!(s.rate_cap > 0) || !std::isfinite(s.rate_cap)) return refuse("rate_cap", "must be above 0");
  if (!(s.sigma > 0) || !std::isfinite(s.sigma)) return refuse("sigma", "must be above 0");
  if (!(s.keepers_target > 0) || !std::isfinite(s.keepers_target)) return refuse("keepers_target", "must be above 0");
  if (!std::isfinite(s.peg)) return refuse("peg", "must be finite");
  return {};
}

ExponentialTerms rate(const Exponential& s, const ExponentialInput& input) {
  ExponentialTerms t;
  t.price_exponent = (s.peg - input.price) / s.sigma;
  t.keepers_exponent = -input.keepers_share / s.keepers_target;
  const double x = std::clamp(t.price_exponent + t.keepers_exponent, -kExponentMax, kExponentMax);
  const double filled = input.debt_ceiling > 0 ? input.debt / input.debt_ceiling : 0;
  const double f = std::clamp(filled, 0.0, kDebtRatioMax);
  t.fill_factor = 0.9 + 0.1 / (1 - f);
  t.uncapped = (s.rate_0 * math::exp(x) + s.rate_extra) * t.fill_factor;
  t.rate = std::min(s.rate_cap, t.uncapped);
  return t;
}

double mean_after(double mean, double share, Duration dt, Duration time_constant) {
  if (dt <= Duration::zero() || time_constant <= Duration::zero()) return mean;
  return mean + (share - mean) * (1 - math::exp(-dt.in_seconds() / time_constant.in_seconds()));
}

LeastDebt with_debt(const LeastDebt& least, double debt, Instant at) {
  const std::int64_t half_day = half_day_of(at);
  if (least.has_now && half_day == least.half_day) {
    LeastDebt next = least;
    next.now = std::min(least.now, debt);
    return next;
  }
  const bool is_next = least.has_now && half_day == least.half_day + 1;
  return {half_day, debt, is_next ? least.now : 0, is_next, true};
}

double counted_debt(const LeastDebt& least, double debt, Instant at) {
  const LeastDebt seen = with_debt(least, debt, at);
  return seen.has_before ? std::min(seen.now, seen.before) : seen.now;
}

}  // namespace homeostat::controller::monetary
