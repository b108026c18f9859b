// The guard of a metric: compares what the quorum says with what can have happened since it last said something
// trusted, and takes trust away. It never changes a value: a clamp would publish a wrong number for as long as the
// cause lasts, and a guard that substitutes its own bound is itself the fault when that bound is wrong.
//
// Reference: a pair (value, time), written together. At time t the departure of a value v is d = |ln(v / value)|
// (distance_between), and the budget is
//
//     budget(t) = band + rate x (t - time)
//
// which grows with time, in both directions alike; after an outage it is wide. Inside the budget v is accepted and the
// reference follows it, at most by rate x (t - time): a slow move leaves the budget whole, a sudden one uses it up.
// Outside, the reference stands still (an attack cannot drag it along) and the budget goes on growing around it.
//
//     accepted -> held      d > budget, or there is no quorum
//     held -> halted        for longer than halt_after
//     held -> accepted      d <= budget again
//     halted -> accepted    1. release: back inside the budget and steady for release_after
//                           2. re-seed: a coherent quorum steady outside it for reseed_after + reseed_per_fold x d^2:
//                              the farther the jump, the longer it must last, as its likelihood falls with the square
//                              of d; never beyond d = 10. A value that came back to the budget meanwhile, or
//                              crossed the reference, has shown that the cause is over: then reseed_after alone.
//                              With reseed_after = 0 only a guardian does this.
//                           3. a guardian accepts the value.
// Steady: within band + steady_rate x time of the value with which the steady time began.
//
// Self-test: a coherent quorum outside the budget for longer than suspect_after makes the guard the suspect. It says
// so in the reason and in `suspect`; it does not give way by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/time.hpp"
#include "oracle/settings.hpp"
#include "oracle/window.hpp"

namespace homeostat::oracle {

struct GuardState {
  bool has_reference = false;
  double reference = 0;
  Instant reference_time;

  bool halted = false;
  Instant trouble_since;   ///< nothing was accepted since then; never = it is
  Instant disputed_since;  ///< the quorum is coherent and outside the budget since then; never = it is not
  bool above = false;      ///< the side of the reference on which the dispute began
  bool returned = false;   ///< it has been back inside the budget, or on the other side, since
  Instant steady_since;    ///< never = not steady
  double steady_value = 0;

  double accepted = 0;               ///< the newest accepted value, and when
  Instant accepted_time;             ///< never = the average begins anew
  std::optional<StepWindow> window;  ///< of accepted values, with GuardSettings::average

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.has_reference), a(x.reference), a(x.reference_time), a(x.halted), a(x.trouble_since), a(x.disputed_since),
        a(x.above), a(x.returned), a(x.steady_since), a(x.steady_value), a(x.accepted), a(x.accepted_time);
    if (x.window) a(*x.window);
  }
};

struct GuardVerdict {
  bool accepted = false;
  bool halted = false;
  bool suspect = false;
  bool degraded = false;  ///< accepted, but a re-seed or release was just made
  double value = 0;       ///< if accepted: the value, or the average of the accepted ones
  double gap = 0;         ///< departure beyond which the guard and the quorum contradict each other, 0 = they do not
  std::string reason;     ///< empty if accepted without remark
};

[[nodiscard]] GuardState make_guard(const GuardSettings& settings);

/// One step at time `at`. `quorum` is what a coherent quorum says, none = there is no such quorum.
[[nodiscard]] GuardVerdict step_guard(GuardState& state, const MetricSettings& m, std::optional<double> quorum,
                                      Instant at);

/// A guardian's word: the next coherent quorum becomes the reference, whatever it says.
void release_guard(GuardState& state);

}  // namespace homeostat::oracle
