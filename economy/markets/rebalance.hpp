// Rebalancing: which transfers over which bridges bring a token's holdings on each chain to target shares, at the least
// fees.
//
//     after_i = before_i - sum of what leaves i + sum of what arrives at i,      leaves = arrives + fee on every leg
//     target_i = share_i x (total before - all fees), in whole base units by largest remainder
//     fee(x) = fixed_fee + sum over tiers of ceil(x in the tier x fee_ppm / 10^6), paid on top where the leg begins
//
// The transfers are a minimum-cost flow (flow.hpp) of what is above target to what is below it. Because fees come out
// of the holdings, the targets are of what is left after them: the flow is solved anew with the fees of the last one
// until they agree, exactly. A target that capacities cannot reach gets the nearest plan (the most units moved that
// are needed, at the least fees) and `missing` says what is not there.
//
// Units: base units of the one token, exact integers; sum of before = sum of after + all fees, to the unit.
// `is_optimal` is about the fees of the flow for the balances net of fees. Shares count to the nearest 10^-8.
// Deterministic. Source: flow.hpp; the fixed point over fees is our own.
#pragma once

#include <cstdint>
#include <vector>

#include "core/result.hpp"
#include "economy/amount.hpp"
#include "economy/markets/flow.hpp"

namespace homeostat::economy::markets {

inline constexpr std::size_t kTiersMax = 8;
inline constexpr std::size_t kLanesMax = kFlowArcsMax / kTiersMax;
/// Of what passes: more than half is not a fee, and the fixed point would need hundreds of rounds.
inline constexpr std::uint32_t kFeePpmMax = 500'000;

/// The next `size` base units that pass cost `fee_ppm` of them.
struct FeeTier {
  Amount size = 0;
  std::uint32_t fee_ppm = 0;
};

/// A bridge from one chain to another. What arrives through it is 0 or size_min to the sum of the tiers' sizes.
struct Lane {
  std::uint32_t from = 0, to = 0;
  std::vector<FeeTier> tiers;  ///< 1..kTiersMax, fees not falling (convex)
  Amount fixed_fee = 0;        ///< per transfer, 0..kFixedCostMax; lanes that have one have a single tier
  Amount size_min = 0;         ///< likewise
};

struct Holdings {
  std::vector<Amount> amounts;        ///< of each chain, 2..kFlowNodesMax; in all at most kAmountMax
  std::vector<double> target_shares;  ///< of each chain, sum to 1
  std::vector<Lane> lanes;            ///< at most kLanesMax
  Amount moved_max = kAmountMax;      ///< at most this leaves the chains that have too much, fees aside
  FlowSettings search;
};
[[nodiscard]] Result<> check(const Holdings& holdings);

struct Leg {
  std::uint32_t lane = 0, from = 0, to = 0;
  Amount leaves = 0;  ///< arrives + fee
  Amount arrives = 0;
  Amount fee = 0;
  std::uint32_t stage = 0;  ///< legs of a stage may go at once; each is covered when the stages before have arrived

  bool operator==(const Leg&) const = default;
};

struct Plan {
  std::vector<Leg> legs;        ///< by stage, then lane
  std::vector<Amount> after;    ///< holdings of each chain
  std::vector<Amount> target;   ///< of what is left after fees
  std::vector<Amount> missing;  ///< target - after where that is positive, else 0
  std::vector<Amount> surplus;  ///< after - target, likewise
  Amount fees = 0;              ///< of all legs
  bool is_on_target = false;    ///< nothing is missing
  bool is_optimal = false;
};

/// The plan for checked holdings; the same for the same holdings.
[[nodiscard]] Plan rebalance(const Holdings& holdings);

}  // namespace homeostat::economy::markets
