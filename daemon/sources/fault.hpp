// What goes wrong between a source and the outside, by kind: one counter each, and the kind decides
// what the source does next (shrink the range, try the next provider, hold). The text is for people.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace homeostat::sources {

enum class FaultKind : std::uint8_t {
  transport,  ///< resolve, connect, TLS, reset, or closed in the middle of a reply
  timed_out,
  http_status,   ///< not 200
  rate_limited,  ///< HTTP 429, or the provider's own words for it
  oversize,      ///< the reply is larger than HttpSettings::response_max
  not_json,
  bad_reply,       ///< JSON, but not the shape that was asked for
  wrong_id,        ///< an answer to another question
  rpc_error,       ///< the node answered with an error
  range_too_wide,  ///< the node wants a smaller eth_getLogs
  wrong_chain,
  inconsistent,  ///< the node's answers contradict each other (hashes, bloom, duplicates)
  disjoint,      ///< no block the oracle remembers is on the node's chain
  missing_contract,
  behind,  ///< the node's head is below what was already delivered
};
inline constexpr std::size_t kFaultKindCount = 15;

/// The stable lower-case name of a kind, used as a metric label.
[[nodiscard]] constexpr std::string_view name_of(FaultKind kind) {
  constexpr std::array<std::string_view, kFaultKindCount> kNames = {
      "transport",   "timed_out",    "http_status", "rate_limited",     "oversize",
      "not_json",    "bad_reply",    "wrong_id",    "rpc_error",        "range_too_wide",
      "wrong_chain", "inconsistent", "disjoint",    "missing_contract", "behind"};
  return kNames[static_cast<std::size_t>(kind)];
}

struct Fault {
  FaultKind kind = FaultKind::bad_reply;
  std::string text;
  std::optional<std::uint64_t> blocks_hint;  ///< range_too_wide: how many blocks the node says would do
};

template <class T>
using Fetch = tl::expected<T, Fault>;

[[nodiscard]] inline tl::unexpected<Fault> fault(FaultKind kind, std::string text) {
  return tl::make_unexpected(Fault{kind, std::move(text), std::nullopt});
}

}  // namespace homeostat::sources
