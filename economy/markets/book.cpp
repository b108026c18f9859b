#include "economy/markets/book.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/format.hpp"
#include "core/text.hpp"

namespace homeostat::economy::markets {

namespace {

constexpr double kSecondsPerDay = 86400;
constexpr double kSecondsPerYear = 365 * kSecondsPerDay;
/// More than the rounding of a product of five roots: what the bound of a profit is raised by, so that it is one.
constexpr double kBoundSlack = 1 + 1e-14;
constexpr Range kMoney{0, 1e15};

Result<> require_duration(std::string_view name, Duration value, Duration min, Duration max) {
  if (value >= min && value <= max) return {};
  return fail(ErrorCode::out_of_range, std::string(name),
              "must be from " + text_of(min) + " to " + text_of(max) + ", is " + text_of(value));
}

Result<> require_names(std::string_view name, const std::vector<std::string>& names, std::size_t min, std::size_t max) {
  if (names.size() < min || names.size() > max) {
    return fail(
        ErrorCode::out_of_range, std::string(name),
        "must be " + std::to_string(min) + " to " + std::to_string(max) + ", are " + std::to_string(names.size()));
  }
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.front().empty()) return fail(ErrorCode::missing, std::string(name), "must not have an empty name");
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) return fail(ErrorCode::duplicate, std::string(name), "'" + *twice + "' is there twice");
  return {};
}

std::vector<std::string> names_of(const std::vector<Token>& tokens) {
  std::vector<std::string> out;
  for (const Token& t : tokens) out.push_back(t.name);
  return out;
}

Result<std::size_t> index_in(std::string_view what, std::string_view name, const std::vector<std::string>& names) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
  return fail(ErrorCode::unknown_name, std::string(what),
              "'" + std::string(name) + "' is not in the book" + did_you_mean(name, names));
}

bool is_better(Objective objective, const Opportunity& a, const Opportunity& b) {
  return objective == Objective::profit ? a.trade.profit > b.trade.profit : a.trade.roi > b.trade.roi;
}

}  // namespace

Result<> check(const BookSettings& s) {
  return first_error(require_duration("staleness_max", s.staleness_max, Duration::seconds(1), Duration::days(1)),
                     require("risk_deviations", s.risk_deviations, {0, 10}),
                     require("capital_rate_per_year", s.capital_rate_per_year, {0, 10}),
                     require("capital_max", s.capital_max, {1e-9, 1e15}), require("profit_min", s.profit_min, kMoney),
                     require("roi_min", s.roi_min, {0, 10}));
}

Result<> check(const Bridge& b) {
  return first_error(require("fixed_fee", b.fixed_fee, kMoney), require("fee_ratio", b.fee_ratio, {0, 1}),
                     require_duration("latency", b.latency, Duration::zero(), Duration::days(30)),
                     require("size_min", b.size_min, kMoney), require("size_max", b.size_max, kMoney),
                     require_order("size_min", b.size_min, "size_max", b.size_max));
}

Result<Book> Book::make(const BookSettings& settings, std::vector<std::string> chains, std::vector<Token> tokens) {
  auto ok = first_error(check(settings), require_names("chains", chains, 2, kChainsMax),
                        require_names("tokens", names_of(tokens), 1, kTokensMax));
  if (!ok) return tl::make_unexpected(ok.error());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    ok = require("tokens[" + std::to_string(i) + "].volatility_per_sqrt_day", tokens[i].volatility_per_sqrt_day,
                 {0, 10});
    if (!ok) return tl::make_unexpected(ok.error());
  }
  Book book;
  book.settings_ = settings;
  book.pools_.resize(chains.size() * tokens.size());
  book.costs_.resize(chains.size());
  const std::size_t pairs = chains.size() * chains.size();
  book.bridges_.resize(pairs);
  for (auto* row : {&book.kept_per_capital_, &book.risk_per_capital_, &book.root_bound_, &book.capital_,
                    &book.fixed_fee_, &book.largest_}) {
    row->resize(pairs);
  }
  book.chains_ = std::move(chains);
  book.tokens_ = std::move(tokens);
  return book;
}

Result<std::size_t> Book::chain_named(std::string_view name) const {
  return index_in("chain", name, chains_);
}

Result<std::size_t> Book::token_named(std::string_view name) const {
  return index_in("token", name, names_of(tokens_));
}

Result<> Book::require_index(std::size_t chain, std::size_t token) const {
  if (chain >= chains_.size()) {
    return fail(ErrorCode::out_of_range, "chain",
                "must be below " + std::to_string(chains_.size()) + ", is " + std::to_string(chain));
  }
  if (token >= tokens_.size()) {
    return fail(ErrorCode::out_of_range, "token",
                "must be below " + std::to_string(tokens_.size()) + ", is " + std::to_string(token));
  }
  return {};
}

Result<> Book::require_fresh(std::string_view what, Instant as_of, Instant now) const {
  if (is_fresh(as_of, now)) return {};
  if (as_of.is_never()) return fail(ErrorCode::unavailable, std::string(what), "has not been quoted");
  if (as_of > now) {
    return fail(ErrorCode::unavailable, std::string(what), "is quoted for " + text_of(as_of - now) + " from now");
  }
  return fail(ErrorCode::unavailable, std::string(what),
              "is stale, " + text_of(now - as_of) + " old, at most " + text_of(settings_.staleness_max));
}

Result<> Book::quote_pool(std::size_t chain, std::size_t token, const Pool& pool, Instant as_of) {
  if (auto ok = first_error(require_index(chain, token), check(pool)); !ok) return ok;
  PoolQuote& q = pools_[token * chains_.size() + chain];
  if (as_of.is_never() || as_of < q.as_of) {
    return fail(ErrorCode::conflict, "as_of", "must not be before the quote that there is, of " + text_of(q.as_of));
  }
  q = {pool, as_of};
  return {};
}

Result<> Book::quote_swap_cost(std::size_t chain, double cost, Instant as_of) {
  if (auto ok = first_error(require_index(chain, 0), require("swap_cost", cost, kMoney)); !ok) return ok;
  CostQuote& q = costs_[chain];
  if (as_of.is_never() || as_of < q.as_of) {
    return fail(ErrorCode::conflict, "as_of", "must not be before the quote that there is, of " + text_of(q.as_of));
  }
  q = {cost, as_of};
  return {};
}

Result<> Book::set_bridge(std::size_t from, std::size_t to, const Bridge& bridge) {
  if (auto ok = first_error(require_index(from, 0), require_index(to, 0), check(bridge)); !ok) return ok;
  if (from == to) return fail(ErrorCode::invalid_argument, "to", "must be another chain than from");
  const double seconds = bridge.latency.in_seconds();
  const double capital = 1 + settings_.capital_rate_per_year * seconds / kSecondsPerYear;
  const double kept = (1 - bridge.fee_ratio) / capital;
  bridges_[pair(from, to)] = bridge;
  kept_per_capital_[pair(from, to)] = kept;
  risk_per_capital_[pair(from, to)] = kept * settings_.risk_deviations * std::sqrt(seconds / kSecondsPerDay);
  root_bound_[pair(from, to)] = std::sqrt(kept) * kBoundSlack;
  capital_[pair(from, to)] = capital;
  fixed_fee_[pair(from, to)] = bridge.fixed_fee;
  largest_[pair(from, to)] = std::min(bridge.size_max, settings_.capital_max);
  return {};
}

Result<Pool> Book::pool(std::size_t chain, std::size_t token, Instant now) const {
  if (auto ok = require_index(chain, token); !ok) return tl::make_unexpected(ok.error());
  const PoolQuote& q = quote(chain, token);
  if (auto ok = require_fresh("pool of " + tokens_[token].name + " on " + chains_[chain], q.as_of, now); !ok) {
    return tl::make_unexpected(ok.error());
  }
  return q.pool;
}

Result<double> Book::price(std::size_t chain, std::size_t token, Instant now) const {
  return pool(chain, token, now).map([](const Pool& p) { return p.price(); });
}

Result<double> Book::swap_cost(std::size_t chain, Instant now) const {
  auto ok = require_index(chain, 0);
  if (ok) ok = require_fresh("swap_cost of " + chains_[chain], costs_[chain].as_of, now);
  if (!ok) return tl::make_unexpected(ok.error());
  return costs_[chain].cost;
}

Route Book::route_of(std::size_t token, std::size_t from, std::size_t to) const {
  const Bridge& bridge = *bridges_[pair(from, to)];
  const double seconds = bridge.latency.in_seconds();
  Route r;
  r.buy = quote(from, token).pool;
  r.sell = quote(to, token).pool;
  r.bridge_fee_ratio = bridge.fee_ratio;
  r.haircut_ratio = std::min(
      1.0, settings_.risk_deviations * tokens_[token].volatility_per_sqrt_day * std::sqrt(seconds / kSecondsPerDay));
  r.capital_factor = 1 + settings_.capital_rate_per_year * seconds / kSecondsPerYear;
  r.fixed_cost = costs_[from].cost + costs_[to].cost + bridge.fixed_fee;
  r.size_max = std::min(bridge.size_max, settings_.capital_max);
  r.size_min = std::min(bridge.size_min, r.size_max);
  return r;
}

Result<Route> Book::route(std::size_t token, std::size_t from, std::size_t to, Instant now) const {
  auto bought = pool(from, token, now);
  if (!bought) return tl::make_unexpected(bought.error());
  auto sold = pool(to, token, now);
  if (!sold) return tl::make_unexpected(sold.error());
  for (const std::size_t chain : {from, to}) {
    if (auto cost = swap_cost(chain, now); !cost) return tl::make_unexpected(cost.error());
  }
  const auto& bridge = bridges_[pair(from, to)];
  if (!bridge)
    return fail(ErrorCode::unavailable, "bridge", "there is none from " + chains_[from] + " to " + chains_[to]);
  if (bridge->size_min > settings_.capital_max) {
    return fail(ErrorCode::unavailable, "bridge",
                "takes nothing below " + short_text(bridge->size_min) + ", more than capital_max " +
                    short_text(settings_.capital_max));
  }
  return route_of(token, from, to);
}

bool Book::is_open(std::size_t token, std::size_t from, std::size_t to, Instant now) const {
  const std::size_t n = chains_.size();
  return token < tokens_.size() && from < n && to < n && bridges_[pair(from, to)] &&
         is_fresh(quote(from, token).as_of, now) && is_fresh(quote(to, token).as_of, now) &&
         is_fresh(costs_[from].as_of, now) && is_fresh(costs_[to].as_of, now);
}

std::optional<Opportunity> Book::evaluate(std::size_t token, std::size_t from, std::size_t to, Instant now) const {
  const Bridge& bridge = *bridges_[pair(from, to)];
  if (bridge.size_min > settings_.capital_max) return std::nullopt;
  const Route r = route_of(token, from, to);
  const auto trade = best_trade(r);
  if (!trade || trade->profit < settings_.profit_min || trade->roi < settings_.roi_min) return std::nullopt;
  const Instant oldest = std::min(std::min(quote(from, token).as_of, quote(to, token).as_of),
                                  std::min(costs_[from].as_of, costs_[to].as_of));
  const double first_unit = (1 - r.buy.fee_ratio) * (1 - r.sell.fee_ratio) * (1 - r.bridge_fee_ratio) *
                            (1 - r.haircut_ratio) * r.sell.price() / r.buy.price();
  return Opportunity{token, from, to, *trade, first_unit - r.capital_factor, bridge.latency, now - oldest};
}

std::optional<Opportunity> Book::opportunity(std::size_t token, std::size_t from, std::size_t to, Instant now) const {
  if (!is_open(token, from, to, now)) return std::nullopt;
  return evaluate(token, from, to, now);
}

/// Of one token on every chain; what is stale sells for nothing and is not bought.
struct Book::Row {
  std::array<double, kChainsMax> buy, sell;         ///< price of the first unit with the swap fee
  std::array<double, kChainsMax> root_x1, root_y1;  ///< sqrt(g x), sqrt(y)
  std::array<double, kChainsMax> root_y2, root_x2;  ///< sqrt(g y), sqrt(x)
  std::array<double, kChainsMax> x, g;
  std::array<bool, kChainsMax> fresh;
};

struct Book::Best {
  Objective objective = Objective::profit;
  std::optional<Opportunity> found;
  double mark = 0;  ///< profit or roi that the next one must exceed
};

void Book::fill(Row& row, std::size_t token, Instant now) const {
  for (std::size_t c = 0; c < chains_.size(); ++c) {
    const PoolQuote& q = quote(c, token);
    row.sell[c] = 0;
    row.fresh[c] = is_fresh(q.as_of, now) && is_fresh(costs_[c].as_of, now);
    if (!row.fresh[c]) continue;
    const double g = 1 - q.pool.fee_ratio, x = q.pool.token_reserve, y = q.pool.numeraire_reserve;
    row.buy[c] = y / (x * g);
    row.sell[c] = g * y / x;
    row.root_x1[c] = std::sqrt(g * x);
    row.root_y1[c] = std::sqrt(y);
    row.root_y2[c] = std::sqrt(g * y);
    row.root_x2[c] = std::sqrt(x);
    row.x[c] = x;
    row.g[c] = g;
  }
}

/// Whether the pair may beat the best so far; false only if it cannot. Without the haircut, which only takes, with
/// r = first_unit / buy >= N / (k D0), gap = sqrt(N / k) - sqrt(D0), and no root or division:
///
///     profit / k <= gap^2 / D1 - F,   profit / k <= (r - 1) x largest size - F,
///     roi / k <= r - 1,   and where d* = sqrt(D0) gap / D1 is allowed, (gap^2 - F D1) / (sqrt(D0) gap + F D1)
bool Book::may_win(const Row& row, std::size_t from, std::size_t to, double first_unit, const Best& best) const {
  const std::size_t p = pair(from, to);
  const double root_d0 = row.root_y1[from] * row.root_x2[to];
  const double gap = row.root_x1[from] * row.root_y2[to] * root_bound_[p] - root_d0;
  const double d1 = row.g[from] * (row.x[to] + row.g[to] * kept_per_capital_[p] * capital_[p] * row.x[from]);
  const double fixed = costs_[from].cost + costs_[to].cost + fixed_fee_[p];
  const double buy = row.buy[from], over = first_unit * kBoundSlack - buy, mark = best.mark;
  if (best.objective == Objective::profit) {
    const double beat = mark + capital_[p] * fixed;
    return gap * gap * capital_[p] * kBoundSlack >= beat * d1 && over * largest_[p] * capital_[p] >= beat * buy;
  }
  if (over * capital_[p] < mark * buy) return false;
  const double step = root_d0 * gap;
  if (step > largest_[p] * d1) return true;
  return (gap * gap * kBoundSlack - fixed * d1) * capital_[p] >= mark * (step + fixed * d1);
}

void Book::scan(const Row& row, std::size_t token, std::size_t from, Instant now, Best& best) const {
  const double* kept = &kept_per_capital_[pair(from, 0)];
  const double* risk = &risk_per_capital_[pair(from, 0)];
  const double volatility = tokens_[token].volatility_per_sqrt_day, buy = row.buy[from];
  // The spot bound N / (k D0) > 1; no bridge and no fresh quote are zeros. Gathered without a branch: half of the pairs
  // of a wild market pass it, and guessing which costs more than the arithmetic.
  std::array<std::uint8_t, kChainsMax> passing;
  std::array<double, kChainsMax> first_unit;
  std::size_t count = 0;
  for (std::size_t to = 0; to < chains_.size(); ++to) {
    first_unit[to] = row.sell[to] * (kept[to] - volatility * risk[to]);
    passing[count] = static_cast<std::uint8_t>(to);
    count += first_unit[to] > buy ? 1 : 0;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t to = passing[i];
    if (!may_win(row, from, to, first_unit[to], best)) [[likely]]
      continue;
    const auto candidate = evaluate(token, from, to, now);
    if (!candidate || (best.found && !is_better(best.objective, *candidate, *best.found))) continue;
    best.found = candidate;
    best.mark = best.objective == Objective::profit ? candidate->trade.profit : candidate->trade.roi;
  }
}

std::optional<Opportunity> Book::best(Objective objective, Instant now) const {
  Best best{objective, std::nullopt, 0};
  best.mark = objective == Objective::profit ? settings_.profit_min : settings_.roi_min;
  Row row;
  for (std::size_t token = 0; token < tokens_.size(); ++token) {
    fill(row, token, now);
    for (std::size_t from = 0; from < chains_.size(); ++from) {
      if (row.fresh[from]) scan(row, token, from, now, best);
    }
  }
  return best.found;
}

std::vector<Opportunity> Book::all(Objective objective, Instant now, std::size_t count_max) const {
  std::vector<Opportunity> out;
  for (std::size_t token = 0; token < tokens_.size(); ++token) {
    for (std::size_t from = 0; from < chains_.size(); ++from) {
      for (std::size_t to = 0; to < chains_.size(); ++to) {
        if (auto found = opportunity(token, from, to, now)) out.push_back(*found);
      }
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [&](const Opportunity& a, const Opportunity& b) { return is_better(objective, a, b); });
  if (out.size() > count_max) out.erase(out.begin() + static_cast<std::ptrdiff_t>(count_max), out.end());
  return out;
}

}  // namespace homeostat::economy::markets
