#include "core/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace homeostat {

namespace {
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double sum_of(std::span<const double> values) {
  double sum = 0;
  for (const double x : values) sum += x;
  return sum;
}

bool is_finite(std::span<const double> values) {
  return !values.empty() && std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

/// Holdings: finite, none negative, together above zero and finite.
bool is_holding(std::span<const double> values) {
  if (!is_finite(values)) return false;
  if (std::any_of(values.begin(), values.end(), [](double x) { return x < 0; })) return false;
  const double sum = sum_of(values);
  return sum > 0 && std::isfinite(sum);
}
}  // namespace

double mean(std::span<const double> values) {
  if (!is_finite(values)) return kNan;
  return sum_of(values) / static_cast<double>(values.size());
}

double deviation(std::span<const double> values) {
  const double middle = mean(values);
  double sum = 0;
  for (const double x : values) sum += (x - middle) * (x - middle);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

double median(std::span<double> values) {
  if (!is_finite(values)) return kNan;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double gini(std::span<double> values) {
  if (!is_holding(values)) return kNan;
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  // Around the middle rank, so that equal holdings give 0 and not the difference of two large sums:
  // sum((2 i - n - 1) x_i) / (n sum(x)).
  double sum = 0, weighted = 0, rank = 1 - n;
  for (const double x : values) {
    sum += x;
    weighted += rank * (x / n);
    rank += 2;
  }
  return std::clamp(weighted / sum, 0.0, 1.0);
}

double hhi(std::span<const double> values) {
  if (!is_holding(values)) return kNan;
  const double sum = sum_of(values);
  double out = 0;
  for (const double x : values) out += (x / sum) * (x / sum);
  return out;
}

double nakamoto(std::span<double> values, double threshold) {
  if (!is_holding(values) || !(threshold >= 0 && threshold < 1)) return kNan;
  std::sort(values.begin(), values.end(), std::greater<>());
  const double needed = threshold * sum_of(values);
  double have = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    have += values[k];
    if (have > needed) return static_cast<double>(k + 1);
  }
  return static_cast<double>(values.size());
}

}  // namespace homeostat
