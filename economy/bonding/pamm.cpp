#include "economy/bonding/pamm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

/// Below it a supply is none, and shares of it overflow.
constexpr double kSupplyMin = 1e-290;

/// Radicands that are zero in exact arithmetic come out a little below it.
double root(double x) {
  return std::sqrt(std::max(0.0, x));
}

/// Anchor ratio at which `par_until` would be z: F of the source's Lemma 4.
double anchor_for_par_until(double z, double slope, double floor_ratio) {
  const double q = 1 - z;
  const double theta = 1 - floor_ratio;
  if (1 - slope * q >= floor_ratio) return 1 - slope * q * q / 2;
  return 1 - theta * q + theta * theta / (2 * slope);
}

}  // namespace

std::string_view name_of(AnchorRegion region) {
  switch (region) {
    case AnchorRegion::par: return "par";
    case AnchorRegion::i: return "i";
    case AnchorRegion::I_ii: return "I.ii";
    case AnchorRegion::I_iii: return "I.iii";
    case AnchorRegion::II_h: return "II.h";
    case AnchorRegion::II_l: return "II.l";
    case AnchorRegion::III_H: return "III.H";
    case AnchorRegion::III_L: return "III.L";
    case AnchorRegion::pro_rata: return "pro-rata";
  }
  return "?";
}

Result<> check(const PammSettings& s) {
  return first_error(require("slope_min", s.slope_min, {1e-4, 1e4}), require("par_share_max", s.par_share_max, {0, 1}),
                     require("floor_ratio", s.floor_ratio, {0, 1}),
                     require("level_memory", s.level_memory, {1e-9, 1 - 1e-12}),
                     require("haircut_ratio", s.haircut_ratio, {0, 0.5}));
}

double AnchoredCurve::reserve_at(double x) const {
  // The three pieces as one expression: they meet with equal slopes, and a branch mispredicted costs more.
  const double until = std::min(x, tail_from);
  const double beyond = std::max(0.0, until - par_until);
  return anchor - until + slope * beyond * beyond / 2 - tail_ratio * (x - until);
}

double AnchoredCurve::rate_at(double x) const {
  if (x <= par_until) return 1;
  return x > tail_from ? tail_ratio : 1 - slope * (x - par_until);
}

double AnchoredCurve::paid(double x, double dx) const {
  const double end = x + dx;
  if (end <= par_until) return dx;
  if (x >= tail_from) return tail_ratio * dx;
  const double at_par = std::max(0.0, par_until - x);
  const double from = std::max(x, par_until);
  const double to = std::min(end, tail_from);
  const double falling = (to - from) * (1 - slope * ((from - par_until) + (to - par_until)) / 2);
  return at_par + falling + tail_ratio * std::max(0.0, end - tail_from);
}

AnchoredCurve Pamm::with(double anchor, double slope, double par_until) {
  AnchoredCurve c{.anchor = anchor, .slope = slope, .par_until = par_until};
  const double radicand = (1 - par_until) * (1 - par_until) - 2 * (1 - anchor) / slope;
  c.tail_from = 1 - root(radicand);
  c.tail_ratio = std::max(0.0, 1 - slope * (c.tail_from - par_until));
  return c;
}

Pamm::Pamm(const PammSettings& settings) : settings_(settings), theta_(1 - settings.floor_ratio) {
  const double slope = settings_.slope_min;
  const double xu = settings_.par_share_max;
  const double floor = settings_.floor_ratio;
  at_I_II_ = with(anchor_for_par_until(xu, slope, floor), slope, xu);
  at_II_III_ = with(anchor_for_par_until(0, slope, floor), slope, 0);
  at_hl_ = with(1 - theta_ * theta_ / (2 * slope), slope, std::clamp(1 - theta_ / slope, 0.0, xu));
  at_HL_ = theta_ > 0 ? with((1 + floor) / 2, theta_, 0) : AnchoredCurve{};
}

Result<Pamm> Pamm::make(const PammSettings& settings) {
  if (auto ok = check(settings); !ok) return tl::make_unexpected(ok.error());
  return Pamm(settings);
}

Pamm::Thresholds Pamm::thresholds() const {
  return {at_I_II_.anchor, at_II_III_.anchor, at_hl_.anchor, at_HL_.anchor};
}

AnchoredCurve Pamm::curve_of(double ra) const {
  HOMEOSTAT_CHECK(ra >= 0 && std::isfinite(ra));
  if (ra >= 1) return {.anchor = ra};
  const double floor = settings_.floor_ratio;
  if (ra <= floor) return {.anchor = ra, .slope = 0, .par_until = 0, .tail_from = 0, .tail_ratio = ra};
  const double missing = 1 - ra;
  const double slope_hat = ra >= (1 + floor) / 2 ? 2 * missing : theta_ * theta_ / (2 * (ra - floor));
  const double slope = std::max(slope_hat, settings_.slope_min);
  const double xu_hat = slope * missing <= theta_ * theta_ / 2 ? 1 - root(2 * missing / slope)
                                                               : 1 - missing / theta_ - theta_ / (2 * slope);
  return with(ra, slope, std::clamp(xu_hat, 0.0, settings_.par_share_max));
}

Pamm::Anchor Pamm::anchor_of(double x, double b) const {
  const Found found = find(x, b);
  return {found.curve.anchor, found.region};
}

Pamm::Found Pamm::find(double x, double b) const {
  const double a = settings_.slope_min;
  const double floor = settings_.floor_ratio;
  const double y = 1 - x;
  const double r = b / y;
  const AnchoredCurve shared{.anchor = r, .slope = 0, .par_until = 0, .tail_from = 0, .tail_ratio = std::min(r, 1.0)};
  if (r >= 1) return {shared, AnchorRegion::par};
  if (r <= floor + kFloorTolerance) return {shared, AnchorRegion::pro_rata};

  if (b >= at_I_II_.reserve_at(x)) {  // slope_min and par_share_max both bind
    const double xu = settings_.par_share_max;
    const double beyond = x - xu;
    if (beyond <= 0) return {with(b + x, a, xu), AnchorRegion::i};
    if (r <= 1 - a * beyond) return {with(b + x - a * beyond * beyond / 2, a, xu), AnchorRegion::I_ii};
    const double u = 1 - r;
    AnchoredCurve tail = shared;  // the rate is the ratio from here on, whatever the rest of the curve is
    tail.anchor = 1 - (1 - xu) * u + u * u / (2 * a);
    return {tail, AnchorRegion::I_iii};
  }
  if (b >= at_II_III_.reserve_at(x)) return find_ii(x, b, y, r);

  if (at_HL_.anchor <= at_II_III_.anchor && b >= at_HL_.reserve_at(x)) {
    const double missing = (y - b) / (1 - x * x);
    return {{1 - missing, 2 * missing, 0, 1, 1 - 2 * missing}, AnchorRegion::III_H};
  }
  const double p = (y - b + theta_) / 2;
  const double q = (y - b) * theta_ + theta_ * theta_ * x * x / 4;
  const double missing = p - root(p * p - q);
  // slope = theta^2 / (2 (ba - floor)) and slope xl = theta
  const double above = 2 * (theta_ - missing);
  return {{1 - missing, theta_ * theta_ / above, 0, above / theta_, floor}, AnchorRegion::III_L};
}

/// Only slope_min binds: xu lies where the curve comes down to its end (high) or to the floor (low).
Pamm::Found Pamm::find_ii(double x, double b, double y, double r) const {
  const double a = settings_.slope_min;
  const double floor = settings_.floor_ratio;
  const bool is_high =
      at_hl_.anchor <= at_II_III_.anchor || (at_hl_.anchor <= at_I_II_.anchor && b >= at_hl_.reserve_at(x));
  if (is_high) {  // xu = 1 - sqrt(2 (1 - ba) / a), no tail
    const bool is_par = y - b <= a * y * y / 2;
    const double length = is_par ? root(2 * (y - b) / a) : (1 - r) / a + y / 2;
    const double anchor = is_par ? b + x : 1 - a / 2 * length * length;
    return {{anchor, a, 1 - length, 1, 1 - a * length}, is_par ? AnchorRegion::i : AnchorRegion::II_h};
  }
  const double above = b - floor * y;
  const bool is_par = above >= theta_ * theta_ / (2 * a);
  const double anchor = is_par ? b + x : 1 + root(2 * theta_ * theta_ / a * above) - theta_ * (theta_ / (2 * a) + y);
  const double xu = 1 - (1 - anchor) / theta_ - theta_ / (2 * a);
  return {{anchor, a, xu, xu + theta_ / a, floor}, is_par ? AnchorRegion::i : AnchorRegion::II_l};
}

double Pamm::reserve_priced(const PammState& s) const {
  const double haircut = settings_.haircut_ratio * s.supply;
  if (haircut == 0 || s.reserve <= 2 * haircut) return s.reserve;
  return std::min(s.reserve - haircut, s.supply);
}

Redemption Pamm::redeem_checked(const PammState& s, double amount) const {
  const double reserve = reserve_priced(s);
  if (reserve >= s.supply) return {std::min(amount, s.reserve), 1, 1, AnchorRegion::par};
  const double r = reserve / s.supply;
  if (r <= settings_.floor_ratio + kFloorTolerance) {
    return {std::min(r * amount, s.reserve), r, r, AnchorRegion::pro_rata};
  }
  const double ya = s.level + s.supply;
  const double per_ya = 1 / ya;
  const double x = s.level * per_ya;
  const double dx = amount * per_ya;
  const Found found = find(x, reserve * per_ya);
  const double paid = std::min({ya * found.curve.paid(x, dx), amount, s.reserve});
  return {paid, found.curve.rate_at(x), found.curve.rate_at(std::min(1.0, x + dx)), found.region};
}

Result<Redemption> Pamm::redeem(const PammState& s, double amount) const {
  constexpr double kMost = std::numeric_limits<double>::max();
  const bool is_good = s.level >= 0 && s.reserve >= 0 && s.reserve <= kMost && s.supply >= kSupplyMin && amount >= 0 &&
                       amount <= s.supply && s.level + s.supply <= kMost;
  if (is_good) [[likely]] {
    return redeem_checked(s, amount);
  }
  return tl::make_unexpected(first_error(require("level", s.level, {}), require("reserve", s.reserve, {}),
                                         require("supply", s.supply, {kSupplyMin}),
                                         require("amount", amount, {0, s.supply}),
                                         require("level + supply", s.level + s.supply, {}))
                                 .error());
}

double Pamm::rate(const PammState& s) const {
  return s.supply > 0 ? redeem_checked(s, 0).rate_before : 0;
}

}  // namespace homeostat::economy::bonding
