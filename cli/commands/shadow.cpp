// shadow add, list, diff, remove, run: candidates beside the live configuration, and over a journal.
#include <fstream>
#include <iterator>

#include "cli/backtest.hpp"
#include "cli/commands/context.hpp"
#include "cli/commands/failure.hpp"
#include "cli/commands/policy_loader.hpp"
#include "cli/commands/progress.hpp"
#include "cli/commands/shadow.hpp"
#include "cli/format.hpp"
#include "cli/json.hpp"
#include "cli/table.hpp"
#include "config/config.hpp"
#include "core/format.hpp"
#include "core/text.hpp"
#include "daemon/convert/shadow.hpp"

namespace homeostat::cli {
namespace {

std::string share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? "-" : fmt::format("{:.1f}%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string list_table(const v1::ListShadowsResponse& shadows, const Context& context) {
  Table table({{"SHADOW"},
               {"POLICY"},
               {"DIGEST"},
               {"SINCE"},
               {"TICKS", Align::right},
               {"DIFFER", Align::right},
               {"ADJUSTMENTS", Align::right},
               {"LIVE", Align::right},
               {"TICK TAKES", Align::right},
               {"STATE"}});
  for (const v1::Shadow& s : shadows.shadows()) {
    std::uint64_t mine = 0, live = 0, differ = 0;
    for (const v1::ShadowParameter& p : s.parameters()) {
      mine += p.shadow_adjustments(), live += p.live_adjustments();
      differ = std::max<std::uint64_t>(differ, p.differing());
    }
    table.add(
        {{s.name()},
         {s.policy()},
         {s.digest().substr(0, 12)},
         {s.has_forked() ? text_of(instant_of(s.forked())) : "-"},
         {grouped(s.ticks())},
         {share(differ, s.ticks())},
         {grouped(mine)},
         {grouped(live)},
         {s.tick_seconds() > 0 ? human(Duration{static_cast<std::int64_t>(s.tick_seconds() * 1e9)}) : "-"},
         {s.dropped().empty() ? "runs" : "dropped: " + s.dropped(), s.dropped().empty() ? Tone::good : Tone::bad}});
  }
  return table.render(context.console.table_style());
}

}  // namespace

Outcome<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return stop(ExitCode::error, "cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Outcome<engine::PolicyPtr> candidate_of(const std::string& path, const std::string& text) {
  const auto policy = load_policy(text);
  if (policy) return *policy;
  return stop(ExitCode::refused,
              fmt::format("{} is not valid: {} (homeostat check {})", path, policy.error().message, path));
}

std::string diff_text(const v1::Shadow& s, const Context& context) {
  Table table({{"PARAMETER"},
               {"LIVE", Align::right},
               {"SHADOW", Align::right},
               {"UNIT"},
               {"MOVES LIVE", Align::right},
               {"SHADOW", Align::right},
               {"TICKS", Align::right},
               {"DIFFER", Align::right},
               {"LARGEST", Align::right},
               {"AT"}});
  for (const v1::ShadowParameter& p : s.parameters()) {
    table.add({{p.name()},
               {p.live_value().empty() ? "none" : p.live_value()},
               {p.shadow_value().empty() ? "none" : p.shadow_value(),
                p.live_value() == p.shadow_value() ? Tone::plain : Tone::warn},
               {p.unit()},
               {grouped(p.live_adjustments())},
               {grouped(p.shadow_adjustments())},
               {grouped(p.compared())},
               {share(p.differing(), p.compared())},
               {p.has_distance_max_at() ? p.distance_max() : ""},
               {p.has_distance_max_at() ? text_of(instant_of(p.distance_max_at())) : ""}});
  }
  std::string text = table.render(context.console.table_style());
  for (const v1::ShadowParameter& p : s.parameters()) {
    if (!p.has_first()) continue;
    const v1::ShadowDivergence& f = p.first();
    text += fmt::format("{} first differed at {} (slot {}):\n  live   {}: {}\n  shadow {}: {}\n", p.name(),
                        text_of(instant_of(f.at())), f.slot(), f.live(), f.live_why(), f.shadow(), f.shadow_why());
  }
  return printable(text, Keep::lines);
}

namespace {

void add_unit(v1::Shadow& shadow, const engine::Policy& policy) {
  for (v1::ShadowParameter& p : *shadow.mutable_parameters()) {
    for (const auto& settings : policy.guardian.parameters) {
      if (settings.name == p.name()) p.set_unit(settings.unit);
    }
  }
}

Outcome<> add(Context& context, const std::string& name, const std::string& path) {
  const auto text = read_text(path);
  if (!text) return tl::make_unexpected(text.error());
  const auto valid = candidate_of(path, *text);
  if (!valid) return tl::make_unexpected(valid.error());
  // Decisions of two grids are not the same decisions: values can be compared, ticks that differ cannot.
  if (const auto live = fetch(context, v1::GetStatusRequest{}); live && live->has_period()) {
    const Duration period = duration_of(live->period());
    if (period != (*valid)->period) {
      context.say(fmt::format(
          "warning: the candidate decides every {} and the live configuration every {}: at the ticks between "
          "them only one of the two decides, which counts as a difference",
          text_of((*valid)->period), text_of(period)));
    }
  }
  v1::AddShadowRequest request;
  request.set_name(name);
  request.set_text(*text);
  const auto answer = fetch(context, request);
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(*answer));
  } else {
    context.print_line(printable(fmt::format("shadow {} runs {} ({}) from input {} on; homeostat shadow diff {}",
                                             answer->name(), answer->policy(), answer->digest().substr(0, 12),
                                             answer->forked_after(), answer->name())));
  }
  return {};
}

Outcome<> list(Context& context) {
  const auto answer = fetch(context, v1::ListShadowsRequest{});
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(*answer));
  } else if (answer->shadows().empty()) {
    context.say("no shadow runs (homeostat shadow add NAME FILE)");
  } else {
    context.print(list_table(*answer, context));
  }
  return {};
}

Outcome<> diff(Context& context, const std::string& name) {
  v1::ListShadowsRequest request;
  request.set_name(name);
  const auto answer = fetch(context, request);
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(answer->shadows(0)));
    return {};
  }
  const v1::Shadow& shadow = answer->shadows(0);
  if (!shadow.dropped().empty()) {
    return stop(ExitCode::conflict, fmt::format("shadow {} was dropped: {}; add it again", name, shadow.dropped()));
  }
  if (shadow.parameters().empty()) {
    context.say("nothing to compare yet: no tick has come since it was added");
    return {};
  }
  context.print(diff_text(shadow, context));
  return {};
}

Outcome<> remove(Context& context, const std::string& name) {
  v1::RemoveShadowRequest request;
  request.set_name(name);
  const auto answer = fetch(context, request);
  if (!answer) return tl::make_unexpected(answer.error());
  context.print_line(context.options.json ? pretty_json(*answer) : "shadow " + name + " was removed");
  return {};
}

struct RunOptions {
  std::string file;
  std::string journal;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::string at;
};

Outcome<> run(Context& context, const RunOptions& options) {
  const auto text = read_text(options.file);
  if (!text) return tl::make_unexpected(text.error());
  const auto candidate = candidate_of(options.file, *text);
  if (!candidate) return tl::make_unexpected(candidate.error());
  Instant at;
  if (!options.at.empty()) {
    const auto parsed = parse_instant(options.at);
    if (!parsed) return stop(ExitCode::usage, "--at: " + parsed.error().message);
    at = *parsed;
  }
  Progress progress(context.console, "replaying inputs");
  const auto made =
      backtest({.journal = options.journal,
                .loader = load_policy,
                .candidate = *candidate,
                .candidate_text = *text,
                .from = options.from,
                .to = options.to,
                .fork_at = at,
                .progress = [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); }});
  progress.end();
  if (!made) return tl::make_unexpected(failure_of(made.error()));
  v1::Shadow shadow;
  convert::proto_from_shadow(made->shadow, shadow);
  shadow.set_name(options.file);
  shadow.set_forked_after(made->from);
  shadow.set_sequence(made->to);
  add_unit(shadow, **candidate);
  if (context.options.json) {
    context.print_line(pretty_json(shadow));
    return {};
  }
  context.print_line(fmt::format("{} ({}) beside the journal's own policy, inputs {} to {}, {} ticks; decided {}",
                                 (*candidate)->name, (*candidate)->digest.substr(0, 12), grouped(made->from + 1),
                                 grouped(made->to), grouped(made->shadow.ticks()), shadow.decisions_hash()));
  context.print(diff_text(shadow, context));
  return {};
}

void add_run(CLI::App& group, Context& context) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* app =
      add_command(group, context, "run", "Run a candidate over a journal, and compare: a back-test",
                  {"homeostat shadow run candidate.yaml --journal homeostat-data",
                   "homeostat shadow run candidate.yaml --journal backup.db --json | jq '.parameters[].first'"},
                  [&context, options] { return run(context, *options); });
  app->add_option("FILE", options->file, "the candidate")->required();
  app->add_option("--journal", options->journal, "a journal's directory, or a backup file; a daemon may be using it")
      ->required()
      ->type_name("DIR");
  app->add_option("--from", options->from, "begin after this input; default: after the oldest snapshot")
      ->type_name("SEQ");
  app->add_option("--to", options->to, "the last input; default: the newest")->type_name("SEQ");
  app->add_option("--at", options->at, "when it began, of a daemon's shadow that is run again")->type_name("TIME");
}

}  // namespace

void add_shadow_commands(CLI::App& root, Context& context) {
  CLI::App* group =
      add_group(root, "shadow", "Candidate configurations beside the live one: they emit nothing, and are compared",
                {"homeostat shadow add calmer candidate.yaml", "homeostat shadow diff calmer"});
  const auto name = std::make_shared<std::string>();
  const auto file = std::make_shared<std::string>();
  CLI::App* app = add_command(*group, context, "add", "Run a candidate beside the live configuration from now on",
                              {"homeostat shadow add calmer candidate.yaml"},
                              [&context, name, file] { return add(context, *name, *file); });
  app->add_option("SHADOW", *name, "what to call it")->required();
  app->add_option("FILE", *file, "the candidate")->required();
  add_command(*group, context, "list", "Every shadow: since when, how often it differed, what it costs",
              {"homeostat shadow list", "homeostat shadow list --json | jq '.shadows[].tick_seconds'"},
              [&context] { return list(context); });
  app = add_command(
      *group, context, "diff", "How a shadow differs from the live configuration, for each parameter",
      {"homeostat shadow diff calmer", "homeostat shadow diff calmer --json | jq '.parameters[] | {name, first}'"},
      [&context, name] { return diff(context, *name); });
  app->add_option("SHADOW", *name, "its name (homeostat shadow list)")->required();
  app = add_command(*group, context, "remove", "End a shadow", {"homeostat shadow remove calmer"},
                    [&context, name] { return remove(context, *name); });
  app->add_option("SHADOW", *name, "its name (homeostat shadow list)")->required();
  add_promote_command(*group, context);
  add_run(*group, context);
}

}  // namespace homeostat::cli
