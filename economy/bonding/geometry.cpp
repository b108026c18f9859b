#include "economy/bonding/geometry.hpp"

#include <algorithm>
#include <cmath>

#include "core/circular.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr int kSweepsMax = 10'000;
/// A sweep that improves by less has come to rest: the maximum is flat, so its value is exact long before its place.
constexpr double kRest = 1e-16;

using Axis = std::array<double, kAssetsMax>;

double dot(const Axis& a, const Axis& b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// Q^T of rotations, then one step of Newton's towards orthogonality: X (3 I - X^T X) / 2 squares what rounding left.
Matrix axes_of(std::size_t n, const std::vector<Rotation>& rotations) {
  Matrix x{};
  for (std::size_t i = 0; i < n; ++i) x[i][i] = 1;
  for (const Rotation& turn : rotations) {
    const double c = math::cos(turn.angle), s = math::sin(turn.angle);
    for (std::size_t j = 0; j < n; ++j) {
      const double a = x[turn.first][j], b = x[turn.second][j];
      x[turn.first][j] = c * a - s * b;
      x[turn.second][j] = s * a + c * b;
    }
  }
  Matrix out = x;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double excess = dot(x[i], x[j], n) - (i == j ? 1 : 0);
      for (std::size_t m = 0; m < n; ++m) out[i][m] -= 0.5 * excess * x[j][m];
    }
  }
  return out;
}

/// Q^T of standard axes: Helmert's rows, which are orthogonal to (1..1), and that direction last.
Matrix standard_axes(std::size_t n) {
  Matrix x{};
  for (std::size_t i = 0; i + 1 < n; ++i) {
    const double m = static_cast<double>(i) + 1, length = std::sqrt(m * (m + 1));
    for (std::size_t j = 0; j <= i; ++j) x[i][j] = 1 / length;
    x[i][i + 1] = -m / length;
  }
  for (std::size_t j = 0; j < n; ++j) x[n - 1][j] = 1 / std::sqrt(static_cast<double>(n));
  return x;
}

/// The columns of diag(l) Q^T: f_i(p) = column_i . b / |b| with b = sum p_j column_j.
class PriceMap {
 public:
  PriceMap(const Matrix& axes, const Values& lambdas) : n_(lambdas.size()) {
    for (std::size_t j = 0; j < n_; ++j) {
      for (std::size_t i = 0; i < n_; ++i) columns_[j][i] = lambdas[i] * axes[i][j];
    }
  }
  [[nodiscard]] Values f(const Values& p) const {
    const Axis b = image(p, n_);
    const double length = std::sqrt(dot(b, b, n_));
    Values out(n_);
    for (std::size_t i = 0; i < n_; ++i) out[i] = dot(columns_[i], b, n_) / length;
    return out;
  }
  [[nodiscard]] double largest(std::size_t i) const { return std::sqrt(dot(columns_[i], columns_[i], n_)); }

  /// max f_i over the box by coordinate ascent, exact because f_i has one maximum on every line.
  [[nodiscard]] Result<double> maximum(std::size_t i, const Values& low, const Values& high) const {
    Values p = low;
    p[i] = high[i];
    double best = value(i, image(p, n_));
    for (int sweep = 0; sweep < kSweepsMax; ++sweep) {
      const double before = best;
      for (std::size_t j = 0; j < n_; ++j) best = improve(i, j, low[j], high[j], p, best);
      if (best - before <= kRest * std::fabs(best)) return best;
    }
    return fail(ErrorCode::unavailable, "price_max", "the centre of this box was not found: its axes are too skew");
  }

 private:
  /// b without what column `leave_out` adds.
  [[nodiscard]] Axis image(const Values& p, std::size_t leave_out) const {
    Axis b{};
    for (std::size_t j = 0; j < n_; ++j) {
      if (j == leave_out) continue;
      for (std::size_t i = 0; i < n_; ++i) b[i] += p[j] * columns_[j][i];
    }
    return b;
  }
  [[nodiscard]] double value(std::size_t i, const Axis& b) const {
    return dot(columns_[i], b, n_) / std::sqrt(dot(b, b, n_));
  }
  /// The best p_j with the others as they are: f_i(z) = (a0 + b0 z) / sqrt(c0 + 2 d0 z + e0 z^2).
  double improve(std::size_t i, std::size_t j, double low, double high, Values& p, double best) const {
    const Axis rest = image(p, j);
    const double a0 = dot(columns_[i], rest, n_), b0 = dot(columns_[i], columns_[j], n_);
    const double c0 = dot(rest, rest, n_), d0 = dot(rest, columns_[j], n_), e0 = dot(columns_[j], columns_[j], n_);
    const double stationary = (b0 * c0 - a0 * d0) / (a0 * e0 - b0 * d0);
    for (const double z : {low, high, std::isfinite(stationary) ? std::clamp(stationary, low, high) : low}) {
      Axis b = rest;
      for (std::size_t m = 0; m < n_; ++m) b[m] += z * columns_[j][m];
      if (const double there = value(i, b); there > best) {
        best = there;
        p[j] = z;
      }
    }
    return best;
  }

  std::size_t n_;
  Matrix columns_{};
};

/// A v in the coordinates of Geometry::c.
std::array<double, kAssetsMax + 1> in_axes(const Geometry& g, const Values& v) {
  const std::size_t n = g.assets;
  std::array<double, kAssetsMax + 1> out{};
  if (!g.has_standard_axes) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) out[i] += g.axes[i][j] * v[j];
      out[i] /= g.lambdas[i];
    }
    return out;
  }
  double sum = 0;
  for (const double x : v) sum += x;
  for (std::size_t i = 0; i < n; ++i) out[i] = (v[i] - sum / static_cast<double>(n)) / g.lambda;
  out[n] = sum / std::sqrt(static_cast<double>(n));
  return out;
}

/// c = A w + tau(1), and k - 1 without the cancellation of c.c - 1.
void place_peg(const std::vector<double>& weights, const Values& at_par, Geometry& g) {
  const Values w{std::span<const double>(weights)};
  g.centre = Values(g.assets);
  for (std::size_t i = 0; i < g.assets; ++i) g.centre[i] = w[i] + at_par[i];
  const auto aw = in_axes(g, w);
  std::array<double, kAssetsMax + 1> tau{};
  if (g.has_standard_axes) {
    tau[g.assets] = 1;
  } else {
    tau = in_axes(g, at_par);  // A f(1) = tau(1)
  }
  for (std::size_t i = 0; i <= g.assets; ++i) {
    g.c[i] = aw[i] + tau[i];
    g.k_minus_1 += aw[i] * (aw[i] + 2 * tau[i]);
  }
}

Result<> check_axes(const SurfaceSettings& s, std::size_t n) {
  if (s.lambdas.empty()) {
    if (!s.rotations.empty()) {
      return fail(ErrorCode::invalid_argument, "rotations", "need lambdas: standard axes are not turned");
    }
    return require("lambda", s.lambda, {1, kLambdaMax});
  }
  auto ok = first_error(require_same_size("lambdas", s.lambdas.size(), "the assets", n),
                        require_each("lambdas", s.lambdas, {1, kLambdaMax}));
  if (!ok) return ok;
  if (s.rotations.size() > kRotationsMax) {
    return fail(ErrorCode::out_of_range, "rotations", "must be at most " + std::to_string(kRotationsMax));
  }
  for (std::size_t i = 0; i < s.rotations.size(); ++i) {
    const Rotation& turn = s.rotations[i];
    const std::string name = "rotations[" + std::to_string(i) + "]";
    if (turn.first >= n || turn.second >= n || turn.first == turn.second) {
      return fail(ErrorCode::out_of_range, name, "must turn two different assets among " + std::to_string(n));
    }
    if (auto angle = require(name, turn.angle, {-kAngleMax, kAngleMax}); !angle) return angle;
  }
  return {};
}

}  // namespace

Result<std::vector<Rotation>> rotations_of(std::size_t assets, std::span<const double> angles) {
  if (assets < kAssetsMin || assets > kAssetsMax) {
    return fail(ErrorCode::out_of_range, "assets", "must be from 2 to 16, is " + std::to_string(assets));
  }
  if (auto ok = require_same_size("angles", angles.size(), "the pairs of assets", assets * (assets - 1) / 2); !ok) {
    return tl::make_unexpected(ok.error());
  }
  std::vector<Rotation> out;
  for (std::size_t i = 0; i < assets; ++i) {
    for (std::size_t j = i + 1; j < assets; ++j) out.push_back({i, j, angles[out.size()]});
  }
  return out;
}

std::size_t assets_of(const SurfaceSettings& s) {
  if (s.assets != 0) return s.assets;
  if (s.centre == Centre::peg) return s.weights.size();
  return s.centre == Centre::box ? s.price_min.size() : s.lambdas.size();
}

Result<> check(const SurfaceSettings& s) {
  const std::size_t n = assets_of(s);
  if (n < kAssetsMin || n > kAssetsMax) {
    return fail(ErrorCode::out_of_range, "assets", "must be from 2 to 16, is " + std::to_string(n));
  }
  if (auto ok = check_axes(s, n); !ok) return ok;
  switch (s.centre) {
    case Centre::unbounded: return {};
    case Centre::peg:
      return first_error(require_same_size("weights", s.weights.size(), "the assets", n),
                         require_shares("weights", s.weights));
    case Centre::box: break;
  }
  auto ok = first_error(require_same_size("price_min", s.price_min.size(), "the assets", n),
                        require_same_size("price_max", s.price_max.size(), "the assets", n),
                        require_each("price_min", s.price_min, {kPriceMin, kPriceMax}),
                        require_each("price_max", s.price_max, {kPriceMin, kPriceMax}));
  for (std::size_t i = 0; ok && i < n; ++i) {
    const std::string index = "[" + std::to_string(i) + "]";
    ok = require_order("price_min" + index, s.price_min[i], "price_max" + index, s.price_max[i]);
  }
  return ok;
}

Result<Geometry> geometry_of(const SurfaceSettings& s) {
  if (auto ok = check(s); !ok) return tl::make_unexpected(ok.error());
  Geometry g;
  g.assets = assets_of(s);
  g.has_standard_axes = s.lambdas.empty();
  g.lambda = s.lambda;
  g.lambdas = g.has_standard_axes ? Values(g.assets) : Values(std::span<const double>(s.lambdas));
  if (g.has_standard_axes) {
    for (std::size_t i = 0; i < g.assets; ++i) g.lambdas[i] = i + 1 < g.assets ? s.lambda : 1;
  } else {
    g.axes = axes_of(g.assets, s.rotations);
  }
  const PriceMap map(g.has_standard_axes ? standard_axes(g.assets) : g.axes, g.lambdas);
  if (s.centre == Centre::peg) {
    Values at_par(g.assets);
    for (double& p : at_par) p = 1;
    at_par = map.f(at_par);
    if (g.has_standard_axes) {
      for (double& f : at_par) f = 1 / std::sqrt(static_cast<double>(g.assets));
    }
    place_peg(s.weights, at_par, g);
  } else {
    g.centre = Values(g.assets);
    for (std::size_t i = 0; i < g.assets; ++i) {
      if (s.centre == Centre::unbounded) {
        g.centre[i] = map.largest(i);
        continue;
      }
      const auto top =
          map.maximum(i, Values(std::span<const double>(s.price_min)), Values(std::span<const double>(s.price_max)));
      if (!top) return tl::make_unexpected(top.error());
      g.centre[i] = *top;
    }
    g.c = in_axes(g, g.centre);
    double k = 0;
    for (const double x : g.c) k += x * x;
    g.k_minus_1 = k - 1;
  }
  if (!(g.k_minus_1 >= kCentreMin)) {
    return fail(ErrorCode::out_of_range, s.centre == Centre::box ? "price_max" : "lambda",
                "the surface is too flat to compute: its k - 1 must be at least 1e-05, is " + text_of(g.k_minus_1));
  }
  return g;
}

}  // namespace homeostat::economy::bonding
