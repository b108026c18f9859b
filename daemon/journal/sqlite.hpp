// SQLite behind two owning types and our Result. One Database is used by one thread at a time.
//
// A wrong bind or column index is a programmer's mistake and CHECKed; what the disk does is an Error:
// resource_exhausted (full or over quota), corrupt, timed_out (locked by another), io (the rest).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

/// Return the error of a Result<> expression, if it has one. The counter keeps nested uses apart.
#define JOURNAL_TRY(expression) JOURNAL_TRY_NAMED(JOURNAL_TRY_NAME(__COUNTER__), expression)
#define JOURNAL_TRY_NAME(number) JOURNAL_TRY_PASTE(number)
#define JOURNAL_TRY_PASTE(number) journal_try_##number
#define JOURNAL_TRY_NAMED(name, expression)                                      \
  do {                                                                           \
    if (auto name = (expression); !name) {                                       \
      return ::tl::make_unexpected(::homeostat::Error(std::move(name).error())); \
    }                                                                            \
  } while (false)

namespace homeostat::journal {

class Database;

class Statement {
 public:
  /// Text and blobs are not copied: they must live until the next reset() or run().
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::uint64_t value) { return bind(index, static_cast<std::int64_t>(value)); }
  Statement& bind_text(int index, std::string_view text);
  Statement& bind_blob(int index, const void* data, std::size_t size);
  Statement& bind_blob(int index, std::string_view bytes) { return bind_blob(index, bytes.data(), bytes.size()); }

  /// True when there is a row, false at the end.
  [[nodiscard]] Result<bool> step();
  /// Steps to the end and resets.
  [[nodiscard]] Result<> run();
  void reset();

  /// Columns of the current row; views live until the next step().
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::uint64_t natural(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  [[nodiscard]] std::string_view bytes(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* s) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  enum class Mode { create, write, read, immutable };
  Database() = default;
  [[nodiscard]] static Result<Database> open(const std::filesystem::path& file, Mode mode);

  [[nodiscard]] Result<> execute(const char* sql);
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  /// The first column of the first row.
  [[nodiscard]] Result<std::int64_t> query_integer(std::string_view sql);
  [[nodiscard]] Result<std::string> query_text(std::string_view sql);

  /// `task` between BEGIN and COMMIT; rolled back when either fails.
  template <class Task>
  [[nodiscard]] Result<> transaction(const char* begin, Task&& task) {
    JOURNAL_TRY(execute(begin));
    Result<> result = task();
    if (result) result = execute("COMMIT");
    if (!result) roll_back();
    return result;
  }

  [[nodiscard]] sqlite3* handle() const { return db_.get(); }
  [[nodiscard]] bool is_open() const { return db_ != nullptr; }
  void close() { db_.reset(); }

 private:
  void roll_back();
  struct Close {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<sqlite3, Close> db_;
};

/// The connection's last failure as an Error, with SQLite's extended code by name and the system's errno.
[[nodiscard]] Error error_of(sqlite3* db, int code);

}  // namespace homeostat::journal
