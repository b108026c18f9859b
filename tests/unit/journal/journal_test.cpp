#include "daemon/journal/journal.hpp"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>

#include "tests/unit/journal/scratch.hpp"

namespace homeostat::journal {
namespace {

// Lets a test hold the writer thread inside its callback.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

DecisionRow decision_of(std::uint64_t id, const std::string& parameter, bool adjustment) {
  return {.id = id,
          .seq = id * 10,
          .at = Instant::from_unix_seconds(static_cast<std::int64_t>(1000 + id)),
          .parameter = parameter,
          .outcome = adjustment ? "emitted" : "no_change",
          .adjustment = adjustment,
          .bytes = "record " + std::to_string(id)};
}

TEST(Journal, NumbersInputsFromOneWithoutGaps) {
  const Scratch scratch;
  const auto journal = open_or_die({.directory = scratch.path()});
  for (std::uint64_t seq = 1; seq <= 1000; ++seq) ASSERT_EQ(journal->append(input_of(seq)), seq);
  ASSERT_TRUE(journal->wait_durable(1000));
  const Contents contents = contents_of(scratch.path());
  EXPECT_TRUE(contents.result);
  EXPECT_TRUE(contents.as_written);
  EXPECT_EQ(contents.first, 1U);
  EXPECT_EQ(contents.last, 1000U);
}

TEST(Journal, ReportsDurabilityInOrderAndOnlyOfWhatCanBeRead) {
  const Scratch scratch;
  auto journal = open_or_die({.directory = scratch.path()});
  std::vector<std::uint64_t> reported;
  std::uint64_t readable = 0;
  journal->on_durable([&](const Durable& durable) {
    reported.push_back(durable.seq);
    readable = JournalReader::open(scratch.path())->last_seq().value_or(0);
    EXPECT_EQ(readable, durable.seq);
  });
  append_one_by_one(*journal, 50);
  ASSERT_TRUE(journal->wait_durable(50));
  journal.reset();
  EXPECT_EQ(reported.size(), 50U);
  EXPECT_TRUE(std::is_sorted(reported.begin(), reported.end()));
  EXPECT_EQ(reported.back(), 50U);
}

TEST(Journal, CommitsWhatQueuedUpInOneFrame) {
  const Scratch scratch;
  Gate gate;
  auto journal = open_or_die({.directory = scratch.path()});
  journal->on_durable([&](const Durable&) { gate.pass(); });
  ASSERT_TRUE(journal->append(input_of(1)));
  ASSERT_TRUE(journal->wait_durable(1));  // the writer is in its callback now, or about to be
  for (std::uint64_t seq = 2; seq <= 500; ++seq) ASSERT_TRUE(journal->append(input_of(seq)));
  gate.open();
  ASSERT_TRUE(journal->wait_durable(500));
  EXPECT_EQ(journal->stats().commits_total, 2U);
}

TEST(Journal, ReopeningGivesEverythingAndTheNextNumberAndEpoch) {
  const Scratch scratch;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    const auto journal = open_or_die({.directory = scratch.path()});
    EXPECT_EQ(journal->epoch(), round);
    EXPECT_EQ(journal->durable_seq(), (round - 1) * 20);
    append_one_by_one(*journal, round * 20);
  }
  const Contents contents = contents_of(scratch.path());
  EXPECT_TRUE(contents.result && contents.as_written);
  EXPECT_EQ(contents.last, 60U);
}

TEST(Journal, ClosingCommitsWhatIsQueued) {
  const Scratch scratch;
  {
    const auto journal = open_or_die({.directory = scratch.path()});
    for (std::uint64_t seq = 1; seq <= 300; ++seq) ASSERT_TRUE(journal->append(input_of(seq)));
  }
  EXPECT_EQ(contents_of(scratch.path()).last, 300U);
}

TEST(Journal, ReadsFromTheMiddleOfAFrame) {
  const Scratch scratch;
  Gate gate;
  auto journal = open_or_die({.directory = scratch.path()});
  journal->on_durable([&](const Durable&) { gate.pass(); });
  for (std::uint64_t seq = 1; seq <= 100; ++seq) ASSERT_TRUE(journal->append(input_of(seq)));
  gate.open();
  ASSERT_TRUE(journal->wait_durable(100));
  for (const std::uint64_t from : {1, 2, 57, 99, 100}) EXPECT_EQ(contents_of(scratch.path(), from).first, from);
  EXPECT_EQ(contents_of(scratch.path(), 101).first, 0U);
  std::uint64_t seen = 0;
  ASSERT_TRUE(journal->read(10, [&](std::uint64_t seq, std::string_view) { return (seen = seq) < 20; }));
  EXPECT_EQ(seen, 20U);
}

TEST(Journal, RefusesASecondOpenerAndNamesTheFirst) {
  const Scratch scratch;
  const auto journal = open_or_die({.directory = scratch.path()});
  const auto second = Journal::open({.directory = scratch.path()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos);
  EXPECT_FALSE(salvage(scratch.path()));
}

TEST(Journal, RefusesBeyondTheQueueBoundAndTakesAgainAfterwards) {
  const Scratch scratch;
  Gate gate;
  auto journal = open_or_die({.directory = scratch.path(), .queue_max_bytes = 64 << 10, .frame_max_bytes = 16 << 10});
  journal->on_durable([&](const Durable&) { gate.pass(); });
  const std::string input(1000, 'x');
  Result<std::uint64_t> seq = journal->append(input);
  std::uint64_t last = 0;
  for (int i = 0; i < 1000 && seq; ++i) {
    last = *seq;
    seq = journal->append(input);
  }
  ASSERT_FALSE(seq);
  EXPECT_EQ(seq.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(journal->stats().refused_total, 1U);
  EXPECT_LE(journal->stats().queued_bytes, std::uint64_t{64} << 10);
  gate.open();
  ASSERT_TRUE(journal->wait_durable(last));
  EXPECT_EQ(journal->append(input), last + 1);  // a refused input takes no number
}

TEST(Journal, RefusesAnInputLargerThanAFrame) {
  const Scratch scratch;
  const auto journal = open_or_die({.directory = scratch.path(), .frame_max_bytes = 16 << 10});
  const auto seq = journal->append(std::string(17 << 10, 'x'));
  ASSERT_FALSE(seq);
  EXPECT_EQ(seq.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(journal->append("small"), 1U);
}

TEST(Journal, KeepsTheLastVersionOfADecision) {
  const Scratch scratch;
  const auto journal = open_or_die({.directory = scratch.path()});
  Gate durable;
  std::uint64_t wanted = 0;
  std::uint64_t ticket = 0;
  std::mutex mutex;
  journal->on_durable([&](const Durable& d) {
    const std::lock_guard lock(mutex);
    if (wanted != 0 && d.decision_batch >= wanted) durable.open();
  });
  DecisionRow row = decision_of(7, "fee", false);
  journal->put_decisions({row});
  row.outcome = "emitted";
  row.adjustment = true;
  row.bytes = std::string(50'000, 'b');
  {
    const std::lock_guard lock(mutex);
    ticket = journal->put_decisions({row, decision_of(8, "fee", false)});
    wanted = ticket;
  }
  durable.pass();
  EXPECT_EQ(ticket, 2U);
  EXPECT_EQ(*journal->find_decision(7), row);
  EXPECT_EQ(*journal->find_decision(9), std::nullopt);
}

TEST(Journal, ListsDecisionsNewestFirstByFilter) {
  const Scratch scratch;
  const Settings settings{.directory = scratch.path(), .decision_retention = Duration::max()};  // they are from 1970
  {
    const auto journal = open_or_die(settings);
    std::vector<DecisionRow> rows;
    for (std::uint64_t id = 1; id <= 100; ++id)
      rows.push_back(decision_of(id, id % 2 == 0 ? "fee" : "reward", id % 10 == 0));
    journal->put_decisions(std::move(rows));
  }
  const auto journal = open_or_die(settings);
  const auto ids = [&](const DecisionFilter& filter) {
    std::vector<std::uint64_t> found;
    const auto rows = journal->list_decisions(filter);
    EXPECT_TRUE(rows);
    for (const DecisionRow& row : *rows) found.push_back(row.id);
    return found;
  };
  using Ids = std::vector<std::uint64_t>;
  EXPECT_EQ(ids({.limit = 3}), (Ids{100, 99, 98}));
  EXPECT_EQ(ids({.before_id = 98, .limit = 2}), (Ids{97, 96}));
  EXPECT_EQ(ids({.parameter = "reward", .limit = 2}), (Ids{99, 97}));
  EXPECT_EQ(ids({.only_adjustments = true, .limit = 3}), (Ids{100, 90, 80}));
  EXPECT_EQ(ids({.parameter = "reward", .only_adjustments = true}), Ids{});
  EXPECT_EQ(ids({.parameter = "fee", .only_adjustments = true, .before_id = 20}), Ids{10});
  EXPECT_EQ(ids({.since = Instant::from_unix_seconds(1099)}), (Ids{100, 99}));
  EXPECT_FALSE(journal->list_decisions({.limit = kListMax + 1}));
}

TEST(Journal, QuotaReachedIsFatalAndNothingLaterIsDurable) {
  const Scratch scratch;
  std::atomic<int> fatal = 0;
  Error error;
  std::uint64_t durable_at_fatal = 0;
  std::atomic<Journal*> opened = nullptr;
  const auto on_fatal = [&](const Error& e) {
    error = e;
    durable_at_fatal = opened.load()->durable_seq();
    ++fatal;
  };
  auto journal = open_or_die({.directory = scratch.path(), .database_max_bytes = 300 << 10}, {.on_fatal = on_fatal});
  opened = journal.get();
  Result<> durable;
  std::uint64_t last_good = 0;
  for (int i = 0; i < 1000 && durable; ++i) {
    const Result<std::uint64_t> seq = journal->append(std::string(1000, 'q'));
    ASSERT_TRUE(seq);
    durable = journal->wait_durable(*seq);
    if (durable) last_good = *seq;
  }
  ASSERT_FALSE(durable);
  EXPECT_EQ(durable.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(journal->append("later"));
  const std::uint64_t reported = journal->durable_seq();
  EXPECT_EQ(reported, last_good);
  journal.reset();
  EXPECT_EQ(fatal, 1);
  EXPECT_EQ(durable_at_fatal, last_good);
  EXPECT_EQ(error.code, ErrorCode::resource_exhausted);
  EXPECT_NE(error.message.find("quota database_max_bytes"), std::string::npos) << error.text();
  EXPECT_EQ(*JournalReader::open(scratch.path())->last_seq(), last_good);
}

TEST(Journal, AReaderFollowsBesideALiveWriter) {
  const Scratch scratch;
  const auto journal = open_or_die({.directory = scratch.path()});
  append_one_by_one(*journal, 10);
  auto reader = JournalReader::open(scratch.path());
  ASSERT_TRUE(reader);
  EXPECT_EQ(*reader->last_seq(), 10U);
  append_one_by_one(*journal, 25);
  EXPECT_EQ(*reader->last_seq(), 25U);
  // Inputs committed while the reader is on its way are read, too.
  std::uint64_t seen = 0;
  ASSERT_TRUE(reader->read(1, [&](std::uint64_t seq, std::string_view) {
    if (seq == 25) append_one_by_one(*journal, 30);
    return (seen = seq) > 0;
  }));
  EXPECT_EQ(seen, 30U);
}

TEST(Journal, ABackupOfALiveJournalVerifiesAndRestores) {
  const Scratch scratch;
  const Scratch elsewhere;
  const auto journal = open_or_die({.directory = scratch.path()});
  append_one_by_one(*journal, 200);
  bool appended = false;
  const auto backed_up = journal->backup(elsewhere.file(), [&](const Progress&) {
    if (!std::exchange(appended, true)) append_one_by_one(*journal, 210);
  });
  ASSERT_TRUE(backed_up) << backed_up.error().text();
  const auto report = JournalReader::open(elsewhere.file())->verify();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->last_seq, 200U);
  EXPECT_EQ(journal->backup(elsewhere.file()).error().code, ErrorCode::conflict);
  const auto restored = open_or_die({.directory = elsewhere.path()});
  EXPECT_EQ(restored->durable_seq(), 200U);
  append_one_by_one(*restored, 205);
  EXPECT_TRUE(contents_of(elsewhere.path()).as_written);
}

TEST(Journal, RefusesAFileThatIsNotAJournal) {
  const Scratch scratch;
  std::ofstream(scratch.file()) << "This is a letter, not a database, and it is long enough to be looked at."
                                << std::string(5000, '.');
  const auto text = Journal::open({.directory = scratch.path()});
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::corrupt);
  std::filesystem::remove(scratch.file());
  {
    auto db = Database::open(scratch.file(), Database::Mode::create);
    ASSERT_TRUE(db->execute("CREATE TABLE recipes (name TEXT)"));
  }
  const auto other = Journal::open({.directory = scratch.path()});
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().text().find("not a homeostat journal"), std::string::npos) << other.error().text();
}

TEST(Journal, RefusesANewerFormat) {
  const Scratch scratch;
  open_or_die({.directory = scratch.path()}).reset();
  run_sql(scratch.file(), "PRAGMA user_version=99");
  const auto newer = Journal::open({.directory = scratch.path()});
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::unsupported);
  EXPECT_EQ(JournalReader::open(scratch.path()).error().code, ErrorCode::unsupported);
}

TEST(Journal, RefusesAnOlderFormatRatherThanMisreadIt) {
  const Scratch scratch;
  open_or_die({.directory = scratch.path()}).reset();
  run_sql(scratch.file(), "PRAGMA user_version=1");
  const auto older = Journal::open({.directory = scratch.path()});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, ErrorCode::unsupported);
  EXPECT_NE(older.error().message.find("format 1"), std::string::npos) << older.error().message;
}

TEST(Journal, RefusesSettingsThatCannotWork) {
  const Scratch scratch;
  EXPECT_FALSE(Journal::open({}));
  EXPECT_FALSE(Journal::open({.directory = scratch.path(), .frame_max_bytes = 1}));
  EXPECT_FALSE(Journal::open({.directory = scratch.path(), .queue_max_bytes = 5000, .frame_max_bytes = 10'000}));
  EXPECT_FALSE(Journal::open({.directory = scratch.path(), .retention = Duration{-1}}));
  EXPECT_EQ(JournalReader::open(scratch.path()).error().code, ErrorCode::missing);
}

}  // namespace
}  // namespace homeostat::journal
