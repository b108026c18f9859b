#include "engine/loosened.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "core/format.hpp"
#include "guardian/loosened.hpp"

namespace homeostat::engine {
namespace {

using oracle::MetricSettings;

/// Things with a name, of the one list and of the other.
template <class T>
const T* named(const std::vector<T>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& x) { return x.name == name; });
  return found == all.end() ? nullptr : &*found;
}

class Comparison {
 public:
  explicit Comparison(std::vector<std::string> found) : found_(std::move(found)) {}

  void metric(const MetricSettings& was, const MetricSettings& now);
  void source(const oracle::SourceSettings& was, const oracle::SourceSettings& now);
  void event(const oracle::EventSettings& was, const oracle::EventSettings& now);
  void loop(const controller::LoopSettings& was, const controller::LoopSettings& now);
  void say(std::string sentence) { found_.push_back(std::move(sentence)); }
  [[nodiscard]] std::vector<std::string> take() { return std::move(found_); }

 private:
  template <class T>
  void from_to(const std::string& where, const T& was, const T& now) {
    say(where + " from " + text_of(was) + " to " + text_of(now));
  }
  template <class T>
  void if_more(const std::string& where, const T& was, const T& now) {
    if (now > was) from_to(where, was, now);
  }
  template <class T>
  void if_less(const std::string& where, const T& was, const T& now) {
    if (now < was) from_to(where, was, now);
  }
  /// Of a limit that is none at zero.
  template <class T>
  void if_weaker(const std::string& where, const T& was, const T& now) {
    if (was == T{}) return;
    if (now == T{}) return say(where + " is gone");
    if_more(where, was, now);
  }
  /// Of a check that may be absent; `allows_more` compares two that are there.
  template <class T, class AllowsMore>
  void check(const std::string& where, const std::optional<T>& was, const std::optional<T>& now,
             const AllowsMore& allows_more) {
    if (!was) return;
    if (!now) return say(where + " is gone");
    if (allows_more(*was, *now)) say(where + " allows more");
  }

  void origin(const std::string& at, const oracle::SampleOrigin& was, const oracle::SampleOrigin& now);
  void origin(const std::string& at, const oracle::EventOrigin& was, const oracle::EventOrigin& now);
  void origin(const std::string& at, const oracle::ExpressionOrigin& was, const oracle::ExpressionOrigin& now);

  std::vector<std::string> found_;
};

void Comparison::origin(const std::string& at, const oracle::SampleOrigin& was, const oracle::SampleOrigin& now) {
  const auto as_set = [](const auto& list) { return std::set<std::string>(list.begin(), list.end()); };
  if (as_set(was.sources) != as_set(now.sources)) say(at + " is of other sources");
  if_less<double>(at + ".quorum", was.quorum, now.quorum);
  const bool knows_them = std::all_of(was.limits.begin(), was.limits.end(), [&](const oracle::SourceLimits& limits) {
    return std::find(now.limits.begin(), now.limits.end(), limits) != now.limits.end();
  });
  if (!knows_them) say(at + " no longer knows the limits of a source");
}

void Comparison::origin(const std::string& at, const oracle::EventOrigin& was, const oracle::EventOrigin& now) {
  const bool is_same = was.event == now.event && was.value == now.value && was.value_signed == now.value_signed &&
                       was.key == now.key && was.scale == now.scale;
  if (!is_same) say(at + " is of another event, or reads it differently");
  const bool counts_blocks = now.finality == oracle::Finality::confirmations;
  if (now.finality < was.finality ||
      (now.finality == was.finality && counts_blocks && now.confirmations < was.confirmations)) {
    say(at + ".finality counts blocks earlier");
  }
}

void Comparison::origin(const std::string& at, const oracle::ExpressionOrigin& was,
                        const oracle::ExpressionOrigin& now) {
  if (was.text != now.text) say(at + " is another expression");
}

bool allows_more(const oracle::GuardSettings& was, const oracle::GuardSettings& now) {
  const double none = std::numeric_limits<double>::infinity();
  const auto reseeds_sooner = [](Duration a, Duration b) {  // zero never does
    return b > Duration::zero() && (a == Duration::zero() || b < a);
  };
  return now.band > was.band || now.rate_per_s > was.rate_per_s ||
         now.decrease_max.value_or(none) > was.decrease_max.value_or(none) || now.halt_after > was.halt_after ||
         now.release_after < was.release_after || reseeds_sooner(was.reseed_after, now.reseed_after) ||
         now.reseed_per_fold < was.reseed_per_fold || now.steady_rate_per_s > was.steady_rate_per_s ||
         now.suspect_after > was.suspect_after || now.average < was.average;
}

void Comparison::metric(const MetricSettings& was, const MetricSettings& now) {
  const std::string at = "metrics." + was.name;
  if_less(at + ".min", was.min, now.min);
  if_more(at + ".max", was.max, now.max);
  if (was.origin.index() != now.origin.index()) {
    say(at + " is read from elsewhere");
  } else {
    std::visit([&](const auto& old) { origin(at, old, std::get<std::decay_t<decltype(old)>>(now.origin)); },
               was.origin);
  }
  if (was.aggregate != now.aggregate) say(at + ".aggregate is another one");
  if_less(at + ".window", was.window, now.window);
  if_less(at + ".half_life", was.half_life, now.half_life);
  if_less(at + ".coverage_min", was.coverage_min, now.coverage_min);
  if_more(at + ".staleness_max", was.staleness_max, now.staleness_max);
  if_more(at + ".future_max", was.future_max, now.future_max);
  check(at + ".rate_of_change", was.rate_of_change, now.rate_of_change, [](const auto& a, const auto& b) {
    return b.ratio_max > a.ratio_max || b.per < a.per || b.halt_after > a.halt_after;
  });
  check(at + ".outliers", was.outliers, now.outliers,
        [](const auto& a, const auto& b) { return b.mads > a.mads || b.floor > a.floor; });
  check(at + ".peg", was.peg, now.peg, [](const auto& a, const auto& b) { return b.at != a.at || b.band > a.band; });
  check(at + ".guard", was.guard, now.guard, allows_more);
  if_weaker(at + ".agree_within", was.agree_within, now.agree_within);
  if_weaker<double>(at + ".pinned_after", was.pinned_after, now.pinned_after);
  if_weaker(at + ".frozen_after", was.frozen_after, now.frozen_after);
  if_less(at + ".liquidity_needed", was.liquidity_needed, now.liquidity_needed);
}

void Comparison::source(const oracle::SourceSettings& was, const oracle::SourceSettings& now) {
  const std::string at = "sources." + was.name;
  if_less<double>(at + ".finality_depth", was.finality_depth, now.finality_depth);
  if_weaker(at + ".skew_max", was.skew_max, now.skew_max);
  if (was.group != now.group) say(at + ".group is another one");
}

void Comparison::event(const oracle::EventSettings& was, const oracle::EventSettings& now) {
  if (was.source != now.source || was.contract != now.contract || was.signature != now.signature) {
    say("events." + was.name + " is another one");
  }
}

void Comparison::loop(const controller::LoopSettings& was, const controller::LoopSettings& now) {
  const std::string at = "loops." + was.name;
  if (was.metric != now.metric) say(at + ".metric is another one");
  if (was.parameter != now.parameter || was.drives != now.drives) say(at + " moves something else");
  check(at + ".emergency.below", was.emergency_below, now.emergency_below, [](double a, double b) { return b < a; });
  check(at + ".emergency.above", was.emergency_above, now.emergency_above, [](double a, double b) { return b > a; });
  if_less(at + ".emergency.clear_after", was.emergency_clear_after, now.emergency_clear_after);
  check(at + ".corridor", was.corridor, now.corridor,
        [](const auto& a, const auto& b) { return b.min < a.min || b.max > a.max || b.horizon < a.horizon; });
  check(at + ".plausibility", was.plausibility, now.plausibility, [](const auto& a, const auto& b) {
    return b.moved_ratio > a.moved_ratio || b.within > a.within || b.response_ratio < a.response_ratio;
  });
}

}  // namespace

std::vector<std::string> loosened(const Policy& was, const Policy& now) {
  Comparison compare(guardian::loosened(was.guardian, now.guardian));
  for (const auto& x : was.oracle.metrics) {
    if (const auto* other = named(now.oracle.metrics, x.name)) compare.metric(x, *other);
  }
  for (const auto& x : was.oracle.sources) {
    if (const auto* other = named(now.oracle.sources, x.name)) compare.source(x, *other);
  }
  for (const auto& x : was.oracle.events) {
    if (const auto* other = named(now.oracle.events, x.name)) compare.event(x, *other);
  }
  for (const auto& x : was.loops) {
    const auto* other = named(now.loops, x.name);
    if (other != nullptr) compare.loop(x, *other);
    if (other == nullptr && (x.emergency_below || x.emergency_above)) {
      compare.say("loops." + x.name + " is gone, which asked for emergency mode");
    }
  }
  for (const auto& x : now.loops) {
    if (named(was.loops, x.name) == nullptr) compare.say("loops." + x.name + " is new");
  }
  return compare.take();
}

}  // namespace homeostat::engine
