// What is worse never allows more: worse quality never gives more authority, worse flags never a milder mode.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "controller/pid.hpp"
#include "core/random.hpp"
#include "guardian/modes.hpp"
#include "oracle/reading.hpp"

namespace homeostat {
namespace {

const Instant kStart = Instant::from_unix_seconds(1'700'000'000);

guardian::Cause any_cause(Random& random) {
  guardian::Cause cause;
  cause.kind =
      static_cast<guardian::CauseKind>(random.below(static_cast<std::uint64_t>(last_of(guardian::CauseKind{})) + 1));
  cause.subject = std::string(1, static_cast<char>('a' + random.below(4)));
  cause.reason = "r";
  cause.since = kStart;
  return cause;
}

RC_GTEST_PROP(ModesUnderAnything, OneMoreCauseNeverGivesAMilderModeAndOneLessNeverAWorse, ()) {
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  guardian::Modes modes;
  for (int i = 0; i < 40; ++i) {
    const auto before = modes.mode();
    const bool was_emergency = modes.is_emergency();
    const guardian::Cause cause = any_cause(random);
    if (random.chance(0.6)) {
      modes.raise(cause);
      RC_ASSERT(modes.mode() >= before && (modes.is_emergency() || !was_emergency));
      RC_ASSERT(!modes.cause_text().empty());
    } else {
      modes.clear(cause.kind, cause.subject);
      RC_ASSERT(modes.mode() <= before && (was_emergency || !modes.is_emergency()));
    }
    RC_ASSERT((modes.mode() == guardian::OperatingMode::normal) == modes.empty());
  }
}

// Quality is worst last; what it is worth never rises, and a law moves its output and integrates no more for less of
// it.
RC_GTEST_PROP(Authority, WorseQualityNeverGivesMore, ()) {
  for (int q = 0; q < static_cast<int>(oracle::Quality::halted); ++q) {
    RC_ASSERT(oracle::authority_of(static_cast<oracle::Quality>(q)) >=
              oracle::authority_of(static_cast<oracle::Quality>(q + 1)));
  }
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  controller::PidSettings settings;
  settings.gains = {random.uniform(0, 2), 0, random.uniform(0, 2)};
  settings.output_min = -10;
  settings.output_max = 10;
  settings = controller::with_defaults(settings, Duration::seconds(10));
  controller::PidState state;
  for (int i = 0; i < 20; ++i) {
    double more = random.uniform(0, 1), less = random.uniform(0, 1);
    if (less > more) std::swap(less, more);
    const double pv = random.uniform(-20, 20);
    const auto by = [&](double authority) {
      return controller::step(settings, settings.gains, state, {pv, 0, 10, true, authority, 0});
    };
    const auto a = by(less), b = by(more);
    RC_ASSERT(std::fabs(a.output - state.output) <= std::fabs(b.output - state.output) + 1e-12);
    const auto none = controller::step(settings, settings.gains, state, {pv, 0, 10, false, 0, 0});
    RC_ASSERT(none.output == state.output);
    state = b.state;
  }
}

}  // namespace
}  // namespace homeostat
