// Axis coordinates of a surface: how balances get there, and the forms of two vectors that do not cancel. For
// surface.cpp.
//
// A frame maps v to a = A v and x to A^T x, and knows, for coordinates a, c and g,
//     a.c,  a.a - sum_{i<j} (a_i c_j - a_j c_i)^2,  a - (a.c / c.c) c,  |a|^2 |g|^2 - (a.g)^2
// each as a sum of the pairs' differences (Lagrange's identity) instead of a difference of large sums. What a frame
// works on is checked by who calls it.
#pragma once

#include <algorithm>

#include "economy/bonding/geometry.hpp"

namespace homeostat::economy::bonding {

using Coordinates = std::array<double, kAssetsMax + 1>;

template <std::size_t M>
[[nodiscard]] double dot(const Coordinates& a, const Coordinates& b, std::integral_constant<std::size_t, M> m) {
  // Two chains, so that an addition need not wait for the one before; the order is fixed.
  double even = 0, odd = 0;
  for (std::size_t i = 0; i + 1 < m; i += 2) {
    even += a[i] * b[i];
    odd += a[i + 1] * b[i + 1];
  }
  if (m % 2 == 1) even += a[m - 1] * b[m - 1];
  return even + odd;
}
[[nodiscard]] inline double dot(const Coordinates& a, const Coordinates& b, std::size_t m) {
  double sum = 0;
  for (std::size_t i = 0; i < m; ++i) sum += a[i] * b[i];
  return sum;
}

/// Standard axes: N components orthogonal to (1..1), which sum to zero, and the one along it.
template <std::size_t N>
struct StandardFrame {
  static constexpr std::integral_constant<std::size_t, N> n{};
  static constexpr std::integral_constant<std::size_t, N + 1> m{};
  double inverse_lambda, inverse_count, inverse_root;

  void apply(const double* v, Coordinates& a) const {
    double even = 0, odd = 0;
    for (std::size_t i = 0; i + 1 < N; i += 2) {
      even += v[i];
      odd += v[i + 1];
    }
    if constexpr (N % 2 == 1) even += v[N - 1];
    const double sum = even + odd, mean = sum * inverse_count;
    for (std::size_t i = 0; i < N; ++i) a[i] = (v[i] - mean) * inverse_lambda;
    a[N] = sum * inverse_root;
  }
  /// (A^T x)_i
  [[nodiscard]] double transposed(const Coordinates& x, std::size_t i) const {
    return x[i] * inverse_lambda + x[N] * inverse_root;
  }
  /// max_i (A^T x)_i
  [[nodiscard]] double largest(const Coordinates& x) const {
    double most = x[0];
    for (std::size_t i = 1; i < N; ++i) most = most < x[i] ? x[i] : most;
    return most * inverse_lambda + x[N] * inverse_root;
  }
  void column(std::size_t j, Coordinates& g) const {
    for (std::size_t i = 0; i < N; ++i) g[i] = -inverse_count * inverse_lambda;
    g[j] = (1 - inverse_count) * inverse_lambda;
    g[N] = inverse_root;
  }
  /// a.c, and the discriminant a.a - sum_{i<j} (a_i c_j - a_j c_i)^2 with the pairs summed up: those of an axis with
  /// the last one, and the others by their own identity.
  [[nodiscard]] double discriminant(const Coordinates& a, const Coordinates& c, double c_across, double& along) const {
    double aa[2] = {}, ac[2] = {}, pairs[2] = {};
    for (std::size_t i = 0; i < N; ++i) {
      const double x = c[N] * a[i] - a[N] * c[i];
      aa[i % 2] += a[i] * a[i];
      ac[i % 2] += a[i] * c[i];
      pairs[i % 2] += x * x;
    }
    const double own = aa[0] + aa[1], shared = ac[0] + ac[1];
    along = shared + a[N] * c[N];
    return (own + a[N] * a[N]) - (pairs[0] + pairs[1]) - (own * c_across - shared * shared);
  }
  /// What of `a` is orthogonal to c, from the same differences.
  void split(const Coordinates& a, const Coordinates& c, double k, double c_across, Coordinates& across) const {
    double shared = 0, last = 0;
    for (std::size_t i = 0; i < N; ++i) shared += a[i] * c[i];
    for (std::size_t i = 0; i < N; ++i) {
      const double x = c[N] * a[i] - a[N] * c[i];
      across[i] = (x * c[N] + (a[i] * c_across - c[i] * shared)) / k;
      last -= x * c[i];
    }
    across[N] = last / k;
  }
  /// |a|^2 |g|^2 - (a.g)^2, the square of what they span.
  [[nodiscard]] double area(const Coordinates& a, const Coordinates& g, double gg) const {
    Coordinates across = a;
    for (int pass = 0; pass < 2; ++pass) {
      const double p = dot(across, g, m) / gg;
      for (std::size_t i = 0; i <= N; ++i) across[i] -= p * g[i];
    }
    return gg * dot(across, across, m);
  }
};

/// Free axes: A as a matrix. Differences are taken pair by pair (Lagrange's identity), where they do not cancel even
/// when c is a million times longer than what is left.
struct FreeFrame {
  const Matrix& rows;
  std::size_t n;
  std::size_t m;

  void apply(const double* v, Coordinates& a) const {
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += rows[i][j] * v[j];
      a[i] = sum;
    }
  }
  [[nodiscard]] double transposed(const Coordinates& x, std::size_t j) const {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += rows[i][j] * x[i];
    return sum;
  }
  [[nodiscard]] double largest(const Coordinates& x) const {
    double most = transposed(x, 0);
    for (std::size_t j = 1; j < n; ++j) most = std::max(most, transposed(x, j));
    return most;
  }
  void column(std::size_t j, Coordinates& g) const {
    for (std::size_t i = 0; i < n; ++i) g[i] = rows[i][j];
  }
  [[nodiscard]] double discriminant(const Coordinates& a, const Coordinates& c, double, double& along) const {
    along = dot(a, c, n);
    return dot(a, a, n) - area(a, c, 0);
  }
  void split(const Coordinates& a, const Coordinates& c, double k, double, Coordinates& across) const {
    for (std::size_t i = 0; i < n; ++i) across[i] = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        const double x = a[i] * c[j] - a[j] * c[i];
        across[i] += x * c[j];
        across[j] -= x * c[i];
      }
    }
    for (std::size_t i = 0; i < n; ++i) across[i] /= k;
  }
  [[nodiscard]] double area(const Coordinates& a, const Coordinates& g, double) const {
    double pairs = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        const double x = a[i] * g[j] - a[j] * g[i];
        pairs += x * x;
      }
    }
    return pairs;
  }
};

}  // namespace homeostat::economy::bonding
