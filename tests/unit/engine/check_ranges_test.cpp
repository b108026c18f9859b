// engine::check: of each range one value just inside and one just outside, at both ends. Messages name place and range.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>

#include "core/format.hpp"
#include "whole_policy.hpp"

namespace homeostat::engine {
namespace {

TEST(Check, TheWholePolicyHolds) {
  for (const Error& e : check(whole_policy())) ADD_FAILURE() << e.text();
}

// --- ranges ------------------------------------------------------------------------------------------

/// One field of the policy, found anew in each copy.
template <class T>
struct Range {
  const char* where;
  std::function<T&(Policy&)> field;
  T min;
  T max;
};

double below(double x) {
  return std::nextafter(x, -std::numeric_limits<double>::infinity());
}
double above(double x) {
  return std::nextafter(x, std::numeric_limits<double>::infinity());
}
Duration below(Duration d) {
  return Duration{d.ns - 1};
}
Duration above(Duration d) {
  return Duration{d.ns + 1};
}
std::uint32_t below(std::uint32_t x) {
  return x - 1;
}
std::uint32_t above(std::uint32_t x) {
  return x + 1;
}
std::string shown(double x) {
  return text_of(x);
}
std::string shown(Duration x) {
  return text_of(x);
}
std::string shown(std::uint32_t x) {
  return std::to_string(x);
}

template <class T>
void expect_bounds(const Range<T>& r) {
  const std::string range = "from " + shown(r.min) + " to " + shown(r.max);
  const auto is_refused = [&](T x) {
    Policy policy = whole_policy();
    r.field(policy) = x;
    return complains(policy, r.where, range);
  };
  EXPECT_FALSE(is_refused(r.min)) << r.where << " = min";
  EXPECT_FALSE(is_refused(r.max)) << r.where << " = max";
  EXPECT_TRUE(is_refused(below(r.min))) << r.where << " just below min, " << range;
  EXPECT_TRUE(is_refused(above(r.max))) << r.where << " just above max, " << range;
  if constexpr (std::is_same_v<T, double>) {
    EXPECT_TRUE(is_refused(std::numeric_limits<double>::quiet_NaN())) << r.where << " is not a number";
    EXPECT_TRUE(is_refused(std::numeric_limits<double>::infinity())) << r.where << " is infinite";
  }
}

constexpr double kLarge = 1e18;
constexpr Duration kZero = Duration::zero();
constexpr Duration kTick = Duration{1};
constexpr Duration kYears = Duration::days(3650);

TEST(Check, NumbersEndWhereTheirRangeEnds) {
  const std::vector<Range<double>> table = {
      {"guardian.setpoint_shift_max", [](Policy& p) -> double& { return p.guardian.setpoint_shift_max; }, 0, 1},
      {"sources.feed.rate_per_s", [](Policy& p) -> double& { return p.oracle.sources[0].rate_per_s; }, 1e-6, 1e9},
      {"sources.feed.burst", [](Policy& p) -> double& { return p.oracle.sources[0].burst; }, 1, 1e9},
      {"metrics.smooth.min", [](Policy& p) -> double& { return metric(p, "smooth").min; }, -kLarge, kLarge},
      {"metrics.smooth.max", [](Policy& p) -> double& { return metric(p, "smooth").max; }, -kLarge, kLarge},
      {"metrics.mean.coverage_min", [](Policy& p) -> double& { return metric(p, "mean").coverage_min; }, 0, 1},
      {"metrics.mean.rate_of_change.ratio_max",
       [](Policy& p) -> double& { return metric(p, "mean").rate_of_change->ratio_max; }, 1e-12, kLarge},
      {"parameters.fee.change", [](Policy& p) -> double& { return *fee(p).change.relative; }, 1e-9, kLarge},
      {"parameters.fee.emergency.change", [](Policy& p) -> double& { return *fee(p).emergency->change.relative; }, 1e-9,
       kLarge},
      {"loops.cool_velocity.setpoint", [](Policy& p) -> double& { return p.loops[0].setpoint; }, 0, 1000},
      {"loops.cool_velocity.emergency_below", [](Policy& p) -> double& { return *p.loops[0].emergency_below; }, 0,
       1000},
      {"loops.cool_velocity.emergency_above", [](Policy& p) -> double& { return *p.loops[0].emergency_above; }, 0,
       1000},
      {"loops.cool_velocity.setpoint_ramp_per_s", [](Policy& p) -> double& { return p.loops[0].setpoint_ramp_per_s; },
       0, kLarge},
      {"loops.cool_velocity.kp", [](Policy& p) -> double& { return pid(p).gains.kp; }, 0, kLarge},
      {"loops.cool_velocity.ki_per_s", [](Policy& p) -> double& { return pid(p).gains.ki_per_s; }, 0, kLarge},
      {"loops.cool_velocity.kd_s", [](Policy& p) -> double& { return pid(p).gains.kd_s; }, 0, kLarge},
      {"loops.cool_velocity.emergency.kp", [](Policy& p) -> double& { return p.loops[0].emergency->kp; }, 0, kLarge},
      {"loops.cool_velocity.emergency.ki_per_s", [](Policy& p) -> double& { return p.loops[0].emergency->ki_per_s; }, 0,
       kLarge},
      {"loops.cool_velocity.emergency.kd_s", [](Policy& p) -> double& { return p.loops[0].emergency->kd_s; }, 0,
       kLarge},
      {"loops.cool_velocity.deadband", [](Policy& p) -> double& { return pid(p).deadband; }, 0, kLarge},
      {"loops.cool_velocity.slew_per_s", [](Policy& p) -> double& { return pid(p).slew_per_s; }, 0, kLarge},
      {"loops.cool_velocity.setpoint_weight", [](Policy& p) -> double& { return pid(p).setpoint_weight; }, 0, 1},
      {"loops.cool_velocity.output_min", [](Policy& p) -> double& { return pid(p).output_min; }, -kLarge, kLarge},
      {"loops.cool_velocity.output_max", [](Policy& p) -> double& { return pid(p).output_max; }, -kLarge, kLarge},
      {"loops.cool_velocity.integral_min", [](Policy& p) -> double& { return pid(p).integral_min; }, -kLarge, kLarge},
      {"loops.cool_velocity.integral_max", [](Policy& p) -> double& { return pid(p).integral_max; }, -kLarge, kLarge},
      {"loops.cool_velocity.feed_forward", [](Policy& p) -> double& { return pid(p).feed_forward; }, -kLarge, kLarge},
  };
  for (const auto& range : table) expect_bounds(range);
}

TEST(Check, DurationsEndWhereTheirRangeEnds) {
  const Duration ms = Duration::milliseconds(1);
  const std::vector<Range<Duration>> table = {
      {"period", [](Policy& p) -> Duration& { return p.period; }, Duration::milliseconds(10), Duration::days(1)},
      {"guardian.override_max", [](Policy& p) -> Duration& { return p.guardian.override_max; }, Duration::seconds(1),
       kYears},
      {"metrics.mean.staleness_max", [](Policy& p) -> Duration& { return metric(p, "mean").staleness_max; }, kTick,
       kYears},
      {"metrics.mean.future_max", [](Policy& p) -> Duration& { return metric(p, "mean").future_max; }, kZero, kYears},
      {"metrics.mean.rate_of_change.per", [](Policy& p) -> Duration& { return metric(p, "mean").rate_of_change->per; },
       kTick, kYears},
      {"metrics.mean.rate_of_change.halt_after",
       [](Policy& p) -> Duration& { return metric(p, "mean").rate_of_change->halt_after; }, kTick, kYears},
      {"metrics.mean.window", [](Policy& p) -> Duration& { return metric(p, "mean").window; }, ms, kYears},
      {"metrics.viewers.window", [](Policy& p) -> Duration& { return metric(p, "viewers").window; }, ms, kYears},
      {"metrics.smooth.half_life", [](Policy& p) -> Duration& { return metric(p, "smooth").half_life; }, kTick, kYears},
      {"parameters.fee.cooldown_up", [](Policy& p) -> Duration& { return fee(p).cooldown_up; }, kZero, kYears},
      {"parameters.fee.cooldown_down", [](Policy& p) -> Duration& { return fee(p).cooldown_down; }, kZero, kYears},
      {"parameters.fee.drift.window", [](Policy& p) -> Duration& { return fee(p).drift->window; }, kTick, kYears},
      {"parameters.fee.emergency.cooldown_up", [](Policy& p) -> Duration& { return fee(p).emergency->cooldown_up; },
       kZero, kYears},
      {"parameters.fee.emergency.cooldown_down", [](Policy& p) -> Duration& { return fee(p).emergency->cooldown_down; },
       kZero, kYears},
      {"parameters.fee.expiry", [](Policy& p) -> Duration& { return fee(p).expiry; }, ms, kYears},
      {"parameters.fee.ack_timeout", [](Policy& p) -> Duration& { return fee(p).ack_timeout; }, ms, kYears},
      {"parameters.fee.veto_window", [](Policy& p) -> Duration& { return fee(p).veto_window; }, kZero, kYears},
      {"loops.cool_velocity.emergency_clear_after",
       [](Policy& p) -> Duration& { return p.loops[0].emergency_clear_after; }, kZero, kYears},
      {"loops.cool_velocity.leak_half_life", [](Policy& p) -> Duration& { return pid(p).leak_half_life; }, kZero,
       kYears},
      {"loops.cool_velocity.derivative_filter", [](Policy& p) -> Duration& { return pid(p).derivative_filter; }, kZero,
       kYears},
      {"loops.cool_velocity.input_filter", [](Policy& p) -> Duration& { return pid(p).input_filter; }, kZero, kYears},
      {"loops.cool_velocity.tracking_time", [](Policy& p) -> Duration& { return pid(p).tracking_time; }, kZero, kYears},
      {"loops.cool_velocity.dt_max", [](Policy& p) -> Duration& { return pid(p).dt_max; }, kZero, kYears},
  };
  for (const auto& range : table) expect_bounds(range);
}

TEST(Check, CountsEndWhereTheirRangeEnds) {
  using Count = std::uint32_t;
  const std::vector<Range<Count>> table = {
      {"records_kept", [](Policy& p) -> Count& { return p.records_kept; }, 1, 100'000},
      {"sources.feed.finality_depth", [](Policy& p) -> Count& { return p.oracle.sources[0].finality_depth; }, 1,
       oracle::kFinalityDepthMax},
      {"metrics.mean.buckets", [](Policy& p) -> Count& { return metric(p, "mean").buckets; }, 1, 10'000},
      {"metrics.viewers.exact_max", [](Policy& p) -> Count& { return metric(p, "viewers").exact_max; }, 1, 10'000'000},
  };
  for (const auto& range : table) expect_bounds(range);

  Policy policy = whole_policy();
  auto& origin = std::get<oracle::SampleOrigin>(metric(policy, "velocity").origin);
  for (const Count quorum : {0U, 1U, 2U}) {
    origin.quorum = quorum;
    EXPECT_EQ(complains(policy, "metrics.velocity.quorum", "from 1 to the number of sources, 1"), quorum != 1);
  }
}

TEST(Check, EveryWindowedAggregateNeedsAWindow) {
  using oracle::Aggregate;
  for (const Aggregate a : {Aggregate::sum, Aggregate::rate, Aggregate::count, Aggregate::distinct, Aggregate::twap}) {
    Policy policy = whole_policy();
    metric(policy, "velocity").aggregate = a;
    EXPECT_TRUE(complains(policy, "metrics.velocity.window", "0s is not from 1ms")) << static_cast<int>(a);
  }
  for (const Aggregate a : {Aggregate::last, Aggregate::median}) {
    Policy policy = whole_policy();
    metric(policy, "velocity").aggregate = a;
    EXPECT_TRUE(check(policy).empty()) << static_cast<int>(a);
  }
}

// --- sizes -------------------------------------------------------------------------------------------

template <class T>
void resize_with_names(std::vector<T>& all, std::size_t size) {
  const T last = all.back();
  while (all.size() < size) {
    all.push_back(last);
    all.back().name = "n" + std::to_string(all.size());
  }
}

TEST(Check, ListsEndWhereTheyMustFit) {
  Policy policy = whole_policy();
  resize_with_names(policy.guardian.parameters, 100'000);
  EXPECT_TRUE(check(policy).empty());
  resize_with_names(policy.guardian.parameters, 100'001);
  EXPECT_TRUE(complains(policy, "parameters", "at most 100000"));

  policy = whole_policy();
  resize_with_names(policy.loops, 100'001);
  EXPECT_TRUE(complains(policy, "loops", "at most 100000"));

  policy = whole_policy();
  resize_with_names(policy.oracle.metrics, 100'001);
  EXPECT_TRUE(complains(policy, "metrics", "at most 100000"));
}

TEST(Check, NamesAreThereOnceAndNotTooLong) {
  const std::vector<std::pair<const char*, std::function<void(Policy&, const std::string&)>>> table = {
      {"sources",
       [](Policy& p, const std::string& name) {
         p.oracle.sources.push_back({name, 1, 1});
       }},
      {"events",
       [](Policy& p, const std::string& name) {
         p.oracle.events.push_back({name, "feed", "c", "event E()"});
       }},
      {"metrics", [](Policy& p, const std::string& name) { p.oracle.metrics.push_back(sample_metric(name, 0, 1)); }},
      {"parameters", [](Policy& p, const std::string& name) { p.guardian.parameters.push_back(parameter(name)); }},
      {"loops",
       [](Policy& p, const std::string& name) {
         p.loops.push_back(velocity_loop());
         p.loops.back().name = name;
       }},
  };
  for (const auto& [kind, add] : table) {
    Policy policy = whole_policy();
    add(policy, std::string(100, 'x'));
    EXPECT_TRUE(check(policy).empty()) << kind;
    add(policy, std::string(101, 'y'));
    EXPECT_TRUE(complains(policy, kind + ("." + std::string(101, 'y')), "at most 100 characters")) << kind;
    add(policy, std::string(100, 'x'));
    EXPECT_TRUE(complains(policy, kind + ("." + std::string(100, 'x')), "given twice")) << kind;
    add(policy, "");
    EXPECT_TRUE(complains(policy, kind, "a name is empty")) << kind;
  }
}

}  // namespace
}  // namespace homeostat::engine
