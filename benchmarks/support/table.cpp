#include "benchmarks/support/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

namespace homeostat::bench {

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

double median(std::vector<double> values) {
  return quantile(std::move(values), 0.5);
}

std::string grouped(double value) {
  std::string text = fmt::format("{:.0f}", value);
  for (int at = static_cast<int>(text.size()) - 3; at > (value < 0 ? 1 : 0); at -= 3) {
    text.insert(static_cast<std::size_t>(at), 1, ' ');
  }
  return text;
}

void print(const Row& row) {
  fmt::print("| {} | {} | {} | {} | {} |\n", row.what, row.measured, row.beside, row.ratio, row.target);
  std::fflush(stdout);
}

std::string verdict(std::string_view target, bool reached) {
  return fmt::format("{}: {}", target, reached ? "reached" : "**missed**");
}

void give_up(const std::string& why) {
  fmt::print(stderr, "benchmark failed: {}\n", why);
  std::exit(1);
}

bool is_smoke(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [](const char* a) { return std::string_view(a) == "--smoke"; });
}

}  // namespace homeostat::bench
