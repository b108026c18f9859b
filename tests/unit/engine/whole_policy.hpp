// What the tests of engine::check share: a policy that holds, and ways into its parts.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>

#include "world.hpp"

namespace homeostat::engine {

/// A policy that has one of everything check() looks at.
inline Policy whole_policy() {
  Policy policy = small_policy();
  auto& metrics = policy.oracle.metrics;
  policy.oracle.events = {{"Tip", "feed", "token", "event Tip(address indexed viewer, uint256 amount)"}};

  auto mean = sample_metric("mean", 0, 1000);
  mean.aggregate = oracle::Aggregate::twap;
  mean.window = Duration::hours(1);
  mean.rate_of_change = oracle::RateOfChange{0.5, Duration::hours(1), Duration::minutes(5)};
  auto smooth = sample_metric("smooth", 0, 1000);
  smooth.aggregate = oracle::Aggregate::ewma;
  smooth.half_life = Duration::minutes(1);
  auto viewers = sample_metric("viewers", 0, 1000);
  viewers.origin = oracle::EventOrigin{.event = "Tip", .value = {}, .key = 0};
  viewers.aggregate = oracle::Aggregate::distinct;
  viewers.window = Duration::hours(1);
  auto both = sample_metric("both", 0, 1000);
  both.origin = oracle::ExpressionOrigin{"velocity + activity"};
  for (const auto& m : {mean, smooth, viewers, both}) metrics.push_back(m);

  auto& fee = policy.guardian.parameters[0];
  fee.drift = guardian::DriftBudget{dec("1"), Duration::days(1)};
  fee.emergency = guardian::EmergencyLimits{{dec("0.5"), 0.5}, Duration::minutes(1), Duration::minutes(1)};
  fee.change.relative = 0.1;
  auto& loop = policy.loops[0];
  loop.emergency = controller::Gains{1, 0.1, 0};
  loop.emergency_below = 5;
  loop.emergency_above = 20;
  return policy;
}

inline bool complains(const Policy& policy, const std::string& where, const std::string& what) {
  const auto errors = check(policy);
  return std::any_of(errors.begin(), errors.end(),
                     [&](const Error& e) { return e.where == where && e.message.find(what) != std::string::npos; });
}

inline oracle::MetricSettings& metric(Policy& p, const std::string& name) {
  for (auto& m : p.oracle.metrics) {
    if (m.name == name) return m;
  }
  throw std::logic_error("no such metric");
}
inline guardian::ParameterSettings& fee(Policy& p) {
  return p.guardian.parameters[0];
}
inline controller::PidSettings& pid(Policy& p) {
  return p.loops[0].pid;
}

}  // namespace homeostat::engine
