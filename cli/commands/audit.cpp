// audit verify, checkpoint, log: proof that nothing in a journal was changed, and what it says, for people.
#include <fstream>
#include <iterator>
#include <sstream>

#include "cli/audit_log.hpp"
#include "cli/checkpoint.hpp"
#include "cli/commands/context.hpp"
#include "cli/commands/failure.hpp"
#include "cli/commands/policy_loader.hpp"
#include "cli/commands/progress.hpp"
#include "cli/format.hpp"
#include "cli/json.hpp"
#include "cli/replay.hpp"
#include "core/format.hpp"
#include "core/text.hpp"

namespace homeostat::cli {
namespace {

using journal::AuditPart;
using journal::AuditReport;
using journal::Finding;

struct VerifyOptions {
  std::string journal;
  std::string checkpoint;  ///< path; "-" = standard input
  std::string trust;       ///< public key that must have signed it
  bool no_replay = false;
};

// --- what a damaged row holds ---

std::string describe_input(const engine::Input& input) {
  struct {
    std::string operator()(const oracle::SampleBatch& x) const {
      return fmt::format("{} from {}", counted(x.samples.size(), "sample"), x.source);
    }
    std::string operator()(const oracle::ChainSegment& x) const {
      return fmt::format("blocks {} to {} of {}", x.from, x.to, x.source);
    }
    std::string operator()(const oracle::SourceReport& x) const { return "a report on source " + x.source; }
    std::string operator()(const engine::Tick& x) const { return fmt::format("the tick of slot {}", x.slot); }
    std::string operator()(const engine::GuardianCommand& x) const {
      return fmt::format("a command of {}: {}", x.actor, guardian::name_of(x.kind));
    }
    std::string operator()(const engine::ActuatorReport& x) const {
      return fmt::format("{}'s answer to adjustment {}", x.executor, x.adjustment);
    }
    std::string operator()(const engine::PolicyChange& x) const { return "a configuration by " + x.actor; }
    std::string operator()(const engine::SignedCommand&) const { return "a signed order"; }
  } say;
  return std::visit(say, input);
}

constexpr std::size_t kDescribedMax = 3;  // inputs of a frame that are named

std::string describe_frame(std::string_view bytes) {
  std::string text;
  std::size_t count = 0;
  for (std::string_view input; journal::take_input(bytes, input); ++count) {
    if (count >= kDescribedMax) continue;
    const auto decoded = engine::decode(input, load_policy);
    text += (text.empty() ? "" : ", ") + (decoded ? describe_input(*decoded) : "an input that cannot be read");
  }
  if (count > kDescribedMax) text += fmt::format(" and {} more", count - kDescribedMax);
  return text;
}

std::string describe_decision(std::string_view bytes) {
  const auto record = engine::decode_record(bytes);
  if (!record) return "a record that cannot be read";
  return fmt::format("{} {} -> {}, {}, {}", record->parameter.str(), record->previous.to_string(),
                     record->value.to_string(), engine::name_of(record->outcome), engine::name_of(record->answer));
}

std::string holds_now(const Finding& f) {
  if (f.bytes.empty()) return "";
  return f.part == AuditPart::inputs ? describe_frame(f.bytes) : describe_decision(f.bytes);
}

std::string row_of(const Finding& f) {
  const auto range = [&](const char* noun) {
    return f.first == f.last ? fmt::format("{} {}", noun, f.first) : fmt::format("{}s {} to {}", noun, f.first, f.last);
  };
  if (f.first == 0 && f.part != AuditPart::snapshots) return std::string(name_of(f.part));
  switch (f.part) {
    case AuditPart::inputs: return range("input");
    case AuditPart::ledger: return range("ledger row");
    case AuditPart::seals: return range("seal");
    case AuditPart::decisions: return range("decision");
    case AuditPart::snapshots: return f.text.starts_with("cannot") ? "snapshots" : range("snapshot");
    case AuditPart::structure: return "structure";
    case AuditPart::checkpoint: return "checkpoint";
  }
  return "?";
}

// --- verify ---

Outcome<std::optional<CheckpointFile>> read_checkpoint(const Context& context, const VerifyOptions& options) {
  if (options.checkpoint.empty()) return std::optional<CheckpointFile>();
  std::string text;
  if (options.checkpoint == "-") {
    text.assign(std::istreambuf_iterator<char>(context.console.in), {});
  } else {
    std::ifstream in(options.checkpoint, std::ios::binary);
    if (!in) return stop(ExitCode::error, "cannot read " + options.checkpoint);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  auto file = parse_checkpoint(text);
  if (!file) return stop(file.error().code, options.checkpoint + ": " + file.error().message);
  if (!options.trust.empty() && file->public_key != options.trust) {
    return stop(ExitCode::divergence, fmt::format("{}: {}, not by the key of --trust", options.checkpoint,
                                                  file->key.empty() ? "is not signed" : "is signed by " + file->key));
  }
  return std::optional<CheckpointFile>(std::move(*file));
}

std::string json_of(const Finding& f) {
  const std::string at = f.at.is_never() ? "null" : quoted(text_of(f.at));
  const std::string holds = holds_now(f);
  return fmt::format(
      "{{\"part\": {}, \"first\": {}, \"last\": {}, \"at\": {}, \"row\": {}, \"text\": {}, \"holds_now\": {}}}",
      quoted(std::string(name_of(f.part))), f.first, f.last, at, quoted(row_of(f)), quoted(printable(f.text)),
      holds.empty() ? "null" : quoted(printable(holds)));
}

std::string json_of(const AuditReport& r, const std::optional<CheckpointFile>& checkpoint,
                    const std::optional<ReplayReport>& replayed, const std::string& replay_note) {
  std::string findings;
  for (const Finding& f : r.findings) findings += (findings.empty() ? "\n    " : ",\n    ") + json_of(f);
  if (!findings.empty()) findings += "\n  ";
  std::string replay = "null";
  if (replayed) {
    replay = fmt::format("{{\"identical\": {}, \"inputs\": {}, \"decisions\": {}, \"text\": {}}}",
                         replayed->is_identical(), replayed->inputs, replayed->decisions,
                         replayed->divergence ? quoted(replayed->divergence->text) : "null");
  }
  return fmt::format(
      "{{\n  \"intact\": {},\n  \"found\": {},\n  \"findings\": [{}],\n  \"first_input\": {},\n  \"last_input\": {},\n"
      "  \"inputs_removed\": {},\n  \"frames\": {},\n  \"bytes\": {},\n  \"decisions\": {},\n  \"ledger_rows\": {},\n"
      "  \"seals\": {},\n  \"snapshots\": {},\n  \"checkpoint\": {},\n  \"checkpoint_signed_by\": {},\n"
      "  \"replay\": {},\n  \"replay_note\": {},\n  \"head\": {}\n}}",
      r.is_intact() && (!replayed || replayed->is_identical()), r.found, findings, r.first_seq, r.last_seq,
      r.inputs_removed, r.frames, r.input_bytes, r.decisions, r.ledger_rows, r.seal_rows, r.snapshots,
      r.checkpoint.empty() ? "null" : quoted(r.checkpoint),
      checkpoint && !checkpoint->key.empty() ? quoted(checkpoint->key) : "null", replay,
      replay_note.empty() ? "null" : quoted(replay_note), checkpoint_line(r.head));
}

void show(const Context& context, const AuditReport& r, const std::optional<CheckpointFile>& checkpoint) {
  for (const Finding& f : r.findings) {
    const std::string when = f.at.is_never() ? "" : fmt::format(" (written {})", text_of(f.at));
    context.print_line(
        context.console.tone(printable(fmt::format("DAMAGE: {}{}: {}", row_of(f), when, f.text)), Tone::bad));
    if (const std::string holds = holds_now(f); !holds.empty()) {
      context.print_line(printable("        it now holds: " + holds));
    }
  }
  if (r.found > r.findings.size()) context.print_line(fmt::format("... and {} more", r.found - r.findings.size()));
  context.print_line(fmt::format(
      "inputs:     {} to {} in {} commits{}", grouped(r.first_seq), grouped(r.last_seq), grouped(r.frames),
      r.inputs_removed > 0 ? fmt::format("; retention removed those up to {}", grouped(r.inputs_removed)) : ""));
  context.print_line(
      fmt::format("decisions:  {}, each as the ledger's {} rows say", grouped(r.decisions), grouped(r.ledger_rows)));
  context.print_line(fmt::format("snapshots:  {}, each as the {} seals say", r.snapshots, grouped(r.seal_rows)));
  if (checkpoint && r.is_intact()) {
    const std::string by = checkpoint->key.empty() ? "" : fmt::format(", signed by {}", checkpoint->key);
    context.print_line(fmt::format("checkpoint: {}{}", r.checkpoint, by));
  }
}

Outcome<> verify(Context& context, const VerifyOptions& options) {
  const auto checkpoint = read_checkpoint(context, options);
  if (!checkpoint) return tl::make_unexpected(checkpoint.error());
  Progress progress(context.console, "checking inputs");
  journal::AuditOptions asked{.journal = options.journal};
  if (*checkpoint) asked.checkpoint = (*checkpoint)->checkpoint;
  asked.progress = [&](const journal::Progress& p) { progress.show(p.done_seq, p.target_seq); };
  const auto report = journal::audit(asked);
  progress.end();
  if (!report) return tl::make_unexpected(failure_of(report.error()));
  // Damaged inputs cannot be replayed; the damage is what has to be said.
  std::optional<ReplayReport> replayed;
  std::string note = options.no_replay ? "not asked for" : "not tried on a damaged journal";
  if (report->is_intact() && !options.no_replay) {
    Progress replaying(context.console, "replaying inputs");
    ReplayOptions again{.journal = options.journal, .loader = load_policy};
    again.progress = [&](std::uint64_t done, std::uint64_t total) { replaying.show(done, total); };
    auto made = replay(again);
    replaying.end();
    if (made) {
      replayed = std::move(*made);
      note.clear();
    } else if (made.error().code == ErrorCode::missing) {
      note = "nothing to replay: " + made.error().text();
    } else {
      return tl::make_unexpected(failure_of(made.error()));
    }
  }
  if (context.options.json) {
    context.print_line(json_of(*report, *checkpoint, replayed, note));
  } else {
    show(context, *report, *checkpoint);
    context.print_line(replayed ? fmt::format("replay:     {} of {} inputs gives {} decisions {}",
                                              replayed->is_identical() ? "identical;" : "DIFFERS;",
                                              grouped(replayed->inputs), grouped(replayed->decisions),
                                              replayed->is_identical() ? "byte for byte" : "before the difference")
                                : "replay:     " + note);
    if (report->is_intact() && (!replayed || replayed->is_identical())) {
      context.print_line(context.console.tone("intact", Tone::good));
    }
  }
  if (!report->is_intact()) {
    return stop(ExitCode::divergence, fmt::format("{} found in {}", counted(report->found, "change"), options.journal));
  }
  if (replayed && !replayed->is_identical()) return stop(ExitCode::divergence, replayed->divergence->text);
  return {};
}

// --- checkpoint ---

Outcome<> checkpoint(Context& context, const std::string& directory, const std::string& key_file,
                     const std::string& out_file) {
  // To the second, as it is read by people and written in one form only.
  const Instant now = Instant::from_unix_seconds(context.console.now().ns / 1'000'000'000);
  const auto made = journal::checkpoint_of(directory, now);
  if (!made) return tl::make_unexpected(failure_of(made.error()));
  std::string line = checkpoint_line(*made);
  if (!key_file.empty()) {
    const auto key = SigningKey::read(key_file);
    if (!key) return tl::make_unexpected(key.error());
    line = checkpoint_line(*made, *key);
  }
  if (out_file.empty()) {
    context.print_line(line);
    return {};
  }
  std::ofstream out(out_file, std::ios::binary | std::ios::app);
  out << line << '\n';
  out.close();
  if (!out) return stop(ExitCode::error, "cannot write " + out_file);
  return {};
}

// --- log ---

struct LogOptions {
  std::string journal;
  std::string since;
  std::string until;
  std::string kind;
  bool all = false;
  std::size_t limit = 1000;
};

/// A time, or how long ago: 2026-11-21T07:00:00Z, 2h.
Outcome<Instant> time_of(const Context& context, const char* option, const std::string& text) {
  if (text.empty()) return Instant{};
  if (const auto at = parse_instant(text)) return *at;
  if (const auto ago = parse_duration(text)) return context.console.now() - *ago;
  return stop(ExitCode::usage,
              fmt::format("{}: '{}' is neither a time (2026-11-21T07:00:00Z) nor a duration (2h)", option, text));
}

std::string json_of(const AuditEvent& e) {
  const auto or_null = [](const std::string& text) { return text.empty() ? std::string("null") : quoted(text); };
  return fmt::format(
      "{{\"at\": {}, \"kind\": {}, \"id\": {}, \"input\": {}, \"who\": {}, \"what\": {}, \"outcome\": {}, \"reason\": "
      "{}, "
      "\"signed_text\": {}}}",
      quoted(text_of(e.at)), quoted(e.kind), e.id, e.input, or_null(e.who), quoted(e.what), or_null(e.outcome),
      or_null(e.reason), or_null(e.signed_text));
}

Outcome<> log(Context& context, const LogOptions& options) {
  const auto since = time_of(context, "--since", options.since);
  if (!since) return tl::make_unexpected(since.error());
  const auto until = time_of(context, "--until", options.until);
  if (!until) return tl::make_unexpected(until.error());
  auto made = audit_log({.journal = options.journal,
                         .loader = load_policy,
                         .since = *since,
                         .until = *until,
                         .all = options.all,
                         .limit = options.limit});
  if (!made) return tl::make_unexpected(failure_of(made.error()));
  std::erase_if(made->events, [&](const AuditEvent& e) { return !options.kind.empty() && e.kind != options.kind; });
  if (context.options.json) {
    std::string events;
    for (const AuditEvent& e : made->events) events += (events.empty() ? "\n    " : ",\n    ") + json_of(e);
    context.print_line(fmt::format("{{\n  \"left_out\": {},\n  \"events\": [{}{}]\n}}", made->left_out, events,
                                   events.empty() ? "" : "\n  "));
    return {};
  }
  if (made->events.empty()) {
    context.say("nothing in that time");
    return {};
  }
  Table table({{"AT"}, {"KIND"}, {"ID", Align::right}, {"WHO"}, {"WHAT"}, {"OUTCOME"}, {"REASON"}});
  for (const AuditEvent& e : made->events) {
    const Tone tone = e.outcome.starts_with("refused") ? Tone::warn : Tone::plain;
    table.add({{text_of(e.at)},
               {e.kind},
               {e.id == 0 ? "" : fmt::format("#{}", e.id)},
               {printable(e.who)},
               {printable(e.what)},
               {printable(e.outcome), tone},
               {printable(e.reason)}});
  }
  context.print(table.render(context.console.table_style()));
  if (made->left_out > 0) context.say(fmt::format("{} older ones are left out (--limit)", grouped(made->left_out)));
  return {};
}

void add_verify(CLI::App& group, Context& context) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App* app = add_command(group, context, "verify", "Prove that nothing in a journal was changed, and replay it",
                              {"homeostat audit verify homeostat-data",
                               "homeostat audit verify backup.db --checkpoint monday.json --json | jq .findings"},
                              [&context, options] { return verify(context, *options); });
  app->add_option("DIR", options->journal, "a journal's directory, also of a running daemon, or a backup file")
      ->required();
  app->add_option("--checkpoint", options->checkpoint, "prove that the journal goes on from this one; - reads stdin")
      ->type_name("FILE");
  app->add_option("--trust", options->trust, "public key that must have signed the checkpoint")->type_name("HEX");
  app->add_flag("--no-replay", options->no_replay, "do not make the decisions again; faster, proves less");
}

void add_checkpoint(CLI::App& group, Context& context) {
  const auto directory = std::make_shared<std::string>();
  const auto key = std::make_shared<std::string>();
  const auto out = std::make_shared<std::string>();
  CLI::App* app =
      add_command(group, context, "checkpoint", "One line that says where a journal stands, to keep elsewhere",
                  {"homeostat audit checkpoint homeostat-data >> /mnt/elsewhere/checkpoints",
                   "homeostat audit checkpoint homeostat-data --sign alice.key --out monday.json"},
                  [&context, directory, key, out] { return checkpoint(context, *directory, *key, *out); });
  app->add_option("DIR", *directory, "a journal's directory, also of a running daemon, or a backup file")->required();
  app->add_option("--sign", *key, "sign it with this guardian's key file")->type_name("FILE");
  app->add_option("--out", *out, "append the line to this file instead of printing it")->type_name("FILE");
}

void add_log(CLI::App& group, Context& context) {
  const auto options = std::make_shared<LogOptions>();
  CLI::App* app = add_command(group, context, "log", "Commands, configurations, decisions and answers, in their order",
                              {"homeostat audit log homeostat-data --since 2h",
                               "homeostat audit log backup.db --kind command --json | jq '.events[] | {who, what}'"},
                              [&context, options] { return log(context, *options); });
  app->add_option("DIR", options->journal, "a journal's directory, also of a running daemon, or a backup file")
      ->required();
  app->add_option("--since", options->since, "a time, or how long ago")->type_name("TIME");
  app->add_option("--until", options->until, "a time, or how long ago")->type_name("TIME");
  app->add_option("--kind", options->kind, "only command, configuration, decision, answer or journal")
      ->check(CLI::IsMember({"command", "configuration", "decision", "answer", "journal"}))
      ->type_name("KIND");
  app->add_flag("--all", options->all, "also decisions that sent nothing, and snapshots");
  app->add_option("--limit", options->limit, "the newest of them, 1 to 1000000; default 1000")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000));
}

}  // namespace

void add_audit_commands(CLI::App& root, Context& context) {
  CLI::App* group =
      add_group(root, "audit", "Prove that a journal is as it was written, and read what it says",
                {"homeostat audit verify homeostat-data", "homeostat audit log homeostat-data --since 1d"});
  add_verify(*group, context);
  add_checkpoint(*group, context);
  add_log(*group, context);
}

}  // namespace homeostat::cli
