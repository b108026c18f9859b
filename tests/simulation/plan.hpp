// Everything a run is decided by before it begins, drawn from its seed.
#pragma once

#include <cstdint>
#include <vector>

#include "core/random.hpp"
#include "daemon/sources/settings.hpp"
#include "oracle/settings.hpp"
#include "tests/simulation/provider.hpp"

namespace homeostat::simulation {

/// What a metric of the run counts; index by index the oracle's metrics.
struct Counted {
  Watched event = Watched::tip;
  oracle::Aggregate aggregate = oracle::Aggregate::count;
  oracle::Finality finality = oracle::Finality::finalized;
  std::uint32_t confirmations = 0;
};

struct Plan {
  Duration faults_for;  ///< then everything heals
  Duration block_time;  ///< mean
  std::uint64_t final_depth = 0;
  std::uint64_t safe_depth = 0;
  std::uint64_t reorg_max = 0;      ///< blocks, below the highest height ever seen; deeper only by a violation
  std::uint64_t blocks_before = 0;  ///< mined before the source starts
  double density = 0;
  std::uint32_t accounts = 1;
  double reorg_chance = 0;  ///< per block
  double violation_chance = 0;
  double crash_chance = 0;  ///< per 10 s
  Duration engine_delay_max;
  std::vector<Character> characters;
  std::vector<Way> ways;  ///< from which the providers' episodes are drawn
  std::vector<Counted> counted;
  sources::EvmSettings source;
  oracle::Settings oracle;
  /// The event mint is watched, and the metrics that count it exist, only since a change of the policy; until then
  /// `at_first` is in force.
  bool adds_filter = false;
  std::uint64_t filter_from = 0;  ///< the first block of its contract
  struct {
    sources::EvmSettings source;
    oracle::Settings oracle;
  } at_first;

  [[nodiscard]] bool is_late(std::size_t metric) const { return adds_filter && counted[metric].event == Watched::mint; }
};

struct PlanOptions {
  std::uint64_t seed = 0;                  ///< of what is drawn apart from the rest
  Duration faults_for = Duration::zero();  ///< zero: drawn
  bool lies_that_need_comparison = false;
};

[[nodiscard]] Plan make_plan(Random& random, const PlanOptions& options);

}  // namespace homeostat::simulation
