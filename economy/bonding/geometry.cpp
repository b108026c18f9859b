#include "economy/bonding/geometry.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/circular.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr int kSweepsMax = 10'000;
/// A sweep that improves by less has come to rest: the maximum is flat, so its value is exact long before its place.
constexpr double kRest = 1e-16;
/// Then places move by less than this, until they move by less than kPlace; how close they come only counts squared.
constexpr double kFlat = 1e-6;
constexpr double kPlace = 1e-12;
constexpr int kPolishMax = 200;

using Axis = std::array<double, kAssetsMax>;

double dot(const Axis& a, const Axis& b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

using math::Wide;
using WideMatrix = std::array<WideValues, kAssetsMax>;

/// Q^T of rotations, then one step of Newton's towards orthogonality, (3 I - X X^T) X / 2, which squares what rounding
/// left; into `g` as doubles and their rest.
void turn_axes(const std::vector<Rotation>& rotations, Geometry& g) {
  const std::size_t n = g.assets;
  WideMatrix x{};
  for (std::size_t i = 0; i < n; ++i) x[i][i] = 1;
  for (const Rotation& turn : rotations) {
    const auto [c, s] = math::turn_of(turn.angle);
    for (std::size_t j = 0; j < n; ++j) {
      const Wide a = x[turn.first][j], b = x[turn.second][j];
      x[turn.first][j] = c * a - s * b;
      x[turn.second][j] = s * a + c * b;
    }
  }
  WideMatrix out = x;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      Wide excess(i == j ? -1 : 0);
      for (std::size_t m = 0; m < n; ++m) excess = excess + x[i][m] * x[j][m];
      for (std::size_t m = 0; m < n; ++m) out[i][m] = out[i][m] - Wide(0.5) * excess * x[j][m];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      g.axes[i][j] = out[i][j].rounded();
      g.axes_low[i][j] = (out[i][j] - Wide(g.axes[i][j])).rounded();
    }
  }
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
  explicit PriceMap(const Geometry& g) : n_(g.assets) {
    const Matrix axes = g.has_standard_axes ? standard_axes(n_) : g.axes;
    for (std::size_t j = 0; j < n_; ++j) {
      for (std::size_t i = 0; i < n_; ++i) columns_[j][i] = g.lambdas[i] * axes[i][j];
    }
  }
  /// sqrt(M_ii)
  [[nodiscard]] Wide largest(std::size_t i) const {
    Wide sum;
    for (std::size_t j = 0; j < n_; ++j) sum = sum + Wide(columns_[i][j]) * Wide(columns_[i][j]);
    return sqrt(sum);
  }
  /// Where f_i has its maximum over the box, by coordinate ascent, exact because f_i has one maximum on every line.
  [[nodiscard]] Result<Values> place_of_maximum(std::size_t i, const Values& low, const Values& high) const {
    Values p = low;
    p[i] = high[i];
    double best = value(i, image(p, n_));
    int sweep = 0;
    for (double before = -std::numeric_limits<double>::max(); best - before > kRest * std::fabs(best); ++sweep) {
      if (sweep == kSweepsMax) {
        return fail(ErrorCode::unavailable, "price_max", "the centre of this box was not found: its axes are too skew");
      }
      before = best;
      for (std::size_t j = 0; j < n_; ++j) best = improve(i, j, low[j], high[j], p, best);
    }
    polish(i, low, high, p);
    return p;
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
  /// At rest f_i is flat to the last digit of a double and its place known to half of them; the stationary points
  /// know it better. Never leaves the top.
  void polish(std::size_t i, const Values& low, const Values& high, Values& p) const {
    for (int sweep = 0; sweep < kPolishMax; ++sweep) {
      double moved = 0;
      for (std::size_t j = 0; j < n_; ++j) {
        const double z = std::clamp(stationary(i, j, p), low[j], high[j]);
        if (!(std::fabs(z - p[j]) <= kFlat * p[j])) continue;  // a far stationary point is another line's minimum
        moved = std::max(moved, std::fabs(z - p[j]) / p[j]);
        p[j] = z;
      }
      if (moved <= kPlace) return;
    }
  }
  [[nodiscard]] double stationary(std::size_t i, std::size_t j, const Values& p) const {
    const Axis rest = image(p, j);
    const double a0 = dot(columns_[i], rest, n_), b0 = dot(columns_[i], columns_[j], n_);
    const double c0 = dot(rest, rest, n_), d0 = dot(rest, columns_[j], n_), e0 = dot(columns_[j], columns_[j], n_);
    return (b0 * c0 - a0 * d0) / (a0 * e0 - b0 * d0);
  }
  /// The best p_j with the others as they are: f_i(z) = (a0 + b0 z) / sqrt(c0 + 2 d0 z + e0 z^2).
  double improve(std::size_t i, std::size_t j, double low, double high, Values& p, double best) const {
    const Axis rest = image(p, j);
    const double top = stationary(i, j, p);
    for (const double z : {low, high, std::isfinite(top) ? std::clamp(top, low, high) : low}) {
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

using WideCoordinates = std::array<Wide, kAssetsMax + 1>;

/// A v in the coordinates of Geometry::c.
WideCoordinates in_axes(const Geometry& g, const WideValues& v) {
  const std::size_t n = g.assets;
  WideCoordinates out{};
  if (!g.has_standard_axes) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) out[i] = out[i] + Wide(g.axes[i][j], g.axes_low[i][j]) * v[j];
      out[i] = out[i] / Wide(g.lambdas[i]);
    }
    return out;
  }
  const Wide count(static_cast<double>(n));
  Wide sum;
  for (std::size_t i = 0; i < n; ++i) sum = sum + v[i];
  for (std::size_t i = 0; i < n; ++i) out[i] = (v[i] - sum / count) / Wide(g.lambda);
  out[n] = sum / sqrt(count);
  return out;
}

/// chi, rounded; c and k - 1 from it.
void place(const WideValues& centre, Geometry& g) {
  g.centre = g.centre_low = Values(g.assets);
  for (std::size_t i = 0; i < g.assets; ++i) {
    g.centre[i] = centre[i].rounded();
    g.centre_low[i] = (centre[i] - Wide(g.centre[i])).rounded();
  }
  const WideCoordinates c = in_axes(g, centre);
  Wide k_minus_1(-1);
  for (std::size_t i = 0; i <= g.assets; ++i) {
    g.c[i] = c[i].rounded();
    k_minus_1 = k_minus_1 + c[i] * c[i];
  }
  g.k_minus_1 = k_minus_1.rounded();
}

Result<WideValues> centre_of(const SurfaceSettings& s, const Geometry& g) {
  const std::size_t n = g.assets;
  WideValues out{};
  const std::vector<double> ones(n, 1.0);
  if (s.centre == Centre::peg) {
    out = far_point(g, ones);
    for (std::size_t i = 0; i < n; ++i) out[i] = out[i] + Wide(s.weights[i]);
    return out;
  }
  const PriceMap map(g);
  for (std::size_t i = 0; i < n; ++i) {
    if (s.centre == Centre::unbounded) {
      out[i] = map.largest(i);
      continue;
    }
    const auto top = map.place_of_maximum(i, Values(std::span<const double>(s.price_min)),
                                          Values(std::span<const double>(s.price_max)));
    if (!top) return tl::make_unexpected(top.error());
    out[i] = far_point(g, *top)[i];
  }
  return out;
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

WideValues far_point(const Geometry& g, std::span<const double> prices) {
  const std::size_t n = g.assets;
  WideValues out{};
  Wide squares;
  if (g.has_standard_axes) {  // M p = lambda^2 (p - mean) + mean
    Wide mean;
    for (const double p : prices) mean = mean + Wide(p);
    mean = mean / Wide(static_cast<double>(n));
    const Wide square = Wide(g.lambda) * Wide(g.lambda);
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = square * (Wide(prices[i]) - mean) + mean;
      squares = squares + out[i] * Wide(prices[i]);
    }
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      Wide b;
      for (std::size_t j = 0; j < n; ++j) b = b + Wide(g.axes[i][j], g.axes_low[i][j]) * Wide(prices[j]);
      b = b * Wide(g.lambdas[i]);
      squares = squares + b * b;
      for (std::size_t j = 0; j < n; ++j) {
        out[j] = out[j] + Wide(g.axes[i][j], g.axes_low[i][j]) * b * Wide(g.lambdas[i]);
      }
    }
  }
  const Wide length = sqrt(squares);
  for (std::size_t i = 0; i < n; ++i) out[i] = out[i] / length;
  return out;
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
    turn_axes(s.rotations, g);
  }
  const auto centre = centre_of(s, g);
  if (!centre) return tl::make_unexpected(centre.error());
  place(*centre, g);
  if (!(g.k_minus_1 >= kCentreMin)) {
    return fail(ErrorCode::out_of_range, s.centre == Centre::box ? "price_max" : "lambda",
                "the surface is too flat to compute: its k - 1 must be at least 1e-05, is " + text_of(g.k_minus_1));
  }
  return g;
}

}  // namespace homeostat::economy::bonding
