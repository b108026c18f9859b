#include "daemon/journal/journal.hpp"

#include <fcntl.h>
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
    if (error.where != journal->x_file.string()) {
      error = Error{error.code, journal->x_file.string(), error.text()};
    }
    if (error.code == ErrorCode::corrupt) {
      error.message += "; nothing was changed: restore a backup, or cut the damage off with the salvage command";
    }
    return tl::make_unexpected(std::move(error));
  }
  return journal;
}

Journal::Journal(Settings settings, Hooks hooks, LockFile lock)
    : x_settings(std::move(settings)),
      x_hooks(std::move(hooks)),
      x_file(x_settings.directory / kFileName),
      x_lock(std::move(lock)) {}

Journal::~Journal() {
  if (x_queue) x_queue->stop();
  if (x_writer.joinable()) x_writer.join();
  if (x_keeper) x_keeper->stop();
}

Result<> Journal::start(const ProgressCallback& progress) {
  Result<Database> db = open_for_writing(x_file, x_settings.database_max_bytes);
  if (!db) return tl::make_unexpected(db.error());
  x_db = std::move(*db);
  JOURNAL_TRY(create_schema(x_db, x_hooks.now()));
  JOURNAL_TRY(check_schema(x_db));
  JOURNAL_TRY(sync_directory(x_settings.directory));
  JOURNAL_TRY(recover(progress));
  Result<Inserts> inserts = Inserts::prepare(x_db);
  if (!inserts) return tl::make_unexpected(inserts.error());
  x_inserts = std::move(*inserts);
  Result<JournalReader> reader = JournalReader::open(x_file);
  if (!reader) return tl::make_unexpected(reader.error());
  x_reader = std::move(*reader);
  Result<Database> keepers = open_for_writing(x_file, x_settings.database_max_bytes);
  if (!keepers) return tl::make_unexpected(keepers.error());

  x_first_seq = x_head.seq + 1;
  x_queue = std::make_unique<Queue>(x_settings, x_head.seq);
  x_keeper = std::make_unique<Keeper>(x_settings, std::move(*keepers), x_turn, x_hooks.now,
                                      [this](const Error& error, const char* doing) { fail_for_good(error, doing); });
  sqlite3_wal_hook(
      x_db.handle(),
      [](void* keeper, sqlite3*, const char*, int pages) {
        static_cast<Keeper*>(keeper)->note_wal_pages(static_cast<std::uint64_t>(pages));
        return SQLITE_OK;
      },
      x_keeper.get());
  x_keeper->start();
  x_writer = std::thread([this] { write_loop(); });
  return {};
}

Result<> Journal::recover(const ProgressCallback& progress) {
  // Copying the log back writes again what a failed flush before the restart may have left only in the page
  // cache: from here on the file and what we read are the same.
  JOURNAL_TRY(x_db.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  Result<ChainHead> head = read_head(x_db);
  if (!head) return tl::make_unexpected(head.error());
  x_head = *head;
  const Result<std::optional<Snapshot>> snapshot = newest_good_snapshot(x_db, &x_damaged_snapshots);
  if (!snapshot) return tl::make_unexpected(snapshot.error());
  const Result<ChainHead> base = read_base(x_db);
  if (!base) return tl::make_unexpected(base.error());
  const std::uint64_t from = std::max(*snapshot ? (*snapshot)->seq : 0, base->seq) + 1;
  if (from > x_head.seq + 1) {
    return fail(ErrorCode::corrupt, fmt::format("snapshot {}", from - 1),
                fmt::format("is beyond the last input {}: the tail is missing", x_head.seq));
  }
  if (!*snapshot && base->seq > 0) {
    return fail(ErrorCode::corrupt, "snapshots",
                fmt::format("inputs up to {} were pruned and no undamaged snapshot stands for them", base->seq));
  }
  if (x_settings.verify_tail_at_open) {
    JOURNAL_TRY(scan_frames(x_db, from, [&](const Frame& frame) {
      if (progress) progress({frame.last_seq, x_head.seq});
      return true;
    }));
  }
  JOURNAL_TRY(x_db.execute("UPDATE meta SET value = value + 1 WHERE key = 'epoch'"));
  const Result<std::int64_t> epoch = x_db.query_integer("SELECT value FROM meta WHERE key = 'epoch'");
  if (!epoch) return tl::make_unexpected(epoch.error());
  x_epoch = static_cast<std::uint64_t>(*epoch);
  return {};
}

void Journal::write_loop() {
  while (std::optional<Group> group = x_queue->take()) {
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
    if (!x_queue->commit_done(std::move(*group), durable)) return;
    const std::lock_guard lock(x_callback_mutex);
    if (x_on_durable) x_on_durable(durable);
  }
}

Result<> Journal::commit(const Group& group) {
  Frame frame{.first_seq = group.first_seq,
              .last_seq = group.last_seq,
              .at = x_hooks.now(),
              .prev_hash = x_head.hash,
              .bytes = group.bytes};
  if (!group.bytes.empty()) frame.hash = hash_of(frame);
  const std::lock_guard turn(x_turn);
  JOURNAL_TRY(x_db.transaction("BEGIN IMMEDIATE", [&]() -> Result<> {
    if (!group.bytes.empty()) JOURNAL_TRY(x_inserts.frame(frame));
    for (const DecisionRow& row : group.decisions) JOURNAL_TRY(x_inserts.decision(row));
    return {};
  }));
  if (!group.bytes.empty()) x_head = ChainHead{frame.last_seq, frame.hash};
  return {};
}

void Journal::record_commit(const Group& group, Duration took) {
  const std::lock_guard lock(x_stats_mutex);
  x_commit_ns[x_commits % kLatencyWindow] = took.ns;
  ++x_commits;
  x_committed_bytes += group.bytes.size();
}

void Journal::fail_for_good(const Error& error, const std::string& doing) {
  const Error whole{error.code, x_file.string(),
                    fmt::format("cannot {}: {}. {}", doing, error.message, advice_for(error))};
  // The queue first: whatever on_fatal does, nothing later is reported durable.
  if (x_queue->fail(whole)) x_hooks.on_fatal(whole);
}

std::string Journal::advice_for(const Error& error) const {
  const std::string state =
      fmt::format("Nothing after input {} was acknowledged; the journal is whole up to there", x_queue->durable_seq());
  if (error.code != ErrorCode::resource_exhausted) {
    return "It is not tried again, for after a failed flush the system may have dropped the data. " + state +
           ". Check the disk (dmesg), then start again";
  }
  if (x_settings.database_max_bytes != 0 && error.message.find("the system says") == std::string::npos) {
    return fmt::format(
        "The journal has reached its quota database_max_bytes = {}. {}. Raise the quota or shorten "
        "the retention, then start again",
        x_settings.database_max_bytes, state);
  }
  struct statvfs volume {};
  const bool known = ::statvfs(x_settings.directory.c_str(), &volume) == 0;
  const std::uint64_t free_bytes = known ? std::uint64_t{volume.f_bavail} * volume.f_frsize : 0;
  return fmt::format("The disk is full: {} bytes are free on the volume of {}. {}. Free space there, then start again",
                     free_bytes, x_settings.directory.string(), state);
}

void Journal::on_durable(std::function<void(const Durable&)> callback) {
  HOMEOSTAT_CHECK(x_queue->counts().appended_seq + 1 == x_first_seq);
  const std::lock_guard lock(x_callback_mutex);
  x_on_durable = std::move(callback);
}

void Journal::put_snapshot(Snapshot snapshot) {
  HOMEOSTAT_CHECK(snapshot.seq <= x_queue->durable_seq());
  x_keeper->put_snapshot(std::move(snapshot));
}

Stats Journal::stats() const {
  const Queue::Counts queue = x_queue->counts();
  const Keeper::Counts& keeper = x_keeper->counts();
  Stats stats{.epoch = x_epoch,
              .appended_seq = queue.appended_seq,
              .durable_seq = queue.durable.seq,
              .queued_records = queue.appended_seq - queue.durable.seq,
              .queued_bytes = queue.queued_bytes,
              .refused_total = queue.refused_total,
              .decision_waits_total = queue.decision_waits_total,
              .database_bytes = size_of(x_file),
              .wal_bytes = size_of(x_file.string() + "-wal"),
              .checkpoints_total = keeper.checkpoints,
              .snapshots_total = keeper.snapshots,
              .snapshots_skipped_total = keeper.snapshots_skipped,
              .newest_snapshot_seq = keeper.newest_snapshot_seq,
              .pruned_frames_total = keeper.pruned_frames};
  {
    const std::lock_guard lock(x_reader_mutex);
    if (const auto oldest = x_reader->oldest_frame(); oldest && *oldest) {
      stats.oldest_seq = (*oldest)->first_seq;
      stats.oldest_at = (*oldest)->at;
    }
  }
  const std::lock_guard lock(x_stats_mutex);
  stats.commits_total = x_commits;
  stats.committed_bytes_total = x_committed_bytes;
  const std::size_t count = std::min<std::uint64_t>(x_commits, kLatencyWindow);
  if (count == 0) return stats;
  std::array<std::int64_t, kLatencyWindow> sorted = x_commit_ns;
  std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count));
  stats.commit_p50 = Duration{sorted[count / 2]};
  stats.commit_p99 = Duration{sorted[std::min(count - 1, count * 99 / 100)]};
  stats.commit_max = Duration{sorted[count - 1]};
  return stats;
}

Result<std::optional<DecisionRow>> Journal::find_decision(std::uint64_t id) const {
  const std::lock_guard lock(x_reader_mutex);
  return x_reader->find_decision(id);
}

Result<std::vector<DecisionRow>> Journal::list_decisions(const DecisionFilter& filter) const {
  const std::lock_guard lock(x_reader_mutex);
  return x_reader->list_decisions(filter);
}

Result<> Journal::read(std::uint64_t from_seq, const InputCallback& callback, const ProgressCallback& progress) const {
  Result<JournalReader> reader = JournalReader::open(x_file);
  if (!reader) return tl::make_unexpected(reader.error());
  return reader->read(from_seq, callback, progress);
}

Result<std::optional<Snapshot>> Journal::latest_snapshot() const {
  Result<JournalReader> reader = JournalReader::open(x_file);
  if (!reader) return tl::make_unexpected(reader.error());
  return reader->latest_snapshot();
}

Result<VerifyReport> Journal::verify(const ProgressCallback& progress) const {
  Result<JournalReader> reader = JournalReader::open(x_file);
  if (!reader) return tl::make_unexpected(reader.error());
  return reader->verify(progress);
}

Result<> Journal::backup(const std::filesystem::path& destination, const ProgressCallback& progress) const {
  Result<JournalReader> reader = JournalReader::open(x_file);
  if (!reader) return tl::make_unexpected(reader.error());
  return reader->backup(destination, progress);
}

}  // namespace homeostat::journal
