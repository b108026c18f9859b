// From which vaults a withdrawal is taken, and into which a deposit goes: the split that leaves the reserve as near to
// its target weights as that one movement can.
//
// Symbols: u_i value in vault i, w_i its target weight, R the amount, x_i the part of vault i, h_i = u_i / w_i its
// height, L a level.
//
//     minimise  sum w_i phi((u_i - x_i) / w_i)   subject to  sum x_i = R,  lo_i <= x_i <= hi_i,   phi strictly convex
//
// Every vault that gives ends at the same height (Karush-Kuhn-Tucker), whatever phi is:
//
//     withdrawal  x_i = clamp(u_i - w_i L, lo_i, hi_i)   plain: lo = 0, hi = u      water runs off the tallest
//     deposit     x_i = clamp(w_i L - u_i, lo_i, hi_i)   plain: lo = 0, hi = inf    water fills the lowest
//
// so the same split minimises the largest relative overweight, the chi-square distance and the divergence to the
// target. Vaults of weight zero give first and take last, in proportion to what they have to give or to take.
//
// The plain split of a withdrawal may move a vault that gives nothing outside of its band (economy/bonding/safety.hpp).
// The safe bounds exclude that; the proportional split satisfies them, so they are always feasible:
//
//     V = U -+ R the value afterwards,  dev_i = max(eps w_i, |u_i / U - w_i|)
//     withdrawal  lo_i = max(0, u_i - (w_i + dev_i) V)     hi_i = min(u_i, u_i - max(0, w_i - dev_i) V)
//     deposit     lo_i = max(0, (w_i - dev_i) V - u_i)     hi_i = (w_i + dev_i) V - u_i
//
// sum x_i is piecewise linear and monotone in L: L is found by Newton steps kept within a bracket, O(n) each, without
// sorting or memory; the residue of the rounding goes to the vault with the most room, so that the x_i, added in their
// order, are R to one unit in its last place. Derivation: ours, after [Boyd, Vandenberghe 2004, ex. 5.2].
#pragma once

#include <span>

#include "core/result.hpp"

namespace homeostat::economy::bonding {

/// Vaults in one reserve; a bound for whoever keeps arrays of them. The split itself has none.
inline constexpr std::size_t kVaultsMax = 16;

struct SplitBounds {
  std::span<const double> low;
  std::span<const double> high;
};

/// All spans have one element per vault. Returns the level L (infinite when only vaults of weight zero
/// move). Errors name values, weights, amount (with the least and
/// the most that can be moved) or the bounds; `parts` is unspecified after an error.
[[nodiscard]] Result<double> split_withdrawal(std::span<const double> values, std::span<const double> weights,
                                              double amount, std::span<double> parts);
[[nodiscard]] Result<double> split_withdrawal(std::span<const double> values, std::span<const double> weights,
                                              double amount, SplitBounds bounds, std::span<double> parts);
[[nodiscard]] Result<double> split_deposit(std::span<const double> values, std::span<const double> weights,
                                           double amount, std::span<double> parts);
[[nodiscard]] Result<double> split_deposit(std::span<const double> values, std::span<const double> weights,
                                           double amount, SplitBounds bounds, std::span<double> parts);

/// The safe bounds above, wider by the rounding of the shares (8 units), for `band` = eps >= 0 and an amount that the
/// reserve has (0..U for a withdrawal). Infinite where nothing bounds.
void safe_withdrawal_bounds(std::span<const double> values, std::span<const double> weights, double amount, double band,
                            std::span<double> low, std::span<double> high);
void safe_deposit_bounds(std::span<const double> values, std::span<const double> weights, double amount, double band,
                         std::span<double> low, std::span<double> high);

}  // namespace homeostat::economy::bonding
