// Plain statistics of a set of numbers, by additions, multiplications, divisions and square roots in a fixed order, so
// that they give the same bits everywhere. Those of concentration say how unequally something is held.
//
//     gini       2 sum(i x_i) / (n sum(x)) - (n + 1) / n, x ascending, i = 1..n     0 equal .. (n - 1) / n one has all
//                                                                                                         [Gini 1912]
//     hhi        sum((x_i / sum(x))^2)                       1/n equal .. 1   [Herfindahl 1950; Hirschman 1945]
//     nakamoto   the least number of holders that together have more than one half   1..n    [Srinivasan, Lee 2017]
//     median     the middle one; of an even count the lower of the two, as everywhere in the oracle
//     deviation  sqrt(mean((x - mean)^2)), of the population
//
// NaN if there is no number, or one is not finite; those of concentration also if one is negative or all are zero.
// Those that take a span of what is not const reorder it. Error of the sums: below n units of the last place, relative.
#pragma once

#include <span>

namespace homeostat {

[[nodiscard]] double mean(std::span<const double> values);
[[nodiscard]] double deviation(std::span<const double> values);
[[nodiscard]] double median(std::span<double> values);
[[nodiscard]] double gini(std::span<double> values);
[[nodiscard]] double hhi(std::span<const double> values);
/// `threshold` in [0, 1): the part of the whole that must be exceeded. NaN outside.
[[nodiscard]] double nakamoto(std::span<double> values, double threshold = 0.5);

}  // namespace homeostat
