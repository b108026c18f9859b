// Arbitrage and rebalancing: books and networks made of what was asked, asked once, and forgotten.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/convert/amounts.hpp"
#include "daemon/convert/economy.hpp"
#include "daemon/convert/fields.hpp"
#include "economy/markets/book.hpp"
#include "economy/markets/rebalance.hpp"

namespace homeostat::convert {
namespace {

using namespace economy::markets;
using economy::Amount;

/// Of a search over lanes with fixed fees: some tenths of a second on thousands of lanes, on a thread that answers
/// calls.
constexpr std::uint32_t kRelaxationsMax = 20;

tl::unexpected<Error> at(const std::string& where, Error error) {
  error.where = error.where.empty() ? where : where + "." + error.where;
  return tl::make_unexpected(std::move(error));
}

/// Of a repeated field at `index`.
std::string item(const char* field, int index) {
  return fmt::format("{}[{}]", field, index);
}

/// Unset = `otherwise`. Beyond what an Instant can be: the nearest that it can.
Instant instant_of(bool has, const google::protobuf::Timestamp& proto, Instant otherwise) {
  if (!has) return otherwise;
  constexpr std::int64_t kSecondsMost = 9'000'000'000;
  const std::int64_t seconds = std::clamp<std::int64_t>(proto.seconds(), -kSecondsMost, kSecondsMost);
  return Instant::from_unix_seconds(seconds) + Duration{proto.nanos()};
}

/// Unset = `otherwise`; longer than a year = a year.
Duration duration_of(bool has, const google::protobuf::Duration& proto, Duration otherwise) {
  if (!has) return otherwise;
  constexpr std::int64_t kSecondsMost = 366 * 86'400;
  return Duration::seconds(std::clamp<std::int64_t>(proto.seconds(), -kSecondsMost, kSecondsMost)) +
         Duration{proto.nanos()};
}

Result<> fill(Book& book, const v1::FindArbitrageRequest& request, Instant now) {
  for (int i = 0; i < request.pools_size(); ++i) {
    const v1::PoolQuote& q = request.pools(i);
    const auto chain = book.chain_named(q.chain());
    if (!chain) return at(item("pools", i), chain.error());
    const auto token = book.token_named(q.token());
    if (!token) return at(item("pools", i), token.error());
    const Pool pool{q.token_reserve(), q.numeraire_reserve(), q.fee_ratio()};
    const auto ok = book.quote_pool(*chain, *token, pool, instant_of(q.has_as_of(), q.as_of(), now));
    if (!ok) return at(item("pools", i), ok.error());
  }
  for (int i = 0; i < request.swap_costs_size(); ++i) {
    const v1::SwapCost& c = request.swap_costs(i);
    const auto chain = book.chain_named(c.chain());
    if (!chain) return at(item("swap_costs", i), chain.error());
    const auto ok = book.quote_swap_cost(*chain, c.cost(), instant_of(c.has_as_of(), c.as_of(), now));
    if (!ok) return at(item("swap_costs", i), ok.error());
  }
  for (int i = 0; i < request.bridges_size(); ++i) {
    const v1::BridgeQuote& b = request.bridges(i);
    const auto from = book.chain_named(b.from());
    if (!from) return at(item("bridges", i), from.error());
    const auto to = book.chain_named(b.to());
    if (!to) return at(item("bridges", i), to.error());
    Bridge bridge{.fixed_fee = b.fixed_fee(), .fee_ratio = b.fee_ratio(), .size_min = b.size_min()};
    bridge.latency = duration_of(b.has_latency(), b.latency(), Duration::zero());
    if (b.size_max() != 0) bridge.size_max = b.size_max();
    const auto ok = book.set_bridge(*from, *to, bridge);
    if (!ok) return at(item("bridges", i), ok.error());
  }
  return {};
}

Result<Book> book_of(const v1::FindArbitrageRequest& request) {
  BookSettings settings;
  settings.staleness_max = duration_of(request.has_staleness_max(), request.staleness_max(), settings.staleness_max);
  if (request.capital_max() != 0) settings.capital_max = request.capital_max();
  settings.profit_min = request.profit_min();
  std::vector<Token> tokens;
  for (const v1::MarketToken& t : request.tokens()) tokens.push_back({t.name(), t.volatility_per_sqrt_day()});
  return Book::make(settings, {request.chains().begin(), request.chains().end()}, std::move(tokens));
}

void put(const Book& book, const Opportunity& o, v1::Opportunity& proto) {
  proto.set_token(book.tokens()[o.token].name);
  proto.set_from(book.chains()[o.from]);
  proto.set_to(book.chains()[o.to]);
  proto.set_size(o.trade.size);
  proto.set_tokens_arriving(o.trade.tokens_arriving);
  proto.set_proceeds(o.trade.proceeds);
  proto.set_profit(o.trade.profit);
  proto.set_roi(o.trade.roi);
  proto.set_spot_return(o.spot_return);
  *proto.mutable_quote_age() = proto_from_duration(o.quote_age);
}

/// The index of the holding on a chain.
Result<std::uint32_t> holding_named(const v1::PlanRebalanceRequest& request, const std::string& chain,
                                    const std::string& where) {
  for (int i = 0; i < request.holdings_size(); ++i) {
    if (request.holdings(i).chain() == chain) return static_cast<std::uint32_t>(i);
  }
  return fail(ErrorCode::unknown_name, where, "no holding is on chain '" + chain + "'");
}

/// Empty = `otherwise`.
Result<Amount> optional_amount(const std::string& text, Amount otherwise, const std::string& where) {
  if (text.empty()) return otherwise;
  return amount_from_text(text, where);
}

Result<Lane> lane_of(const v1::PlanRebalanceRequest& request, int index) {
  const v1::BridgeLane& proto = request.lanes(index);
  const std::string where = item("lanes", index);
  const auto from = holding_named(request, proto.from(), where + ".from");
  if (!from) return tl::make_unexpected(from.error());
  const auto to = holding_named(request, proto.to(), where + ".to");
  if (!to) return tl::make_unexpected(to.error());
  Lane lane{.from = *from, .to = *to, .tiers = {}};
  for (int i = 0; i < proto.tiers_size(); ++i) {
    const auto size = amount_from_text(proto.tiers(i).size_units(), fmt::format("{}.tiers[{}].size_units", where, i));
    if (!size) return tl::make_unexpected(size.error());
    lane.tiers.push_back({*size, proto.tiers(i).fee_ppm()});
  }
  const auto fixed = optional_amount(proto.fixed_fee_units(), 0, where + ".fixed_fee_units");
  if (!fixed) return tl::make_unexpected(fixed.error());
  const auto least = optional_amount(proto.size_min_units(), 0, where + ".size_min_units");
  if (!least) return tl::make_unexpected(least.error());
  lane.fixed_fee = *fixed;
  lane.size_min = *least;
  return lane;
}

}  // namespace

Result<v1::FindArbitrageResponse> answer(const v1::FindArbitrageRequest& request, Instant now) {
  if (request.count_max() > kOpportunitiesMax) {
    return fail(ErrorCode::out_of_range, "count_max",
                fmt::format("must be 0 to {}, is {}", kOpportunitiesMax, request.count_max()));
  }
  if (request.pools_size() > kQuotesMax || request.bridges_size() > kQuotesMax) {
    return fail(ErrorCode::out_of_range, "pools", fmt::format("at most {} pools and bridges are taken", kQuotesMax));
  }
  if (!request.objective().empty() && request.objective() != "profit" && request.objective() != "roi") {
    return fail(ErrorCode::invalid_argument, "objective", "must be profit or roi, is '" + request.objective() + "'");
  }
  const Objective objective = request.objective() == "roi" ? Objective::roi : Objective::profit;
  auto book = book_of(request);
  if (!book) return tl::make_unexpected(book.error());
  if (auto ok = fill(*book, request, now); !ok) return tl::make_unexpected(ok.error());
  v1::FindArbitrageResponse out;
  if (request.count_max() == 0) {
    if (const auto best = book->best(objective, now)) put(*book, *best, *out.add_opportunities());
    return out;
  }
  for (const Opportunity& o : book->all(objective, now, request.count_max())) put(*book, o, *out.add_opportunities());
  return out;
}

Result<v1::PlanRebalanceResponse> answer(const v1::PlanRebalanceRequest& request) {
  Holdings holdings;
  holdings.search.relaxations_max = kRelaxationsMax;
  for (int i = 0; i < request.holdings_size(); ++i) {
    const auto units = amount_from_text(request.holdings(i).units(), item("holdings", i) + ".units");
    if (!units) return tl::make_unexpected(units.error());
    holdings.amounts.push_back(*units);
    holdings.target_shares.push_back(request.holdings(i).target_share());
  }
  for (int i = 0; i < request.lanes_size(); ++i) {
    auto lane = lane_of(request, i);
    if (!lane) return tl::make_unexpected(lane.error());
    holdings.lanes.push_back(*std::move(lane));
  }
  const auto moved = optional_amount(request.moved_max_units(), economy::kAmountMax, "moved_max_units");
  if (!moved) return tl::make_unexpected(moved.error());
  holdings.moved_max = *moved;
  if (auto ok = check(holdings); !ok) return tl::make_unexpected(ok.error());
  const Plan plan = rebalance(holdings);
  v1::PlanRebalanceResponse out;
  for (const Leg& leg : plan.legs) {
    v1::RebalanceLeg& proto = *out.add_legs();
    proto.set_from(request.holdings(static_cast<int>(leg.from)).chain());
    proto.set_to(request.holdings(static_cast<int>(leg.to)).chain());
    proto.set_leaves_units(text_of_amount(leg.leaves));
    proto.set_arrives_units(text_of_amount(leg.arrives));
    proto.set_fee_units(text_of_amount(leg.fee));
    proto.set_stage(leg.stage);
  }
  for (const Amount a : plan.after) out.add_after_units(text_of_amount(a));
  for (const Amount a : plan.missing) out.add_missing_units(text_of_amount(a));
  out.set_fees_units(text_of_amount(plan.fees));
  out.set_on_target(plan.is_on_target);
  out.set_optimal(plan.is_optimal);
  return out;
}

}  // namespace homeostat::convert
