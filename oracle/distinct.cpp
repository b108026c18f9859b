#include "oracle/distinct.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace homeostat::oracle {
namespace {

/// A fixed bijective mix of 64 bits (the finaliser of SplitMix64).
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::uint64_t hash_of(const Word& key) {
  std::uint64_t h = 0;
  for (std::size_t i = 0; i < key.size(); i += 8) {
    std::uint64_t limb = 0;
    for (std::size_t j = 0; j < 8; ++j) limb = limb << 8 | key[i + j];
    h = mixed((h ^ limb) + 0x9e3779b97f4a7c15ULL);
  }
  return h;
}

// The two series of [Ertl 2017]; both end when the sum stops changing, within some 60 steps.
double sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

void DistinctWindow::add(Instant t, const Word& key) {
  const std::int64_t index = grid_.index(t);
  advance(index);
  if (index <= newest_ - grid_.size()) return;
  if (is_sketch_) return add_to_sketch(index, key);
  auto [it, is_new] = last_seen_.try_emplace(key, index);
  if (!is_new) it->second = std::max(it->second, index);
  if (last_seen_.size() > exact_max_) turn_into_sketches();
}

DistinctWindow::Count DistinctWindow::count(Instant at) {
  if (!started_) return {};
  advance(grid_.index(at));
  if (!is_sketch_) return {.keys = static_cast<double>(last_seen_.size())};
  if (!is_counted_) {
    estimated_ = std::floor(estimate() + 0.5);
    is_counted_ = true;
  }
  return {.keys = estimated_, .error_ratio = kSketchErrorRatio};
}

void DistinctWindow::advance(std::int64_t index) {
  if (!started_) {
    started_ = true;
    newest_ = index;
  }
  if (index <= newest_) return;
  const std::int64_t steps = std::min(index - newest_, grid_.size());
  newest_ = index;
  if (!is_sketch_) {
    std::erase_if(last_seen_, [&](const auto& seen) { return seen.second <= newest_ - grid_.size(); });
    return;
  }
  is_counted_ = false;
  for (std::int64_t i = newest_ - steps + 1; i <= newest_; ++i) sketches_[grid_.slot(i)].clear();
  if (std::all_of(sketches_.begin(), sketches_.end(), [](const Sketch& s) { return s.empty(); })) {
    is_sketch_ = false;
    sketches_.clear();
  }
}

void DistinctWindow::add_to_sketch(std::int64_t index, const Word& key) {
  Sketch& sketch = sketches_[grid_.slot(index)];
  if (sketch.empty()) sketch.resize(kRegisters);
  const std::uint64_t h = hash_of(key);
  std::uint8_t& rank = sketch[h >> (64 - kIndexBits)];
  // Leading zeros of the remaining 52 bits, plus one: 1..53.
  const int zeros = std::min(std::countl_zero(h << kIndexBits), 64 - kIndexBits);
  rank = std::max(rank, static_cast<std::uint8_t>(zeros + 1));
  is_counted_ = false;
}

void DistinctWindow::turn_into_sketches() {
  is_sketch_ = true;
  sketches_.assign(static_cast<std::size_t>(grid_.size()), {});
  for (const auto& [key, index] : last_seen_) add_to_sketch(index, key);
  last_seen_.clear();
}

double DistinctWindow::estimate() const {
  std::array<std::uint8_t, kRegisters> ranks{};
  for (const Sketch& sketch : sketches_) {
    for (std::size_t i = 0; i < sketch.size(); ++i) ranks[i] = std::max(ranks[i], sketch[i]);
  }
  constexpr int kRankMax = 64 - kIndexBits + 1;
  std::array<int, kRankMax + 1> histogram{};
  for (const std::uint8_t rank : ranks) ++histogram[rank];

  constexpr double kSize = kRegisters;
  double z = kSize * tau(1 - histogram[kRankMax] / kSize);
  for (int rank = kRankMax - 1; rank >= 1; --rank) z = 0.5 * (z + histogram[static_cast<std::size_t>(rank)]);
  z += kSize * sigma(histogram[0] / kSize);
  constexpr double kAlpha = 0.7213475204444817;  // 1 / (2 ln 2)
  return kAlpha * kSize * kSize / z;
}

bool DistinctWindow::is_consistent() const {
  if (last_seen_.size() > exact_max_ || newest_ < -kIndexMax || newest_ > kIndexMax) return false;
  if (is_sketch_ != !sketches_.empty()) return false;
  if (is_sketch_ && sketches_.size() != static_cast<std::size_t>(grid_.size())) return false;
  constexpr std::uint8_t kRankMax = 64 - kIndexBits + 1;
  return std::all_of(sketches_.begin(), sketches_.end(), [&](const Sketch& s) {
    return s.empty() || (s.size() == kRegisters &&
                         std::all_of(s.begin(), s.end(), [&](std::uint8_t rank) { return rank <= kRankMax; }));
  });
}

}  // namespace homeostat::oracle
