#include "daemon/journal/store.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "daemon/journal/ledger.hpp"

namespace homeostat::journal {
namespace {

// Bytes last in each table: SQLite reads the columns before a long blob without following its overflow pages.
constexpr const char* kSchema = R"(
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;
CREATE TABLE frames (
  first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, at_ns INTEGER NOT NULL,
  prev_hash BLOB NOT NULL, hash BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE TABLE decisions (
  id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at_ns INTEGER NOT NULL, parameter TEXT NOT NULL,
  outcome TEXT NOT NULL, adjustment INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE INDEX decisions_by_parameter ON decisions (parameter, id);
CREATE INDEX adjustments ON decisions (id) WHERE adjustment = 1;
CREATE INDEX adjustments_by_parameter ON decisions (parameter, id) WHERE adjustment = 1;
CREATE TABLE snapshots (
  seq INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, policy_digest BLOB NOT NULL, decisions_hash BLOB NOT NULL,
  hash BLOB NOT NULL, parts INTEGER NOT NULL, policy_text TEXT NOT NULL) STRICT;
CREATE TABLE snapshot_parts (
  seq INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (seq, part)) STRICT;
)";

constexpr std::int64_t kScanRows = 1024;
// A read transaction keeps the write-ahead log from starting over, so a slow visitor must let go now and then.
constexpr std::size_t kScanBytes = std::size_t{16} << 20;

Result<Hash> hash_from(std::string_view bytes, std::string_view what) {
  Hash hash{};
  if (bytes.size() != hash.size()) {
    return fail(ErrorCode::corrupt, std::string(what),
                fmt::format("a hash has {} bytes, not {}", bytes.size(), hash.size()));
  }
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

// Of a row first_seq, last_seq, at_ns, prev_hash, hash, bytes.
Result<Frame> frame_from(const Statement& row) {
  Frame frame{.first_seq = row.natural(0), .last_seq = row.natural(1), .at = Instant{row.integer(2)}};
  const std::string what = fmt::format("inputs {}..{}", frame.first_seq, frame.last_seq);
  const Result<Hash> prev = hash_from(row.bytes(3), what);
  if (!prev) return tl::make_unexpected(prev.error());
  const Result<Hash> own = hash_from(row.bytes(4), what);
  if (!own) return tl::make_unexpected(own.error());
  frame.prev_hash = *prev;
  frame.hash = *own;
  frame.bytes = row.bytes(5);
  return frame;
}

// Of a row id, seq, at_ns, parameter, outcome, adjustment, bytes.
DecisionRow decision_from(const Statement& row) {
  return DecisionRow{.id = row.natural(0),
                     .seq = row.natural(1),
                     .at = Instant{row.integer(2)},
                     .parameter = std::string(row.bytes(3)),
                     .outcome = std::string(row.bytes(4)),
                     .adjustment = row.integer(5) != 0,
                     .bytes = std::string(row.bytes(6))};
}
constexpr const char* kDecisionColumns = "id, seq, at_ns, parameter, outcome, adjustment, bytes";

// The chain's head before the frame that holds `from_seq` (or before the first frame, when all are later).
Result<ChainHead> head_before(Database& db, std::uint64_t from_seq) {
  Result<Statement> before = db.prepare(
      "SELECT last_seq, hash FROM frames WHERE first_seq < "
      "(SELECT max(first_seq) FROM frames WHERE first_seq <= ?1) ORDER BY first_seq DESC LIMIT 1");
  if (!before) return tl::make_unexpected(before.error());
  const Result<bool> row = before->bind(1, from_seq).step();
  if (!row) return tl::make_unexpected(row.error());
  if (!*row) return read_base(db);
  const Result<Hash> hash = hash_from(before->bytes(1), fmt::format("input {}", before->natural(0)));
  if (!hash) return tl::make_unexpected(hash.error());
  return ChainHead{before->natural(0), *hash};
}

// One bounded read transaction of a scan. `head` moves along; `more` says whether there was something to visit.
Result<> scan_some(Database& db, Statement& select, ChainHead& head, const std::function<bool(const Frame&)>& visit,
                   bool& more) {
  more = false;
  const Result<ChainHead> base = read_base(db);
  if (!base) return tl::make_unexpected(base.error());
  if (base->seq > head.seq) {
    return fail(ErrorCode::out_of_range, fmt::format("input {}", head.seq + 1),
                fmt::format("pruned by the retention; the oldest input kept is {}", base->seq + 1));
  }
  select.bind(1, head.seq + 1).bind(2, kScanRows);
  std::size_t bytes = 0;
  while (bytes < kScanBytes) {
    const Result<bool> row = select.step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) break;
    const Result<Frame> frame = frame_from(select);
    if (!frame) return tl::make_unexpected(frame.error());
    JOURNAL_TRY(check_frame(*frame, head));
    bytes += frame->bytes.size();
    head = ChainHead{frame->last_seq, frame->hash};
    more = visit(*frame);
    if (!more) break;
  }
  select.reset();
  return {};
}

}  // namespace

std::filesystem::path database_file(const std::filesystem::path& directory_or_file) {
  std::error_code ignored;
  return std::filesystem::is_directory(directory_or_file, ignored) ? directory_or_file / kFileName : directory_or_file;
}

Result<> create_schema(Database& db, Instant now) {
  const Result<std::int64_t> tables = db.query_integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tl::make_unexpected(tables.error());
  const Result<std::int64_t> application = db.query_integer("PRAGMA application_id");
  if (!application) return tl::make_unexpected(application.error());
  if (*tables != 0 || *application != 0) return {};
  return db.transaction("BEGIN IMMEDIATE", [&]() -> Result<> {
    JOURNAL_TRY(db.execute(kSchema));
    JOURNAL_TRY(db.execute(fmt::format("PRAGMA application_id={}; PRAGMA user_version={};"
                                       "INSERT INTO meta VALUES ('created_ns', {}), ('epoch', 0)",
                                       kApplicationId, kFormatVersion, now.ns)
                               .c_str()));
    JOURNAL_TRY(create_ledger(db));
    JOURNAL_TRY(write_base(db, ChainHead{}));
    return append_seal(db, {.note = "created"}, now);
  });
}

Result<> check_schema(Database& db) {
  const Result<std::int64_t> application = db.query_integer("PRAGMA application_id");
  if (!application) return tl::make_unexpected(application.error());
  if (*application != kApplicationId) {
    return fail(ErrorCode::corrupt, "application_id",
                fmt::format("the file is a SQLite database but not a homeostat journal ({:#x}, not {:#x})",
                            *application, kApplicationId));
  }
  const Result<std::int64_t> version = db.query_integer("PRAGMA user_version");
  if (!version) return tl::make_unexpected(version.error());
  if (*version < kFormatVersionMin || *version > kFormatVersion) {
    return fail(ErrorCode::unsupported, "user_version",
                fmt::format("the journal has format {}; this program reads {}..{}: use the version that wrote it, or a "
                            "newer one",
                            *version, kFormatVersionMin, kFormatVersion));
  }
  return {};
}

Result<ChainHead> read_base(Database& db) {
  const Result<std::int64_t> seq = db.query_integer("SELECT value FROM meta WHERE key = 'base_seq'");
  if (!seq) return tl::make_unexpected(seq.error());
  const Result<std::string> bytes = db.query_text("SELECT value FROM meta WHERE key = 'base_hash'");
  if (!bytes) return tl::make_unexpected(bytes.error());
  const Result<Hash> hash = hash_from(*bytes, "meta base_hash");
  if (!hash) return tl::make_unexpected(hash.error());
  return ChainHead{static_cast<std::uint64_t>(*seq), *hash};
}

Result<> write_base(Database& db, const ChainHead& base) {
  Result<Statement> put = db.prepare("INSERT OR REPLACE INTO meta VALUES ('base_seq', ?1), ('base_hash', ?2)");
  if (!put) return tl::make_unexpected(put.error());
  return put->bind(1, base.seq).bind_blob(2, base.hash.data(), base.hash.size()).run();
}

Result<ChainHead> read_head(Database& db) {
  Result<Statement> last = db.prepare("SELECT last_seq, hash FROM frames ORDER BY first_seq DESC LIMIT 1");
  if (!last) return tl::make_unexpected(last.error());
  const Result<bool> row = last->step();
  if (!row) return tl::make_unexpected(row.error());
  if (!*row) return read_base(db);
  const Result<Hash> hash = hash_from(last->bytes(1), fmt::format("input {}", last->natural(0)));
  if (!hash) return tl::make_unexpected(hash.error());
  return ChainHead{last->natural(0), *hash};
}

Result<> scan_frames(Database& db, std::uint64_t from_seq, const std::function<bool(const Frame&)>& visit) {
  Result<Statement> select = db.prepare(
      "SELECT first_seq, last_seq, at_ns, prev_hash, hash, bytes FROM frames WHERE first_seq >= ?1 "
      "ORDER BY first_seq LIMIT ?2");
  if (!select) return tl::make_unexpected(select.error());
  ChainHead head;
  JOURNAL_TRY(db.transaction("BEGIN", [&]() -> Result<> {
    const Result<ChainHead> base = read_base(db);
    if (!base) return tl::make_unexpected(base.error());
    if (from_seq <= base->seq) {
      return fail(ErrorCode::out_of_range, fmt::format("input {}", from_seq),
                  fmt::format("not kept; the oldest input kept is {}", base->seq + 1));
    }
    const Result<ChainHead> before = head_before(db, from_seq);
    if (!before) return tl::make_unexpected(before.error());
    head = *before;
    return {};
  }));
  for (bool more = true; more;) {
    JOURNAL_TRY(db.transaction("BEGIN", [&] { return scan_some(db, *select, head, visit, more); }));
  }
  return {};
}

Result<std::vector<std::uint64_t>> snapshot_seqs(Database& db) {
  Result<Statement> select = db.prepare("SELECT seq FROM snapshots ORDER BY seq");
  if (!select) return tl::make_unexpected(select.error());
  std::vector<std::uint64_t> seqs;
  for (;;) {
    const Result<bool> row = select->step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) return seqs;
    seqs.push_back(select->natural(0));
  }
}

Result<std::vector<std::string>> schema_of(Database& db) {
  Result<Statement> select = db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL");
  if (!select) return tl::make_unexpected(select.error());
  std::vector<std::string> statements;
  for (;;) {
    const Result<bool> row = select->step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) break;
    statements.emplace_back(select->bytes(0));
  }
  std::sort(statements.begin(), statements.end());
  return statements;
}

std::vector<std::string> expected_schema() {
  std::vector<std::string> statements;
  std::string_view rest = kSchema;
  for (std::size_t end = rest.find(';'); end != std::string_view::npos; end = rest.find(';')) {
    const std::size_t begin = rest.find_first_not_of('\n');
    statements.emplace_back(rest.substr(begin, end - begin));
    rest.remove_prefix(end + 1);
  }
  for (std::string& statement : ledger_schema()) statements.push_back(std::move(statement));
  std::sort(statements.begin(), statements.end());
  return statements;
}

Result<Snapshot> read_snapshot(Database& db, std::uint64_t seq) {
  const std::string where = fmt::format("snapshot {}", seq);
  Result<Statement> select =
      db.prepare("SELECT at_ns, policy_digest, decisions_hash, hash, parts, policy_text FROM snapshots WHERE seq = ?1");
  if (!select) return tl::make_unexpected(select.error());
  const Result<bool> row = select->bind(1, seq).step();
  if (!row) return tl::make_unexpected(row.error());
  if (!*row) return fail(ErrorCode::missing, where, "there is no such snapshot");
  Snapshot snapshot{.seq = seq,
                    .at = Instant{select->integer(0)},
                    .policy_digest = std::string(select->bytes(1)),
                    .policy_text = std::string(select->bytes(5)),
                    .decisions_hash = std::string(select->bytes(2))};
  const Result<Hash> stored = hash_from(select->bytes(3), where);
  if (!stored) return tl::make_unexpected(stored.error());
  Result<Statement> parts = db.prepare("SELECT bytes FROM snapshot_parts WHERE seq = ?1 ORDER BY part LIMIT ?2");
  if (!parts) return tl::make_unexpected(parts.error());
  parts->bind(1, seq).bind(2, select->integer(4));
  for (;;) {
    const Result<bool> part = parts->step();
    if (!part) return tl::make_unexpected(part.error());
    if (!*part) break;
    snapshot.state += parts->bytes(0);
  }
  if (hash_of(snapshot) != *stored) return fail(ErrorCode::corrupt, where, "the stored state does not match its hash");
  return snapshot;
}

Result<std::optional<Snapshot>> newest_good_snapshot(Database& db, std::vector<std::uint64_t>* damaged) {
  Result<std::vector<std::uint64_t>> seqs = snapshot_seqs(db);
  if (!seqs) return tl::make_unexpected(seqs.error());
  std::reverse(seqs->begin(), seqs->end());
  for (const std::uint64_t seq : *seqs) {
    Result<Snapshot> snapshot = read_snapshot(db, seq);
    if (snapshot) return std::optional<Snapshot>(std::move(*snapshot));
    if (snapshot.error().code != ErrorCode::corrupt && snapshot.error().code != ErrorCode::missing) {
      return tl::make_unexpected(snapshot.error());
    }
    if (damaged != nullptr) damaged->push_back(seq);
  }
  return std::optional<Snapshot>();
}

Result<std::optional<DecisionRow>> find_decision(Database& db, std::uint64_t id) {
  Result<Statement> select = db.prepare(fmt::format("SELECT {} FROM decisions WHERE id = ?1", kDecisionColumns));
  if (!select) return tl::make_unexpected(select.error());
  const Result<bool> row = select->bind(1, id).step();
  if (!row) return tl::make_unexpected(row.error());
  return *row ? std::optional(decision_from(*select)) : std::nullopt;
}

Result<std::vector<DecisionRow>> list_decisions(Database& db, const DecisionFilter& filter) {
  if (filter.limit == 0 || filter.limit > kListMax) {
    return fail(ErrorCode::out_of_range, "limit", fmt::format("{} is not in 1..{}", filter.limit, kListMax));
  }
  std::string sql = fmt::format("SELECT {} FROM decisions WHERE id < ?1", kDecisionColumns);
  if (!filter.parameter.empty()) sql += " AND parameter = ?3";
  if (filter.only_adjustments) sql += " AND adjustment = 1";
  sql += " ORDER BY id DESC LIMIT ?2";
  Result<Statement> select = db.prepare(sql);
  if (!select) return tl::make_unexpected(select.error());
  constexpr std::int64_t kNewest = std::numeric_limits<std::int64_t>::max();
  select->bind(1, filter.before_id == 0 ? kNewest : static_cast<std::int64_t>(filter.before_id));
  select->bind(2, std::int64_t{filter.limit});
  if (!filter.parameter.empty()) select->bind_text(3, filter.parameter);
  std::vector<DecisionRow> rows;
  for (;;) {
    const Result<bool> row = select->step();
    if (!row) return tl::make_unexpected(row.error());
    // Ids ascend with time, so the first one too old ends the list.
    if (!*row || (!filter.since.is_never() && Instant{select->integer(2)} < filter.since)) return rows;
    rows.push_back(decision_from(*select));
  }
}

Result<Inserts> Inserts::prepare(Database& db) {
  Inserts inserts;
  const auto prepare_into = [&](Statement& slot, std::string_view sql) -> Result<> {
    Result<Statement> statement = db.prepare(sql);
    if (!statement) return tl::make_unexpected(statement.error());
    slot = std::move(*statement);
    return {};
  };
  JOURNAL_TRY(prepare_into(inserts.frame_, "INSERT INTO frames VALUES (?1, ?2, ?3, ?4, ?5, ?6)"));
  JOURNAL_TRY(prepare_into(inserts.decision_,
                           "INSERT INTO decisions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET "
                           "seq = ?2, at_ns = ?3, parameter = ?4, outcome = ?5, adjustment = ?6, bytes = ?7"));
  JOURNAL_TRY(prepare_into(inserts.part_, "INSERT OR REPLACE INTO snapshot_parts VALUES (?1, ?2, ?3)"));
  JOURNAL_TRY(prepare_into(inserts.snapshot_, "INSERT OR REPLACE INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  return inserts;
}

Result<> Inserts::frame(const Frame& frame) {
  return frame_.bind(1, frame.first_seq)
      .bind(2, frame.last_seq)
      .bind(3, frame.at.ns)
      .bind_blob(4, frame.prev_hash.data(), frame.prev_hash.size())
      .bind_blob(5, frame.hash.data(), frame.hash.size())
      .bind_blob(6, frame.bytes)
      .run();
}

Result<> Inserts::decision(const DecisionRow& row) {
  return decision_.bind(1, row.id)
      .bind(2, row.seq)
      .bind(3, row.at.ns)
      .bind_text(4, row.parameter)
      .bind_text(5, row.outcome)
      .bind(6, std::int64_t{row.adjustment})
      .bind_blob(7, row.bytes)
      .run();
}

Result<> Inserts::snapshot_part(std::uint64_t seq, std::int64_t part, std::string_view bytes) {
  return part_.bind(1, seq).bind(2, part).bind_blob(3, bytes).run();
}

Result<> Inserts::snapshot(const Snapshot& snapshot) {
  const Hash hash = hash_of(snapshot);
  const auto parts = static_cast<std::int64_t>((snapshot.state.size() + kSnapshotPartBytes - 1) / kSnapshotPartBytes);
  return snapshot_.bind(1, snapshot.seq)
      .bind(2, snapshot.at.ns)
      .bind_blob(3, snapshot.policy_digest)
      .bind_blob(4, snapshot.decisions_hash)
      .bind_blob(5, hash.data(), hash.size())
      .bind(6, parts)
      .bind_text(7, snapshot.policy_text)
      .run();
}

}  // namespace homeostat::journal
