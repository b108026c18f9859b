// What every fallible function returns: a value or one Error.
//
// Input, environment and configuration problems are values (Result); a programmer's mistake is a
// CHECK (core/check.hpp). An Error names what is wrong, where, and what would be right, so that the
// text can be shown to an operator as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace homeostat {

enum class ErrorCode : std::uint8_t {
  invalid_argument,
  out_of_range,
  unknown_name,
  duplicate,
  malformed,
  missing,
  conflict,
  unavailable,
  timed_out,
  permission_denied,
  resource_exhausted,
  corrupt,
  io,
  unsupported,
};

/// The stable lower-case name of a code, used as a metric label and in JSON.
[[nodiscard]] constexpr std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::out_of_range: return "out_of_range";
    case ErrorCode::unknown_name: return "unknown_name";
    case ErrorCode::duplicate: return "duplicate";
    case ErrorCode::malformed: return "malformed";
    case ErrorCode::missing: return "missing";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::timed_out: return "timed_out";
    case ErrorCode::permission_denied: return "permission_denied";
    case ErrorCode::resource_exhausted: return "resource_exhausted";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::io: return "io";
    case ErrorCode::unsupported: return "unsupported";
  }
  return "?";
}

struct Error {
  ErrorCode code = ErrorCode::invalid_argument;
  std::string where;    ///< field, source or file:line:column
  std::string message;  ///< one sentence: what, the allowed range, the nearest right thing

  [[nodiscard]] std::string text() const { return where.empty() ? message : where + ": " + message; }
  bool operator==(const Error&) const = default;
};

template <class T = void>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string where, std::string message) {
  return tl::make_unexpected(Error{code, std::move(where), std::move(message)});
}

}  // namespace homeostat
