#include "economy/tokenomics/sybil.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <boost/multiprecision/cpp_int.hpp>

#include "economy/argument.hpp"
#include "economy/tokenomics/share.hpp"

namespace homeostat::economy::tokenomics {

namespace {
using Wide = unsigned __int128;
constexpr double kTiny = 1e-12;

/// Units in the order of their first identity, so that a unit keeps its place when its identities are split.
std::size_t find_units(std::span<const std::uint32_t> clusters, QuadraticScratch& s) {
  s.unit.resize(clusters.size());
  std::uint32_t largest = 0;
  for (const auto c : clusters) largest = std::max(largest, c);
  s.unit_of_cluster.assign(std::size_t{largest} + 1, 0);
  s.is_cluster.clear();
  s.first.assign(1, 0);
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    const bool is_cluster = clusters[i] != kNoCluster;
    std::uint32_t& known = s.unit_of_cluster[clusters[i]];
    if (!is_cluster || known == 0) {
      s.is_cluster.push_back(is_cluster);
      s.first.push_back(0);
      known = static_cast<std::uint32_t>(s.is_cluster.size());
    }
    s.unit[i] = known - 1;
    ++s.first[known];
  }
  for (std::size_t u = 1; u < s.first.size(); ++u) s.first[u] += s.first[u - 1];
  s.members.resize(clusters.size());
  for (std::size_t i = clusters.size(); i-- > 0;) s.members[--s.first[s.unit[i] + 1]] = static_cast<std::uint32_t>(i);
  // Filling from the back moved every end to its unit's beginning; first[u + 1] is now where u begins.
  s.first.erase(s.first.begin());
  s.first.push_back(static_cast<std::uint32_t>(clusters.size()));
  return s.is_cluster.size();
}

/// a x b >= c x d, exactly.
bool is_at_least(Amount a, Amount b, Amount c, Wide d) {
  using boost::multiprecision::uint256_t;
  return uint256_t(static_cast<Wide>(a)) * static_cast<Wide>(b) >= uint256_t(static_cast<Wide>(c)) * d;
}

/// Gives their cap to the units whose quota of what is left reaches it, heaviest first: each that goes leaves the
/// others a larger quota, so that the order among the two heaps does not matter. Sets weights of those to zero; returns
/// what is left for the others.
Amount fill_caps(Amount budget, std::array<Amount, 2> caps, QuadraticScratch& s) {
  Wide total = 0;
  for (auto& heap : s.heaps) heap.clear();
  for (std::size_t u = 0; u < s.weights.size(); ++u) {
    total += static_cast<Wide>(s.weights[u]);
    s.amounts[u] = 0;
    if (s.weights[u] > 0) s.heaps[s.is_cluster[u] ? 1 : 0].push_back(static_cast<std::uint32_t>(u));
  }
  const auto lighter = [&](std::uint32_t a, std::uint32_t b) {
    return s.weights[a] != s.weights[b] ? s.weights[a] < s.weights[b] : a > b;
  };
  for (auto& heap : s.heaps) std::make_heap(heap.begin(), heap.end(), lighter);
  for (bool is_moving = true; is_moving;) {
    is_moving = false;
    for (std::size_t kind = 0; kind < 2; ++kind) {
      auto& heap = s.heaps[kind];
      while (!heap.empty() && is_at_least(budget, s.weights[heap.front()], caps[kind], total)) {
        const std::uint32_t u = heap.front();
        s.amounts[u] = caps[kind];
        budget -= caps[kind];
        total -= static_cast<Wide>(s.weights[u]);
        s.weights[u] = 0;
        std::pop_heap(heap.begin(), heap.end(), lighter);
        heap.pop_back();
        is_moving = true;
      }
    }
  }
  return budget;
}

Result<> check_identities(Amount budget, std::span<const Amount> contributions, std::span<const std::uint32_t> clusters,
                          std::size_t amounts) {
  if (auto ok = first_error(require_amount("budget", budget),
                            require_same_size("clusters", clusters.size(), "contributions", contributions.size()),
                            require_same_size("amounts", amounts, "contributions", contributions.size()));
      !ok) {
    return ok;
  }
  if (contributions.empty() || contributions.size() > kParticipantsMax) {
    return fail(ErrorCode::out_of_range, "contributions", "must be 1 to " + std::to_string(kParticipantsMax));
  }
  bool is_any = false;
  for (std::size_t i = 0; i < contributions.size(); ++i) {
    if (!is_amount(contributions[i])) {
      return require_amount("contributions[" + std::to_string(i) + "]", contributions[i]);
    }
    if (clusters[i] > kClustersMax) {
      return require("clusters[" + std::to_string(i) + "]", clusters[i], {0, kClustersMax});
    }
    is_any |= contributions[i] > 0;
  }
  if (!is_any) return fail(ErrorCode::missing, "contributions", "must have one above 0");
  return {};
}
}  // namespace

Result<> check(const QuadraticSettings& s) {
  return first_error(
      require("identity_share_max", s.identity_share_max, {kTiny, 1}),
      require("cluster_share_max", s.cluster_share_max, {kTiny, 1}),
      require_order("cluster_share_max", s.cluster_share_max, "identity_share_max", s.identity_share_max));
}

Result<Amount> capped_quadratic(const QuadraticSettings& settings, Amount budget, std::span<const Amount> contributions,
                                std::span<const std::uint32_t> clusters, std::span<Amount> amounts,
                                QuadraticScratch& s) {
  if (auto ok = first_error(check(settings), check_identities(budget, contributions, clusters, amounts.size())); !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const std::size_t units = find_units(clusters, s);
  s.contributed.resize(units);
  s.amounts.resize(units);
  for (std::size_t u = 0; u < units; ++u) {
    Amount sum = 0;  // below 10^38: kParticipantsMax amounts
    for (std::size_t k = s.first[u]; k < s.first[u + 1]; ++k) sum += contributions[s.members[k]];
    s.contributed[u] = std::sqrt(static_cast<double>(sum));
  }
  if (auto ok = integer_weights("contributions", s.contributed, s.weights); !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  Amount left =
      fill_caps(budget, {part_of(budget, settings.identity_share_max), part_of(budget, settings.cluster_share_max)}, s);
  if (!s.heaps[0].empty() || !s.heaps[1].empty()) {
    s.part.resize(units);
    if (auto ok = apportion(left, std::span<const Amount>(s.weights), s.part, s.apportion); !ok) {
      return tl::make_unexpected(std::move(ok.error()));
    }
    for (std::size_t u = 0; u < units; ++u) s.amounts[u] += s.part[u];
    left = 0;
  }
  for (std::size_t u = 0; u < units; ++u) {
    const std::size_t begin = s.first[u], size = s.first[u + 1] - begin;
    if (size == 1 || s.amounts[u] == 0) {
      for (std::size_t k = begin; k < begin + size; ++k) amounts[s.members[k]] = s.amounts[u];
      continue;
    }
    s.part.resize(size);
    s.apportion.weights.resize(size);
    for (std::size_t k = 0; k < size; ++k) s.apportion.weights[k] = contributions[s.members[begin + k]];
    const std::span<const Amount> weights(s.apportion.weights);
    if (auto ok = apportion(s.amounts[u], weights, s.part, s.apportion); !ok) {
      return tl::make_unexpected(std::move(ok.error()));
    }
    for (std::size_t k = 0; k < size; ++k) amounts[s.members[begin + k]] = s.part[k];
  }
  return left;
}

Result<std::vector<double>> pairwise_matches(std::span<const double> contributions, std::size_t projects,
                                             double pair_max) {
  if (auto ok = first_error(require("projects", static_cast<double>(projects), {1, kPairProjectsMax}),
                            require("pair_max", pair_max, {kTiny, 1e30}),
                            require_each("contributions", contributions, {0, 1e30}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const std::size_t n = contributions.size() / projects;
  if (n * projects != contributions.size()) {
    return fail(ErrorCode::invalid_argument, "contributions", "must have one element for each contributor and project");
  }
  if (n > kPairContributorsMax) {
    return fail(
        ErrorCode::out_of_range, "contributions",
        "must be of at most " + std::to_string(kPairContributorsMax) + " contributors, are of " + std::to_string(n));
  }
  std::vector<double> roots(contributions.size());
  for (std::size_t i = 0; i < roots.size(); ++i) roots[i] = std::sqrt(contributions[i]);
  std::vector<double> matches(projects, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const std::span<const double> a = std::span(roots).subspan(i * projects, projects);
    for (std::size_t j = i + 1; j < n; ++j) {
      const std::span<const double> b = std::span(roots).subspan(j * projects, projects);
      double together = 0;
      for (std::size_t q = 0; q < projects; ++q) together += a[q] * b[q];
      const double trust = pair_max / (pair_max + together);
      for (std::size_t p = 0; p < projects; ++p) matches[p] += trust * 2 * (a[p] * b[p]);
    }
  }
  return matches;
}

}  // namespace homeostat::economy::tokenomics
