#include "core/math.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/check.hpp"

namespace homeostat::math {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// ln 2 = kLn2High + kLn2Low; the high part has 32 significant bits, so k x kLn2High is exact for |k| < 2^20.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kLog2E = 0x1.71547652b82fep+0;

/// An unevaluated sum high + low with |low| <= ulp(high) / 2: about 106 bits.
struct Pair {
  double high = 0;
  double low = 0;
};

/// a + b exactly [Knuth 1969].
Pair two_sum(double a, double b) {
  const double s = a + b;
  const double t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}

/// a x b exactly, by splitting each factor into 26-bit halves [Dekker 1971]; |a|, |b| < 2^996.
Pair two_product(double a, double b) {
  constexpr double kSplitter = 134217729.0;  // 2^27 + 1
  const double ca = kSplitter * a;
  const double a1 = ca - (ca - a);
  const double a2 = a - a1;
  const double cb = kSplitter * b;
  const double b1 = cb - (cb - b);
  const double b2 = b - b1;
  const double p = a * b;
  return {p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2};
}

Pair add(Pair a, Pair b) {
  const Pair s = two_sum(a.high, b.high);
  return two_sum(s.high, s.low + (a.low + b.low));
}

Pair multiply(Pair a, Pair b) {
  const Pair p = two_product(a.high, b.high);
  return two_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

Pair divide(Pair a, Pair b) {
  const double q = a.high / b.high;
  const Pair p = multiply({q, 0}, b);
  const double rest = (a.high - p.high) - p.low + a.low;
  return two_sum(q, rest / b.high);
}

/// x * 2^k, in two steps so that neither factor overflows; rounds once (only when the result is subnormal).
double scaled(double x, int k) {
  const auto power = [](int n) { return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52); };
  if (k > 1023) return x * power(1023) * power(k - 1023);
  if (k < -1022) return x * power(k + 1000) * power(-1000);
  return x * power(k);
}

/// e^(r + tail) for |r| <= ln2/2 and |tail| < 2^-50: Taylor to r^13, truncation < 2^-57.
double exp_reduced(double r, double tail) {
  const double q =
      1.0 / 2 +
      r * (1.0 / 6 +
           r * (1.0 / 24 +
                r * (1.0 / 120 +
                     r * (1.0 / 720 +
                          r * (1.0 / 5040 +
                               r * (1.0 / 40320 +
                                    r * (1.0 / 362880 +
                                         r * (1.0 / 3628800 +
                                              r * (1.0 / 39916800 + r * (1.0 / 479001600 + r / 6227020800.0))))))))));
  return 1.0 + (r + (r * r * q + tail * (1.0 + r)));
}

struct Split {
  double m = 0;  ///< in [sqrt(1/2), sqrt(2))
  int k = 0;
};

/// x = m x 2^k for a finite x > 0.
Split split(double x) {
  int k = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    k = -54;
  }
  auto bits = std::bit_cast<std::uint64_t>(x);
  k += static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;
  double m = std::bit_cast<double>(bits);
  if (m >= 0x1.6a09e667f3bcdp+0) {  // sqrt(2)
    m *= 0.5;
    ++k;
  }
  return {m, k};
}

/// 2/(n) s^(n-3) + ... from n = `first`: the tail of 2 atanh(s) / s^(first - 1), with z = s^2 <= 0.0295.
template <int first>
double atanh_tail(double z) {
  double sum = 0;
  for (int n = 25; n >= first; n -= 2) sum = sum * z + 2.0 / n;
  return sum;
}

/// log x to about 2^-70 relative, for pow: 2 atanh(s) with s = (m-1)/(m+1), its first terms in pairs.
Pair log_pair(double x) {
  const auto [m, k] = split(x);
  const Pair s = divide({m - 1.0, 0}, two_sum(m, 1.0));
  const Pair z = multiply(s, s);
  const double tail = atanh_tail<7>(z.high) * z.high;  // relative weight below 2^-14
  const Pair fifth = add({2.0 / 5, -0x1.999999999999ap-56}, {tail, 0});
  const Pair third = add({2.0 / 3, 0x1.5555555555555p-55}, multiply(z, fifth));
  const Pair series = add({2.0, 0}, multiply(z, third));
  const Pair log_m = multiply(s, series);
  constexpr double kLn2Third = 0x1.cc01f97b57a08p-87;  // what kLn2High + kLn2Low leaves out
  const Pair k_ln2 = add({k * kLn2High, 0}, add(two_product(k, kLn2Low), {k * kLn2Third, 0}));
  return add(k_ln2, log_m);
}

}  // namespace

double exp(double x) {
  if (std::isnan(x)) return x;
  if (x > 709.79) return kInf;
  if (x < -745.14) return 0;
  const double k = std::floor(x * kLog2E + 0.5);
  const double high = x - k * kLn2High;
  const double low = k * kLn2Low;
  const double r = high - low;
  return scaled(exp_reduced(r, (high - r) - low), static_cast<int>(k));
}

double exp2(double x) {
  if (std::isnan(x)) return x;
  if (x >= 1024) return kInf;
  if (x < -1075) return 0;
  const double k = std::floor(x + 0.5);
  const Pair product = multiply({x - k, 0}, {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56});
  return scaled(exp_reduced(product.high, product.low), static_cast<int>(k));
}

double log(double x) {
  if (std::isnan(x) || x < 0) return kNan;
  if (x == 0) return -kInf;
  if (x == kInf) return kInf;
  const auto [m, k] = split(x);
  // log(1 + f) = 2 atanh(s), s = f / (2 + f), and 2 s = f - s f: the rounding of s only touches a term that
  // is smaller than f by the factor f.
  const double f = m - 1.0;  // exact
  const double s = f / (2.0 + f);
  const double z = s * s;
  const double rest = atanh_tail<3>(z) * z;
  return k * kLn2High + (f - (s * (f - rest) - k * kLn2Low));
}

double pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (std::isnan(x) || std::isnan(y) || x < 0) return kNan;
  if (std::isinf(y)) return (x > 1) == (y > 0) ? kInf : 0;
  if (x == 0) return y > 0 ? 0 : kInf;
  if (x == kInf) return y > 0 ? kInf : 0;
  const Pair l = log_pair(x);
  const double estimate = y * l.high;
  if (estimate > 710) return kInf;
  if (estimate < -746) return 0;
  if (std::fabs(estimate) < 0x1p-60) return 1;  // also keeps two_product away from subnormals
  const Pair t = multiply({y, 0}, l);
  const double k = std::floor(t.high * kLog2E + 0.5);
  const Pair r = add(add({t.high - k * kLn2High, 0}, {t.low, 0}), add({-k * kLn2Low, 0}, {0, 0}));
  return scaled(exp_reduced(r.high, r.low), static_cast<int>(k));
}

double half_life_decay(Duration dt, Duration half_life) {
  HOMEOSTAT_CHECK(half_life.ns > 0);
  if (dt.ns <= 0) return 1;
  return exp2(-(static_cast<double>(dt.ns) / static_cast<double>(half_life.ns)));
}

}  // namespace homeostat::math
