// A run of the stream: what it comes to, and what of the engine it reached.
//
// Beside the engine itself: it is stopped and goes on from its saved state now and then, and shadows run beside it for
// a while, of each policy in turn.
#pragma once

#include <cstdint>
#include <string>

#include "coverage.hpp"

namespace homeostat::golden {

struct Replay {
  std::string report;  ///< counts and hashes, for people and for comparing builds
  Coverage coverage;
};
[[nodiscard]] Replay replay(std::uint64_t seed, std::uint64_t count);

}  // namespace homeostat::golden
