// Health: the watermark advances. Not "no error was seen": a source that answers without bringing anything newer, a
// chain that stands still and a loop thread that hangs all show in the same way, by an event time that does not move.
#pragma once

#include <string>

#include "engine/view.hpp"

namespace homeostat::engine {

struct Health {
  bool healthy = true;
  /// One line: up to when everything is complete, or whose watermark has not moved, for how long, and which source
  /// holds it.
  std::string text;
};

/// A metric of samples or events is stalled when its sources have brought nothing newer for longer than its stall_max
/// and two periods (the watermark moves in ticks). One of several sources that is silent stalls nothing: the metric
/// goes on without it. The whole is healthy while no metric is stalled and ticks come: a view whose last tick is older
/// than kTicksMissedMax periods is not. Nothing is held against it that was before `since`, when this process began to
/// decide: after a downtime the sources have as long as ever to bring something.
[[nodiscard]] Health health_of(const View& view, Instant now, Instant since = {});

inline constexpr std::int64_t kTicksMissedMax = 10;

}  // namespace homeostat::engine
