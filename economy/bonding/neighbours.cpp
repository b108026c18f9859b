#include "economy/bonding/neighbours.hpp"

#include <cmath>

#include "core/math.hpp"
#include "economy/argument.hpp"
#include "economy/bonding/surface.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr Range kBalances{kReserveMin, kBalanceMax};

Result<> require_pair(std::size_t in, std::size_t out, std::size_t count) {
  if (in < count && out < count && in != out) return {};
  return fail(ErrorCode::out_of_range, in < count ? "out" : "in",
              "must be two different assets from 0 to " + std::to_string(count - 1));
}

Result<> require_pool(std::span<const double> balances) {
  if (balances.size() < kAssetsMin || balances.size() > kAssetsMax) {
    return fail(ErrorCode::out_of_range, "balances", "must be from 2 to 16, are " + std::to_string(balances.size()));
  }
  return require_each("balances", balances, kBalances);
}

/// x^y - 1 without losing a small result: the rounding of x^y is not what is left.
double power_less_one(double x_less_one, double y) {
  if (std::fabs(x_less_one) > 0.1) return math::pow(1 + x_less_one, y) - 1;
  // (1 + e)^y - 1 by the binomial series: at |e| <= 0.1 twenty terms are beyond a double for |y| <= 100.
  double term = 1, sum = 0;
  for (int k = 1; k <= 60; ++k) {
    term *= x_less_one * (y - (k - 1)) / k;
    sum += term;
    if (std::fabs(term) <= 1e-18 * std::fabs(sum)) break;
  }
  return sum;
}

}  // namespace

namespace weighted {
namespace {
Result<> require_weights(std::span<const double> balances, std::span<const double> weights) {
  return first_error(require_pool(balances),
                     require_same_size("weights", weights.size(), "the balances", balances.size()),
                     require_shares("weights", weights), require_each("weights", weights, {kWeightMin, 1}));
}
}  // namespace

Result<double> invariant(std::span<const double> balances, std::span<const double> weights) {
  if (auto ok = require_weights(balances, weights); !ok) return tl::make_unexpected(ok.error());
  double out = 1;
  for (std::size_t i = 0; i < balances.size(); ++i) out *= math::pow(balances[i], weights[i]);
  return out;
}

Result<double> minted_share(std::span<const double> balances, std::span<const double> weights,
                            std::span<const double> deposit) {
  auto ok = first_error(require_weights(balances, weights),
                        require_same_size("deposit", deposit.size(), "the balances", balances.size()),
                        require_each("deposit", deposit, {-kBalanceMax, kBalanceMax}));
  if (!ok) return tl::make_unexpected(ok.error());
  double share = 0;
  for (std::size_t i = 0; i < balances.size(); ++i) {
    const double change = deposit[i] / balances[i];
    if (!(change > -1)) {
      return fail(ErrorCode::out_of_range, "deposit[" + std::to_string(i) + "]",
                  "must leave some of the balance " + text_of(balances[i]) + ", is " + text_of(deposit[i]));
    }
    const double part = power_less_one(change, weights[i]);
    share += part + share * part;  // (1 + share) (1 + part) - 1
  }
  if (auto guard = require("deposit", 1 + share, {kInvariantRatioMin, kInvariantRatioMax}); !guard) {
    return fail(ErrorCode::out_of_range, "deposit",
                "the invariant after it " + guard.error().message + " times before");
  }
  return share;
}

Result<double> out_given_in(std::span<const double> balances, std::span<const double> weights, std::size_t in,
                            double amount_in, std::size_t out) {
  auto ok = first_error(require_weights(balances, weights), require_pair(in, out, balances.size()));
  if (ok) ok = require("amount_in", amount_in, {0, kSwapRatioMax * balances[in]});
  if (!ok) return tl::make_unexpected(ok.error());
  return -balances[out] * power_less_one(-amount_in / (balances[in] + amount_in), weights[in] / weights[out]);
}

Result<double> in_given_out(std::span<const double> balances, std::span<const double> weights, std::size_t in,
                            std::size_t out, double amount_out) {
  auto ok = first_error(require_weights(balances, weights), require_pair(in, out, balances.size()));
  if (ok) ok = require("amount_out", amount_out, {0, kSwapRatioMax * balances[out]});
  if (!ok) return tl::make_unexpected(ok.error());
  return balances[in] * power_less_one(amount_out / (balances[out] - amount_out), weights[out] / weights[in]);
}

}  // namespace weighted

namespace stable {
namespace {

Result<> require_stable(double amplification, std::span<const double> balances) {
  return first_error(require("amplification", amplification, {1, kAmplificationMax}), require_pool(balances));
}

/// D from the balances: monotone from above, so that the first step that does not fall has arrived.
Result<double> size_of(double amplification, std::span<const double> x) {
  const double n = static_cast<double>(x.size()), an = amplification * n;
  double sum = 0;
  for (const double b : x) sum += b;
  double d = sum;
  for (int step = 0; step < kStepsMax; ++step) {
    double product = d;
    for (const double b : x) product *= d / (n * b);
    const double next = (an * sum + n * product) * d / ((an - 1) * d + (n + 1) * product);
    if (!(next < d)) return next;
    d = next;
  }
  return fail(ErrorCode::unavailable, "balances", "their invariant was not found: they are too far apart");
}

/// The balance of asset `j` at which the others lie on D: x^2 + (b - D) x = c.
double balance_at(double amplification, double d, const Values& x, std::size_t j) {
  const double n = static_cast<double>(x.size()), an = amplification * n;
  double others = 0, c = d / an;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i == j) continue;
    others += x[i];
    c *= d / (n * x[i]);
  }
  c *= d / n;
  const double h = 0.5 * (d - others - d / an);
  const double root = std::sqrt(h * h + c);
  return h > 0 ? h + root : c / (root - h);
}

}  // namespace

Result<double> invariant(double amplification, std::span<const double> balances) {
  if (auto ok = require_stable(amplification, balances); !ok) return tl::make_unexpected(ok.error());
  return size_of(amplification, balances);
}

Result<double> out_given_in(double amplification, std::span<const double> balances, std::size_t in, double amount_in,
                            std::size_t out) {
  auto ok = first_error(require_stable(amplification, balances), require_pair(in, out, balances.size()),
                        require("amount_in", amount_in, {0, kBalanceMax}));
  if (!ok) return tl::make_unexpected(ok.error());
  const auto d = size_of(amplification, balances);
  if (!d) return d;
  Values after(balances);
  // Both from D, so that what D is off by falls out of the difference.
  const double before = balance_at(amplification, *d, after, out);
  after[in] += amount_in;
  return before - balance_at(amplification, *d, after, out);
}

}  // namespace stable
}  // namespace homeostat::economy::bonding
