// What every benchmark prints: rows of one Markdown table, which `benchmarks/run` collects, and the order statistics
// that go into them. A measurement stands beside what bounds it (a bare stream, a plain loop, the node alone), measured
// in the same run, because only the ratio of the two says anything on a machine that others use as well.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace homeostat::bench {

/// The smallest value that at least `share` of `values` do not exceed (0.5 = median); 0 when there are none.
[[nodiscard]] double quantile(std::vector<double> values, double share);
[[nodiscard]] double median(std::vector<double> values);

/// "1 234 567": whole, in groups of three.
[[nodiscard]] std::string grouped(double value);

/// One line of the table. `beside` is the reference and its value, `ratio` how the two compare, `target` what is aimed
/// at and whether this run reached it; each may be empty.
struct Row {
  std::string what;
  std::string measured;
  std::string beside;
  std::string ratio;
  std::string target;
};
/// Prints and flushes it. A row begins with "| "; everything else that a benchmark prints does not.
void print(const Row& row);

/// "target, reached" or "target, missed".
[[nodiscard]] std::string verdict(std::string_view target, bool reached);

/// A correctness failure: prints it and ends the process with 1. Benchmarks fail for wrong results, never for slow
/// ones.
[[noreturn]] void give_up(const std::string& why);

/// True when `--smoke` is among the arguments: a few iterations, to see that the benchmark itself works.
[[nodiscard]] bool is_smoke(int argc, char** argv);

}  // namespace homeostat::bench
