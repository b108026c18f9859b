#include "engine/health.hpp"

#include <algorithm>

#include "core/format.hpp"

namespace homeostat::engine {
namespace {

/// Metrics that are named; the others are counted.
constexpr std::size_t kNamedMax = 3;

std::string condition_of(const View& view, const std::string& source) {
  const auto it =
      std::find_if(view.sources.begin(), view.sources.end(), [&](const SourceView& s) { return s.name == source; });
  if (it == view.sources.end()) return "";
  std::string text = it->newest.is_never() ? " (nothing yet" : " (newest " + text_of(it->newest);
  if (it->condition != oracle::SourceCondition::connected && !it->detail.empty()) text += "; " + it->detail;
  return text + ")";
}

}  // namespace

Health health_of(const View& view, Instant now, Instant since) {
  const Instant ticked = std::max(view.at, since);
  if (!ticked.is_never() && now - ticked > view.period * kTicksMissedMax) {
    return {false, "no tick for " + text_of(now - ticked) + ", the period is " + text_of(view.period)};
  }
  if (view.ticks == 0) return {true, "no tick yet"};
  Health health;
  std::size_t stalled = 0;
  for (const MetricView& m : view.metrics) {
    if (!m.has_sources || m.moved.is_never()) continue;
    const Duration still = now - std::max(m.moved, since);
    if (still <= m.stall_max + view.period * 2) continue;
    health.healthy = false;
    if (++stalled > kNamedMax) continue;
    health.text += (stalled > 1 ? "; " : "the watermark of ") + m.name + " has not moved for " + text_of(still) +
                   " (allowed " + text_of(m.stall_max) + "), held by " + m.held_by + condition_of(view, m.held_by);
  }
  if (stalled > kNamedMax) health.text += "; and " + std::to_string(stalled - kNamedMax) + " more metrics";
  if (!health.healthy) return health;
  health.text = view.watermark.is_never() ? "nothing was taken in yet"
                                          : "the watermark advances: complete up to " + text_of(view.watermark) + ", " +
                                                text_of(std::max(Duration::zero(), now - view.watermark)) + " ago";
  return health;
}

}  // namespace homeostat::engine
