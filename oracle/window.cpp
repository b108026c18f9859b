#include "oracle/window.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace homeostat::oracle {

TimeGrid::TimeGrid(Duration window, std::uint32_t buckets)
    : width_{std::max<std::int64_t>(1, window.ns / std::max(1u, buckets) + (window.ns % std::max(1u, buckets) != 0))},
      size_(std::int64_t{std::max(1u, buckets)} + 1) {}

void SumWindow::add(Instant t, double value) {
  Total* bucket = ring_.at(ring_.grid().index(t));
  if (bucket == nullptr) return;
  bucket->sum += value;
  ++bucket->count;
}

SumWindow::Total SumWindow::total(Instant at) const {
  return ring_.sum(ring_.grid().index(at));
}

void StepWindow::hold(Instant from, Instant to, double value) {
  if (to <= from) return;
  const TimeGrid& grid = ring_.grid();
  const std::int64_t last = grid.index(to);
  // Whatever is older than the ring would be left out anyway: this bounds the loop by its size.
  for (std::int64_t i = std::max(grid.index(from), last - grid.size() + 1); i <= last; ++i) {
    const Instant begin = std::max(from, grid.start(i));
    const Instant end = std::min(to, grid.start(i + 1));
    Integral* bucket = end > begin ? ring_.at(i) : nullptr;
    if (bucket == nullptr) continue;
    bucket->value_seconds += value * (end - begin).in_seconds();
    bucket->covered_ns += (end - begin).ns;
  }
}

StepWindow::Integral StepWindow::integral(Instant at, Instant from, Instant to, double value) const {
  const TimeGrid& grid = ring_.grid();
  const std::int64_t last = grid.index(at);
  Integral total = ring_.sum(last);
  const Instant begin = std::max(from, grid.start(last - grid.size() + 1));
  if (to > begin) {
    total.value_seconds += value * (to - begin).in_seconds();
    total.covered_ns += (to - begin).ns;
  }
  return total;
}

}  // namespace homeostat::oracle
