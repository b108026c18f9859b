#include "economy/bonding/eclp.hpp"

#include <cmath>

#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

/// The field stores c and s with 15 to 18 digits.
constexpr double kTurnTolerance = 4e-15;

Eclp::Pair tau_of(const EclpSettings& e, double price) {
  const double x = e.lambda * (e.c * price - e.s), y = e.s * price + e.c;
  const double length = std::sqrt(x * x + y * y);
  return {x / length, y / length};
}

}  // namespace

Result<> check(const EclpSettings& e) {
  auto ok =
      first_error(require("alpha", e.alpha, {kPriceMin, kPriceMax}), require("beta", e.beta, {kPriceMin, kPriceMax}),
                  require("c", e.c, {0, 1}), require("s", e.s, {0, 1}), require("lambda", e.lambda, {1, kLambdaMax}));
  if (!ok) return ok;
  if (!(e.alpha < e.beta)) {
    return fail(ErrorCode::invalid_argument, "alpha",
                "must be below beta, " + text_of(e.alpha) + " >= " + text_of(e.beta));
  }
  if (std::fabs(e.c * e.c + e.s * e.s - 1) <= kTurnTolerance) return {};
  return fail(ErrorCode::invalid_argument, "c", "c^2 + s^2 must be 1, is " + text_of(e.c * e.c + e.s * e.s));
}

Eclp::Derived Eclp::derive(const EclpSettings& e) {
  Derived d{.tau_alpha = tau_of(e, e.alpha), .tau_beta = tau_of(e, e.beta)};
  d.u = e.s * e.c * (d.tau_beta.x - d.tau_alpha.x);
  d.v = e.s * e.s * d.tau_beta.y + e.c * e.c * d.tau_alpha.y;
  d.w = e.s * e.c * (d.tau_beta.y - d.tau_alpha.y);
  d.z = e.c * e.c * d.tau_beta.x + e.s * e.s * d.tau_alpha.x;
  d.d_squared = e.c * e.c + e.s * e.s;
  return d;
}

Result<Eclp> Eclp::make(const EclpSettings& e) {
  if (auto ok = check(e); !ok) return tl::make_unexpected(ok.error());
  const Derived d = derive(e);
  Geometry g{.assets = 2,
             .has_standard_axes = false,
             .lambda = e.lambda,
             .lambdas = Values(2),
             .centre = Values(2),
             .centre_low = Values(2)};
  g.lambdas[0] = e.lambda;
  g.lambdas[1] = 1;
  g.axes[0] = {e.c, -e.s};
  g.axes[1] = {e.s, e.c};
  g.centre[0] = e.lambda * e.c * d.tau_beta.x + e.s * d.tau_beta.y;
  g.centre[1] = -e.lambda * e.s * d.tau_alpha.x + e.c * d.tau_alpha.y;
  g.c[0] = d.w / e.lambda + d.z;
  g.c[1] = e.lambda * d.u + d.v;
  g.k_minus_1 = g.c[0] * g.c[0] + g.c[1] * g.c[1] - 1;
  if (!(g.k_minus_1 >= kCentreMin)) {
    return fail(ErrorCode::out_of_range, "beta",
                "is too close to alpha for this lambda: k - 1 must be at least 1e-05, is " + text_of(g.k_minus_1));
  }
  return Eclp(e, d, g);
}

Eclp::Pair Eclp::offset(const Point& point) const {
  const Values& centre = surface_.geometry().centre;
  return {point.size * centre[0], point.size * centre[1]};
}

Eclp::Pair Eclp::balances_max(const Point& point) const {
  const Pair a = derived_.tau_alpha, b = derived_.tau_beta;
  const auto& [alpha, beta, c, s, lambda] = settings_;
  return {point.size * (lambda * c * (b.x - a.x) + s * (b.y - a.y)),
          point.size * (lambda * s * (b.x - a.x) - c * (b.y - a.y))};
}

double Eclp::spot_price(const Point& point) const {
  const Values g = surface_.gradient(point);
  return g[0] / g[1];
}

double Eclp::room_for(const Point& point, std::size_t in) const {
  const Pair most = balances_max(point);
  return (in == 0 ? most.x : most.y) - point.balances[in];
}

}  // namespace homeostat::economy::bonding
