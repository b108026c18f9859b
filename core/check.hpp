// CHECK: an assertion that stays on in release builds. It guards against a programmer's mistake,
// never against bad input; it prints the condition and aborts, so that a wrong state is never
// acted upon. (The daemon is then restarted by its supervisor and replays its journal.)
#pragma once

#include <cstdio>
#include <cstdlib>

namespace homeostat::detail {
[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "CHECK failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}
}  // namespace homeostat::detail

#define HOMEOSTAT_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::homeostat::detail::check_failed(#condition, __FILE__, __LINE__))
