// What several independent sources say together: which of them count, whether they agree, and the value.
//
// A vote is what one origin says: sources behind one origin (SourceSettings::group) have one vote, the lower median of
// theirs. In this order:
//   1. Outliers by the median absolute deviation: with m the lower median of the votes and d the distance of a vote
//   from m,
//      a vote is left out if d > max(mads x 1.4826 x lower median of all d, floor). The farthest goes first, and never
//      one below the quorum. Not by standard deviations: one outlier of n is never more than sqrt(n - 1) of those away,
//      so a limit of 3 never fires below 11 sources, and a limit of 1 throws out honest ones.
//   2. Agreement: more than half of all votes (those left out included) and at least the quorum must be within
//      `agree_within` of the median of what is left; exactly half is enough if fewer of the others agree with each
//      other. Otherwise there is no value: not a mean, not fewer sources.
//   3. The value is the lower median: of an even number the smaller of the two in the middle, never a value nobody
//   said.
// Distances are |ln(a / b)|, so that a doubling is as far as a halving; where a logarithm has no meaning, see
// distance_between. Pure; no allocation beyond the vectors given.
#pragma once

#include <cstdint>
#include <vector>

#include "oracle/settings.hpp"

namespace homeostat::oracle {

/// |ln(to / from)|. Where that has no meaning (a zero, a change of sign) the step as a share of the range of the
/// metric, so that a step from or to zero is as significant as it is wide.
[[nodiscard]] double distance_between(double from, double to, const MetricSettings& m);

struct Vote {
  std::uint32_t group = 0;   ///< of sources behind one origin
  std::uint32_t source = 0;  ///< index into Settings::sources of the one that speaks for it
  double value = 0;
  double confidence = 0;  ///< half-width in the value's unit; 0 = none stated
  double liquidity = -1;  ///< as the source states it; below 0 = it states none
  bool left_out = false;
  bool agrees = false;
};

struct Agreement {
  bool agrees = false;
  double value = 0;
  double confidence = 0;       ///< half-width, 0 = none stated
  std::uint32_t agreeing = 0;  ///< votes within agree_within, the value's own included
  std::uint32_t left_out = 0;
};

/// Merges votes of one group into one, in the order of the groups.
void merge_groups(std::vector<Vote>& votes);

/// Judges merged votes (not empty) by the settings; marks those left out. Without outliers and agreement in the
/// settings nothing is left out and everything agrees.
[[nodiscard]] Agreement count_votes(std::vector<Vote>& votes, const MetricSettings& m, std::uint32_t quorum);

/// The k-th smallest of n >= 1 values by lower interpolation: rank floor((n - 1) x numerator / denominator).
[[nodiscard]] double lower_quantile(std::vector<double>& values, std::size_t numerator, std::size_t denominator);

}  // namespace homeostat::oracle
