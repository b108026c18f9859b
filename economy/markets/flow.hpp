// Minimum-cost flow in exact integers: how much goes over which arc, so that as much as possible of what is too much
// somewhere reaches where it is missing, at the least cost.
//
//     maximise  sum over sinks of what arrives             (nearest feasible first)
//     then minimise  sum over arcs of  x_a cost_a / 10^6 + fixed_a [x_a > 0]
//     subject to  out(v) - in(v) <= balance(v) for sources (balance > 0), in(v) - out(v) <= -balance(v) for sinks,
//                 out(v) = in(v) for the others,  x_a = 0 or size_min_a <= x_a <= capacity_a,  no circles
//
// Amounts in base units, cost in millionths of what passes. Without fixed costs and least sizes the plan is optimal:
// successive shortest paths with potentials (Dijkstra), one more path per step, ties by fewer arcs and then by index,
// so it never has a circle. With them the problem is NP-hard: branch and bound over which arcs are closed and
// which are used, each relaxation (fixed costs spread over the capacity, no least sizes) one such flow, at most
// `relaxations_max` of them; `is_optimal` says whether the search was complete. Deterministic. No rounding anywhere.
// Source: [Ford, Fulkerson 1962; Edmonds, Karp 1972; Ahuja, Magnanti, Orlin 1993 ch. 9]; fixed charges as in [Kim,
// Pardalos 1999].
#pragma once

#include <cstdint>
#include <vector>

#include "core/result.hpp"
#include "economy/amount.hpp"

namespace homeostat::economy::markets {

inline constexpr std::size_t kFlowNodesMax = 64;
inline constexpr std::size_t kFlowArcsMax = 32768;
/// Sum of all |balance| and every single capacity stay below kAmountMax; fixed costs below this.
inline constexpr Amount kFixedCostMax = kAmountMax / 1'000'000;

struct Arc {
  std::uint32_t from = 0, to = 0;
  Amount capacity = 0;         ///< 0..kAmountMax
  std::uint32_t cost_ppm = 0;  ///< of what passes, 0..1'000'000
  Amount fixed_cost = 0;       ///< if anything passes, 0..kFixedCostMax
  Amount size_min = 0;         ///< if anything passes, 0..capacity
};

struct Network {
  std::vector<Amount> balances;   ///< of each node: > 0 has too much, < 0 lacks; they need not sum to 0
  std::vector<Arc> arcs;          ///< any order; parallel ones are as good as others
  Amount moved_max = kAmountMax;  ///< of all sources together, 0..kAmountMax
};
[[nodiscard]] Result<> check(const Network& network);

struct FlowSettings {
  std::uint32_t relaxations_max = 200;  ///< of branch and bound, 1..10'000
  std::uint32_t paths_max = 20'000;     ///< of one relaxation, 1..1'000'000
};
[[nodiscard]] Result<> check(const FlowSettings& settings);

struct Flow {
  std::vector<Amount> amounts;  ///< of each arc
  Amount moved = 0;             ///< out of all sources together
  Amount cost_ppm = 0;          ///< objective, in millionths of a base unit
  bool is_optimal = false;      ///< false: the bound of relaxations or paths was reached; the flow is still feasible
  std::uint32_t relaxations = 0;
};

/// The best flow of a checked network. Always feasible; at worst all zero.
[[nodiscard]] Flow min_cost_flow(const Network& network, const FlowSettings& settings = {});

}  // namespace homeostat::economy::markets
