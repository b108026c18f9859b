// The daemon's log: one line per event to standard output, as text for people or JSON for machines. The level can be
// changed while it runs. Messages carry no secrets: sources log names, never headers or keys.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace homeostat::daemon {

enum class LogStyle : std::uint8_t { text, json };

/// Sets the process's log up; `level` is trace, debug, info, warn or error.
void start_log(LogStyle style, std::string_view level);
/// Returns the previous level. Error invalid_argument names the levels.
[[nodiscard]] Result<std::string> set_log_level(std::string_view level);

/// `event` is a stable snake_case name to filter by, `text` one sentence.
void log_debug(std::string_view event, std::string_view text);
void log_info(std::string_view event, std::string_view text);
void log_warn(std::string_view event, std::string_view text);
void log_error(std::string_view event, std::string_view text);

}  // namespace homeostat::daemon
