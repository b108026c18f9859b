// Shares of a pool that are not bought or sold in proportion: the part that is not is a swap, and pays its fee.
//
//     rho = growth / r of a deposit or withdrawal d without fee; taxable_i = |d_i - rho v_i| where it is beyond
//     proportion in:  what is exact in amounts pays fee * taxable out of them; what is exact in shares pays taxable fee
//     / (1 - fee)
//          on top
//     out: the same, out of what is paid or as more shares
//
// Amounts are in the balances' unit, shares as fractions of the supply. Source: Balancer v3 (BasePoolMath), whose
// E-CLP vectors it reproduces. A proportional change never pays.
#pragma once

#include "economy/bonding/surface.hpp"

namespace homeostat::economy::bonding {

/// A fee is below this, so that 1 / (1 - fee) is finite.
inline constexpr double kFeeMax = 0.999999;

struct Added {
  double share = 0;  ///< of the supply before, minted
  Values fees;       ///< paid into the pool beside what minted, per asset
};
[[nodiscard]] Result<Added> add_amounts(const Surface& surface, const Point& point, std::span<const double> amounts,
                                        double fee);

struct Single {
  double amount = 0;  ///< in or out, fee included
  double share = 0;   ///< minted or burned
  double fee = 0;     ///< in units of the asset
};
/// What of `asset` buys `share` (> 0) of the supply.
[[nodiscard]] Result<Single> add_share(const Surface& surface, const Point& point, std::size_t asset, double share,
                                       double fee);
/// What of `asset` a `share` (below 1) of the supply is paid.
[[nodiscard]] Result<Single> remove_share(const Surface& surface, const Point& point, std::size_t asset, double share,
                                          double fee);
/// What share an exact `amount` of `asset` costs.
[[nodiscard]] Result<Single> remove_amount(const Surface& surface, const Point& point, std::size_t asset, double amount,
                                           double fee);

}  // namespace homeostat::economy::bonding
