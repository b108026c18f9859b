// Price stabilisation, and strategies tried on a plant.
#include <algorithm>
#include <array>
#include <string>

#include "economy/tokenomics/plant.hpp"
#include "economy/tokenomics/stabilisation.hpp"
#include "economy/tokenomics/strategy.hpp"
#include "tests/golden/economy_curves/curves.hpp"

namespace homeostat::curves {
namespace {

using namespace economy::tokenomics;
using economy::Amount;

Figure stabilisation() {
  Panel pool{"The pool runs out gracefully", {"buy-backs in a row", 0, 100}, {"left in the pool, %", 0, 105}, {}, {}};
  for (const auto& [rate, label] : {std::pair{0.01, "pool_rate 1 % (default)"}, {0.05, "5 %"}, {0.2, "20 %"}}) {
    StabilisationSettings settings;
    settings.pool_rate = rate;
    settings.pool_kept = 100'000;
    Amount left = 1'000'000;
    Series series{label, {{0, 100}}};
    for (int n = 1; n <= 100; ++n) {
      left -= must(buy_back(settings, 0.9, left)).money;
      series.points.emplace_back(n, static_cast<double>(left) / 10'000);
    }
    pool.series.push_back(series);
  }
  pool.series.push_back(sample(
      "pool_kept", 0, 100, 1, [](double) { return 10.0; }, true));

  Panel supply{"What the supply does",
               {"price (range 0.95-1.05)", 0.5, 2},
               {"change of the supply per call, %", -6, 11},
               {},
               {}};
  constexpr Amount kSupply = 1'000'000'000;
  const auto percent = [](Amount tokens) { return 100 * static_cast<double>(tokens) / static_cast<double>(kSupply); };
  supply.series = {sample("rebase, lag 10", 0.5, 2, 300,
                          [&](double price) {
                            const auto action = must(rebase({}, price, kSupply));
                            return action.kind == InterventionKind::none ? 0 : percent(action.tokens) - 100;
                          }),
                   sample("algorithmic, gain 0.05", 0.5, 2, 300,
                          [&](double price) {
                            const auto action = must(algorithmic({.gain = 0.05}, price, kSupply));
                            return (action.kind == InterventionKind::burn ? -1 : 1) * percent(action.tokens);
                          }),
                   sample(
                       "supply_increase at 1 %, full at a gap of 50 %", 0.5, 2, 300,
                       [&](double price) {
                         StabilisationSettings settings;
                         settings.supply_rate = 0.01;
                         settings.gap_full = 0.5;
                         return percent(must(supply_increase(settings, price, kSupply)).tokens);
                       },
                       true)};
  return {"stabilisation", "Price stabilisation: what the instruments ask for", {pool, supply}};
}

Figure demand_shock() {
  Panel price{"Price: at hour 50, 40 % of demand leaves",
              {"hour", 0, 400},
              {"price (target 0.2, range 0.19-0.21)", 0.1, 0.26},
              {},
              {}};
  Panel pool{"Stability pool", {"hour", 0, 400}, {"pool, thousand", 0, 1000}, {}, {}};
  for (const auto& [rate, label] :
       {std::pair{0.05, "buy-back of 5 % an hour"}, {0.01, "of 1 % (default)"}, {0.0, "none"}}) {
    TokenPlant plant;
    plant.pool_rate = rate;
    must(check(plant));
    TokenState state;
    Series prices{label, {}, rate == 0}, money{label, {}, rate == 0};
    for (int hour = 0; hour <= 400; ++hour) {
      if (hour == 50) state.demand *= 0.6;
      prices.points.emplace_back(hour, state.price);
      money.points.emplace_back(hour, state.reserve / 1000);
      state = next(plant, state, 0);
    }
    price.series.push_back(prices);
    pool.series.push_back(money);
  }
  return {"demand_shock", "A demand shock on the plant, with and without buy-backs", {price, pool}};
}

/// The example of the page: participation of 40 % where 60 % is wanted.
Figure strategy() {
  const std::vector<Lever> levers{{.name = "apy", .value = 0.05, .min = 0.05, .max = 0.15, .step_max = 0.01}};
  const std::vector<Objective> objectives{
      {.name = "participation", .value = 0.4, .target = {0.6, 1}, .hard_min = 0, .hard_max = 1, .scale = 0.1},
      {.name = "inflation", .value = 0.04, .target = {0.02, 0.05}, .hard_min = 0, .hard_max = 0.08, .scale = 0.01}};
  const auto plant = [](double effect) {
    return FirstOrderPlant{{0.05}, {0.4, 0.04}, {0.1, 0.1}, {4 * effect, 0.2 * effect}};
  };
  const StrategySettings settings;
  const auto best = must(best_strategy(settings, levers, objectives, plant(1)));
  Panel participation{"Participation (goal 60 %)", {"day", 0, 90}, {"% of the supply", 35, 75}, {}, {}};
  Panel inflation{"Inflation (target 2-5 %)", {"day", 0, 90}, {"% a year", 3.5, 6}, {}, {}};
  for (const auto& [effect, has_plan, label] : {std::tuple{1.0, true, "with the plan"},
                                                {1.5, true, "levers half as strong again"},
                                                {0.5, true, "levers half as strong"},
                                                {1.0, false, "nothing done"}}) {
    const auto model = plant(effect);
    std::array metrics{0.4, 0.04};
    std::array apy{0.05};
    std::array<Series, 2> out{Series{label, {}, effect != 1}, Series{label, {}, effect != 1}};
    for (int day = 0; day <= settings.horizon_steps; ++day) {
      for (std::size_t k = 0; k < 2; ++k) out[k].points.emplace_back(day, 100 * metrics[k]);
      for (const auto& step : best.plan) {
        if (has_plan && step.at == day) apy[0] = step.levers[0];
      }
      model(apy, metrics);
    }
    participation.series.push_back(out[0]);
    inflation.series.push_back(out[1]);
  }
  return {"strategy", "A strategy: the APY from 5 to 10 % in five weekly steps", {participation, inflation}};
}

}  // namespace

std::vector<Figure> stabilisation_figures() {
  return {stabilisation(), demand_shock(), strategy()};
}

}  // namespace homeostat::curves
