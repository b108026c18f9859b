// One arbitrage route: buy a token in a constant-product pool of one chain, bridge it, sell it in one of another.
//
// Symbols: x, y reserves of token and numeraire (1: where it is bought, 2: where it is sold), f swap fee, g = 1 - f,
// b the bridge's proportional fee, h the haircut on the proceeds, F fixed costs (gas on both chains and the bridge's
// fixed fee), k >= 1 one plus the cost of capital over the bridge time, d the size: what is paid into the first pool.
//
//     bought(d)   = x1 g1 d / (y1 + g1 d)                        arriving = (1 - b) bought
//     proceeds(d) = (1 - h) y2 g2 arriving / (x2 + g2 arriving) = N d / (D0 + D1 d)
//     N = (1 - h)(1 - b) g1 g2 x1 y2,   D0 = x2 y1,   D1 = g1 (x2 + g2 (1 - b) x1)
//     profit(d)   = proceeds(d) - k (d + F)                      roi = profit / (d + F)
//
// profit is concave in d, so its maximum has a closed form, and within limits it is at the nearest limit:
//
//     d* = (sqrt(N D0 / k) - D0) / D1,   profit(d*) = (sqrt N - sqrt(k D0))^2 / D1 - k F,   if N > k D0, else none
//
// N / D0 > k is the spot bound: a route whose first unit does not pay cannot pay at any size. The haircut is the price
// risk over the bridge time T, h = z sigma sqrt(T); k = 1 + rate T. The proceeds stay on the second chain: bringing
// them back is the business of the rebalancing (rebalance.hpp).
//
// Units: numeraire (e.g. dollars) unless a name says otherwise. Errors: every reported figure is that of the formulas
// in doubles, within 1e-12 of the outlay; a return below that is rounding and never called a profit.
// Source: swap with fee on what comes in, as in Uniswap v2 [Adams, Zinsmeister, Robinson 2020]; optimal size of two
// pools after one another [Angeris et al. 2019; Wang et al. 2022], here with bridge, risk and fixed costs.
#pragma once

#include <limits>
#include <optional>

#include "core/result.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::markets {

/// Reserves beyond these are not a market but a mistake of units.
inline constexpr Range kReserveRange{1e-9, 1e18};
/// A return on the outlay that is not above this is rounding.
inline constexpr double kRoiNoise = 1e-12;

/// A constant-product pool of a token against the numeraire; its price is numeraire_reserve / token_reserve.
struct Pool {
  double token_reserve = 0;      ///< tokens, kReserveRange
  double numeraire_reserve = 0;  ///< kReserveRange
  double fee_ratio = 0.003;      ///< of what comes in, 0..0.5

  [[nodiscard]] double price() const { return numeraire_reserve / token_reserve; }
  bool operator==(const Pool&) const = default;
};
[[nodiscard]] Result<> check(const Pool& pool);

struct Route {
  Pool buy;
  Pool sell;
  double bridge_fee_ratio = 0;  ///< b, 0..1
  double haircut_ratio = 0;     ///< h, 0..1
  double capital_factor = 1;    ///< k, 1..100
  double fixed_cost = 0;        ///< F, 0..1e15
  double size_min = 0;          ///< limits of the size, 0..1e15
  double size_max = 1e15;
};
[[nodiscard]] Result<> check(const Route& route);

/// What a size gives on a route.
struct Trade {
  double size = 0;             ///< paid into the first pool
  double tokens_bought = 0;    ///< out of it
  double tokens_arriving = 0;  ///< after the bridge's proportional fee
  double proceeds = 0;         ///< out of the second pool, less the haircut
  double profit = 0;           ///< may be negative
  double roi = 0;              ///< profit / (size + fixed_cost); 0 when nothing is laid out

  bool operator==(const Trade&) const = default;
};

/// The trade of `size` >= 0 (CHECKed) on a checked route, its limits aside.
[[nodiscard]] Trade trade_of(const Route& route, double size);
/// The trade with the most profit within the limits; none if no size pays. The route is checked.
[[nodiscard]] std::optional<Trade> best_trade(const Route& route);

}  // namespace homeostat::economy::markets
