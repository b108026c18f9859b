#include "economy/tokenomics/stabilisation.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "economy/argument.hpp"
#include "economy/tokenomics/share.hpp"

namespace homeostat::economy::tokenomics {

namespace {
constexpr Range kPrice{kPriceMin, kPriceMax};
constexpr Range kRatio{0, 1};

double gap_below(const PriceRange& range, double price) {
  return price < range.low ? range.low / price - 1 : 0;
}
double gap_above(const PriceRange& range, double price) {
  return price > range.high ? price / range.high - 1 : 0;
}
double intensity(const StabilisationSettings& s, double gap) {
  if (gap <= 0) return 0;
  return s.gap_full == 0 ? 1 : std::min(gap / s.gap_full, 1.0);
}

Result<> check_target(const PriceRange& range, double target) {
  if (auto ok = check(range); !ok) return ok;
  return require("target", target, {range.low, range.high});
}

/// What the pool gives below the range; CHECKed arguments.
Intervention drawn(const StabilisationSettings& s, InterventionKind kind, double strength, Amount pool) {
  if (strength <= 0) return {};
  const Amount can_give = std::max<Amount>(pool - s.pool_kept, 0);
  const Amount money = part_of(can_give, s.pool_rate * strength);
  // Wanted, and not a base unit to spend: run out, if it was not the settings that asked for nothing.
  if (money == 0) return {.is_pool_spent = s.pool_rate > 0};
  return {.kind = kind, .money = money};
}
}  // namespace

Result<> check(const PriceRange& range) {
  return first_error(require("range.low", range.low, kPrice), require("range.high", range.high, kPrice),
                     require_order("range.low", range.low, "range.high", range.high));
}

Result<> check(const StabilisationSettings& s) {
  return first_error(check(s.range), require("pool_rate", s.pool_rate, kRatio),
                     require("supply_rate", s.supply_rate, kRatio), require("gap_full", s.gap_full, {0, 100}),
                     require_amount("pool_kept", s.pool_kept), require_amount("pool_ceiling", s.pool_ceiling));
}

Result<Intervention> buy_back(const StabilisationSettings& s, double price, Amount pool) {
  if (auto ok = first_error(check(s), require("price", price, kPrice), require_amount("pool", pool)); !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  return drawn(s, InterventionKind::buy_back, intensity(s, gap_below(s.range, price)), pool);
}

Result<Intervention> supply_increase(const StabilisationSettings& s, double price, Amount supply) {
  if (auto ok = first_error(check(s), require("price", price, kPrice), require_amount("supply", supply)); !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const double strength = intensity(s, gap_above(s.range, price));
  const Amount tokens = std::min(part_of(supply, s.supply_rate * strength), kAmountMax - supply);
  if (tokens == 0) return Intervention{};
  return Intervention{.kind = InterventionKind::mint, .tokens = tokens};
}

Result<Intervention> stabilise(const StabilisationSettings& s, double price, Amount pool, Amount supply) {
  auto below = buy_back(s, price, pool);
  if (!below) return below;
  auto above = supply_increase(s, price, supply);
  if (!above || above->kind != InterventionKind::none) return above;
  return below;
}

Result<Intervention> reserve_pool(const StabilisationSettings& s, double price, Amount pool, Amount tokens_held) {
  if (auto ok = first_error(check(s), require("price", price, kPrice), require_amount("pool", pool),
                            require_amount("tokens_held", tokens_held));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const double above = intensity(s, gap_above(s.range, price));
  if (above <= 0) return drawn(s, InterventionKind::buy_tokens, intensity(s, gap_below(s.range, price)), pool);
  const Amount tokens = pool < s.pool_ceiling ? part_of(tokens_held, s.supply_rate * above) : 0;
  if (tokens == 0) return Intervention{};
  return Intervention{.kind = InterventionKind::sell_tokens, .tokens = tokens};
}

Result<> check(const AlgorithmicSettings& s) {
  return first_error(check_target(s.range, s.target), require("gain", s.gain, {0, 10}),
                     require("change_max", s.change_max, kRatio));
}

Result<Intervention> algorithmic(const AlgorithmicSettings& s, double price, Amount supply) {
  if (auto ok = first_error(check(s), require("price", price, kPrice), require_amount("supply", supply)); !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  if (price >= s.range.low && price <= s.range.high) return Intervention{};
  const double ratio = std::min(s.gain * std::abs(price / s.target - 1), s.change_max);
  Amount tokens = part_of(supply, ratio);
  if (price > s.range.high) tokens = std::min(tokens, kAmountMax - supply);
  if (tokens == 0) return Intervention{};
  return Intervention{.kind = price > s.range.high ? InterventionKind::mint : InterventionKind::burn, .tokens = tokens};
}

Result<Intervention> open_market(const PriceRange& range, const OpenMarket& m) {
  if (auto ok = first_error(check(range), require_amount("tokens", m.tokens), require_amount("money", m.money),
                            require_amount("money_held", m.money_held), require_amount("tokens_held", m.tokens_held),
                            require("money_per_token", m.money_per_token, {1e-18, 1e18}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  if (m.tokens == 0) return fail(ErrorCode::missing, "tokens", "must be above 0 in the market");
  if (m.money == 0) return fail(ErrorCode::missing, "money", "must be above 0 in the market");
  const double price = tokens_of(m.money, 0) / tokens_of(m.tokens, 0) * m.money_per_token;
  const bool is_below = price < range.low;
  const Amount depth = is_below ? m.money : m.tokens;
  const Amount held = is_below ? m.money_held : m.tokens_held;
  const double ratio = is_below             ? std::sqrt(range.low / price) - 1
                       : price > range.high ? std::sqrt(price / range.high) - 1
                                            : 0;
  if (ratio <= 0) return Intervention{};
  // Beyond what an amount can be is beyond what is held, too.
  const auto exact = share_of(depth, ratio);
  const Amount wanted = exact ? *exact : kAmountMax;
  const Amount traded = std::min(wanted, held);
  Intervention out{.is_pool_spent = traded < wanted};
  if (traded == 0) return out;
  out.kind = is_below ? InterventionKind::buy_tokens : InterventionKind::sell_tokens;
  (is_below ? out.money : out.tokens) = traded;
  return out;
}

Result<> check(const RebaseSettings& s) {
  return first_error(check_target(s.range, s.target), require("lag", s.lag, {1, 1e6}),
                     require("change_max", s.change_max, kRatio));
}

Result<Intervention> rebase(const RebaseSettings& s, double price, Amount supply) {
  if (auto ok = first_error(check(s), require("price", price, kPrice), require_amount("supply", supply)); !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  if (price >= s.range.low && price <= s.range.high) return Intervention{};
  const double change = std::clamp((price / s.target - 1) / s.lag, -s.change_max, s.change_max);
  const Amount moved = part_of(supply, std::abs(change));
  const Amount next = change < 0 ? supply - moved : supply + std::min(moved, kAmountMax - supply);
  if (next == supply) return Intervention{};
  return Intervention{.kind = InterventionKind::rebase, .tokens = next};
}

Result<> balances_of(Amount supply, std::span<const Amount> shares, std::span<Amount> balances,
                     ApportionScratch& scratch) {
  return apportion(supply, shares, balances, scratch);
}

}  // namespace homeostat::economy::tokenomics
