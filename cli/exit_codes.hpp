// What the command's exit code says. Stable: scripts depend on it; a code is never reused for another meaning.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace homeostat::cli {

enum class ExitCode : int {
  ok = 0,
  error = 1,
  usage = 2,
  unavailable = 3,
  denied = 4,
  conflict = 5,
  timeout = 6,
  refused = 7,
  divergence = 8,
};

struct ExitCodeMeaning {
  ExitCode code;
  std::string_view name;
  std::string_view meaning;
};

inline constexpr std::array<ExitCodeMeaning, 9> kExitCodes{{
    {ExitCode::ok, "ok", "done; for `check`: the file is valid; for `replay`: identical"},
    {ExitCode::error, "error", "something failed that no other code names: a file, the disk, an internal error"},
    {ExitCode::usage, "usage", "the command line is wrong; nothing was sent"},
    {ExitCode::unavailable, "unavailable", "no daemon answers at the endpoint, or it is not ready yet"},
    {ExitCode::denied, "denied", "this identity may not do that (TLS certificate, role)"},
    {ExitCode::conflict, "conflict", "the state does not allow it now: already done, expired, or changed meanwhile"},
    {ExitCode::timeout, "timeout", "the daemon did not answer within --timeout; a command may still take effect"},
    {ExitCode::refused, "refused", "invalid configuration, command, name, value or id; nothing changed"},
    {ExitCode::divergence, "divergence",
     "`replay` or `conformance` found a difference, `audit` or `journal verify` damage, or an incident was not "
     "accepted"},
}};

/// Why a command stops: what to print on stderr (one sentence), and the exit code.
struct Failure {
  ExitCode code = ExitCode::error;
  std::string message;
};

template <class T = void>
using Outcome = tl::expected<T, Failure>;

[[nodiscard]] inline tl::unexpected<Failure> stop(ExitCode code, std::string message) {
  return tl::make_unexpected(Failure{code, std::move(message)});
}

}  // namespace homeostat::cli
