// What a hundred shadow policies cost: one live tick, and the same tick in a hundred shadows that compare it.
//
// The aim is a hundred engine ticks at most. The policy has 20 loops on 20 parameters whose readings never rest.
//
//   shadow_bench [--smoke]
#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/table.hpp"
#include "engine/shadow.hpp"

using namespace homeostat;

namespace {

constexpr std::size_t kLoops = 20;
constexpr std::size_t kShadows = 100;

engine::PolicyPtr policy(const char* digest, double kp) {
  engine::Policy p{.name = "bench", .digest = digest, .period = Duration::seconds(5)};
  p.oracle.sources = {{"feed", 1e9, 1e9}};
  for (std::size_t i = 0; i < kLoops; ++i) {
    oracle::MetricSettings metric{.name = fmt::format("metric{}", i), .min = 0, .max = 100};
    metric.origin = oracle::SampleOrigin{.sources = {"feed"}};
    metric.staleness_max = Duration::minutes(1);
    p.oracle.metrics.push_back(metric);
    controller::LoopSettings loop{
        .name = fmt::format("loop{}", i), .metric = metric.name, .parameter = fmt::format("rate{}", i), .setpoint = 50};
    loop.pid.gains = {.kp = kp, .ki_per_s = 0.0001};
    loop.pid.output_min = -20;
    loop.pid.output_max = 20;
    p.loops.push_back(loop);
    guardian::ParameterSettings rate{.name = loop.parameter, .unit = "points", .decimals = 2};
    rate.initial = Decimal(5000, 2), rate.min = Decimal(1000, 2), rate.max = Decimal(9000, 2),
    rate.quantum = Decimal(1, 2);
    rate.change.absolute = Decimal(200, 2);
    p.guardian.parameters.push_back(rate);
  }
  if (!engine::check(p).empty()) bench::give_up(engine::check(p).front().text());
  return std::make_shared<const engine::Policy>(p);
}

oracle::SampleBatch samples(std::uint64_t slot, Instant at) {
  oracle::SampleBatch batch{.source = "feed", .first_sequence = slot * kLoops, .received = at};
  for (std::uint32_t i = 0; i < kLoops; ++i) {
    batch.metrics.push_back(fmt::format("metric{}", i));
    batch.samples.push_back({.metric = i, .time = at, .value = 40.0 + static_cast<double>((slot * 7 + i * 3) % 20)});
  }
  return batch;
}

double seconds_of(auto&& f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  engine::Engine live(policy("live", 0.1));
  std::vector<engine::Shadow> shadows;
  for (std::size_t i = 0; i < (smoke ? 3 : kShadows); ++i) {
    auto shadow = engine::Shadow::fork(live, policy("candidate", 0.1 + 0.001 * static_cast<double>(i)), "", Instant{});
    if (!shadow) bench::give_up(shadow.error().text());
    shadows.push_back(std::move(*shadow));
  }
  std::vector<double> alone, beside;
  for (std::uint64_t slot = 1; slot <= (smoke ? 20U : 300U); ++slot) {
    const Instant at{static_cast<std::int64_t>(slot) * 5'000'000'000};
    const engine::Input batch = samples(slot, at);
    const engine::Input tick = engine::Tick{slot, at};
    (void)live.apply(batch);
    for (engine::Shadow& shadow : shadows) shadow.apply(batch, {});
    engine::Effects effects;
    double live_s = seconds_of([&] { effects = live.apply(tick); });
    const std::vector<engine::LiveDecision> decided = engine::live_decisions(effects);
    beside.push_back(seconds_of([&] {
      for (engine::Shadow& shadow : shadows) shadow.apply(tick, decided);
    }));
    // A shadow's tick has its answers in it, so the live one's count, too.
    for (const engine::Adjustment& a : std::vector(effects.adjustments)) {
      const engine::Input answer = engine::ActuatorReport{a.id, "bench", at, true, a.value, ""};
      live_s += seconds_of([&] { effects = live.apply(answer); });
      const auto answered = engine::live_decisions(effects);
      for (engine::Shadow& shadow : shadows) shadow.apply(answer, answered);
    }
    alone.push_back(live_s);
  }
  if (shadows.front().parameters().size() != kLoops) bench::give_up("not every parameter was compared");
  if (shadows.back().parameters().front().differing == 0) bench::give_up("another gain never differed");
  const double one = bench::median(alone);
  const double all = bench::median(beside);
  const double ticks = all / one;
  bench::print(
      {fmt::format("{} shadow policies, one tick of {} loops each, us", shadows.size(), kLoops),
       bench::grouped(all * 1e6), "the live engine's tick: " + bench::grouped(one * 1e6), fmt::format("{:.0f}", ticks),
       bench::verdict(fmt::format("<= {} ticks", shadows.size()), ticks <= static_cast<double>(shadows.size()))});
}
