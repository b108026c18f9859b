// The operating mode: normal, degraded, emergency or halted; worst last. It is the worst of its
// active causes, and the winner carries its reason. Each cause says how it clears.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"

namespace homeostat::guardian {

enum class OperatingMode : std::uint8_t { normal, degraded, emergency, halted };
constexpr OperatingMode last_of(OperatingMode) {
  return OperatingMode::halted;
}
static_assert(OperatingMode::normal < OperatingMode::degraded && OperatingMode::degraded < OperatingMode::emergency &&
              OperatingMode::emergency < OperatingMode::halted);

[[nodiscard]] constexpr std::string_view name_of(OperatingMode m) {
  switch (m) {
    case OperatingMode::normal: return "normal";
    case OperatingMode::degraded: return "degraded";
    case OperatingMode::emergency: return "emergency";
    case OperatingMode::halted: return "halted";
  }
  return "?";
}

enum class CauseKind : std::uint8_t {
  reading_unusable,    ///< a loop's reading is held or stale       -> degraded; clears when usable again
  actuator_silent,     ///< an adjustment was not answered in time  -> degraded; clears on the next answer
  metric_emergency,    ///< a loop's reading is in its emergency band -> emergency; clears after it was outside
                       ///<   for emergency_clear_after
  guardian_emergency,  ///< ordered                                 -> emergency; clears by order or expiry
  reading_halted,      ///< a loop's reading is halted              -> degraded; clears when it is not
  guardian_pause,      ///< ordered for everything                  -> halted; clears by order or expiry
};

constexpr CauseKind last_of(CauseKind) {
  return CauseKind::guardian_pause;
}
[[nodiscard]] constexpr std::string_view name_of(CauseKind kind) {
  switch (kind) {
    case CauseKind::reading_unusable: return "reading_unusable";
    case CauseKind::actuator_silent: return "actuator_silent";
    case CauseKind::metric_emergency: return "metric_emergency";
    case CauseKind::guardian_emergency: return "guardian_emergency";
    case CauseKind::reading_halted: return "reading_halted";
    case CauseKind::guardian_pause: return "guardian_pause";
  }
  return "?";
}

/// One active cause. `since` is when it became active; a flapping cause keeps its first `since`
/// until it has been clear for its whole clearing time, so flapping can never postpone the mode.
struct Cause {
  CauseKind kind = CauseKind::reading_unusable;
  std::string subject;  ///< metric, parameter or actor
  std::string reason;   ///< one sentence
  Instant since;
  Instant until;        ///< expiry, never = none
  Instant clear_since;  ///< metric_emergency: outside the band since then, never = inside

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.kind), a(x.subject), a(x.reason), a(x.since), a(x.until), a(x.clear_since);
  }
};

[[nodiscard]] constexpr OperatingMode mode_of(CauseKind kind) {
  switch (kind) {
    case CauseKind::reading_unusable:
    case CauseKind::actuator_silent:
    case CauseKind::reading_halted: return OperatingMode::degraded;
    case CauseKind::metric_emergency:
    case CauseKind::guardian_emergency: return OperatingMode::emergency;
    case CauseKind::guardian_pause: return OperatingMode::halted;
  }
  return OperatingMode::halted;
}

}  // namespace homeostat::guardian
