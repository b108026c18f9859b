// journal verify, backup, salvage: a journal's files on this machine, without a daemon in between.
#include "daemon/journal/journal.hpp"
#include "cli/commands/context.hpp"
#include "cli/commands/failure.hpp"
#include "cli/commands/progress.hpp"
#include "cli/format.hpp"
#include "cli/json.hpp"

namespace homeostat::cli {
namespace {

Outcome<> verify(Context& context, const std::string& directory) {
  auto reader = journal::JournalReader::open(directory);
  if (!reader) return tl::make_unexpected(failure_of(reader.error()));
  Progress progress(context.console, "checking inputs");
  const auto report = reader->verify([&](const journal::Progress& p) { progress.show(p.done_seq, p.target_seq); });
  progress.end();
  if (!report) return tl::make_unexpected(failure_of(report.error()));
  if (context.options.json) {
    context.print_line(
        fmt::format("{{\n  \"first_sequence\": {},\n  \"last_sequence\": {},\n  \"frames\": {},\n  \"bytes\": {},\n"
                    "  \"decisions\": {},\n  \"snapshots\": [{}]\n}}",
                    report->first_seq, report->last_seq, report->frames, report->bytes, report->decisions,
                    fmt::join(report->snapshots, ", ")));
  } else {
    context.print_line(fmt::format("intact: inputs {} to {} in {} frames ({} bytes), {} decisions, {} snapshots",
                                   grouped(report->first_seq), grouped(report->last_seq), grouped(report->frames),
                                   grouped(report->bytes), grouped(report->decisions), report->snapshots.size()));
  }
  return {};
}

Outcome<> backup(Context& context, const std::string& directory, const std::string& destination) {
  auto reader = journal::JournalReader::open(directory);
  if (!reader) return tl::make_unexpected(failure_of(reader.error()));
  Progress progress(context.console, "copying pages");
  const auto done =
      reader->backup(destination, [&](const journal::Progress& p) { progress.show(p.done_seq, p.target_seq); });
  progress.end();
  if (!done) return tl::make_unexpected(failure_of(done.error()));
  auto copy = journal::JournalReader::open(destination);
  if (!copy) return tl::make_unexpected(failure_of(copy.error()));
  const auto last = copy->last_seq();
  if (!last) return tl::make_unexpected(failure_of(last.error()));
  if (context.options.json) {
    context.print_line(fmt::format("{{\n  \"path\": {},\n  \"last_sequence\": {}\n}}", quoted(destination), *last));
  } else {
    context.print_line(fmt::format("{}: inputs up to {}. To restore: put it as {} into an empty directory.",
                                   destination, grouped(*last), journal::kFileName));
  }
  return {};
}

Outcome<> salvage(Context& context, const std::string& directory) {
  // An intact journal is left alone: a rebuilt copy of it would be no better.
  if (auto reader = journal::JournalReader::open(directory); reader && reader->verify()) {
    context.print_line(context.options.json ? "{\n  \"damage\": null\n}" : "intact: nothing was changed");
    return {};
  }
  const auto report = journal::salvage(directory);
  if (!report) return tl::make_unexpected(failure_of(report.error()));
  if (context.options.json) {
    context.print_line(fmt::format(
        "{{\n  \"damage\": {},\n  \"first_sequence\": {},\n  \"last_sequence\": {},\n  \"side_file\": {},\n"
        "  \"snapshots_kept\": {},\n  \"decisions_kept\": {},\n  \"last_decision_id\": {},\n  \"replayable\": {}\n}}",
        quoted(report->damage), report->first_seq, report->last_seq, quoted(report->side_file.string()),
        report->snapshots_kept, report->decisions_kept, report->last_decision_id, report->replayable));
    return {};
  }
  context.print_line(printable(fmt::format("damage:  {}", report->damage)));
  context.print_line(fmt::format("kept:    inputs {} to {}, {} decisions, {} snapshots", grouped(report->first_seq),
                                 grouped(report->last_seq), grouped(report->decisions_kept), report->snapshots_kept));
  context.print_line(fmt::format("damaged original, whole: {}", report->side_file.string()));
  context.print_line(fmt::format("ids up to {} may have been emitted", report->last_decision_id));
  if (!report->replayable) {
    context.say(
        "the kept inputs do not reach back to a kept snapshot: the daemon cannot start from this journal; "
        "restore a backup");
  }
  return {};
}

}  // namespace

void add_journal_commands(CLI::App& root, Context& context) {
  CLI::App* group = add_group(root, "journal", "A journal's files on this machine: verify, backup, salvage",
                              {"homeostat journal verify homeostat-data"});
  const auto directory = std::make_shared<std::string>();
  CLI::App* app = add_command(*group, context, "verify", "Check every byte: structure, hash chain, snapshots",
                              {"homeostat journal verify homeostat-data", "homeostat journal verify backup.db --json"},
                              [&context, directory] { return verify(context, *directory); });
  app->add_option("DIR", *directory, "a journal's directory, or a backup file")->required();

  const auto destination = std::make_shared<std::string>();
  app = add_command(*group, context, "backup", "Copy a journal, also of a running daemon",
                    {"homeostat journal backup homeostat-data monday.db"},
                    [&context, directory, destination] { return backup(context, *directory, *destination); });
  app->add_option("DIR", *directory, "the journal's directory")->required();
  app->add_option("FILE", *destination, "the copy; must not exist")->required();

  app = add_command(
      *group, context, "salvage", "Repair a damaged journal of a stopped daemon; keeps the original whole",
      {"homeostat journal salvage homeostat-data"}, [&context, directory] { return salvage(context, *directory); });
  app->add_option("DIR", *directory, "the journal's directory")->required();
}

}  // namespace homeostat::cli
