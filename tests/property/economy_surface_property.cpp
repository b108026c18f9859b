// The surface anywhere in its domain, for any weights, axes and boxes: what a size, a price and a mint must be.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

#include "economy/bonding/surface.hpp"

namespace homeostat::economy::bonding {
namespace {

double within(double low, double high) {
  return low + (high - low) * (*rc::gen::inRange(0, 1'000'001) / 1e6);
}
/// Spread evenly over its magnitudes.
double any_scale(int low, int high) {
  return std::ldexp(within(1, 2), *rc::gen::inRange(low, high));
}

SurfaceSettings any_settings() {
  const auto n = *rc::gen::inRange<std::size_t>(kAssetsMin, kAssetsMax + 1);
  SurfaceSettings s;
  s.weights.resize(n);
  double sum = 0;
  for (double& w : s.weights) sum += w = within(0.05, 1);
  for (double& w : s.weights) w /= sum;
  s.lambda = any_scale(0, 14);
  if (*rc::gen::weightedElement<bool>({{2, false}, {1, true}})) {
    for (std::size_t i = 0; i < n; ++i) s.lambdas.push_back(within(1, 30));
    for (std::size_t i = 1; i < n; ++i) s.rotations.push_back({i - 1, i, within(-0.4, 0.4)});
  }
  s.centre = *rc::gen::weightedElement<Centre>({{3, Centre::peg}, {1, Centre::box}, {1, Centre::unbounded}});
  if (s.centre == Centre::peg) return s;
  s.assets = n;
  for (std::size_t i = 0; s.centre == Centre::box && i < n; ++i) {
    s.price_min.push_back(within(0.3, 0.9));
    s.price_max.push_back(within(1.1, 3));
  }
  return s;
}

struct Pool {
  Surface surface;
  Point at;
};

/// A surface and a place inside its domain: where it stands at some prices.
Pool any_pool() {
  const SurfaceSettings settings = any_settings();
  const auto surface = Surface::make(settings);
  RC_ASSERT(surface.has_value());
  const std::size_t n = surface->assets();
  Values prices(n);
  const double spread = settings.centre == Centre::peg && settings.lambdas.empty() ? 0.3 / settings.lambda : 0.001;
  for (std::size_t i = 0; i < n; ++i) {
    prices[i] = settings.centre == Centre::box ? within(settings.price_min[i], settings.price_max[i])
                                               : 1 + within(-spread, spread);
  }
  const auto v = surface->balances_at(any_scale(-20, 60), prices);
  RC_PRE(v.has_value());
  const auto at = surface->at(*v);
  RC_PRE(at.has_value() && Surface::margin(*at) > 0.01);
  return {*surface, *at};
}

/// Rounding of a centre is felt 1 / (t - 1) times over.
double tolerance(const Point& at) {
  return 2e-14 * (1 + 0.1 / Surface::margin(at));
}
double tolerance(const Pool& pool) {
  return tolerance(pool.at);
}
bool is_close(double a, double b, double relative) {
  return std::fabs(a - b) <= relative * std::max(std::fabs(a), std::fabs(b));
}

/// Some of each asset, in proportion to what there is of it.
Values any_deposit(const Pool& pool, double low, double high) {
  Values d(pool.surface.assets());
  const double share = any_scale(-25, 0);
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = pool.at.balances[i] * share * within(low, high);
  return d;
}
Values sum_of(const Values& a, const Values& b) {
  Values out = a;
  for (std::size_t i = 0; i < a.size(); ++i) out[i] += b[i];
  return out;
}
Values times(const Values& a, double factor) {
  Values out = a;
  for (double& x : out) x *= factor;
  return out;
}

RC_GTEST_PROP(Surface, SizeIsHomogeneousOfDegreeOne, ()) {
  const Pool pool = any_pool();
  const double factor = any_scale(-8, 8);
  const auto scaled = pool.surface.invariant(times(pool.at.balances, factor));
  RC_ASSERT(scaled.has_value());
  RC_ASSERT(is_close(*scaled, factor * pool.at.size, 1e-14 + tolerance(pool) / 2));
}

RC_GTEST_PROP(Surface, PricesArePositiveAndWorthTheSize, ()) {
  const Pool pool = any_pool();
  const Values gradient = pool.surface.gradient(pool.at);
  double worth = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    RC_ASSERT(gradient[i] > 0);
    worth += gradient[i] * pool.at.balances[i];
  }
  RC_ASSERT(is_close(worth, pool.at.size, tolerance(pool)));
}

RC_GTEST_PROP(Surface, PricesToBalancesAndBack, ()) {
  const Pool pool = any_pool();
  const Values prices = pool.surface.gradient(pool.at);
  for (const double p : prices) RC_PRE(p > kPriceMin && p < kPriceMax);
  const auto v = pool.surface.balances_at(pool.at.size, prices);
  RC_ASSERT(v.has_value());
  // A balance is a difference from the centre, which may be lambda times as far away.
  double far = 0;
  for (const double x : pool.surface.geometry().centre) far = std::max(far, x * pool.at.size);
  for (const double l : pool.surface.geometry().lambdas) far = std::max(far, l * pool.at.size);
  for (std::size_t i = 0; i < v->size(); ++i) {
    RC_ASSERT(std::fabs((*v)[i] - pool.at.balances[i]) <= 100 * tolerance(pool) * far);
  }
}

RC_GTEST_PROP(Surface, TwoPoolsInOneAreWorthAtLeastBoth, ()) {
  const Pool pool = any_pool();
  const Values d = any_deposit(pool, 0.5, 1.5);
  const auto other = pool.surface.invariant(d);
  RC_PRE(other.has_value());
  const auto both = pool.surface.invariant(sum_of(pool.at.balances, d));
  RC_ASSERT(both.has_value());
  RC_ASSERT(*both >= (pool.at.size + *other) * (1 - tolerance(pool)));
}

RC_GTEST_PROP(Surface, MintGrowsWithEveryDepositAndIsTheDifferenceOfSizes, ()) {
  const Pool pool = any_pool();
  const Values d = any_deposit(pool, 0, 1);
  const auto mint = pool.surface.mint(pool.at, d);
  RC_PRE(mint.has_value());
  const auto after = pool.surface.at(sum_of(pool.at.balances, d));
  RC_ASSERT(after.has_value());
  RC_ASSERT(std::fabs(after->size - mint->size_after) <= (tolerance(pool) + tolerance(*after)) * after->size);
  Values more = d;
  const auto i = *rc::gen::inRange<std::size_t>(0, d.size());
  more[i] += pool.at.balances[i] * 1e-4 + pool.at.size * 1e-6;
  const auto larger = pool.surface.mint(pool.at, more);
  RC_PRE(larger.has_value());
  RC_ASSERT(larger->growth > mint->growth);
}

RC_GTEST_PROP(Surface, MintOnTheWayAndMintAtOnceAreTheSame, ()) {
  const Pool pool = any_pool();
  const Values first = any_deposit(pool, -0.4, 1), second = any_deposit(pool, -0.4, 1);
  const auto one = pool.surface.mint(pool.at, first);
  RC_PRE(one.has_value());
  const auto middle = pool.surface.at(sum_of(pool.at.balances, first));
  RC_ASSERT(middle.has_value());
  const auto two = pool.surface.mint(*middle, second);
  RC_PRE(two.has_value());
  const auto both = pool.surface.mint(pool.at, sum_of(first, second));
  RC_ASSERT(both.has_value());
  const double allowed = (tolerance(pool) + tolerance(*middle)) * std::max(middle->size, both->size_after);
  RC_ASSERT(std::fabs(one->growth + two->growth - both->growth) <= allowed);
}

RC_GTEST_PROP(Surface, SwapsKeepTheSizeAndNeverPayMoreOnTheWayBack, ()) {
  const Pool pool = any_pool();
  const auto in = *rc::gen::inRange<std::size_t>(0, pool.surface.assets());
  const std::size_t out = (in + 1) % pool.surface.assets();
  const double amount = pool.at.size * any_scale(-25, -3);
  const auto swap = pool.surface.swap_in(pool.at, in, amount, out);
  RC_PRE(swap.has_value());
  RC_ASSERT(swap->amount_out > 0 && swap->amount_out <= pool.at.balances[out]);
  Values after = pool.at.balances;
  after[in] += amount;
  after[out] -= swap->amount_out;
  const auto there = pool.surface.at(after);
  RC_PRE(there.has_value() && Surface::margin(*there) > 0.01);
  RC_ASSERT(is_close(there->size, pool.at.size, tolerance(pool) + tolerance(*there)));
  RC_ASSERT(swap->price_after >= amount / swap->amount_out * (1 - 1e-9));
}

RC_GTEST_PROP(Surface, AmountForAGrowthIsTheInverseOfMint, ()) {
  const Pool pool = any_pool();
  const auto asset = *rc::gen::inRange<std::size_t>(0, pool.surface.assets());
  Values d(pool.surface.assets());
  d[asset] = pool.at.size * any_scale(-25, -3);
  const auto mint = pool.surface.mint(pool.at, d);
  RC_PRE(mint.has_value());
  const auto back = pool.surface.amount_for(pool.at, asset, mint->growth);
  RC_ASSERT(back.has_value());
  RC_ASSERT(is_close(*back, d[asset], 1e-11));
}

}  // namespace
}  // namespace homeostat::economy::bonding
