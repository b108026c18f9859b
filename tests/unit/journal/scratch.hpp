// What the journal's tests share: a scratch directory, known inputs, and raw access to the file.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/journal/journal.hpp"
#include "daemon/journal/reader.hpp"
#include "daemon/journal/sqlite.hpp"

namespace homeostat::journal {

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "journal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path file() const { return path_ / kFileName; }

 private:
  std::filesystem::path path_;
};

/// The input that these tests append as number `seq`: some short, some over several pages.
inline std::string input_of(std::uint64_t seq) {
  std::string text = "input " + std::to_string(seq) + " ";
  std::uint64_t x = seq * 0x9e3779b97f4a7c15;
  const std::size_t size = seq % 17 == 0 ? 20'000 : 40 + x % 200;
  while (text.size() < size) {
    x ^= x >> 31, x *= 0xbf58476d1ce4e5b9;
    text += static_cast<char>(x >> 56);
  }
  return text;
}

inline std::unique_ptr<Journal> open_or_die(Settings settings, Hooks hooks = {}) {
  Result<std::unique_ptr<Journal>> journal = Journal::open(std::move(settings), std::move(hooks));
  EXPECT_TRUE(journal) << (journal ? "" : journal.error().text());
  return journal ? std::move(*journal) : nullptr;
}

/// Appends inputs up to `last`, each durable on its own, so each in a frame of its own.
inline void append_one_by_one(Journal& journal, std::uint64_t last) {
  for (std::uint64_t seq = journal.durable_seq() + 1; seq <= last; ++seq) {
    ASSERT_EQ(journal.append(input_of(seq)), seq);
    ASSERT_TRUE(journal.wait_durable(seq));
  }
}

struct Contents {
  Result<> result;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool as_written = true;  ///< every input is the one that was appended under its number, none is missing
};

inline Contents contents_of(const std::filesystem::path& path, std::uint64_t from = 1) {
  Contents contents;
  Result<JournalReader> reader = JournalReader::open(path);
  if (!reader) {
    contents.result = tl::make_unexpected(reader.error());
    return contents;
  }
  contents.result = reader->read(from, [&](std::uint64_t seq, std::string_view input) {
    if (contents.first == 0) contents.first = seq;
    if (input != input_of(seq) || (contents.last != 0 && seq != contents.last + 1)) contents.as_written = false;
    contents.last = seq;
    return true;
  });
  return contents;
}

/// Changes a closed journal's file behind its back.
inline void run_sql(const std::filesystem::path& file, const std::string& sql) {
  Result<Database> db = Database::open(file, Database::Mode::write);
  ASSERT_TRUE(db);
  const Result<> done = db->execute(sql.c_str());
  ASSERT_TRUE(done) << done.error().text();
}

}  // namespace homeostat::journal
