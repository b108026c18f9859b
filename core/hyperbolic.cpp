#include "core/hyperbolic.hpp"

#include <cmath>
#include <limits>

#include "core/math.hpp"

namespace homeostat::math {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Below it tanh is a continued fraction, above it 1 - 2 / (e^2x + 1), which loses no digits once tanh x > 1/2.
constexpr double kTanhFraction = 0.55;
/// From here on tanh x rounds to 1.
constexpr double kTanhOne = 19.1;
/// Below it atanh is its series, above it a logarithm whose argument is corrected for its own rounding.
constexpr double kAtanhSeries = 0.17;

/// tanh x = x - x z / (c + z) with z = x^2 and c = 3 + z / (5 + z / (7 + ..)) [Lambert 1770], cut after 19: for
/// z <= 0.31 the rest is below 2^-60. The fraction is unrolled into numerator and denominator, one division in all.
double tanh_fraction(double x) {
  const double z = x * x;
  double p = 19, q = 1;  // p / q is the fraction from its inner end
  for (int k = 17; k >= 3; k -= 2) {
    const double next = k * p + z * q;
    q = p;
    p = next;
  }
  return x - x * z * q / (p + z * q);
}

/// 1/3 + z/5 + z^2/7 + ..: (atanh x - x) / x^3 with z = x^2 <= 0.0289, to below 2^-60.
double atanh_rest(double z) {
  double sum = 0;
  for (int n = 25; n >= 3; n -= 2) sum = sum * z + 1.0 / n;
  return sum;
}

/// (1 + x) / (1 - x) as a double and what its logarithm still lacks, for 0 < x < 1.
struct Ratio {
  double value = 0;
  double log_correction = 0;
};
Ratio ratio_of(double x) {
  const double above = 1 + x, above_rest = x - (above - 1);
  const double below = 1 - x, below_rest = (1 - below) - x;
  const double q = above / below;
  // above - q below, exactly: q and below split into halves of 26 bits [Dekker 1971].
  constexpr double kSplitter = 134217729.0;  // 2^27 + 1
  const double cq = kSplitter * q, q1 = cq - (cq - q), q2 = q - q1;
  const double cb = kSplitter * below, b1 = cb - (cb - below), b2 = below - b1;
  const double product = q * below;
  const double product_rest = ((q1 * b1 - product) + q1 * b2 + q2 * b1) + q2 * b2;
  const double lacking = ((above - product) - product_rest) + (above_rest - q * below_rest);
  return {q, lacking / above};
}

}  // namespace

double tanh(double x) {
  if (std::isnan(x)) return x;
  const double size = std::fabs(x);
  if (size < 0x1p-28) return x;  // the cube is below half an ulp
  double y = 1;
  if (size < kTanhFraction) {
    y = tanh_fraction(size);
  } else if (size < kTanhOne) {
    y = 1 - 2 / (exp(2 * size) + 1);
  }
  return std::copysign(y, x);
}

double atanh(double x) {
  const double size = std::fabs(x);
  if (!(size <= 1)) return kNan;
  if (size == 1) return std::copysign(kInf, x);
  if (size < 0x1p-28) return x;
  double y = 0;
  if (size < kAtanhSeries) {
    const double z = size * size;
    y = size + size * z * atanh_rest(z);
  } else {
    const Ratio r = ratio_of(size);
    y = (log(r.value) + r.log_correction) / 2;
  }
  return std::copysign(y, x);
}

}  // namespace homeostat::math
