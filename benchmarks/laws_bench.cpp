// Updates per second of the laws in 256-bit fixed point, each checked against a value known from elsewhere.
//
// rai_pi is measured where it costs most: the scaled law with a leak, an hour between updates (12 squarings of the
// leak), prices that change at every update. Beside it stands the same law in doubles with libm's pow, which loses the
// digits this one is for.
//
//   laws_bench [--smoke]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "benchmarks/support/table.hpp"
#include "controller/multiplicative.hpp"
#include "controller/pid.hpp"
#include "controller/rai_pi.hpp"
#include "controller/sigmoid.hpp"
#include "core/math.hpp"
#include "core/random.hpp"

using namespace homeostat;
using controller::Int;

namespace {

constexpr double kTargetPerSecond = 1e6;
constexpr std::size_t kPrices = 1024;
constexpr std::uint64_t kPeriod = 3600;

/// Calls per second: the fastest of several rounds, the one that nothing else on the machine disturbed.
template <class F>
double rate_of(std::size_t calls, int rounds, F&& f) {
  double best = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f(calls);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, static_cast<double>(calls) / seconds);
  }
  return best;
}

controller::rai::Settings mainnet() {
  controller::rai::Settings settings;
  settings.variant = controller::rai::Variant::hai;
  settings.kp = 111'001'102'931;
  settings.ki = 32'884;
  settings.leak = *controller::parse_int("999999732582142021614955959");  // 30 days
  return settings;
}

std::vector<Int> prices() {
  Random random(11);
  std::vector<Int> out;
  for (std::size_t i = 0; i < kPrices; ++i)
    out.emplace_back(900'000'000'000'000'000 + random.next_u64() % 200'000'000'000'000'000);
  return out;
}

double rai_rate(std::size_t calls, int rounds, const std::vector<Int>& market) {
  const auto settings = mainnet();
  return rate_of(calls, rounds, [&](std::size_t n) {
    controller::rai::State state;
    for (std::size_t i = 0; i < n; ++i) {
      const auto s = step(settings, state, market[i % kPrices], controller::ray(), 1'000'000 + i * kPeriod);
      if (!s) bench::give_up("rai_pi: " + s.error().text());
      state = s->state;
    }
  });
}

double double_rate(std::size_t calls, int rounds, const std::vector<Int>& market) {
  std::vector<double> m;
  for (const Int& x : market) m.push_back(static_cast<double>(x) / 1e18);
  volatile double sink = 0, period = kPeriod;
  return rate_of(calls, rounds, [&](std::size_t n) {
    double integral = 0, last = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double p = 1 - m[i % kPrices];
      integral = std::pow(0.999999732582142021614955959, period) * integral + (p + last) / 2 * kPeriod;
      last = p;
      sink = sink + 1.11001102931e-7 * p + 3.2884e-14 * integral;
    }
  });
}

constexpr double kPidTarget = 1.5;
constexpr double kPidTargetNs = 50;

controller::PidSettings loop_settings() {
  controller::PidSettings s;
  s.gains = {0.4, 0.002, 3};
  s.derivative_filter = Duration::seconds(30);
  s.output_min = -1;
  s.output_max = 1;
  s.anti_windup = controller::AntiWindup::back_calculation;
  return controller::with_defaults(s, Duration::seconds(10));
}

/// Steps per second of the law as the engine calls it.
double pid_rate(std::size_t calls, int rounds, const std::vector<double>& readings, double dt_s, double& last) {
  const auto settings = loop_settings();
  return rate_of(calls, rounds, [&](std::size_t n) {
    controller::PidStep s;
    for (std::size_t i = 0; i < n; ++i) {
      advance(settings, settings.gains, {readings[i % kPrices], 1, dt_s, true, 1, 0}, s);
    }
    last = s.output;
  });
}

/// The same P, I, filtered D, limits and back-calculation as one would write them in a loop of one's own: no held
/// readings, no record of the terms, no bumpless changes.
double plain_pid_rate(std::size_t calls, int rounds, const std::vector<double>& readings, double dt_s, double& last) {
  const auto s = loop_settings();
  const double filter_s = s.derivative_filter.in_seconds(), tracking_s = s.tracking_time.in_seconds();
  volatile double period = dt_s;
  return rate_of(calls, rounds, [&](std::size_t n) {
    double integral = 0, error = 0, pv = 0, slope = 0, output = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double dt = period, x = readings[i % kPrices], e = 1 - x;
      if (i > 0) slope += ((x - pv) / dt - slope) * (1 - math::exp(-dt / filter_s));
      const double rest = s.gains.kp * e - s.gains.kd_s * slope;
      integral = i > 0 ? integral + s.gains.ki_per_s * 0.5 * (error + e) * dt : -rest;
      const double sum = rest + integral;
      if (i > 0) integral += (std::clamp(sum, s.output_min, s.output_max) - sum) * std::min(1.0, dt / tracking_s);
      integral = std::clamp(integral, s.integral_min, s.integral_max);
      output = std::clamp(rest + integral, s.output_min, s.output_max);
      error = e, pv = x;
    }
    last = output;
  });
}

void bench_pid(std::size_t calls, int rounds) {
  Random random(5);
  // A metric that wanders by up to a hundredth a step and takes the loop into both of its limits and out again.
  std::vector<double> readings{1};
  while (readings.size() < kPrices) {
    const double change = (static_cast<double>(random.next_u64() % 2001) - 1000) / 1e5;
    readings.push_back(readings.back() + change + 0.05 * (1 - readings.back()) / 4);
  }
  // After one period the law knows what its filter lets through; after a missed slot both have to compute it.
  for (const double dt_s : {10.0, 20.0}) {
    double ours = 0, plain = 0;
    const double ours_ns = 1e9 / pid_rate(calls, rounds, readings, dt_s, ours);
    const double plain_ns = 1e9 / plain_pid_rate(calls, rounds, readings, dt_s, plain);
    if (ours != plain) bench::give_up(fmt::format("pid and the plain loop differ: {} and {}", ours, plain));
    bench::print(
        {fmt::format("a `pid` step after {} s, at a period of 10 s: filtered D, limits, back-calculation", dt_s),
         fmt::format("{:.1f} ns", ours_ns), fmt::format("a plain loop of the same law, {:.1f} ns", plain_ns),
         fmt::format("{:.2f}", ours_ns / plain_ns),
         bench::verdict("at most 1.5 and under 50 ns", ours_ns <= kPidTarget * plain_ns && ours_ns < kPidTargetNs)});
  }
}

void check_values() {
  const auto s =
      step(mainnet(), {1, 0, controller::ray() * 1000}, controller::wad() * 101 / 100, controller::ray(), 3601);
  if (!s || s->proportional != -controller::ray() / 100) bench::give_up("rai_pi computed something else");
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  const std::size_t calls = smoke ? 1'000 : 500'000;
  const int rounds = smoke ? 1 : 7;
  check_values();
  bench_pid(calls, rounds);
  const auto market = prices();
  const double exact = rai_rate(calls, rounds, market);
  const double plain = double_rate(calls, rounds, market);
  bench::print({"`rai_pi` updates, 256 bits, leak over an hour", bench::grouped(exact) + "/s",
                "in doubles, " + bench::grouped(plain) + "/s", fmt::format("{:.1f}", plain / exact),
                bench::verdict("at least 1 000 000/s", exact >= kTargetPerSecond)});
  const double base_fee = rate_of(calls, rounds, [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto next = controller::multiplicative::next_base_fee({}, 1'000'000'000 + i,
                                                                  i % 2 == 0 ? 20'000'000 : 5'000'000, 20'000'000);
      if (!next) bench::give_up("base fee: " + next.error().text());
    }
  });
  bench::print({"EIP-1559 base fees", bench::grouped(base_fee) + "/s", "", "", ""});
  const controller::sigmoid::Settings ample{controller::wad() / 40, controller::wad() * 45, controller::wad() * 45,
                                            controller::wad() / 20, controller::wad() * -77 / 1000};
  const double rebases = rate_of(calls, rounds, [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto s = step(ample, {market[i % kPrices], controller::wad(), controller::wad()});
      if (!s) bench::give_up("sigmoid: " + s.error().text());
    }
  });
  bench::print({"Ampleforth rebases", bench::grouped(rebases) + "/s", "", "", ""});
}
