#include "economy/bonding/eclp.hpp"

#include <cmath>

#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

/// The field stores c and s with 15 to 18 digits.
constexpr double kTurnTolerance = 4e-15;

using math::Wide;

struct WidePair {
  Wide x, y;
};

/// The ellipse with 106 bits: narrow ranges are differences of nearly equal numbers. c and s as they would be if their
/// squares added up to one.
struct Ellipse {
  Wide c, s, lambda;
  WidePair alpha, beta;  ///< tau

  explicit Ellipse(const EclpSettings& e) : lambda(e.lambda) {
    const Wide length = sqrt(Wide(e.c) * Wide(e.c) + Wide(e.s) * Wide(e.s));
    c = Wide(e.c) / length;
    s = Wide(e.s) / length;
    alpha = tau_of(e.alpha);
    beta = tau_of(e.beta);
  }
  [[nodiscard]] WidePair tau_of(double price) const {
    const Wide x = lambda * (c * Wide(price) - s), y = s * Wide(price) + c;
    const Wide length = sqrt(x * x + y * y);
    return {x / length, y / length};
  }
  /// A^-1 tau
  [[nodiscard]] WidePair place_of(const WidePair& tau) const {
    return {lambda * c * tau.x + s * tau.y, c * tau.y - lambda * s * tau.x};
  }
};

double rest_of(Wide x) {
  return (x - Wide(x.rounded())).rounded();
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

Result<Eclp> Eclp::make(const EclpSettings& e) {
  if (auto ok = check(e); !ok) return tl::make_unexpected(ok.error());
  const Ellipse shape(e);
  const auto& [c, s, lambda, alpha, beta] = shape;
  const Wide u = s * c * (beta.x - alpha.x), v = s * s * beta.y + c * c * alpha.y;
  const Wide w = s * c * (beta.y - alpha.y), z = c * c * beta.x + s * s * alpha.x;
  const WidePair at_alpha = shape.place_of(alpha), at_beta = shape.place_of(beta);
  const Derived d{.tau_alpha = {alpha.x.rounded(), alpha.y.rounded()},
                  .tau_beta = {beta.x.rounded(), beta.y.rounded()},
                  .u = u.rounded(),
                  .v = v.rounded(),
                  .w = w.rounded(),
                  .z = z.rounded(),
                  .d_squared = (Wide(e.c) * Wide(e.c) + Wide(e.s) * Wide(e.s)).rounded(),
                  .reach = {(at_beta.x - at_alpha.x).rounded(), (at_alpha.y - at_beta.y).rounded()}};
  Geometry g{.assets = 2, .has_standard_axes = false, .lambda = e.lambda};
  g.lambdas = g.centre = g.centre_low = Values(2);
  g.lambdas[0] = e.lambda;
  g.lambdas[1] = 1;
  const Wide axes[2][2] = {{c, -s}, {s, c}};
  const Wide centre[2] = {at_beta.x, at_alpha.y};
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      g.axes[i][j] = axes[i][j].rounded();
      g.axes_low[i][j] = rest_of(axes[i][j]);
    }
    g.centre[i] = centre[i].rounded();
    g.centre_low[i] = rest_of(centre[i]);
  }
  const Wide first = w / lambda + z, second = lambda * u + v;
  g.c[0] = first.rounded();
  g.c[1] = second.rounded();
  g.k_minus_1 = (first * first + second * second - Wide(1)).rounded();
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
  return {point.size * derived_.reach.x, point.size * derived_.reach.y};
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
