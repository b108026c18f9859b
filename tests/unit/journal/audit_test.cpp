// The audit of a journal made by the real code: left alone it is intact, and every way to tamper with it is found.
#include "daemon/journal/audit.hpp"

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/unit/journal/scratch.hpp"

namespace homeostat::journal {
namespace {

constexpr std::uint64_t kInputs = 40;
const Instant kStart = Instant::from_unix_seconds(1'800'000'000);

DecisionRow decision(std::uint64_t id, const std::string& bytes = "moved") {
  return {.id = id,
          .seq = id,
          .at = kStart + Duration::seconds(static_cast<std::int64_t>(id)),
          .parameter = "fee",
          .outcome = "emitted",
          .adjustment = true,
          .bytes = bytes + std::to_string(id)};
}

void snapshot_and_wait(Journal& journal, std::uint64_t seq) {
  const std::uint64_t before = journal.stats().snapshots_total;
  journal.put_snapshot({.seq = seq,
                        .at = kStart + Duration::seconds(static_cast<std::int64_t>(seq)),
                        .policy_digest = "d1",
                        .policy_text = "a policy",
                        .state = std::string(3000, 's'),
                        .decisions_hash = "00ff"});
  while (journal.stats().snapshots_total == before) std::this_thread::yield();
}

/// 40 inputs, 20 decisions of which number 7 was answered later, two snapshots, closed.
void make_journal(const Scratch& scratch, Settings settings = {}) {
  std::atomic<std::int64_t> calls = 0;  // of the writer's thread and the keeper's
  settings.directory = scratch.path();
  const auto journal = open_or_die(settings, {.now = [&] { return kStart + Duration::milliseconds(++calls); }});
  snapshot_and_wait(*journal, 0);
  append_one_by_one(*journal, kInputs / 2);
  for (std::uint64_t id = 1; id <= 20; ++id) {
    journal->put_decisions({decision(id)});
    append_one_by_one(*journal, kInputs / 2 + id);  // a commit, and so a row of the ledger, for each
  }
  journal->put_decisions({decision(7, "answered")});
  snapshot_and_wait(*journal, 30);
}

AuditReport audited(const Scratch& scratch, std::optional<Checkpoint> checkpoint = {}) {
  const auto report = audit({.journal = scratch.path(), .checkpoint = checkpoint});
  EXPECT_TRUE(report) << report.error().text();
  return report ? *report : AuditReport{};
}

std::string text_of_all(const AuditReport& report) {
  std::string text;
  for (const Finding& f : report.findings) {
    text += std::string(name_of(f.part)) + " " + std::to_string(f.first) + ".." + std::to_string(f.last) + " " +
            f.text + "\n";
  }
  return text;
}

TEST(Audit, OfAnUntouchedJournalFindsNothing) {
  const Scratch scratch;
  make_journal(scratch);
  const AuditReport report = audited(scratch);
  EXPECT_TRUE(report.is_intact()) << text_of_all(report);
  EXPECT_EQ(report.first_seq, 1U);
  EXPECT_EQ(report.last_seq, kInputs);
  EXPECT_EQ(report.decisions, 20U);
  EXPECT_EQ(report.snapshots, 2U);
  EXPECT_EQ(report.head.epoch, 1U);
}

TEST(Audit, IsIntactBesideALiveWriterAndInItsBackup) {
  const Scratch scratch;
  make_journal(scratch);
  const auto journal = open_or_die({.directory = scratch.path()});
  append_one_by_one(*journal, kInputs + 5);
  EXPECT_TRUE(audited(scratch).is_intact()) << text_of_all(audited(scratch));
  ASSERT_TRUE(journal->backup(scratch.path() / "copy.db"));
  const auto report = audit({.journal = scratch.path() / "copy.db"});
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->is_intact()) << text_of_all(*report);
}

struct Tamper {
  const char* name;
  const char* sql;
  const char* found;  ///< begins a line of what is said
};

class Tampered : public testing::TestWithParam<Tamper> {};

TEST_P(Tampered, IsFoundWithItsRow) {
  const Scratch scratch;
  make_journal(scratch);
  run_sql(scratch.file(), GetParam().sql);
  const AuditReport report = audited(scratch);
  EXPECT_FALSE(report.is_intact());
  EXPECT_NE(("\n" + text_of_all(report)).find(std::string("\n") + GetParam().found), std::string::npos)
      << text_of_all(report);
}

INSTANTIATE_TEST_SUITE_P(
    Every, Tampered,
    testing::Values(
        Tamper{"InputByte",
               "UPDATE frames SET bytes = CAST(replace(CAST(bytes AS TEXT), 'input 33 ', 'input 34 ') AS BLOB)"
               " WHERE first_seq = 33",
               "inputs 33..33 the stored bytes do not match"},
        Tamper{"InputTime", "UPDATE frames SET at_ns = at_ns + 1 WHERE first_seq = 12", "inputs 12..12"},
        Tamper{"InputRemoved", "DELETE FROM frames WHERE first_seq = 9", "inputs 9..9 are missing"},
        Tamper{"FirstInputRemoved", "DELETE FROM frames WHERE first_seq = 1", "inputs 1..1 are missing"},
        Tamper{"InputsTwice",
               "INSERT INTO frames SELECT 41, 41, at_ns, prev_hash, hash, bytes FROM frames WHERE first_seq = 40",
               "inputs 41..41"},
        Tamper{"InputsReordered",
               "UPDATE frames SET first_seq = 900, last_seq = 900 WHERE first_seq = 10;"
               "UPDATE frames SET first_seq = 10, last_seq = 10 WHERE first_seq = 11;"
               "UPDATE frames SET first_seq = 11, last_seq = 11 WHERE first_seq = 900",
               "inputs 10..10"},
        Tamper{"TailCutOff", "DELETE FROM frames WHERE first_seq > 35", "seals"},
        Tamper{"TailCutOffWithSeals", "DELETE FROM frames WHERE first_seq > 35; DELETE FROM seals WHERE input_seq > 35",
               "ledger"},
        Tamper{"DecisionByte", "UPDATE decisions SET bytes = CAST('moved13!' AS BLOB) WHERE id = 13",
               "decisions 13..13 is not as it was written"},
        Tamper{"DecisionOutcome", "UPDATE decisions SET outcome = 'withheld' WHERE id = 13", "decisions 13..13"},
        Tamper{"DecisionParameter", "UPDATE decisions SET parameter = 'bee' WHERE id = 13", "decisions 13..13"},
        Tamper{"DecisionInput", "UPDATE decisions SET seq = 14 WHERE id = 13", "decisions 13..13"},
        Tamper{"DecisionTime", "UPDATE decisions SET at_ns = at_ns - 1 WHERE id = 13", "decisions 13..13"},
        Tamper{"DecisionFlag", "UPDATE decisions SET adjustment = 0 WHERE id = 13", "decisions 13..13"},
        Tamper{"DecisionAsBeforeItsAnswer", "UPDATE decisions SET bytes = CAST('moved7' AS BLOB) WHERE id = 7",
               "decisions 7..7"},
        Tamper{"DecisionRemoved", "DELETE FROM decisions WHERE id = 20", "decisions 20..20 is missing"},
        Tamper{"DecisionsRemoved", "DELETE FROM decisions", "decisions 1..1 is missing"},
        Tamper{"DecisionPutIn",
               "INSERT INTO decisions SELECT 99, seq, at_ns, parameter, outcome, adjustment, bytes FROM decisions "
               "WHERE id = 3",
               "decisions 99..99 was put in"},
        Tamper{"DecisionsSwapped",
               "UPDATE decisions SET id = 900 WHERE id = 4; UPDATE decisions SET id = 4 WHERE id = 5;"
               "UPDATE decisions SET id = 5 WHERE id = 900",
               "decisions 4..4"},
        Tamper{"LedgerByte", "UPDATE ledger SET body = zeroblob(48) WHERE n = 3",
               "ledger 3..3 does not match its hash"},
        Tamper{"LedgerRowRemoved", "DELETE FROM ledger WHERE n = 3", "ledger 3..3 are missing"},
        Tamper{"LedgerTailRemoved", "DELETE FROM ledger WHERE n > 4", "ledger 5.."},
        Tamper{"LedgerRemoved", "DELETE FROM ledger", "ledger"},
        Tamper{"LedgerBase", "UPDATE meta SET value = 2 WHERE key = 'ledger_base_n'; DELETE FROM ledger WHERE n <= 2",
               "structure 0..0 meta ledger_base_n is 2"},
        Tamper{"SealByte", "UPDATE seals SET at_ns = at_ns + 1 WHERE n = 2", "seals 2..2 does not match its hash"},
        Tamper{"SealRemoved", "DELETE FROM seals WHERE n = 2", "seals 2..2 are missing"},
        Tamper{"SealsRemoved", "DELETE FROM seals", "seals 0..0 there is none"},
        Tamper{"SnapshotState", "UPDATE snapshot_parts SET bytes = zeroblob(3000) WHERE seq = 30",
               "snapshots 30..30 the stored state does not match"},
        Tamper{"SnapshotPolicy", "UPDATE snapshots SET policy_text = 'another policy' WHERE seq = 0", "snapshots 0..0"},
        Tamper{"SnapshotRemoved", "DELETE FROM snapshots WHERE seq = 0", "snapshots 0..0 is missing"},
        Tamper{"SnapshotPutIn",
               "INSERT INTO snapshots SELECT 12, at_ns, policy_digest, decisions_hash, hash, parts, policy_text FROM"
               " snapshots WHERE seq = 30",
               "snapshots 12..12"},
        Tamper{"Epoch", "UPDATE meta SET value = 9 WHERE key = 'epoch'", "structure 0..0 meta epoch is 9"},
        Tamper{"Base", "UPDATE meta SET value = 5 WHERE key = 'base_seq'; DELETE FROM frames WHERE first_seq <= 5",
               "structure 0..0 meta base_seq is 5"},
        Tamper{"Trigger", "CREATE TRIGGER t AFTER INSERT ON frames BEGIN DELETE FROM decisions; END",
               "structure 0..0 the schema is not the journal's: CREATE TRIGGER"},
        Tamper{"IndexRemoved", "DROP INDEX adjustments", "structure 0..0 the schema lacks: CREATE INDEX adjustments"}),
    [](const auto& tamper) { return std::string(tamper.param.name); });

// Somebody who knows the format can make a frame, and the frames behind it, whole again.
TEST(Audit, FindsAnInputThatWasReplacedWithItsHash) {
  const Scratch scratch;
  make_journal(scratch);
  {
    auto db = Database::open(scratch.file(), Database::Mode::write);
    ASSERT_TRUE(db);
    auto row = db->prepare("SELECT prev_hash, at_ns FROM frames WHERE first_seq = 15");
    ASSERT_TRUE(row);
    ASSERT_TRUE(row->step());
    Frame frame{.first_seq = 15, .last_seq = 15, .at = Instant{row->integer(1)}};
    std::copy_n(row->bytes(0).begin(), frame.prev_hash.size(), frame.prev_hash.begin());
    std::string bytes;
    add_input(bytes, "forged");
    frame.bytes = bytes;
    frame.hash = hash_of(frame);
    row->reset();
    ASSERT_TRUE(db->execute("DELETE FROM frames WHERE first_seq = 15"));
    ASSERT_TRUE(Inserts::prepare(*db)->frame(frame));
  }
  const AuditReport report = audited(scratch);
  EXPECT_NE(text_of_all(report).find("inputs 16..16 do not continue the frame before them"), std::string::npos)
      << text_of_all(report);
}

TEST(Audit, ProvesThatAJournalGoesOnFromItsCheckpoint) {
  const Scratch scratch;
  make_journal(scratch);
  const auto checkpoint = checkpoint_of(scratch.path(), kStart);
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->inputs, kInputs);
  {
    const auto journal = open_or_die({.directory = scratch.path()});
    append_one_by_one(*journal, kInputs + 3);
    journal->put_decisions({decision(21)});
  }
  const AuditReport report = audited(scratch, *checkpoint);
  EXPECT_TRUE(report.is_intact()) << text_of_all(report);
  EXPECT_NE(report.checkpoint.find("goes on from the checkpoint"), std::string::npos) << report.checkpoint;
}

// An older copy put in place of the journal is whole in itself: only a checkpoint tells.
TEST(Audit, FindsAnOlderCopyPutInPlaceByTheCheckpoint) {
  const Scratch scratch;
  make_journal(scratch);
  const std::filesystem::path older = scratch.path() / "older.db";
  ASSERT_TRUE(JournalReader::open(scratch.path())->backup(older));
  {
    const auto journal = open_or_die({.directory = scratch.path()});
    journal->put_decisions({decision(21)});
    append_one_by_one(*journal, kInputs + 3);
  }
  const auto checkpoint = checkpoint_of(scratch.path(), kStart);
  ASSERT_TRUE(checkpoint);
  EXPECT_TRUE(audit({.journal = older})->is_intact());
  const std::string found = text_of_all(*audit({.journal = older, .checkpoint = *checkpoint}));
  EXPECT_NE(found.find("it names input 43, the journal ends at 40"), std::string::npos) << found;
  EXPECT_NE(found.find("decisions were cut off"), std::string::npos) << found;
  EXPECT_NE(found.find("it names seal"), std::string::npos) << found;
}

TEST(Audit, FindsAnotherHistoryByTheCheckpoint) {
  const Scratch scratch;
  make_journal(scratch);
  auto checkpoint = checkpoint_of(scratch.path(), kStart);
  ASSERT_TRUE(checkpoint);
  checkpoint->inputs_hash[3] ^= 1;
  const std::string found = text_of_all(audited(scratch, *checkpoint));
  EXPECT_NE(found.find("checkpoint 0..0 it names the hash"), std::string::npos) << found;
}

TEST(Audit, HoldsWhenRetentionHasRemovedWhatTheCheckpointNames) {
  const Scratch scratch;
  std::atomic<Instant> now = kStart;
  const Settings settings{
      .directory = scratch.path(), .retention = Duration::hours(1), .decision_retention = Duration::hours(1)};
  std::optional<Checkpoint> checkpoint;
  {
    const auto journal = open_or_die(settings, {.now = [&] { return now.load(); }});
    snapshot_and_wait(*journal, 0);
    append_one_by_one(*journal, 20);
    journal->put_decisions({decision(1), decision(2)});
    append_one_by_one(*journal, 21);
    checkpoint = *checkpoint_of(scratch.path(), kStart);
    append_one_by_one(*journal, 23);
    now = kStart + Duration::days(3);
    append_one_by_one(*journal, 30);
    for (const std::uint64_t seq : {28, 29, 30}) {
      journal->put_snapshot({.seq = seq, .at = now, .policy_digest = "d1", .policy_text = "p", .state = "s"});
      const auto is_there = [&] { return journal->stats().newest_snapshot_seq == seq; };
      while (!is_there()) std::this_thread::yield();
    }
  }
  const AuditReport report = audited(scratch, checkpoint);
  EXPECT_TRUE(report.is_intact()) << text_of_all(report);
  EXPECT_GE(report.inputs_removed, 20U);
  EXPECT_EQ(report.decisions, 0U);
  EXPECT_NE(report.checkpoint.find("removed by retention since"), std::string::npos) << report.checkpoint;
  checkpoint->seals_hash[0] ^= 1;
  EXPECT_FALSE(audited(scratch, checkpoint).is_intact());
}

TEST(Audit, OfASalvagedJournalIsIntact) {
  const Scratch scratch;
  make_journal(scratch);
  run_sql(scratch.file(), "UPDATE frames SET bytes = zeroblob(20) WHERE first_seq = 33");
  ASSERT_TRUE(salvage(scratch.path()));
  const AuditReport report = audited(scratch);
  EXPECT_TRUE(report.is_intact()) << text_of_all(report);
  EXPECT_EQ(report.last_seq, 32U);
  { const auto journal = open_or_die({.directory = scratch.path()}); }
  EXPECT_TRUE(audited(scratch).is_intact()) << text_of_all(audited(scratch));
}

/// All that the file says, as text.
std::string dump(const std::filesystem::path& file) {
  std::string text;
  auto db = Database::open(file, Database::Mode::immutable);
  if (!db) return "unreadable";
  for (const char* sql :
       {"SELECT group_concat(first_seq||' '||last_seq||' '||at_ns||hex(prev_hash)||hex(hash)||hex(bytes)) FROM frames",
        "SELECT group_concat(id||' '||seq||' '||at_ns||parameter||outcome||adjustment||hex(bytes)) FROM decisions",
        "SELECT group_concat(seq||' '||at_ns||hex(policy_digest)||hex(decisions_hash)||hex(hash)||policy_text) FROM "
        "snapshots",
        "SELECT group_concat(seq||' '||part||hex(bytes)) FROM snapshot_parts",
        "SELECT group_concat(key||hex(value)) FROM meta"}) {
    const auto row = db->query_text(sql);
    text += row ? *row : "unreadable";
  }
  return text;
}

// Bytes in no row (free space, SQLite's own counters) say nothing: a flip there changes nothing that can be read.
TEST(Audit, FindsEveryFlippedByteThatChangesWhatTheFileSays) {
  const Scratch scratch;
  make_journal(scratch);
  run_sql(scratch.file(), "PRAGMA wal_checkpoint(TRUNCATE)");
  std::string bytes;
  {
    std::ifstream in(scratch.file(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(scratch.file().string() + suffix);
  const std::string before = dump(scratch.file());
  const std::filesystem::path copy = scratch.path() / "copy.db";
  int found = 0;
  for (std::size_t at = 17; at < bytes.size(); at += 331) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    std::ofstream(copy, std::ios::binary) << flipped;
    const auto report = audit({.journal = copy});
    const bool is_found = !report || !report->is_intact();
    found += is_found ? 1 : 0;
    if (!is_found) {
      EXPECT_EQ(dump(copy), before) << "byte " << at;
    }
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(copy.string() + suffix);
  }
  EXPECT_GT(found, 100);
}

}  // namespace
}  // namespace homeostat::journal
