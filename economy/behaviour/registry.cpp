#include "economy/behaviour/registry.hpp"

#include <algorithm>
#include <array>

#include "core/format.hpp"
#include "core/math.hpp"
#include "core/text.hpp"
#include "economy/argument.hpp"
#include "economy/behaviour/diffusion.hpp"
#include "economy/behaviour/habit.hpp"
#include "economy/behaviour/herding.hpp"
#include "economy/behaviour/present_bias.hpp"
#include "economy/behaviour/prospect.hpp"

namespace homeostat::economy::behaviour {

namespace {

constexpr std::array<std::string_view, kModels> kModelNames{"prospect", "diffusion", "habit", "herding",
                                                            "present_bias"};
constexpr std::array<std::string_view, kBehaviours> kBehaviourNames{"adopt", "stake",    "hold", "provide_liquidity",
                                                                    "vote",  "come_back"};

constexpr Quantity kProspectParameters[] = {{"gain_curvature", "1", 0.1, 1, 0.88},
                                            {"loss_curvature", "1", 0.1, 1, 0.88},
                                            {"loss_aversion", "1", 1, 10, 2.25},
                                            {"gain_weighting", "1", 0.28, 1, 0.61},
                                            {"loss_weighting", "1", 0.28, 1, 0.69}};
constexpr Quantity kProspectInputs[] = {{"gain", "percent of the stake", 0, 1e6},
                                        {"loss", "percent of the stake", 0, 100},
                                        {"gain_probability", "probability", 0, 1}};
constexpr Quantity kDiffusionParameters[] = {{"innovation_per_year", "1/year", 1e-9, 100, 0.03},
                                             {"imitation_per_year", "1/year", 0, 100, 0.38}};
constexpr Quantity kDiffusionInputs[] = {{"adopted_share", "share", 0, 1}};
constexpr Quantity kHabitParameters[] = {{"gain_per_day", "1/day", 0, 100, HabitSettings{}.gain_per_day},
                                         {"decay_per_day", "1/day", 0, 100, HabitSettings{}.decay_per_day},
                                         {"strength", "share", 0, 1, 0.8}};
constexpr Quantity kHabitInputs[] = {
    {"habit_stock", "share", 0, 1}, {"activity_share", "share", 0, 1}, {"intention", "share", 0, 1}};
constexpr Quantity kHerdingParameters[] = {
    {"rate_per_day", "1/day", 0, 100, 0.5}, {"crowd_pull", "1", 0, 3, 0.8}, {"sentiment_pull", "1", 0, 3, 0.5}};
constexpr Quantity kHerdingInputs[] = {{"opinion_index", "1", -1, 1}, {"sentiment", "1", -1, 1}};
constexpr Quantity kPresentBiasParameters[] = {{"present_bias", "1", 0.05, 1, 0.703},
                                               {"discount_per_year", "1/year", 0.01, 1, 0.958},
                                               {"sensitivity", "1/percent", 0, 100, 1}};
constexpr Quantity kPresentBiasInputs[] = {{"cost_now", "percent of the stake", 0, 1e6},
                                           {"reward_later", "percent of the stake", 0, 1e6},
                                           {"delay_days", "days", 0, 36500}};

constexpr ModelInfo kModelInfos[] = {
    {ModelId::prospect, Context::risky, "1 / (1 + e^-V), V the prospect's value", "Tversky, Kahneman 1992; Stott 2006",
     kProspectParameters, kProspectInputs},
    {ModelId::diffusion, Context::novel, "dF/dt = (p + q F)(1 - F)", "Bass 1969", kDiffusionParameters,
     kDiffusionInputs},
    {ModelId::habit, Context::routine, "dh/dt = g a (1 - h) - d (1 - a) h; 1 - (1 - intention)(1 - strength h)",
     "Lally et al. 2010; Becker, Murphy 1988", kHabitParameters, kHabitInputs},
    {ModelId::herding, Context::social, "dz/dt = r (tanh(a0 s + a1 z) - z); (1 + z) / 2",
     "Lux 1995; Brock, Durlauf 2001", kHerdingParameters, kHerdingInputs},
    {ModelId::present_bias, Context::delayed, "1 / (1 + e^-k(beta delta^t reward - cost))", "Laibson 1997",
     kPresentBiasParameters, kPresentBiasInputs}};

constexpr Context kAdopt[] = {Context::novel, Context::social};
constexpr Context kStake[] = {Context::risky, Context::delayed, Context::social};
constexpr Context kHold[] = {Context::risky, Context::routine, Context::social};
constexpr Context kProvide[] = {Context::risky, Context::delayed, Context::social};
constexpr Context kVote[] = {Context::routine, Context::delayed, Context::social};
constexpr Context kComeBack[] = {Context::routine, Context::social};

std::string field_of(ModelId model, std::string_view name) {
  return std::string(name_of(model)) + "." + std::string(name);
}

/// Values in the order of the quantities.
using Values = std::array<double, 8>;

Result<Values> parameters_of(const ModelInfo& info, const Parameters& given) {
  Values out{};
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < info.parameters.size(); ++i) {
    const Quantity& q = info.parameters[i];
    const auto at = given.find(q.name);
    out[i] = at == given.end() ? q.initial : at->second;
    known.push_back(q.name);
    if (auto ok = require(field_of(info.id, q.name), out[i], {q.min, q.max}); !ok) {
      return tl::make_unexpected(ok.error());
    }
  }
  for (const auto& [name, value] : given) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return fail(ErrorCode::unknown_name, field_of(info.id, name),
                "is not a parameter of this model" + did_you_mean(name, known));
  }
  return out;
}

Result<Values> inputs_of(const ModelInfo& info, const Inputs& given) {
  Values out{};
  for (std::size_t i = 0; i < info.inputs.size(); ++i) {
    const Quantity& q = info.inputs[i];
    const auto at = given.find(q.name);
    if (at == given.end()) return fail(ErrorCode::missing, field_of(info.id, q.name), "is needed and not given");
    if (auto ok = require(field_of(info.id, q.name), at->second, {q.min, q.max}); !ok) {
      return tl::make_unexpected(ok.error());
    }
    out[i] = at->second;
  }
  return out;
}

double logistic(double x) {
  return 1 / (1 + math::exp(-x));
}

}  // namespace

std::string_view name_of(ModelId model) {
  return kModelNames[static_cast<std::size_t>(model)];
}

std::string_view name_of(Behaviour behaviour) {
  return kBehaviourNames[static_cast<std::size_t>(behaviour)];
}

std::string_view name_of(Context context) {
  switch (context) {
    case Context::novel: return "novel";
    case Context::routine: return "routine";
    case Context::risky: return "risky";
    case Context::delayed: return "delayed";
    case Context::social: return "social";
  }
  return "?";
}

Result<Behaviour> behaviour_named(std::string_view name) {
  const auto at = std::find(kBehaviourNames.begin(), kBehaviourNames.end(), name);
  if (at != kBehaviourNames.end()) return static_cast<Behaviour>(at - kBehaviourNames.begin());
  return fail(ErrorCode::unknown_name, "behaviour",
              "'" + std::string(name) + "' is none" + did_you_mean(name, kBehaviourNames));
}

Result<ModelId> model_named(std::string_view name) {
  const auto at = std::find(kModelNames.begin(), kModelNames.end(), name);
  if (at != kModelNames.end()) return static_cast<ModelId>(at - kModelNames.begin());
  return fail(ErrorCode::unknown_name, "model",
              "'" + std::string(name) + "' is none" + did_you_mean(name, kModelNames));
}

std::span<const ModelInfo> models() {
  return kModelInfos;
}

const ModelInfo& info_of(ModelId model) {
  return kModelInfos[static_cast<std::size_t>(model)];
}

std::span<const Context> contexts_of(Behaviour behaviour) {
  switch (behaviour) {
    case Behaviour::adopt: return kAdopt;
    case Behaviour::stake: return kStake;
    case Behaviour::hold: return kHold;
    case Behaviour::provide_liquidity: return kProvide;
    case Behaviour::vote: return kVote;
    case Behaviour::come_back: return kComeBack;
  }
  return {};
}

std::vector<ModelId> models_for(Behaviour behaviour) {
  const auto contexts = contexts_of(behaviour);
  std::vector<ModelId> out;
  for (const ModelInfo& m : models()) {
    if (std::find(contexts.begin(), contexts.end(), m.context) != contexts.end()) out.push_back(m.id);
  }
  return out;
}

Result<double> predict_by(ModelId model, const Parameters& parameters, const Inputs& inputs, Duration horizon) {
  if (horizon < Duration::zero() || horizon > kHorizonMax) {
    return fail(ErrorCode::out_of_range, "horizon",
                "must be from 0s to " + text_of(kHorizonMax) + ", is " + text_of(horizon));
  }
  const auto p = parameters_of(info_of(model), parameters);
  if (!p) return tl::make_unexpected(p.error());
  const auto x = inputs_of(info_of(model), inputs);
  if (!x) return tl::make_unexpected(x.error());
  const Values &a = *p, &in = *x;
  switch (model) {
    case ModelId::prospect: {
      const std::array<Outcome, 2> outcomes{{{in[0], in[2]}, {-in[1], 1 - in[2]}}};
      return logistic(prospect_value({a[0], a[1], a[2], a[3], a[4]}, outcomes));
    }
    case ModelId::diffusion: return adopted_after({a[0], a[1]}, in[0], horizon);
    case ModelId::habit: {
      const HabitSettings s{a[0], a[1], a[2]};
      return acts_with_habit(s, habit_after(s, in[0], in[1], horizon), in[2]);
    }
    case ModelId::herding: return (1 + opinion_after({a[0], a[1], a[2]}, in[0], in[1], horizon)) / 2;
    case ModelId::present_bias: {
      const double seconds = in[2] * 86400;
      const Duration delay = Duration::seconds(static_cast<std::int64_t>(seconds));
      return logistic(a[2] * (discount_after({a[0], a[1]}, delay) * in[1] - in[0]));
    }
  }
  return fail(ErrorCode::unknown_name, "model", "is none");
}

}  // namespace homeostat::economy::behaviour
