#include "cli/replay.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "daemon/journal/reader.hpp"
#include "daemon/journal/store.hpp"

namespace homeostat::cli {
namespace {

using engine::DecisionRecord;
using engine::Engine;

/// A record made again that does not equal the stored one, at least not yet: a later answer may make it equal.
struct Open {
  std::uint64_t sequence = 0;
  std::string bytes;
};

Result<journal::Database> open_database(const std::filesystem::path& path) {
  const auto file = journal::database_file(path);
  auto db = journal::Database::open(file, journal::Database::Mode::read);
  if (db && journal::snapshot_seqs(*db)) return db;
  return journal::Database::open(file, journal::Database::Mode::immutable);  // a directory that we may not write
}

class Replay {
 public:
  Replay(const ReplayOptions& options, journal::JournalReader reader, journal::Database db)
      : options_(options), reader_(std::move(reader)), db_(std::move(db)) {}

  Result<ReplayReport> run() {
    if (auto started = start(); !started) return tl::make_unexpected(started.error());
    const auto last = reader_.last_seq();
    if (!last) return tl::make_unexpected(last.error());
    if (auto applied = apply_all(*last); !applied) return tl::make_unexpected(applied.error());
    if (auto judged = judge(); !judged) return tl::make_unexpected(judged.error());
    report_.state_hash = engine_->state_hash().hex();
    report_.decisions_hash = engine_->decisions_hash().hex();
    return std::move(report_);
  }

 private:
  Result<> start() {
    auto seqs = journal::snapshot_seqs(db_);
    if (!seqs) return tl::make_unexpected(seqs.error());
    snapshots_.assign(seqs->begin(), seqs->end());
    if (options_.first_policy) return start_at_first_input();
    if (snapshots_.empty()) return fail(ErrorCode::missing, "journal", "it holds no snapshot to start from");
    const auto snapshot = journal::read_snapshot(db_, snapshots_.front());
    if (!snapshot) return tl::make_unexpected(snapshot.error());
    snapshots_.pop_front();
    const std::string where = fmt::format("snapshot at input {}", snapshot->seq);
    const auto policy = options_.loader(snapshot->policy_text);
    if (!policy) {
      return fail(ErrorCode::conflict, where, "its policy is not accepted by this version: " + policy.error().text());
    }
    auto engine = Engine::load(*policy, snapshot->state);
    if (!engine) return fail(engine.error().code, where, engine.error().message);
    engine_.emplace(std::move(*engine));
    report_.from_sequence = report_.last_sequence = snapshot->seq;
    return {};
  }

  Result<> start_at_first_input() {
    const auto oldest = reader_.oldest_frame();
    if (!oldest) return tl::make_unexpected(oldest.error());
    if (*oldest && (*oldest)->first_seq > 1) {
      return fail(ErrorCode::out_of_range, "journal",
                  fmt::format("retention removed the inputs before {}; replay from the oldest snapshot instead",
                              (*oldest)->first_seq));
    }
    engine_.emplace(options_.first_policy);
    return {};
  }

  Result<> apply_all(std::uint64_t last) {
    Result<> inner;
    const std::uint64_t total = last - std::min(last, report_.from_sequence);
    const auto read = reader_.read(report_.from_sequence + 1, [&](std::uint64_t sequence, std::string_view bytes) {
      if (sequence > last) return false;  // what a running daemon appends meanwhile is for the next replay
      inner = apply(sequence, bytes);
      if (!inner || report_.divergence) return false;
      ++report_.inputs;
      if (options_.progress) options_.progress(report_.inputs, total);
      return true;
    });
    if (!inner) return inner;
    return read;
  }

  Result<> apply(std::uint64_t sequence, std::string_view bytes) {
    const auto input = engine::decode(bytes, options_.loader);
    if (!input) return fail(ErrorCode::corrupt, fmt::format("journal input {}", sequence), input.error().text());
    const engine::Effects effects = engine_->apply(*input);
    report_.last_sequence = sequence;
    for (const auto* records : {&effects.records, &effects.updates}) {
      for (const DecisionRecord& record : *records) {
        if (auto compared = compare(sequence, record); !compared) return compared;
      }
    }
    while (!snapshots_.empty() && snapshots_.front() <= sequence) {
      const std::uint64_t at = snapshots_.front();
      snapshots_.pop_front();
      if (at != sequence) continue;
      if (auto compared = compare_snapshot(at); !compared) return compared;
    }
    return {};
  }

  Result<> compare(std::uint64_t sequence, const DecisionRecord& record) {
    made_.insert(record.id);
    const auto stored = journal::find_decision(db_, record.id);
    if (!stored) return tl::make_unexpected(stored.error());
    std::string bytes = archive_bytes(record);
    if (*stored && (*stored)->bytes == bytes) {
      open_.erase(record.id);
    } else {
      open_[record.id] = {sequence, std::move(bytes)};
    }
    return {};
  }

  Result<> compare_snapshot(std::uint64_t sequence) {
    const auto snapshot = journal::read_snapshot(db_, sequence);
    if (!snapshot && snapshot.error().code == ErrorCode::missing) return {};  // a running daemon replaced it meanwhile
    if (!snapshot) return tl::make_unexpected(snapshot.error());
    std::string differs;
    if (snapshot->policy_digest != engine_->policy().digest) {
      differs = fmt::format("the policy in force: {} is stored, {} came out", snapshot->policy_digest,
                            engine_->policy().digest);
    } else if (snapshot->decisions_hash != engine_->decisions_hash().hex()) {
      differs = fmt::format("the hash over all decisions: {} is stored, {} came out", snapshot->decisions_hash,
                            engine_->decisions_hash().hex());
    } else if (snapshot->state != engine_->save()) {
      differs = fmt::format("the engine's state: {} is stored, {} came out",
                            homeostat::state_hash(snapshot->state).hex(), engine_->state_hash().hex());
    }
    if (differs.empty()) {
      ++report_.snapshots;
    } else {
      report_.divergence = Divergence{
          .text = fmt::format("the snapshot after input {} differs in {}", sequence, differs), .sequence = sequence};
    }
    return {};
  }

  /// What the stored decisions say that the replay alone cannot know.
  struct Stored {
    std::uint64_t last_sequence = 0;            ///< decisions of later inputs were not stored yet
    std::uint64_t oldest_id = 0;                ///< decisions below were removed by retention; 0 = none is stored
    std::optional<journal::DecisionRow> extra;  ///< of a replayed input, but not made again; lowest id
  };

  /// Walks the stored decisions from the newest down to the first that the replay made.
  Result<Stored> look_through_stored() {
    Stored out;
    const std::uint64_t first_made = made_.empty() ? 0 : *std::min_element(made_.begin(), made_.end());
    journal::DecisionFilter page{.limit = journal::kListMax};
    for (;;) {
      const auto rows = journal::list_decisions(db_, page);
      if (!rows) return tl::make_unexpected(rows.error());
      for (const journal::DecisionRow& row : *rows) {
        out.last_sequence = std::max(out.last_sequence, row.seq);
        out.oldest_id = row.id;
        const bool replayed = row.seq > report_.from_sequence && row.seq <= report_.last_sequence;
        if (replayed && made_.count(row.id) == 0) out.extra = row;
      }
      if (rows->size() < page.limit || rows->back().id <= first_made) return out;
      page.before_id = rows->back().id;
    }
  }

  Result<> judge() {
    const auto stored = look_through_stored();
    if (!stored) return tl::make_unexpected(stored.error());
    std::optional<Divergence> first;
    for (const auto& [id, open] : open_) {
      if (open.sequence > stored->last_sequence) {
        ++report_.not_stored;
        continue;
      }
      const auto row = journal::find_decision(db_, id);
      if (!row) return tl::make_unexpected(row.error());
      if (!*row && id < stored->oldest_id) {
        ++report_.pruned;
      } else if (*row && (*row)->seq > report_.last_sequence) {
        ++report_.not_stored;  // answered by an input behind the last one replayed
      } else if (!first) {
        first = divergence_of(id, open, *row);
      }
    }
    if (stored->extra && (!first || stored->extra->id < first->decision)) first = extra_of(*stored->extra);
    // The decision came before the snapshot that it spoilt.
    if (first && (!report_.divergence || first->sequence <= report_.divergence->sequence)) report_.divergence = first;
    report_.decisions = made_.size() - open_.size();
    return {};
  }

  static std::optional<DecisionRecord> decoded(std::string_view bytes) {
    auto record = engine::decode_record(bytes);
    return record ? std::optional<DecisionRecord>(std::move(*record)) : std::nullopt;
  }

  static Divergence divergence_of(std::uint64_t id, const Open& open, const std::optional<journal::DecisionRow>& row) {
    Divergence out{.sequence = open.sequence, .decision = id, .replayed = decoded(open.bytes)};
    if (!row) {
      out.text = fmt::format("decision {} (input {}) was made again, but none is stored", id, open.sequence);
      return out;
    }
    out.stored = decoded(row->bytes);
    out.text = out.stored ? fmt::format("decision {} (input {}) came out differently", id, open.sequence)
                          : fmt::format("decision {} (input {}) is stored damaged", id, open.sequence);
    return out;
  }

  static Divergence extra_of(const journal::DecisionRow& row) {
    return {.text = fmt::format("decision {} (input {}) is stored, but was not made again", row.id, row.seq),
            .sequence = row.seq,
            .decision = row.id,
            .stored = decoded(row.bytes)};
  }

  const ReplayOptions& options_;
  journal::JournalReader reader_;
  journal::Database db_;
  std::optional<Engine> engine_;
  std::deque<std::uint64_t> snapshots_;     ///< not reached yet, ascending
  std::map<std::uint64_t, Open> open_;      ///< by id; emptied by answers, so it stays as small as what is in flight
  std::unordered_set<std::uint64_t> made_;  ///< ids of all records made again: about 40 bytes for each
  ReplayReport report_;
};

}  // namespace

Result<ReplayReport> replay(const ReplayOptions& options) {
  auto reader = journal::JournalReader::open(options.journal);
  if (!reader) return tl::make_unexpected(reader.error());
  auto db = open_database(options.journal);
  if (!db) return tl::make_unexpected(db.error());
  return Replay(options, std::move(*reader), std::move(*db)).run();
}

}  // namespace homeostat::cli
