#include "daemon/journal/keeper.hpp"

#include "tests/unit/journal/scratch.hpp"

namespace homeostat::journal {
namespace {

Snapshot snapshot_of(std::uint64_t seq, std::size_t state_bytes) {
  return {.seq = seq,
          .at = Instant::from_unix_seconds(5000),
          .policy_digest = std::string("\x00\xff digest", 9),
          .policy_text = "loops: {}\n",
          .state = std::string(state_bytes, static_cast<char>('a' + seq % 26)),
          .decisions_hash = "hash " + std::to_string(seq)};
}

// Closing waits for the keeper: what it had to do is done.
void append_and_snapshot(const Settings& settings, Instant now, std::uint64_t last, const Snapshot& snapshot) {
  const auto journal = open_or_die(settings, {.now = [now] { return now; }});
  append_one_by_one(*journal, last);
  journal->put_snapshot(snapshot);
}

TEST(Keeper, ASnapshotComesBackAsItWas) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kSnapshotPartBytes, 3 * kSnapshotPartBytes + 5}) {
    const Scratch scratch;
    const Snapshot snapshot = snapshot_of(3, size);
    append_and_snapshot({.directory = scratch.path()}, Instant{1}, 3, snapshot);
    const auto journal = open_or_die({.directory = scratch.path()});
    const auto latest = journal->latest_snapshot();
    ASSERT_TRUE(latest && *latest) << size;
    EXPECT_EQ(**latest, snapshot) << size;
  }
}

TEST(Keeper, KeepsTheLastTwoSnapshotsAndTheFirstOfEachSpan) {
  const Scratch scratch;
  for (std::uint64_t seq = 1; seq <= 4; ++seq) {
    append_and_snapshot({.directory = scratch.path()}, Instant{1}, seq, snapshot_of(seq, 2 * kSnapshotPartBytes));
  }
  const auto report = JournalReader::open(scratch.path())->verify();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->snapshots, (std::vector<std::uint64_t>{1, 3, 4}));
  auto db = Database::open(scratch.file(), Database::Mode::read);
  EXPECT_EQ(*db->query_integer("SELECT count(*) FROM snapshot_parts"), 6);
}

TEST(Keeper, ADamagedNewestSnapshotLeavesTheOneBefore) {
  const Scratch scratch;
  append_and_snapshot({.directory = scratch.path()}, Instant{1}, 3, snapshot_of(3, 100));
  append_and_snapshot({.directory = scratch.path()}, Instant{1}, 6, snapshot_of(6, 100));
  run_sql(scratch.file(), "UPDATE snapshot_parts SET bytes = x'00' WHERE seq = 6");
  auto journal = open_or_die({.directory = scratch.path()});
  EXPECT_EQ(journal->damaged_snapshots(), std::vector<std::uint64_t>{6});
  EXPECT_EQ((*journal->latest_snapshot())->seq, 3U);
  const auto verified = journal->verify();
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, ErrorCode::corrupt) << verified.error().text();
  // The same state put again replaces the damaged one.
  journal->put_snapshot(snapshot_of(6, 100));
  journal.reset();
  EXPECT_TRUE(JournalReader::open(scratch.path())->verify());
}

TEST(Keeper, NeverPrunesBeyondTheOldestSnapshot) {
  const Scratch scratch;
  const Settings settings{.directory = scratch.path(), .retention = Duration::zero()};
  const Instant late = Instant::from_unix_seconds(1'000'000);
  append_and_snapshot(settings, Instant{1}, 10, snapshot_of(4, 10));
  append_and_snapshot(settings, late, 10, snapshot_of(6, 10));
  const Contents contents = contents_of(scratch.path(), 5);
  ASSERT_TRUE(contents.result) << contents.result.error().text();
  EXPECT_TRUE(contents.as_written);
  EXPECT_EQ(contents.last, 10U);
  const auto report = JournalReader::open(scratch.path())->verify();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->first_seq, 5U);
  const Contents pruned = contents_of(scratch.path(), 4);
  ASSERT_FALSE(pruned.result);
  EXPECT_EQ(pruned.result.error().code, ErrorCode::out_of_range);
  EXPECT_NE(pruned.result.error().message.find("oldest input kept is 5"), std::string::npos);
}

TEST(Keeper, PrunesNothingWithoutASnapshot) {
  const Scratch scratch;
  const Settings settings{.directory = scratch.path(), .retention = Duration::zero()};
  {
    append_one_by_one(*open_or_die(settings, {.now = [] { return Instant{1}; }}), 10);
  }
  { open_or_die(settings); }
  EXPECT_EQ(contents_of(scratch.path()).first, 1U);
}

TEST(Keeper, KeepsCoveredFramesWithinTheRetention) {
  const Scratch scratch;
  const Settings settings{.directory = scratch.path(), .retention = Duration::hours(1)};
  const Instant start = Instant::from_unix_seconds(100'000);
  append_and_snapshot(settings, start, 5, snapshot_of(5, 10));
  append_and_snapshot(settings, start + Duration::minutes(50), 10, snapshot_of(10, 10));
  EXPECT_EQ(contents_of(scratch.path()).first, 1U);
  // At 70 minutes: 1..5 are over an hour old, 6..10 are not.
  append_and_snapshot(settings, start + Duration::minutes(70), 11, snapshot_of(11, 10));
  EXPECT_EQ(JournalReader::open(scratch.path())->verify()->first_seq, 6U);
}

TEST(Keeper, KeepsTheLastFrameSoThatNumbersGoOn) {
  const Scratch scratch;
  const Settings settings{.directory = scratch.path(), .retention = Duration::zero()};
  append_and_snapshot(settings, Instant{1}, 7, snapshot_of(6, 10));
  append_and_snapshot(settings, Instant::from_unix_seconds(9), 7, snapshot_of(7, 10));
  append_and_snapshot(settings, Instant::from_unix_seconds(99), 8, snapshot_of(8, 10));
  const auto journal = open_or_die(settings);
  EXPECT_EQ(journal->append(input_of(9)), 9U);
  ASSERT_TRUE(journal->wait_durable(9));
  EXPECT_TRUE(contents_of(scratch.path(), 8).as_written);
}

TEST(Keeper, PrunesDecisionsByTheirOwnAge) {
  const Scratch scratch;
  const Settings settings{.directory = scratch.path(), .decision_retention = Duration::seconds(100)};
  {
    const auto journal = open_or_die(settings, {.now = [] { return Instant::from_unix_seconds(1); }});
    std::vector<DecisionRow> rows;
    for (std::uint64_t id = 1; id <= 2000; ++id) {
      rows.push_back({.id = id, .at = Instant::from_unix_seconds(static_cast<std::int64_t>(id)), .parameter = "fee"});
    }
    journal->put_decisions(std::move(rows));
  }
  {
    open_or_die(settings, {.now = [] { return Instant::from_unix_seconds(1600); }});
  }
  const auto report = JournalReader::open(scratch.path())->verify();
  EXPECT_EQ(report->decisions, 501U);  // 1500..2000
}

TEST(Keeper, TheLogStartsOverInsteadOfGrowing) {
  const Scratch scratch;
  const auto journal = open_or_die({.directory = scratch.path(), .wal_restart_bytes = 256 << 10});
  const std::string input(50'000, 'w');
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(journal->wait_durable(*journal->append(input)));
  const Stats stats = journal->stats();
  EXPECT_GT(stats.checkpoints_total, 3U);
  EXPECT_LT(stats.wal_bytes, 10U << 20) << "30 MB were written";
}

TEST(Keeper, ALongReaderOnlyDelaysTheRestart) {
  const Scratch scratch;
  const auto journal = open_or_die({.directory = scratch.path(), .wal_restart_bytes = 64 << 10});
  append_one_by_one(*journal, 3);
  auto reader = Database::open(scratch.file(), Database::Mode::read);
  ASSERT_TRUE(reader->execute("BEGIN"));
  ASSERT_TRUE(reader->query_integer("SELECT count(*) FROM frames"));
  append_one_by_one(*journal, 300);
  EXPECT_EQ(*reader->query_integer("SELECT count(*) FROM frames"), 3);
  ASSERT_TRUE(reader->execute("COMMIT"));
  append_one_by_one(*journal, 600);
  EXPECT_TRUE(contents_of(scratch.path()).as_written);
}

}  // namespace
}  // namespace homeostat::journal
