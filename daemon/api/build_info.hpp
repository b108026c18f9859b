// What this build is: the same words in the status, in GetVersion and in --version.
#pragma once

#include <string_view>

namespace homeostat::daemon::api {

struct BuildInfo {
  std::string_view version;     ///< semantic
  std::string_view compiler;    ///< name and version
  std::string_view build_type;  ///< Release, Debug
};

[[nodiscard]] BuildInfo build_info();

}  // namespace homeostat::daemon::api
