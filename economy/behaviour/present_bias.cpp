#include "economy/behaviour/present_bias.hpp"

#include <algorithm>

#include "core/math.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::behaviour {

namespace {
constexpr double kSecondsPerYear = 365.0 * 86400;
constexpr Range kUtility{-1e15, 1e15};
}  // namespace

Result<> check(const PresentBiasSettings& s) {
  return first_error(require("present_bias", s.present_bias, {0.05, 1}),
                     require("discount_per_year", s.discount_per_year, {0.01, 1}));
}

double discount_after(const PresentBiasSettings& s, Duration time) {
  if (time <= Duration::zero()) return 1;
  return s.present_bias * math::pow(s.discount_per_year, time.in_seconds() / kSecondsPerYear);
}

Result<std::size_t> period_of_action(const PresentBiasSettings& s, Foresight foresight, Immediate immediate,
                                     std::span<const double> rewards, std::span<const double> costs) {
  auto ok = first_error(check(s), require_each("rewards", rewards, kUtility), require_each("costs", costs, kUtility),
                        require_same_size("costs", costs.size(), "rewards", rewards.size()),
                        require("rewards.size", static_cast<double>(rewards.size()), {1, kPeriodsMax}));
  if (!ok) return tl::make_unexpected(ok.error());
  const double beta = foresight == Foresight::unbiased ? 1 : s.present_bias;
  const auto now = [&](std::size_t t) {
    return immediate == Immediate::cost ? beta * rewards[t] - costs[t] : rewards[t] - beta * costs[t];
  };
  const auto later = [&](std::size_t t) { return beta * (rewards[t] - costs[t]); };
  // From the last period back: `done` is when it is done if it is left until after t, `best` the most of any later one.
  std::size_t done = rewards.size() - 1;
  double best = later(done);
  for (std::size_t t = rewards.size() - 1; t-- > 0;) {
    const double wait = foresight == Foresight::sophisticated ? later(done) : best;
    if (now(t) >= wait) done = t;
    best = std::max(best, later(t));
  }
  return done;
}

}  // namespace homeostat::economy::behaviour
