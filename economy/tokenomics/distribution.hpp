// Value distribution: what is earned goes to stakers, the treasury, developers and the fire, by shares; inside the
// stakers by criteria, among developers by allocation. Every split sums to what was split, to the last base unit
// (largest remainders, see apportion.hpp).
//
//     amount_k = apportion(value, shares)                                        shares sum to 1; 40 / 30 / 20 / 10
//     weight_i = stake_i (t_floor + (1 - t_floor) min(time_i / time_full, 1)) (p_floor + (1 - p_floor) participation_i)
//     amount_i = apportion(stakers' amount, weight_i)
//
// A floor of 1 leaves a criterion out, one of 0 gives nothing to those who do not meet it at all.
//
// Units: stake in any unit common to all, 0..1e30; time in seconds; participation 0..1 (votes cast, uptime).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "economy/amount.hpp"
#include "economy/tokenomics/apportion.hpp"

namespace homeostat::economy::tokenomics {

/// At most as many shares in a split.
inline constexpr std::size_t kSharesMax = 1024;

/// `value` by `shares` (0..1, sum 1, at most kSharesMax) into `amounts`.
[[nodiscard]] Result<> split(Amount value, std::span<const double> shares, std::span<Amount> amounts,
                             ApportionScratch& scratch);

struct ValueShares {
  double stakers = 0.4;
  double treasury = 0.3;
  double developers = 0.2;
  double burn = 0.1;
};
[[nodiscard]] Result<> check(const ValueShares& shares);

struct ValueAmounts {
  Amount stakers = 0;
  Amount treasury = 0;
  Amount developers = 0;
  Amount burn = 0;
  bool operator==(const ValueAmounts&) const = default;
};
[[nodiscard]] Result<ValueAmounts> distribute_value(const ValueShares& shares, Amount value);

struct StakerCriteria {
  Duration time_full = Duration::days(365);  ///< > 0: staked so long, the time counts in full
  double time_floor = 0.5;                   ///< 0..1
  double participation_floor = 0.5;          ///< 0..1
};
[[nodiscard]] Result<> check(const StakerCriteria& criteria);

/// One span each, of one size.
struct Stakers {
  std::span<const double> stake;          ///< 0..1e30
  std::span<const double> time_s;         ///< 0..1e12
  std::span<const double> participation;  ///< 0..1
};

struct DistributionScratch {
  ApportionScratch apportion;
  std::vector<double> weights;
};

/// Shares `value` among stakers. Errors, with `amounts` as they were: missing (no weight above 0), out_of_range (an
/// element, by its index), invalid_argument (sizes).
[[nodiscard]] Result<> distribute_to_stakers(const StakerCriteria& criteria, const Stakers& stakers, Amount value,
                                             std::span<Amount> amounts, DistributionScratch& scratch);

}  // namespace homeostat::economy::tokenomics
