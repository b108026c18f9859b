// Price stabilisation: what to do when a price leaves its target range. Inside it, nothing is done. Each instrument is
// a function of its own that returns an Intervention; none of them changes anything itself.
//
//     gap = low / price - 1 below the range, price / high - 1 above it, 0 inside
//     intensity = gap_full = 0 ? 1 : min(gap / gap_full, 1)                       how much of the instrument is used
//
// Buy-back and supply increase (the plant TKPI-8 has them with intensity 1):
//
//     below: money  = floor((pool - kept) x pool_rate x intensity)     of the stability pool, > 0 only while pool >
//     kept above: tokens = floor(supply x supply_rate x intensity)
//
// A pool that is drawn by a fraction of what is left runs out gracefully: after n draws (1 - pool_rate)^n of it is
// left; it is never negative, and no last draw is larger than the one before.
//
// Algorithmic: the supply follows the price, in both directions, without a reserve [the idea of Ametrano 2014]:
//
//     tokens = floor(supply x min(gain |price / target - 1|, change_max))         mint above the range, burn below it
//
// Reserve pool: the same buy-back below; above, tokens are sold for the pool up to a ceiling of its size.
//
// Open market: on a constant-product market of x tokens and y money, price y / x, exactly the trade that takes the
// price to the nearer edge of the range, within what is held:
//
//     buy with money = y (sqrt(low / price) - 1)       sell tokens = x (sqrt(price / high) - 1)        no fee
//
// Elastic supply (rebase) with a lag, the linear rule of [Kuo, Iles, Rincon Cruz 2019, Ampleforth]:
//
//     supply' = supply (1 + clamp((price / target - 1) / lag, -change_max, change_max))   outside the range
//
// (Ampleforth's present rule is a sigmoid; the control law of that name has it in fixed point.) Balances follow from
// shares: see `balances_of`, which sums to the supply exactly, and leaves the shares alone.
//
// Units: prices in money per token, both in the same unit as the range; amounts in base units of the token and of the
// pool's currency. Rates are ratios per call. Amounts round down: never more is spent or minted than the formula says.
#pragma once

#include <span>

#include "core/result.hpp"
#include "economy/amount.hpp"
#include "economy/tokenomics/apportion.hpp"
#include "economy/tokenomics/intervention.hpp"

namespace homeostat::economy::tokenomics {

/// Prices taken: kPriceMin..kPriceMax.
inline constexpr double kPriceMin = 1e-30;
inline constexpr double kPriceMax = 1e30;

struct PriceRange {
  double low = 0.95;   ///< kPriceMin..kPriceMax
  double high = 1.05;  ///< low..kPriceMax
};
[[nodiscard]] Result<> check(const PriceRange& range);

struct StabilisationSettings {
  PriceRange range;
  double pool_rate = 0.01;           ///< 0..1, of what the pool can give, per call
  double supply_rate = 0.0002;       ///< 0..1, of the supply, per call
  double gap_full = 0;               ///< 0..100: the gap at which intensity is 1; 0: at once
  Amount pool_kept = 0;              ///< what the pool never goes below
  Amount pool_ceiling = kAmountMax;  ///< the reserve pool is filled up to here, not further
};
[[nodiscard]] Result<> check(const StabilisationSettings& settings);

/// Below the range: buy_back of the pool, else none.
[[nodiscard]] Result<Intervention> buy_back(const StabilisationSettings& settings, double price, Amount pool);
/// Above the range: mint, else none.
[[nodiscard]] Result<Intervention> supply_increase(const StabilisationSettings& settings, double price, Amount supply);
/// Whichever of the two applies.
[[nodiscard]] Result<Intervention> stabilise(const StabilisationSettings& settings, double price, Amount pool,
                                             Amount supply);
/// The reserve pool as an instrument: buy_tokens below, sell_tokens above out of `tokens_held` while the pool is below
/// its ceiling; supply_rate is of what is held.
[[nodiscard]] Result<Intervention> reserve_pool(const StabilisationSettings& settings, double price, Amount pool,
                                                Amount tokens_held);

struct AlgorithmicSettings {
  PriceRange range;
  double target = 1;         ///< within the range
  double gain = 0.1;         ///< 0..10
  double change_max = 0.05;  ///< 0..1, of the supply, per call
};
[[nodiscard]] Result<> check(const AlgorithmicSettings& settings);
[[nodiscard]] Result<Intervention> algorithmic(const AlgorithmicSettings& settings, double price, Amount supply);

/// A constant-product market and what the operator holds beside it.
struct OpenMarket {
  Amount tokens = 0;           ///< in the market, > 0
  Amount money = 0;            ///< in the market, > 0
  Amount money_held = 0;       ///< that may be spent
  Amount tokens_held = 0;      ///< that may be sold
  double money_per_token = 1;  ///< > 0: price of one base unit in base units, x this, is the range's price
                               ///< (10^(decimals of the token - those of the money))
};
/// buy_tokens or sell_tokens, at most what is held (is_pool_spent says that it was not enough), or none.
[[nodiscard]] Result<Intervention> open_market(const PriceRange& range, const OpenMarket& market);

struct RebaseSettings {
  PriceRange range;
  double target = 1;        ///< within the range
  double lag = 10;          ///< 1..1e6: the number of calls over which a gap that stays is answered
  double change_max = 0.1;  ///< 0..1, of the supply, per call
};
[[nodiscard]] Result<> check(const RebaseSettings& settings);
/// rebase to a new supply, or none: inside the range, or when no base unit would move.
[[nodiscard]] Result<Intervention> rebase(const RebaseSettings& settings, double price, Amount supply);

/// Every holder's balance at a supply: apportion(supply, shares), so that balances sum to the supply at every rebase
/// and each is within one base unit of its share, however many rebases there were. Shares change hands at transfers
/// only.
[[nodiscard]] Result<> balances_of(Amount supply, std::span<const Amount> shares, std::span<Amount> balances,
                                   ApportionScratch& scratch);

}  // namespace homeostat::economy::tokenomics
