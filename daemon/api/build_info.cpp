#include "daemon/api/build_info.hpp"

namespace homeostat::daemon::api {

BuildInfo build_info() {
#if defined(__clang__)
  constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
  constexpr std::string_view kCompiler = "gcc " __VERSION__;
#endif
  return {.version = HOMEOSTAT_VERSION, .compiler = kCompiler, .build_type = HOMEOSTAT_BUILD_TYPE};
}

}  // namespace homeostat::daemon::api
