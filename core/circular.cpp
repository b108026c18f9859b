#include "core/circular.hpp"

#include <cmath>
#include <limits>

#include "core/check.hpp"

namespace homeostat::math {
namespace {

// pi/2 = kFirst + kSecond + kThird + kRest. The first three have at most 33 significant bits each, so that their
// products with a whole number below 2^20 are exact [Cody and Waite 1980].
constexpr double kFirst = 0x1.921fb544p+0;
constexpr double kSecond = 0x1.0b4611a6p-34;
constexpr double kThird = 0x1.3198a2ep-69;
constexpr double kRest = 0x1.b839a252049c1p-104;
constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;

struct Reduced {
  double high = 0;  ///< |high| <= pi/4
  double low = 0;   ///< what high leaves out
  int quadrant = 0;
};

/// x = quadrant pi/2 + high + low.
Reduced reduce(double x) {
  const double n = std::floor(x * kTwoOverPi + 0.5);
  const double first = x - n * kFirst;  // exact: both are multiples of the same ulp and close to each other
  const double second = n * kSecond;
  const double sum = first - second;
  const double t = sum - first;
  const double lost = (first - (sum - t)) - (second + t);  // first - second = sum + lost [Knuth 1969]
  const double low = (lost - n * kThird) - n * kRest;
  const double high = sum + low;
  return {high, (sum - high) + low, static_cast<int>(static_cast<long long>(n) & 3)};
}

/// sin(r + t) for |r| <= pi/4 and a t below its ulp: Taylor to r^19, truncation < 2^-60.
double sin_reduced(double r, double t) {
  const double z = r * r;
  const double q =
      -1.0 / 6 +
      z * (1.0 / 120 +
           z * (-1.0 / 5040 + z * (1.0 / 362880 + z * (-1.0 / 39916800 + z * (1.0 / 6227020800.0 +
                                                                              z * (-1.0 / 1307674368000.0 +
                                                                                   z * (1.0 / 355687428096000.0)))))));
  return r + (r * z * q + t * (1.0 - 0.5 * z));
}

/// cos(r + t), Taylor to r^18. The rounding of 1 - z/2 is brought back in.
double cos_reduced(double r, double t) {
  const double z = r * r;
  const double q =
      1.0 / 24 +
      z * (-1.0 / 720 +
           z * (1.0 / 40320 +
                z * (-1.0 / 3628800 +
                     z * (1.0 / 479001600 + z * (-1.0 / 87178291200.0 +
                                                 z * (1.0 / 20922789888000.0 + z * (-1.0 / 6402373705728000.0)))))));
  const double half = 0.5 * z;
  const double w = 1.0 - half;
  return w + (((1.0 - w) - half) + (z * z * q - r * t));
}

double of_quadrant(const Reduced& x, int quadrant) {
  switch (quadrant & 3) {
    case 0: return sin_reduced(x.high, x.low);
    case 1: return cos_reduced(x.high, x.low);
    case 2: return -sin_reduced(x.high, x.low);
    default: return -cos_reduced(x.high, x.low);
  }
}

}  // namespace

double sin(double x) {
  if (!(std::fabs(x) <= kCircularMax)) return std::numeric_limits<double>::quiet_NaN();
  const Reduced r = reduce(x);
  return of_quadrant(r, r.quadrant);
}

double cos(double x) {
  if (!(std::fabs(x) <= kCircularMax)) return std::numeric_limits<double>::quiet_NaN();
  const Reduced r = reduce(x);
  return of_quadrant(r, r.quadrant + 1);
}

Turn turn_of(double angle) {
  HOMEOSTAT_CHECK(std::fabs(angle) <= kTurnMax);
  const Wide quarter(0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54);  // pi/2
  const double quadrant = std::floor(angle * kTwoOverPi + 0.5);
  const Wide x = Wide(angle) - Wide(quadrant) * quarter;
  // Taylor at |x| <= pi/4: what follows x^29 is below 2^-115.
  Wide sums[2], term(1);
  for (int n = 0; n < 30; ++n) {
    sums[n % 2] = sums[n % 2] + (n % 4 < 2 ? term : -term);
    term = term * x / Wide(n + 1);
  }
  const auto& [cosine, sine] = sums;
  switch (static_cast<int>(static_cast<long long>(quadrant) & 3)) {
    case 0: return {cosine, sine};
    case 1: return {-sine, cosine};
    case 2: return {-cosine, -sine};
    default: return {sine, -cosine};
  }
}

}  // namespace homeostat::math
