// What a token is paid, what slows a run, and what is minted for commitments.
#include <array>
#include <string>

#include "economy/bonding/commitment.hpp"
#include "economy/bonding/dampening.hpp"
#include "economy/bonding/pamm.hpp"
#include "economy/bonding/scenarios.hpp"
#include "tests/golden/economy_curves/curves.hpp"

namespace homeostat::curves {
namespace {

using namespace economy::bonding;

Figure redemption() {
  Panel rate{"What the next token is paid",
             {"redeemed lately, % of the anchor supply", 0, 100},
             {"rate, % of par", 50, 102},
             {},
             {}};
  Panel left{"What is left in the reserve",
             {"redeemed lately, % of the anchor supply", 0, 100},
             {"reserve, % of the anchor supply at par", 0, 100},
             {},
             {}};
  const Pamm pamm;
  for (const int percent : {95, 90, 80, 70, 60}) {
    const auto curve = pamm.curve_of(percent / 100.0);
    const std::string label = "backed " + std::to_string(percent) + " %";
    rate.series.push_back(sample(label, 0, 100, 400, [&](double x) -> std::optional<double> {
      if (x == 0 && curve.par_until <= 0) return {};  // pro rata from the first token on
      return 100 * curve.rate_at(x / 100);
    }));
    left.series.push_back(sample(label, 0, 100, 100, [&](double x) { return 100 * curve.reserve_at(x / 100); }));
  }
  return {"redemption", "P-AMM: par while few leave, what there is for everyone when many do", {rate, left}};
}

Figure redemption_slope() {
  Panel out{"", {"asked for at once, % of the supply", 0, 100}, {"paid on average, % of par", 88, 101}, {}, {}};
  for (const auto& [slope, label] :
       {std::pair{0.3, "slope_min 0.3"}, {1.0, "slope_min 1 (default)"}, {3.0, "slope_min 3"}}) {
    const auto pamm = must(Pamm::make({.slope_min = slope}));
    out.series.push_back(sample(label, 1, 100, 198, [&](double x) -> std::optional<double> {
      return 100 * must(pamm.redeem({0, 0.9, 1}, x / 100)).paid / (x / 100);
    }));
  }
  return {"redemption_slope", "P-AMM, backed 90 %: what one redemption is paid", {out}};
}

constexpr std::array kModes{std::pair{Dampening::integral, "integral (default)"}, std::pair{Dampening::pre, "pre"},
                            std::pair{Dampening::post, "post"}, std::pair{Dampening::exponential, "exponential"},
                            std::pair{Dampening::none, "none"}};

Figure dampening() {
  Panel multiplier{"Multiplier by what was redeemed lately",
                   {"outflow F / S, %", 0, 30},
                   {"share that passes, %", 0, 105},
                   {},
                   {{10, 100 * Dampener().multiplier(0.1), "threshold", true}}};
  for (const auto& [threshold, label] :
       {std::pair{0.05, "threshold 5 %"}, {0.1, "threshold 10 % (default)"}, {0.15, "threshold 15 %"}}) {
    const auto dampener = must(Dampener::make({.threshold = threshold}));
    multiplier.series.push_back(
        sample(label, 0, 30, 300, [&](double rho) { return 100 * dampener.multiplier(rho / 100); }));
  }
  Panel passes{"What passes after 12 % left lately",
               {"asked for, % of the supply", 0, 60},
               {"passes, % of the supply", 0, 60},
               {},
               {}};
  for (const auto& [mode, label] : kModes) {
    const auto dampener = must(Dampener::make({.mode = mode}));
    // Some have left already: with nothing before, `pre` and `exponential` are `none`.
    passes.series.push_back(sample(
        label, 0, 60, 240, [&](double q) { return 100 * must(dampener.redeem(0.12, 1, q / 100)); },
        mode == Dampening::none));
  }
  return {"dampening", "Flow dampening: slower, never stopped", {multiplier, passes}};
}

Figure bank_run_figure() {
  Panel reserve{"What is left in the reserve", {"day", 0, 30}, {"reserve, thousand USD", 0, 1000}, {}, {}};
  Panel backing{"What stands behind each token that stays", {"day", 0, 30}, {"USD per token", 0.88, 0.96}, {}, {}};
  for (const auto& [mode, label] : kModes) {
    auto settings = scenario_settings();
    settings.flow.mode = mode;
    const auto days = must(bank_run(settings, 950'000, true));
    Series money{label, {{0, 950}}, mode == Dampening::none}, behind{label, {{0, 0.95}}, mode == Dampening::none};
    for (const auto& moment : days) {
      money.points.emplace_back(moment.day + 1, moment.reserve / 1000);
      behind.points.emplace_back(moment.day + 1, moment.backing);
    }
    reserve.series.push_back(money);
    backing.series.push_back(behind);
  }
  return {"bank_run",
          "A month of a run: a hundred holders ask for a tenth of what they have, every day",
          {reserve, backing}};
}

Figure commitment() {
  Panel lock{"A stake's multiplier by its lock",
             {"lock, days", 0, 500},
             {"multiplier of the base rate", 0, 3.2},
             {},
             {{365, lock_multiplier(365), "a year: 3"}}};
  lock.series = {sample("1 + 2 √(T / 365)", 0, 500, 500, [](double days) { return lock_multiplier(days); })};
  Panel exit{"1000 tokens staked for a year, left earlier", {"held, days", 0, 365}, {"bonus, tokens", 0, 160}, {}, {}};
  for (const auto& [forfeit, cliff, label] : {std::tuple{0.5, 30.0, "cliff 30 days, half forfeited (default)"},
                                              {1.0, 30.0, "all of the unvested forfeited"},
                                              {0.5, 0.0, "without a cliff (founding form)"}}) {
    CommitmentSettings settings;
    settings.forfeit = forfeit;
    settings.cliff_days = cliff;
    must(check(settings));
    Series series{label, {}, cliff == 0};
    for (int day = 0; day <= 365; ++day) {
      if (cliff != 0 && day == 30) series.points.emplace_back(30, 0);
      series.points.emplace_back(day, must(staking_payout(settings, 1000, 365, day)));
    }
    exit.series.push_back(series);
  }
  return {"commitment", "Commitment: what a lock earns, and what leaving it early costs", {lock, exit}};
}

Figure labour() {
  const auto days = must(labour_channel(scenario_settings()));
  const double end = days.back().day;
  Panel minted{"Minted so far", {"day", 0, end}, {"tokens", 0, 1}, {}, {}};
  Panel share{"Minted for commitments (C), and lately (F)", {"day", 0, end}, {"% of the supply", 0, 1}, {}, {}};
  Series first{"account of 100 units a week", {}, true}, second{"the other account", {}}, part{"C / S", {}},
      flow{"flow F / S", {}};
  double a = 0, b = 0;
  for (const auto& day : days) {
    a += day.first;
    b += day.second;
    first.points.emplace_back(day.day, a);
    second.points.emplace_back(day.day, b);
    part.points.emplace_back(day.day, 100 * day.committed / day.supply);
    flow.points.emplace_back(day.day, 100 * day.flow / day.supply);
  }
  minted.y.max = std::max(a, b) * 1.1;
  share.y.max = std::max(part.points.back().second, 1.0) * 1.2;
  minted.series = {first, second};
  share.series = {part, flow};
  return {"labour", "The labour channel: limits and cooldowns pace what is minted", {minted, share}};
}

Figure system() {
  const auto moments = must(mixed_issuance(scenario_settings()));
  const double end = moments.back().day;
  Panel amounts{"Supply, reserve, commitments", {"day", 0, end}, {"thousand tokens or USD", 0, 1}, {}, {}};
  Panel ratios{"Backing and rate", {"day", 0, end}, {"of par", 0.85, 1.01}, {}, {}};
  Series supply{"supply, tokens", {}}, reserve{"reserve, USD", {}}, committed{"of the supply, for commitments", {}};
  Series backing{"backing of each token", {}}, rate{"rate of the next redemption", {}};
  double most = 0;
  for (const auto& m : moments) {
    supply.points.emplace_back(m.day, m.supply / 1000);
    reserve.points.emplace_back(m.day, m.reserve / 1000);
    committed.points.emplace_back(m.day, m.committed / 1000);
    backing.points.emplace_back(m.day, m.backing);
    rate.points.emplace_back(m.day, m.rate);
    most = std::max({most, m.supply / 1000, m.reserve / 1000});
  }
  amounts.y.max = most * 1.1;
  amounts.series = {supply, reserve, committed};
  ratios.series = {backing, rate};
  return {"system", "The composed system: the scenario of mixed issuance", {amounts, ratios}};
}

}  // namespace

std::vector<Figure> redemption_figures() {
  return {redemption(), redemption_slope(), dampening(), bank_run_figure(), commitment(), labour(), system()};
}

}  // namespace homeostat::curves
