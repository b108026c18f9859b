#include "economy/markets/route.hpp"

#include <algorithm>
#include <cmath>

#include "core/check.hpp"

namespace homeostat::economy::markets {

namespace {
constexpr Range kMoney{0, 1e15};
}

Result<> check(const Pool& pool) {
  return first_error(require("token_reserve", pool.token_reserve, kReserveRange),
                     require("numeraire_reserve", pool.numeraire_reserve, kReserveRange),
                     require("fee_ratio", pool.fee_ratio, {0, 0.5}));
}

Result<> check(const Route& route) {
  return first_error(check(route.buy), check(route.sell), require("bridge_fee_ratio", route.bridge_fee_ratio, {0, 1}),
                     require("haircut_ratio", route.haircut_ratio, {0, 1}),
                     require("capital_factor", route.capital_factor, {1, 100}),
                     require("fixed_cost", route.fixed_cost, kMoney), require("size_min", route.size_min, kMoney),
                     require("size_max", route.size_max, kMoney),
                     require_order("size_min", route.size_min, "size_max", route.size_max));
}

Trade trade_of(const Route& route, double size) {
  HOMEOSTAT_CHECK(size >= 0);
  const double in = (1 - route.buy.fee_ratio) * size;
  Trade t;
  t.size = size;
  t.tokens_bought = route.buy.token_reserve * in / (route.buy.numeraire_reserve + in);
  t.tokens_arriving = (1 - route.bridge_fee_ratio) * t.tokens_bought;
  const double sold = (1 - route.sell.fee_ratio) * t.tokens_arriving;
  t.proceeds = (1 - route.haircut_ratio) * route.sell.numeraire_reserve * sold / (route.sell.token_reserve + sold);
  const double outlay = size + route.fixed_cost;
  t.profit = t.proceeds - route.capital_factor * outlay;
  t.roi = outlay > 0 ? t.profit / outlay : 0;
  return t;
}

std::optional<Trade> best_trade(const Route& route) {
  const double g1 = 1 - route.buy.fee_ratio, g2 = 1 - route.sell.fee_ratio, kept = 1 - route.bridge_fee_ratio;
  const double n = (1 - route.haircut_ratio) * kept * g1 * g2 * route.buy.token_reserve * route.sell.numeraire_reserve;
  const double d0 = route.sell.token_reserve * route.buy.numeraire_reserve;
  if (!(n > route.capital_factor * d0)) return std::nullopt;
  const double d1 = g1 * (route.sell.token_reserve + g2 * kept * route.buy.token_reserve);
  const double best = (std::sqrt(n * d0 / route.capital_factor) - d0) / d1;
  const Trade trade = trade_of(route, std::clamp(std::max(best, 0.0), route.size_min, route.size_max));
  if (!(trade.roi > kRoiNoise)) return std::nullopt;
  return trade;
}

}  // namespace homeostat::economy::markets
