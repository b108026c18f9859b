#include "economy/bonding/surface.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "economy/argument.hpp"
#include "economy/bonding/frames.hpp"

namespace homeostat::economy::bonding {
namespace {

/// Beyond this k, a - r c is the small difference of large numbers; below, it is as good as it is short.
constexpr double kShortMax = 4;
/// Of a size times centre: a balance this little below zero is rounding.
constexpr double kZero = 1e-14;

std::string element(std::string_view name, std::size_t i) {
  return std::string(name) + "[" + std::to_string(i) + "]";
}

tl::unexpected<Error> out_of_domain(std::string_view name, const std::string& what) {
  return fail(ErrorCode::out_of_range, std::string(name), "out of the surface's domain: " + what);
}

}  // namespace

template <class Frame>
struct Moves {
  const Surface& s;
  Frame frame;

  [[nodiscard]] const Coordinates& c() const { return s.g_.c; }

  /// True if none is below zero and their sum is within its range, which no NaN and no infinity lets it be.
  [[nodiscard]] bool are_balances(const double* v) const {
    double even = 0, odd = 0, least = 0;
    for (std::size_t i = 0; i < frame.n; ++i) {
      least = v[i] < least ? v[i] : least;
      (i % 2 == 0 ? even : odd) += v[i];
    }
    const double sum = even + odd;
    return least >= 0 && sum >= kReserveMin && sum <= kBalanceMax;
  }
  /// True if every price at q = A v - r c, which is -A^T q but for a positive factor, is above zero.
  [[nodiscard]] bool are_prices(const Coordinates& q, double root) const { return root > 0 && frame.largest(q) < 0; }
  [[gnu::cold, gnu::noinline]] Error bad_balances(std::string_view name, const double* v) const {
    if (auto ok = require_each(name, {v, frame.n}, {0, kBalanceMax}); !ok) return ok.error();
    double sum = 0;
    for (std::size_t i = 0; i < frame.n; ++i) sum += v[i];
    return {ErrorCode::out_of_range, std::string(name),
            "must sum to " + short_text(kReserveMin) + " to " + short_text(kBalanceMax) + ", they sum to " +
                short_text(sum)};
  }
  [[gnu::cold, gnu::noinline]] Error bad_deposit(const double* d, const double* after) const {
    if (auto ok = require_each("deposit", {d, frame.n}, {-kBalanceMax, kBalanceMax}); !ok) return ok.error();
    return bad_balances("balances after", after);
  }
  [[gnu::cold, gnu::noinline]] Error bad_prices(std::string_view name, const Coordinates& q) const {
    for (std::size_t i = 0; i < frame.n; ++i) {
      if (frame.transposed(q, i) < 0) continue;
      return out_of_domain(name, "the price of asset " + std::to_string(i) +
                                     " would not be above zero, there is too much of it beside the others")
          .value();
    }
    return out_of_domain(name, "no surface goes through these balances").value();
  }

  struct Located {
    double size = 0;
    double root = 0;
    Coordinates q;
  };
  /// False outside of the domain.
  [[nodiscard]] bool locate(const double* v, Located& at) const {
    if (!are_balances(v)) return false;
    Coordinates a;
    frame.apply(v, a);
    double along = 0;
    const double discriminant = frame.discriminant(a, c(), s.c_across_, along);
    at.root = discriminant > 0 ? std::sqrt(discriminant) : 0;
    at.size = (along + at.root) / s.g_.k_minus_1;
    if (s.k_ <= kShortMax) {
      for (std::size_t i = 0; i < frame.m; ++i) at.q[i] = a[i] - at.size * c()[i];
    } else {
      frame.split(a, c(), s.k_, s.c_across_, at.q);
      const double p = (at.size + at.root) / s.k_;
      for (std::size_t i = 0; i < frame.m; ++i) at.q[i] -= p * c()[i];
    }
    return are_prices(at.q, at.root);
  }
  [[gnu::cold, gnu::noinline]] Error why_not_located(const double* v, const Coordinates& q) const {
    return are_balances(v) ? bad_prices("balances", q) : bad_balances("balances", v);
  }

  /// root^2 after a change g, by the bilinear form whose square is root^2: along along' / k - (k-1) across.across'.
  /// It is P^2 + (k-1) Q, which for a long c is the small difference of large numbers.
  [[nodiscard]] double square_after(double size, double root, const Coordinates& q, const Coordinates& g) const {
    Coordinates across;
    double along = 0;
    const double k_minus_1 = s.g_.k_minus_1, p = (size + root) / s.k_;
    const double own = frame.discriminant(g, c(), s.c_across_, along);
    frame.split(g, c(), s.k_, s.c_across_, across);
    double shared = 0;
    for (std::size_t i = 0; i < frame.m; ++i) shared += across[i] * (q[i] + p * c()[i]);
    return root * root + 2 * ((k_minus_1 * size - root) * along / s.k_ - k_minus_1 * shared) + own;
  }

  [[nodiscard]] Result<Mint> mint(const double* v, double size, double root, const Coordinates& q,
                                  const double* d) const {
    double after[kAssetsMax];
    for (std::size_t i = 0; i < frame.n; ++i) after[i] = v[i] + d[i];
    if (!are_balances(after)) return tl::make_unexpected(bad_deposit(d, after));
    Coordinates g;
    frame.apply(d, g);
    const double k_minus_1 = s.g_.k_minus_1;
    double gc = 0, gq = 0, gg = 0;
    for (std::size_t i = 0; i < frame.m; ++i) {
      gc += g[i] * c()[i];
      gq += g[i] * q[i];
      gg += g[i] * g[i];
    }
    const double p = root - gc;
    const double twice = -2 * gq - gg;
    const double inside = s.k_ <= kShortMax ? p * p + k_minus_1 * twice : square_after(size, root, q, g);
    if (!(inside > 0)) return out_of_domain("deposit", "no surface goes through the balances after it");
    const double root_after = std::sqrt(inside);
    Mint out{.size_before = size};
    out.growth = p >= 0 ? twice / (p + root_after) : (root_after - p) / k_minus_1;
    out.size_after = size + out.growth;
    for (std::size_t i = 0; i < frame.m; ++i) g[i] += q[i] - out.growth * c()[i];
    if (!are_prices(g, root_after)) return tl::make_unexpected(bad_prices("deposit", g));
    return out;
  }

  /// y of asset j so that v + y e_j + change e_i (change 0: none) lies on the surface of size r + growth:
  /// G y^2 - 2 H y + C = 0, the root of the lower-left sheet.
  struct Solution {
    double amount = 0;
    Coordinates q;    ///< there
    double root = 0;  ///< r (t - 1) there
  };
  [[nodiscard]] Result<Solution> solve(const Point& at, std::size_t i, double change, std::size_t j, double growth,
                                       std::string_view name) const {
    const double k_minus_1 = s.g_.k_minus_1;
    Coordinates g, e;
    Solution out;
    out.q = at.q;
    double constant = 2 * growth * at.root + growth * growth * k_minus_1;
    double root = at.root + growth * k_minus_1;
    if (change != 0) {
      frame.column(i, e);
      for (std::size_t m = 0; m < frame.m; ++m) e[m] *= change;
      const double ec = dot(e, c(), frame.m);
      constant += 2 * dot(e, at.q, frame.m) + dot(e, e, frame.m) - 2 * growth * ec;
      root -= ec;
      for (std::size_t m = 0; m < frame.m; ++m) out.q[m] += e[m];
    }
    frame.column(j, g);
    for (std::size_t m = 0; m < frame.m; ++m) out.q[m] -= growth * c()[m];
    const double gc = dot(g, c(), frame.m), gg = dot(g, g, frame.m);
    const double h = -dot(out.q, g, frame.m);
    const double size = at.size + growth;
    // h^2 - gg constant = gg size^2 - area: of the two differences the one of smaller numbers.
    const double inside =
        h * h <= gg * size * size ? h * h - gg * constant : gg * size * size - frame.area(out.q, g, gg);
    if (!(inside > 0)) return out_of_domain(name, "the surface does not reach that far");
    const double length = std::sqrt(inside);
    out.amount = h > 0 ? constant / (h + length) : (h - length) / gg;
    out.root = root - out.amount * gc;
    for (std::size_t m = 0; m < frame.m; ++m) out.q[m] += out.amount * g[m];
    if (!are_prices(out.q, out.root)) return tl::make_unexpected(bad_prices(name, out.q));
    return out;
  }

  [[nodiscard]] Values gradient(const Point& at) const {
    Values out(frame.n);
    for (std::size_t i = 0; i < frame.n; ++i) out[i] = -frame.transposed(at.q, i) / at.root;
    return out;
  }
};

template <class F>
auto Surface::in_frame(F&& f) const {
  const auto standard = [&](auto count) {
    using Frame = StandardFrame<decltype(count)::value>;
    return f(Moves<Frame>{*this, Frame{inverse_lambda_, inverse_count_, inverse_root_}});
  };
  const auto free = [&] { return f(Moves<FreeFrame>{*this, FreeFrame{a_, g_.assets, g_.assets}}); };
  if (!g_.has_standard_axes) return free();
#define HOMEOSTAT_ASSETS(N) \
  case N: return standard(std::integral_constant<std::size_t, N>{})
  switch (g_.assets) {
    HOMEOSTAT_ASSETS(2);
    HOMEOSTAT_ASSETS(3);
    HOMEOSTAT_ASSETS(4);
    HOMEOSTAT_ASSETS(5);
    HOMEOSTAT_ASSETS(6);
    HOMEOSTAT_ASSETS(7);
    HOMEOSTAT_ASSETS(8);
    HOMEOSTAT_ASSETS(9);
    HOMEOSTAT_ASSETS(10);
    HOMEOSTAT_ASSETS(11);
    HOMEOSTAT_ASSETS(12);
    HOMEOSTAT_ASSETS(13);
    HOMEOSTAT_ASSETS(14);
    HOMEOSTAT_ASSETS(15);
    default: return standard(std::integral_constant<std::size_t, 16>{});
  }
#undef HOMEOSTAT_ASSETS
}

Surface::Surface(const Geometry& geometry) : g_(geometry) {
  HOMEOSTAT_CHECK(g_.assets >= kAssetsMin && g_.assets <= kAssetsMax && g_.k_minus_1 >= kCentreMin);
  const double n = static_cast<double>(g_.assets);
  k_ = g_.k_minus_1 + 1;
  for (std::size_t i = 0; i < g_.assets; ++i) c_across_ += g_.c[i] * g_.c[i];
  inverse_lambda_ = 1 / g_.lambda;
  inverse_count_ = 1 / n;
  inverse_root_ = 1 / std::sqrt(n);
  for (std::size_t i = 0; !g_.has_standard_axes && i < g_.assets; ++i) {
    for (std::size_t j = 0; j < g_.assets; ++j) a_[i][j] = g_.axes[i][j] / g_.lambdas[i];
  }
}

Result<Surface> Surface::make(const SurfaceSettings& settings) {
  auto geometry = geometry_of(settings);
  if (!geometry) return tl::make_unexpected(geometry.error());
  return Surface(*geometry);
}

Result<double> Surface::invariant(std::span<const double> balances) const {
  if (balances.size() != g_.assets) {
    return tl::make_unexpected(require_same_size("balances", balances.size(), "the assets", g_.assets).error());
  }
  return in_frame([&](const auto& moves) -> Result<double> {
    typename std::decay_t<decltype(moves)>::Located at;
    if (!moves.locate(balances.data(), at)) return tl::make_unexpected(moves.why_not_located(balances.data(), at.q));
    return at.size;
  });
}

Result<Point> Surface::at(std::span<const double> balances) const {
  if (balances.size() != g_.assets) {
    return tl::make_unexpected(require_same_size("balances", balances.size(), "the assets", g_.assets).error());
  }
  return in_frame([&](const auto& moves) -> Result<Point> {
    typename std::decay_t<decltype(moves)>::Located at;
    if (!moves.locate(balances.data(), at)) return tl::make_unexpected(moves.why_not_located(balances.data(), at.q));
    Point point{.balances = Values(balances), .size = at.size, .root = at.root};
    std::copy_n(at.q.begin(), static_cast<std::size_t>(moves.frame.m), point.q.begin());
    return point;
  });
}

Values Surface::gradient(const Point& point) const {
  return in_frame([&](const auto& moves) { return moves.gradient(point); });
}

Result<Mint> Surface::mint(std::span<const double> balances, std::span<const double> deposit) const {
  if (balances.size() != g_.assets || deposit.size() != g_.assets) {
    return tl::make_unexpected(first_error(require_same_size("balances", balances.size(), "the assets", g_.assets),
                                           require_same_size("deposit", deposit.size(), "the assets", g_.assets))
                                   .error());
  }
  return in_frame([&](const auto& moves) -> Result<Mint> {
    typename std::decay_t<decltype(moves)>::Located at;
    if (!moves.locate(balances.data(), at)) return tl::make_unexpected(moves.why_not_located(balances.data(), at.q));
    return moves.mint(balances.data(), at.size, at.root, at.q, deposit.data());
  });
}

Result<Mint> Surface::mint(const Point& point, std::span<const double> deposit) const {
  if (deposit.size() != g_.assets) {
    return tl::make_unexpected(require_same_size("deposit", deposit.size(), "the assets", g_.assets).error());
  }
  return in_frame([&](const auto& moves) {
    return moves.mint(point.balances.data(), point.size, point.root, point.q, deposit.data());
  });
}

namespace {
Result<> require_asset(std::string_view name, std::size_t asset, std::size_t assets) {
  if (asset < assets) return {};
  return fail(ErrorCode::out_of_range, std::string(name),
              "must be an asset from 0 to " + std::to_string(assets - 1) + ", is " + std::to_string(asset));
}
Result<> require_pair(std::size_t in, std::size_t out, std::size_t assets) {
  auto ok = first_error(require_asset("in", in, assets), require_asset("out", out, assets));
  if (ok && in == out) return fail(ErrorCode::invalid_argument, "out", "must be another asset than the one put in");
  return ok;
}
/// The smallest amount that is one: less is lost in the rounding of any balance.
constexpr Range kAmounts{1e-60, kBalanceMax};
}  // namespace

Result<double> Surface::amount_for(const Point& point, std::size_t asset, double growth) const {
  auto ok =
      first_error(require_asset("asset", asset, g_.assets), require("growth", growth, {-point.size, kBalanceMax}));
  if (!ok) return tl::make_unexpected(ok.error());
  return in_frame([&](const auto& moves) -> Result<double> {
    const auto there = moves.solve(point, asset, 0, asset, growth, "growth");
    if (!there) return tl::make_unexpected(there.error());
    if (!is_in(point.balances[asset] + there->amount, {0, kBalanceMax})) {
      return out_of_domain("growth", "asset " + std::to_string(asset) + " would have to go from " +
                                         short_text(point.balances[asset]) + " by " + short_text(there->amount));
    }
    return there->amount;
  });
}

Result<Swap> Surface::swap_in(const Point& point, std::size_t in, double amount_in, std::size_t out) const {
  auto ok = first_error(require_pair(in, out, g_.assets), require("amount_in", amount_in, kAmounts));
  if (!ok) return tl::make_unexpected(ok.error());
  return in_frame([&](const auto& moves) -> Result<Swap> {
    const auto there = moves.solve(point, in, amount_in, out, 0, "amount_in");
    if (!there) return tl::make_unexpected(there.error());
    if (-there->amount > point.balances[out]) {
      return out_of_domain("amount_in", "asset " + std::to_string(out) + " has " + short_text(point.balances[out]) +
                                            ", not the " + short_text(-there->amount) + " that it would have to pay");
    }
    return Swap{amount_in, -there->amount,
                moves.frame.transposed(there->q, out) / moves.frame.transposed(there->q, in)};
  });
}

Result<Swap> Surface::swap_out(const Point& point, std::size_t in, std::size_t out, double amount_out) const {
  auto ok = first_error(require_pair(in, out, g_.assets), require("amount_out", amount_out, kAmounts));
  if (!ok) return tl::make_unexpected(ok.error());
  if (auto left = require("amount_out", amount_out, {kAmounts.min, point.balances[out]}); !left) {
    return tl::make_unexpected(left.error());
  }
  return in_frame([&](const auto& moves) -> Result<Swap> {
    const auto there = moves.solve(point, out, -amount_out, in, 0, "amount_out");
    if (!there) return tl::make_unexpected(there.error());
    return Swap{there->amount, amount_out,
                moves.frame.transposed(there->q, out) / moves.frame.transposed(there->q, in)};
  });
}

Result<Values> Surface::balances_at(double size, std::span<const double> prices) const {
  auto ok = first_error(require("size", size, {kReserveMin, kBalanceMax}),
                        require_same_size("prices", prices.size(), "the assets", g_.assets),
                        require_each("prices", prices, {kPriceMin, kPriceMax}));
  if (!ok) return tl::make_unexpected(ok.error());
  const std::size_t n = g_.assets;
  const WideValues f = far_point(g_, prices);
  Values out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = size * (math::Wide(g_.centre[i], g_.centre_low[i]) - f[i]).rounded();
    if (out[i] >= 0) continue;
    if (-out[i] <= kZero * size * std::fabs(g_.centre[i])) {
      out[i] = 0;
      continue;
    }
    return out_of_domain(element("prices", i),
                         "asset " + std::to_string(i) + " is used up before that price is reached");
  }
  return out;
}

}  // namespace homeostat::economy::bonding
