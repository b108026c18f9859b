// The audit: reads a whole journal as an adversary's work and says everything that is not as it was written, and where.
//
// Checked: SQLite's structure and indexes; the schema; every frame of inputs, its hash and its place in the chain; the
// ledger's and the seals' chains (ledger.hpp), and that each of their rows names the inputs' chain as it is; every
// decision against the ledger's digest of it; every snapshot against its seal; that what is missing was removed by
// retention, which says so in a seal first; and that the journal goes on from an exported checkpoint.
//
// What no reading of one file can find is a whole history written anew, with every hash, or cut off cleanly at its end:
// a checkpoint kept elsewhere finds that. That decisions follow from the inputs is replay's to prove (cli/replay.hpp).
//
// Beside a live writer all is read in one transaction: one state, while the writer goes on.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "daemon/journal/ledger.hpp"
#include "daemon/journal/types.hpp"

namespace homeostat::journal {

/// More findings than this are counted, not kept.
inline constexpr std::size_t kFindingsMax = 100;

enum class AuditPart : std::uint8_t { structure, inputs, ledger, seals, decisions, snapshots, checkpoint };
[[nodiscard]] constexpr std::string_view name_of(AuditPart part) {
  switch (part) {
    case AuditPart::structure: return "structure";
    case AuditPart::inputs: return "inputs";
    case AuditPart::ledger: return "ledger";
    case AuditPart::seals: return "seals";
    case AuditPart::decisions: return "decisions";
    case AuditPart::snapshots: return "snapshots";
    case AuditPart::checkpoint: return "checkpoint";
  }
  return "?";
}

struct Finding {
  AuditPart part = AuditPart::structure;
  std::uint64_t first =
      0;  ///< input's sequence number, decision's id, snapshot's seq or row's n; 0 = none in particular
  std::uint64_t last = 0;
  Instant at;  ///< when the row was written, as far as is known
  std::string text;
  std::string bytes;  ///< of a damaged frame or decision, as it stands now: for who can read them
};

/// Where the three chains stood. Small enough to be kept on paper; any later journal either goes on from it or does
/// not.
struct Checkpoint {
  Instant at;
  std::uint64_t epoch = 0;
  std::uint64_t inputs = 0;  ///< last sequence number
  Hash inputs_hash{};
  std::uint64_t decisions = 0;  ///< ledger's n
  Hash decisions_hash{};        ///< over every decision ever written, in order
  std::uint64_t seals = 0;
  Hash seals_hash{};

  bool operator==(const Checkpoint&) const = default;
};

struct AuditReport {
  std::vector<Finding> findings;  ///< in the order of AuditPart
  std::uint64_t found = 0;        ///< all of them
  std::uint64_t first_seq = 0, last_seq = 0, frames = 0, input_bytes = 0;
  std::uint64_t ledger_rows = 0, seal_rows = 0, decisions = 0, snapshots = 0;
  std::uint64_t inputs_removed = 0;  ///< by retention, up to this one
  Instant oldest_at, newest_at;      ///< of the kept frames
  Checkpoint head;
  std::string checkpoint;  ///< what was proved about the given one, in words

  [[nodiscard]] bool is_intact() const { return found == 0; }
};

struct AuditOptions {
  std::filesystem::path journal;  ///< a journal's directory, or a backup file
  std::optional<Checkpoint> checkpoint;
  ProgressCallback progress;
};

/// Errors: missing, not a journal, of another format, unreadable. Damage is a finding.
[[nodiscard]] Result<AuditReport> audit(const AuditOptions& options);

/// Where the chains stand now, read without checking what is behind them. Error corrupt: a head is not whole.
[[nodiscard]] Result<Checkpoint> checkpoint_of(const std::filesystem::path& journal, Instant now);

}  // namespace homeostat::journal
