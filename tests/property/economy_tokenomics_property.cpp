// The token mechanisms under anything: sums are exact, bounds hold, what should rise rises, and no split of an identity
// pays.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/multiprecision/cpp_int.hpp>

#include <cmath>
#include <cstring>

#include "economy/argument.hpp"
#include "economy/tokenomics/distribution.hpp"
#include "economy/tokenomics/incentives.hpp"
#include "economy/tokenomics/inflation.hpp"
#include "economy/tokenomics/rates.hpp"
#include "economy/tokenomics/rewards.hpp"
#include "economy/tokenomics/share.hpp"
#include "economy/tokenomics/stabilisation.hpp"
#include "economy/tokenomics/sybil.hpp"

namespace homeostat::economy::tokenomics {
namespace {

using Big = boost::multiprecision::cpp_int;

Big big(Amount x) {
  return (Big(static_cast<std::uint64_t>(x >> 64)) << 64) | Big(static_cast<std::uint64_t>(x));
}

/// An amount of up to `bits` bits, all lengths alike.
Amount any_amount(int bits = 100) {
  using Wide = unsigned __int128;
  const int length = *rc::gen::inRange(0, bits + 1);
  const Wide x = (Wide{*rc::gen::arbitrary<std::uint64_t>()} << 64) | *rc::gen::arbitrary<std::uint64_t>();
  return std::min(static_cast<Amount>(x & ((Wide{1} << length) - 1)), kAmountMax);
}

double within(double low, double high) {
  const double x = static_cast<double>(*rc::gen::arbitrary<std::uint32_t>()) / 4294967295.0;
  return std::min(low + (high - low) * x, high);
}

/// A double that may be anything: NaN, infinite, tiny, negative.
double anything() {
  const auto bits = *rc::gen::arbitrary<std::uint64_t>();
  double x = 0;
  static_assert(sizeof x == sizeof bits);
  std::memcpy(&x, &bits, sizeof x);
  switch (*rc::gen::inRange(0, 6)) {
    case 0: return x;
    case 1: return within(-2, 2);
    case 2: return within(0, 1);
    case 3: return 0;
    case 4: return *rc::gen::element(kPriceMin, kPriceMax, std::nan(""), INFINITY, -INFINITY, 5e-324);
    default: return within(0, 1e6);
  }
}

std::vector<Amount> any_weights(std::size_t size_max, int bits) {
  std::vector<Amount> weights(*rc::gen::inRange<std::size_t>(1, size_max + 1));
  for (auto& w : weights) w = *rc::gen::inRange(0, 8) == 0 ? 0 : any_amount(bits);
  if (*rc::gen::arbitrary<bool>()) weights.back() = weights.front();
  weights[*rc::gen::inRange<std::size_t>(0, weights.size())] |= 1;
  if (*rc::gen::inRange(0, 20) == 0) weights.resize(weights.size() + 2000, weights.front());
  for (auto& w : weights) w = std::min(w, kAmountMax);
  return weights;
}

Amount sum_of(std::span<const Amount> amounts) {
  Amount sum = 0;
  for (const Amount x : amounts) sum += x;
  return sum;
}

RC_GTEST_PROP(Apportion, SumsExactlyWithinOneUnitOfEveryQuotaAndInOrder, ()) {
  const auto weights = any_weights(60, *rc::gen::inRange(1, 101));
  const Amount budget = any_amount();
  const auto amounts = *apportion(budget, weights);
  RC_ASSERT(sum_of(amounts) == budget);
  Big total = 0;
  for (const Amount w : weights) total += big(w);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    RC_ASSERT(abs(big(amounts[i]) * total - big(budget) * big(weights[i])) < total);
    if (weights[i] == 0) RC_ASSERT(amounts[i] == 0);
    if (i == 0) continue;
    if (weights[i] > weights[i - 1]) RC_ASSERT(amounts[i] >= amounts[i - 1]);
    if (weights[i] < weights[i - 1]) RC_ASSERT(amounts[i] <= amounts[i - 1]);
    if (weights[i] == weights[i - 1]) RC_ASSERT(amounts[i - 1] - amounts[i] <= 1 && amounts[i - 1] >= amounts[i]);
  }
}

RC_GTEST_PROP(Apportion, DoublesThatAreWholeNumbersCountAsTheyDo, ()) {
  const auto weights = any_weights(40, 40);
  const std::vector<double> doubles(weights.begin(), weights.end());
  const Amount budget = any_amount();
  // A weight loses what is below 2^-62 of the largest; with 40 bits none does.
  RC_ASSERT(*apportion(budget, weights) == *apportion(budget, doubles));
}

RC_GTEST_PROP(Inflation, StaysInItsBandAndMovesNoFasterThanItMay, ()) {
  InflationSettings s;
  s.rate_min_per_year = within(0, 0.1);
  s.rate_max_per_year = s.rate_min_per_year + within(0, 0.2);
  s.neutral_rate_per_year = s.rate_min_per_year;
  s.monthly_move_max = within(1e-6, 0.1);
  RC_ASSERT(check(s).has_value());
  double rate = within(s.rate_min_per_year, s.rate_max_per_year);
  for (int month = 0; month < 24; ++month) {
    const auto target = inflation_target(s, {within(0, 1), within(-1, 2), within(-1, 2)});
    const double wanted = *rc::gen::arbitrary<bool>() ? *target : within(-1, 3);
    const auto move = *monthly_move(s, rate, wanted);
    RC_ASSERT(is_in(move.next_per_year, {s.rate_min_per_year, s.rate_max_per_year}));
    RC_ASSERT(std::abs(move.change) <= s.monthly_move_max * (1 + 1e-9) + 1e-16);
    RC_ASSERT((move.next_per_year - rate) * (move.target_per_year - rate) >= 0);
    rate = move.next_per_year;
  }
}

RC_GTEST_PROP(StakingReward, NeverRisesWithParticipationAndKeepsItsBounds, ()) {
  StakingSettings s;
  s.curve = *rc::gen::element(StakingCurve::linear, StakingCurve::inverse_root);
  s.participation_low = within(0, 0.5);
  s.participation_high = within(0.6, 1);
  const double a = within(0, 1), b = within(0, 1);
  const double at_a = *staking_apy(s, std::min(a, b)), at_b = *staking_apy(s, std::max(a, b));
  RC_ASSERT(at_a >= at_b && is_in(at_a, {0.05, 0.15}) && is_in(at_b, {0.05, 0.15}));
}

RC_GTEST_PROP(StabilityFee, NeverFallsWithStressAndKeepsItsBounds, ()) {
  Market calm{within(0.9, 1), 1, within(0, 0.2), within(0, 1)};
  Market wild = calm;
  wild.price -= within(0, 0.5);
  wild.volatility += within(0, 0.2);
  wild.utilisation = std::min(wild.utilisation + within(0, 0.5), 1.0);
  const double low = *stability_fee({}, calm), high = *stability_fee({}, wild);
  RC_ASSERT(low <= high && low >= 0.001 && high <= 0.01);
}

StabilisationSettings any_stabilisation() {
  StabilisationSettings s;
  s.range.low = within(0.5, 1);
  s.range.high = s.range.low + within(0, 0.5);
  s.pool_rate = within(0, 1);
  s.supply_rate = within(0, 0.1);
  s.gap_full = *rc::gen::arbitrary<bool>() ? 0 : within(0, 1);
  s.pool_kept = any_amount(60);
  return s;
}

RC_GTEST_PROP(Stabilisation, ThePoolIsNeverNegativeNorBelowWhatIsKept, ()) {
  const auto s = any_stabilisation();
  Amount pool = any_amount(90), supply = any_amount(95);
  for (int i = 0; i < 60; ++i) {
    const double price = within(0.1, 2);
    const auto action = *stabilise(s, price, pool, supply);
    const bool is_inside = price >= s.range.low && price <= s.range.high;
    if (is_inside) RC_ASSERT(action == Intervention{});
    if (action.kind == InterventionKind::buy_back) {
      RC_ASSERT(price < s.range.low && action.money > 0);
      RC_ASSERT(pool - action.money >= s.pool_kept);
      pool -= action.money;
    } else if (action.kind == InterventionKind::mint) {
      RC_ASSERT(price > s.range.high && action.tokens > 0);
      supply += action.tokens;
      RC_ASSERT(is_amount(supply));
    }
    RC_ASSERT(pool >= 0);
  }
}

RC_GTEST_PROP(Stabilisation, AnOpenMarketTradeNeverOvershootsTheEdge, ()) {
  const PriceRange range{within(0.5, 1), within(1, 2)};
  OpenMarket m{.tokens = any_amount(80) + 1'000'000'000,
               .money = any_amount(80) + 1'000'000'000,
               .money_held = any_amount(),
               .tokens_held = any_amount()};
  const auto action = *open_market(range, m);
  const double x = tokens_of(m.tokens, 0), y = tokens_of(m.money, 0), k = x * y;
  if (action.kind == InterventionKind::buy_tokens) {
    RC_ASSERT(action.money <= m.money_held && y / x < range.low);
    const double after = y + tokens_of(action.money, 0);
    RC_ASSERT(after * after / k <= range.low * (1 + 1e-9));
    if (!action.is_pool_spent) RC_ASSERT(after * after / k >= range.low * (1 - 1e-8));
  } else if (action.kind == InterventionKind::sell_tokens) {
    RC_ASSERT(action.tokens <= m.tokens_held && y / x > range.high);
    const double after = x + tokens_of(action.tokens, 0);
    RC_ASSERT(k / (after * after) >= range.high * (1 - 1e-9));
  }
}

RC_GTEST_PROP(Rebase, ConservesSharesThroughAnySequence, ()) {
  const auto shares = any_weights(30, 80);
  const Amount total = sum_of(shares);
  RebaseSettings s;
  s.lag = within(1, 20);
  Amount supply = std::max<Amount>(any_amount(95), 1);
  ApportionScratch scratch;
  std::vector<Amount> first(shares.size()), balances(shares.size());
  RC_ASSERT(balances_of(supply, shares, first, scratch).has_value());
  const Amount started = supply;
  for (int i = 0; i < 10; ++i) {
    const auto action = *rebase(s, within(0.2, 3), supply);
    if (action.kind == InterventionKind::rebase) supply = action.tokens;
    RC_ASSERT(is_amount(supply));
    RC_ASSERT(balances_of(supply, shares, balances, scratch).has_value());
    RC_ASSERT(sum_of(balances) == supply);
    for (std::size_t h = 0; h < shares.size(); ++h) {
      RC_ASSERT(abs(big(balances[h]) * big(total) - big(supply) * big(shares[h])) < big(total));
    }
  }
  RC_ASSERT(balances_of(started, shares, balances, scratch).has_value());
  RC_ASSERT(balances == first);
}

RC_GTEST_PROP(CappedQuadratic, SplittingAnIdentityNeverGainsABaseUnit, ()) {
  auto contributions = any_weights(12, 70);
  const std::size_t n = contributions.size();
  std::vector<std::uint32_t> clusters(n);
  for (auto& c : clusters) c = *rc::gen::inRange(0U, 4U);
  QuadraticSettings s;
  s.identity_share_max = within(0.001, 1);
  s.cluster_share_max = std::min(s.identity_share_max, within(0.001, 1));
  const Amount budget = any_amount(90);
  QuadraticScratch scratch;
  std::vector<Amount> amounts(n);
  const Amount left = *capped_quadratic(s, budget, contributions, clusters, amounts, scratch);
  RC_ASSERT(left >= 0 && sum_of(amounts) + left == budget);
  for (std::size_t i = 0; i < n; ++i) {
    RC_ASSERT(tokens_of(amounts[i], 0) <= tokens_of(budget, 0) * s.identity_share_max * (1 + 1e-12));
  }

  const auto who = *rc::gen::inRange<std::size_t>(0, n);
  Amount before = 0;  // what its unit got
  for (std::size_t i = 0; i < n; ++i) {
    before += i == who || (clusters[who] != kNoCluster && clusters[i] == clusters[who]) ? amounts[i] : 0;
  }
  // Into up to six identities of its cluster, or of a new one.
  if (clusters[who] == kNoCluster) clusters[who] = 99;
  const std::uint32_t cluster = clusters[who];
  const int parts = *rc::gen::inRange(2, 7);
  for (int k = 1; k < parts; ++k) {
    const Amount piece = part_of(contributions[who], within(0, 0.9));
    contributions[who] -= piece;
    contributions.push_back(piece);
    clusters.push_back(cluster);
  }
  amounts.resize(contributions.size());
  RC_ASSERT(capped_quadratic(s, budget, contributions, clusters, amounts, scratch).has_value());
  Amount after = 0;
  for (std::size_t i = 0; i < contributions.size(); ++i) after += clusters[i] == cluster ? amounts[i] : 0;
  RC_ASSERT(after <= before);
}

RC_GTEST_PROP(PairwiseFunding, KIdentitiesAddAtMostTheirPairsTimesTwiceTheBound, ()) {
  const auto k = *rc::gen::inRange<std::size_t>(1, 12);
  const double pair_max = within(0.1, 100);
  std::vector<double> contributions(k);
  for (auto& c : contributions) c = within(0, 1e12);
  const auto match = pairwise_matches(contributions, 1, pair_max)->front();
  const double pairs = static_cast<double>(k * (k - 1)) / 2;
  RC_ASSERT(match >= 0 && match <= pairs * 2 * pair_max * (1 + 1e-12));
}

RC_GTEST_PROP(Incentive, TheMultiplierStaysInItsBoundsWhateverIsObserved, ()) {
  auto s = incentive_defaults(IncentiveModel::dynamic_multiplier);
  s.gain = within(0, 1);
  s.multiplier_min = within(0.01, 1);
  s.multiplier_max = within(1, 10);
  MultiplierState state;
  for (int day = 0; day < 40; ++day) {
    const auto next = *next_multiplier(s, state, Duration::hours(*rc::gen::inRange(0, 24 * 60)), within(0, 300), 100);
    RC_ASSERT(is_in(next.multiplier, {s.multiplier_min, s.multiplier_max}) && next.period >= state.period);
    RC_ASSERT(std::abs(next.multiplier / state.multiplier - 1) <= s.gain * (1 + 1e-9) + 1e-15);
    state = next;
  }
}

RC_GTEST_PROP(Distribution, AnySharesSumToTheLastUnit, ()) {
  ValueShares shares{within(0, 1), within(0, 1), within(0, 1), within(0.01, 1)};
  const double sum = shares.stakers + shares.treasury + shares.developers + shares.burn;
  shares = {shares.stakers / sum, shares.treasury / sum, shares.developers / sum, shares.burn / sum};
  const Amount value = any_amount();
  const auto out = *distribute_value(shares, value);
  RC_ASSERT(out.stakers + out.treasury + out.developers + out.burn == value);
  RC_ASSERT(out.stakers >= 0 && out.treasury >= 0 && out.developers >= 0 && out.burn >= 0);
}

RC_GTEST_PROP(Rewards, AnEpochSumsToItsBudgetAndMoreQualityNeverEarnsLess, ()) {
  const auto n = *rc::gen::inRange<std::size_t>(1, 50);
  std::vector<double> base(n), quality(n);
  for (auto& b : base) b = within(0.1, 1000);
  for (auto& q : quality) q = within(0, 1);
  std::vector<Amount> amounts(n);
  EpochScratch scratch;
  const auto epoch = *distribute_epoch({}, {within(0, 1), within(0, 5), within(0.1, 5), within(0, 1)}, any_amount(98),
                                       base, quality, amounts, scratch);
  RC_ASSERT(sum_of(amounts) == epoch.budget && is_in(epoch.multiplier, {0.5, 2}));
  const double low = within(0, 1), high = within(low, 1);
  RC_ASSERT(*reward({}, base[0], epoch.multiplier, high) >= *reward({}, base[0], epoch.multiplier, low));
}

RC_GTEST_PROP(AnyArgument, GivesAFiniteAnswerOrNamesWhatIsWrong, ()) {
  const auto judge = [](const auto& result) {
    if (result) {
      RC_ASSERT(std::isfinite(*result));
    } else {
      RC_ASSERT(!result.error().where.empty() && !result.error().message.empty());
    }
  };
  const InflationSettings inflation{anything(), anything(), anything(), anything(),
                                    anything(), anything(), anything(), anything()};
  judge(inflation_target(inflation, {anything(), anything(), anything()}));
  judge(inflation_target({}, {anything(), anything(), anything()}));
  const auto move = monthly_move(inflation, anything(), anything());
  if (move) RC_ASSERT(std::isfinite(move->next_per_year));
  judge(bonded_inflation({anything(), anything(), anything(), anything()}, anything(), anything(), anything()));
  const auto curve = *rc::gen::element(StakingCurve::linear, StakingCurve::inverse_root);
  judge(staking_apy({curve, anything(), anything(), anything(), anything(), anything(), anything()}, anything()));
  judge(stability_fee({}, {anything(), anything(), anything(), anything()}));
  judge(multiplier({anything(), anything(), anything(), anything(), anything(), anything(), anything(), anything()},
                   {anything(), anything(), anything(), anything()}));
  judge(reward({}, anything(), anything(), anything()));
  const Amount pool = any_amount() - *rc::gen::inRange(0, 2), supply = any_amount() + *rc::gen::inRange(0, 2);
  StabilisationSettings s{.range = {anything(), anything()}, .pool_rate = anything(), .supply_rate = anything()};
  s.gap_full = anything();
  for (const auto& action :
       {stabilise(s, anything(), pool, supply), reserve_pool(s, anything(), pool, supply),
        algorithmic({s.range, anything(), anything(), anything()}, anything(), supply),
        rebase({s.range, anything(), anything(), anything()}, anything(), supply),
        open_market(s.range, {any_amount(), any_amount(), any_amount(), any_amount(), anything()})}) {
    if (action) RC_ASSERT(is_amount(action->money) && is_amount(action->tokens));
    if (!action) RC_ASSERT(!action.error().where.empty());
  }
}

}  // namespace
}  // namespace homeostat::economy::tokenomics
