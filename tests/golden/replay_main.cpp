// Prints what a seeded run comes to, for comparing builds: engine_replay [seed] [inputs] [coverage].
#include <cstdio>
#include <cstdlib>

#include "replay.hpp"

int main(int argc, char** argv) {
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2;
  const std::uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20'000;
  const homeostat::golden::Replay run = homeostat::golden::replay(seed, count);
  std::fputs(run.report.c_str(), stdout);
  if (argc <= 3) return 0;
  for (const auto& [what, times] : run.coverage.counts()) {
    std::printf("%8llu  %s\n", static_cast<unsigned long long>(times), what.c_str());
  }
  return 0;
}
