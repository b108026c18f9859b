// Rewards of an epoch: what each participant's contribution is worth in the state the network is in, and the epoch's
// whole budget shared out by it, exactly.
//
//     reward_i   = base_i m + base_i bonus_max clamp((quality_i - quality_from) / (1 - quality_from), 0, 1)
//     m          = clamp(1 + w_participation d(participation, goal) + w_activity d(activity, target)
//                          - w_congestion congestion, m_min, m_max)
//     d(x, goal) = clamp(1 - x / goal, -1, 1)         +1 nothing there, 0 at the goal, -1 twice the goal and above
//
// Too few participants or too little activity raise the multiplier, congestion lowers it; each input's say is bounded
// by its weight, all of them by [m_min, m_max]. The quality bonus is not multiplied: quality is worth the same in a
// quiet network.
//
// An epoch:    budget = floor(base_budget x m)         amounts = apportion(budget, rewards)
//
// base_i in any unit common to all (tokens, points); quality, participation and congestion 0..1.
#pragma once

#include <span>
#include <vector>

#include "core/result.hpp"
#include "economy/amount.hpp"
#include "economy/tokenomics/apportion.hpp"

namespace homeostat::economy::tokenomics {

struct RewardSettings {
  double participation_goal = 0.6;    ///< > 0..1
  double participation_weight = 0.5;  ///< 0..10, as the two below
  double activity_weight = 0.25;
  double congestion_weight = 0.25;
  double multiplier_min = 0.5;  ///< 0..multiplier_max
  double multiplier_max = 2;    ///< 1000 at most
  double bonus_max = 0.25;      ///< 0..10: of the base, at the best quality
  double quality_from = 0.5;    ///< 0..below 1: where the bonus begins
};
[[nodiscard]] Result<> check(const RewardSettings& settings);

struct NetworkState {
  double participation = 0.6;  ///< 0..1
  double activity = 1;         ///< 0..1e30
  double activity_target = 1;  ///< > 0..1e30
  double congestion = 0;       ///< 0..1
};

[[nodiscard]] Result<double> multiplier(const RewardSettings& settings, const NetworkState& network);

/// One participant's. `base` 0..1e30, `multiplier` within the settings' bounds, `quality` 0..1.
[[nodiscard]] Result<double> reward(const RewardSettings& settings, double base, double multiplier, double quality);

struct EpochScratch {
  ApportionScratch apportion;
  std::vector<double> weights;
};

struct Epoch {
  Amount budget = 0;  ///< what was shared out: the sum of the amounts
  double multiplier = 1;
};

/// Shares the epoch's budget among participants. `base` and `quality` have one element for each; so has `amounts`,
/// which is as it was after an error: missing (no one contributed), out_of_range (an element, by its index),
/// invalid_argument (sizes).
[[nodiscard]] Result<Epoch> distribute_epoch(const RewardSettings& settings, const NetworkState& network,
                                             Amount base_budget, std::span<const double> base,
                                             std::span<const double> quality, std::span<Amount> amounts,
                                             EpochScratch& scratch);

}  // namespace homeostat::economy::tokenomics
