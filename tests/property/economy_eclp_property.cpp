// E-CLPs of any shape: prices stay in their range, sizes and prices come back, and going in and out gains nothing.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "economy/bonding/eclp.hpp"
#include "economy/bonding/liquidity.hpp"

namespace homeostat::economy::bonding {
namespace {

double within(double low, double high) {
  return low + (high - low) * (*rc::gen::inRange(0, 1'000'001) / 1e6);
}
double any_scale(int low, int high) {
  return std::ldexp(within(1, 2), *rc::gen::inRange(low, high));
}

struct Pool {
  Eclp eclp;
  Point at;
  double price;
};

/// A range of prices around a peak that lies in it, and a pool at one of them.
Pool any_pool() {
  const double peak = any_scale(-6, 10), width = any_scale(-9, 0);
  const double length = std::sqrt(1 + peak * peak);
  // As stretched as it takes for most of the liquidity to be inside the range, and up to a thousand times more.
  EclpSettings s{.c = 1 / length, .s = peak / length, .lambda = (peak + 1 / peak) / width * any_scale(0, 10)};
  s.alpha = peak / (1 + width * within(0.1, 1));
  s.beta = peak * (1 + width * within(0.1, 1));
  const auto eclp = Eclp::make(s);
  RC_PRE(eclp.has_value());
  const double price = s.alpha + (s.beta - s.alpha) * within(0.01, 0.99);
  const auto v = eclp->surface().balances_at(any_scale(-10, 30), std::array{price, 1.0});
  RC_ASSERT(v.has_value());
  const auto at = eclp->at((*v)[0], (*v)[1]);
  RC_PRE(at.has_value() && Surface::margin(*at) > 1e-4);
  return {*eclp, *at, price};
}

/// What the rounding of balances, and of a centre that may be far away, does to a size.
double tolerance(const Pool& pool) {
  return 4e-15 * (1 + 1 / Surface::margin(pool.at));
}

RC_GTEST_PROP(Eclp, SpotPriceIsTheOneItStandsAtAndInItsRange, ()) {
  const Pool pool = any_pool();
  const double price = pool.eclp.spot_price(pool.at);
  const auto& s = pool.eclp.settings();
  // A balance's last digit is worth this much of a price where liquidity is thin.
  const double slack = 1e-8 * (1 + 1 / Surface::margin(pool.at));
  RC_ASSERT(price >= s.alpha * (1 - slack) && price <= s.beta * (1 + slack));
  RC_ASSERT(std::fabs(price - pool.price) <= slack * pool.price);
}

RC_GTEST_PROP(Eclp, BalancesAreWithinTheirMaxima, ()) {
  const Pool pool = any_pool();
  const auto most = pool.eclp.balances_max(pool.at);
  RC_ASSERT(pool.at.balances[0] <= most.x * (1 + 1e-9) && pool.at.balances[1] <= most.y * (1 + 1e-9));
  RC_ASSERT(pool.eclp.room_for(pool.at, 0) <= most.x && pool.eclp.room_for(pool.at, 1) <= most.y);
}

RC_GTEST_PROP(Eclp, ASwapKeepsTheSizeAndTheWayBackReturnsIt, ()) {
  const Pool pool = any_pool();
  const auto in = *rc::gen::inRange<std::size_t>(0, 2);
  const double amount = pool.eclp.room_for(pool.at, in) * any_scale(-20, -1);
  RC_PRE(amount > 0);
  const auto swap = pool.eclp.surface().swap_in(pool.at, in, amount, 1 - in);
  RC_PRE(swap.has_value());
  Values after = pool.at.balances;
  after[in] += amount;
  after[1 - in] -= swap->amount_out;
  const auto there = pool.eclp.surface().at(after);
  RC_PRE(there.has_value() && Surface::margin(*there) > 1e-4);
  const double allowed = tolerance(pool) + tolerance({pool.eclp, *there, 0});
  RC_ASSERT(std::fabs(there->size - pool.at.size) <= allowed * pool.at.size);
  const auto back = pool.eclp.surface().swap_out(pool.at, in, 1 - in, swap->amount_out);
  RC_ASSERT(back.has_value());
  RC_ASSERT(std::fabs(back->amount_in - amount) <= 1e-9 * amount);
}

RC_GTEST_PROP(Eclp, SharesBoughtAndSoldAtOnceNeverGain, ()) {
  const Pool pool = any_pool();
  const auto asset = *rc::gen::inRange<std::size_t>(0, 2);
  const double fee = within(0, 0.1), share = any_scale(-15, -4);
  const auto in = add_share(pool.eclp.surface(), pool.at, asset, share, fee);
  RC_PRE(in.has_value());
  RC_ASSERT(in->amount > 0 && in->fee >= 0);
  Values after = pool.at.balances;
  after[asset] += in->amount;
  const auto there = pool.eclp.surface().at(after);
  RC_PRE(there.has_value() && Surface::margin(*there) > 1e-4);
  const auto out = remove_share(pool.eclp.surface(), *there, asset, share / (1 + share), fee);
  RC_PRE(out.has_value());
  RC_ASSERT(out->amount <= in->amount * (1 + 1e-9));
}

}  // namespace
}  // namespace homeostat::economy::bonding
