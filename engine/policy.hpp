// A Policy: everything the engine is configured with. Only config::validate makes one that the
// daemon uses; tests and the simulator build them by hand through the same check (engine::check).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/decoupling.hpp"
#include "controller/settings.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "guardian/settings.hpp"
#include "oracle/settings.hpp"

namespace homeostat::engine {

struct Policy {
  std::string name;
  std::string digest;                      ///< hex of the configuration text's hash; stamped on every decision
  Duration period = Duration::seconds(5);  ///< of the decision grid
  std::uint32_t records_kept = 1000;       ///< decisions and adjustments kept in memory for queries
  oracle::Settings oracle;
  std::vector<controller::LoopSettings> loops;
  std::vector<controller::DecouplingSettings> decouplings;  ///< of loops that fight
  guardian::Settings guardian;
};
using PolicyPtr = std::shared_ptr<const Policy>;

/// Every way in which a policy contradicts itself (names, ranges, order). Empty = it can run.
[[nodiscard]] std::vector<Error> check(const Policy& policy);

/// Loops that cannot be stable on the plant they declare (check_stability.cpp); of a policy that passed check(). Apart
/// from it, because the loader refuses them and a replay of what once ran must not.
void check_stability(const Policy& policy, std::vector<Error>& errors);

}  // namespace homeostat::engine
