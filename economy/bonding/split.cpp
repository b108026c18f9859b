#include "economy/bonding/split.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
/// Steps of the search; it needs about ten. What a search cut short leaves over is moved as residue.
constexpr int kStepsMax = 200;
/// Passes that move the residue; one or two are needed.
constexpr int kResiduePassesMax = 8;
/// Bounds that are feasible in exact arithmetic may miss the amount by their rounding.
constexpr double kFeasibleSlack = 1e-12;

double sum_of(std::span<const double> xs) {
  double sum = 0;
  for (const double x : xs) sum += x;
  return sum;
}

/// One split as a function of the level. sign -1 withdraws, +1 deposits: x_i = clamp(sign (w_i L - u_i), lo_i, hi_i).
template <class Low, class High>
struct Problem {
  std::span<const double> values;
  std::span<const double> weights;
  double sign;
  Low low;
  High high;

  [[nodiscard]] double part(std::size_t i, double level) const {
    const double x = sign * (weights[i] * level - values[i]);
    return std::max(low(i), std::min(high(i), x));
  }

  struct Sum {
    double total = 0;   ///< sum x_i
    double free_w = 0;  ///< sum w_i of those strictly between their bounds
    double rest = 0;    ///< what total is less sign free_w L
  };
  [[nodiscard]] Sum at(double level) const {
    Sum out;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double x = sign * (weights[i] * level - values[i]);
      const double lo = low(i), hi = high(i);
      if (x <= lo) {
        out.rest += lo;
      } else if (x >= hi) {
        out.rest += hi;
      } else {
        out.rest -= sign * values[i];
        out.free_w += weights[i];
      }
    }
    out.total = out.rest + sign * out.free_w * level;
    return out;
  }

  /// The level at which every vault with a weight gives the least (withdrawal) or takes as much as could be asked.
  [[nodiscard]] double level_max(double amount) const {
    double most = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (weights[i] == 0) continue;
      const double reach = sign < 0 ? values[i] - low(i) : values[i] + std::min(high(i), amount);
      most = std::max(most, reach / weights[i]);
    }
    return std::min(most, std::numeric_limits<double>::max());
  }

  /// The level at which the parts sum to `amount`, which lies between the sums at 0 and level_max.
  [[nodiscard]] double solve(double amount, double highest) const {
    double a = 0, b = highest;  // sum(a) and sum(b) enclose the amount
    double level = std::clamp(sum_of(values) + sign * amount, a, b);
    double width = b - a;
    for (int step = 0; step < kStepsMax; ++step) {
      const Sum sum = at(level);
      if (sum.total == amount) break;
      ((sum.total < amount) == (sign > 0) ? a : b) = level;
      const double newton = (amount - sum.rest) / (sign * sum.free_w);
      if (newton == level) break;
      // A step that leaves the bracket, or a bracket that shrinks slowly, is halved instead: never worse than
      // bisection.
      const bool is_slow = step % 3 == 2 && b - a > width / 2;
      if (step % 3 == 2) width = b - a;
      const double next = newton >= a && newton <= b && !is_slow ? newton : a + (b - a) / 2;
      if (next == level || a >= b) break;
      level = next;
    }
    return level;
  }

  /// Adds what the parts lack to those with the most room, until they are the amount in the order of their indices.
  void move_residue(double amount, std::span<double> parts) const {
    for (int pass = 0; pass < kResiduePassesMax; ++pass) {
      const double lacking = amount - sum_of(parts);
      if (lacking == 0) return;
      std::size_t best = 0;
      double room_max = -1;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const double room = lacking > 0 ? high(i) - parts[i] : parts[i] - low(i);
        if (room > room_max) room_max = room, best = i;
      }
      parts[best] += lacking > 0 ? std::min(lacking, room_max) : -std::min(-lacking, room_max);
    }
  }

  /// Vaults of weight zero do not move with the level: they come first (withdrawal) or last (deposit), each by the
  /// same share of the way from its low to its high.
  void scale_weightless(double amount, std::span<double> parts) const {
    double fixed = 0, low_sum = 0, room = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (weights[i] == 0) {
        low_sum += low(i);
        room += high(i) - low(i);
      } else {
        parts[i] = sign < 0 ? low(i) : high(i);
        fixed += parts[i];
      }
    }
    const double share = room > 0 ? std::clamp((amount - fixed - low_sum) / room, 0.0, 1.0) : 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (weights[i] == 0) parts[i] = low(i) + share * (high(i) - low(i));
    }
  }

  [[nodiscard]] Result<double> run(double amount, std::span<double> parts) const {
    double least = 0, most = 0;                  // of all
    double weighted_low = 0, weighted_high = 0;  // of those that have a weight
    for (std::size_t i = 0; i < values.size(); ++i) {
      least += low(i);
      most += high(i);
      if (weights[i] == 0) continue;
      weighted_low += low(i);
      weighted_high += high(i);
    }
    const double slack = kFeasibleSlack * std::max(amount, least);
    if (!(amount >= least - slack && amount <= most + slack)) {
      return tl::make_unexpected(require("amount", amount, {least, most}).error());
    }
    const bool is_weightless_case = sign < 0 ? amount < weighted_low + weightless_high() : amount > weighted_high;
    if (is_weightless_case) {
      scale_weightless(amount, parts);
      move_residue(amount, parts);
      return kInf;
    }
    const double level = solve(amount, level_max(amount));
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = part(i, level);
    move_residue(amount, parts);
    return level;
  }

  [[nodiscard]] double weightless_high() const {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += weights[i] == 0 ? high(i) : 0;
    return sum;
  }
};

Result<> check_split(std::span<const double> values, std::span<const double> weights, double amount,
                     std::span<const double> parts) {
  return first_error(require_each("values", values, {0, 1e300}),
                     require_same_size("weights", weights.size(), "values", values.size()),
                     require_same_size("parts", parts.size(), "values", values.size()),
                     require_shares("weights", weights), require("amount", amount, {0, 1e300}));
}

Result<> check_bounds(SplitBounds bounds, std::span<const double> values, bool is_withdrawal) {
  if (auto ok = first_error(require_same_size("low", bounds.low.size(), "values", values.size()),
                            require_same_size("high", bounds.high.size(), "values", values.size()));
      !ok) {
    return ok;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto name = [i](const char* bound) { return std::string(bound) + "[" + std::to_string(i) + "]"; };
    if (!(bounds.low[i] >= 0)) return require(name("low"), bounds.low[i], {});
    if (!(bounds.low[i] <= bounds.high[i]))
      return require_order(name("low"), bounds.low[i], name("high"), bounds.high[i]);
    if (is_withdrawal && bounds.high[i] > values[i]) return require(name("high"), bounds.high[i], {0, values[i]});
  }
  return {};
}

Result<double> bounded(std::span<const double> values, std::span<const double> weights, double amount, double sign,
                       SplitBounds bounds, std::span<double> parts) {
  if (auto ok = check_split(values, weights, amount, parts); !ok) return tl::make_unexpected(ok.error());
  if (auto ok = check_bounds(bounds, values, sign < 0); !ok) return tl::make_unexpected(ok.error());
  const auto low = [bounds](std::size_t i) { return bounds.low[i]; };
  const auto high = [bounds](std::size_t i) { return bounds.high[i]; };
  return Problem<decltype(low), decltype(high)>{values, weights, sign, low, high}.run(amount, parts);
}

}  // namespace

Result<double> split_withdrawal(std::span<const double> values, std::span<const double> weights, double amount,
                                std::span<double> parts) {
  if (auto ok = check_split(values, weights, amount, parts); !ok) return tl::make_unexpected(ok.error());
  const auto low = [](std::size_t) { return 0.0; };
  const auto high = [values](std::size_t i) { return values[i]; };
  return Problem<decltype(low), decltype(high)>{values, weights, -1, low, high}.run(amount, parts);
}

Result<double> split_withdrawal(std::span<const double> values, std::span<const double> weights, double amount,
                                SplitBounds bounds, std::span<double> parts) {
  return bounded(values, weights, amount, -1, bounds, parts);
}

Result<double> split_deposit(std::span<const double> values, std::span<const double> weights, double amount,
                             std::span<double> parts) {
  if (auto ok = check_split(values, weights, amount, parts); !ok) return tl::make_unexpected(ok.error());
  const auto low = [](std::size_t) { return 0.0; };
  const auto high = [](std::size_t) { return kInf; };
  return Problem<decltype(low), decltype(high)>{values, weights, 1, low, high}.run(amount, parts);
}

Result<double> split_deposit(std::span<const double> values, std::span<const double> weights, double amount,
                             SplitBounds bounds, std::span<double> parts) {
  return bounded(values, weights, amount, 1, bounds, parts);
}

namespace {

/// The bounds are differences of shares; without this the rounding of these could leave no room for a movement that is
/// itself of the size of the rounding.
double rounding(double share, double weight, double after) {
  return 8 * std::numeric_limits<double>::epsilon() * (share + weight) * after;
}

}  // namespace

void safe_withdrawal_bounds(std::span<const double> values, std::span<const double> weights, double amount, double band,
                            std::span<double> low, std::span<double> high) {
  const double total = sum_of(values);
  const double after = std::max(0.0, total - amount);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double share = total > 0 ? values[i] / total : weights[i];
    const double deviation = std::max(band * weights[i], std::abs(share - weights[i]));
    const double slack = rounding(share, weights[i], after);
    low[i] = std::clamp(values[i] - (weights[i] + deviation) * after - slack, 0.0, values[i]);
    high[i] = std::clamp(values[i] - std::max(0.0, weights[i] - deviation) * after + slack, low[i], values[i]);
  }
}

void safe_deposit_bounds(std::span<const double> values, std::span<const double> weights, double amount, double band,
                         std::span<double> low, std::span<double> high) {
  const double total = sum_of(values);
  const double after = total + amount;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double share = total > 0 ? values[i] / total : weights[i];
    const double deviation = std::max(band * weights[i], std::abs(share - weights[i]));
    const double slack = rounding(share, weights[i], after);
    low[i] = std::max(0.0, (weights[i] - deviation) * after - values[i] - slack);
    high[i] = std::max(low[i], (weights[i] + deviation) * after - values[i] + slack);
  }
}

}  // namespace homeostat::economy::bonding
