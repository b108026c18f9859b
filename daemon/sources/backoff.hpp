// Exponential waiting with deterministic jitter. Pure: no clock, the generator's state is inside.
#pragma once

#include <algorithm>
#include <cstdint>

#include "daemon/sources/settings.hpp"

namespace homeostat::sources {

class Backoff {
 public:
  explicit Backoff(BackoffSettings settings) : settings_(settings), random_(settings.seed) {}

  /// How long to wait after one more failure: first x 2^n up to max, minus up to a quarter.
  [[nodiscard]] Duration next() {
    const std::uint32_t shift = std::min<std::uint32_t>(failures_, 30);
    failures_ = std::min<std::uint32_t>(failures_ + 1, 30);
    const Duration full = std::min(settings_.first * (std::int64_t{1} << shift), settings_.max);
    const auto quarter = static_cast<std::uint64_t>(std::max<std::int64_t>(full.ns / 4, 1));
    return full - Duration{static_cast<std::int64_t>(draw() % quarter)};
  }
  void reset() { failures_ = 0; }
  [[nodiscard]] std::uint32_t failures() const { return failures_; }

 private:
  std::uint64_t draw() {  // SplitMix64 [Steele 2014]
    random_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = random_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  BackoffSettings settings_;
  std::uint64_t random_;
  std::uint32_t failures_ = 0;
};

}  // namespace homeostat::sources
