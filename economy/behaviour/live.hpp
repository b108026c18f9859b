// Metric values of this moment, with how far they can be trusted: the only numbers that predictions and nudges use.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "economy/behaviour/registry.hpp"

namespace homeostat::economy::behaviour {

/// The oracle's qualities in three: `doubtful` is degraded or rate limited, `unusable` is held or worse.
enum class Trust : std::uint8_t { ok, doubtful, unusable };
constexpr Trust last_of(Trust) {
  return Trust::unusable;
}

struct LiveValue {
  double value = 0;
  Instant as_of;
  Trust trust = Trust::ok;

  bool operator==(const LiveValue&) const = default;
};
using LiveValues = std::map<std::string, LiveValue, std::less<>>;

/// Of `now` or before, at most `age_max` old, and trusted without a doubt.
[[nodiscard]] bool is_live(const LiveValue& value, Instant now, Duration age_max);
/// Those that are live, as inputs of a prediction; what is not is simply not there.
[[nodiscard]] Inputs inputs_of(const LiveValues& values, Instant now, Duration age_max);

}  // namespace homeostat::economy::behaviour
