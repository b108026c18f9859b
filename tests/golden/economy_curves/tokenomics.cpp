// Rewards, incentives, issuance, rates.
#include <array>
#include <span>
#include <string>

#include "core/statistics.hpp"
#include "economy/tokenomics/apportion.hpp"
#include "economy/tokenomics/distribution.hpp"
#include "economy/tokenomics/incentives.hpp"
#include "economy/tokenomics/inflation.hpp"
#include "economy/tokenomics/rates.hpp"
#include "economy/tokenomics/rewards.hpp"
#include "economy/tokenomics/sybil.hpp"
#include "tests/golden/economy_curves/curves.hpp"

namespace homeostat::curves {
namespace {

using namespace economy::tokenomics;
using economy::Amount;

IncentiveSettings incentive_of(IncentiveModel model) {
  auto out = incentive_defaults(model);
  out.rate = 2;
  out.activity_reference = 100;
  out.half_life = Duration::days(14);
  return out;
}

Figure incentives() {
  Panel size{"By size", {"activity a", 0, 200}, {"worth, tokens", 0, 800}, {}, {{100, 200, "a_ref: all agree", true}}};
  for (const auto& [model, label] : {std::pair{IncentiveModel::quadratic, "quadratic"},
                                     {IncentiveModel::linear, "linear"},
                                     {IncentiveModel::square_root, "square_root"}}) {
    const auto settings = incentive_of(model);
    size.series.push_back(
        sample(label, 0, 200, 200, [&](double a) { return must(incentive(settings, a, Duration{})); }));
  }
  Panel time{"By time, an activity of 50", {"day of the programme", 0, 56}, {"worth, tokens", 0, 220}, {}, {}};
  const auto decay = incentive_of(IncentiveModel::exponential_decay);
  const auto dynamic = incentive_of(IncentiveModel::dynamic_multiplier);
  Series decayed{"exponential_decay, halves in 14 days", {}};
  Series moved{"dynamic_multiplier: half of the goal, from day 28 twice", {}};
  MultiplierState state;
  for (int quarter = 0; quarter <= 4 * 56; ++quarter) {
    const auto t = Duration::hours(6 * quarter);
    state = must(next_multiplier(dynamic, state, t, quarter < 4 * 28 ? 50 : 200, 100));
    decayed.points.emplace_back(quarter / 4.0, must(incentive(decay, 50, t)));
    moved.points.emplace_back(quarter / 4.0, must(incentive(dynamic, 50, t, state)));
  }
  time.series = {decayed, moved};
  return {"incentives", "Incentive models: what an activity is worth", {size, time}};
}

Figure rewards() {
  Panel network{"The network's multiplier", {"participation, % (goal 60)", 0, 100}, {"multiplier", 0.4, 1.6}, {}, {}};
  const RewardSettings settings;
  for (const auto& [congestion, label] :
       {std::pair{0.0, "no congestion"}, {0.5, "congestion 50 %"}, {1.0, "congestion 100 %"}}) {
    network.series.push_back(sample(label, 0, 100, 200, [&, congestion = congestion](double x) {
      return must(multiplier(settings, {.participation = x / 100, .congestion = congestion}));
    }));
  }
  Panel quality{"A base of 100", {"quality, %", 0, 100}, {"reward", 0, 180}, {}, {}};
  for (const auto& [m, label] : {std::pair{1.2, "multiplier 1.2"}, {1.0, "1"}, {0.5, "0.5"}}) {
    quality.series.push_back(
        sample(label, 0, 100, 200, [&, m = m](double q) { return must(reward(settings, 100, m, q / 100)); }));
  }
  return {"rewards", "Rewards: base, state of the network, quality", {network, quality}};
}

Figure sybil() {
  Panel out{"", {"identities that one owner makes of one", 1, 20}, {"gets of the budget, %", 0, 40}, {}, {}};
  const auto share = [](int identities, bool is_linked, double cap) {
    constexpr Amount kWhole = 1'000'000;
    std::vector<Amount> gave(9, kWhole);
    gave.insert(gave.end(), static_cast<std::size_t>(identities), kWhole / identities);
    std::vector<std::uint32_t> clusters(9, kNoCluster);
    clusters.insert(clusters.end(), static_cast<std::size_t>(identities), is_linked ? 1 : kNoCluster);
    std::vector<Amount> amounts(gave.size());
    QuadraticScratch scratch;
    (void)must(capped_quadratic({cap, cap}, kWhole, gave, clusters, amounts, scratch));
    Amount all = 0;
    for (std::size_t i = 9; i < amounts.size(); ++i) all += amounts[i];
    return 100 * static_cast<double>(all) / static_cast<double>(kWhole);
  };
  Series free{"nobody knows that they are linked", {}}, linked{"known as one cluster", {}};
  Series capped{"not known, 1 % at most for an identity", {}, true};
  for (int k = 1; k <= 20; ++k) {
    free.points.emplace_back(k, share(k, false, 1));
    linked.points.emplace_back(k, share(k, true, 1));
    capped.points.emplace_back(k, share(k, false, 0.01));
  }
  out.series = {free, linked, capped};
  return {"sybil", "Quadratic rewards, ten equal contributions: splitting one of them", {out}};
}

Figure inflation() {
  Panel monthly{"Monthly moves towards a target", {"month", 0, 36}, {"inflation, % a year", 0, 15}, {}, {}};
  const auto path = [](double from, double target, double move_max, std::string label, bool is_dashed) {
    const InflationSettings settings{.monthly_move_max = move_max};
    must(check(settings));
    Series out{std::move(label), {{0, 100 * from}}, is_dashed};
    for (int month = 1; month <= 36; ++month) {
      from = must(monthly_move(settings, from, target)).next_per_year;
      out.points.emplace_back(month, 100 * from);
    }
    return out;
  };
  monthly.series = {path(0.05, 0.032, 0.005, "from 5 to 3.2", false),
                    path(0.14, 0.035, 0.005, "from 14 to 3.5, 0.5 a month at most", false),
                    path(0.14, 0.035, 1, "the same without a maximum", true),
                    path(0.03, 0.2, 0.005, "a target of 20: the band ends at 8", false)};
  Panel bonded{"bonded_inflation (Cosmos), from 13 %", {"years", 0, 3}, {"inflation, % a year", 5, 21}, {}, {}};
  const BondedSettings settings;
  for (const int percent : {0, 30, 50, 67, 80, 100}) {
    bonded.series.push_back(sample("bonded " + std::to_string(percent) + " %", 0, 3, 150, [&](double years) {
      return 100 * must(bonded_inflation(settings, 0.13, percent / 100.0, years));
    }));
  }
  return {"inflation", "Inflation: the path to a target, and the rule by what is bonded", {monthly, bonded}};
}

Figure inflation_target_figure() {
  Panel out{"", {"bonded, % of the supply (goal 67)", 0, 100}, {"target, % a year", 1, 9}, {}, {}};
  const InflationSettings settings;
  for (const auto& [growth, change, label] :
       {std::tuple{0.04, 0.0, "real growth 4 %"}, {0.0, 0.0, "no growth"}, {0.0, 0.1, "velocity up 10 %"}}) {
    out.series.push_back(sample(label, 0, 100, 200, [&, growth = growth, change = change](double x) {
      return 100 * must(inflation_target(settings, {x / 100, growth, change}));
    }));
  }
  return {"inflation_target", "The inflation that indicators ask for, within 2-8 %", {out}};
}

Figure staking() {
  Panel out{"", {"participation, % of the supply", 0, 100}, {"APY, %", 0, 16}, {}, {{60, 8, "goal of the root"}}};
  for (const auto& [curve, label] :
       {std::pair{StakingCurve::linear, "linear"}, {StakingCurve::inverse_root, "inverse_root"}}) {
    const StakingSettings settings{.curve = curve};
    out.series.push_back(sample(label, 0, 100, 200, [&](double x) -> std::optional<double> {
      const auto apy = staking_apy(settings, x / 100);
      if (!apy) return {};
      return 100 * *apy;
    }));
  }
  return {"staking_apy", "Staking reward: less for each as more stake", {out}};
}

Figure fee() {
  Panel out{"", {"price against its target, %", -15, 15}, {"stability fee, % a year", 0, 1.1}, {}, {}};
  const StabilityFeeSettings settings;
  for (const auto& [volatility, used, label] : {std::tuple{0.1, 1.0, "volatility 10 %, all lent out"},
                                                {0.1, 0.5, "volatility 10 %, half"},
                                                {0.05, 0.5, "volatility 5 %, half"},
                                                {0.0, 0.5, "calm, half"},
                                                {0.0, 0.0, "calm, nothing lent"}}) {
    out.series.push_back(sample(label, -15, 15, 120, [&, volatility = volatility, used = used](double x) {
      return 100 * must(stability_fee(settings, {1 + x / 100, 1, volatility, used}));
    }));
  }
  return {"stability_fee", "Stability fee: by how unsettled the market is", {out}};
}

Figure stakers() {
  Panel out{"", {"staked for, days", 0, 450}, {"share, % of an old and active staker's", 0, 105}, {}, {}};
  for (const auto& [participation, label] :
       {std::pair{1.0, "votes always"}, {0.5, "half of the time"}, {0.0, "never"}}) {
    out.series.push_back(sample(label, 0, 450, 90, [&, participation = participation](double days) {
      const std::array stake{1.0, 1.0}, time{days * 86'400, 365.0 * 86'400}, voted{participation, 1.0};
      std::array<Amount, 2> amounts{};
      DistributionScratch scratch;
      must(distribute_to_stakers({}, {stake, time, voted}, 1'000'000'000'000, amounts, scratch));
      return 100 * static_cast<double>(amounts[0]) / static_cast<double>(amounts[1]);
    }));
  }
  return {"stakers", "Value distribution: equal stakes, by time and participation", {out}};
}

/// Steps, so that a line between two budgets does not show what is never given.
Figure apportionment() {
  constexpr std::array<Amount, 3> kWeights{5, 3, 1};
  constexpr int kBudget = 18;
  Panel out{"What each gets of a budget", {"budget, base units", 0, kBudget}, {"given, base units", 0, 10.5}, {}, {}};
  for (std::size_t who = 0; who < kWeights.size(); ++who) {
    Series series{"weight " + std::to_string(static_cast<int>(kWeights[who])), {}};
    for (int budget = 0; budget <= kBudget; ++budget) {
      const auto given = static_cast<double>(must(apportion(budget, std::span<const Amount>(kWeights)))[who]);
      series.points.emplace_back(budget, given);
      if (budget < kBudget) series.points.emplace_back(budget + 1, given);
    }
    out.series.push_back(series);
    const double share = static_cast<double>(kWeights[who]) / 9;
    out.series.push_back(sample(
        "its quota of " + std::to_string(static_cast<int>(kWeights[who])), 0, kBudget, 1,
        [&](double budget) { return budget * share; }, true));
  }
  return {"apportionment", "Apportionment: whole base units that sum to the budget", {out}};
}

/// Ten holders: one has a share, the others the rest in equal parts.
Figure concentration() {
  const auto of = [](double percent, auto&& statistic) {
    std::array<double, 10> holders{};
    holders.fill((100 - percent) / 9);
    holders[0] = percent;
    return statistic(std::span<double>(holders));
  };
  Panel indices{"Gini and HHI", {"share of the largest of ten holders, %", 10, 100}, {"index, 0-1", 0, 1.05}, {}, {}};
  indices.series = {sample("Gini", 10, 100, 90, [&](double x) { return of(x, [](auto h) { return gini(h); }); }),
                    sample("HHI", 10, 100, 90, [&](double x) { return of(x, [](auto h) { return hhi(h); }); })};
  Panel least{"Nakamoto coefficient",
              {"share of the largest of ten holders, %", 10, 100},
              {"holders that together have more than half", 0, 7},
              {},
              {}};
  least.series = {sample("of ten", 10, 100, 360, [&](double x) { return of(x, [](auto h) { return nakamoto(h); }); })};
  return {"concentration", "Health: how concentrated holdings are", {indices, least}};
}

}  // namespace

std::vector<Figure> tokenomics_figures() {
  return {apportionment(), concentration(),           incentives(), rewards(), sybil(),
          inflation(),     inflation_target_figure(), staking(),    fee(),     stakers()};
}

}  // namespace homeostat::curves
