#include "controller/decoupling.hpp"

#include <algorithm>
#include <cmath>

#include "core/format.hpp"

namespace homeostat::controller {
namespace {

/// A pivot below this, of a matrix whose rows and columns have a largest element of 1, is none: gains are known to a
/// few digits, not to nine.
constexpr double kPivotMin = 1e-9;
constexpr double kElementMax = 1e12;

/// Rows, then columns, divided by their largest element: what is left does not depend on anybody's units.
std::vector<double> equilibrated(std::vector<double> a, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    double most = 0;
    for (std::size_t j = 0; j < n; ++j) most = std::max(most, std::fabs(a[i * n + j]));
    for (std::size_t j = 0; j < n && most > 0; ++j) a[i * n + j] /= most;
  }
  for (std::size_t j = 0; j < n; ++j) {
    double most = 0;
    for (std::size_t i = 0; i < n; ++i) most = std::max(most, std::fabs(a[i * n + j]));
    for (std::size_t i = 0; i < n && most > 0; ++i) a[i * n + j] /= most;
  }
  return a;
}

/// Eliminates in place; the size of the smallest pivot.
double eliminate(std::span<double> a, std::span<double> b) {
  const std::size_t n = b.size();
  double least = n == 0 ? 0 : std::fabs(a[0]);
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k])) pivot = i;
    }
    const double size = std::fabs(a[pivot * n + k]);
    least = k == 0 ? size : std::min(least, size);
    if (!(size > 0)) return 0;
    if (pivot != k) {
      for (std::size_t j = 0; j < n; ++j) std::swap(a[k * n + j], a[pivot * n + j]);
      std::swap(b[k], b[pivot]);
    }
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i * n + k] / a[k * n + k];
      if (factor == 0) continue;
      for (std::size_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
      b[i] -= factor * b[k];
    }
  }
  return least;
}

bool is_singular(const std::vector<double>& matrix, std::size_t n) {
  std::vector<double> a = equilibrated(matrix, n);
  std::vector<double> b(n, 0);
  return !(eliminate(a, b) >= kPivotMin);
}

std::vector<double> inverse(const std::vector<double>& matrix, std::size_t n) {
  std::vector<double> result(n * n, 0);
  for (std::size_t j = 0; j < n; ++j) {
    std::vector<double> a = matrix;
    std::vector<double> column(n, 0);
    column[j] = 1;
    if (!solve(a, column)) continue;  // not a singular one's
    for (std::size_t i = 0; i < n; ++i) result[i * n + j] = column[i];
  }
  return result;
}

Error refusal(std::string message) {
  return {ErrorCode::out_of_range, "", std::move(message)};
}

}  // namespace

bool solve(std::span<double> a, std::span<double> b) {
  const std::size_t n = b.size();
  if (!(eliminate(a, b) > 0)) return false;
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = i + 1; j < n; ++j) b[i] -= a[i * n + j] * b[j];
    b[i] /= a[i * n + i];
  }
  return std::all_of(b.begin(), b.end(), [](double x) { return std::isfinite(x); });
}

Result<Decoupling> decoupling_of(const DecouplingSettings& s) {
  const std::size_t n = s.loops.size();
  if (n < 2 || n > kDecouplingLoopsMax) {
    return tl::make_unexpected(
        refusal(std::to_string(n) + " loops are not from 2 to " + std::to_string(kDecouplingLoopsMax)));
  }
  if (s.matrix.size() != n * n) {
    return tl::make_unexpected(refusal("has " + std::to_string(s.matrix.size()) + " numbers; " + std::to_string(n) +
                                       " loops need " + std::to_string(n) + " rows of " + std::to_string(n)));
  }
  for (const double x : s.matrix) {
    if (!std::isfinite(x) || std::fabs(x) > kElementMax) {
      return tl::make_unexpected(refusal(text_of(x) + " is not a finite number up to " + text_of(kElementMax)));
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (s.matrix[i * n + i] != 0) continue;
    return tl::make_unexpected(refusal("the diagonal has a 0 for '" + s.loops[i] +
                                       "': its parameter would not move its own metric; pair it with another one"));
  }
  if (is_singular(s.matrix, n)) {
    return tl::make_unexpected(
        refusal("is singular: some parameters together do what others do already, and cannot be told apart"));
  }
  if (!s.is_gain) return Decoupling{n, s.matrix, {}};

  const std::vector<double> inverted = inverse(s.matrix, n);
  Decoupling d{n, std::vector<double>(n * n), std::vector<double>(n * n)};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      d.matrix[i * n + j] = inverted[i * n + j] * s.matrix[j * n + j];
      d.rga[i * n + j] = s.matrix[i * n + j] * inverted[j * n + i];
    }
    if (std::fabs(d.matrix[i * n + i]) > 1e-12) continue;
    return tl::make_unexpected(
        refusal("'" + s.loops[i] +
                "' has a relative gain of 0: with the other loops closed its parameter does not move "
                "its metric; pair it with another one"));
  }
  return d;
}

std::vector<std::string> doubts(const DecouplingSettings& s, const Decoupling& d) {
  std::vector<std::string> said;
  const std::size_t n = d.size;
  if (d.rga.empty()) return said;
  for (std::size_t i = 0; i < n; ++i) {
    const double own = d.rga[i * n + i];
    const std::string of = "'" + s.loops[i] + "' has a relative gain of " + short_text(own);
    if (own < 0) {
      said.push_back(of +
                     ": with the other loops closed its parameter moves its metric the other way, and the loop is "
                     "unstable as soon as one of them is at a limit; pair it with another parameter");
    } else if (own < 0.5) {
      said.push_back(of + ": another parameter moves its metric more; pair it with that one");
    }
  }
  std::size_t worst = 0;
  for (std::size_t i = 1; i < n * n; ++i) {
    if (std::fabs(d.rga[i]) > std::fabs(d.rga[worst])) worst = i;
  }
  if (std::fabs(d.rga[worst]) >= kRgaLarge) {
    said.push_back("is ill-conditioned: the relative gain of '" + s.loops[worst / n] + "' and the parameter of '" +
                   s.loops[worst % n] + "' is " + short_text(d.rga[worst]) + ", so that an error of " +
                   short_text(100 / std::fabs(d.rga[worst])) + " % in that gain alone makes it singular");
  }
  return said;
}

}  // namespace homeostat::controller
