// A checkpoint as one line of JSON that can be kept, printed or mailed, plain or signed:
//
//     {"homeostat_checkpoint":1,"at":"2026-11-21T07:00:00Z","epoch":3,"inputs":41237,"inputs_hash":"64 digits",
//      "decisions":812,"decisions_hash":"...","seals":96,"seals_hash":"..."}
//
// and, signed, also "key", "public_key" and "signature": Ed25519 over the line as it is without those three. There is
// one line for one checkpoint: what does not read back as the same bytes is refused.
#pragma once

#include <optional>
#include <string>

#include "cli/exit_codes.hpp"
#include "cli/signing.hpp"
#include "daemon/journal/audit.hpp"

namespace homeostat::cli {

struct CheckpointFile {
  journal::Checkpoint checkpoint;
  std::string key;         ///< who signed it; empty = nobody
  std::string public_key;  ///< 64 hexadecimal digits, checked against the signature
};

/// Without a final newline.
[[nodiscard]] std::string checkpoint_line(const journal::Checkpoint& checkpoint);
[[nodiscard]] std::string checkpoint_line(const journal::Checkpoint& checkpoint, const SigningKey& key);
/// Refused: not such a line, altered, or its signature is wrong.
[[nodiscard]] Outcome<CheckpointFile> parse_checkpoint(std::string_view text);

}  // namespace homeostat::cli
