#include "daemon/journal/journal.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "core/check.hpp"
#include "daemon/journal/connection.hpp"
#include "daemon/journal/ledger.hpp"

namespace homeostat::journal {
namespace {

constexpr std::size_t kFrameMin = std::size_t{4} << 10;
constexpr std::size_t kFrameMax = std::size_t{64} << 20;  // a blob of SQLite ends at 1 GB; memory long before

Instant system_now() {
  return Instant{
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count()};
}

Duration since(std::chrono::steady_clock::time_point start) {
  return Duration{
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count()};
}

void die(const Error& error) {
  std::fprintf(stderr, "homeostat journal: FATAL: %s\n", error.text().c_str());
  std::fflush(stderr);
  std::_Exit(kFatalExitCode);
}

Result<> check_settings(const Settings& settings) {
  const auto refuse = [](const char* field, std::string message) -> Result<> {
    return fail(ErrorCode::invalid_argument, field, std::move(message));
  };
  if (settings.directory.empty()) return refuse("journal directory", "is empty");
  if (settings.frame_max_bytes < kFrameMin || settings.frame_max_bytes > kFrameMax) {
    return refuse("frame_max_bytes",
                  fmt::format("{} is not in {}..{}", settings.frame_max_bytes, kFrameMin, kFrameMax));
  }
  if (settings.queue_max_bytes < settings.frame_max_bytes) {
    return refuse("queue_max_bytes", fmt::format("{} is less than frame_max_bytes ({})", settings.queue_max_bytes,
                                                 settings.frame_max_bytes));
  }
  if (settings.retention < Duration::zero() || settings.decision_retention < Duration::zero()) {
    return refuse("retention", "must not be negative");
  }
  return {};
}

Result<> make_directory(const std::filesystem::path& directory) {
  std::error_code failed;
  if (std::filesystem::is_directory(directory, failed)) return {};
  std::filesystem::create_directories(directory, failed);
  if (failed) return fail(ErrorCode::io, directory.string(), "cannot create the directory: " + failed.message());
  using std::filesystem::perms;
  std::filesystem::permissions(directory, perms::owner_all | perms::group_read | perms::group_exec, failed);
  return {};
}

// A new file is only there after a power loss when its directory was flushed.
Result<> sync_directory(const std::filesystem::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int system = errno;
  if (fd >= 0) ::close(fd);
  if (synced) return {};
  return fail(ErrorCode::io, directory.string(), fmt::format("cannot flush: {}", std::strerror(system)));
}

std::uint64_t size_of(const std::filesystem::path& file) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(file, failed);
  return failed ? 0 : size;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(Settings settings, Hooks hooks, const ProgressCallback& progress) {
  JOURNAL_TRY(check_settings(settings));
  JOURNAL_TRY(make_directory(settings.directory));
  Result<LockFile> lock = LockFile::take(settings.directory / kLockName);
  if (!lock) return tl::make_unexpected(lock.error());
  if (!hooks.now) hooks.now = system_now;
  if (!hooks.on_fatal) hooks.on_fatal = die;
  std::unique_ptr<Journal> journal(new Journal(std::move(settings), std::move(hooks), std::move(*lock)));
  if (Result<> started = journal->start(progress); !started) {
    Error error = started.error();
    if (error.where != journal->file_.string()) {
      error = Error{error.code, journal->file_.string(), error.text()};
    }
    if (error.code == ErrorCode::corrupt) {
      error.message += "; nothing was changed: restore a backup, or cut the damage off with the salvage command";
    }
    return tl::make_unexpected(std::move(error));
  }
  return journal;
}

Journal::Journal(Settings settings, Hooks hooks, LockFile lock)
    : settings_(std::move(settings)),
      hooks_(std::move(hooks)),
      file_(settings_.directory / kFileName),
      lock_(std::move(lock)) {}

Journal::~Journal() {
  if (queue_) queue_->stop();
  if (writer_.joinable()) writer_.join();
  if (keeper_) keeper_->stop();
}

Result<> Journal::start(const ProgressCallback& progress) {
  Result<Database> db = open_for_writing(file_, settings_.database_max_bytes);
  if (!db) return tl::make_unexpected(db.error());
  db_ = std::move(*db);
  JOURNAL_TRY(create_schema(db_, hooks_.now()));
  JOURNAL_TRY(check_schema(db_));
  JOURNAL_TRY(sync_directory(settings_.directory));
  JOURNAL_TRY(recover(progress));
  Result<Inserts> inserts = Inserts::prepare(db_);
  if (!inserts) return tl::make_unexpected(inserts.error());
  inserts_ = std::move(*inserts);
  Result<JournalReader> reader = JournalReader::open(file_);
  if (!reader) return tl::make_unexpected(reader.error());
  reader_ = std::move(*reader);
  Result<Database> keepers = open_for_writing(file_, settings_.database_max_bytes);
  if (!keepers) return tl::make_unexpected(keepers.error());

  first_seq_ = head_.seq + 1;
  queue_ = std::make_unique<Queue>(settings_, head_.seq);
  keeper_ = std::make_unique<Keeper>(settings_, std::move(*keepers), turn_, hooks_.now,
                                     [this](const Error& error, const char* doing) { fail_for_good(error, doing); });
  sqlite3_wal_hook(
      db_.handle(),
      [](void* keeper, sqlite3*, const char*, int pages) {
        static_cast<Keeper*>(keeper)->note_wal_pages(static_cast<std::uint64_t>(pages));
        return SQLITE_OK;
      },
      keeper_.get());
  keeper_->start();
  writer_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "journal");
    write_loop();
  });
  return {};
}

Result<> Journal::recover(const ProgressCallback& progress) {
  // Copying the log back writes again what a failed flush before the restart may have left only in the page
  // cache: from here on the file and what we read are the same.
  JOURNAL_TRY(db_.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  Result<ChainHead> head = read_head(db_);
  if (!head) return tl::make_unexpected(head.error());
  head_ = *head;
  const Result<std::optional<Snapshot>> snapshot = newest_good_snapshot(db_, &damaged_snapshots_);
  if (!snapshot) return tl::make_unexpected(snapshot.error());
  const Result<ChainHead> base = read_base(db_);
  if (!base) return tl::make_unexpected(base.error());
  const std::uint64_t from = std::max(*snapshot ? (*snapshot)->seq : 0, base->seq) + 1;
  if (from > head_.seq + 1) {
    return fail(ErrorCode::corrupt, fmt::format("snapshot {}", from - 1),
                fmt::format("is beyond the last input {}: the tail is missing", head_.seq));
  }
  if (!*snapshot && base->seq > 0) {
    return fail(ErrorCode::corrupt, "snapshots",
                fmt::format("inputs up to {} were pruned and no undamaged snapshot stands for them", base->seq));
  }
  if (settings_.verify_tail_at_open) {
    JOURNAL_TRY(scan_frames(db_, from, [&](const Frame& frame) {
      if (progress) progress({frame.last_seq, head_.seq});
      return true;
    }));
  }
  return db_.transaction("BEGIN IMMEDIATE", [&]() -> Result<> {
    JOURNAL_TRY(db_.execute("UPDATE meta SET value = value + 1 WHERE key = 'epoch'"));
    const Result<std::int64_t> epoch = db_.query_integer("SELECT value FROM meta WHERE key = 'epoch'");
    if (!epoch) return tl::make_unexpected(epoch.error());
    epoch_ = static_cast<std::uint64_t>(*epoch);
    return append_seal(db_, {.opened_epoch = epoch_}, hooks_.now());
  });
}

void Journal::write_loop() {
  while (std::optional<Group> group = queue_->take()) {
    const auto start = std::chrono::steady_clock::now();
    if (Result<> committed = commit(*group); !committed) {
      const std::string doing = group->bytes.empty()
                                    ? std::string("write decisions")
                                    : fmt::format("write inputs {}..{}", group->first_seq, group->last_seq);
      fail_for_good(committed.error(), doing);
      return;
    }
    record_commit(*group, since(start));
    Durable durable;
    if (!queue_->commit_done(std::move(*group), durable)) return;
    const std::lock_guard lock(callback_mutex_);
    if (on_durable_) on_durable_(durable);
  }
}

Result<> Journal::commit(const Group& group) {
  Frame frame{.first_seq = group.first_seq,
              .last_seq = group.last_seq,
              .at = hooks_.now(),
              .prev_hash = head_.hash,
              .bytes = group.bytes};
  if (!group.bytes.empty()) frame.hash = hash_of(frame);
  const std::lock_guard turn(turn_);
  JOURNAL_TRY(db_.transaction("BEGIN IMMEDIATE", [&]() -> Result<> {
    if (!group.bytes.empty()) JOURNAL_TRY(inserts_.frame(frame));
    for (const DecisionRow& row : group.decisions) JOURNAL_TRY(inserts_.decision(row));
    return append_ledger(db_, group.decisions, group.bytes.empty() ? head_ : ChainHead{frame.last_seq, frame.hash},
                         frame.at);
  }));
  if (!group.bytes.empty()) head_ = ChainHead{frame.last_seq, frame.hash};
  return {};
}

void Journal::record_commit(const Group& group, Duration took) {
  const std::lock_guard lock(stats_mutex_);
  commit_ns_[commits_ % kLatencyWindow] = took.ns;
  ++commits_;
  committed_bytes_ += group.bytes.size();
}

void Journal::fail_for_good(const Error& error, const std::string& doing) {
  const Error whole{error.code, file_.string(),
                    fmt::format("cannot {}: {}. {}", doing, error.message, advice_for(error))};
  // The queue first: whatever on_fatal does, nothing later is reported durable.
  if (queue_->fail(whole)) hooks_.on_fatal(whole);
}

std::string Journal::advice_for(const Error& error) const {
  const std::string state =
      fmt::format("Nothing after input {} was acknowledged; the journal is whole up to there", queue_->durable_seq());
  if (error.code != ErrorCode::resource_exhausted) {
    return "It is not tried again, for after a failed flush the system may have dropped the data. " + state +
           ". Check the disk (dmesg), then start again";
  }
  if (settings_.database_max_bytes != 0 && error.message.find("the system says") == std::string::npos) {
    return fmt::format(
        "The journal has reached its quota database_max_bytes = {}. {}. Raise the quota or shorten "
        "the retention, then start again",
        settings_.database_max_bytes, state);
  }
  struct statvfs volume {};
  const bool known = ::statvfs(settings_.directory.c_str(), &volume) == 0;
  const std::uint64_t free_bytes = known ? std::uint64_t{volume.f_bavail} * volume.f_frsize : 0;
  return fmt::format("The disk is full: {} bytes are free on the volume of {}. {}. Free space there, then start again",
                     free_bytes, settings_.directory.string(), state);
}

void Journal::on_durable(std::function<void(const Durable&)> callback) {
  HOMEOSTAT_CHECK(!callback || queue_->counts().appended_seq + 1 == first_seq_);
  const std::lock_guard lock(callback_mutex_);
  on_durable_ = std::move(callback);
}

void Journal::put_snapshot(Snapshot snapshot) {
  HOMEOSTAT_CHECK(snapshot.seq <= queue_->durable_seq());
  keeper_->put_snapshot(std::move(snapshot));
}

Stats Journal::stats() const {
  const Queue::Counts queue = queue_->counts();
  const Keeper::Counts& keeper = keeper_->counts();
  Stats stats{.epoch = epoch_,
              .appended_seq = queue.appended_seq,
              .durable_seq = queue.durable.seq,
              .queued_records = queue.appended_seq - queue.durable.seq,
              .queued_bytes = queue.queued_bytes,
              .refused_total = queue.refused_total,
              .decision_waits_total = queue.decision_waits_total,
              .database_bytes = size_of(file_),
              .wal_bytes = size_of(file_.string() + "-wal"),
              .checkpoints_total = keeper.checkpoints,
              .snapshots_total = keeper.snapshots,
              .snapshots_skipped_total = keeper.snapshots_skipped,
              .newest_snapshot_seq = keeper.newest_snapshot_seq,
              .pruned_frames_total = keeper.pruned_frames};
  {
    const std::lock_guard lock(reader_mutex_);
    if (const auto oldest = reader_->oldest_frame(); oldest && *oldest) {
      stats.oldest_seq = (*oldest)->first_seq;
      stats.oldest_at = (*oldest)->at;
    }
  }
  const std::lock_guard lock(stats_mutex_);
  stats.commits_total = commits_;
  stats.committed_bytes_total = committed_bytes_;
  const std::size_t count = std::min<std::uint64_t>(commits_, kLatencyWindow);
  if (count == 0) return stats;
  std::array<std::int64_t, kLatencyWindow> sorted = commit_ns_;
  std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count));
  stats.commit_p50 = Duration{sorted[count / 2]};
  stats.commit_p99 = Duration{sorted[std::min(count - 1, count * 99 / 100)]};
  stats.commit_max = Duration{sorted[count - 1]};
  return stats;
}

Result<std::optional<DecisionRow>> Journal::find_decision(std::uint64_t id) const {
  const std::lock_guard lock(reader_mutex_);
  return reader_->find_decision(id);
}

Result<std::vector<DecisionRow>> Journal::list_decisions(const DecisionFilter& filter) const {
  const std::lock_guard lock(reader_mutex_);
  return reader_->list_decisions(filter);
}

Result<> Journal::read(std::uint64_t from_seq, const InputCallback& callback, const ProgressCallback& progress) const {
  Result<JournalReader> reader = JournalReader::open(file_);
  if (!reader) return tl::make_unexpected(reader.error());
  return reader->read(from_seq, callback, progress);
}

Result<std::optional<Snapshot>> Journal::latest_snapshot() const {
  Result<JournalReader> reader = JournalReader::open(file_);
  if (!reader) return tl::make_unexpected(reader.error());
  return reader->latest_snapshot();
}

Result<VerifyReport> Journal::verify(const ProgressCallback& progress) const {
  Result<JournalReader> reader = JournalReader::open(file_);
  if (!reader) return tl::make_unexpected(reader.error());
  return reader->verify(progress);
}

Result<> Journal::backup(const std::filesystem::path& destination, const ProgressCallback& progress) const {
  Result<JournalReader> reader = JournalReader::open(file_);
  if (!reader) return tl::make_unexpected(reader.error());
  return reader->backup(destination, progress);
}

}  // namespace homeostat::journal
