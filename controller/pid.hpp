// The PID law, as a pure function: settings, state and one input go in, the next state and every term
// of the output come out.
//
//     u = feed_forward + kp e_p + I + D         e   = deadband(sp - pv)           (direct; negated: reverse)
//     dI/dt = ki e - I ln2 / leak_half_life     e_p = e - (1 - b) sp              b = set-point weight
//     D = -kd dpv/dt, first-order filtered      (relative error: all of e, e_p, D divided by |sp|)
//
// Discretisation. I: the leak first, exactly (2^(-dt / half-life)), then the anti-windup, then the
// trapezoid of the errors of two usable steps (or the error of one of them: forward, backward). D: the slope between
// two usable readings through a first-order filter discretised exactly for an input held over the step, y += (x - y)(1
// - e^(-dt/T)): it neither rings nor diverges for any dt, as the bilinear form does when dt > 2T. [Astrom & Hagglund
// 2006, Advanced PID Control, ch. 3 and 13]
//
// Filter on the input (if any): the same first-order filter on the process variable, before everything else.
//
// Time. dt counts from the last usable step. The integral sees at most dt_max of it, so downtime never
// winds it up; the slope sees all of it, so a gap never looks like a jump.
//
// Readings. Unusable: the output is held, the integral frozen. Doubtful (authority < 1): the output goes
// only that share of the way to what the law asks for, and integrates that share.
//
// Windup. This loop's own output limits are its bounds and, with a slew limit, how far the output may have come since
// the last usable step. What lies behind it (hard bounds, a chain that clamps, an executor that rejects) the caller
// states as the excess, what was applied minus what was wanted. Three modes, with Tt the tracking time, dt/Tt at most
// 1:
// - tracking: the integral takes in only what still moves the output, and follows the excess: I += excess dt/Tt;
// - conditional: no area while it pushes further, beyond a limit or against an excess [control_toolbox, ArduPilot];
// - back_calculation: all of the area, then I += (limited - unlimited + excess) dt/Tt [Astrom & Hagglund 2006].
//
// Bumpless. After start, or after align_to(), the next usable step solves for the smallest integral that
// gives exactly the aligned output. When gains, set-point weight, action, error kind or deadband differ from the
// last step's, it solves for the integral that gives the output which the old law would have given. Both hold as far
// as [integral_min, integral_max] reaches. A gain factor that changes moves what it takes from P and D into the
// integral, in the same step that integrates on. A loop without integral action (ki = 0) has no place to keep an
// offset: it has no integral and its changes show, bounded by the guardian's largest change.
//
// Invariants: the output is finite, inside [output_min, output_max] and moves no faster than the slew limit (coming
// back into changed bounds excepted); the integral is finite and inside its own bounds.
#pragma once

#include "controller/settings.hpp"

namespace homeostat::controller {

/// |set-point| below which a relative error is taken relative to this instead, in PV: nothing is ever
/// divided by zero. A policy with a relative error and a set-point of 0 is refused before it gets here.
inline constexpr double kSetpointScaleMin = 1e-9;
/// A relative error beyond this says nothing more than "far off".
inline constexpr double kErrorRatioMax = 1e6;

/// The part of the settings whose change must not be felt in the output.
struct Law {
  Gains gains;
  double setpoint_weight = 1;
  Action action = Action::direct;
  ErrorKind error = ErrorKind::absolute;
  double deadband = 0;

  bool operator==(const Law&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.gains.kp), a(x.gains.ki_per_s), a(x.gains.kd_s), a(x.setpoint_weight), a(x.action), a(x.error), a(x.deadband);
  }
};

struct PidState {
  bool aligning = true;         ///< the next usable step solves the integral for `output`
  bool has_reading = false;     ///< process_variable is of an earlier usable step
  Law law;                      ///< of the last usable step
  double integral = 0;          ///< U, with ki already in it
  double error = 0;             ///< of the last usable step, after the deadband
  double process_variable = 0;  ///< of the last usable step, after the filter on the input, PV
  double slope_per_s = 0;       ///< filtered dpv/dt, PV/s
  double since_usable_s = 0;    ///< time since the last usable step
  double output = 0;            ///< U; what is held, and what is aligned to
  double gain_factor = 1;       ///< of the last usable step

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.aligning), a(x.has_reading), a(x.law), a(x.integral), a(x.error), a(x.process_variable), a(x.slope_per_s),
        a(x.since_usable_s), a(x.output), a(x.gain_factor);
  }
};

struct PidInput {
  double process_variable = 0;  ///< PV
  double setpoint = 0;          ///< PV, already ramped and shifted
  double dt_s = 0;              ///< time since the last step, usable or not
  bool usable = true;
  double authority = 1;    ///< 0..1
  double excess = 0;       ///< U: (applied - wanted) beyond what the next adjustment can still do
  double gain_factor = 1;  ///< on all gains, from a schedule
};

struct PidStep {
  PidState state;
  double error = 0;  ///< after the deadband; PV or a ratio
  double p = 0;      ///< U, like all below
  double i = 0;
  double d = 0;
  double feed_forward = 0;
  double unlimited = 0;  ///< sum of the four
  double output = 0;     ///< after authority and the output limits
  double tracking = 0;   ///< what anti-windup changed in the integral in this step
  bool frozen = false;   ///< the reading was unusable: held and frozen

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.state), a(x.error), a(x.p), a(x.i), a(x.d), a(x.feed_forward), a(x.unlimited), a(x.output), a(x.tracking),
        a(x.frozen);
  }
};

/// `settings` with every "0 = default" replaced: integral bounds, tracking time, dt cap.
[[nodiscard]] PidSettings with_defaults(PidSettings settings, Duration period);

/// One step. `settings` must have gone through with_defaults(); `gains_in_force` are the normal or the
/// emergency ones.
[[nodiscard]] PidStep step(const PidSettings& settings, const Gains& gains_in_force, const PidState& before,
                           const PidInput& input);

/// The same in place: from last.state to last, without copying what is large.
void advance(const PidSettings& settings, const Gains& gains_in_force, const PidInput& input, PidStep& last);

/// Makes the loop go on from `output` (in U) without a step: the hand-back after an override or a pause.
[[nodiscard]] PidState align_to(PidState state, double output);

/// The set-point on its way from `current` to `target` at no more than `speed_per_s` (0 = at once).
[[nodiscard]] double ramp(double current, double target, double speed_per_s, double dt_s);

/// The error after the deadband: 0 inside it, continuous at its edge.
[[nodiscard]] double with_deadband(double error, double deadband);

}  // namespace homeostat::controller
