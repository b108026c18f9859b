// The only source of randomness: a seeded generator whose whole state is a value, so that a simulation
// is reproduced by its seed and a saved state goes on exactly where it was. Not for secrets.
//
// xoshiro256++ [Blackman, Vigna 2019], period 2^256 - 1, seeded by SplitMix64 so that near seeds give
// unrelated streams.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/check.hpp"
#include "core/math.hpp"

namespace homeostat {

class Random {
 public:
  explicit constexpr Random(std::uint64_t seed = 0) {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  /// 64 uniform bits.
  constexpr std::uint64_t next_u64() {
    const std::uint64_t result = rotated(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotated(state_[3], 45);
    return result;
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  constexpr double uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }
  /// Uniform in [low, high).
  constexpr double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Uniform in 0 .. n - 1 without bias; n > 0 (CHECKed). Expected draws below two.
  constexpr std::uint64_t below(std::uint64_t n) {
    HOMEOSTAT_CHECK(n > 0);
    const std::uint64_t skip = (0 - n) % n;  // 2^64 mod n: draws below it would favour small results
    for (;;) {
      const std::uint64_t x = next_u64();
      if (x >= skip) return x % n;
    }
  }

  /// True with probability `p`.
  constexpr bool chance(double p) { return uniform() < p; }

  /// Standard normal (mean 0, deviation 1) by the polar method [Marsaglia, Bray 1964]; the second value of
  /// a pair is thrown away, so that the state is four words and nothing else.
  double normal() {
    for (;;) {
      const double u = 2 * uniform() - 1;
      const double v = 2 * uniform() - 1;
      const double s = u * u + v * v;
      if (s < 1 && s > 0) return u * std::sqrt(-2 * math::log(s) / s);
    }
  }

  /// Exponential with the given mean: the waiting time of events at rate 1 / mean.
  double exponential(double mean) { return -mean * math::log(1 - uniform()); }

  bool operator==(const Random&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.state_);
  }

 private:
  static constexpr std::uint64_t rotated(std::uint64_t x, int n) { return (x << n) | (x >> (64 - n)); }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace homeostat
