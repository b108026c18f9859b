// The same inputs give the same decisions and the same state, to the last bit, in every build: this test
// runs in the debug, release and clang builds against one committed file. When a change is meant to alter decisions,
// make the file anew: build/release/tests/engine_replay > tests/golden/engine_replay.txt, and say so in
// the changelog, for a journal written before will replay to other decisions.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "replay.hpp"

namespace homeostat::golden {
namespace {

constexpr std::uint64_t kTimesMin = 3;

const Replay& committed_run() {
  static const Replay run = replay(2, 20'000);
  return run;
}

TEST(EngineReplay, GivesTheCommittedHashesInEveryBuild) {
  std::ifstream file(HOMEOSTAT_GOLDEN_DIR "/engine_replay.txt");
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(committed_run().report, expected.str());
}

TEST(EngineReplay, ReachesEveryPartOfTheEngine) {
  for (const auto& [what, times] : committed_run().coverage.counts()) EXPECT_GE(times, kTimesMin) << what;
}

TEST(EngineReplay, AnotherSeedIsAnotherLife) {
  EXPECT_NE(replay(3, 500).report, replay(4, 500).report);
}

}  // namespace
}  // namespace homeostat::golden
