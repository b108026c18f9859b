// adjustments, explain, why, preview: what was decided, why, and what would be decided next.
#include <charconv>

#include "cli/commands/context.hpp"
#include "cli/commands/names.hpp"
#include "cli/json.hpp"
#include "cli/present.hpp"
#include "cli/why.hpp"

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

Outcome<std::optional<v1::Decision>> newest_of(Client& client, const std::string& parameter, bool adjustments_only) {
  v1::ListDecisionsRequest request;
  request.set_parameter(parameter);
  request.set_adjustments_only(adjustments_only);
  request.set_limit(1);
  const auto answer = client.call(request);
  if (!answer) return tl::make_unexpected(answer.error());
  return answer->decisions().empty() ? std::nullopt : std::optional(answer->decisions(0));
}

Outcome<> why(Context& context, const std::string& name) {
  auto client = context.client();
  if (!client) return tl::make_unexpected(client.error());
  const auto parameters = client->call(v1::ListParametersRequest{});
  if (!parameters) return tl::make_unexpected(parameters.error());
  const auto parameter = find_named(parameters->parameters(), name, "parameter");
  if (!parameter) return tl::make_unexpected(parameter.error());
  auto status = client->call(v1::GetStatusRequest{});
  if (!status) return tl::make_unexpected(status.error());
  auto last = newest_of(*client, name, false);
  if (!last) return tl::make_unexpected(last.error());
  auto last_sent = newest_of(*client, name, true);
  if (!last_sent) return tl::make_unexpected(last_sent.error());
  const Situation situation{.status = std::move(*status),
                            .parameter = **parameter,
                            .last = std::move(*last),
                            .last_sent = std::move(*last_sent),
                            .now = context.console.now()};
  const WhyAnswer answer = why_of(situation);
  if (context.options.json) {
    context.print_line(why_json(answer));
  } else {
    context.print(printable(why_text(answer, situation.now), Keep::lines));
  }
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
  CLI::App* explained = add_command(root, context, "explain", "Why a parameter moved, or did not, in plain words",
                                    {"homeostat explain last", "homeostat explain 17 --json | jq '.decision.limits'"},
                                    [&context, which] { return explain(context, *which); });
  explained->add_option("ID", *which, "of a decision (homeostat adjustments lists them), or last (the default)");

  const auto parameter = std::make_shared<std::string>();
  CLI::App* asked = add_command(
      root, context, "why", "Why a parameter does not move now, or moved, and what to do about it",
      {"homeostat why transaction_fee", "homeostat why transaction_fee --json | jq '.reasons[] | select(.holds)'"},
      [&context, parameter] { return why(context, *parameter); });
  asked->add_option("PARAMETER", *parameter, "its name (homeostat parameters lists them)")->required();

  add_command(root, context, "preview", "What the next tick would decide now, without deciding it",
              {"homeostat preview", "homeostat preview --json | jq '.decisions[].value'"},
              [&context] { return preview(context); });
}

}  // namespace homeostat::cli
