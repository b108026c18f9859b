// status, metrics, loops, parameters, sources: the state now, as tables or as the contract's messages in JSON.
#include "cli/commands/context.hpp"
#include "cli/commands/names.hpp"
#include "cli/json.hpp"
#include "cli/present.hpp"

namespace homeostat::cli {
namespace {

Look look_of(const Context& context) {
  return {context.console.table_style(), context.console.now()};
}

/// Keeps only the item called `name`; an empty name keeps all. Unknown: the nearest name.
template <class Items>
Outcome<> keep_only(Items& items, const std::string& name, const std::string& kind) {
  if (name.empty()) return {};
  const auto found = find_named(items, name, kind);
  if (!found) return tl::make_unexpected(found.error());
  auto only = **found;
  items.Clear();
  *items.Add() = std::move(only);
  return {};
}

Outcome<> show_status(Context& context) {
  const auto status = fetch(context, v1::GetStatusRequest{});
  if (!status) return tl::make_unexpected(status.error());
  if (context.options.json) {
    context.print_line(pretty_json(*status));
  } else {
    context.print(status_text(*status, look_of(context)));
  }
  return {};
}

Outcome<> show_metrics(Context& context, const std::string& name) {
  auto metrics = fetch(context, v1::ListMetricsRequest{});
  if (!metrics) return tl::make_unexpected(metrics.error());
  if (const auto kept = keep_only(*metrics->mutable_metrics(), name, "metric"); !kept) return kept;
  if (context.options.json) {
    context.print_line(pretty_json(*metrics));
  } else {
    context.print(metrics_table(*metrics, look_of(context)));
  }
  return {};
}

Outcome<> show_parameters(Context& context, const std::string& name) {
  auto parameters = fetch(context, v1::ListParametersRequest{});
  if (!parameters) return tl::make_unexpected(parameters.error());
  if (const auto kept = keep_only(*parameters->mutable_parameters(), name, "parameter"); !kept) return kept;
  if (context.options.json) {
    context.print_line(pretty_json(*parameters));
  } else {
    context.print(parameters_table(*parameters, look_of(context)));
  }
  return {};
}

Outcome<> show_sources(Context& context, const std::string& name) {
  auto sources = fetch(context, v1::ListSourcesRequest{});
  if (!sources) return tl::make_unexpected(sources.error());
  if (const auto kept = keep_only(*sources->mutable_sources(), name, "source"); !kept) return kept;
  if (context.options.json) {
    context.print_line(pretty_json(*sources));
  } else {
    context.print(sources_table(*sources, look_of(context)));
  }
  return {};
}

Outcome<> show_loops(Context& context, const std::string& name) {
  auto client = context.client();
  if (!client) return tl::make_unexpected(client.error());
  auto loops = client->call(v1::ListLoopsRequest{});
  if (!loops) return tl::make_unexpected(loops.error());
  if (const auto kept = keep_only(*loops->mutable_loops(), name, "loop"); !kept) return kept;
  if (context.options.json) {
    context.print_line(pretty_json(*loops));
    return {};
  }
  const auto metrics = client->call(v1::ListMetricsRequest{});
  if (!metrics) return tl::make_unexpected(metrics.error());
  const auto parameters = client->call(v1::ListParametersRequest{});
  if (!parameters) return tl::make_unexpected(parameters.error());
  context.print(loops_table(*loops, *metrics, *parameters, look_of(context)));
  return {};
}

using Show = Outcome<> (*)(Context&, const std::string&);

void add_list(CLI::App& root, Context& context, const std::string& name, const std::string& description, Show show,
              const std::vector<std::string>& examples) {
  const auto only = std::make_shared<std::string>();
  CLI::App* app =
      add_command(root, context, name, description, examples, [&context, only, show] { return show(context, *only); });
  app->add_option("NAME", *only, "only this one");
}

}  // namespace

void add_state_commands(CLI::App& root, Context& context) {
  add_command(root, context, "status", "The operating mode and its causes, the policy, the last tick",
              {"homeostat status", "homeostat status --json | jq -r .mode"},
              [&context] { return show_status(context); });
  add_list(root, context, "metrics", "Every metric: value, quality, age, where it came from", show_metrics,
           {"homeostat metrics", "homeostat metrics --json | jq '.metrics[] | select(.reading.quality != \"ok\")'"});
  add_list(root, context, "loops", "Every loop: set-point, value, error, the terms of its law", show_loops,
           {"homeostat loops", "homeostat loops creator_supply --json"});
  add_list(root, context, "parameters", "Every parameter: value, wanted value, bounds, who holds it", show_parameters,
           {"homeostat parameters", "homeostat parameters transaction_fee --json"});
  add_list(root, context, "sources", "Every source: connected or why not, accepted, refused, chain head", show_sources,
           {"homeostat sources", "homeostat sources --json | jq '.sources[].refused'"});
}

}  // namespace homeostat::cli
