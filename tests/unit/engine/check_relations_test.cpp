// engine::check: of each contradiction between two values the nearest that holds and the nearest that does not.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "whole_policy.hpp"

namespace homeostat::engine {
namespace {

double below(double x) {
  return std::nextafter(x, -std::numeric_limits<double>::infinity());
}
double above(double x) {
  return std::nextafter(x, std::numeric_limits<double>::infinity());
}

struct Pair {
  const char* where;
  const char* what;
  std::function<void(Policy&)> good;  ///< the nearest that holds
  std::function<void(Policy&)> bad;   ///< the nearest that does not
};

void expect_pairs(const std::vector<Pair>& table) {
  for (const Pair& pair : table) {
    Policy policy = whole_policy();
    pair.good(policy);
    for (const Error& e : check(policy)) ADD_FAILURE() << pair.where << " is good, but " << e.text();
    policy = whole_policy();
    pair.bad(policy);
    EXPECT_TRUE(complains(policy, pair.where, pair.what)) << pair.where << ": " << pair.what;
  }
}

TEST(Check, ParametersHoldTogether) {
  const Decimal large(Decimal::kUnitsMax / 4, 2);
  const Decimal larger(Decimal::kUnitsMax / 4 + 1, 2);
  expect_pairs({
      {"parameters.fee.min", "5 is not below max 5", [](Policy& p) { fee(p).min = fee(p).initial = dec("4.95"); },
       [](Policy& p) { fee(p).min = dec("5"); }},
      {"parameters.fee.initial", "0.45 is outside 0.5 to 5", [](Policy& p) { fee(p).initial = dec("0.5"); },
       [](Policy& p) { fee(p).initial = dec("0.45"); }},
      {"parameters.fee.initial", "5.05 is outside 0.5 to 5", [](Policy& p) { fee(p).initial = dec("5"); },
       [](Policy& p) { fee(p).initial = dec("5.05"); }},
      {"parameters.fee.min", "0.51 is not a multiple of the quantum 0.05; the nearest is 0.5",
       [](Policy& p) { fee(p).min = dec("0.55"); }, [](Policy& p) { fee(p).min = dec("0.51"); }},
      {"parameters.fee.max", "4.99 is not a multiple of the quantum 0.05; the nearest is 5",
       [](Policy& p) { fee(p).max = dec("4.95"); }, [](Policy& p) { fee(p).max = dec("4.99"); }},
      {"parameters.fee.initial", "2.51 is not a multiple of the quantum 0.05; the nearest is 2.5",
       [](Policy& p) { fee(p).initial = dec("2.55"); }, [](Policy& p) { fee(p).initial = dec("2.51"); }},
      {"parameters.fee.quantum", "must be above 0", [](Policy& p) { fee(p).quantum = dec("0.01"); },
       [](Policy& p) { fee(p).quantum = dec("0"); }},
      {"parameters.fee.quantum", "must be above 0", [](Policy& p) { fee(p).quantum = dec("0.01"); },
       [](Policy& p) { fee(p).quantum = dec("-0.05"); }},
      {"parameters.fee.change", "0.04 is below the quantum 0.05",
       [](Policy& p) { fee(p).change.absolute = dec("0.05"); },
       [](Policy& p) { fee(p).change.absolute = dec("0.04"); }},
      {"parameters.fee.emergency.change", "0.04 is below the quantum 0.05",
       [](Policy& p) { fee(p).emergency->change.absolute = dec("0.05"); },
       [](Policy& p) { fee(p).emergency->change.absolute = dec("0.04"); }},
      {"parameters.fee.drift.budget", "0.04 is below the quantum 0.05",
       [](Policy& p) { fee(p).drift->budget = dec("0.05"); }, [](Policy& p) { fee(p).drift->budget = dec("0.04"); }},
      {"parameters.fee.drift.budget", "is too large for its number of decimals",
       [=](Policy& p) { fee(p).drift->budget = large; }, [=](Policy& p) { fee(p).drift->budget = larger; }},
      {"parameters.fee.change", "is too large for its number of decimals",
       [=](Policy& p) { fee(p).change.absolute = large; }, [=](Policy& p) { fee(p).change.absolute = larger; }},
      {"parameters.fee.decimals", "19 is not from 0 to 18", [](Policy&) {}, [](Policy& p) { fee(p).decimals = 19; }},
      {"parameters.fee.decimals", "-1 is not from 0 to 18", [](Policy&) {}, [](Policy& p) { fee(p).decimals = -1; }},
  });
}

TEST(Check, EveryDecimalHasItsParametersDecimalsAndRoomForSums) {
  const std::vector<std::pair<const char*, std::function<Decimal&(Policy&)>>> table = {
      {"initial", [](Policy& p) -> Decimal& { return fee(p).initial; }},
      {"min", [](Policy& p) -> Decimal& { return fee(p).min; }},
      {"max", [](Policy& p) -> Decimal& { return fee(p).max; }},
      {"quantum", [](Policy& p) -> Decimal& { return fee(p).quantum; }},
      {"change", [](Policy& p) -> Decimal& { return *fee(p).change.absolute; }},
      {"emergency.change", [](Policy& p) -> Decimal& { return *fee(p).emergency->change.absolute; }},
      {"drift.budget", [](Policy& p) -> Decimal& { return fee(p).drift->budget; }},
  };
  for (const auto& [name, field] : table) {
    const std::string where = std::string("parameters.fee.") + name;
    Policy policy = whole_policy();
    field(policy) = dec("2.5", 3);
    EXPECT_TRUE(complains(policy, where, "has 3 decimals, the parameter 2")) << where;
    field(policy) = Decimal(Decimal::kUnitsMax / 4, 2);
    EXPECT_FALSE(complains(policy, where, "is too large")) << where;
    field(policy) = Decimal(Decimal::kUnitsMax / 4 + 1, 2);
    EXPECT_TRUE(complains(policy, where, "is too large")) << where;
  }
  for (const int decimals : {0, 18}) {
    Policy policy = whole_policy();
    auto& p = fee(policy);
    p = parameter("fee");
    p.decimals = decimals;
    p.min = dec("0", decimals);
    p.max = p.initial = dec("5", decimals);
    p.quantum = dec("1", decimals);
    p.change.absolute = dec("1", decimals);
    EXPECT_TRUE(check(policy).empty()) << decimals;
  }
}

TEST(Check, MetricsHoldTogether) {
  using oracle::EventOrigin;
  const auto event = [](Policy& p) -> EventOrigin& { return std::get<EventOrigin>(metric(p, "viewers").origin); };
  const auto scale = [=](double x) { return [=](Policy& p) { event(p).scale = x; }; };
  const auto samples = [](std::vector<std::string> sources) {
    return [=](Policy& p) { metric(p, "velocity").origin = oracle::SampleOrigin{sources, 1}; };
  };
  const auto formula = [](std::string text) {
    return [=](Policy& p) { metric(p, "both").origin = oracle::ExpressionOrigin{text}; };
  };
  const auto nothing = [](Policy&) {};
  const double inf = std::numeric_limits<double>::infinity();
  expect_pairs({
      {"metrics.smooth.min", "1000 is not below max 1000", [](Policy& p) { metric(p, "smooth").min = below(1000.0); },
       [](Policy& p) { metric(p, "smooth").min = 1000; }},
      {"metrics.velocity.sources", "a metric needs at least one source", samples({"feed"}), samples({})},
      {"metrics.velocity.sources", "'feed' is given twice", samples({"feed"}), samples({"feed", "feed"})},
      {"metrics.velocity.sources", "no source is named 'fed'; did you mean 'feed'?", samples({"feed"}),
       samples({"fed"})},
      {"metrics.viewers.event", "no event is named 'Tap'; did you mean 'Tip'?", nothing,
       [=](Policy& p) { event(p).event = "Tap"; }},
      {"metrics.viewers.scale", "0 is not a finite number other than 0", scale(1e-18), scale(0)},
      {"metrics.viewers.scale", "is not a finite number other than 0", scale(1e18), scale(above(1e18))},
      {"metrics.viewers.scale", "is not a finite number other than 0", scale(-1e18), scale(below(-1e18))},
      {"metrics.viewers.scale", "is not a finite number other than 0", scale(1), scale(inf)},
      {"metrics.viewers.scale", "is not a finite number other than 0", scale(1), scale(std::nan(""))},
      {"metrics.viewers.key", "a distinct count of events needs the argument to count", nothing,
       [=](Policy& p) { event(p).key.reset(); }},
      {"metrics.both.expression", "'both' is the metric itself", formula("viewers / 2"), formula("both / 2")},
      {"metrics.velocity.expression", "'activity' comes later", nothing,
       [](Policy& p) { metric(p, "velocity").origin = oracle::ExpressionOrigin{"activity"}; }},
      {"metrics.both.expression", "no metric is named 'viewer'; did you mean 'viewers'?", formula("viewers / 2"),
       formula("viewer / 2")},
      {"metrics.both.expression", "", formula("velocity"), formula("velocity +")},
      {"events.Tip.source", "no source is named 'fed'; did you mean 'feed'?", nothing,
       [](Policy& p) { p.oracle.events[0].source = "fed"; }},
      {"events.Tip.signature", "the event's Solidity declaration is required", nothing,
       [](Policy& p) { p.oracle.events[0].signature.clear(); }},
  });
}

TEST(Check, LoopsHoldTogether) {
  const auto relative = [](double setpoint) {
    return [=](Policy& p) {
      metric(p, "velocity").min = -1000;
      p.loops[0].emergency_below = -5;
      p.loops[0].setpoint = setpoint;
      pid(p).error = controller::ErrorKind::relative;
    };
  };
  expect_pairs({
      {"loops.cool_velocity.emergency_below", "begins at or above the set-point",
       [](Policy& p) { p.loops[0].emergency_below = below(10.0); }, [](Policy& p) { p.loops[0].emergency_below = 10; }},
      {"loops.cool_velocity.emergency_above", "begins at or below the set-point",
       [](Policy& p) { p.loops[0].emergency_above = above(10.0); }, [](Policy& p) { p.loops[0].emergency_above = 10; }},
      {"loops.cool_velocity.output_min", "2 is not below output_max 2",
       [](Policy& p) { pid(p).output_min = below(2.0); }, [](Policy& p) { pid(p).output_min = 2; }},
      {"loops.cool_velocity.integral_min", "is above integral_max 0", [](Policy& p) { pid(p).integral_min = 0; },
       [](Policy& p) { pid(p).integral_min = above(0.0); }},
      {"loops.cool_velocity.error", "needs a set-point other than 0", relative(1e-9), relative(below(1e-9))},
      {"loops.cool_velocity.error", "needs a set-point other than 0", relative(-1e-9), relative(above(-1e-9))},
      {"loops.cool_velocity.metric", "no metric is named 'velocty'; did you mean 'velocity'?", [](Policy&) {},
       [](Policy& p) { p.loops[0].metric = "velocty"; }},
      {"loops.cool_velocity.parameter", "no parameter is named 'fees'; did you mean 'fee'?", [](Policy&) {},
       [](Policy& p) { p.loops[0].parameter = "fees"; }},
  });
}

}  // namespace
}  // namespace homeostat::engine
