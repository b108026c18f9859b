// Prints what a seeded run comes to, for comparing builds: engine_replay [seed] [inputs].
#include <cstdio>
#include <cstdlib>

#include "input_stream.hpp"

int main(int argc, char** argv) {
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const std::uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20'000;
  std::fputs(homeostat::golden::replay_report(seed, count).c_str(), stdout);
  return 0;
}
