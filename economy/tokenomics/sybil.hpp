// Quadratic incentives that splitting an identity does not beat.
//
// The square root of a contribution, paid per identity, pays k identities of one owner sqrt(k) times as much. Here the
// unit that is paid is the cluster (identities that are known or suspected to be one owner's; one that is in none is a
// unit of its own), and no unit gets more than a part of the budget:
//
//     weight_u = sqrt(sum of the contributions in u)
//     amount_u = min(cap_u, lambda weight_u)           lambda: as large as the budget allows  (water-filling)
//     amount_i = amount_u contribution_i / sum of the contributions in u           proportional, inside a cluster
//
//     cap of a single identity = floor(budget identity_share_max), of a cluster = floor(budget cluster_share_max),
//     cluster_share_max <= identity_share_max: linked identities together may never have more than one may have alone.
//
// So an identity that becomes k identities of a cluster, or a member of a cluster that becomes k members, gets at most
// what it got before: exactly, in base units. (What nobody knows to be linked cannot be told from honest newcomers by
// any rule; the caps and the pairwise bound below limit what it can take.) All sums are exact; what the caps leave over
// stays in the budget and is returned.
//
// Pairwise-bounded quadratic funding [Buterin 2019] pays projects, and distrusts pairs of contributors that always give
// to the same ones:
//
//     match_p = sum over pairs i < j of  k_ij 2 sqrt(c_ip c_jp)
//     k_ij    = M / (M + sum over q of sqrt(c_iq c_jq))
//
// M, in the contributions' unit: no pair, whatever it gives, adds more than 2 M to all matches together, so that k fake
// identities add at most k (k - 1) M. M = infinite would be plain quadratic funding [Buterin, Hitzig, Weyl 2018].
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/result.hpp"
#include "economy/amount.hpp"
#include "economy/tokenomics/apportion.hpp"

namespace homeostat::economy::tokenomics {

/// The cluster of an identity that is in none.
inline constexpr std::uint32_t kNoCluster = 0;
/// Clusters are numbered 1..kClustersMax.
inline constexpr std::uint32_t kClustersMax = 10'000'000;

struct QuadraticSettings {
  double identity_share_max = 0.02;  ///< > 0..1, of the budget
  double cluster_share_max = 0.02;   ///< > 0..identity_share_max
};
[[nodiscard]] Result<> check(const QuadraticSettings& settings);

struct QuadraticScratch {
  ApportionScratch apportion;
  std::vector<std::uint32_t> unit_of_cluster;  ///< + 1; 0: not seen
  std::vector<std::uint32_t> unit;             ///< of each identity
  std::vector<std::uint32_t> first;            ///< of each unit, in `members`
  std::vector<std::uint32_t> members;          ///< identities, unit by unit
  std::vector<double> contributed;             ///< by each unit
  std::vector<bool> is_cluster;
  std::vector<Amount> weights;
  std::vector<Amount> amounts;          ///< of each unit
  std::vector<Amount> part;             ///< of one unit's members
  std::vector<std::uint32_t> heaps[2];  ///< units by weight: single identities, clusters
};

/// Writes what each identity gets; `clusters` has the cluster of each. Returns what the caps left over. Errors, with
/// `amounts` as they were: missing (nothing contributed), out_of_range, invalid_argument (sizes).
[[nodiscard]] Result<Amount> capped_quadratic(const QuadraticSettings& settings, Amount budget,
                                              std::span<const Amount> contributions,
                                              std::span<const std::uint32_t> clusters, std::span<Amount> amounts,
                                              QuadraticScratch& scratch);

inline constexpr std::size_t kPairContributorsMax = 2000;
inline constexpr std::size_t kPairProjectsMax = 500;

/// The matches of `projects` projects: contributions[i * projects + p] >= 0 is what i gave to p, in tokens, 1e30 at
/// most. `pair_max` is M, > 0..1e30. At most kPairContributorsMax x kPairProjectsMax; O(contributors^2 x projects).
[[nodiscard]] Result<std::vector<double>> pairwise_matches(std::span<const double> contributions, std::size_t projects,
                                                           double pair_max);

}  // namespace homeostat::economy::tokenomics
