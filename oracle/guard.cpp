#include "oracle/guard.hpp"

#include <algorithm>
#include <cmath>

#include "core/format.hpp"
#include "core/math.hpp"
#include "oracle/quorum.hpp"

namespace homeostat::oracle {
namespace {

/// How finely the average of accepted values moves.
constexpr std::uint32_t kAverageBuckets = 60;

/// A jump farther than this (e to the tenth: twenty thousandfold) is believed of nobody but a guardian.
constexpr double kFoldsMax = 10;

/// |ln| that the budget has gained in `elapsed`; time that runs backwards gains nothing.
double gained(const GuardSettings& g, Duration elapsed) {
  return elapsed <= Duration::zero() ? 0 : g.rate_per_s * elapsed.in_seconds();
}

/// The reference moves towards `to` by at most `step` (of distance_between).
double moved(double from, double to, double step, const MetricSettings& m) {
  const double distance = distance_between(from, to, m);
  if (distance <= step) return to;
  if ((from > 0 && to > 0) || (from < 0 && to < 0)) {
    return from * math::exp(std::fabs(to) > std::fabs(from) ? step : -step);
  }
  return from + (to - from) * (step / distance);
}

void write_reference(GuardState& s, double value, Instant at) {
  s.has_reference = true;
  s.reference = value;
  s.reference_time = at;
}

void settle_trouble(GuardState& s) {
  s.halted = s.returned = false;
  s.trouble_since = s.disputed_since = s.steady_since = Instant{};
}

/// The average of accepted values until `at`; a trouble in between leaves a hole, a new reference begins anew.
double averaged(GuardState& s, const GuardSettings& g, double value, Instant at, bool anew) {
  if (!s.window) return value;
  if (anew) {
    s.window.emplace(TimeGrid(g.average, kAverageBuckets));
  } else if (!s.accepted_time.is_never()) {
    s.window->hold(s.accepted_time, at, s.accepted);
  }
  s.accepted = value;
  s.accepted_time = at;
  const StepWindow::Integral total = s.window->integral(at, at, at, value);
  return total.covered_ns <= 0 ? value : total.value_seconds / (static_cast<double>(total.covered_ns) / 1e9);
}

void accept(GuardVerdict& verdict, GuardState& s, const MetricSettings& m, double value, Instant at, bool anew) {
  verdict.accepted = true;
  verdict.value = averaged(s, *m.guard, value, at, anew);
  settle_trouble(s);
}

/// Nothing is accepted at `at`: held at first, halted when it lasts.
void refuse(GuardVerdict& verdict, GuardState& s, const GuardSettings& g, Instant at) {
  if (s.trouble_since.is_never()) s.trouble_since = at;
  if (at - s.trouble_since >= g.halt_after) s.halted = true;
  s.accepted_time = Instant{};
  verdict.halted = s.halted;
}

bool is_steady_for(GuardState& s, const MetricSettings& m, double value, Instant at, Duration time) {
  const auto allowed = [&] { return m.guard->band + m.guard->steady_rate_per_s * (at - s.steady_since).in_seconds(); };
  if (s.steady_since.is_never() || distance_between(s.steady_value, value, m) > allowed()) {
    s.steady_since = at;
    s.steady_value = value;
  }
  return at - s.steady_since >= time;
}

std::string percent(double ln) {
  const double share = std::round(ln * 1000) / 10;
  return text_of(share) + "%";
}

Duration reseed_wait(const GuardState& s, const GuardSettings& g, double departure) {
  if (s.returned) return g.reseed_after;
  if (departure > kFoldsMax) return Duration::max();
  return g.reseed_after +
         Duration{static_cast<std::int64_t>(g.reseed_per_fold.in_seconds() * departure * departure * 1e9)};
}

void refuse_departure(GuardVerdict& verdict, GuardState& s, const MetricSettings& m, double value, double departure,
                      double budget, Instant at) {
  const GuardSettings& g = *m.guard;
  const bool above = value > s.reference;
  if (s.disputed_since.is_never()) {
    s.disputed_since = at;
    s.above = above;
  }
  if (above != s.above) s.returned = true;
  const Duration wait = reseed_wait(s, g, departure);
  const bool steady = is_steady_for(s, m, value, at, wait);
  if (g.reseed_after > Duration::zero() && steady) {
    verdict.reason = "re-seeded at " + text_of(value) + ": the sources agreed on it for " + text_of(wait);
    verdict.degraded = true;
    write_reference(s, value, at);
    return accept(verdict, s, m, value, at, true);
  }
  verdict.gap = departure;
  refuse(verdict, s, g, at);
  verdict.reason = "the sources say " + text_of(value) + ", " + percent(departure) + " from " + text_of(s.reference) +
                   "; allowed by now " + percent(budget);
  verdict.reason +=
      g.reseed_after > Duration::zero() && wait < Duration::max()
          ? "; accepted when they agreed on it for " + text_of(Duration::seconds(wait / Duration::seconds(1)))
          : "; a guardian must accept the new value";
  if (at - s.disputed_since >= g.suspect_after) {
    verdict.suspect = true;
    verdict.reason += "; for " + text_of(at - s.disputed_since) + " now: the guard may be what is wrong";
  }
}

}  // namespace

GuardState make_guard(const GuardSettings& settings) {
  GuardState state;
  if (settings.average > Duration::zero()) state.window.emplace(TimeGrid(settings.average, kAverageBuckets));
  return state;
}

GuardVerdict step_guard(GuardState& s, const MetricSettings& m, std::optional<double> quorum, Instant at) {
  const GuardSettings& g = *m.guard;
  GuardVerdict verdict;
  if (!quorum) {
    s.steady_since = Instant{};
    refuse(verdict, s, g, at);
    return verdict;
  }
  if (!s.has_reference) {
    write_reference(s, *quorum, at);
    accept(verdict, s, m, *quorum, at, true);
    return verdict;
  }
  const double departure = distance_between(s.reference, *quorum, m);
  const double growth = gained(g, at - s.reference_time);
  const double budget = g.decrease_max && *quorum < s.reference ? *g.decrease_max : g.band + growth;
  if (departure > budget) {
    refuse_departure(verdict, s, m, *quorum, departure, budget, at);
    return verdict;
  }
  s.disputed_since = Instant{};
  s.returned = true;
  if (s.halted && !is_steady_for(s, m, *quorum, at, g.release_after)) {
    refuse(verdict, s, g, at);
    verdict.reason = "the sources agree on " + text_of(*quorum) + " again; trusted when it is steady for " +
                     text_of(g.release_after);
    return verdict;
  }
  const bool anew = s.halted;
  write_reference(s, anew ? *quorum : moved(s.reference, *quorum, growth, m), at);
  accept(verdict, s, m, *quorum, at, anew);
  return verdict;
}

void release_guard(GuardState& state) {
  settle_trouble(state);
  state.has_reference = false;
}

}  // namespace homeostat::oracle
