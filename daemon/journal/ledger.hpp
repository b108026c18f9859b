// What happened beside the inputs, as two more chains in the same file: which decisions were written, which snapshots,
// what retention removed, and when the journal was opened. Inputs are chained by their frames (frame.hpp); these chains
// cover the rest, so that nothing in the file can be changed, added or taken out unseen.
//
//     ledger   one row per commit that wrote decisions: (id, time, digest) of each, 48 bytes a decision. Retention
//              removes it behind the decisions it stands for.
//     seals    one row per opening, snapshot and pruning. Never removed: some 250 bytes every snapshot period. A
//     checkpoint
//              that names a seal can therefore be compared for ever, however short the retention.
//
//     hash = SHA-256(prev_hash | n | at_ns | input_seq | input_hash | length of body | body)
//
// Each row names the head of the inputs' chain at its commit, so the three chains hold each other in place. Rows are
// written in the transaction of what they stand for. Pure but for the database.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "daemon/journal/frame.hpp"
#include "daemon/journal/sqlite.hpp"
#include "daemon/journal/types.hpp"

namespace homeostat::journal {

inline constexpr const char* kLedgerTable = "ledger";
inline constexpr const char* kSealsTable = "seals";

/// A row of either chain; n = 1, 2, 3, ...
struct Link {
  std::uint64_t n = 0;
  Instant at;        ///< wall clock of the commit
  ChainHead inputs;  ///< where the inputs' chain stood
  Hash prev_hash{};
  Hash hash{};
  std::string body;
};
[[nodiscard]] Hash hash_of(const Link& link);

/// A ledger row's entry for one decision as it was written.
struct LedgerEntry {
  std::uint64_t id = 0;
  Instant at;     ///< of the decision
  Hash digest{};  ///< of every column of its row
};
[[nodiscard]] Hash digest_of(const DecisionRow& row);
[[nodiscard]] std::string ledger_body(const std::vector<DecisionRow>& rows);
/// False when `body` is not whole entries.
[[nodiscard]] bool take_entry(std::string_view& body, LedgerEntry& entry);

/// What a seal says. Empty members say nothing.
struct Seal {
  std::uint64_t opened_epoch = 0;  ///< the journal was opened for writing for the n-th time
  std::string note;                ///< created, salvaged: in words

  bool has_snapshot = false;
  std::uint64_t snapshot_seq = 0;
  Hash snapshot_hash{};
  std::string policy_digest;  ///< of the policy in force then
  Hash policy_fingerprint{};  ///< SHA-256 of its text

  std::vector<std::uint64_t> snapshots_removed;
  std::uint64_t inputs_removed_to = 0;  ///< retention removes inputs up to here
  Instant decisions_removed_before;     ///< ... and decisions older than this
  std::uint64_t ledger_removed_to = 0;  ///< ... and ledger rows up to here

  std::uint64_t ledger_n = 0;  ///< where the ledger stood
  Hash ledger_hash{};

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.opened_epoch), a(x.note), a(x.has_snapshot), a(x.snapshot_seq), a(x.snapshot_hash), a(x.policy_digest),
        a(x.policy_fingerprint), a(x.snapshots_removed), a(x.inputs_removed_to), a(x.decisions_removed_before),
        a(x.ledger_removed_to), a(x.ledger_n), a(x.ledger_hash);
  }
};
[[nodiscard]] Result<Seal> decode_seal(std::string_view body);
[[nodiscard]] Hash fingerprint_of(std::string_view policy_text);

/// The statements that create the two tables.
[[nodiscard]] std::vector<std::string> ledger_schema();
/// Creates the two tables, empty.
[[nodiscard]] Result<> create_ledger(Database& db);
/// The last row of a chain without its body; what meta says was removed when there is none; n = 0 at the beginning.
[[nodiscard]] Result<Link> last_link(Database& db, const char* table);
/// The ledger's head before its oldest kept row.
[[nodiscard]] Result<Link> ledger_base(Database& db);

/// Inside the caller's transaction: the row that stands for `rows`.
[[nodiscard]] Result<> append_ledger(Database& db, const std::vector<DecisionRow>& rows, const ChainHead& inputs,
                                     Instant at);
/// Inside the caller's transaction; fills in where inputs and ledger stand.
[[nodiscard]] Result<> append_seal(Database& db, Seal seal, Instant at);
/// Removes ledger rows up to `n`, at most `rows` of them; false when there are no more.
[[nodiscard]] Result<bool> prune_ledger(Database& db, std::uint64_t n, std::int64_t rows);

/// Gives the rows of a chain in ascending (or descending) order; false stops.
[[nodiscard]] Result<> scan_links(Database& db, const char* table, bool ascending,
                                  const std::function<bool(const Link&)>& visit);

}  // namespace homeostat::journal
