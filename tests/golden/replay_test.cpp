// The same inputs give the same decisions and the same state, to the last bit, in every build: this test
// runs in the debug, release and clang builds against one committed file. When a change is meant to alter decisions,
// make the file anew: build/release/tests/engine_replay > tests/golden/engine_replay.txt, and say so in
// the changelog, for a journal written before will replay to other decisions.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "input_stream.hpp"

namespace homeostat::golden {
namespace {

TEST(EngineReplay, GivesTheCommittedHashesInEveryBuild) {
  std::ifstream file(HOMEOSTAT_GOLDEN_DIR "/engine_replay.txt");
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(replay_report(1, 20'000), expected.str());
}

TEST(EngineReplay, AnotherSeedIsAnotherLife) {
  EXPECT_NE(replay_report(2, 500), replay_report(3, 500));
}

}  // namespace
}  // namespace homeostat::golden
