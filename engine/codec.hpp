// Inputs and decision records as bytes, for the journal and the wire between processes.
//
// An input is one tag byte and its archive fields (core/archive.hpp). A PolicyChange keeps the
// configuration's text and digest, never the parsed policy: the loader given to decode() makes it anew,
// and the digest proves that it is the same. Decoding never trusts: bytes that are malformed, too long,
// or hold an enumeration or scale out of range are an Error (corrupt), never a crash. What apply() would
// refuse, such as a sample of an unknown metric, is no error here: it was journaled, and replays as refused.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "engine/input.hpp"
#include "engine/record.hpp"

namespace homeostat::engine {

/// Makes the policy of a configuration's text; the daemon gives config's loader. May be empty when no
/// policy changes are expected: one is then an Error (unsupported).
using PolicyLoader = std::function<Result<PolicyPtr>(const std::string& text)>;

/// What an input is, readable without decoding it. The values are the journal's: never renumber.
enum class InputTag : std::uint8_t {
  sample_batch = 1,
  chain_segment = 2,
  source_report = 3,
  tick = 4,
  guardian_command = 5,
  actuator_report = 6,
  policy_change = 7,
  signed_command = 8,
};
/// "sample_batch" and so on; "?" for a byte that is none.
[[nodiscard]] std::string_view name_of(InputTag tag);

[[nodiscard]] std::string encode(const Input& input);
[[nodiscard]] Result<Input> decode(std::string_view bytes, const PolicyLoader& load_policy);

[[nodiscard]] std::string encode_record(const DecisionRecord& record);
[[nodiscard]] Result<DecisionRecord> decode_record(std::string_view bytes);

}  // namespace homeostat::engine
