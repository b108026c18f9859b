#include "daemon/journal/keeper.hpp"

#include <pthread.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/check.hpp"
#include "daemon/journal/ledger.hpp"
#include "daemon/journal/store.hpp"

namespace homeostat::journal {
namespace {

// Bounds of one housekeeping transaction: how long a commit may have to wait for it.
constexpr std::int64_t kPruneRows = 256;
constexpr std::size_t kPruneBytes = std::size_t{8} << 20;
constexpr Duration kLedgerMargin = Duration::days(1);
constexpr const char* kPruneDecisions =
    "DELETE FROM decisions WHERE id IN (SELECT id FROM decisions ORDER BY id LIMIT 512) AND at_ns < ?1";
constexpr const char* kRemoveLooseParts =
    "DELETE FROM snapshot_parts WHERE rowid IN "
    "(SELECT rowid FROM snapshot_parts WHERE seq NOT IN (SELECT seq FROM snapshots) LIMIT 4)";
// Passes of a checkpoint while the writer goes on; each has only what was committed during the one before.
constexpr int kBulkPasses = 4;
// Short enough to be copied while the writer waits.
constexpr int kTailPages = 256;

// Flushes the database file through SQLite's own handle: closing a second descriptor of the file would
// drop the process's POSIX locks on it.
Result<> sync_database(Database& db) {
  sqlite3_file* file = nullptr;
  HOMEOSTAT_CHECK(sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK);
  const int code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (code == SQLITE_OK) return {};
  return fail(ErrorCode::io, sqlite3_db_filename(db.handle(), "main"), "cannot flush the database file");
}

}  // namespace

Keeper::Keeper(const Settings& settings, Database db, Turn& turn, std::function<Instant()> now,
               FailureCallback on_failure)
    : settings_(settings), db_(std::move(db)), turn_(turn), now_(std::move(now)), on_failure_(std::move(on_failure)) {
  const Result<std::int64_t> page = db_.query_integer("PRAGMA page_size");
  HOMEOSTAT_CHECK(page && *page > 0);
  restart_pages_ = std::max<std::uint64_t>(settings_.wal_restart_bytes / static_cast<std::uint64_t>(*page), 1);
  checkpoint_at_pages_ = restart_pages_;
  // The keeper's own commits lengthen the log like the writer's.
  sqlite3_wal_hook(
      db_.handle(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Keeper*>(self)->note_wal_pages(static_cast<std::uint64_t>(pages));
        return SQLITE_OK;
      },
      this);
}

Keeper::~Keeper() {
  stop();
}

void Keeper::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "journal-keeper");
    run();
  });
}

void Keeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Keeper::note_wal_pages(std::uint64_t pages) {
  wal_pages_ = pages;
  if (pages < checkpoint_at_pages_) return;
  { const std::lock_guard lock(mutex_); }  // so that the wake-up cannot fall between the check and the wait
  wake_.notify_one();
}

void Keeper::put_snapshot(Snapshot snapshot) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_) ++counts_.snapshots_skipped;
    waiting_ = std::move(snapshot);
  }
  wake_.notify_one();
}

void Keeper::run() {
  const char* doing = "prune";
  Result<> result = remove_old_snapshots();
  if (result) result = prune_frames();
  if (result) result = prune_decisions();
  while (result) {
    std::optional<Snapshot> snapshot;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopped_ || waiting_ || wal_pages_ >= checkpoint_at_pages_; });
      if (stopped_ && !waiting_) return;
      snapshot = std::exchange(waiting_, std::nullopt);
    }
    if (snapshot) {
      doing = "write a snapshot";
      result = write_snapshot(*snapshot);
      if (result) doing = "prune";
      if (result) result = remove_old_snapshots();
      if (result) result = prune_frames();
      if (result) result = prune_decisions();
    }
    if (result && wal_pages_ >= checkpoint_at_pages_) {
      doing = "copy the write-ahead log back";
      result = checkpoint();
    }
  }
  on_failure_(result.error(), doing);
}

// The log starts over from its beginning once all of it is in the database and a commit comes. With a busy
// writer there is always a bit more, so after the bulk the writer waits for the last few pages. The flush
// before that is for its sake, too: it leaves little to flush while the writer waits.
Result<> Keeper::checkpoint() {
  int log_pages = 0;
  int copied_pages = 0;
  const auto pass = [&]() -> Result<> {
    const int code =
        sqlite3_wal_checkpoint_v2(db_.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, &log_pages, &copied_pages);
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return {};
    return tl::make_unexpected(error_of(db_.handle(), code));
  };
  for (int i = 0; i < kBulkPasses; ++i) {
    const int copied_before = copied_pages;
    JOURNAL_TRY(pass());
    if (log_pages - copied_pages < kTailPages || copied_pages <= copied_before) break;
  }
  JOURNAL_TRY(sync_database(db_));
  {
    const std::lock_guard turn(turn_);
    JOURNAL_TRY(pass());
    const bool complete = log_pages == copied_pages;
    if (complete) wal_pages_ = 0;
    // A reader with an old view keeps the log from starting over; trying again at once would only spin.
    checkpoint_at_pages_ = (complete ? 0 : static_cast<std::uint64_t>(std::max(log_pages, 0))) + restart_pages_;
  }
  ++counts_.checkpoints;
  return {};
}

template <class Task>
Result<> Keeper::write(Task&& task) {
  const std::lock_guard turn(turn_);
  return db_.transaction("BEGIN IMMEDIATE", task);
}

// The parts need no flush of their own: the row that makes them count is flushed, and the log with it.
Result<> Keeper::write_snapshot(const Snapshot& snapshot) {
  if (read_snapshot(db_, snapshot.seq)) return {};  // the same inputs give the same state
  Result<Inserts> inserts = Inserts::prepare(db_);
  if (!inserts) return tl::make_unexpected(inserts.error());
  Result<Statement> remove = db_.prepare("DELETE FROM snapshots WHERE seq = ?1");
  if (!remove) return tl::make_unexpected(remove.error());
  JOURNAL_TRY(db_.execute("PRAGMA synchronous=NORMAL"));
  JOURNAL_TRY(write([&]() -> Result<> {
    JOURNAL_TRY(remove->bind(1, snapshot.seq).run());
    if (sqlite3_changes(db_.handle()) == 0) return {};
    return append_seal(db_, {.snapshots_removed = {snapshot.seq}}, now_());  // a damaged one
  }));
  const std::string_view state = snapshot.state;
  std::int64_t part = 0;
  for (std::size_t at = 0; at < state.size(); at += kSnapshotPartBytes, ++part) {
    JOURNAL_TRY(
        write([&] { return inserts->snapshot_part(snapshot.seq, part, state.substr(at, kSnapshotPartBytes)); }));
  }
  JOURNAL_TRY(db_.execute("PRAGMA synchronous=FULL"));
  JOURNAL_TRY(write([&]() -> Result<> {
    JOURNAL_TRY(inserts->snapshot(snapshot));
    return append_seal(db_,
                       {.has_snapshot = true,
                        .snapshot_seq = snapshot.seq,
                        .snapshot_hash = hash_of(snapshot),
                        .policy_digest = snapshot.policy_digest,
                        .policy_fingerprint = fingerprint_of(snapshot.policy_text)},
                       now_());
  }));
  ++counts_.snapshots;
  counts_.newest_snapshot_seq = snapshot.seq;
  return {};
}

Result<> Keeper::remove_old_snapshots() {
  Result<Statement> rows = db_.prepare(
      "SELECT seq FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?1) "
      "AND seq NOT IN (SELECT min(seq) FROM snapshots WHERE at_ns >= ?2 GROUP BY at_ns / ?3)");
  if (!rows) return tl::make_unexpected(rows.error());
  Result<Statement> remove = db_.prepare("DELETE FROM snapshots WHERE seq = ?1");
  if (!remove) return tl::make_unexpected(remove.error());
  const std::int64_t cutoff_ns = (now_() - settings_.retention).ns;
  const std::int64_t span_ns = std::max<std::int64_t>(settings_.retention.ns / kSnapshotSpans, 1);
  rows->bind(1, std::int64_t{kSnapshotsKept}).bind(2, cutoff_ns).bind(3, span_ns);
  JOURNAL_TRY(write([&]() -> Result<> {
    Seal seal;
    for (;;) {
      const Result<bool> row = rows->step();
      if (!row) return tl::make_unexpected(row.error());
      if (!*row) break;
      seal.snapshots_removed.push_back(rows->natural(0));
    }
    rows->reset();
    if (seal.snapshots_removed.empty()) return {};
    for (const std::uint64_t seq : seal.snapshots_removed) JOURNAL_TRY(remove->bind(1, seq).run());
    return append_seal(db_, std::move(seal), now_());
  }));
  int removed = 1;
  while (removed > 0) {
    JOURNAL_TRY(write([&]() -> Result<> {
      JOURNAL_TRY(db_.execute(kRemoveLooseParts));
      removed = sqlite3_changes(db_.handle());
      return {};
    }));
  }
  return {};
}

Result<> Keeper::prune_frames() {
  const Result<std::vector<std::uint64_t>> seqs = snapshot_seqs(db_);
  if (!seqs) return tl::make_unexpected(seqs.error());
  if (seqs->empty()) return {};
  bool more = true;
  for (bool sealed = false; more; sealed = true) {
    if (!sealed) JOURNAL_TRY(seal_frames_to_prune(seqs->front(), more));
    if (more) JOURNAL_TRY(write([&] { return prune_some_frames(seqs->front(), more); }));
  }
  return {};
}

// Said before it is done: one seal for all of it, and none that a crash could leave unsaid. The frames that follow
// prove the hash of what was removed.
Result<> Keeper::seal_frames_to_prune(std::uint64_t covered_seq, bool& any) {
  Result<Statement> oldest = db_.prepare(
      "SELECT last_seq, at_ns FROM frames WHERE first_seq < (SELECT max(first_seq) FROM frames) ORDER BY first_seq");
  if (!oldest) return tl::make_unexpected(oldest.error());
  const Instant cutoff = now_() - settings_.retention;
  std::uint64_t to = 0;
  for (;;) {
    const Result<bool> row = oldest->step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row || oldest->natural(0) > covered_seq || Instant{oldest->integer(1)} >= cutoff) break;
    to = oldest->natural(0);
  }
  oldest->reset();
  any = to > 0;
  if (!any) return {};
  return write([&] { return append_seal(db_, {.inputs_removed_to = to}, now_()); });
}

Result<> Keeper::prune_some_frames(std::uint64_t covered_seq, bool& more) {
  Result<Statement> oldest = db_.prepare(
      "SELECT last_seq, at_ns, length(bytes), hash FROM frames "
      "WHERE first_seq < (SELECT max(first_seq) FROM frames) ORDER BY first_seq LIMIT ?1");
  if (!oldest) return tl::make_unexpected(oldest.error());
  oldest->bind(1, kPruneRows);
  const Instant cutoff = now_() - settings_.retention;
  ChainHead base;
  std::size_t bytes = 0;
  std::uint64_t frames = 0;
  // In order and up to the first that must stay, whatever the ages behind it: the chain has no holes.
  for (;; ++frames) {
    const Result<bool> row = oldest->step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row || bytes >= kPruneBytes) break;
    if (oldest->natural(0) > covered_seq || Instant{oldest->integer(1)} >= cutoff) break;
    base.seq = oldest->natural(0);
    std::memcpy(base.hash.data(), oldest->bytes(3).data(), std::min(base.hash.size(), oldest->bytes(3).size()));
    bytes += oldest->natural(2);
  }
  oldest->reset();
  more = frames > 0;
  if (!more) return {};
  Result<Statement> remove = db_.prepare("DELETE FROM frames WHERE first_seq <= ?1");
  if (!remove) return tl::make_unexpected(remove.error());
  JOURNAL_TRY(remove->bind(1, base.seq).run());
  counts_.pruned_frames += frames;
  return write_base(db_, base);
}

// Rows of the ledger stay longer than the decisions they stand for, so that a clock set back leaves no decision bare.
Result<> Keeper::seal_decisions_to_prune(Instant cutoff, std::uint64_t& ledger_to, bool& any) {
  Result<Statement> decision =
      db_.prepare("SELECT 1 FROM (SELECT at_ns FROM decisions ORDER BY id LIMIT 512) WHERE at_ns < ?1 LIMIT 1");
  if (!decision) return tl::make_unexpected(decision.error());
  const Result<bool> is_old = decision->bind(1, cutoff.ns).step();
  if (!is_old) return tl::make_unexpected(is_old.error());
  decision->reset();
  // The last row stays: the chain goes on from it.
  Result<Statement> row =
      db_.prepare("SELECT n FROM ledger WHERE at_ns >= ?1 OR n = (SELECT max(n) FROM ledger) ORDER BY n LIMIT 1");
  if (!row) return tl::make_unexpected(row.error());
  const Result<bool> first_kept = row->bind(1, (cutoff - kLedgerMargin).ns).step();
  if (!first_kept) return tl::make_unexpected(first_kept.error());
  const Result<Link> base = ledger_base(db_);
  if (!base) return tl::make_unexpected(base.error());
  if (*first_kept && row->natural(0) > base->n + 1) ledger_to = row->natural(0) - 1;
  row->reset();
  any = *is_old || ledger_to > 0;
  if (!any) return {};
  return write(
      [&] { return append_seal(db_, {.decisions_removed_before = cutoff, .ledger_removed_to = ledger_to}, now_()); });
}

Result<> Keeper::prune_decisions() {
  Result<Statement> remove = db_.prepare(kPruneDecisions);
  if (!remove) return tl::make_unexpected(remove.error());
  const Instant cutoff = now_() - settings_.decision_retention;
  std::uint64_t ledger_to = 0;
  bool any = false;
  JOURNAL_TRY(seal_decisions_to_prune(cutoff, ledger_to, any));
  if (!any) return {};
  int removed = 1;
  while (removed > 0) {
    JOURNAL_TRY(write([&]() -> Result<> {
      JOURNAL_TRY(remove->bind(1, cutoff.ns).run());
      removed = sqlite3_changes(db_.handle());
      return {};
    }));
  }
  for (bool more = ledger_to > 0; more;) {
    JOURNAL_TRY(write([&]() -> Result<> {
      const Result<bool> pruned = prune_ledger(db_, ledger_to, kPruneRows);
      if (!pruned) return tl::make_unexpected(pruned.error());
      more = *pruned;
      return {};
    }));
  }
  return {};
}

}  // namespace homeostat::journal
