// Runs seeds of the ingestion simulation. Exit code: 0 all kept every promise, 1 one did not, 2 usage.
#include <atomic>
#include <charconv>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/simulation/run.hpp"

namespace {

using homeostat::simulation::run;
using homeostat::simulation::RunOptions;
using homeostat::simulation::RunResult;

constexpr std::string_view kUsage =
    "usage: ingestion_simulation (--seed N [--trace | --twice] | --seeds FROM..TO) [--seconds N] [--lies all] [--jobs "
    "N] [--all]\n"
    "  --seed N          one run; prints its digest, which is the same in every build\n"
    "  --trace           every step of it as text\n"
    "  --twice           runs it twice and compares the digests\n"
    "  --seeds FROM..TO  many runs, both ends included; stops at the first that fails and says how to replay it\n"
    "  --all             does not stop there: counts the seeds that fail\n"
    "  --seconds N       simulated seconds of faults instead of what the seed says\n"
    "  --lies all        also lies that one provider alone can tell unseen\n"
    "  --jobs N          threads for --seeds; default: one per processor\n";

struct Arguments {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  bool many = false;
  bool given = false;
  bool twice = false;
  bool all = false;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  RunOptions options;
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Arguments> parse(const std::vector<std::string_view>& words) {
  Arguments a;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--trace") {
      a.options.prints = true;
      continue;
    }
    if (words[i] == "--twice") {
      a.twice = true;
      continue;
    }
    if (words[i] == "--all") {
      a.all = true;
      continue;
    }
    if (i + 1 == words.size()) return std::nullopt;
    const std::string_view name = words[i];
    const std::string_view value = words[++i];
    const auto n = number(value);
    if (name == "--seeds") {
      const std::size_t dots = value.find("..");
      if (dots == std::string_view::npos) return std::nullopt;
      const auto from = number(value.substr(0, dots));
      const auto to = number(value.substr(dots + 2));
      if (!from || !to || *to < *from) return std::nullopt;
      a.from = *from, a.to = *to, a.many = a.given = true;
    } else if (name == "--seed" && n) {
      a.from = a.to = *n, a.given = true;
    } else if (name == "--seconds" && n && *n <= 1'000'000) {
      a.options.faults_for = homeostat::Duration::seconds(static_cast<std::int64_t>(*n));
    } else if (name == "--jobs" && n && *n >= 1 && *n <= 256) {
      a.jobs = static_cast<unsigned>(*n);
    } else if (name == "--lies" && value == "all") {
      a.options.lies_that_need_comparison = true;
    } else {
      return std::nullopt;
    }
  }
  return a.given && !(a.many && (a.options.prints || a.twice)) ? std::optional(a) : std::nullopt;
}

std::string replay(const Arguments& a, std::uint64_t seed) {
  std::string text = fmt::format("ingestion_simulation --seed {}", seed);
  if (a.options.faults_for > homeostat::Duration::zero()) {
    text += fmt::format(" --seconds {}", a.options.faults_for / homeostat::Duration::seconds(1));
  }
  if (a.options.lies_that_need_comparison) text += " --lies all";
  return text + " --trace";
}

int run_many(const Arguments& a) {
  std::atomic<std::uint64_t> next{a.from};
  std::atomic<std::uint64_t> failures{0};
  const auto ends = [&] { return failures > 0 && !a.all; };
  std::mutex mutex;
  RunResult sum;
  double simulated_s = 0;
  const auto work = [&] {
    for (std::uint64_t seed = next++; seed <= a.to && !ends(); seed = next++) {
      RunOptions options = a.options;
      options.seed = seed;
      const RunResult result = run(options);
      const std::scoped_lock lock(mutex);
      sum.blocks += result.blocks;
      sum.segments += result.segments;
      sum.reorgs += result.reorgs;
      sum.crashes += result.crashes;
      sum.exchanges += result.exchanges;
      sum.violations += result.violations;
      simulated_s += result.simulated.in_seconds();
      if (result.failure.empty() || (failures++ > 0 && !a.all)) continue;
      fmt::print("seed {} failed {}\nreplay: {}\n", seed, result.failure, replay(a, seed));
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < a.jobs; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  fmt::print(
      "{} seeds{}, {} failed: {} blocks, {} reorgs, {} broken promises of finality, {} crashes, {} segments, {} "
      "requests, {:.0f} "
      "simulated hours\n",
      a.to - a.from + 1, ends() ? " not all run" : "", failures.load(), sum.blocks, sum.reorgs, sum.violations,
      sum.crashes, sum.segments, sum.exchanges, simulated_s / 3600);
  return failures > 0 ? 1 : 0;
}

int run_one(const Arguments& a) {
  RunOptions options = a.options;
  options.seed = a.from;
  const RunResult result = run(options);
  fmt::print("seed {} digest {}: {} blocks, {} reorgs, {} crashes, {} segments, {} requests, {:.0f} simulated s\n",
             a.from, result.digest.hex(), result.blocks, result.reorgs, result.crashes, result.segments,
             result.exchanges, result.simulated.in_seconds());
  if (a.twice && run(options).digest != result.digest) {
    fmt::print("seed {} gives another run each time\n", a.from);
    return 1;
  }
  if (result.failure.empty()) return 0;
  fmt::print("seed {} failed {}\nreplay: {}\n", a.from, result.failure, replay(a, a.from));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = parse({argv + 1, argv + argc});
  if (!arguments) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  return arguments->many ? run_many(*arguments) : run_one(*arguments);
}
