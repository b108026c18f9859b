// Files that were tampered with, cut short or overwritten: what comes out is what went in, or an Error.
#include <fstream>
#include <random>

#include "tests/unit/journal/scratch.hpp"

namespace homeostat::journal {
namespace {

constexpr std::uint64_t kInputs = 60;

void make_journal(const Scratch& scratch, std::uint64_t snapshot_seq = 0) {
  const auto journal = open_or_die({.directory = scratch.path()});
  append_one_by_one(*journal, kInputs);
  journal->put_decisions({{.id = 41, .parameter = "fee", .bytes = "kept"}});
  if (snapshot_seq != 0) journal->put_snapshot({.seq = snapshot_seq, .policy_text = "p", .state = "s"});
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_file(const std::filesystem::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

TEST(Damage, ATamperedByteIsFoundAndItsInputsNamed) {
  const Scratch scratch;
  make_journal(scratch);
  run_sql(scratch.file(),
          "UPDATE frames SET bytes = CAST(replace(CAST(bytes AS TEXT), 'input 33 ', 'input 34 ') AS BLOB)"
          " WHERE first_seq = 33");
  const auto report = JournalReader::open(scratch.path())->verify();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::corrupt);
  EXPECT_NE(report.error().message.find("inputs 33..33"), std::string::npos) << report.error().text();
  EXPECT_NE(report.error().where.find(kFileName), std::string::npos);
}

TEST(Damage, AJournalWithADamagedTailDoesNotOpenAndStaysAsItIs) {
  const Scratch scratch;
  make_journal(scratch);
  run_sql(scratch.file(), "UPDATE frames SET hash = zeroblob(32) WHERE first_seq = 60");
  const auto journal = Journal::open({.directory = scratch.path()});
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, ErrorCode::corrupt);
  EXPECT_NE(journal.error().message.find("inputs 60..60"), std::string::npos) << journal.error().text();
  EXPECT_EQ(*JournalReader::open(scratch.path())->epoch(), 1U);
}

TEST(Damage, AMissingFrameIsFoundWhereverItIs) {
  for (const char* where : {"first_seq = 1", "first_seq = 30", "first_seq BETWEEN 2 AND 59"}) {
    const Scratch scratch;
    make_journal(scratch);
    run_sql(scratch.file(), std::string("DELETE FROM frames WHERE ") + where);
    EXPECT_EQ(JournalReader::open(scratch.path())->verify().error().code, ErrorCode::corrupt) << where;
  }
}

TEST(Damage, ASnapshotGivesAMissingTailAway) {
  const Scratch scratch;
  make_journal(scratch, 50);
  run_sql(scratch.file(), "DELETE FROM frames WHERE first_seq > 40");
  const auto journal = Journal::open({.directory = scratch.path()});
  ASSERT_FALSE(journal);
  EXPECT_NE(journal.error().message.find("beyond the last input 40"), std::string::npos) << journal.error().text();
  EXPECT_FALSE(JournalReader::open(scratch.path())->verify());
}

TEST(Damage, DamageBehindTheSnapshotDoesNotKeepTheDaemonDown) {
  const Scratch scratch;
  make_journal(scratch, 50);
  run_sql(scratch.file(), "UPDATE frames SET bytes = x'00' WHERE first_seq = 20");
  const auto journal = open_or_die({.directory = scratch.path()});
  EXPECT_EQ(contents_of(scratch.path(), 51).last, kInputs);
  EXPECT_FALSE(journal->verify());
}

TEST(Damage, SalvageKeepsEverythingBeforeTheDamageAndTheOriginalAside) {
  const Scratch scratch;
  make_journal(scratch);
  run_sql(scratch.file(), "UPDATE frames SET bytes = x'00' WHERE first_seq = 41");
  const auto report = salvage(scratch.path());
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->first_seq, 1U);
  EXPECT_EQ(report->last_seq, 40U);
  EXPECT_TRUE(report->replayable);
  EXPECT_EQ(report->last_decision_id, 41U);
  EXPECT_NE(report->damage.find("inputs 41..41"), std::string::npos);
  auto aside = Database::open(report->side_file, Database::Mode::read);
  ASSERT_TRUE(aside);
  EXPECT_EQ(*aside->query_integer("SELECT count(*) FROM frames"), std::int64_t{kInputs});
  const auto journal = open_or_die({.directory = scratch.path()});
  EXPECT_EQ(journal->epoch(), 2U);
  EXPECT_EQ(journal->append(input_of(41)), 41U);
  ASSERT_TRUE(journal->wait_durable(41));
  EXPECT_TRUE(journal->verify());
  EXPECT_TRUE(contents_of(scratch.path()).as_written);
}

TEST(Damage, SalvageKeepsWhatFollowsASnapshotWhenTheDamageIsBeforeIt) {
  const Scratch scratch;
  make_journal(scratch, 50);
  run_sql(scratch.file(), "UPDATE frames SET bytes = x'00' WHERE first_seq = 20");
  const auto report = salvage(scratch.path());
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->first_seq, 51U);
  EXPECT_EQ(report->last_seq, kInputs);
  EXPECT_EQ(report->snapshots_kept, 1U);
  EXPECT_TRUE(report->replayable);
  const auto journal = open_or_die({.directory = scratch.path()});
  EXPECT_TRUE(journal->verify());
  EXPECT_EQ(contents_of(scratch.path(), 51).last, kInputs);
}

TEST(Damage, SalvageWithNothingWholeAfterTheSnapshotGoesOnFromIt) {
  const Scratch scratch;
  make_journal(scratch, 50);
  run_sql(scratch.file(), "UPDATE frames SET bytes = x'00' WHERE first_seq IN (20, 51)");
  const auto report = salvage(scratch.path());
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->last_seq, 50U);
  EXPECT_TRUE(report->replayable);
  auto journal = open_or_die({.directory = scratch.path()});
  EXPECT_EQ((*journal->latest_snapshot())->seq, 50U);
  EXPECT_EQ(journal->append(input_of(51)), 51U);
  journal.reset();
  EXPECT_TRUE(JournalReader::open(scratch.path())->verify());
}

// A copy of the files as a crash or a careless hand may leave them, then damaged by `damage`; reading must give
// exactly the first inputs, however many, or an Error.
struct Tally {
  int tried = 0;
  int whole = 0;
  int prefix = 0;
  int refused = 0;
};
void expect_prefix_or_error(const std::string& database, const std::string& log, const std::string& what,
                            Tally& tally) {
  const Scratch copy;
  write_file(copy.file(), database);
  if (!log.empty()) write_file(copy.file().string() + "-wal", log);
  const Contents contents = contents_of(copy.path());
  ASSERT_TRUE(contents.as_written) << what;
  ASSERT_TRUE(contents.first <= 1 && contents.last <= kInputs) << what;
  if (!contents.result) {
    ++tally.refused;
    return;
  }
  ++(contents.last == kInputs ? tally.whole : tally.prefix);
  // A journal that reads without an error also goes on: the next input takes the next number. (Not each time: opening
  // flushes.)
  if (++tally.tried % 8 != 0) return;
  const auto journal = Journal::open({.directory = copy.path()});
  if (!journal) return;
  ASSERT_EQ((*journal)->durable_seq(), contents.last) << what;
  ASSERT_EQ((*journal)->append(input_of(contents.last + 1)), contents.last + 1) << what;
}

TEST(Damage, ATruncatedLogGivesAPrefix) {
  // All inputs are in the log alone.
  std::string database;
  std::string log;
  {
    const Scratch fresh;
    const auto journal = open_or_die({.directory = fresh.path()});
    database = read_file(fresh.file());
    append_one_by_one(*journal, kInputs);
    database = read_file(fresh.file());
    log = read_file(fresh.file().string() + "-wal");
  }
  Tally tally;
  for (std::size_t i = 0; i <= 120; ++i) {
    const std::size_t size = log.size() * i / 120 + (i < 120 ? i % 7 : 0);
    expect_prefix_or_error(database, log.substr(0, size), "log cut at " + std::to_string(size), tally);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(tally.whole, 1);
  EXPECT_GT(tally.prefix, 100) << tally.refused << " refused";
}

TEST(Damage, ATruncatedDatabaseNeverGivesAWrongInput) {
  const Scratch scratch;
  make_journal(scratch);
  const std::string database = read_file(scratch.file());
  Tally tally;
  for (std::size_t i = 0; i <= 100; ++i) {
    const std::size_t size = database.size() * i / 100;
    expect_prefix_or_error(database.substr(0, size), "", "database cut at " + std::to_string(size), tally);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(tally.refused, 50);
}

TEST(Damage, AFlippedBitNeverGivesAWrongInput) {
  constexpr unsigned kSeed = 20240611;
  const Scratch scratch;
  make_journal(scratch);
  const std::string database = read_file(scratch.file());
  std::mt19937 random(kSeed);
  Tally tally;
  for (int i = 0; i < 300; ++i) {
    std::string copy = database;
    const std::size_t at = random() % copy.size();
    copy[at] = static_cast<char>(copy[at] ^ (1 << random() % 8));
    expect_prefix_or_error(copy, "", "seed " + std::to_string(kSeed) + ", bit flipped at " + std::to_string(at), tally);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(tally.refused, 50) << tally.whole << " whole, " << tally.prefix << " prefix";
}

}  // namespace
}  // namespace homeostat::journal
