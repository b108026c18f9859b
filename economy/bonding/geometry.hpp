// The shape of a bonding surface: how its ellipsoid lies among the assets, and where its centre is.
//
//     A = diag(1/l) Q^T      M = (A^T A)^-1 = Q diag(l^2) Q^T      Q orthogonal, l_i in [1, 1e8]
//     tau(p) = diag(l) Q^T p / |diag(l) Q^T p|      f(p) = A^-1 tau(p) = M p / sqrt(p.M p)
//
// Axes. Standard: the last axis of Q is the value direction e = (1..1)/sqrt(N) with l = 1, all others have l = lambda,
// so that M = lambda^2 (I - e e^T) + e e^T and no matrix is needed: lambda = 1 is a sphere, a large one is
// constant-sum. Free: `lambdas` l_i, and Q^T the product of Givens `rotations`, each turning the rows (first, second)
// of Q^T = I by (c a - s b, s a + c b), in their order.
//
// Centre chi (the surface of size r is centred at r chi).
//   peg        chi = w + f(1): at balances V w the size is V and every marginal price is 1.
//   box        chi_i = max of f_i(p) over price_min <= p <= price_max: no balance is negative at any price in the box,
//              and asset i is used up exactly at its maximiser. Two assets, the second's box {1}, l = (lambda, 1):
//              E-CLP.
//   unbounded  chi_i = sqrt(M_ii), the limit of a box without bounds. l = 1, Q = I: the sphere of Orbital.
//
// Sources: the N-dimensional surface of the MYCO bonding curve; Gyroscope's E-CLP (N = 2); Paradigm's Orbital (sphere).
#pragma once

#include <vector>

#include "core/result.hpp"
#include "core/wide.hpp"
#include "economy/bonding/values.hpp"

namespace homeostat::economy::bonding {

enum class Centre : std::uint8_t { peg, box, unbounded };

/// Turns rows `first` and `second` by `angle` radians.
struct Rotation {
  std::size_t first = 0;
  std::size_t second = 1;
  double angle = 0;  ///< within kAngleMax
};

inline constexpr double kLambdaMax = 1e8;
inline constexpr double kAngleMax = 6.5;  ///< a whole turn and a little more, radians
/// k - 1 = |A chi|^2 - 1 at least: below, the surface is a point that rounding decides.
inline constexpr double kCentreMin = 1e-5;
inline constexpr double kPriceMin = 1e-9;
inline constexpr double kPriceMax = 1e9;
inline constexpr std::size_t kRotationsMax = 1024;

struct SurfaceSettings {
  Centre centre = Centre::peg;
  std::vector<double> weights;               ///< peg: shares of value at the peg, sum 1
  std::vector<double> price_min, price_max;  ///< box: alpha, beta of each asset, in any common unit
  double lambda = 4;                         ///< standard axes: how much flatter than a sphere, 1..1e8
  std::vector<double> lambdas;               ///< free axes, 1..1e8 each; empty: standard axes
  std::vector<Rotation> rotations;           ///< free axes; empty: Q = I
  std::size_t assets = 0;                    ///< 0: as many as there are weights, prices or lambdas
};

/// Rotations (0,1), (0,2) .. (0,N-1), (1,2) .. of the N(N-1)/2 `angles`.
[[nodiscard]] Result<std::vector<Rotation>> rotations_of(std::size_t assets, std::span<const double> angles);

[[nodiscard]] std::size_t assets_of(const SurfaceSettings& settings);
/// Names the field and its range.
[[nodiscard]] Result<> check(const SurfaceSettings& settings);

using Matrix = std::array<std::array<double, kAssetsMax>, kAssetsMax>;

struct Geometry {
  std::size_t assets = 0;
  bool has_standard_axes = true;
  double lambda = 1;
  Values lambdas;     ///< l_i
  Matrix axes{};      ///< Q^T, rows are axes, orthonormal to the last digit; standard axes leave it empty
  Matrix axes_low{};  ///< what its rounding leaves out
  Values centre;      ///< chi
  Values centre_low;  ///< what its rounding leaves out
  /// A chi in axis coordinates; of standard axes N components orthogonal to e, then the one along e.
  std::array<double, kAssetsMax + 1> c{};
  double k_minus_1 = 0;  ///< c.c - 1
};

/// Settings to geometry, checked. Everything is computed with 106 bits and rounded once; the maximum over a box is
/// found by coordinate ascent (each step exact), error unavailable if that has not come to rest after 10,000 sweeps.
[[nodiscard]] Result<Geometry> geometry_of(const SurfaceSettings& settings);

using WideValues = std::array<math::Wide, kAssetsMax>;
/// f(p) of prices > 0, to 106 bits.
[[nodiscard]] WideValues far_point(const Geometry& geometry, std::span<const double> prices);

}  // namespace homeostat::economy::bonding
