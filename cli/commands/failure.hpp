// An Error of a library as the command's failure.
#pragma once

#include "cli/exit_codes.hpp"
#include "core/result.hpp"

namespace homeostat::cli {

[[nodiscard]] inline Failure failure_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::corrupt: return {ExitCode::divergence, error.text()};
    case ErrorCode::conflict: return {ExitCode::conflict, error.text()};
    case ErrorCode::permission_denied: return {ExitCode::denied, error.text()};
    case ErrorCode::timed_out: return {ExitCode::timeout, error.text()};
    case ErrorCode::missing:
    case ErrorCode::out_of_range:
    case ErrorCode::unknown_name:
    case ErrorCode::malformed:
    case ErrorCode::invalid_argument: return {ExitCode::refused, error.text()};
    case ErrorCode::duplicate:
    case ErrorCode::unavailable:
    case ErrorCode::resource_exhausted:
    case ErrorCode::io:
    case ErrorCode::unsupported: return {ExitCode::error, error.text()};
  }
  return {ExitCode::error, error.text()};
}

}  // namespace homeostat::cli
