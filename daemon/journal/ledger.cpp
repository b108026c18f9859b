#include "daemon/journal/ledger.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "core/archive.hpp"
#include "daemon/journal/sha256.hpp"
#include "daemon/journal/store.hpp"

namespace homeostat::journal {
namespace {

constexpr std::size_t kEntryBytes = 48;

void add_integer(std::string& out, std::uint64_t x) {
  for (int i = 0; i < 8; ++i) out += static_cast<char>(x >> (8 * i));
}
std::uint64_t integer_at(std::string_view bytes) {
  std::uint64_t x = 0;
  for (std::size_t i = 8; i-- > 0;) x = x << 8 | static_cast<unsigned char>(bytes[i]);
  return x;
}

bool take_hash(std::string_view bytes, Hash& hash) {
  if (bytes.size() != hash.size()) return false;
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return true;
}

// Of a row n, at_ns, input_seq, input_hash, prev_hash, hash, body. A hash of a wrong length stays zero: no chain has
// that.
Link link_from(const Statement& row) {
  Link link{.n = row.natural(0), .at = Instant{row.integer(1)}};
  link.inputs.seq = row.natural(2);
  (void)take_hash(row.bytes(3), link.inputs.hash);
  (void)take_hash(row.bytes(4), link.prev_hash);
  (void)take_hash(row.bytes(5), link.hash);
  link.body = std::string(row.bytes(6));
  return link;
}

Result<> append(Database& db, const char* table, std::string body, const ChainHead& inputs, Instant at) {
  const Result<Link> last = last_link(db, table);
  if (!last) return tl::make_unexpected(last.error());
  Link link{.n = last->n + 1, .at = at, .inputs = inputs, .prev_hash = last->hash, .body = std::move(body)};
  link.hash = hash_of(link);
  Result<Statement> insert = db.prepare(fmt::format("INSERT INTO {} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", table));
  if (!insert) return tl::make_unexpected(insert.error());
  return insert->bind(1, link.n)
      .bind(2, link.at.ns)
      .bind(3, link.inputs.seq)
      .bind_blob(4, link.inputs.hash.data(), link.inputs.hash.size())
      .bind_blob(5, link.prev_hash.data(), link.prev_hash.size())
      .bind_blob(6, link.hash.data(), link.hash.size())
      .bind_blob(7, link.body)
      .run();
}

}  // namespace

Hash hash_of(const Link& link) {
  return Sha256()
      .add(link.prev_hash)
      .add(link.n)
      .add(static_cast<std::uint64_t>(link.at.ns))
      .add(link.inputs.seq)
      .add(link.inputs.hash)
      .add_field(link.body)
      .finish();
}

Hash digest_of(const DecisionRow& row) {
  return Sha256()
      .add(row.id)
      .add(row.seq)
      .add(static_cast<std::uint64_t>(row.at.ns))
      .add_field(row.parameter)
      .add_field(row.outcome)
      .add(std::uint64_t{row.adjustment})
      .add_field(row.bytes)
      .finish();
}

Hash fingerprint_of(std::string_view policy_text) {
  return Sha256().add(policy_text.data(), policy_text.size()).finish();
}

std::string ledger_body(const std::vector<DecisionRow>& rows) {
  std::string body;
  body.reserve(rows.size() * kEntryBytes);
  for (const DecisionRow& row : rows) {
    const Hash digest = digest_of(row);
    add_integer(body, row.id);
    add_integer(body, static_cast<std::uint64_t>(row.at.ns));
    body.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  return body;
}

bool take_entry(std::string_view& body, LedgerEntry& entry) {
  if (body.size() < kEntryBytes) return false;
  entry.id = integer_at(body);
  entry.at = Instant{static_cast<std::int64_t>(integer_at(body.substr(8)))};
  (void)take_hash(body.substr(16, entry.digest.size()), entry.digest);
  body.remove_prefix(kEntryBytes);
  return true;
}

Result<Seal> decode_seal(std::string_view body) {
  Seal seal;
  Reader reader(body);
  reader(seal);
  if (!reader.is_done()) return fail(ErrorCode::corrupt, "seal", "its bytes do not make a seal");
  return seal;
}

std::vector<std::string> ledger_schema() {
  std::vector<std::string> statements;
  for (const char* table : {kLedgerTable, kSealsTable}) {
    statements.push_back(
        fmt::format("CREATE TABLE {} (n INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, input_seq INTEGER NOT NULL, "
                    "input_hash BLOB NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL) STRICT",
                    table));
  }
  return statements;
}

Result<> create_ledger(Database& db) {
  for (const std::string& statement : ledger_schema()) JOURNAL_TRY(db.execute(statement.c_str()));
  return db.execute("INSERT INTO meta VALUES ('ledger_base_n', 0), ('ledger_base_hash', zeroblob(32))");
}

Result<Link> ledger_base(Database& db) {
  Link base;
  const Result<std::int64_t> n = db.query_integer("SELECT value FROM meta WHERE key = 'ledger_base_n'");
  if (!n) return tl::make_unexpected(n.error());
  const Result<std::string> hash = db.query_text("SELECT value FROM meta WHERE key = 'ledger_base_hash'");
  if (!hash) return tl::make_unexpected(hash.error());
  base.n = static_cast<std::uint64_t>(*n);
  if (!take_hash(*hash, base.hash)) return fail(ErrorCode::corrupt, "meta ledger_base_hash", "is not a hash");
  return base;
}

Result<Link> last_link(Database& db, const char* table) {
  Result<Statement> last = db.prepare(fmt::format(
      "SELECT n, at_ns, input_seq, input_hash, prev_hash, hash, x'' FROM {} ORDER BY n DESC LIMIT 1", table));
  if (!last) return tl::make_unexpected(last.error());
  const Result<bool> row = last->step();
  if (!row) return tl::make_unexpected(row.error());
  if (*row) return link_from(*last);
  return table == kLedgerTable ? ledger_base(db) : Result<Link>(Link{});
}

Result<> append_ledger(Database& db, const std::vector<DecisionRow>& rows, const ChainHead& inputs, Instant at) {
  if (rows.empty()) return {};
  return append(db, kLedgerTable, ledger_body(rows), inputs, at);
}

Result<> append_seal(Database& db, Seal seal, Instant at) {
  const Result<Link> ledger = last_link(db, kLedgerTable);
  if (!ledger) return tl::make_unexpected(ledger.error());
  const Result<ChainHead> inputs = read_head(db);
  if (!inputs) return tl::make_unexpected(inputs.error());
  seal.ledger_n = ledger->n;
  seal.ledger_hash = ledger->hash;
  Writer writer;
  writer(seal);
  return append(db, kSealsTable, writer.take(), *inputs, at);
}

Result<bool> prune_ledger(Database& db, std::uint64_t n, std::int64_t rows) {
  Result<Statement> last = db.prepare(
      "SELECT n, hash FROM (SELECT n, hash FROM ledger WHERE n <= ?1 ORDER BY n LIMIT ?2) ORDER BY n DESC LIMIT 1");
  if (!last) return tl::make_unexpected(last.error());
  const Result<bool> row = last->bind(1, n).bind(2, rows).step();
  if (!row) return tl::make_unexpected(row.error());
  if (!*row) return false;
  const std::uint64_t to = last->natural(0);
  const std::string hash(last->bytes(1));
  last->reset();
  Result<Statement> remove = db.prepare("DELETE FROM ledger WHERE n <= ?1");
  if (!remove) return tl::make_unexpected(remove.error());
  JOURNAL_TRY(remove->bind(1, to).run());
  Result<Statement> base =
      db.prepare("INSERT OR REPLACE INTO meta VALUES ('ledger_base_n', ?1), ('ledger_base_hash', ?2)");
  if (!base) return tl::make_unexpected(base.error());
  JOURNAL_TRY(base->bind(1, to).bind_blob(2, hash).run());
  return true;
}

Result<> scan_links(Database& db, const char* table, bool ascending, const std::function<bool(const Link&)>& visit) {
  Result<Statement> select =
      db.prepare(fmt::format("SELECT n, at_ns, input_seq, input_hash, prev_hash, hash, body FROM {} ORDER BY n {}",
                             table, ascending ? "" : "DESC"));
  if (!select) return tl::make_unexpected(select.error());
  for (;;) {
    const Result<bool> row = select->step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row || !visit(link_from(*select))) return {};
  }
}

}  // namespace homeostat::journal
