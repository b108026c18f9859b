#include "controller/pid.hpp"

#include <algorithm>
#include <cmath>

#include "core/math.hpp"

namespace homeostat::controller {
namespace {

/// As std::clamp, but never a branch: where readings are noise it would be guessed wrong half the time.
double clamped(double x, double low, double high) {
  const double at_least = x < low ? low : x;
  return high < at_least ? high : at_least;
}

struct Terms {
  double error = 0;
  double p = 0;
  double d = 0;
};

/// The terms without memory, by one law at one point.
Terms terms_of(const Law& law, double setpoint, double process_variable, double slope_per_s) {
  const double sign = law.action == Action::direct ? 1 : -1;
  double raw = setpoint - process_variable;
  double reference = (1 - law.setpoint_weight) * setpoint;
  double slope = slope_per_s;
  if (law.error == ErrorKind::relative) {
    const double scale = std::max(std::fabs(setpoint), kSetpointScaleMin);
    raw = clamped(raw / scale, -kErrorRatioMax, kErrorRatioMax);
    reference /= scale;
    slope /= scale;
  }
  const double error = with_deadband(sign * raw, law.deadband);
  return {error, law.gains.kp * (error - sign * reference), -sign * law.gains.kd_s * slope};
}

/// Output held, integral frozen.
void hold(const PidSettings& settings, PidStep& result) {
  const PidState& held = result.state;
  result.error = held.error;
  result.p = 0;
  result.i = held.integral;
  result.d = 0;
  result.feed_forward = settings.feed_forward;
  result.unlimited = held.output;
  result.output = held.output;
  result.tracking = 0;
  result.frozen = true;
}

/// What of a change gets through a first-order filter in `dt_s`.
double filter_share(double dt_s, double time_constant_s) {
  return 1 - math::exp(-dt_s / time_constant_s);
}

double leak_factor(double dt_s, double half_life_s) {
  return math::exp2(-dt_s / half_life_s);
}

double filtered_slope(const PidSettings& settings, const PidState& before, double process_variable, double elapsed_s) {
  if (!before.has_reading || elapsed_s <= 0) return before.slope_per_s;
  const double slope = (process_variable - before.process_variable) / elapsed_s;
  if (settings.derivative_filter.ns <= 0) return slope;
  const double share = elapsed_s == settings.usual.dt_s ? settings.usual.derivative_share
                                                        : filter_share(elapsed_s, settings.seconds.derivative_filter);
  return before.slope_per_s + (slope - before.slope_per_s) * share;
}

/// The process variable after the filter on the input.
double filtered_input(const PidSettings& settings, const PidState& before, double process_variable, double elapsed_s) {
  if (!before.has_reading || settings.input_filter.ns <= 0) return process_variable;
  const double share = elapsed_s == settings.usual.dt_s ? settings.usual.input_share
                                                        : filter_share(elapsed_s, settings.seconds.input_filter);
  return before.process_variable + (process_variable - before.process_variable) * share;
}

/// Where the output may go in this step.
struct Reach {
  double low = 0;
  double high = 0;

  [[nodiscard]] double limited(double x) const { return clamped(x, low, high); }
};

Reach reach_of(const PidSettings& settings, double output, double elapsed_s) {
  if (settings.slew_per_s <= 0) return {settings.output_min, settings.output_max};
  const double most = settings.slew_per_s * elapsed_s;
  return {std::max(settings.output_min, output - most), std::min(settings.output_max, output + most)};
}

double area_of(const PidSettings& settings, double ki_per_s, double last, double error, double dt_s) {
  switch (settings.integration) {
    case Integration::trapezoid: return ki_per_s * 0.5 * (last + error) * dt_s;
    case Integration::forward: return ki_per_s * last * dt_s;
    case Integration::backward: return ki_per_s * error * dt_s;
  }
  return 0;
}

struct Integrated {
  double integral = 0;
  double tracking = 0;
};

/// The integral after anti-windup and `area`; `rest` is the output without the integral.
Integrated integrate(const PidSettings& settings, const Reach& reach, double integral, double area, double rest,
                     double excess, double dt_s) {
  const double share = std::min(1.0, dt_s / settings.seconds.tracking_time);
  switch (settings.anti_windup) {
    case AntiWindup::tracking: {
      const double tracking = excess * share;
      integral += tracking;
      // Take in only what still moves the output: never push further beyond a limit it is already at.
      const double unlimited = rest + integral + area;
      if (area > 0 && unlimited > reach.high) area = std::max(0.0, area - (unlimited - reach.high));
      if (area < 0 && unlimited < reach.low) area = std::min(0.0, area + (reach.low - unlimited));
      return {integral + area, tracking};
    }
    case AntiWindup::conditional: {
      const double unlimited = rest + integral + area;
      const bool pushes_up = area > 0 && (unlimited > reach.high || excess < 0);
      const bool pushes_down = area < 0 && (unlimited < reach.low || excess > 0);
      return {pushes_up || pushes_down ? integral : integral + area, 0};
    }
    case AntiWindup::back_calculation: {
      integral += area;
      const double unlimited = rest + integral;
      const double tracking = (reach.limited(unlimited) - unlimited + excess) * share;
      return {integral + tracking, tracking};
    }
  }
  return {integral, 0};
}

}  // namespace

double with_deadband(double error, double deadband) {
  return error - clamped(error, -deadband, deadband);
}

double ramp(double current, double target, double speed_per_s, double dt_s) {
  if (speed_per_s <= 0) return target;
  const double most = speed_per_s * dt_s;
  if (target > current + most) return current + most;
  if (target < current - most) return current - most;
  return target;
}

PidSettings with_defaults(PidSettings settings, Duration period) {
  if (settings.integral_min == 0 && settings.integral_max == 0) {
    settings.integral_min = settings.output_min;
    settings.integral_max = settings.output_max;
  }
  if (settings.tracking_time.ns <= 0) settings.tracking_time = period;
  if (settings.dt_max.ns <= 0) settings.dt_max = period * 3;
  settings.seconds = {settings.leak_half_life.in_seconds(), settings.derivative_filter.in_seconds(),
                      settings.input_filter.in_seconds(), settings.tracking_time.in_seconds(),
                      settings.dt_max.in_seconds()};
  const double dt_s = period.in_seconds();
  settings.usual = {dt_s, filter_share(dt_s, settings.seconds.derivative_filter),
                    filter_share(dt_s, settings.seconds.input_filter),
                    leak_factor(dt_s, settings.seconds.leak_half_life)};
  return settings;
}

PidState align_to(PidState state, double output) {
  state.aligning = true;
  state.output = output;
  return state;
}

PidStep step(const PidSettings& settings, const Gains& gains_in_force, const PidState& before, const PidInput& input) {
  PidStep result;
  result.state = before;
  advance(settings, gains_in_force, input, result);
  return result;
}

void advance(const PidSettings& settings, const Gains& gains_in_force, const PidInput& input, PidStep& last) {
  PidState& state = last.state;  // as it was, until it is written at the end
  const double output_before = state.output;
  const double since_before_s = state.since_usable_s;
  state.since_usable_s += input.dt_s;
  state.output = clamped(state.output, settings.output_min, settings.output_max);
  if (!input.usable) return hold(settings, last);

  const double elapsed_s = state.since_usable_s;
  const double dt_s = std::min(elapsed_s, settings.seconds.dt_max);
  const double process_variable = filtered_input(settings, state, input.process_variable, elapsed_s);
  const double slope_per_s = filtered_slope(settings, state, process_variable, elapsed_s);
  const Law law{gains_in_force, settings.setpoint_weight, settings.action, settings.error, settings.deadband};
  const bool is_law_new = !(law == state.law);
  Terms terms = terms_of(law, input.setpoint, process_variable, slope_per_s);
  const double factor = input.gain_factor;
  const double moved_by_factor = (state.gain_factor - factor) * (terms.p + terms.d);
  terms.p *= factor;
  terms.d *= factor;
  const double without_integral = settings.feed_forward + terms.p + terms.d;
  const Reach reach = reach_of(settings, state.output, elapsed_s);

  double integral = state.integral;
  double tracking = 0;
  if (gains_in_force.ki_per_s == 0) {
    integral = 0;
  } else if (state.aligning) {
    // The smallest integral that continues the output: none if a limit already explains it, for one taken up only
    // to cancel what the limit cancels anyway would push the output the wrong way as soon as the error shrinks.
    const bool is_explained = clamped(without_integral, settings.output_min, settings.output_max) == state.output;
    integral = is_explained ? 0 : state.output - without_integral;
  } else if (is_law_new) {
    const Terms old = terms_of(state.law, input.setpoint, process_variable, slope_per_s);
    const double as_before = settings.feed_forward + state.gain_factor * (old.p + old.d) + integral;
    integral = reach.limited(as_before) - without_integral;
  } else {
    integral += moved_by_factor;
    if (settings.leak_half_life.ns > 0) {
      integral *=
          dt_s == settings.usual.dt_s ? settings.usual.leak : leak_factor(dt_s, settings.seconds.leak_half_life);
    }
    const double area =
        area_of(settings, gains_in_force.ki_per_s * factor, state.error, terms.error, dt_s) * input.authority;
    const Integrated integrated = integrate(settings, reach, integral, area, without_integral, input.excess, dt_s);
    integral = integrated.integral;
    tracking = integrated.tracking;
  }
  integral = clamped(integral, settings.integral_min, settings.integral_max);

  const double unlimited = without_integral + integral;
  if (!std::isfinite(unlimited)) {  // beyond what check() lets through: as if this step had not been
    state.since_usable_s = since_before_s;
    state.output = output_before;
    return hold(settings, last);
  }
  const double limited = reach.limited(unlimited);
  state.aligning = false;
  state.has_reading = true;
  if (is_law_new) state.law = law;
  state.gain_factor = factor;
  state.integral = integral;
  state.error = terms.error;
  state.process_variable = process_variable;
  state.slope_per_s = slope_per_s;
  state.since_usable_s = 0;
  // Between two values inside the limits; exact at full authority, where a + (b - a) would not be.
  state.output = input.authority >= 1 ? limited
                                      : clamped(state.output + (limited - state.output) * input.authority,
                                                settings.output_min, settings.output_max);
  last.error = terms.error;
  last.p = terms.p;
  last.i = integral;
  last.d = terms.d;
  last.feed_forward = settings.feed_forward;
  last.unlimited = unlimited;
  last.output = state.output;
  last.tracking = tracking;
  last.frozen = false;
}

}  // namespace homeostat::controller
