// The law under anything: its bounds hold, and nothing that should not be felt is felt.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "controller/pid.hpp"

namespace homeostat::controller {
namespace {

double within(double low, double high) {
  return low + (high - low) * (*rc::gen::inRange(0, 1'000'001) / 1e6);
}

PidSettings any_settings() {
  PidSettings settings;
  settings.gains = {within(0, 5), within(0.0001, 0.5), within(0, 20)};
  settings.action = *rc::gen::element(Action::direct, Action::reverse);
  settings.error = *rc::gen::element(ErrorKind::absolute, ErrorKind::relative);
  settings.deadband = within(0, 2);
  settings.setpoint_weight = within(0, 1);
  settings.leak_half_life = Duration::seconds(*rc::gen::inRange(0, 100));
  settings.derivative_filter = Duration::seconds(*rc::gen::inRange(0, 100));
  settings.output_min = within(-100, -1);
  settings.output_max = within(1, 100);
  settings.feed_forward = within(-1, 1);
  settings.anti_windup = *rc::gen::element(AntiWindup::tracking, AntiWindup::conditional, AntiWindup::back_calculation);
  settings.integration = *rc::gen::element(Integration::trapezoid, Integration::forward, Integration::backward);
  settings.input_filter = Duration::seconds(*rc::gen::inRange(0, 100));
  settings.slew_per_s = *rc::gen::element(0.0, within(0.001, 10));
  return with_defaults(settings, Duration::seconds(10));
}

PidInput any_input() {
  PidInput input;
  input.process_variable = within(-1000, 1000);
  input.setpoint = within(-100, 100);
  input.dt_s = within(0, 1000);
  input.usable = *rc::gen::weightedElement<bool>({{8, true}, {2, false}});
  input.authority = *rc::gen::element(1.0, 0.5);
  input.excess = within(-100, 100);
  return input;
}

RC_GTEST_PROP(Pid, OutputAndIntegralAreFiniteAndInsideTheirBounds, ()) {
  const PidSettings settings = any_settings();
  PidState state;
  for (int i = *rc::gen::inRange(1, 40); i > 0; --i) {
    const PidStep s = step(settings, settings.gains, state, any_input());
    RC_ASSERT(std::isfinite(s.output) && s.output >= settings.output_min && s.output <= settings.output_max);
    RC_ASSERT(std::isfinite(s.i) && s.i >= settings.integral_min && s.i <= settings.integral_max);
    RC_ASSERT(s.output == s.state.output);
    state = s.state;
  }
}

RC_GTEST_PROP(Pid, OutputMovesNoFasterThanItsSlewLimit, ()) {
  PidSettings settings = any_settings();
  settings.slew_per_s = within(0.001, 10);
  PidState state;
  double since_s = 0;
  for (int i = *rc::gen::inRange(1, 40); i > 0; --i) {
    const PidInput input = any_input();
    since_s += input.dt_s;
    const PidStep s = step(settings, settings.gains, state, input);
    RC_ASSERT(std::fabs(s.output - state.output) <= settings.slew_per_s * since_s * (1 + 1e-12) + 1e-12);
    if (!s.frozen) since_s = 0;
    state = s.state;
  }
}

/// Everything that has a sign, with the other one.
PidSettings mirrored(PidSettings s) {
  std::swap(s.output_min, s.output_max);
  std::swap(s.integral_min, s.integral_max);
  for (double* x : {&s.output_min, &s.output_max, &s.integral_min, &s.integral_max, &s.feed_forward}) *x = -*x;
  return s;
}

RC_GTEST_PROP(Pid, UpAndDownAreMirrorImages, ()) {
  const PidSettings settings = any_settings();
  const PidSettings other = mirrored(settings);
  PidState state;
  PidState image;
  for (int i = *rc::gen::inRange(1, 40); i > 0; --i) {
    const PidInput input = any_input();
    PidInput reflected = input;
    reflected.process_variable = -input.process_variable;
    reflected.setpoint = -input.setpoint;
    reflected.excess = -input.excess;
    const PidStep a = step(settings, settings.gains, state, input);
    const PidStep b = step(other, other.gains, image, reflected);
    RC_ASSERT(a.output == -b.output);
    RC_ASSERT(a.i == -b.i);
    RC_ASSERT(a.unlimited == -b.unlimited);
    state = a.state;
    image = b.state;
  }
}

RC_GTEST_PROP(Pid, AnUnusableReadingChangesNeitherOutputNorIntegral, ()) {
  const PidSettings settings = any_settings();
  PidState state;
  for (int i = *rc::gen::inRange(1, 10); i > 0; --i) state = step(settings, settings.gains, state, any_input()).state;
  PidInput blind = any_input();
  blind.usable = false;
  const PidStep s = step(settings, settings.gains, state, blind);
  RC_ASSERT(s.frozen && s.output == state.output && s.i == state.integral);
}

RC_GTEST_PROP(Pid, RetuningDoesNotMoveTheOutput, ()) {
  PidSettings before = any_settings();
  before.integral_min = -1e9;  // wide enough that the integral can carry any difference
  before.integral_max = 1e9;
  PidState state;
  PidInput input = any_input();
  input.usable = true;
  input.authority = 1;
  input.excess = 0;
  for (int i = 0; i < 5; ++i) state = step(before, before.gains, state, input).state;

  PidSettings after = any_settings();
  after.integral_min = -1e9;
  after.integral_max = 1e9;
  after.output_min = before.output_min;
  after.output_max = before.output_max;
  after.feed_forward = before.feed_forward;
  after.slew_per_s = before.slew_per_s;  // a limit that is lifted is meant to be felt
  RC_PRE(!(after.gains == before.gains));
  // The same point again with no time passing: the old law would give the same output but for its derivative.
  input.dt_s = 0;
  const PidStep old_law = step(before, before.gains, state, input);
  const PidStep new_law = step(after, after.gains, state, input);
  RC_ASSERT(std::fabs(new_law.output - old_law.output) <= 1e-6);
}

RC_GTEST_PROP(Pid, AnAlignedLoopStartsFromExactlyThere, ()) {
  PidSettings settings = any_settings();
  settings.integral_min = -1e9;
  settings.integral_max = 1e9;
  PidState state;
  for (int i = *rc::gen::inRange(0, 10); i > 0; --i) state = step(settings, settings.gains, state, any_input()).state;
  const double target = within(settings.output_min, settings.output_max);
  PidInput input = any_input();
  input.usable = true;
  const PidStep s = step(settings, settings.gains, align_to(state, target), input);
  RC_ASSERT(std::fabs(s.output - target) <= 1e-6);
}

}  // namespace
}  // namespace homeostat::controller
