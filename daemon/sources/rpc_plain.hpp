// The fast way to read logs. Nearly every node writes them in one form: compact, without escapes, with the fields that
// the specification names and no others. What is exactly in that form is read here in one pass over its bytes; anything
// else, right or wrong, is left to the JSON parser, which alone says what is wrong. So this reader never refuses: it
// either gives what the parser would give, or nothing (tests/fuzz/rpc_fuzz.cpp holds the two against each other).
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/sources/rpc.hpp"

namespace homeostat::sources::rpc {

/// The logs of each call, when all calls want logs and all of the reply is in the plain form and in the order of the
/// calls; nullopt = not so.
[[nodiscard]] std::optional<std::vector<std::vector<Log>>> read_plain_logs(std::string_view body,
                                                                           std::span<const Call> calls,
                                                                           std::uint64_t first_id);

/// Latest time that a block may claim: the end of year 9999.
inline constexpr std::uint64_t kTimeMax_s = 253402300799;
/// Bytes of a log with three topics and one word of data, as Geth writes it: to make room once.
inline constexpr std::size_t kLogBytes = 600;

}  // namespace homeostat::sources::rpc
