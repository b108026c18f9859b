// Replay against journals written by a real engine, whole and tampered with.
#include "cli/replay.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <thread>

#include "daemon/journal/journal.hpp"
#include "harness.hpp"

namespace homeostat::cli::test {
namespace {

namespace fs = std::filesystem;
using engine::Engine;

constexpr const char* kPolicyText = "the test's policy";
constexpr std::uint64_t kFirstSlot = 1000;

engine::PolicyPtr test_policy() {
  engine::Policy policy{.name = "test", .digest = "d1", .period = Duration::seconds(5)};
  policy.oracle.sources.push_back({.name = "producer"});
  oracle::MetricSettings metric{.name = "velocity", .unit = "1/d", .min = 0, .max = 100};
  metric.origin = oracle::SampleOrigin{.sources = {"producer"}};
  policy.oracle.metrics.push_back(metric);
  controller::LoopSettings loop{.name = "velocity_to_fee", .metric = "velocity", .parameter = "fee", .setpoint = 10};
  loop.pid.gains = {.kp = 0.01, .ki_per_s = 0.001};
  loop.pid.action = controller::Action::reverse;
  loop.pid.output_min = -0.5;
  loop.pid.output_max = 0.5;
  policy.loops.push_back(loop);
  guardian::ParameterSettings fee{.name = "fee", .unit = "ratio", .decimals = 4};
  fee.initial = Decimal(1000, 4);
  fee.min = Decimal(10, 4);
  fee.max = Decimal(9000, 4);
  fee.quantum = Decimal(1, 4);
  fee.change.absolute = Decimal(100, 4);
  policy.guardian.parameters.push_back(fee);
  EXPECT_TRUE(engine::check(policy).empty());
  return std::make_shared<const engine::Policy>(policy);
}

Result<engine::PolicyPtr> load(const std::string& text) {
  if (text != kPolicyText) return fail(ErrorCode::malformed, "policy", "not the test's policy");
  return test_policy();
}

/// A journal in a temporary directory, written the way the daemon writes it.
class Written {
 public:
  Written()
      : directory_(fs::temp_directory_path() /
                   ("homeostat_replay_" + std::to_string(getpid()) + "_" + std::to_string(++count))) {
    auto opened = journal::Journal::open({.directory = directory_, .decision_retention = Duration::max()});
    EXPECT_TRUE(opened) << opened.error().text();
    journal_ = std::move(*opened);
    snapshot();
  }
  ~Written() {
    journal_.reset();
    fs::remove_all(directory_);
  }

  void apply(const engine::Input& input, bool stored = true) {
    const auto sequence = journal_->append(engine::encode(input));
    ASSERT_TRUE(sequence);
    sequence_ = *sequence;
    ASSERT_TRUE(journal_->wait_durable(sequence_));
    engine::Effects effects = engine_.apply(input);
    for (const auto* records : {&effects.records, &effects.updates}) {
      for (const auto& r : *records) {
        rows.push_back(row_of(r));
        if (stored) journal_->put_decisions({rows.back()});
      }
    }
    for (const auto& a : effects.adjustments) in_flight = a;
  }

  /// A sample, a tick, and the executor's answer to what the tick emitted.
  void run_slots(std::uint64_t slots, bool stored = true) {
    for (std::uint64_t i = 0; i < slots; ++i, ++slot_) {
      const Instant at = Instant{} + Duration::seconds(5) * static_cast<std::int64_t>(slot_);
      apply(oracle::SampleBatch{.source = "producer",
                                .first_sequence = slot_,
                                .received = at - Duration::seconds(1),
                                .metrics = {"velocity"},
                                .samples = {{.metric = 0,
                                             .time = at - Duration::seconds(2),
                                             .value = 5.0 + static_cast<double>(slot_ % 7)}}},
            stored);
      apply(engine::Tick{.slot = slot_, .at = at}, stored);
      if (!in_flight) continue;
      apply(engine::ActuatorReport{.adjustment = in_flight->id,
                                   .executor = "test",
                                   .at = at + Duration::seconds(1),
                                   .applied = true,
                                   .value = in_flight->value,
                                   .detail = "0x1"},
            stored);
      in_flight.reset();
    }
  }

  /// Stores the engine's state, with a wrong hash if one is given, and waits until it is written.
  void snapshot(const std::string& wrong_hash = "") {
    const std::uint64_t before = journal_->stats().snapshots_total;
    journal_->put_snapshot({.seq = sequence_,
                            .at = Instant::from_unix_seconds(5000),
                            .policy_digest = "d1",
                            .policy_text = kPolicyText,
                            .state = engine_.save(),
                            .decisions_hash = wrong_hash.empty() ? engine_.decisions_hash().hex() : wrong_hash});
    while (journal_->stats().snapshots_total == before) std::this_thread::yield();
  }
  void put(journal::DecisionRow row) { journal_->put_decisions({std::move(row)}); }
  journal::DecisionRow row_of(const engine::DecisionRecord& r) const {
    return {.id = r.id,
            .seq = sequence_,
            .at = r.at,
            .parameter = r.parameter.str(),
            .outcome = std::string(engine::name_of(r.outcome)),
            .adjustment = r.outcome == engine::Outcome::emitted,
            .bytes = engine::encode_record(r)};
  }

  /// Closes the journal, so that everything is written, and replays it.
  Result<ReplayReport> replayed(engine::PolicyPtr first = nullptr) {
    close();
    return replay({.journal = directory_, .loader = load, .first_policy = std::move(first)});
  }
  void close() { journal_.reset(); }
  const fs::path& directory() const { return directory_; }

  std::vector<journal::DecisionRow> rows;
  std::optional<engine::Adjustment> in_flight;

 private:
  static int count;
  fs::path directory_;
  std::unique_ptr<journal::Journal> journal_;
  Engine engine_{test_policy()};
  std::uint64_t sequence_ = 0;
  std::uint64_t slot_ = kFirstSlot;
};
int Written::count = 0;

TEST(Replay, OfAnUntouchedJournalIsIdenticalAnswersIncluded) {
  Written journal;
  journal.run_slots(50);
  const auto report = journal.replayed();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_TRUE(report->is_identical()) << report->divergence->text;
  EXPECT_EQ(report->from_sequence, 0U);
  EXPECT_EQ(report->inputs, report->last_sequence);
  EXPECT_GE(report->decisions, 50U);
  EXPECT_EQ(report->not_stored, 0U);
}

TEST(Replay, ComparesLaterSnapshots) {
  Written journal;
  journal.run_slots(20);
  journal.snapshot();
  const auto report = journal.replayed();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_TRUE(report->is_identical()) << report->divergence->text;
  EXPECT_EQ(report->snapshots, 1U);
}

TEST(Replay, NamesTheFirstDecisionThatWasStoredDifferently) {
  Written journal;
  journal.run_slots(30);
  for (const std::size_t i : {journal.rows.size() / 2, journal.rows.size() - 1}) {
    journal::DecisionRow row = journal.rows[i];
    auto record = *engine::decode_record(row.bytes);
    record.proposed = std::nextafter(record.proposed, 1e9);  // one bit is enough
    row.bytes = engine::encode_record(record);
    journal.put(row);
  }
  const auto report = journal.replayed();
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_FALSE(report->is_identical());
  EXPECT_EQ(report->divergence->decision, journal.rows[journal.rows.size() / 2].id);
  ASSERT_TRUE(report->divergence->stored && report->divergence->replayed);
  EXPECT_NE(report->divergence->stored->proposed, report->divergence->replayed->proposed);
}

TEST(Replay, NoticesADecisionThatTheInputsDoNotGive) {
  Written journal;
  journal.run_slots(10);
  journal::DecisionRow extra = journal.rows.back();
  extra.id += 1;
  journal.put(extra);
  const auto report = journal.replayed();
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_FALSE(report->is_identical());
  EXPECT_EQ(report->divergence->decision, extra.id);
  EXPECT_FALSE(report->divergence->replayed);
}

TEST(Replay, NoticesASnapshotOfAnotherHistory) {
  Written journal;
  journal.run_slots(10);
  journal.snapshot(std::string(32, 'f'));
  const auto report = journal.replayed();
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_FALSE(report->is_identical());
  EXPECT_EQ(report->divergence->decision, 0U);
  EXPECT_NE(report->divergence->text.find("the hash over all decisions"), std::string::npos)
      << report->divergence->text;
}

TEST(Replay, DoesNotCallTheLastDecisionsWrongThatWereNotStoredYet) {
  Written journal;
  journal.run_slots(20);
  journal.run_slots(2, /*stored=*/false);
  const auto report = journal.replayed();
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_TRUE(report->is_identical()) << report->divergence->text;
  EXPECT_GT(report->not_stored, 0U);
}

TEST(Replay, StartsBeforeTheFirstInputWithAGivenPolicy) {
  Written journal;
  journal.run_slots(20);
  const auto report = journal.replayed(test_policy());
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_TRUE(report->is_identical()) << report->divergence->text;
}

TEST(Replay, OfAnotherPolicyDiverges) {
  Written journal;
  journal.run_slots(20);
  auto other = std::make_shared<engine::Policy>(*test_policy());
  other->loops.front().setpoint = 11;
  const auto report = journal.replayed(other);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_FALSE(report->is_identical());
}

TEST(Replay, OfNoJournalIsAnError) {
  const auto report = replay({.journal = "/nowhere", .loader = load});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::missing);
}

TEST(JournalCommands, VerifyBackUpAndRefuseToOverwrite) {
  Written journal;
  journal.run_slots(5);
  journal.close();
  const std::string directory = journal.directory();
  const std::string copy = directory + "/copy.db";
  EXPECT_EQ(run_command({"journal", "verify", directory}).out.rfind("intact: inputs 1 to ", 0), 0U);
  EXPECT_EQ(run_command({"journal", "backup", directory, copy}).code, ExitCode::ok);
  EXPECT_EQ(run_command({"journal", "verify", copy, "--json"}).code, ExitCode::ok);
  EXPECT_EQ(run_command({"journal", "backup", directory, copy}).code, ExitCode::conflict);
  EXPECT_EQ(run_command({"journal", "salvage", directory}).out, "intact: nothing was changed\n");
  EXPECT_EQ(run_command({"journal", "verify", "/nowhere"}).code, ExitCode::refused);
}

TEST(JournalCommands, VerifyEndsWithDivergenceOnADamagedFrame) {
  Written journal;
  journal.run_slots(5);
  journal.close();
  auto db = *journal::Database::open(journal::database_file(journal.directory()), journal::Database::Mode::write);
  ASSERT_TRUE(db.execute("UPDATE frames SET hash = zeroblob(32) WHERE rowid = (SELECT min(rowid) FROM frames)"));
  db.close();
  EXPECT_EQ(run_command({"journal", "verify", journal.directory()}).code, ExitCode::divergence);
}

}  // namespace
}  // namespace homeostat::cli::test
