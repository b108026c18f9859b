// The controller's part of a policy. Units: PV = the unit of the loop's metric, U = the unit of its
// parameter, s = seconds. With error: relative the error is a ratio, (set-point - PV) / |set-point|.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "controller/schedule.hpp"
#include "core/time.hpp"

namespace homeostat::controller {

/// direct: the output rises when the process variable is below its set-point (error = sp - pv).
/// reverse: the output rises when it is above (error = pv - sp).
enum class Action : std::uint8_t { direct, reverse };
enum class ErrorKind : std::uint8_t { absolute, relative };

constexpr Action last_of(Action) {
  return Action::reverse;
}
constexpr ErrorKind last_of(ErrorKind) {
  return ErrorKind::relative;
}

/// How the integral is kept from winding up. `tracking`: it takes in only what still moves the output, and follows what
/// was really applied. `conditional`: it takes in nothing that pushes further into a limit, this loop's own or one
/// behind it. `back_calculation`: it takes in everything and is drawn back, with the tracking time, by what the limits
/// cut off.
enum class AntiWindup : std::uint8_t { tracking, conditional, back_calculation };
/// Which error an integration step stands for: the mean of the last and this one, the last one, or this one.
enum class Integration : std::uint8_t { trapezoid, forward, backward };

/// Gains in parallel form: u = bias + kp e_p + I + D, dI/dt = ki e - I ln2 / leak_half_life.
struct Gains {
  double kp = 0;        ///< U per unit of error
  double ki_per_s = 0;  ///< U per unit of error and second
  double kd_s = 0;      ///< U seconds per unit of error

  bool operator==(const Gains&) const = default;
};

struct PidSettings {
  Gains gains;
  Action action = Action::direct;
  ErrorKind error = ErrorKind::absolute;
  double deadband = 0;         ///< on the error: |e| <= deadband acts as 0, beyond it e shrinks by it
  double setpoint_weight = 1;  ///< b in e_p = b sp - pv, 0..1
  Duration leak_half_life;     ///< 0 = no leak
  Duration derivative_filter;  ///< time constant of the first-order filter on D, 0 = none
  double integral_min = 0;     ///< in U; both 0 = the output limits
  double integral_max = 0;
  double output_min = 0;  ///< of this loop's contribution, in U
  double output_max = 0;
  double feed_forward = 0;  ///< constant bias added to the output, in U
  AntiWindup anti_windup = AntiWindup::tracking;
  Integration integration = Integration::trapezoid;
  Duration input_filter;   ///< time constant of the first-order filter on the process variable, 0 = none
  double slew_per_s = 0;   ///< largest speed of the output in U/s, 0 = any
  Duration tracking_time;  ///< anti-windup by what was applied; 0 = one period
  Duration dt_max;         ///< cap of one integration step; 0 = 3 periods

  /// The durations above once more, filled in by with_defaults(): a step has no time for divisions.
  struct Seconds {
    double leak_half_life = 0;
    double derivative_filter = 0;
    double input_filter = 0;
    double tracking_time = 0;
    double dt_max = 0;
  };
  Seconds seconds;
  /// What a step after exactly one period takes of the filters and leaves by the leak, from the same functions that
  /// every other step asks: nearly all steps are such, and have no time for exponentials.
  struct Usual {
    double dt_s = 0;
    double derivative_share = 0;
    double input_share = 0;
    double leak = 1;
  };
  Usual usual;
};

/// What the loop's metric must show when its parameter has really moved, see engine/plausibility.hpp.
struct Plausibility {
  double moved_ratio = 0.05;             ///< net movement that must show, as a share of the parameter's max - min
  Duration within = Duration::hours(2);  ///< by when it must
  double response_ratio = 0.001;  ///< by more than this share of the reading, or of the set-point if that is more
};

struct LawSettings;  // controller/law.hpp

/// What is known of how the metric answers the parameter: a first-order lag behind a delay. The gain is in PV per U, in
/// the direction that the loop takes for granted (up for direct, down for reverse), and lies somewhere in its range.
struct Plant {
  double gain_min = 0;
  double gain_max = 0;
  Duration lag;  ///< the least of its range, like delay
  Duration delay;
  Duration lag_max;    ///< 0 = lag
  Duration delay_max;  ///< 0 = delay
};

/// Where the metric must be after `horizon` for a proposed value to be sent, PV.
struct Corridor {
  double min = 0;
  double max = 0;
  Duration horizon;
};

struct LoopSettings {
  std::string name;
  std::string metric;
  std::string parameter;
  double setpoint = 0;             ///< in PV
  double setpoint_ramp_per_s = 0;  ///< largest set-point speed in PV/s, 0 = at once
  PidSettings pid;
  std::optional<Gains> emergency;         ///< gains in emergency mode; none = the normal ones
  std::optional<double> emergency_below;  ///< PV below which the loop asks for emergency mode
  std::optional<double> emergency_above;
  Duration emergency_clear_after = Duration::minutes(5);  ///< PV back inside for this long clears it
  std::optional<Plausibility> plausibility;               ///< none = not asked
  std::string response;                                   ///< one sentence for explain: what this loop is for
  /// A law other than pid; none = pid. Of `pid` it then uses action, output limits and dt_max alone.
  std::shared_ptr<const LawSettings> law;
  std::optional<GainSchedule> schedule;  ///< on pid's gains; none = factor 1
  /// The loop whose set-point this one's output is added to; its metric's unit is then this loop's U, and `parameter`
  /// the one that the driven loop moves in the end. Empty = it moves the parameter itself.
  std::string drives;
  std::optional<Plant> plant;
  std::optional<Corridor> corridor;  ///< with a plant only: what is proposed is run through it before it is sent
};

}  // namespace homeostat::controller
