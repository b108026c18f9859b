// Facts about this process: version, build, memory, CPU, files.
#pragma once

#include "core/time.hpp"
#include "daemon/telemetry/exposition.hpp"

namespace homeostat::daemon {

/// The wall clock; the one place in the daemon where it is read.
[[nodiscard]] Instant wall_clock();

/// Fills version, compiler, build type, resident memory, CPU time and open files; the rest stays default.
[[nodiscard]] ProcessFacts process_facts();

}  // namespace homeostat::daemon
