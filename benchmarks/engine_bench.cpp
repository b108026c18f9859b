// The engine alone: a tick of N loops over N metrics with every decision record made; what of a loop is not the record
// (its reading, its law, its limits); and one step of the PID law beside the same law written out as a plain loop over
// arrays, without freezing, bumpless start or anti-windup.
//
// Ticks are timed by the wall clock and by the thread's own processor time: on a machine that is busy with other things
// the difference is time in which something else had the processor.
//
//   engine_bench [--smoke]
//   engine_bench busy [ticks [loops]]   only so many loops (2,000 ticks of 1,000) that nearly all send, for a
//                                       profiler; `calm`: that do not
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/table.hpp"
#include "controller/pid.hpp"
#include "engine/engine.hpp"
#include "guardian/limits.hpp"
#include "oracle/oracle.hpp"

using namespace homeostat;
using bench::grouped;

namespace {

using Clock = std::chrono::steady_clock;
constexpr double kTickTargetUs = 1000;
constexpr double kLoopTargetNs = 300;
constexpr double kTenThousandTargetUs = 10'000;
constexpr Duration kPeriod = Duration::seconds(1);
constexpr std::int64_t kStart = 1'700'000'000;

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// Processor time of this thread, us.
double processor_us() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

/// The daemon has threads, so counters of what is shared are atomic and the allocator locks; here, too.
class SecondThread {
 public:
  SecondThread() : thread_([ended = end_.get_future()] { ended.wait(); }) {}
  ~SecondThread() {
    end_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> end_;
  std::thread thread_;
};

Decimal decimal(std::int64_t units) {
  return Decimal(units, 4);
}

/// N metrics of one source, N parameters, a full PID loop from each to each.
engine::PolicyPtr policy_of(std::size_t n) {
  auto policy = std::make_shared<engine::Policy>();
  policy->name = "benchmark";
  policy->digest = std::string(64, 'a');  // as long as a real one
  policy->period = kPeriod;
  policy->oracle.sources.push_back({.name = "app", .rate_per_s = 1e9, .burst = 1e9});
  for (std::size_t i = 0; i < n; ++i) {
    const std::string metric = fmt::format("utilization_{}", i);
    const std::string parameter = fmt::format("borrow_rate_{}", i);
    policy->oracle.metrics.push_back(
        {.name = metric, .unit = "ratio", .min = 0, .max = 1, .origin = oracle::SampleOrigin{{"app"}, 1}});
    policy->guardian.parameters.push_back({.name = parameter,
                                           .unit = "ratio",
                                           .decimals = 4,
                                           .initial = decimal(400),
                                           .min = decimal(0),
                                           .max = decimal(2000),
                                           .quantum = decimal(1),
                                           .change = {.absolute = decimal(50)}});
    controller::LoopSettings loop{
        .name = fmt::format("hold_utilization_{}", i), .metric = metric, .parameter = parameter, .setpoint = 0.8};
    loop.pid = {.gains = {0.1, 0.0005, 0.2},
                .action = controller::Action::reverse,
                .deadband = 0.02,
                .leak_half_life = Duration::hours(1),
                .derivative_filter = Duration::seconds(10),
                .output_min = -0.04,
                .output_max = 0.16};
    policy->loops.push_back(loop);
  }
  if (const auto errors = check(*policy); !errors.empty()) bench::give_up(errors.front().text());
  return policy;
}

struct Ticks {
  std::vector<double> us;
  std::vector<double> processor_us;
  std::uint64_t records = 0;
  std::uint64_t adjustments = 0;
};

/// How much happens: every reading stays inside its deadband, or nearly every decision is sent.
enum class Economy { calm, busy };

/// Samples to every metric, a tick, an answer to every adjustment; only the tick is timed.
Ticks tick_many(std::size_t n, std::size_t ticks, Economy economy) {
  const double amplitude = economy == Economy::calm ? 0.01 : 0.1;
  engine::Engine engine(policy_of(n));
  oracle::SampleBatch batch{.source = "app", .first_sequence = 1};
  for (const auto& metric : engine.policy().oracle.metrics) batch.metrics.push_back(metric.name);
  batch.samples.resize(n);
  Ticks out;
  for (std::size_t t = 1; t <= ticks; ++t) {
    const Instant at = Instant::from_unix_seconds(kStart + static_cast<std::int64_t>(t));
    batch.received = at;
    for (std::size_t i = 0; i < n; ++i) {
      const double value = 0.8 + amplitude * std::sin(static_cast<double>(t + i) / 20);
      batch.samples[i] = {.metric = static_cast<std::uint32_t>(i), .time = at, .value = value};
    }
    if (engine.apply(engine::Input(batch)).verdict.accepted != n) bench::give_up("the oracle refused samples");
    batch.first_sequence += n;
    const engine::Input tick = engine::Tick{static_cast<std::uint64_t>(at.ns / kPeriod.ns), at};
    const auto start = Clock::now();
    const double processor_start = processor_us();
    const engine::Effects effects = engine.apply(tick);
    out.processor_us.push_back(processor_us() - processor_start);
    out.us.push_back(us_since(start));
    if (effects.records.size() != n) bench::give_up("a tick left out decision records");
    out.records += effects.records.size();
    out.adjustments += effects.adjustments.size();
    for (const auto& a : effects.adjustments) {
      (void)engine.apply(engine::Input(engine::ActuatorReport{a.id, "executor", at, true, a.value, {}}));
    }
  }
  return out;
}

std::string spread(const std::vector<double>& us) {
  return fmt::format("p50 {:.1f}, p99 {:.1f}, best {:.1f}", bench::quantile(us, 0.5), bench::quantile(us, 0.99),
                     bench::quantile(us, 0));
}

void ticks(std::size_t n, std::size_t count, Economy economy) {
  const Ticks t = tick_many(n, count, economy);
  const auto per_loop = [n](double us) { return us * 1e3 / static_cast<double>(n); };
  const auto target = [](const std::vector<double>& us) {
    return bench::verdict("p99 < 1 000", bench::quantile(us, 0.99) < kTickTargetUs);
  };
  const auto target_of_median = [](const std::vector<double>& us) {
    return bench::verdict("p50 < 10 000", bench::quantile(us, 0.5) < kTenThousandTargetUs);
  };
  const bool is_the_target = n == 1000;
  const std::string what = fmt::format("tick, {} loop{} and metrics, {}", grouped(double(n)), n == 1 ? "" : "s",
                                       economy == Economy::calm ? "nothing to do" : "nearly all send");
  bench::print({.what = what + ", us",
                .measured = spread(t.us),
                .beside = fmt::format("{} of {} decisions sent an adjustment", grouped(double(t.adjustments)),
                                      grouped(double(t.records))),
                .ratio = fmt::format("{:.0f} ns a loop", per_loop(bench::quantile(t.us, 0.5))),
                .target = is_the_target ? target(t.us)
                          : n == 10'000 ? target_of_median(t.us)
                                        : ""});
  if (!is_the_target) return;
  const double median = per_loop(bench::quantile(t.processor_us, 0.5));
  bench::print({.what = what + ", its processor time, us",
                .measured = spread(t.processor_us),
                .beside = "",
                .ratio = "",
                .target = target(t.processor_us)});
  bench::print({.what = fmt::format("one loop's whole step with its record, {}, ns",
                                    economy == Economy::calm ? "nothing to do" : "nearly all send"),
                .measured = fmt::format("{:.0f} (best {:.0f})", median, per_loop(bench::quantile(t.processor_us, 0))),
                .beside = fmt::format("limit {:.0f}", kLoopTargetNs),
                .ratio = fmt::format("{:.2f}", kLoopTargetNs / median),
                .target = bench::verdict("< 300", median < kLoopTargetNs)});
}

/// The same control law over arrays: what the arithmetic alone costs. The leak's factor and the filter's are constant
/// here, as they are for a constant dt.
struct PlainPid {
  double integral = 0, error = 0, value = 0, slope = 0;

  double step(const controller::PidSettings& s, double setpoint, double value_now, double dt, double leak,
              double filter) {
    double e = value_now - setpoint;
    e = e > s.deadband ? e - s.deadband : e < -s.deadband ? e + s.deadband : 0;
    integral = std::clamp(integral * leak + s.gains.ki_per_s * 0.5 * (e + error) * dt, s.integral_min, s.integral_max);
    slope += ((value_now - value) / dt - slope) * filter;
    error = e;
    value = value_now;
    return std::clamp(s.gains.kp * e + integral + s.gains.kd_s * slope, s.output_min, s.output_max);
  }
};

template <class Step>
double ns_per_step(std::size_t loops, std::size_t rounds, Step step) {
  std::vector<double> ns;
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < loops; ++i) step(i, round);
    ns.push_back(us_since(start) * 1e3 / static_cast<double>(loops));
  }
  return bench::median(ns);
}

void law(std::size_t loops, std::size_t rounds) {
  const engine::PolicyPtr policy = policy_of(1);
  const controller::PidSettings settings = controller::with_defaults(policy->loops[0].pid, kPeriod);
  std::vector<double> values(loops);
  for (std::size_t i = 0; i < loops; ++i) values[i] = 0.8 + 0.1 * std::sin(static_cast<double>(i));
  const auto value_at = [&](std::size_t i, std::size_t round) { return values[(i + round) % loops]; };

  std::vector<controller::PidStep> steps(loops);
  const double ours = ns_per_step(loops, rounds, [&](std::size_t i, std::size_t round) {
    steps[i] = controller::step(settings, settings.gains, steps[i].state, {value_at(i, round), 0.8, 1.0});
  });
  std::vector<PlainPid> plain(loops);
  double sum = 0;
  const double leak = std::exp2(-1.0 / 3600);
  const double filter = 1 - std::exp(-1.0 / 10);
  const double bare = ns_per_step(loops, rounds, [&](std::size_t i, std::size_t round) {
    sum += plain[i].step(settings, 0.8, value_at(i, round), 1.0, leak, filter);
  });
  for (const auto& s : steps) {
    if (!std::isfinite(s.output)) bench::give_up("the law gave no finite output");
  }
  if (!std::isfinite(sum)) bench::give_up("the plain loop gave no finite output");
  bench::print({.what = "one loop: a step of the PID law with every term kept, ns",
                .measured = fmt::format("{:.1f}", ours),
                .beside = fmt::format("plain loop, constants folded: {:.1f}", bare),
                .ratio = fmt::format("{:.2f}", bare / ours),
                .target = bench::verdict("< 300", ours < kLoopTargetNs)});
}

/// What of a loop is not its record: its reading, a step of its law, the limits of its parameter.
void without_record(std::size_t loops, std::size_t rounds) {
  const engine::PolicyPtr policy = policy_of(loops);
  oracle::Oracle oracle(policy->oracle);
  const controller::PidSettings settings = controller::with_defaults(policy->loops[0].pid, kPeriod);
  const guardian::ParameterSettings& parameter = policy->guardian.parameters[0];
  oracle::SampleBatch batch{.source = "app", .first_sequence = 1};
  for (const auto& metric : policy->oracle.metrics) batch.metrics.push_back(metric.name);
  for (std::size_t i = 0; i < loops; ++i) batch.samples.push_back({.metric = static_cast<std::uint32_t>(i)});
  std::vector<controller::PidStep> steps(loops);
  guardian::ParameterState state{.applied = parameter.initial};
  std::vector<double> ns;
  std::size_t moved = 0;
  for (std::size_t round = 1; round <= rounds; ++round) {
    const Instant at = Instant::from_unix_seconds(kStart + static_cast<std::int64_t>(round));
    batch.received = at;
    for (std::size_t i = 0; i < loops; ++i) {
      batch.samples[i].time = at;
      batch.samples[i].value = 0.8 + 0.1 * std::sin(static_cast<double>(round + i) / 20);
    }
    if (oracle.ingest(batch).accepted != loops) bench::give_up("the oracle refused samples");
    batch.first_sequence += loops;
    const double start = processor_us();
    const std::vector<oracle::Reading>& readings = oracle.evaluate(at);
    for (std::size_t i = 0; i < loops; ++i) {
      steps[i] = controller::step(settings, settings.gains, steps[i].state, {readings[i].value, 0.8, 1.0});
      const auto wanted = Decimal::from_double(0.04 + steps[i].output, 4);
      if (!wanted) bench::give_up("the law gave no finite output");
      const auto allowed = guardian::limit(parameter, state, *wanted, guardian::OperatingMode::normal, at);
      moved += allowed.value == state.applied ? 0 : 1;
    }
    ns.push_back((processor_us() - start) * 1e3 / static_cast<double>(loops));
  }
  if (moved == 0 && rounds > 100) bench::give_up("no parameter moved");
  bench::print({.what = "one loop without its record: reading, law, limits, ns",
                .measured = fmt::format("{:.0f} (best {:.0f})", bench::median(ns), bench::quantile(ns, 0)),
                .beside = fmt::format("limit {:.0f}", kLoopTargetNs),
                .ratio = fmt::format("{:.2f}", kLoopTargetNs / bench::median(ns)),
                .target = ""});
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  const SecondThread second;
  const std::string_view only = argc > 1 ? argv[1] : "";
  if (only == "busy" || only == "calm") {
    ticks(argc > 3 ? std::stoul(argv[3]) : 1000, argc > 2 ? std::stoul(argv[2]) : 2000,
          only == "busy" ? Economy::busy : Economy::calm);
    return 0;
  }
  law(1000, smoke ? 3 : 2000);
  without_record(1000, smoke ? 3 : 500);
  struct Size {
    std::size_t loops, ticks;
  };
  for (const Economy economy : {Economy::calm, Economy::busy}) {
    for (const Size size : {Size{1, 2000}, {100, 1000}, {1000, 500}, {10'000, 60}, {100'000, 10}}) {
      ticks(size.loops, smoke ? 2 : size.ticks, economy);
    }
  }
  return 0;
}
