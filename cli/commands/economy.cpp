// economy: the mechanisms of the token economy, listed, explained and evaluated: here with numbers, or by the daemon on
// its live metrics and parameters.
#include <algorithm>
#include <charconv>

#include "cli/commands/context.hpp"
#include "cli/commands/failure.hpp"
#include "cli/json.hpp"
#include "cli/present.hpp"
#include "cli/table.hpp"
#include "core/format.hpp"
#include "core/text.hpp"
#include "daemon/convert/economy.hpp"

namespace homeostat::cli {
namespace {

struct Arguments {
  std::string mechanism;
  std::vector<std::string> inputs;
};

std::string range_of(const v1::Mechanism::Input& input) {
  return fmt::format("{} to {}", short_text(input.min()), short_text(input.max()));
}

Outcome<> list(Context& context, const std::string& what) {
  if (what == "parameters") {
    const auto all = convert::governed_parameters_to_proto();
    if (context.options.json) return context.print_line(pretty_json(all)), Outcome<>{};
    Table table({{"group"}, {"parameter"}, {"default", Align::right}, {"unit"}, {"range"}, {"meaning"}});
    for (const v1::GovernedParameter& p : all.parameters()) {
      table.add({{p.group()},
                 {p.name(), Tone::strong},
                 {short_text(p.initial())},
                 {p.unit()},
                 {fmt::format("{} to {}", short_text(p.min()), short_text(p.max()))},
                 {p.meaning()}});
    }
    context.print(table.render(context.console.table_style()));
    return {};
  }
  const auto all = convert::mechanisms_to_proto();
  if (context.options.json) return context.print_line(pretty_json(all)), Outcome<>{};
  Table table({{"mechanism"}, {"gives"}, {"what"}});
  for (const v1::Mechanism& m : all.mechanisms()) {
    table.add({{m.name(), Tone::strong}, {fmt::format("{} ({})", m.output(), m.unit())}, {m.help()}});
  }
  context.print(table.render(context.console.table_style()));
  return {};
}

Outcome<v1::Mechanism> mechanism_named(const std::string& name) {
  std::vector<std::string> names;
  const v1::ListMechanismsResponse all = convert::mechanisms_to_proto();
  for (const v1::Mechanism& m : all.mechanisms()) {
    if (m.name() == name) return m;
    names.push_back(m.name());
  }
  return stop(ExitCode::refused,
              fmt::format("there is no mechanism '{}'{} (homeostat economy list)", name, did_you_mean(name, names)));
}

Outcome<> show(Context& context, const std::string& name) {
  const auto m = mechanism_named(name);
  if (!m) return tl::make_unexpected(m.error());
  if (context.options.json) return context.print_line(pretty_json(*m)), Outcome<>{};
  context.print(fmt::format("{}: {}\ngives a{} {} ({})\nsource: {}\n\n", m->name(), m->help(),
                            m->output() == "amount" ? "n" : "", m->output(), m->unit(), m->source()));
  Table table({{"input"}, {"unit"}, {"range"}, {"default", Align::right}, {"what"}});
  for (const v1::Mechanism::Input& i : m->inputs()) {
    table.add({{i.name(), Tone::strong},
               {i.unit()},
               {range_of(i)},
               {i.required() ? "-" : short_text(i.otherwise())},
               {i.help()}});
  }
  context.print(table.render(context.console.table_style()));
  return {};
}

/// `name=0.05`, `name=5%`, `name=metric:NAME` or `name=parameter:NAME`.
Outcome<v1::NamedQuantity> input_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return stop(ExitCode::usage, fmt::format("'{}' is not an input: write NAME=NUMBER, NAME=metric:NAME or "
                                             "NAME=parameter:NAME",
                                             text));
  }
  v1::NamedQuantity out;
  out.set_name(text.substr(0, equals));
  std::string_view value = std::string_view(text).substr(equals + 1);
  constexpr std::string_view kMetric = "metric:", kParameter = "parameter:";
  if (value.starts_with(kMetric)) {
    out.mutable_from()->set_metric(std::string(value.substr(kMetric.size())));
    return out;
  }
  if (value.starts_with(kParameter)) {
    out.mutable_from()->set_parameter(std::string(value.substr(kParameter.size())));
    return out;
  }
  double scale = 1;
  if (value.ends_with('%')) {
    scale = 0.01;
    value.remove_suffix(1);
  } else if (value.ends_with("bps")) {
    scale = 0.0001;
    value.remove_suffix(3);
  }
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size()) {
    return stop(ExitCode::usage, fmt::format("'{}' is not a number (0.05, 5% or 500bps), metric:NAME or parameter:NAME",
                                             text.substr(equals + 1)));
  }
  out.mutable_from()->set_value(number * scale);
  return out;
}

Outcome<v1::EvaluateResponse> evaluated(Context& context, const v1::EvaluateRequest& request) {
  const auto& inputs = request.inputs();
  const bool is_live = std::any_of(inputs.begin(), inputs.end(),
                                   [](const auto& i) { return i.from().from_case() != v1::Quantity::kValue; });
  if (is_live) return fetch(context, request);
  const auto here = convert::answer(request, engine::View{});
  if (!here) return tl::make_unexpected(failure_of(here.error()));
  return *here;
}

Outcome<> evaluate(Context& context, const Arguments& arguments) {
  v1::EvaluateRequest request;
  request.set_mechanism(arguments.mechanism);
  for (const std::string& text : arguments.inputs) {
    auto input = input_of(text);
    if (!input) return tl::make_unexpected(input.error());
    *request.add_inputs() = *std::move(input);
  }
  const auto out = evaluated(context, request);
  if (!out) return tl::make_unexpected(out.error());
  if (context.options.json) return context.print_line(pretty_json(*out)), Outcome<>{};
  context.print(
      fmt::format("{} = {} {} ({})\n\n", arguments.mechanism, text_of(out->value()), out->unit(), out->output()));
  Table table({{"input"}, {"value", Align::right}, {"unit"}, {"from"}});
  for (const v1::UsedInput& i : out->inputs()) table.add({{i.name()}, {text_of(i.value())}, {i.unit()}, {i.from()}});
  context.print(table.render(context.console.table_style()));
  return {};
}

}  // namespace

void add_economy_commands(CLI::App& root, Context& context) {
  CLI::App* group = add_group(root, "economy", "The mechanisms of the token economy: list, explain, evaluate",
                              {"homeostat economy list", "homeostat economy show buy_back",
                               "homeostat economy evaluate staking_apy participation=55%"});
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = add_command(*group, context, "list", "Every mechanism, or every governed parameter",
                              {"homeostat economy list", "homeostat economy list parameters --json"},
                              [&context, arguments] { return list(context, arguments->mechanism); });
  app->add_option("WHAT", arguments->mechanism, "mechanisms (default) or parameters (of the bonding surface)")
      ->check(CLI::IsMember({"mechanisms", "parameters"}));

  arguments = std::make_shared<Arguments>();
  app = add_command(*group, context, "show", "One mechanism: what it gives, its inputs, their ranges, its source",
                    {"homeostat economy show inflation_step"},
                    [&context, arguments] { return show(context, arguments->mechanism); });
  app->add_option("MECHANISM", arguments->mechanism, "which")->required();

  arguments = std::make_shared<Arguments>();
  app =
      add_command(*group, context, "evaluate", "One mechanism with numbers, or on the daemon's live state",
                  {"homeostat economy evaluate inflation_step current=5% target=5.6%",
                   "homeostat economy evaluate buy_back price=metric:stream_price low=0.95 pool=metric:stability_pool"},
                  [&context, arguments] { return evaluate(context, *arguments); });
  app->add_option("MECHANISM", arguments->mechanism, "which (homeostat economy list)")->required();
  app->add_option("INPUT", arguments->inputs, "NAME=NUMBER, NAME=metric:NAME or NAME=parameter:NAME");
}

}  // namespace homeostat::cli
