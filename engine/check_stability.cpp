// A loop with a declared plant range is refused when some plant of that range makes it unstable, with the gains of
// normal operation or of an emergency, at any factor of its schedule.
#include <algorithm>
#include <cmath>

#include "controller/pid.hpp"
#include "controller/stability.hpp"
#include "core/format.hpp"
#include "engine/policy.hpp"

namespace homeostat::engine {
namespace {

using namespace controller;

std::string text_of_plant(const PlantPoint& plant) {
  return "gain " + short_text(plant.gain) + ", lag " + text_of(plant.lag) + ", delay " + text_of(plant.delay);
}

void range(std::vector<Error>& errors, bool ok, const std::string& where, std::string message) {
  if (!ok) errors.push_back({ErrorCode::out_of_range, where, std::move(message)});
}

bool check_range(const PlantRange& plant, Duration period, const std::string& where, std::vector<Error>& errors) {
  const std::size_t before = errors.size();
  range(errors, plant.gain_min > 0 && plant.gain_max >= plant.gain_min && std::isfinite(plant.gain_max),
        where + ".gain", "must be above 0, the lesser one first");
  range(errors, plant.lag_min >= Duration::zero() && plant.lag_max >= plant.lag_min, where + ".lag",
        "must not be negative, the lesser one first");
  range(errors, plant.delay_min >= Duration::zero() && plant.delay_max >= plant.delay_min, where + ".delay",
        "must not be negative, the lesser one first");
  range(errors, plant.delay_max / period < static_cast<std::int64_t>(kDelaySamplesMax), where + ".delay",
        text_of(plant.delay_max) + " is more than " + std::to_string(kDelaySamplesMax - 1) + " periods of " +
            text_of(period) + ": make the period longer");
  return errors.size() == before;
}

void check_gains(const LoopSettings& s, const Gains& gains, const char* which, Duration period,
                 const std::string& where, std::vector<Error>& errors) {
  double factor = 1;
  if (s.schedule) {
    factor = 0;
    for (const auto& point : s.schedule->points) factor = std::max(factor, point.factor);
  }
  Gains most{gains.kp * factor, gains.ki_per_s * factor, gains.kd_s * factor};
  const PidSettings pid = with_defaults(s.pid, period);
  const auto worst = unstable_in(linear(pid, most, s.setpoint), range_of(*s.plant), period);
  if (!worst) return;
  // The nearest right thing: all gains smaller, by halves.
  double smaller = 1;
  for (int i = 0; i < 20; ++i) {
    smaller /= 2;
    const Gains less{most.kp * smaller, most.ki_per_s * smaller, most.kd_s * smaller};
    if (unstable_in(linear(pid, less, s.setpoint), range_of(*s.plant), period)) continue;
    errors.push_back({ErrorCode::out_of_range, where,
                      std::string(which) + " make the loop unstable on its plant (" + text_of_plant(*worst) +
                          "); times " + short_text(smaller) + " they do not"});
    return;
  }
  errors.push_back({ErrorCode::out_of_range, where,
                    std::string(which) + " make the loop unstable on its plant (" + text_of_plant(*worst) +
                        "), and so do far smaller ones"});
}

}  // namespace

void check_stability(const Policy& policy, std::vector<Error>& errors) {
  if (policy.period <= Duration::zero()) return;
  for (const LoopSettings& s : policy.loops) {
    if (!s.plant) continue;
    const std::string where = "loops." + s.name;
    if (s.law) continue;  // only pid is linear
    if (!check_range(range_of(*s.plant), policy.period, where + ".plant", errors)) continue;
    check_gains(s, s.pid.gains, "gains", policy.period, where + ".gains", errors);
    if (s.emergency) {
      check_gains(s, *s.emergency, "the gains of an emergency", policy.period, where + ".emergency", errors);
    }
  }
}

}  // namespace homeostat::engine
