#include "cli/audit_log.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/format.hpp"
#include "daemon/journal/connection.hpp"
#include "daemon/journal/ledger.hpp"
#include "daemon/journal/reader.hpp"
#include "daemon/journal/store.hpp"
#include "engine/engine.hpp"
#include "guardian/signed_order.hpp"

namespace homeostat::cli {
namespace {

using engine::Engine;

std::string describe(const guardian::Command& c) {
  std::string text(guardian::name_of(c.kind));
  if (!c.target.empty()) text += " " + c.target;
  if (c.id != 0) text += fmt::format(" #{}", c.id);
  if (c.value) text += " to " + c.value->to_string();
  if (c.shift != 0) text += " by " + text_of(c.shift);
  if (!c.until.is_never()) text += " until " + text_of(c.until);
  return text;
}

/// The first line that differs in both texts says more than two digests.
std::string describe_change(const engine::PolicyChange& change) {
  return fmt::format("configuration {} ({}), fingerprint {}", change.policy ? change.policy->digest.substr(0, 12) : "?",
                     change.policy ? change.policy->name : "?",
                     journal::hex(journal::fingerprint_of(change.text)).substr(0, 16));
}

class Collector {
 public:
  explicit Collector(const AuditLogOptions& options) : options_(options) {}

  void add(AuditEvent event) {
    if (!options_.since.is_never() && event.at < options_.since) return;
    if (!options_.until.is_never() && event.at > options_.until) return;
    log_.events.push_back(std::move(event));
    if (log_.events.size() > options_.limit * 2 + 1024) cut();
  }

  AuditLog take() {
    cut();
    return std::move(log_);
  }

 private:
  void cut() {
    std::stable_sort(log_.events.begin(), log_.events.end(),
                     [](const AuditEvent& a, const AuditEvent& b) { return a.at < b.at; });
    if (log_.events.size() <= options_.limit) return;
    const std::size_t extra = log_.events.size() - options_.limit;
    log_.left_out += extra;
    log_.events.erase(log_.events.begin(), log_.events.begin() + static_cast<std::ptrdiff_t>(extra));
  }

  const AuditLogOptions& options_;
  AuditLog log_;
};

AuditEvent event_of(const engine::GuardianCommand& command) {
  return {
      .at = command.at, .kind = "command", .who = command.actor, .what = describe(command), .reason = command.reason};
}

AuditEvent event_of(const engine::SignedCommand& command) {
  AuditEvent event{.at = command.at, .kind = "command", .signed_text = command.text};
  if (const auto order = guardian::parse_signed_order(command.text)) {
    event.who = order->key;
    event.what = describe(order->command) + " (signed)";
    event.reason = order->command.reason;
  } else {
    event.what = "a signed order that cannot be read";
  }
  return event;
}

/// What an input is to this log; nothing for samples, blocks and ticks.
std::optional<AuditEvent> event_of(const engine::Input& input) {
  if (const auto* command = std::get_if<engine::GuardianCommand>(&input)) return event_of(*command);
  if (const auto* command = std::get_if<engine::SignedCommand>(&input)) return event_of(*command);
  if (const auto* change = std::get_if<engine::PolicyChange>(&input)) {
    return AuditEvent{
        .at = change->at, .kind = "configuration", .who = change->actor, .what = describe_change(*change)};
  }
  if (const auto* report = std::get_if<engine::ActuatorReport>(&input)) {
    return AuditEvent{.at = report->at,
                      .kind = "answer",
                      .id = report->adjustment,
                      .who = report->executor,
                      .what = fmt::format("adjustment #{} {}", report->adjustment,
                                          report->applied ? "applied as " + report->value.to_string() : "rejected"),
                      .reason = report->detail};
  }
  return std::nullopt;
}

/// The engine after the newest snapshot that is not later than `since`; nothing when none can be loaded.
Result<std::optional<Engine>> engine_before(journal::Database& db, const AuditLogOptions& options,
                                            std::uint64_t& from) {
  const auto seqs = journal::snapshot_seqs(db);
  if (!seqs) return tl::make_unexpected(seqs.error());
  std::optional<journal::Snapshot> best;
  for (const std::uint64_t seq : *seqs) {
    auto snapshot = journal::read_snapshot(db, seq);
    if (!snapshot) continue;  // verify's to say
    const bool is_early = !options.since.is_never() && snapshot->at <= options.since;
    if (!best || is_early) best = std::move(*snapshot);
  }
  if (!best) return std::optional<Engine>();
  const auto policy = options.loader(best->policy_text);
  if (!policy) return tl::make_unexpected(policy.error());
  auto engine = Engine::load(*policy, best->state);
  if (!engine) return tl::make_unexpected(engine.error());
  from = best->seq;
  return std::optional<Engine>(std::move(*engine));
}

Result<> add_inputs(const AuditLogOptions& options, journal::JournalReader& reader, std::optional<Engine> engine,
                    std::uint64_t replay_from, Collector& out) {
  const auto oldest = reader.oldest_frame();
  if (!oldest) return tl::make_unexpected(oldest.error());
  if (!*oldest) return {};
  const bool is_bounded = !options.since.is_never() && engine.has_value();
  const std::uint64_t first = is_bounded ? replay_from + 1 : (*oldest)->first_seq;
  const auto last = reader.last_seq();
  if (!last) return tl::make_unexpected(last.error());
  if (first > *last) return {};
  Result<> inner;
  const auto read = reader.read(first, [&](std::uint64_t sequence, std::string_view bytes) {
    const auto input = engine::decode(bytes, options.loader);
    if (!input) {
      inner = fail(ErrorCode::corrupt, fmt::format("journal input {}", sequence), input.error().text());
      return false;
    }
    auto event = event_of(*input);
    if (engine && sequence > replay_from) {
      const engine::Effects effects = engine->apply(*input);
      if (event && event->kind != "answer") {
        event->outcome = effects.outcome.accepted ? "accepted" : "refused";
        event->id = effects.outcome.id;
        if (!effects.outcome.accepted) event->reason = effects.outcome.message;
      } else if (event) {
        event->outcome = effects.outcome.accepted ? "taken" : "refused: " + effects.outcome.message;
      }
    }
    if (event) {
      event->input = sequence;
      out.add(std::move(*event));
    }
    return true;
  });
  if (!inner) return inner;
  return read;
}

Result<> add_decisions(const AuditLogOptions& options, journal::JournalReader& reader, Collector& out) {
  journal::DecisionFilter page{.only_adjustments = !options.all, .since = options.since, .limit = journal::kListMax};
  for (std::size_t taken = 0; taken <= options.limit;) {
    const auto rows = reader.list_decisions(page);
    if (!rows) return tl::make_unexpected(rows.error());
    for (const journal::DecisionRow& row : *rows) {
      AuditEvent event{.at = row.at, .kind = "decision", .id = row.id, .what = row.parameter, .outcome = row.outcome};
      if (const auto record = engine::decode_record(row.bytes)) {
        event.what = fmt::format("{} {} -> {}", row.parameter, record->previous.to_string(), record->value.to_string());
        event.reason = record->why.str();
        if (record->answer != engine::Answer::none)
          event.outcome += fmt::format(", {}", engine::name_of(record->answer));
        event.who = record->executor;
      }
      if (options.until.is_never() || event.at <= options.until) ++taken;
      out.add(std::move(event));
    }
    if (rows->size() < page.limit) return {};
    page.before_id = rows->back().id;
  }
  return {};
}

Result<> add_seals(const AuditLogOptions& options, journal::Database& db, Collector& out) {
  return journal::scan_links(db, journal::kSealsTable, true, [&](const journal::Link& link) {
    const auto seal = journal::decode_seal(link.body);
    if (!seal) return true;
    const auto say = [&](std::string what) {
      out.add({.at = link.at, .kind = "journal", .id = link.n, .what = std::move(what)});
    };
    if (!seal->note.empty()) say(seal->note);
    if (seal->opened_epoch != 0) say(fmt::format("opened for writing, epoch {}", seal->opened_epoch));
    if (seal->inputs_removed_to != 0) say(fmt::format("retention removes inputs up to {}", seal->inputs_removed_to));
    if (!seal->decisions_removed_before.is_never()) {
      say(fmt::format("retention removes decisions before {}", text_of(seal->decisions_removed_before)));
    }
    if (seal->has_snapshot && options.all) {
      say(fmt::format("snapshot after input {}, configuration {}", seal->snapshot_seq,
                      seal->policy_digest.substr(0, 12)));
    }
    return true;
  });
}

}  // namespace

Result<AuditLog> audit_log(const AuditLogOptions& options) {
  auto reader = journal::JournalReader::open(options.journal);
  if (!reader) return tl::make_unexpected(reader.error());
  auto db = journal::open_for_reading(journal::database_file(options.journal));
  if (!db) return tl::make_unexpected(db.error());
  Collector out(options);
  std::uint64_t from = 0;
  auto engine = engine_before(*db, options, from);
  if (!engine) return tl::make_unexpected(engine.error());
  if (const auto done = add_seals(options, *db, out); !done) return tl::make_unexpected(done.error());
  if (const auto done = add_inputs(options, *reader, std::move(*engine), from, out); !done)
    return tl::make_unexpected(done.error());
  if (const auto done = add_decisions(options, *reader, out); !done) return tl::make_unexpected(done.error());
  return out.take();
}

}  // namespace homeostat::cli
