// Tells ThreadSanitizer what it cannot see: gRPC is not instrumented in the distribution's build, so the
// hand-over of a reactor from our thread to gRPC's (Start..., Finish) and back (On...) looks like a race.
// released() goes before the first, acquired() at the start of the second. Without TSan both are nothing.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define HOMEOSTAT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOMEOSTAT_TSAN 1
#endif
#endif

#ifdef HOMEOSTAT_TSAN
extern "C" void __tsan_release(void* address);
extern "C" void __tsan_acquire(void* address);
#endif

namespace homeostat::daemon::api::tsan {

inline void released([[maybe_unused]] void* object) {
#ifdef HOMEOSTAT_TSAN
  __tsan_release(object);
#endif
}

inline void acquired([[maybe_unused]] void* object) {
#ifdef HOMEOSTAT_TSAN
  __tsan_acquire(object);
#endif
}

}  // namespace homeostat::daemon::api::tsan
