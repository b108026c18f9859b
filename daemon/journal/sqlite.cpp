#include "daemon/journal/sqlite.hpp"

#include <sqlite3.h>

#include <cstring>

#include <fmt/format.h>

#include "core/check.hpp"

namespace homeostat::journal {
namespace {

// Another process can hold the write lock only while it recovers a log or for a manual sqlite3 session.
constexpr int kBusyTimeoutMs = 5'000;

std::string_view name_of_code(int extended) {
  switch (extended) {
    case SQLITE_FULL: return "SQLITE_FULL";
    case SQLITE_CORRUPT: return "SQLITE_CORRUPT";
    case SQLITE_NOTADB: return "SQLITE_NOTADB";
    case SQLITE_BUSY: return "SQLITE_BUSY";
    case SQLITE_BUSY_RECOVERY: return "SQLITE_BUSY_RECOVERY";
    case SQLITE_CANTOPEN: return "SQLITE_CANTOPEN";
    case SQLITE_READONLY: return "SQLITE_READONLY";
    case SQLITE_READONLY_DIRECTORY: return "SQLITE_READONLY_DIRECTORY";
    case SQLITE_IOERR_FSYNC: return "SQLITE_IOERR_FSYNC";
    case SQLITE_IOERR_DIR_FSYNC: return "SQLITE_IOERR_DIR_FSYNC";
    case SQLITE_IOERR_WRITE: return "SQLITE_IOERR_WRITE";
    case SQLITE_IOERR_READ: return "SQLITE_IOERR_READ";
    case SQLITE_IOERR_SHORT_READ: return "SQLITE_IOERR_SHORT_READ";
    case SQLITE_IOERR_TRUNCATE: return "SQLITE_IOERR_TRUNCATE";
    case SQLITE_IOERR_SHMSIZE: return "SQLITE_IOERR_SHMSIZE";
    case SQLITE_IOERR_CORRUPTFS: return "SQLITE_IOERR_CORRUPTFS";
    default: return {};
  }
}

ErrorCode code_of(int primary) {
  switch (primary) {
    case SQLITE_FULL: return ErrorCode::resource_exhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::timed_out;
    case SQLITE_PERM:
    case SQLITE_READONLY: return ErrorCode::permission_denied;
    case SQLITE_CANTOPEN: return ErrorCode::unavailable;
    default: return ErrorCode::io;
  }
}

std::string file_of(sqlite3* db) {
  const char* name = db == nullptr ? nullptr : sqlite3_db_filename(db, "main");
  return name == nullptr ? std::string() : std::string(name);
}

// A path as a SQLite URI: '?', '#' and '%' would otherwise end or change it.
std::string uri_of(const std::filesystem::path& file) {
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(file).string()) {
    if (c == '?' || c == '#' || c == '%') {
      uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return uri;
}

}  // namespace

Error error_of(sqlite3* db, int code) {
  const int extended = db == nullptr ? code : sqlite3_extended_errcode(db);
  const int system = db == nullptr ? 0 : sqlite3_system_errno(db);
  const std::string_view known = name_of_code(extended);
  const std::string name = known.empty() ? fmt::format("SQLite code {}", extended) : std::string(known);
  std::string message = fmt::format("{} ({})", db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db), name);
  // errno is only meaningful where the file system was asked and said no.
  const int primary = code & 0xff;
  if (system != 0 && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_FULL)) {
    message += fmt::format(", the system says: {}", std::strerror(system));
  }
  return Error{code_of(primary), file_of(db), std::move(message)};
}

void Statement::Finalize::operator()(sqlite3_stmt* s) const {
  sqlite3_finalize(s);
}

Statement& Statement::bind(int index, std::int64_t value) {
  HOMEOSTAT_CHECK(sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_text(int index, std::string_view text) {
  // A null pointer would bind NULL, and an empty view may have one.
  const char* data = text.empty() ? "" : text.data();
  HOMEOSTAT_CHECK(sqlite3_bind_text64(statement_.get(), index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8) ==
                  SQLITE_OK);
  return *this;
}

Statement& Statement::bind_blob(int index, const void* data, std::size_t size) {
  HOMEOSTAT_CHECK(sqlite3_bind_blob64(statement_.get(), index, size == 0 ? "" : data, size, SQLITE_STATIC) ==
                  SQLITE_OK);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* db = sqlite3_db_handle(statement_.get());
  Error error = error_of(db, code);
  sqlite3_reset(statement_.get());
  return tl::make_unexpected(std::move(error));
}

Result<> Statement::run() {
  for (;;) {
    const Result<bool> row = step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) break;
  }
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(data), size);
}

void Database::Close::operator()(sqlite3* db) const {
  sqlite3_close_v2(db);
}

Result<Database> Database::open(const std::filesystem::path& file, Mode mode) {
  int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  std::string uri = uri_of(file);
  switch (mode) {
    case Mode::create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; break;
    case Mode::write: flags |= SQLITE_OPEN_READWRITE; break;
    case Mode::read: flags |= SQLITE_OPEN_READONLY; break;
    case Mode::immutable:
      flags |= SQLITE_OPEN_READONLY;
      uri += "?immutable=1";
      break;
  }
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(uri.c_str(), &raw, flags, nullptr);
  Database db;
  db.db_.reset(raw);
  if (code != SQLITE_OK) {
    Error error = error_of(raw, code);
    error.where = file.string();
    return tl::make_unexpected(std::move(error));
  }
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  // The schema inside a file we did not write ourselves must not call functions; bad cells are found when read.
  JOURNAL_TRY(db.execute("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY"));
  return db;
}

Result<> Database::execute(const char* sql) {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::make_unexpected(error_of(db_.get(), code));
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  Statement statement;
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return tl::make_unexpected(error_of(db_.get(), code));
  statement.statement_.reset(raw);
  return statement;
}

Result<std::int64_t> Database::query_integer(std::string_view sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return tl::make_unexpected(statement.error());
  const Result<bool> row = statement->step();
  if (!row) return tl::make_unexpected(row.error());
  return *row ? statement->integer(0) : 0;
}

Result<std::string> Database::query_text(std::string_view sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return tl::make_unexpected(statement.error());
  const Result<bool> row = statement->step();
  if (!row) return tl::make_unexpected(row.error());
  return *row ? std::string(statement->bytes(0)) : std::string();
}

void Database::roll_back() {
  // Most failures have rolled back already; then this has nothing to do, and its complaint says nothing new.
  if (sqlite3_get_autocommit(db_.get()) == 0) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace homeostat::journal
