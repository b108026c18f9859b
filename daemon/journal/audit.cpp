#include "daemon/journal/audit.hpp"

#include <algorithm>
#include <bitset>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/format.hpp"
#include "daemon/journal/connection.hpp"
#include "daemon/journal/store.hpp"

namespace homeostat::journal {
namespace {

constexpr std::size_t kIdsPerPage = 4096;
constexpr std::uint64_t kProgressEvery = 256;

std::string short_hex(const Hash& hash) {
  return hex(hash).substr(0, 16);
}

/// Decision ids seen, an eighth of a byte each.
class Ids {
 public:
  /// True if it is new.
  bool add(std::uint64_t id) {
    auto& page = pages_[id / kIdsPerPage];
    if (page.test(id % kIdsPerPage)) return false;
    page.set(id % kIdsPerPage);
    return true;
  }
  [[nodiscard]] bool has(std::uint64_t id) const {
    const auto page = pages_.find(id / kIdsPerPage);
    return page != pages_.end() && page->second.test(id % kIdsPerPage);
  }

 private:
  std::map<std::uint64_t, std::bitset<kIdsPerPage>> pages_;
};

/// What the seals say, in sum.
struct Sealed {
  struct Snapshot {
    Hash hash{};
    Hash fingerprint{};
    std::uint64_t seal = 0;
    Instant at;
  };
  std::map<std::uint64_t, Snapshot> snapshots;  ///< not removed since
  std::uint64_t epoch = 0;
  std::uint64_t inputs_removed_to = 0;
  std::uint64_t ledger_removed_to = 0;
  Instant decisions_removed_before;
  Instant created;
  std::map<std::uint64_t, std::pair<Hash, std::uint64_t>> ledger;  ///< by n: its hash, the seal that says so

  void add(const Link& link, const Seal& seal) {
    if (link.n == 1) created = link.at;
    epoch = std::max(epoch, seal.opened_epoch);
    inputs_removed_to = std::max(inputs_removed_to, seal.inputs_removed_to);
    ledger_removed_to = std::max(ledger_removed_to, seal.ledger_removed_to);
    decisions_removed_before = std::max(decisions_removed_before, seal.decisions_removed_before);
    for (const std::uint64_t seq : seal.snapshots_removed) snapshots.erase(seq);
    if (seal.has_snapshot)
      snapshots[seal.snapshot_seq] = {seal.snapshot_hash, seal.policy_fingerprint, link.n, link.at};
    if (seal.ledger_n > 0) ledger.try_emplace(seal.ledger_n, seal.ledger_hash, link.n);
  }
};

class Audit {
 public:
  Audit(const AuditOptions& options, Database& db) : options_(options), db_(db) {}

  AuditReport run() {
    attempt(AuditPart::structure, &Audit::structure);
    attempt(AuditPart::inputs, &Audit::frames);
    attempt(AuditPart::seals, &Audit::seals);
    attempt(AuditPart::ledger, &Audit::ledger);
    attempt(AuditPart::decisions, &Audit::bare_decisions);
    attempt(AuditPart::snapshots, &Audit::snapshots);
    attempt(AuditPart::structure, &Audit::meta);
    if (options_.checkpoint) attempt(AuditPart::checkpoint, &Audit::checkpoint);
    std::stable_sort(report_.findings.begin(), report_.findings.end(),
                     [](const Finding& a, const Finding& b) { return a.part < b.part; });
    return std::move(report_);
  }

 private:
  void attempt(AuditPart part, Result<> (Audit::*step)()) {
    if (const Result<> done = (this->*step)(); !done) {
      add({.part = part, .text = "cannot be read: " + done.error().text()});
    }
  }

  void add(Finding finding) {
    ++report_.found;
    if (report_.findings.size() < kFindingsMax) report_.findings.push_back(std::move(finding));
  }

  Result<> structure() {
    Result<Statement> check = db_.prepare("PRAGMA integrity_check(20)");
    if (!check) return tl::make_unexpected(check.error());
    for (;;) {
      const Result<bool> row = check->step();
      if (!row) return tl::make_unexpected(row.error());
      if (!*row) break;
      if (const std::string text(check->bytes(0)); text != "ok") add({.part = AuditPart::structure, .text = text});
    }
    const auto schema = schema_of(db_);
    if (!schema) return tl::make_unexpected(schema.error());
    const std::vector<std::string> expected = expected_schema();
    std::vector<std::string> other;
    std::set_symmetric_difference(schema->begin(), schema->end(), expected.begin(), expected.end(),
                                  std::back_inserter(other));
    for (const std::string& statement : other) {
      const bool is_ours = std::binary_search(expected.begin(), expected.end(), statement);
      add({.part = AuditPart::structure,
           .text = (is_ours ? "the schema lacks: " : "the schema is not the journal's: ") + statement});
    }
    return {};
  }

  // --- inputs ---

  Result<> frames() {
    const Result<ChainHead> base = read_base(db_);
    if (!base) return tl::make_unexpected(base.error());
    base_ = *base;
    const Result<ChainHead> end = read_head(db_);
    if (!end) return tl::make_unexpected(end.error());
    Result<Statement> select =
        db_.prepare("SELECT first_seq, last_seq, at_ns, prev_hash, hash, bytes FROM frames ORDER BY first_seq");
    if (!select) return tl::make_unexpected(select.error());
    ChainHead head = base_;
    Instant head_at;
    for (;;) {
      const Result<bool> row = select->step();
      if (!row) return tl::make_unexpected(row.error());
      if (!*row) break;
      Frame frame{.first_seq = select->natural(0), .last_seq = select->natural(1), .at = Instant{select->integer(2)}};
      const bool has_hashes =
          select->bytes(3).size() == frame.hash.size() && select->bytes(4).size() == frame.hash.size();
      if (has_hashes) {
        std::copy_n(select->bytes(3).begin(), frame.hash.size(), frame.prev_hash.begin());
        std::copy_n(select->bytes(4).begin(), frame.hash.size(), frame.hash.begin());
      }
      frame.bytes = select->bytes(5);
      judge(frame, head, head_at);
      if (report_.frames++ == 0) report_.first_seq = frame.first_seq, report_.oldest_at = frame.at;
      report_.input_bytes += frame.bytes.size();
      head = ChainHead{frame.last_seq, frame.hash};
      head_at = frame.at;
      if (options_.progress && report_.frames % kProgressEvery == 0) options_.progress({head.seq, end->seq});
    }
    report_.last_seq = head.seq;
    report_.newest_at = head_at;
    report_.inputs_removed = base_.seq;
    report_.head.inputs = head.seq;
    report_.head.inputs_hash = head.hash;
    return {};
  }

  void judge(const Frame& frame, const ChainHead& head, Instant head_at) {
    Finding finding{.part = AuditPart::inputs, .first = frame.first_seq, .last = frame.last_seq, .at = frame.at};
    if (frame.first_seq > head.seq + 1) {
      add({.part = AuditPart::inputs,
           .first = head.seq + 1,
           .last = frame.first_seq - 1,
           .at = head_at,
           .text = fmt::format("are missing: they stood between {} and {}", text_of(head_at), text_of(frame.at))});
    } else if (frame.first_seq <= head.seq) {
      finding.text = fmt::format("were put in: input {} is there already", head.seq);
      return add(std::move(finding));
    }
    finding.bytes = std::string(frame.bytes);
    if (const Result<> whole = check_frame(frame, {frame.first_seq - 1, frame.prev_hash}); !whole) {
      finding.text = whole.error().message;
      add(std::move(finding));
    } else if (frame.first_seq == head.seq + 1 && frame.prev_hash != head.hash) {
      // Whole in itself, but not what stood behind: one of the two was written anew.
      finding.text = fmt::format(
          "do not continue the frame before them (up to input {}, written {}): they name the hash {}, "
          "it has {}; one of the two was replaced",
          head.seq, text_of(head_at), short_hex(frame.prev_hash), short_hex(head.hash));
      add(std::move(finding));
    }
  }

  /// A row of another chain names where the inputs stood; empty if that is so, or is behind the retention.
  Result<std::string> contradiction(const ChainHead& named) {
    if (named.seq < base_.seq || named.seq == 0) return std::string();
    if (named.seq == base_.seq) {
      return named.hash == base_.hash ? std::string()
                                      : fmt::format("names the hash {} after input {}; the journal begins with {}",
                                                    short_hex(named.hash), named.seq, short_hex(base_.hash));
    }
    if (named.seq > report_.last_seq) {
      return fmt::format("names input {}, but the inputs end at {}: the tail is missing", named.seq, report_.last_seq);
    }
    Result<Statement> select =
        db_.prepare("SELECT last_seq, hash FROM frames WHERE first_seq <= ?1 ORDER BY first_seq DESC LIMIT 1");
    if (!select) return tl::make_unexpected(select.error());
    const Result<bool> row = select->bind(1, named.seq).step();
    if (!row) return tl::make_unexpected(row.error());
    if (!*row || select->natural(0) != named.seq) {
      return fmt::format("names input {} as the end of a commit, which it is not any more", named.seq);
    }
    const std::string_view hash = select->bytes(1);
    if (std::equal(hash.begin(), hash.end(), named.hash.begin(), named.hash.end(),
                   [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; })) {
      return std::string();
    }
    return fmt::format("names the hash {} after input {}; the inputs have another there", short_hex(named.hash),
                       named.seq);
  }

  // --- the other chains ---

  /// Whether `link` is whole and `next`, behind it, continues it.
  void judge(AuditPart part, const Link& link, const Link& next) {
    Finding finding{.part = part, .first = link.n, .last = link.n, .at = link.at};
    if (hash_of(link) != link.hash) {
      finding.text = "does not match its hash";
      return add(std::move(finding));
    }
    if (next.n == 0) return;
    if (next.n != link.n + 1) {
      finding.first = link.n + 1;
      finding.last = next.n - 1;
      finding.text =
          fmt::format("are missing: they were written between {} and {}", text_of(link.at), text_of(next.at));
      add(std::move(finding));
    } else if (next.prev_hash != link.hash) {
      finding.text = fmt::format("is not the row that row {} (written {}) continues; one of the two was replaced",
                                 next.n, text_of(next.at));
      add(std::move(finding));
    }
  }

  Result<> contradicted(AuditPart part, const Link& link) {
    const Result<std::string> what = contradiction(link.inputs);
    if (!what) return tl::make_unexpected(what.error());
    if (!what->empty()) add({.part = part, .first = link.n, .last = link.n, .at = link.at, .text = *what});
    return {};
  }

  Result<> seals() {
    Link previous;
    Result<> inner;
    JOURNAL_TRY(scan_links(db_, kSealsTable, true, [&](const Link& link) {
      if (previous.n == 0 && link.n > 1) {
        add({.part = AuditPart::seals, .first = 1, .last = link.n - 1, .text = "are missing; seals are never removed"});
      }
      if (previous.n > 0) judge(AuditPart::seals, previous, link);
      inner = contradicted(AuditPart::seals, link);
      if (!inner) return false;
      if (const auto seal = decode_seal(link.body)) {
        sealed_.add(link, *seal);
      } else {
        add({.part = AuditPart::seals, .first = link.n, .last = link.n, .at = link.at, .text = seal.error().message});
      }
      if (options_.checkpoint && link.n == options_.checkpoint->seals) checkpoint_seal_ = link.hash;
      ++report_.seal_rows;
      previous = link;
      return true;
    }));
    if (!inner) return inner;
    if (previous.n > 0) judge(AuditPart::seals, previous, {});
    if (previous.n == 0)
      add({.part = AuditPart::seals, .text = "there is none; every journal has one from its creation"});
    report_.head.seals = previous.n;
    report_.head.seals_hash = previous.hash;
    return {};
  }

  // From the newest row back: the first digest met for an id is that of the row as it must stand.
  Result<> ledger() {
    Link next;
    Result<> inner;
    const Result<Link> base = ledger_base(db_);
    if (!base) return tl::make_unexpected(base.error());
    JOURNAL_TRY(scan_links(db_, kLedgerTable, false, [&](const Link& link) {
      if (next.n == 0) report_.head.decisions = link.n, report_.head.decisions_hash = link.hash;
      judge(AuditPart::ledger, link, next);
      inner = contradicted(AuditPart::ledger, link);
      if (inner) inner = entries(link);
      if (const auto named = sealed_.ledger.find(link.n); named != sealed_.ledger.end()) {
        if (named->second.first != link.hash) say_other_ledger(link.n, link.at, named->second.second);
        sealed_.ledger.erase(named);
      }
      if (options_.checkpoint && link.n == options_.checkpoint->decisions) checkpoint_ledger_ = link.hash;
      ++report_.ledger_rows;
      next = link;
      return inner.has_value();
    }));
    if (!inner) return inner;
    if (next.n == 0) report_.head.decisions = base->n, report_.head.decisions_hash = base->hash;
    if (next.n > base->n + 1) {
      add({.part = AuditPart::ledger, .first = base->n + 1, .last = next.n - 1, .at = next.at, .text = "are missing"});
    } else if (next.n > 0 && (next.n <= base->n || next.prev_hash != base->hash)) {
      add({.part = AuditPart::ledger,
           .first = next.n,
           .last = next.n,
           .at = next.at,
           .text = "does not continue what retention removed"});
    }
    ledger_base_ = base->n;
    if (options_.checkpoint && options_.checkpoint->decisions == base->n) checkpoint_ledger_ = base->hash;
    for (const auto& [n, named] : sealed_.ledger) {
      if (n > report_.head.decisions) {
        add({.part = AuditPart::ledger,
             .first = report_.head.decisions + 1,
             .last = n,
             .text = fmt::format("are missing: seal {} names row {}", named.second, n)});
        break;
      }
      if (n == base->n && named.first != base->hash) say_other_ledger(n, {}, named.second);
    }
    return {};
  }

  void say_other_ledger(std::uint64_t n, Instant at, std::uint64_t seal) {
    add({.part = AuditPart::ledger,
         .first = n,
         .last = n,
         .at = at,
         .text = fmt::format("is not the row that seal {} names; the ledger was written anew", seal)});
  }

  Result<> entries(const Link& link) {
    std::vector<LedgerEntry> all;
    std::string_view rest = link.body;
    for (LedgerEntry entry; take_entry(rest, entry);) all.push_back(entry);
    for (auto entry = all.rbegin(); entry != all.rend(); ++entry) {
      if (!seen_.add(entry->id)) continue;
      const Result<std::optional<DecisionRow>> row = find_decision(db_, entry->id);
      if (!row) return tl::make_unexpected(row.error());
      Finding finding{.part = AuditPart::decisions, .first = entry->id, .last = entry->id, .at = entry->at};
      if (!*row) {
        if (entry->at < sealed_.decisions_removed_before) continue;
        finding.text = fmt::format("is missing; it was written {} (ledger row {})", text_of(link.at), link.n);
        add(std::move(finding));
        continue;
      }
      ++report_.decisions;
      if (digest_of(**row) == entry->digest) continue;
      finding.text = fmt::format("is not as it was written {} (ledger row {})", text_of(link.at), link.n);
      finding.bytes = (*row)->bytes;
      add(std::move(finding));
    }
    return {};
  }

  Result<> bare_decisions() {
    const Result<std::int64_t> count = db_.query_integer("SELECT count(*) FROM decisions");
    if (!count) return tl::make_unexpected(count.error());
    if (static_cast<std::uint64_t>(*count) == report_.decisions) return {};
    Result<Statement> select = db_.prepare("SELECT id, at_ns, bytes FROM decisions ORDER BY id");
    if (!select) return tl::make_unexpected(select.error());
    for (;;) {
      const Result<bool> row = select->step();
      if (!row) return tl::make_unexpected(row.error());
      if (!*row) return {};
      if (seen_.has(select->natural(0))) continue;
      add({.part = AuditPart::decisions,
           .first = select->natural(0),
           .last = select->natural(0),
           .at = Instant{select->integer(1)},
           .text = "was put in: the ledger does not know it",
           .bytes = std::string(select->bytes(2))});
    }
  }

  // --- the rest ---

  Result<> snapshots() {
    const Result<std::vector<std::uint64_t>> seqs = snapshot_seqs(db_);
    if (!seqs) return tl::make_unexpected(seqs.error());
    std::set<std::uint64_t> kept;
    for (const std::uint64_t seq : *seqs) {
      kept.insert(seq);
      Finding finding{.part = AuditPart::snapshots, .first = seq, .last = seq};
      const auto sealed = sealed_.snapshots.find(seq);
      const Result<Snapshot> snapshot = read_snapshot(db_, seq);
      if (sealed != sealed_.snapshots.end()) finding.at = sealed->second.at;
      if (!snapshot) {
        finding.text = snapshot.error().message;
      } else if (sealed == sealed_.snapshots.end()) {
        finding.text = "was put in: no seal names it";
      } else if (hash_of(*snapshot) != sealed->second.hash) {
        finding.text = fmt::format(
            "is not the one that seal {} names; its configuration {}", sealed->second.seal,
            fingerprint_of(snapshot->policy_text) == sealed->second.fingerprint ? "is the same" : "was changed, too");
      } else {
        ++report_.snapshots;
        continue;
      }
      add(std::move(finding));
    }
    for (const auto& [seq, sealed] : sealed_.snapshots) {
      if (kept.count(seq) > 0) continue;
      add({.part = AuditPart::snapshots,
           .first = seq,
           .last = seq,
           .at = sealed.at,
           .text = fmt::format("is missing; seal {} names it and nothing says that it was removed", sealed.seal)});
    }
    return {};
  }

  Result<> meta() {
    const auto expect = [&](const char* key, std::int64_t at_most, bool exactly) -> Result<> {
      const Result<std::int64_t> value = db_.query_integer(fmt::format("SELECT value FROM meta WHERE key = '{}'", key));
      if (!value) return tl::make_unexpected(value.error());
      if (exactly ? *value == at_most : *value <= at_most) return {};
      add({.part = AuditPart::structure,
           .text = fmt::format("meta {} is {}, but the seals say {}", key, *value, at_most)});
      return {};
    };
    JOURNAL_TRY(expect("epoch", static_cast<std::int64_t>(sealed_.epoch), true));
    JOURNAL_TRY(expect("base_seq", static_cast<std::int64_t>(sealed_.inputs_removed_to), false));
    JOURNAL_TRY(expect("ledger_base_n", static_cast<std::int64_t>(sealed_.ledger_removed_to), false));
    JOURNAL_TRY(expect("created_ns", sealed_.created.ns, true));
    report_.head.epoch = sealed_.epoch;
    return {};
  }

  Result<> checkpoint() {
    const Checkpoint& c = *options_.checkpoint;
    const auto differs = [&](std::string text) {
      add({.part = AuditPart::checkpoint, .at = c.at, .text = std::move(text)});
    };
    if (c.seals > report_.head.seals) {
      differs(fmt::format("it names seal {}, the journal ends at {}: the tail was cut off, or this is another journal",
                          c.seals, report_.head.seals));
    } else if (!checkpoint_seal_ || *checkpoint_seal_ != c.seals_hash) {
      differs(fmt::format("seal {} is another: the journal was written anew before {}, or this is another journal",
                          c.seals, text_of(c.at)));
    }
    if (c.inputs > report_.last_seq) {
      differs(
          fmt::format("it names input {}, the journal ends at {}: the tail was cut off", c.inputs, report_.last_seq));
    } else {
      const Result<std::string> what = contradiction({c.inputs, c.inputs_hash});
      if (!what) return tl::make_unexpected(what.error());
      if (!what->empty()) differs("it " + *what);
    }
    if (c.decisions > report_.head.decisions) {
      differs(fmt::format("it names row {} of the ledger, which ends at {}: decisions were cut off", c.decisions,
                          report_.head.decisions));
    } else if (c.decisions >= ledger_base_ && c.decisions > 0 &&
               (!checkpoint_ledger_ || *checkpoint_ledger_ != c.decisions_hash)) {
      differs(
          fmt::format("row {} of the ledger is another: decisions before {} were changed", c.decisions, text_of(c.at)));
    }
    report_.checkpoint = fmt::format("goes on from the checkpoint of {} (input {})", text_of(c.at), c.inputs);
    if (c.inputs < base_.seq) {
      report_.checkpoint += fmt::format(
          "; inputs up to {} were removed by retention since, so that it is its seal {} that "
          "proves this",
          base_.seq, c.seals);
    }
    return {};
  }

  const AuditOptions& options_;
  Database& db_;
  AuditReport report_;
  ChainHead base_;
  std::uint64_t ledger_base_ = 0;
  Sealed sealed_;
  Ids seen_;
  std::optional<Hash> checkpoint_seal_;
  std::optional<Hash> checkpoint_ledger_;
};

Result<Database> open_checked(const std::filesystem::path& journal) {
  const std::filesystem::path file = database_file(journal);
  Result<Database> db = open_for_reading(file);
  if (!db) return db;
  if (Result<> schema = check_schema(*db); !schema)
    return fail(schema.error().code, file.string(), schema.error().text());
  return db;
}

}  // namespace

Result<AuditReport> audit(const AuditOptions& options) {
  Result<Database> db = open_checked(options.journal);
  if (!db) return tl::make_unexpected(db.error());
  AuditReport report;
  JOURNAL_TRY(db->transaction("BEGIN", [&]() -> Result<> {
    report = Audit(options, *db).run();
    return {};
  }));
  return report;
}

Result<Checkpoint> checkpoint_of(const std::filesystem::path& journal, Instant now) {
  Result<Database> db = open_checked(journal);
  if (!db) return tl::make_unexpected(db.error());
  Checkpoint out{.at = now};
  JOURNAL_TRY(db->transaction("BEGIN", [&]() -> Result<> {
    const Result<ChainHead> inputs = read_head(*db);
    if (!inputs) return tl::make_unexpected(inputs.error());
    const Result<Link> ledger = last_link(*db, kLedgerTable);
    if (!ledger) return tl::make_unexpected(ledger.error());
    const Result<Link> seal = last_link(*db, kSealsTable);
    if (!seal) return tl::make_unexpected(seal.error());
    const Result<std::int64_t> epoch = db->query_integer("SELECT value FROM meta WHERE key = 'epoch'");
    if (!epoch) return tl::make_unexpected(epoch.error());
    out.epoch = static_cast<std::uint64_t>(*epoch);
    out.inputs = inputs->seq, out.inputs_hash = inputs->hash;
    out.decisions = ledger->n, out.decisions_hash = ledger->hash;
    out.seals = seal->n, out.seals_hash = seal->hash;
    return {};
  }));
  return out;
}

}  // namespace homeostat::journal
