#include "controller/ratio.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

namespace homeostat::controller::ratio {
namespace {

constexpr std::array<std::string_view, 11> kReasons = {"desired_within_range",
                                                       "within_tolerance",
                                                       "scale_up_stabilized",
                                                       "scale_down_stabilized",
                                                       "scale_up_limit",
                                                       "scale_down_limit",
                                                       "too_many",
                                                       "too_few",
                                                       "current_above_max",
                                                       "current_below_min",
                                                       "invalid_metric"};

struct Proposal {
  double units = 0;
  Reason reason = Reason::desired_within_range;
};

/// The largest proposal of the valid metrics; nothing when the law must hold.
std::optional<Proposal> propose(const Settings& settings, double current, std::span<const Metric> metrics) {
  std::optional<Proposal> most;
  bool any_invalid = metrics.empty();
  for (const Metric& m : metrics) {
    const double ratio = m.value / m.target;
    if (!m.valid || !std::isfinite(ratio) || ratio < 0) {
      any_invalid = true;
      continue;
    }
    const bool is_near = 1 - settings.down.tolerance <= ratio && ratio <= 1 + settings.up.tolerance;
    const Proposal mine = is_near ? Proposal{current, Reason::within_tolerance}
                                  : Proposal{std::ceil(current * ratio), Reason::desired_within_range};
    if (!most || mine.units > most->units) most = mine;
  }
  if (any_invalid && (!most || most->units < current)) return std::nullopt;
  return most;
}

bool is_inside(Instant at, Instant now, Duration window) {
  return at + window > now;
}

double stabilised(const Settings& settings, const State& state, double current, double proposed, Instant now) {
  double least = proposed;
  double most = proposed;
  for (const auto& r : state.recommendations) {
    if (is_inside(r.at, now, settings.up.window)) least = std::min(least, r.units);
    if (is_inside(r.at, now, settings.down.window)) most = std::max(most, r.units);
  }
  // Not std::clamp: with different windows `least` may exceed `most`'s neighbour; first up, then down.
  double units = std::max(current, least);
  return std::min(units, most);
}

double changed_in(const std::deque<Change>& changes, Instant now, Duration period) {
  double sum = 0;
  for (const Change& c : changes) {
    if (is_inside(c.at, now, period)) sum += c.units;
  }
  return sum;
}

/// How far the policies let `current` go; sign +1 up, -1 down. Never against the direction.
double limit_of(const Direction& direction, const State& state, double current, Instant now, int sign) {
  if (direction.select == Select::disabled || direction.policies.empty()) return current;
  std::optional<double> limit;
  for (const Policy& policy : direction.policies) {
    const double begin =
        current - changed_in(state.added, now, policy.period) + changed_in(state.taken, now, policy.period);
    double reach = begin + sign * policy.value;
    if (policy.measure == Measure::percent) {
      const double scaled = begin * (1 + sign * policy.value / 100);
      reach = sign > 0 ? std::ceil(scaled) : std::floor(scaled);
    }
    const bool is_farther = !limit || (reach - *limit) * sign > 0;
    if (!limit || is_farther == (direction.select == Select::largest_change)) limit = reach;
  }
  return sign > 0 ? std::max(*limit, current) : std::min(*limit, current);
}

template <class T>
void forget(std::deque<T>& history, Instant now, Duration longest) {
  while (!history.empty() && !is_inside(history.front().at, now, longest)) history.pop_front();
  while (history.size() > kHistoryMax) history.pop_front();
}

Duration longest_period(const Settings& settings) {
  Duration longest;
  for (const Direction* d : {&settings.up, &settings.down}) {
    for (const Policy& p : d->policies) longest = std::max(longest, p.period);
  }
  return longest;
}

void limit_up(const Settings& settings, const State& state, double current, Instant now, Step& s) {
  const double reach = limit_of(settings.up, state, current, now, 1);
  const double most = std::min(settings.max, reach);
  if (s.units <= most) return;
  s.units = most;
  s.reason = settings.max > reach ? Reason::scale_up_limit : Reason::too_many;
}

void limit_down(const Settings& settings, const State& state, double current, Instant now, Step& s) {
  const double reach = limit_of(settings.down, state, current, now, -1);
  const double least = std::max(settings.min, reach);
  if (s.units >= least) return;
  s.units = least;
  s.reason = settings.min < reach ? Reason::scale_down_limit : Reason::too_few;
}

Result<> check_direction(const Direction& d, const std::string& where, double tolerance_max, Duration period) {
  const auto refuse = [&](const char* field, const char* message) {
    return fail(ErrorCode::out_of_range, where + field, message);
  };
  if (!(d.tolerance >= 0 && d.tolerance <= tolerance_max)) {
    return refuse(".tolerance", tolerance_max > 1 ? "must be within 0..10" : "must be within 0..1");
  }
  if (d.window < Duration::zero() || d.window > kWindowMax) return refuse(".window", "must be within 0..1h");
  if (d.policies.size() > kPoliciesMax) return refuse(".policies", "must be at most 16");
  if (d.select != Select::disabled && d.policies.empty()) {
    return refuse(".policies", "must not be empty; select: disabled stands still");
  }
  const auto steps_max = static_cast<std::int64_t>(kHistoryMax);
  if (d.window > period * steps_max) return refuse(".window", "is longer than 4096 steps");
  for (const Policy& p : d.policies) {
    if (!(p.value > 0) || !std::isfinite(p.value)) return refuse(".policies", "value must be above 0");
    if (p.period <= Duration::zero() || p.period > kWindowMax * 24)
      return refuse(".policies", "period must be up to 24h");
    if (p.period > period * steps_max) return refuse(".policies", "period is longer than 4096 steps");
  }
  return {};
}

}  // namespace

std::string_view name_of(Reason reason) {
  return kReasons[static_cast<std::size_t>(reason)];
}

Settings defaults(double min, double max) {
  Settings s{.min = min, .max = max};
  s.up.policies = {{Measure::percent, 100, Duration::seconds(15)}, {Measure::units, 4, Duration::seconds(15)}};
  s.down.window = Duration::seconds(300);
  s.down.policies = {{Measure::percent, 100, Duration::seconds(15)}};
  return s;
}

Result<> check(const Settings& s, Duration period) {
  if (!(s.min >= 0) || !std::isfinite(s.max) || s.min > s.max) {
    return fail(ErrorCode::out_of_range, "min", "must be at least 0 and not above max");
  }
  if (auto up = check_direction(s.up, "up", 10, period); !up) return up;
  return check_direction(s.down, "down", 1, period);
}

Step step(const Settings& settings, const State& before, double current, std::span<const Metric> metrics, Instant now) {
  Step s{.state = before, .proposed = current, .stabilised = current, .units = current};
  if (current > settings.max ||
      current < settings.min) {  // whoever put it there: the bounds come first, without limits
    s.units = std::clamp(current, settings.min, settings.max);
    s.reason = current > settings.max ? Reason::current_above_max : Reason::current_below_min;
  } else if (const auto proposal = propose(settings, current, metrics)) {
    s.proposed = proposal->units;
    s.reason = proposal->reason;
    forget(s.state.recommendations, now, std::max(settings.up.window, settings.down.window));
    s.stabilised = stabilised(settings, s.state, current, s.proposed, now);
    if (s.stabilised != s.proposed) {
      s.reason = s.proposed > current ? Reason::scale_up_stabilized : Reason::scale_down_stabilized;
    }
    s.state.recommendations.push_back({now, s.proposed});
    s.units = s.stabilised;
    if (s.units > current) limit_up(settings, s.state, current, now, s);
    if (s.units < current) limit_down(settings, s.state, current, now, s);
  } else {
    s.reason = Reason::invalid_metric;
  }
  forget(s.state.added, now, longest_period(settings));
  forget(s.state.taken, now, longest_period(settings));
  if (s.units > current) s.state.added.push_back({now, s.units - current});
  if (s.units < current) s.state.taken.push_back({now, current - s.units});
  return s;
}

}  // namespace homeostat::controller::ratio
