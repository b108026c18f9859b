// The step of each law: what it asks for, from a usable reading. law.cpp makes an output of it: quality, bridge,
// limits.
#pragma once

#include <optional>

#include "controller/law.hpp"

namespace homeostat::controller {

/// Readings and set-points become integers of this many parts, so that ratios of small ones keep nine digits.
inline constexpr std::int64_t kReadingParts = 1'000'000'000;

/// What a law asks for.
struct Asked {
  double value = 0;  ///< U
  LawReason reason = LawReason::followed;
  bool has_shared = false;  ///< authority is in it already
  double p = 0;             ///< U, of laws that have the terms
  double i = 0;
  double feed_forward = 0;
  double tracking = 0;  ///< U, what of the excess was taken in
};

/// What every law is given beside its own settings and memory.
struct LawStep {
  const LawInput& in;
  bool aligning = false;
  double held = 0;  ///< U: base + the output that is held, which an aligning step goes on from
  double low = 0;   ///< U, of the loop's output limits
  double high = 0;
  Duration dt_max;
};

/// One step in `memory`. None: the calculation has no value (beyond 256 bits, or the mechanism refused), and nothing of
/// what it leaves in `memory` moves an output.
[[nodiscard]] std::optional<Asked> ask(const LawSettings& law, const LawStep& step, LawMemory& memory);

}  // namespace homeostat::controller
