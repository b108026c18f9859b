// Where a source delivers: callbacks into the daemon. All are called on the I/O thread that runs the
// sources, must not block and must not throw.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "core/time.hpp"
#include "oracle/observation.hpp"

namespace homeostat::sources {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct Sink {
  /// False = the queue is full: the source keeps the segment and offers it again; nothing is lost and
  /// nothing newer overtakes it. Taken over (moved from) only when the answer is true.
  std::function<bool(oracle::ChainSegment&)> chain;
  std::function<bool(oracle::SampleBatch&)> samples;
  /// Only on a change of condition or of its detail; never refused.
  std::function<void(const oracle::SourceReport&)> report;
  std::function<void(LogLevel, std::string_view text)> log;
};

/// The wall clock as the daemon reads it; used for `received` and report times only, never to decide.
using Clock = std::function<Instant()>;

/// How long a source waits before it offers a refused segment or batch again.
inline constexpr Duration kBackPressureRetry = Duration::milliseconds(20);

}  // namespace homeostat::sources
