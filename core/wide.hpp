// Numbers of about 106 bits as an unevaluated sum of two doubles, for what is prepared once and then used as a double,
// where small results are differences of large numbers.
//
// Each operation errs by less than 2^-100 relative, with the same bits everywhere; magnitudes 1e-200..1e200. Source:
// [Dekker 1971], [Knuth 1969].
#pragma once

#include <cmath>

namespace homeostat::math {

struct Wide {
  double high = 0;
  double low = 0;

  Wide() = default;
  Wide(double x) : high(x) {}  // NOLINT: a double is one
  Wide(double h, double l) : high(h), low(l) {}
  [[nodiscard]] double rounded() const { return high + low; }
};

inline Wide two_sum(double a, double b) {
  const double s = a + b, t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}

inline Wide two_product(double a, double b) {
  constexpr double kSplitter = 134217729.0;  // 2^27 + 1
  const double ca = kSplitter * a, a1 = ca - (ca - a), a2 = a - a1;
  const double cb = kSplitter * b, b1 = cb - (cb - b), b2 = b - b1;
  const double p = a * b;
  return {p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2};
}

inline Wide operator+(Wide a, Wide b) {
  const Wide s = two_sum(a.high, b.high), t = two_sum(a.low, b.low);
  const Wide u = two_sum(s.high, s.low + t.high);
  return two_sum(u.high, u.low + t.low);
}
inline Wide operator-(Wide a) {
  return {-a.high, -a.low};
}
inline Wide operator-(Wide a, Wide b) {
  return a + -b;
}
inline Wide operator*(Wide a, Wide b) {
  const Wide p = two_product(a.high, b.high);
  return two_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}
inline Wide operator/(Wide a, Wide b) {
  const double first = a.high / b.high;
  const Wide rest = a - Wide(first) * b;
  const double second = rest.high / b.high;
  const double third = (rest - Wide(second) * b).high / b.high;
  return two_sum(first, second) + Wide(third);
}
/// Of a number > 0; 0 of 0.
inline Wide sqrt(Wide a) {
  if (!(a.high > 0)) return {};
  const double first = std::sqrt(a.high);
  return Wide(first) + (a - two_product(first, first)) / Wide(2 * first);
}

}  // namespace homeostat::math
