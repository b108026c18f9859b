#include "economy/tokenomics/rewards.hpp"

#include <algorithm>

#include "economy/argument.hpp"
#include "economy/tokenomics/share.hpp"

namespace homeostat::economy::tokenomics {

namespace {
constexpr double kBaseMax = 1e30;
constexpr Range kWeight{0, 10};
constexpr Range kShare{0, 1};
constexpr double kTiny = 1e-12;

double distance(double x, double goal) {
  return std::clamp(1 - x / goal, -1.0, 1.0);
}

double worth(const RewardSettings& s, double base, double m, double quality) {
  const double over = std::clamp((quality - s.quality_from) / (1 - s.quality_from), 0.0, 1.0);
  return base * (m + s.bonus_max * over);
}

/// The first argument that is wrong, looked for only after a pass over all of them found that there is one.
Result<> check_participants(std::span<const double> base, std::span<const double> quality) {
  bool is_good = true;
  for (std::size_t i = 0; i < base.size(); ++i) is_good &= is_in(base[i], {0, kBaseMax}) && is_in(quality[i], kShare);
  if (is_good) return {};
  return first_error(require_each("base", base, {0, kBaseMax}), require_each("quality", quality, kShare));
}
}  // namespace

Result<> check(const RewardSettings& s) {
  return first_error(require("participation_goal", s.participation_goal, {kTiny, 1}),
                     require("participation_weight", s.participation_weight, kWeight),
                     require("activity_weight", s.activity_weight, kWeight),
                     require("congestion_weight", s.congestion_weight, kWeight),
                     require("multiplier_min", s.multiplier_min, {kTiny, 1000}),
                     require("multiplier_max", s.multiplier_max, {kTiny, 1000}),
                     require_order("multiplier_min", s.multiplier_min, "multiplier_max", s.multiplier_max),
                     require("bonus_max", s.bonus_max, kWeight),
                     require("quality_from", s.quality_from, {0, 0.999999}));
}

Result<double> multiplier(const RewardSettings& s, const NetworkState& network) {
  if (auto ok = first_error(check(s), require("participation", network.participation, kShare),
                            require("activity", network.activity, {0, kBaseMax}),
                            require("activity_target", network.activity_target, {kTiny, kBaseMax}),
                            require("congestion", network.congestion, kShare));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const double m = 1 + s.participation_weight * distance(network.participation, s.participation_goal) +
                   s.activity_weight * distance(network.activity, network.activity_target) -
                   s.congestion_weight * network.congestion;
  return std::clamp(m, s.multiplier_min, s.multiplier_max);
}

Result<double> reward(const RewardSettings& s, double base, double multiplier, double quality) {
  if (auto ok = first_error(check(s), require("base", base, {0, kBaseMax}),
                            require("multiplier", multiplier, {s.multiplier_min, s.multiplier_max}),
                            require("quality", quality, kShare));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  return worth(s, base, multiplier, quality);
}

Result<Epoch> distribute_epoch(const RewardSettings& s, const NetworkState& network, Amount base_budget,
                               std::span<const double> base, std::span<const double> quality, std::span<Amount> amounts,
                               EpochScratch& scratch) {
  const auto m = multiplier(s, network);
  if (!m) return tl::make_unexpected(m.error());
  if (auto ok = first_error(require_amount("base_budget", base_budget),
                            require_same_size("quality", quality.size(), "base", base.size()),
                            require_same_size("amounts", amounts.size(), "base", base.size()));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  if (auto ok = check_participants(base, quality); !ok) return tl::make_unexpected(std::move(ok.error()));
  const auto budget = share_of(base_budget, *m);
  if (!budget) return tl::make_unexpected(budget.error());
  scratch.weights.resize(base.size());
  for (std::size_t i = 0; i < base.size(); ++i) scratch.weights[i] = worth(s, base[i], *m, quality[i]);
  if (auto ok = apportion(*budget, std::span<const double>(scratch.weights), amounts, scratch.apportion); !ok) {
    return fail(ok.error().code, "base", std::move(ok.error().message));
  }
  return Epoch{*budget, *m};
}

}  // namespace homeostat::economy::tokenomics
