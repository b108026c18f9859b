// The book of what each chain quotes, and the best arbitrage over all ordered pairs of chains and all tokens.
//
// Per chain and token a constant-product pool (route.hpp), per chain the cost of a swap's transaction, per ordered pair
// of chains a bridge. Every quote has the time it is of; one older than `staleness_max`, or of a time after `now`, is
// as good as none: no price, no fee, no route through it.
//
// A route from chain i to chain j with token t has, with T the bridge's latency,
//
//     haircut = risk_deviations x volatility_t x sqrt(T in days)        (price risk while the token is on its way)
//     capital_factor = 1 + capital_rate_per_year x T in years           (cost of capital)
//     fixed_cost = swap cost of i + swap cost of j + fixed fee of the bridge
//
// and the size of the most profit within the bridge's limits and `capital_max`. `Objective` says what "best" among
// routes means: the profit or the return on the outlay, each at the size of the most profit (the size of the most
// return goes to zero with the fixed costs, which nobody wants). Ties go to the lower token, then from, then to.
//
// `best` looks at every ordered pair but computes only those that can win: a pair fails the spot bound in two
// multiplications, or the bound of its profit against the best so far in a few more, both never below the truth, so
// the answer is that of the full search. It allocates nothing. Units: numeraire; errors as in route.hpp.
// Source: as route.hpp; the search is our own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "economy/markets/route.hpp"

namespace homeostat::economy::markets {

inline constexpr std::size_t kChainsMax = 64;
inline constexpr std::size_t kTokensMax = 1024;

enum class Objective : std::uint8_t { profit, roi };
constexpr Objective last_of(Objective) {
  return Objective::roi;
}

struct BookSettings {
  Duration staleness_max = Duration::seconds(60);  ///< 1 s..1 d
  double risk_deviations = 1;                      ///< z: how many standard deviations of price are given away, 0..10
  double capital_rate_per_year = 0.1;              ///< 0..10
  double capital_max = 1e6;                        ///< the largest size, 1e-9..1e15
  double profit_min = 0;                           ///< what pays less is not offered, 0..1e15
  double roi_min = 0;                              ///< likewise, 0..10
};
[[nodiscard]] Result<> check(const BookSettings& settings);

struct Token {
  std::string name;
  double volatility_per_sqrt_day = 0.05;  ///< standard deviation of a day's relative price change, 0..10
};

struct Bridge {
  double fixed_fee = 0;                      ///< numeraire per transfer, 0..1e15
  double fee_ratio = 0;                      ///< of the tokens, 0..1
  Duration latency = Duration::minutes(10);  ///< 0..30 d
  double size_min = 0;                       ///< numeraire laid out, 0..1e15
  double size_max = 1e15;
};
[[nodiscard]] Result<> check(const Bridge& bridge);

struct Opportunity {
  std::size_t token = 0, from = 0, to = 0;  ///< indexes into the book
  Trade trade;
  double spot_return = 0;  ///< of an infinitely small size, before fixed costs: what the profit is not
  Duration latency;
  Duration quote_age;  ///< of the oldest quote in it

  bool operator==(const Opportunity&) const = default;
};

class Book {
 public:
  /// Names are unique; 2..kChainsMax chains, 1..kTokensMax tokens. Without quotes and bridges.
  [[nodiscard]] static Result<Book> make(const BookSettings& settings, std::vector<std::string> chains,
                                         std::vector<Token> tokens);

  [[nodiscard]] const BookSettings& settings() const { return settings_; }
  [[nodiscard]] const std::vector<std::string>& chains() const { return chains_; }
  [[nodiscard]] const std::vector<Token>& tokens() const { return tokens_; }
  /// Error unknown_name, with the nearest one.
  [[nodiscard]] Result<std::size_t> chain_named(std::string_view name) const;
  [[nodiscard]] Result<std::size_t> token_named(std::string_view name) const;

  /// Takes a quote; errors leave the book as it was. One older than that which it would replace is a conflict.
  [[nodiscard]] Result<> quote_pool(std::size_t chain, std::size_t token, const Pool& pool, Instant as_of);
  /// What a swap's transaction costs on the chain, numeraire, 0..1e15.
  [[nodiscard]] Result<> quote_swap_cost(std::size_t chain, double cost, Instant as_of);
  /// The bridge from one chain to another (not back).
  [[nodiscard]] Result<> set_bridge(std::size_t from, std::size_t to, const Bridge& bridge);

  /// Errors: unavailable when there is none or it is stale (says how old it is), out_of_range for an index.
  [[nodiscard]] Result<Pool> pool(std::size_t chain, std::size_t token, Instant now) const;
  [[nodiscard]] Result<double> price(std::size_t chain, std::size_t token, Instant now) const;
  [[nodiscard]] Result<double> swap_cost(std::size_t chain, Instant now) const;

  /// The route as it is quoted; the error says what is missing or stale.
  [[nodiscard]] Result<Route> route(std::size_t token, std::size_t from, std::size_t to, Instant now) const;
  /// The best trade of one route; none if it does not pay enough or something of it is stale.
  [[nodiscard]] std::optional<Opportunity> opportunity(std::size_t token, std::size_t from, std::size_t to,
                                                       Instant now) const;
  /// The best of all; none if none pays enough.
  [[nodiscard]] std::optional<Opportunity> best(Objective objective, Instant now) const;
  /// All that pay enough, best first, at most `count_max`. Computes every pair.
  [[nodiscard]] std::vector<Opportunity> all(Objective objective, Instant now, std::size_t count_max) const;

 private:
  struct PoolQuote {
    Pool pool;
    Instant as_of;
  };
  struct CostQuote {
    double cost = 0;
    Instant as_of;
  };
  struct Row;  // what the search needs of one token on all chains
  struct Best;

  Book() = default;
  [[nodiscard]] std::size_t pair(std::size_t from, std::size_t to) const { return from * chains_.size() + to; }
  [[nodiscard]] const PoolQuote& quote(std::size_t chain, std::size_t token) const {
    return pools_[token * chains_.size() + chain];
  }
  [[nodiscard]] bool is_fresh(Instant as_of, Instant now) const {
    return !as_of.is_never() && as_of <= now && now - as_of <= settings_.staleness_max;
  }
  [[nodiscard]] Result<> require_index(std::size_t chain, std::size_t token) const;
  [[nodiscard]] Result<> require_fresh(std::string_view what, Instant as_of, Instant now) const;
  [[nodiscard]] bool is_open(std::size_t token, std::size_t from, std::size_t to, Instant now) const;
  [[nodiscard]] Route route_of(std::size_t token, std::size_t from, std::size_t to) const;
  [[nodiscard]] std::optional<Opportunity> evaluate(std::size_t token, std::size_t from, std::size_t to,
                                                    Instant now) const;
  [[nodiscard]] bool may_win(const Row& row, std::size_t from, std::size_t to, double first_unit,
                             const Best& best) const;
  void fill(Row& row, std::size_t token, Instant now) const;
  void scan(const Row& row, std::size_t token, std::size_t from, Instant now, Best& best) const;

  BookSettings settings_;
  std::vector<std::string> chains_;
  std::vector<Token> tokens_;
  std::vector<PoolQuote> pools_;                ///< by token, then chain
  std::vector<CostQuote> costs_;                ///< by chain
  std::vector<std::optional<Bridge>> bridges_;  ///< by pair
  // Of each bridge by pair, in rows that the search reads one after another; all 0 where there is none.
  std::vector<double> kept_per_capital_;  ///< (1 - b) / k
  std::vector<double> risk_per_capital_;  ///< (1 - b) z sqrt(T) / k, to be multiplied by the volatility
  std::vector<double> root_bound_;        ///< sqrt((1 - b) / k), a little more
  std::vector<double> capital_;           ///< k
  std::vector<double> fixed_fee_;
  std::vector<double> largest_;  ///< the lesser of size_max and capital_max
};

}  // namespace homeostat::economy::markets
