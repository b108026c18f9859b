// adjustments, explain, preview: what was decided, why, and what would be decided next.
#include <charconv>

#include "cli/commands/context.hpp"
#include "cli/json.hpp"
#include "cli/present.hpp"

namespace homeostat::cli {
namespace {

struct ListOptions {
  std::string parameter;
  bool all = false;
  std::uint32_t limit = 20;
  std::uint64_t before = 0;
};

Look look_of(const Context& context) {
  return {context.console.table_style(), context.console.now()};
}

Outcome<> list(Context& context, const ListOptions& options) {
  v1::ListDecisionsRequest request;
  request.set_parameter(options.parameter);
  request.set_adjustments_only(!options.all);
  request.set_limit(options.limit);
  request.set_before_id(options.before);
  const auto answer = fetch(context, request);
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(*answer));
    return {};
  }
  if (answer->decisions().empty()) {
    context.say(options.all ? "no decisions" : "no adjustments yet (--all shows decisions that changed nothing)");
    return {};
  }
  context.print(decisions_table(answer->decisions(), look_of(context)));
  if (answer->decisions_size() == static_cast<int>(options.limit)) {
    context.say(fmt::format("older ones: --before {}", answer->decisions(answer->decisions_size() - 1).id()));
  }
  return {};
}

Outcome<> explain(Context& context, const std::string& which) {
  v1::ExplainRequest request;
  if (which != "last") {
    const std::string digits = which.rfind('#', 0) == 0 ? which.substr(1) : which;
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (error != std::errc{} || end != digits.data() + digits.size() || id == 0) {
      return stop(ExitCode::usage,
                  fmt::format("'{}' is not a decision's id; give a number such as 17, or 'last'", which));
    }
    request.set_id(id);
  }
  const auto answer = fetch(context, request);
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(*answer));
    return {};
  }
  const std::string text = printable(answer->text(), Keep::lines);
  context.print(text.empty() || text.back() != '\n' ? text + '\n' : text);
  return {};
}

Outcome<> preview(Context& context) {
  const auto answer = fetch(context, v1::PreviewRequest{});
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(*answer));
  } else if (answer->decisions().empty()) {
    context.say("the next tick would decide nothing");
  } else {
    context.print(decisions_table(answer->decisions(), look_of(context)));
  }
  return {};
}

}  // namespace

void add_decision_commands(CLI::App& root, Context& context) {
  const auto options = std::make_shared<ListOptions>();
  CLI::App* adjustments = add_command(root, context, "adjustments", "What was decided, newest first",
                                      {"homeostat adjustments --parameter transaction_fee --limit 5",
                                       "homeostat adjustments --all --json | jq '.decisions[] | {id, outcome, why}'"},
                                      [&context, options] { return list(context, *options); });
  adjustments->add_option("--parameter", options->parameter, "only of this parameter")->type_name("NAME");
  adjustments->add_flag("--all", options->all, "also decisions that sent nothing");
  adjustments->add_option("--limit", options->limit, "how many, 1 to 1000; default 20")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  adjustments->add_option("--before", options->before, "only ids below this one (the next page)")->type_name("ID");

  const auto which = std::make_shared<std::string>("last");
  CLI::App* why = add_command(root, context, "explain", "Why a parameter moved, or did not, in plain words",
                              {"homeostat explain last", "homeostat explain 17 --json | jq '.decision.limits'"},
                              [&context, which] { return explain(context, *which); });
  why->add_option("ID", *which, "of a decision (homeostat adjustments lists them), or last (the default)");

  add_command(root, context, "preview", "What the next tick would decide now, without deciding it",
              {"homeostat preview", "homeostat preview --json | jq '.decisions[].value'"},
              [&context] { return preview(context); });
}

}  // namespace homeostat::cli
