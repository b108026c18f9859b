// One run of the simulation: a seed in, what came of it out.
#pragma once

#include <cstdint>
#include <string>

#include "core/state_hash.hpp"
#include "core/time.hpp"

namespace homeostat::simulation {

struct RunOptions {
  std::uint64_t seed = 0;
  Duration faults_for = Duration::zero();  ///< how long things go wrong; zero: drawn from the seed
  bool lies_that_need_comparison = false;
  bool prints = false;
};

struct RunResult {
  std::string failure;  ///< empty when every promise was kept
  StateHash digest;     ///< of all that happened
  std::uint64_t blocks = 0;
  std::uint64_t segments = 0;
  std::uint64_t reorgs = 0;
  std::uint64_t crashes = 0;
  std::uint64_t exchanges = 0;
  std::uint64_t violations = 0;
  Duration simulated;
};

[[nodiscard]] RunResult run(const RunOptions& options);

}  // namespace homeostat::simulation
