// replay: proves that a journal gives the same decisions, and shows the first that differs in full.
#include "cli/replay.hpp"

#include "cli/commands/context.hpp"
#include "cli/commands/failure.hpp"
#include "cli/commands/policy_loader.hpp"
#include "cli/commands/progress.hpp"
#include "cli/format.hpp"
#include "cli/json.hpp"
#include "config/config.hpp"
#include "daemon/convert/decision.hpp"

namespace homeostat::cli {

Result<engine::PolicyPtr> load_policy(const std::string& text) {
  const auto loaded = config::load_text(text, "journal", [](std::string_view) { return std::nullopt; });
  if (loaded) return loaded->policy();
  std::string all;
  for (const config::Diagnostic& d : loaded.error()) all += (all.empty() ? "" : "; ") + d.text();
  return fail(ErrorCode::invalid_argument, "policy", all);
}

namespace {

v1::Decision message_of(const engine::DecisionRecord& record) {
  v1::Decision message;
  convert::proto_from_decision(record, "", message);
  return message;
}

std::string or_null(const std::optional<engine::DecisionRecord>& record) {
  return record ? line_json(message_of(*record)) : "null";
}

std::string json_of(const ReplayReport& r) {
  std::string divergence = "null";
  if (r.divergence) {
    const Divergence& d = *r.divergence;
    divergence = fmt::format(
        "{{\n    \"text\": {},\n    \"sequence\": {},\n    \"decision\": {},\n    \"stored\": {},\n"
        "    \"replayed\": {}\n  }}",
        quoted(d.text), d.sequence, d.decision, or_null(d.stored), or_null(d.replayed));
  }
  return fmt::format(
      "{{\n  \"identical\": {},\n  \"from_sequence\": {},\n  \"last_sequence\": {},\n  \"inputs\": {},\n"
      "  \"decisions\": {},\n  \"not_stored\": {},\n  \"pruned\": {},\n  \"snapshots\": {},\n"
      "  \"state_hash\": {},\n  \"decisions_hash\": {},\n  \"divergence\": {}\n}}",
      r.is_identical(), r.from_sequence, r.last_sequence, r.inputs, r.decisions, r.not_stored, r.pruned, r.snapshots,
      quoted(r.state_hash), quoted(r.decisions_hash), divergence);
}

std::vector<std::string> lines_of(const std::optional<engine::DecisionRecord>& record) {
  std::vector<std::string> lines;
  if (!record) return lines;
  const std::string text = pretty_json(message_of(*record));
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// Both records whole, in every digit; lines that differ are marked. The same fields stand on the same lines until a
/// list has another length, and from there on everything is marked, which is what it is.
void show_divergence(const Context& context, const Divergence& d) {
  context.print_line(context.console.tone("DIVERGED: " + d.text, Tone::bad));
  const auto stored = lines_of(d.stored);
  const auto replayed = lines_of(d.replayed);
  const auto show = [&](const char* title, const std::vector<std::string>& lines,
                        const std::vector<std::string>& other) {
    if (lines.empty()) return;
    context.print_line(title);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const bool same = i < other.size() && other[i] == lines[i];
      const std::string line = (same ? "    " : "  > ") + lines[i];
      context.print_line(context.console.tone(printable(line), same ? Tone::plain : Tone::warn));
    }
  };
  show("stored:", stored, replayed);
  show("replayed:", replayed, stored);
}

void show(const Context& context, const ReplayReport& r) {
  context.print_line(fmt::format("inputs:    {} applied again, {} to {}", grouped(r.inputs),
                                 grouped(r.from_sequence + 1), grouped(r.last_sequence)));
  context.print_line(fmt::format("decisions: {} equal, byte for byte", grouped(r.decisions)));
  if (r.not_stored > 0)
    context.print_line(fmt::format("           {} of the last inputs not stored yet", grouped(r.not_stored)));
  if (r.pruned > 0) context.print_line(fmt::format("           {} removed by retention", grouped(r.pruned)));
  context.print_line(fmt::format("snapshots: {} equal", r.snapshots));
  context.print_line(fmt::format("state:     {}", r.state_hash));
  context.print_line(fmt::format("decided:   {}", r.decisions_hash));
  if (r.divergence) return show_divergence(context, *r.divergence);
  context.print_line(context.console.tone("identical", Tone::good));
}

Outcome<> run_replay(Context& context, const std::string& directory, const std::string& config_path) {
  Progress progress(context.console, "replaying inputs");
  ReplayOptions options{.journal = directory, .loader = load_policy};
  options.progress = [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); };
  if (!config_path.empty()) {
    const auto loaded = config::load_file(config_path);
    if (!loaded)
      return stop(ExitCode::refused, fmt::format("{} is not valid; see homeostat check {}", config_path, config_path));
    options.first_policy = loaded->policy();
  }
  const auto report = replay(options);
  progress.end();
  if (!report) return tl::make_unexpected(failure_of(report.error()));
  if (context.options.json) {
    context.print_line(json_of(*report));
  } else {
    show(context, *report);
  }
  if (!report->is_identical()) return stop(ExitCode::divergence, report->divergence->text);
  return {};
}

}  // namespace

void add_replay_command(CLI::App& root, Context& context) {
  const auto directory = std::make_shared<std::string>();
  const auto config_path = std::make_shared<std::string>();
  CLI::App* app = add_command(
      root, context, "replay", "Prove that a journal gives the same decisions again",
      {"homeostat replay --journal homeostat-data", "homeostat replay --journal backup.db --json | jq .identical"},
      [&context, directory, config_path] { return run_replay(context, *directory, *config_path); });
  app->add_option("--journal", *directory, "a journal's directory, or a backup file; a daemon may be using it")
      ->required()
      ->type_name("DIR");
  app->add_option("--config", *config_path,
                  "start at the first input, with this policy; default: at the oldest kept snapshot")
      ->type_name("FILE");
}

}  // namespace homeostat::cli
