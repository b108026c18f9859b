// Reading a journal: beside a live writer, from a backup, or from a stopped daemon's directory.
//
// Never writes. Everything read is checked against its hash before it is handed out, so what comes out
// is what was once appended: a wrong byte is an Error corrupt that names the inputs, never a wrong input.
// What no reader of one file can see is a tail that somebody cut off cleanly: a journal whose write-ahead
// log was removed or truncated is a valid, shorter journal (a snapshot beyond its end gives it away).
//
// One thread at a time per reader; any number of readers.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "daemon/journal/frame.hpp"
#include "daemon/journal/sqlite.hpp"
#include "daemon/journal/types.hpp"

namespace homeostat::journal {

/// Gets the inputs in ascending order; false stops. `input` lives for the call.
using InputCallback = std::function<bool(std::uint64_t seq, std::string_view input)>;

class JournalReader {
 public:
  /// `directory_or_file`: a journal's directory, or a database file such as a backup.
  /// Errors: missing, corrupt (not a journal), unsupported (a newer format), permission_denied, unavailable.
  [[nodiscard]] static Result<JournalReader> open(const std::filesystem::path& directory_or_file);

  /// Without its hashes and bytes; nothing when there are no frames.
  [[nodiscard]] Result<std::optional<Frame>> oldest_frame();
  /// 0 when there are none.
  [[nodiscard]] Result<std::uint64_t> last_seq();
  /// How often it was opened for writing.
  [[nodiscard]] Result<std::uint64_t> epoch();

  /// Every input from `from_seq` (at least 1) on, up to the last one committed when the reading gets there.
  /// `progress`, if given, after each frame. Errors: out_of_range (pruned), corrupt, io.
  [[nodiscard]] Result<> read(std::uint64_t from_seq, const InputCallback& callback,
                              const ProgressCallback& progress = {});

  /// The newest undamaged snapshot; damaged newer ones are added to `damaged` if given.
  [[nodiscard]] Result<std::optional<Snapshot>> latest_snapshot(std::vector<std::uint64_t>* damaged = nullptr);

  [[nodiscard]] Result<std::optional<DecisionRow>> find_decision(std::uint64_t id);
  [[nodiscard]] Result<std::vector<DecisionRow>> list_decisions(const DecisionFilter& filter);

  /// The file's structure, the whole chain and every snapshot.
  [[nodiscard]] Result<VerifyReport> verify(const ProgressCallback& progress = {});

  /// Copies one consistent state to `destination`, which must not exist; the writer goes on meanwhile. The
  /// copy is itself a journal file: put it as journal.db into an empty directory to restore it.
  /// Progress counts pages. Errors: conflict (destination exists), io, resource_exhausted.
  [[nodiscard]] Result<> backup(const std::filesystem::path& destination, const ProgressCallback& progress = {});

 private:
  std::filesystem::path file_;
  Database db_;
};

}  // namespace homeostat::journal
