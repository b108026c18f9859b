// The E-CLP: the bonding surface of two assets whose prices stay between alpha and beta, as an elliptic market maker.
//
//     Q^T = [[c, -s], [s, c]], l = (lambda, 1), c^2 + s^2 = 1, prices of x in y
//     tau(p) = (lambda (c p - s), s p + c) / |..|
//     chi = (lambda c tau_x(beta) + s tau_y(beta), -lambda s tau_x(alpha) + c tau_y(alpha))
//     A chi = (w / lambda + z, lambda u + v)    with u, v, w, z of `Derived`
//     x <= x_max = r (lambda c (tau_x(beta) - tau_x(alpha)) + s (tau_y(beta) - tau_y(alpha))), y likewise
//
// Its liquidity lies around the price s / c; lambda says how closely. Everything else (invariant, prices, swaps, mint)
// is a Surface of two assets, x first. Relative errors at lambda = 748,956 (k = 2e11): below 1e-14 for size, prices and
// swaps, where a naive discriminant in doubles has lost half its digits.
//
// Source: Gyroscope's E-CLP and its pool in Balancer v3, whose fixed-point results the vectors hold.
#pragma once

#include "economy/bonding/surface.hpp"

namespace homeostat::economy::bonding {

struct EclpSettings {
  double alpha = 0.9;             ///< lowest price of x in y, 1e-9..1e9
  double beta = 1.1;              ///< highest
  double c = 0.7071067811865476;  ///< cosine and sine of the ellipse's turn, 0..1
  double s = 0.7071067811865476;
  double lambda = 50;  ///< 1..1e8
};

[[nodiscard]] Result<> check(const EclpSettings& settings);

class Eclp {
 public:
  struct Pair {
    double x = 0;
    double y = 0;
  };
  /// What the field stores beside the parameters, with 38 digits; here computed with 32 and rounded to a double.
  struct Derived {
    Pair tau_alpha, tau_beta;
    double u = 0, v = 0, w = 0, z = 0;
    double d_squared = 0;  ///< c^2 + s^2
    Pair reach;            ///< x_max / r, y_max / r
  };

  [[nodiscard]] static Result<Eclp> make(const EclpSettings& settings);

  [[nodiscard]] const Surface& surface() const { return surface_; }
  [[nodiscard]] const EclpSettings& settings() const { return settings_; }
  [[nodiscard]] const Derived& derived() const { return derived_; }

  [[nodiscard]] Result<Point> at(double x, double y) const { return surface_.at(std::array{x, y}); }
  /// The centre of the ellipse: r chi, what each balance is moved by.
  [[nodiscard]] Pair offset(const Point& point) const;
  /// Balances at which the other asset is used up.
  [[nodiscard]] Pair balances_max(const Point& point) const;
  /// Of x in y, without a fee.
  [[nodiscard]] double spot_price(const Point& point) const;
  /// How much of `in` (0 = x) can still come in, before a fee is taken from it.
  [[nodiscard]] double room_for(const Point& point, std::size_t in) const;

 private:
  Eclp(const EclpSettings& settings, const Derived& derived, const Geometry& geometry)
      : settings_(settings), derived_(derived), surface_(geometry) {}

  EclpSettings settings_;
  Derived derived_;
  Surface surface_;
};

}  // namespace homeostat::economy::bonding
