// The registry of models: which says something about which behaviour, from which inputs, with which parameters.
//
// Every model answers the same question: the share of a group, in [0, 1], that does the target behaviour after
// `horizon`. A model speaks in a context; a behaviour has contexts; the models of a behaviour are those of its
// contexts. Inputs are metrics by name; a model that lacks one is left out, never guessed.
//
//     prospect        1 / (1 + e^-V), V = prospect_value(gain with gain_probability, else loss), prospect.hpp
//     diffusion       adopted_after(adopted_share, horizon), diffusion.hpp
//     habit           acts_with_habit(habit_after(habit_stock, activity_share, horizon), intention), habit.hpp
//     herding         (1 + opinion_after(opinion_index, sentiment, horizon)) / 2, herding.hpp
//     present_bias    1 / (1 + e^-(sensitivity (D(delay) reward - cost))), present_bias.hpp
//
// Gains, losses, costs and rewards in percent of what is at stake. The two logistic choice rules are [Luce 1959;
// McFadden 1974], with prospect theory as in [Stott 2006].
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::economy::behaviour {

enum class ModelId : std::uint8_t { prospect, diffusion, habit, herding, present_bias };
constexpr ModelId last_of(ModelId) {
  return ModelId::present_bias;
}
inline constexpr std::size_t kModels = 5;

enum class Behaviour : std::uint8_t { adopt, stake, hold, provide_liquidity, vote, come_back };
constexpr Behaviour last_of(Behaviour) {
  return Behaviour::come_back;
}
inline constexpr std::size_t kBehaviours = 6;

/// What kind of decision it is.
enum class Context : std::uint8_t { novel, routine, risky, delayed, social };

[[nodiscard]] std::string_view name_of(ModelId model);
[[nodiscard]] std::string_view name_of(Behaviour behaviour);
[[nodiscard]] std::string_view name_of(Context context);
/// Error unknown_name, with the nearest one.
[[nodiscard]] Result<Behaviour> behaviour_named(std::string_view name);
[[nodiscard]] Result<ModelId> model_named(std::string_view name);

/// A parameter or an input of a model.
struct Quantity {
  std::string_view name;
  std::string_view unit;  ///< "share", "percent of the stake", "1/day", "days", "1"
  double min = 0, max = 1;
  double initial = 0;  ///< of a parameter; inputs have none
};

struct ModelInfo {
  ModelId id = ModelId::prospect;
  Context context = Context::risky;  ///< in which it speaks
  std::string_view form;             ///< the formula in one line
  std::string_view source;
  std::span<const Quantity> parameters;
  std::span<const Quantity> inputs;
};

/// All models, in the order of their ids.
[[nodiscard]] std::span<const ModelInfo> models();
[[nodiscard]] const ModelInfo& info_of(ModelId model);
[[nodiscard]] std::span<const Context> contexts_of(Behaviour behaviour);
/// In the order of their ids.
[[nodiscard]] std::vector<ModelId> models_for(Behaviour behaviour);

/// Metrics by name, as values of this instant; "sentiment" is one like any other.
using Inputs = std::map<std::string, double, std::less<>>;
/// What differs from a model's initial parameters, by name.
using Parameters = std::map<std::string, double, std::less<>>;

/// 0..10 years.
inline constexpr Duration kHorizonMax = Duration::days(3650);

/// The share after `horizon`. Errors: missing (an input, by name), out_of_range, unknown_name (a parameter). Inputs
/// that it does not know belong to other models.
[[nodiscard]] Result<double> predict_by(ModelId model, const Parameters& parameters, const Inputs& inputs,
                                        Duration horizon);

}  // namespace homeostat::economy::behaviour
