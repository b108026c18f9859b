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
      : x_options(options), x_reader(std::move(reader)), x_db(std::move(db)) {}

  Result<ReplayReport> run() {
    if (auto started = start(); !started) return tl::make_unexpected(started.error());
    const auto last = x_reader.last_seq();
    if (!last) return tl::make_unexpected(last.error());
    if (auto applied = apply_all(*last); !applied) return tl::make_unexpected(applied.error());
    if (auto judged = judge(); !judged) return tl::make_unexpected(judged.error());
    x_report.state_hash = x_engine->state_hash().hex();
    x_report.decisions_hash = x_engine->decisions_hash().hex();
    return std::move(x_report);
  }

 private:
  Result<> start() {
    auto seqs = journal::snapshot_seqs(x_db);
    if (!seqs) return tl::make_unexpected(seqs.error());
    x_snapshots.assign(seqs->begin(), seqs->end());
    if (x_options.first_policy) return start_at_first_input();
    if (x_snapshots.empty()) return fail(ErrorCode::missing, "journal", "it holds no snapshot to start from");
    const auto snapshot = journal::read_snapshot(x_db, x_snapshots.front());
    if (!snapshot) return tl::make_unexpected(snapshot.error());
    x_snapshots.pop_front();
    const std::string where = fmt::format("snapshot at input {}", snapshot->seq);
    const auto policy = x_options.loader(snapshot->policy_text);
    if (!policy) {
      return fail(ErrorCode::conflict, where, "its policy is not accepted by this version: " + policy.error().text());
    }
    auto engine = Engine::load(*policy, snapshot->state);
    if (!engine) return fail(engine.error().code, where, engine.error().message);
    x_engine.emplace(std::move(*engine));
    x_report.from_sequence = x_report.last_sequence = snapshot->seq;
    return {};
  }

  Result<> start_at_first_input() {
    const auto oldest = x_reader.oldest_frame();
    if (!oldest) return tl::make_unexpected(oldest.error());
    if (*oldest && (*oldest)->first_seq > 1) {
      return fail(ErrorCode::out_of_range, "journal",
                  fmt::format("retention removed the inputs before {}; replay from the oldest snapshot instead",
                              (*oldest)->first_seq));
    }
    x_engine.emplace(x_options.first_policy);
    return {};
  }

  Result<> apply_all(std::uint64_t last) {
    Result<> inner;
    const std::uint64_t total = last - std::min(last, x_report.from_sequence);
    const auto read = x_reader.read(x_report.from_sequence + 1, [&](std::uint64_t sequence, std::string_view bytes) {
      if (sequence > last) return false;  // what a running daemon appends meanwhile is for the next replay
      inner = apply(sequence, bytes);
      if (!inner || x_report.divergence) return false;
      ++x_report.inputs;
      if (x_options.progress) x_options.progress(x_report.inputs, total);
      return true;
    });
    if (!inner) return inner;
    return read;
  }

  Result<> apply(std::uint64_t sequence, std::string_view bytes) {
    const auto input = engine::decode(bytes, x_options.loader);
    if (!input) return fail(ErrorCode::corrupt, fmt::format("journal input {}", sequence), input.error().text());
    const engine::Effects effects = x_engine->apply(*input);
    x_report.last_sequence = sequence;
    for (const auto* records : {&effects.records, &effects.updates}) {
      for (const DecisionRecord& record : *records) {
        if (auto compared = compare(sequence, record); !compared) return compared;
      }
    }
    while (!x_snapshots.empty() && x_snapshots.front() <= sequence) {
      const std::uint64_t at = x_snapshots.front();
      x_snapshots.pop_front();
      if (at != sequence) continue;
      if (auto compared = compare_snapshot(at); !compared) return compared;
    }
    return {};
  }

  Result<> compare(std::uint64_t sequence, const DecisionRecord& record) {
    x_made.insert(record.id);
    const auto stored = journal::find_decision(x_db, record.id);
    if (!stored) return tl::make_unexpected(stored.error());
    std::string bytes = archive_bytes(record);
    if (*stored && (*stored)->bytes == bytes) {
      x_open.erase(record.id);
    } else {
      x_open[record.id] = {sequence, std::move(bytes)};
    }
    return {};
  }

  Result<> compare_snapshot(std::uint64_t sequence) {
    const auto snapshot = journal::read_snapshot(x_db, sequence);
    if (!snapshot && snapshot.error().code == ErrorCode::missing) return {};  // a running daemon replaced it meanwhile
    if (!snapshot) return tl::make_unexpected(snapshot.error());
    std::string differs;
    if (snapshot->policy_digest != x_engine->policy().digest) {
      differs = fmt::format("the policy in force: {} is stored, {} came out", snapshot->policy_digest,
                            x_engine->policy().digest);
    } else if (snapshot->decisions_hash != x_engine->decisions_hash().hex()) {
      differs = fmt::format("the hash over all decisions: {} is stored, {} came out", snapshot->decisions_hash,
                            x_engine->decisions_hash().hex());
    } else if (snapshot->state != x_engine->save()) {
      differs = fmt::format("the engine's state: {} is stored, {} came out",
                            homeostat::state_hash(snapshot->state).hex(), x_engine->state_hash().hex());
    }
    if (differs.empty()) {
      ++x_report.snapshots;
    } else {
      x_report.divergence = Divergence{
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
    const std::uint64_t first_made = x_made.empty() ? 0 : *std::min_element(x_made.begin(), x_made.end());
    journal::DecisionFilter page{.limit = journal::kListMax};
    for (;;) {
      const auto rows = journal::list_decisions(x_db, page);
      if (!rows) return tl::make_unexpected(rows.error());
      for (const journal::DecisionRow& row : *rows) {
        out.last_sequence = std::max(out.last_sequence, row.seq);
        out.oldest_id = row.id;
        const bool replayed = row.seq > x_report.from_sequence && row.seq <= x_report.last_sequence;
        if (replayed && x_made.count(row.id) == 0) out.extra = row;
      }
      if (rows->size() < page.limit || rows->back().id <= first_made) return out;
      page.before_id = rows->back().id;
    }
  }

  Result<> judge() {
    const auto stored = look_through_stored();
    if (!stored) return tl::make_unexpected(stored.error());
    std::optional<Divergence> first;
    for (const auto& [id, open] : x_open) {
      if (open.sequence > stored->last_sequence) {
        ++x_report.not_stored;
        continue;
      }
      const auto row = journal::find_decision(x_db, id);
      if (!row) return tl::make_unexpected(row.error());
      if (!*row && id < stored->oldest_id) {
        ++x_report.pruned;
      } else if (*row && (*row)->seq > x_report.last_sequence) {
        ++x_report.not_stored;  // answered by an input behind the last one replayed
      } else if (!first) {
        first = divergence_of(id, open, *row);
      }
    }
    if (stored->extra && (!first || stored->extra->id < first->decision)) first = extra_of(*stored->extra);
    // The decision came before the snapshot that it spoilt.
    if (first && (!x_report.divergence || first->sequence <= x_report.divergence->sequence))
      x_report.divergence = first;
    x_report.decisions = x_made.size() - x_open.size();
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

  const ReplayOptions& x_options;
  journal::JournalReader x_reader;
  journal::Database x_db;
  std::optional<Engine> x_engine;
  std::deque<std::uint64_t> x_snapshots;     ///< not reached yet, ascending
  std::map<std::uint64_t, Open> x_open;      ///< by id; emptied by answers, so it stays as small as what is in flight
  std::unordered_set<std::uint64_t> x_made;  ///< ids of all records made again: about 40 bytes for each
  ReplayReport x_report;
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
