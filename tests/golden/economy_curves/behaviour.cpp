// Models of behaviour, predictions, nudges.
#include <string>

#include "economy/behaviour/diffusion.hpp"
#include "economy/behaviour/habit.hpp"
#include "economy/behaviour/herding.hpp"
#include "economy/behaviour/nudge.hpp"
#include "economy/behaviour/prediction.hpp"
#include "economy/behaviour/present_bias.hpp"
#include "economy/behaviour/prospect.hpp"
#include "tests/golden/economy_curves/curves.hpp"

namespace homeostat::curves {
namespace {

using namespace economy::behaviour;

Duration days(double x) {
  return Duration::seconds(static_cast<std::int64_t>(x * 86'400));
}

Figure prospect() {
  const ProspectSettings settings;
  Panel value{"Value of a change", {"gain or loss", -100, 100}, {"value v(x)", -140, 80}, {}, {}};
  value.series = {sample("v(x)", -100, 100, 200, [&](double x) { return value_of(settings, x); }),
                  sample(
                      "as it is", -100, 100, 2, [](double x) { return x; }, true)};
  Panel weight{"Weight of a probability", {"probability p, %", 0, 100}, {"weight w(p), %", 0, 100}, {}, {}};
  weight.series = {sample("of a gain", 0, 100, 200, [&](double p) { return 100 * gain_weight(settings, p / 100); }),
                   sample("of a loss", 0, 100, 200, [&](double p) { return 100 * loss_weight(settings, p / 100); }),
                   sample(
                       "as it is", 0, 100, 2, [](double p) { return p; }, true)};
  return {"prospect", "Loss aversion: losses count 2.25 times, small probabilities too much", {value, weight}};
}

Figure adoption() {
  const DiffusionSettings settings;
  Panel share{"Who has adopted", {"years", 0, 20}, {"share, %", 0, 100}, {}, {}};
  Panel rate{"New adopters", {"years", 0, 20}, {"% of all, per year", 0, 16}, {}, {}};
  for (const auto& [p, q, label] : {std::tuple{0.03, 0.38, "p 0.03, q 0.38 (default)"},
                                    {0.03, 0.2, "less imitation: q 0.2"},
                                    {0.003, 0.38, "fewer who begin: p 0.003"}}) {
    const DiffusionSettings s{p, q};
    must(check(s));
    const auto at = [s](double years) { return adopted_after(s, 0, days(365 * years)); };
    share.series.push_back(sample(label, 0, 20, 200, [&](double years) { return 100 * at(years); }));
    rate.series.push_back(
        sample(label, 0, 20, 200, [&](double years) { return 100 * adoption_rate_per_year(s, at(years)); }));
  }
  if (const auto peak = peak_years(settings)) {
    const double f = adopted_after(settings, 0, days(365 * *peak));
    rate.marks = {{*peak, 100 * adoption_rate_per_year(settings, f), "6.19 years"}};
  }
  return {"adoption", "Bass adoption: by oneself (p) and by imitation (q)", {share, rate}};
}

Figure habit() {
  const HabitSettings settings;
  Panel out{"", {"day", 0, 180}, {"habit, % of a full one", 0, 100}, {}, {{66, 95, "66 days: 95 %"}}};
  const auto path = [&](double activity, double stops_at) {
    return [&settings, activity, stops_at](double day) {
      const double done = std::min(day, stops_at);
      const double stock = habit_after(settings, 0, activity, days(done));
      return 100 * habit_after(settings, stock, 0, days(day - done));
    };
  };
  out.series = {
      sample("every day", 0, 180, 180, path(1, 1e4)), sample("every day, none after day 90", 0, 180, 180, path(1, 90)),
      sample("every second day", 0, 180, 180, path(0.5, 1e4)), sample("one day in five", 0, 180, 180, path(0.2, 1e4))};
  return {"habit", "Habit: a stock that practice builds and pauses wear off", {out}};
}

Figure herding() {
  Panel opinion{
      "From an opinion of 10 %, without news", {"day", 0, 60}, {"opinion z (for less against), %", -5, 100}, {}, {}};
  for (const auto& [pull, label] : {std::pair{0.8, "crowd pull 0.8: it fades"},
                                    {1.0, "1: it lingers"},
                                    {1.2, "1.2: rests at 65.9 %"},
                                    {1.6, "1.6"}}) {
    HerdingSettings settings;
    settings.crowd_pull = pull;
    must(check(settings));
    opinion.series.push_back(
        sample(label, 0, 60, 120, [&](double day) { return 100 * opinion_after(settings, 0.1, 0, days(day)); }));
  }
  Panel ants{
      "Fifty ants that recruit each other (0.01)", {"ants of one opinion", 0, 50}, {"probability, %", 0, 8}, {}, {}};
  const double edge = 0.01 / 49;
  for (const auto& [change, label] :
       {std::pair{edge / 3, "self-change a third of 0.01/49"}, {edge, "0.01/49"}, {edge * 5, "five times that"}}) {
    const auto all = stationary({.ants = 50, .self_change = change, .recruitment = 0.01});
    Series series{label, {}};
    for (std::size_t k = 0; k < all.size(); ++k) series.points.emplace_back(static_cast<double>(k), 100 * all[k]);
    ants.series.push_back(series);
  }
  return {"herding", "Herding: when the crowd holds itself", {opinion, ants}};
}

Figure present_bias() {
  Panel out{"", {"years from now", 0, 10}, {"worth now, % of the amount", 0, 102}, {}, {}};
  for (const auto& [beta, label] :
       {std::pair{1.0, "no bias: delta 0.958"}, {0.703, "beta 0.703 (default)"}, {0.5, "beta 0.5"}}) {
    const PresentBiasSettings settings{.present_bias = beta};
    must(check(settings));
    Series series{label, {}, beta == 1};
    series.points.emplace_back(0, 100 * discount_after(settings, Duration{}));
    for (int hour = 1; hour <= 100; ++hour) {
      const double years = hour == 1 ? 0.001 : hour / 10.0;
      series.points.emplace_back(years, 100 * discount_after(settings, days(365 * years)));
    }
    out.series.push_back(series);
  }
  return {"present_bias", "Present bias: now counts more than any later time", {out}};
}

Figure prediction() {
  const Inputs inputs{{"gain", 10},        {"loss", 5},         {"gain_probability", 0.6}, {"cost_now", 5},
                      {"reward_later", 8}, {"delay_days", 180}, {"opinion_index", 0.1},    {"sentiment", 0.3}};
  const PredictionSettings settings;
  Calibration calibration;
  Panel share{"Predicted share that stakes", {"outcomes observed (each 50 %)", 0, 40}, {"share, %", 0, 100}, {}, {}};
  Panel weights{"What each model counts", {"outcomes observed", 0, 40}, {"weight, %", 0, 100}, {}, {}};
  Series middle{"prediction", {}}, low{"90 % band, low", {}, true}, high{"90 % band, high", {}, true};
  std::vector<Series> parts;
  for (int n = 0; n <= 40; ++n) {
    const auto p = must(predict(settings, calibration, Behaviour::stake, inputs, Duration::days(30)));
    middle.points.emplace_back(n, 100 * p.share);
    low.points.emplace_back(n, 100 * p.low);
    high.points.emplace_back(n, 100 * p.high);
    parts.resize(p.models.size());
    for (std::size_t k = 0; k < p.models.size(); ++k) {
      const auto& model = p.models[k];
      if (n == 0) {
        parts[k].label = std::string(name_of(model.model)) + ", says " +
                         std::to_string(static_cast<int>(100 * model.share + 0.5)) + " %";
      }
      parts[k].points.emplace_back(n, 100 * model.weight);
    }
    must(observe(settings, calibration, p, 0.5));
  }
  share.series = {middle, low, high};
  weights.series = parts;
  return {"prediction", "Predictions: models earn their weight", {share, weights}};
}

Figure nudge() {
  Panel out{"", {"trials of 1000 and 1000 people", 0, 10}, {"believed change of the share, points", -2, 8}, {}, {}};
  Ledger ledger;
  Series mean{"mean", {}}, low{"less one deviation", {}, true}, high{"and one more", {}, true};
  for (int n = 0; n <= 10; ++n) {
    const Effect effect = ledger.effects.contains("a") ? ledger.effects["a"] : Effect{};
    mean.points.emplace_back(n, 100 * effect.mean);
    low.points.emplace_back(n, 100 * (effect.mean - effect.deviation));
    high.points.emplace_back(n, 100 * (effect.mean + effect.deviation));
    must(learn(ledger, "a", {1000, 550, 1000, 500}));
  }
  out.series = {mean, low, high, sample("seen in every trial", 0, 10, 1, [](double) { return 5.0; })};
  return {"nudge", "Nudges: belief of an effect over trials", {out}};
}

}  // namespace

std::vector<Figure> behaviour_figures() {
  return {prospect(), adoption(), habit(), herding(), present_bias(), prediction(), nudge()};
}

}  // namespace homeostat::curves
