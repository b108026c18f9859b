// Pools beside the ellipsoid, for comparison and as plainer choices for a reserve.
//
// Weighted (constant mean):
//     I = prod b_i^w_i        price of i in j = (b_j / w_j) / (b_i / w_i)
//     minted share of a single deposit a: (1 + a / b)^w - 1, the whole of it: prod (1 + a_i / b_i)^w_i - 1
//     out = b_o (1 - (b_i / (b_i + a))^(w_i / w_o)),  in = b_i ((b_o / (b_o - out))^(w_o / w_i) - 1)
//     guards: one swap moves at most 30 % of a balance, one deposit or withdrawal takes the invariant to 0.7..3 times
// Stable (StableSwap, amplification A, n assets):
//     A n sum x + D = A n D + D^(n+1) / (n^n prod x), solved for D, or for one x, by Newton's method
//
// Balances are rate-scaled values >= 0. Errors: weighted 1e-14 relative of amounts beyond 1e-9 of their balance;
// stable 1e-13 relative of amounts beyond 1 % of their balance. Sources: Balancer v3's WeightedMath; Curve's StableSwap
// [Egorov 2019] as Balancer v3's StableMath has it.
#pragma once

#include "core/result.hpp"
#include "economy/bonding/values.hpp"

namespace homeostat::economy::bonding {

namespace weighted {
inline constexpr double kSwapRatioMax = 0.3;
inline constexpr double kInvariantRatioMin = 0.7;
inline constexpr double kInvariantRatioMax = 3;
inline constexpr double kWeightMin = 0.01;

[[nodiscard]] Result<double> invariant(std::span<const double> balances, std::span<const double> weights);
/// Share of the supply that a deposit (or withdrawal, < 0) mints.
[[nodiscard]] Result<double> minted_share(std::span<const double> balances, std::span<const double> weights,
                                          std::span<const double> deposit);
[[nodiscard]] Result<double> out_given_in(std::span<const double> balances, std::span<const double> weights,
                                          std::size_t in, double amount_in, std::size_t out);
[[nodiscard]] Result<double> in_given_out(std::span<const double> balances, std::span<const double> weights,
                                          std::size_t in, std::size_t out, double amount_out);
}  // namespace weighted

namespace stable {
inline constexpr double kAmplificationMax = 1e6;
/// Newton's method settles in a few steps; a pool at the edge of what doubles hold may not.
inline constexpr int kStepsMax = 255;

/// D: the value of the pool at equal prices.
[[nodiscard]] Result<double> invariant(double amplification, std::span<const double> balances);
[[nodiscard]] Result<double> out_given_in(double amplification, std::span<const double> balances, std::size_t in,
                                          double amount_in, std::size_t out);
}  // namespace stable

}  // namespace homeostat::economy::bonding
