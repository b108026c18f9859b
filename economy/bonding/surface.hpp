// The N-dimensional ellipsoid bonding surface: what a reserve is worth as one number, and every move along it.
//
//     |A v - r c| = r, lower-left sheet, c = A chi, k = c.c     (A, chi: economy/bonding/geometry.hpp)
//
// v_i >= 0 are balances in units of value at calibration (tokens times calibration price; a rate-scaled balance), so
// that peg prices are 1; r > 0 is the size of the surface they lie on, in the same unit. N is 2..16.
//
//     invariant  r = (a.c + root) / (k - 1), a = A v, root = sqrt(a.a - sum_{i<j} (a_i c_j - a_j c_i)^2) = r (t - 1)
//     gradient   dr/dv_i = (A^T tau)_i / (t - 1), tau = c - a / r, t = tau.c: a price up to one common factor
//     mint       supply grows by delta / r:  delta = Q / (P + sqrt(P^2 + (k-1) Q)), g = A d, P = root - g.c,
//                Q = 2 r g.tau - g.g; nothing cancels, whether d is a thousandth or a thousand-millionth of the pool
//     solve      the amount y of asset j that takes the pool, after other changes d, to the size r + delta:
//                y = C / (H + sqrt(H^2 - G C)), G = |A e_j|^2, q = A (v + d) - (r + delta) c, H = -q.A e_j,
//                C = |q|^2 - (r + delta)^2 (swaps are delta = 0, one asset for an exact growth is d = 0)
//     balances   v = r (chi - f(p))
//
// Domain: v_i >= 0, all marginal prices > 0 and root > 0, before and after a move; anything else is refused (Error
// out_of_range, where = the argument) and nothing changes: a Surface has no state.
// r is homogeneous of degree 1, concave and superadditive; sum v_i dr/dv_i = r; minting is path independent.
// Relative errors, peg form, measured against 60 digits: r, gradient and delta below 2e-15; a centre with t - 1 << 1
// adds eps / (t - 1), which is what rounding chi itself amounts to. Standard axes cost O(N), free axes O(N^2). Nothing
// allocates but the text of an error.
//
// Source: the N-dimensional surface of the MYCO bonding curve, as a generalisation of Gyroscope's E-CLP
// [Klages-Mundt and Schuldenzucker 2022]; the forms without cancellation are derived here.
#pragma once

#include "core/result.hpp"
#include "economy/bonding/geometry.hpp"

namespace homeostat::economy::bonding {

/// A reserve in all is worth kReserveMin..kBalanceMax; amounts are at most the latter.
inline constexpr double kBalanceMax = 1e30;
inline constexpr double kReserveMin = 1e-30;

/// A place on the surface, with what every move from it needs.
struct Point {
  Values balances;
  double size = 0;                         ///< r
  double root = 0;                         ///< r (t - 1)
  std::array<double, kAssetsMax + 1> q{};  ///< A v - r c
};

struct Mint {
  double size_before = 0;
  double growth = 0;  ///< delta: size_after - size_before, without cancellation; negative for a withdrawal
  double size_after = 0;
  /// delta / r: what the supply grows by, as a share of it.
  [[nodiscard]] double ratio() const { return growth / size_before; }
};

struct Swap {
  double amount_in = 0;
  double amount_out = 0;
  /// What one more unit out costs in units in, after the swap.
  double price_after = 0;
};

class Surface {
 public:
  [[nodiscard]] static Result<Surface> make(const SurfaceSettings& settings);
  /// For forms that compute centre and c better than in general.
  explicit Surface(const Geometry& geometry);

  [[nodiscard]] std::size_t assets() const { return g_.assets; }
  [[nodiscard]] const Geometry& geometry() const { return g_; }

  /// r of the balances.
  [[nodiscard]] Result<double> invariant(std::span<const double> balances) const;
  [[nodiscard]] Result<Point> at(std::span<const double> balances) const;

  /// dr/dv_i: what one unit of asset i adds to the size. All 1 at a peg.
  [[nodiscard]] Values gradient(const Point& point) const;
  /// t - 1, how far the place is from the edge of the domain.
  [[nodiscard]] static double margin(const Point& point) { return point.root / point.size; }

  /// The growth of a deposit (d_i > 0), a withdrawal (d_i < 0) or both at once.
  [[nodiscard]] Result<Mint> mint(std::span<const double> balances, std::span<const double> deposit) const;
  [[nodiscard]] Result<Mint> mint(const Point& point, std::span<const double> deposit) const;
  /// How much of `asset` takes the size from r to r + growth: in (> 0) for a growth, out (< 0) for a decline.
  [[nodiscard]] Result<double> amount_for(const Point& point, std::size_t asset, double growth) const;

  /// The size stays. `amount_in` > 0 of asset `in` for some of asset `out`.
  [[nodiscard]] Result<Swap> swap_in(const Point& point, std::size_t in, double amount_in, std::size_t out) const;
  /// Likewise, for an exact amount out.
  [[nodiscard]] Result<Swap> swap_out(const Point& point, std::size_t in, std::size_t out, double amount_out) const;

  /// Where a pool of that size stands when the market's prices (> 0, any scale) are `prices`. Error out_of_range if
  /// a balance would be negative.
  [[nodiscard]] Result<Values> balances_at(double size, std::span<const double> prices) const;

 private:
  template <class Frame>
  friend struct Moves;
  template <class F>
  auto in_frame(F&& f) const;

  Geometry g_;
  Matrix a_{};  ///< free axes: A, rows
  double k_ = 0;
  double c_across_ = 0;  ///< standard axes: |c|^2 without its last component
  double inverse_lambda_ = 0;
  double inverse_count_ = 0;  ///< 1/N
  double inverse_root_ = 0;   ///< 1/sqrt(N)
};

}  // namespace homeostat::economy::bonding
