// loops.NAME.plant and corridor: what the loop's metric does when its parameter moves, and where it must end.
#include <fmt/format.h>

#include "config/readers.hpp"
#include "core/format.hpp"

namespace homeostat::config {
namespace {

/// One gain, or [lowest, highest].
void read_gain(const Field& field, Context& context, controller::Plant& plant) {
  if (!field.is_given()) return;
  if (field.node()->kind != Node::Kind::sequence) {
    if (field.number(plant.gain_min, {.min = 0, .above_min = true})) plant.gain_max = plant.gain_min;
    return;
  }
  const auto& ends = field.node()->sequence;
  if (ends.size() != 2) return field.error("is one gain or [lowest, highest]", "[1, 2]");
  const bool both = Field(&ends[0], field.path(), &context).number(plant.gain_min, {.min = 0, .above_min = true}) &
                    Field(&ends[1], field.path(), &context).number(plant.gain_max, {.min = 0, .above_min = true});
  if (both && plant.gain_min > plant.gain_max) {
    field.error(fmt::format("{} is above {}", text_of(plant.gain_min), text_of(plant.gain_max)));
  }
}

/// One time, or the least and the most.
void read_times(const Field& field, Context& context, Duration& least, Duration& most) {
  if (!field.is_given()) return;
  const auto& ends = field.node()->sequence;
  if (field.node()->kind != Node::Kind::sequence) return void(field.duration(least));
  if (ends.size() != 2) return field.error("is one time, or [least, most]");
  const bool both = Field(&ends[0], field.path() + ".0", &context).duration(least) &
                    Field(&ends[1], field.path() + ".1", &context).duration(most);
  if (both && least > most) field.error(fmt::format("{} is above {}", text_of(least), text_of(most)));
}

}  // namespace

void read_plant(Section& s, Context& context, const oracle::MetricSettings& metric, controller::LoopSettings& loop) {
  if (const Field field = s.optional("plant"); field.is_given()) {
    Section of_plant(field, context);
    controller::Plant plant;
    read_gain(of_plant.required("gain", "how far the metric goes for one unit of the parameter: 2, or [1.5, 3]"),
              context, plant);
    read_times(of_plant.required("lag", "the time constant with which it gets there"), context, plant.lag,
               plant.lag_max);
    read_times(of_plant.optional("delay"), context, plant.delay, plant.delay_max);
    loop.plant = plant;
  }
  const Field field = s.optional("corridor");
  if (!field.is_given()) return;
  Section of_corridor(field, context);
  controller::Corridor corridor;
  const Field min = of_corridor.required("min", "the lowest value the metric may end at");
  const Field max = of_corridor.required("max", "the highest value the metric may end at");
  const bool both = min.quantity(corridor.min, metric.unit) & max.quantity(corridor.max, metric.unit);
  of_corridor.required("horizon", "how far ahead is looked")
      .duration(corridor.horizon, {.min = Duration::milliseconds(1)});
  if (both && corridor.min >= corridor.max) {
    return min.error(fmt::format("min {} is not below max {}", text_of(corridor.min), text_of(corridor.max)));
  }
  if (!loop.plant) return field.error("needs a plant: what is proposed is run through it");
  loop.corridor = corridor;
}

}  // namespace homeostat::config
