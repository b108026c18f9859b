// Prefetch: memory that a walk over many things will need a few things later is asked for now, so that it is there by
// then. It changes nothing that can be seen but time. A tick over thousands of loops touches more memory than the
// processor's caches hold, in a dozen places for each; what lies scattered the processor does not guess by itself, and
// every piece that it has to wait for costs as much as a hundred divisions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace homeostat {

inline constexpr std::size_t kCacheLine = 64;

/// The lines of `bytes` bytes at `at`; any address will do, none is read.
inline void prefetch(const void* at, std::size_t bytes) {
  const auto first = reinterpret_cast<std::uintptr_t>(at) / kCacheLine * kCacheLine;
  const auto end = reinterpret_cast<std::uintptr_t>(at) + bytes;
  for (std::uintptr_t line = first; line < end; line += kCacheLine) {
    __builtin_prefetch(reinterpret_cast<const void*>(line));
  }
}

template <class T>
void prefetch(const T& object) {
  prefetch(&object, sizeof(T));
}

}  // namespace homeostat
