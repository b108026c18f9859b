// What is wrong with a configuration, where, and what would be right. A loader collects all of them
// before it gives up, so that one run of `homeostat check` shows everything there is to mend.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <vector>

namespace homeostat::config {

struct Diagnostic {
  std::string file;
  std::size_t line = 0;    ///< from 1
  std::size_t column = 0;  ///< from 1, in characters of the file as it is on disk
  std::string path;        ///< e.g. loops.creator_reward.gains.kp; empty = the whole file
  std::string message;     ///< one sentence: what is wrong and what is allowed
  std::string nearest;     ///< the nearest right thing, as it would be written; empty if there is none

  /// "streaming.yaml:12:5: loops.x: unknown key 'sepoint'; did you mean 'setpoint'?"
  [[nodiscard]] std::string text() const;
  bool operator==(const Diagnostic&) const = default;
};

/// A configuration with more problems than this is not read any further.
inline constexpr std::size_t kDiagnosticsMax = 200;

}  // namespace homeostat::config
