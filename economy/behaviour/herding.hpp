// Herding: opinions that feed on each other.
//
// The mean field: z = (share for) - (share against) in [-1, 1], s a sentiment in [-1, 1],
//
//     dz/dt = r (tanh(a0 s + a1 z) - z)
//
// r per day, a1 the pull of the crowd, a0 that of the sentiment. Below a1 = 1 the only rest without sentiment is z = 0;
// above it there are two more, and a crowd stays where it is. Runge-Kutta of fourth order with steps of at most 0.05 /
// r, at most kHerdingStepsMax of them (then z rests to 1e-9 or better, but very near a1 = 1): error below 1e-6.
//
// The ants: of N, k for. In one meeting one changes by itself with epsilon or is recruited with 1 - delta,
//
//     up(k) = (1 - k/N)(epsilon + (1 - delta) k / (N - 1)),   down(k) = (k/N)(epsilon + (1 - delta)(N - k) / (N - 1))
//
// The stationary distribution, pi(k + 1) / pi(k) = up(k) / down(k + 1), has two peaks at the ends when epsilon is
// below (1 - delta) / (N - 1), is flat there and has one peak above. Relative error below 1e-12.
// Source: [Lux 1995] for the rests, with the rate of [Brock, Durlauf 2001]; [Kirman 1993] for the ants.
#pragma once

#include <cstdint>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::economy::behaviour {

inline constexpr std::uint32_t kHerdingStepsMax = 4000;
inline constexpr std::uint32_t kAntsMax = 10'000;

struct HerdingSettings {
  double rate_per_day = 0.5;    ///< r, 0..100
  double crowd_pull = 0.8;      ///< a1, 0..3
  double sentiment_pull = 0.5;  ///< a0, 0..3
};
[[nodiscard]] Result<> check(const HerdingSettings& settings);

/// z after `time` (negative counts as zero) of constant sentiment; both and the result in [-1, 1].
[[nodiscard]] double opinion_after(const HerdingSettings& settings, double opinion, double sentiment, Duration time);

struct AntSettings {
  std::uint32_t ants = 100;    ///< N, 2..kAntsMax
  double self_change = 0.002;  ///< epsilon, 1e-9..1
  double recruitment = 0.01;   ///< 1 - delta, 0..1
};
[[nodiscard]] Result<> check(const AntSettings& settings);
/// Probability of k = 0..N; sums to 1.
[[nodiscard]] std::vector<double> stationary(const AntSettings& settings);

/// How a sentiment is made of counts: (positive - negative) / (positive + negative + prior), in (-1, 1); few voices say
/// little. Counts 0..1e15, prior 1e-9..1e15 (voices that are worth no opinion).
[[nodiscard]] Result<double> sentiment_of(double positive, double negative, double prior = 10);

}  // namespace homeostat::economy::behaviour
