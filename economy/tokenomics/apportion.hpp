// Apportionment: a budget divided by weights into whole base units that sum to it exactly.
//
//     quota_i  = budget x weight_i / sum(weights)                                     exact, 256 bits where needed
//     amount_i = floor(quota_i), + 1 for those with the largest fractions of a quota until the budget is spent;
//                equal fractions: the lower index first
//
// The method of largest remainders [Hamilton 1792; Balinski, Young 1982]. Every amount is within one base unit of its
// quota, a weight of zero gets nothing, and equal weights differ by at most one unit. It is not house-monotone: a
// budget one unit larger can take a unit from one participant (the Alabama paradox), which at the last base unit is no
// one's loss and is the price of staying within the quota.
//
// Linear in the number of participants: a histogram of the fractions finds the last one that gets a unit, and
// nth_element orders only those in its bin. No memory of its own but for the scratch, which a caller may keep.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "economy/amount.hpp"

namespace homeostat::economy::tokenomics {

/// The most participants in one apportionment: the sum of their weights must fit into 127 bits.
inline constexpr std::size_t kParticipantsMax = 100'000'000;

/// Buffers that grow to the largest number of participants seen. Values left in them mean nothing.
struct ApportionScratch {
  std::vector<std::uint64_t> narrow;      ///< fractions, when the weights sum to less than 2^64
  std::vector<unsigned __int128> wide;    ///< fractions otherwise
  std::vector<std::uint32_t> histogram;   ///< of the fractions
  std::vector<std::uint32_t> candidates;  ///< those whose fraction may be the last to get a unit
  std::vector<Amount> weights;            ///< weights that came as doubles
};

/// Writes to `amounts`, which then sum to `budget` exactly. `amounts` may be `weights` itself. Errors, with `amounts`
/// as they were: missing (no weights, or none above zero), out_of_range (budget or a weight is no amount, more than
/// kParticipantsMax), invalid_argument (sizes differ).
[[nodiscard]] Result<> apportion(Amount budget, std::span<const Amount> weights, std::span<Amount> amounts,
                                 ApportionScratch& scratch);

/// The same for finite weights >= 0, which count in steps of 2^-62 of the largest power of two not above the largest
/// weight: exactly, for a weight of at least 1/1024 of it.
[[nodiscard]] Result<> apportion(Amount budget, std::span<const double> weights, std::span<Amount> amounts,
                                 ApportionScratch& scratch);

/// Those steps, as integers below 2^63: what the doubles count as. Error as above; `weights` named `name`.
[[nodiscard]] Result<> integer_weights(std::string_view name, std::span<const double> weights,
                                       std::vector<Amount>& out);

[[nodiscard]] Result<std::vector<Amount>> apportion(Amount budget, std::span<const Amount> weights);
[[nodiscard]] Result<std::vector<Amount>> apportion(Amount budget, std::span<const double> weights);

}  // namespace homeostat::economy::tokenomics
