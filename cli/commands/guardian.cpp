// guardian ...: hold, override, veto, sign, approve. Each command first shows what it will do (value now, bounds,
// expiry), asks on a terminal, and sends only then. Names and bounds are looked up before, so that a typing mistake is
// caught before the question; the daemon judges again.
#include "cli/commands/names.hpp"
#include "cli/commands/order.hpp"
#include "cli/format.hpp"
#include "cli/json.hpp"
#include "cli/present.hpp"
#include "core/decimal.hpp"
#include "core/format.hpp"

namespace homeostat::cli {
namespace {

using guardian::CommandKind;

Outcome<v1::Parameter> find_parameter(Client& client, const std::string& name) {
  const auto list = client.call(v1::ListParametersRequest{});
  if (!list) return tl::make_unexpected(list.error());
  const auto found = find_named(list->parameters(), name, "parameter");
  if (!found) return tl::make_unexpected(found.error());
  return **found;
}

std::string now_text(const v1::Parameter& p) {
  return fmt::format("{} is {} now ({}), wanted {}, bounds {} to {}", p.name(), with_unit(p.value(), p.unit()),
                     state_of(p), p.wanted(), p.min(), p.max());
}

/// What `name` (a parameter, or empty for all) is now.
Outcome<std::string> target_text(Client& client, const std::string& name) {
  if (!name.empty()) {
    const auto p = find_parameter(client, name);
    if (!p) return tl::make_unexpected(p.error());
    return now_text(*p);
  }
  const auto status = client.call(v1::GetStatusRequest{});
  if (!status) return tl::make_unexpected(status.error());
  return fmt::format("all parameters, operating mode {}", word_of(status->mode()));
}

template <class Request>
Outcome<> pause_or_resume(Context& context, const OrderOptions& o, bool pause) {
  auto ready = prepare(context, o);
  if (!ready) return tl::make_unexpected(ready.error());
  const auto target = target_text(ready->client, o.target);
  if (!target) return tl::make_unexpected(target.error());
  const std::string plan = pause
                               ? fmt::format("pause: {}\nNo adjustment is sent {}.", *target,
                                             until_text(context, ready->duration, "until it is resumed"))
                               : fmt::format("resume: {}\nThe loops may move it again from the next tick on.", *target);
  if (const auto yes = confirm(context, o, plan); !yes) return yes;
  Request request;
  *request.mutable_order() = ready->order;
  request.set_parameter(o.target);
  if constexpr (std::is_same_v<Request, v1::PauseRequest>) {
    if (ready->duration > Duration::zero()) set_duration(*request.mutable_duration(), ready->duration);
  }
  return send(context, ready->client, o, request);
}

/// Refuses what the daemon would refuse anyway, before asking whether to do it.
Outcome<> check_bounds(const v1::Parameter& p, const std::string& text) {
  const auto value = Decimal::parse(text, Decimal::kDecimalsMax);
  if (!value) return stop(ExitCode::refused, fmt::format("value '{}': {}", text, value.error().message));
  const auto min = Decimal::parse(p.min(), Decimal::kDecimalsMax);
  const auto max = Decimal::parse(p.max(), Decimal::kDecimalsMax);
  if (!min || !max || (*value >= *min && *value <= *max)) return {};
  return stop(ExitCode::refused, fmt::format("{} is outside the bounds of {}: {} to {}, in steps of {}",
                                             with_unit(text, p.unit()), p.name(), p.min(), p.max(), p.quantum()));
}

Outcome<> override_value(Context& context, const OrderOptions& o) {
  auto ready = prepare(context, o);
  if (!ready) return tl::make_unexpected(ready.error());
  const auto p = find_parameter(ready->client, o.target);
  if (!p) return tl::make_unexpected(p.error());
  if (const auto inside = check_bounds(*p, o.value); !inside) return inside;
  const std::string plan = fmt::format(
      "override: {}\nIt is taken to {}, in steps of its largest change, and held there {}; then the loops "
      "take over without a step.",
      now_text(*p), with_unit(o.value, p->unit()), until_text(context, ready->duration, ""));
  if (const auto yes = confirm(context, o, plan); !yes) return yes;
  v1::OverrideRequest request;
  *request.mutable_order() = ready->order;
  request.set_parameter(o.target);
  request.set_value(o.value);
  set_duration(*request.mutable_duration(), ready->duration);
  return send(context, ready->client, o, request);
}

Outcome<> clear_override(Context& context, const OrderOptions& o) {
  auto ready = prepare(context, o);
  if (!ready) return tl::make_unexpected(ready.error());
  const auto p = find_parameter(ready->client, o.target);
  if (!p) return tl::make_unexpected(p.error());
  const std::string plan = fmt::format("clear override: {}\nThe loops take over without a step.", now_text(*p));
  if (const auto yes = confirm(context, o, plan); !yes) return yes;
  v1::ClearOverrideRequest request;
  *request.mutable_order() = ready->order;
  request.set_parameter(o.target);
  return send(context, ready->client, o, request);
}

struct LoopFound {
  v1::Loop loop;
  std::string unit;  ///< of its metric
};

Outcome<LoopFound> find_loop(Client& client, const std::string& name) {
  const auto loops = client.call(v1::ListLoopsRequest{});
  if (!loops) return tl::make_unexpected(loops.error());
  const auto found = find_named(loops->loops(), name, "loop");
  if (!found) return tl::make_unexpected(found.error());
  const auto metrics = client.call(v1::ListMetricsRequest{});
  if (!metrics) return tl::make_unexpected(metrics.error());
  for (const v1::Metric& m : metrics->metrics()) {
    if (m.name() == (*found)->metric()) return LoopFound{**found, m.unit()};
  }
  return LoopFound{**found, ""};
}

Outcome<> shift(Context& context, const OrderOptions& o) {
  auto ready = prepare(context, o);
  if (!ready) return tl::make_unexpected(ready.error());
  const auto found = find_loop(ready->client, o.target);
  if (!found) return tl::make_unexpected(found.error());
  const v1::Loop& loop = found->loop;
  const double before = loop.setpoint() - loop.setpoint_shift();
  const std::string shifted =
      loop.setpoint_shift() == 0 ? "" : fmt::format(", already shifted by {}", number(loop.setpoint_shift()));
  const std::string plan = fmt::format(
      "shift: loop {} holds {} at {} ({} now){}\nIts set-point "
      "becomes {} {}.",
      loop.name(), loop.metric(), with_unit(number(loop.setpoint()), found->unit), number(loop.value()), shifted,
      with_unit(number(before + o.shift), found->unit), until_text(context, ready->duration, ""));
  if (const auto yes = confirm(context, o, plan); !yes) return yes;
  v1::ShiftSetpointRequest request;
  *request.mutable_order() = ready->order;
  request.set_loop(o.target);
  request.set_shift(o.shift);
  set_duration(*request.mutable_duration(), ready->duration);
  return send(context, ready->client, o, request);
}

Outcome<> clear_shift(Context& context, const OrderOptions& o) {
  auto ready = prepare(context, o);
  if (!ready) return tl::make_unexpected(ready.error());
  const auto found = find_loop(ready->client, o.target);
  if (!found) return tl::make_unexpected(found.error());
  const v1::Loop& loop = found->loop;
  const std::string plan = fmt::format("clear shift: the set-point of loop {} goes from {} back to {}.", loop.name(),
                                       with_unit(number(loop.setpoint()), found->unit),
                                       with_unit(number(loop.setpoint() - loop.setpoint_shift()), found->unit));
  if (const auto yes = confirm(context, o, plan); !yes) return yes;
  v1::ClearShiftRequest request;
  *request.mutable_order() = ready->order;
  request.set_loop(o.target);
  return send(context, ready->client, o, request);
}

Outcome<> emergency(Context& context, const OrderOptions& o) {
  const bool on = o.value == "on";
  auto ready = prepare(context, o);
  if (!ready) return tl::make_unexpected(ready.error());
  if (!on && ready->duration > Duration::zero()) return stop(ExitCode::usage, "--for goes with `on` only");
  const auto status = ready->client.call(v1::GetStatusRequest{});
  if (!status) return tl::make_unexpected(status.error());
  const std::string effect = on ? "Emergency gains and limits apply " +
                                      until_text(context, ready->duration, "until it is ordered off") +
                                      ", still inside the hard bounds."
                                : "The guardian's emergency ends; other causes, if any, stay in force.";
  const std::string plan =
      fmt::format("emergency {}: operating mode {} now\n{}", o.value, word_of(status->mode()), effect);
  if (const auto yes = confirm(context, o, plan); !yes) return yes;
  v1::EmergencyRequest request;
  *request.mutable_order() = ready->order;
  request.set_on(on);
  if (ready->duration > Duration::zero()) set_duration(*request.mutable_duration(), ready->duration);
  return send(context, ready->client, o, request);
}

/// A veto or a release: of an adjustment that waits.
template <class Request>
Outcome<> of_waiting(Context& context, const OrderOptions& o, std::string_view verb) {
  auto ready = prepare(context, o);
  if (!ready) return tl::make_unexpected(ready.error());
  v1::ExplainRequest which;
  which.set_id(o.id);
  const auto found = ready->client.call(which);
  if (!found) return tl::make_unexpected(found.error());
  const v1::Decision& d = found->decision();
  const bool waits_for_release = d.outcome() == "awaiting_approval";
  if (!waits_for_release && (verb == "release" || d.outcome() != "awaiting_veto")) {
    return stop(ExitCode::conflict,
                verb == "release"
                    ? fmt::format("#{} ({}) does not wait for a release: {}", o.id, d.parameter(), outcome_cell(d).text)
                    : fmt::format("#{} ({}) is past its veto window: {}; to undo it, override the parameter", o.id,
                                  d.parameter(), outcome_cell(d).text));
  }
  const std::string plan = fmt::format("{}: #{} would take {} from {} to {}\n{}", verb, d.id(), d.parameter(),
                                       d.previous(), with_unit(d.value(), d.unit()), d.why());
  if (const auto yes = confirm(context, o, plan); !yes) return yes;
  Request request;
  *request.mutable_order() = ready->order;
  request.set_adjustment_id(o.id);
  return send(context, ready->client, o, request);
}

/// What a halted metric or violated source is now; metrics and sources share one name space here.
Outcome<std::string> halted_text(Client& client, const std::string& name) {
  const auto metrics = client.call(v1::ListMetricsRequest{});
  if (!metrics) return tl::make_unexpected(metrics.error());
  const auto sources = client.call(v1::ListSourcesRequest{});
  if (!sources) return tl::make_unexpected(sources.error());
  std::vector<std::string> known;
  for (const v1::Metric& m : metrics->metrics()) {
    known.push_back(m.name());
    if (m.name() != name) continue;
    return fmt::format("metric {} is {}: {} (last value {})", name, word_of(m.reading().quality()),
                       m.reading().reason(), with_unit(number(m.reading().value()), m.unit()));
  }
  for (const v1::Source& s : sources->sources()) {
    known.push_back(s.name());
    if (s.name() == name) return fmt::format("source {} is {}: {}", name, s.condition(), s.detail());
  }
  return unknown_name(name, "metric or source", known);
}

Outcome<> clear_halt(Context& context, const OrderOptions& o) {
  auto ready = prepare(context, o);
  if (!ready) return tl::make_unexpected(ready.error());
  const auto halted = halted_text(ready->client, o.target);
  if (!halted) return tl::make_unexpected(halted.error());
  const std::string plan = fmt::format(
      "clear halt: {}\nIts newest value is accepted as right, and acted on from the "
      "next tick.",
      *halted);
  if (const auto yes = confirm(context, o, plan); !yes) return yes;
  v1::ClearHaltRequest request;
  *request.mutable_order() = ready->order;
  request.set_name(o.target);
  return send(context, ready->client, o, request);
}

void add_for(CLI::App* app, const OrderPtr& order, const std::string& meaning, bool required) {
  app->add_option("--for", order->duration, meaning)->type_name("DURATION")->required(required);
}

void add_holding_commands(CLI::App& group, Context& context) {
  auto order = std::make_shared<OrderOptions>();
  CLI::App* app =
      add_order(group, context, "pause", CommandKind::pause, "Send no adjustment, of one parameter or of all", order,
                {"homeostat guardian pause transaction_fee --for 2h --reason \"exchange maintenance\"",
                 "homeostat guardian pause --reason \"incident 12\" --yes"},
                [](Context& c, const OrderOptions& o) { return pause_or_resume<v1::PauseRequest>(c, o, true); });
  app->add_option("PARAMETER", order->target, "default: all");
  add_for(app, order, "such as 30m, 2h, 1d; default: until resumed", false);

  order = std::make_shared<OrderOptions>();
  app = add_order(group, context, "resume", CommandKind::resume, "End a pause", order,
                  {"homeostat guardian resume transaction_fee --reason \"maintenance over\""},
                  [](Context& c, const OrderOptions& o) { return pause_or_resume<v1::ResumeRequest>(c, o, false); });
  app->add_option("PARAMETER", order->target, "default: all");

  order = std::make_shared<OrderOptions>();
  app = add_order(group, context, "override", CommandKind::override_value,
                  "Hold a parameter at a value, inside its hard bounds", order,
                  {"homeostat guardian override transaction_fee 0.02 --for 1h --reason \"spam wave\""}, override_value);
  app->add_option("PARAMETER", order->target, "which")->required();
  app->add_option("VALUE", order->value, "decimal, in the parameter's unit")->required();
  add_for(app, order, "how long: 30m, 2h, 1d", true);

  order = std::make_shared<OrderOptions>();
  app = add_order(group, context, "clear-override", CommandKind::clear_override,
                  "End an override; the loops take over without a step", order,
                  {"homeostat guardian clear-override transaction_fee --reason \"spam wave over\""}, clear_override);
  app->add_option("PARAMETER", order->target, "which")->required();
}

void add_steering_commands(CLI::App& group, Context& context) {
  auto order = std::make_shared<OrderOptions>();
  CLI::App* app =
      add_order(group, context, "shift", CommandKind::shift_setpoint, "Add to a loop's set-point for a time", order,
                {"homeostat guardian shift creator_supply 0.02 --for 6h --reason \"launch day\"",
                 "homeostat guardian shift creator_supply -0.02 --for 6h --reason calm"},
                shift);
  app->add_option("LOOP", order->target, "which")->required();
  app->add_option("SHIFT", order->shift, "in the metric's unit")->required();
  add_for(app, order, "how long: 30m, 2h, 1d", true);

  order = std::make_shared<OrderOptions>();
  app = add_order(group, context, "clear-shift", CommandKind::clear_shift, "End a set-point shift", order,
                  {"homeostat guardian clear-shift creator_supply --reason \"launch over\""}, clear_shift);
  app->add_option("LOOP", order->target, "which")->required();

  order = std::make_shared<OrderOptions>();
  app =
      add_order(group, context, "emergency", CommandKind::emergency_on, "Emergency gains and limits, on or off", order,
                {"homeostat guardian emergency on --for 30m --reason \"bank run\"",
                 "homeostat guardian emergency off --reason \"calm again\""},
                emergency);
  app->add_option("STATE", order->value, "on or off")->required()->check(CLI::IsMember({"on", "off"}));
  add_for(app, order, "with on; default: until ordered off", false);

  order = std::make_shared<OrderOptions>();
  app = add_order(group, context, "veto", CommandKind::veto, "Stop an adjustment that still waits", order,
                  {"homeostat guardian veto 118 --reason \"based on a bad price\""},
                  [](Context& c, const OrderOptions& o) { return of_waiting<v1::VetoRequest>(c, o, "veto"); });
  app->add_option("ID", order->id, "of the adjustment (homeostat adjustments)")->required()->check(CLI::PositiveNumber);

  order = std::make_shared<OrderOptions>();
  app = add_order(group, context, "release", CommandKind::release,
                  "Let an adjustment go that needs a guardian's approval", order,
                  {"homeostat guardian release 118 --reason \"as decided by vote 12\""},
                  [](Context& c, const OrderOptions& o) { return of_waiting<v1::ReleaseRequest>(c, o, "release"); });
  app->add_option("ID", order->id, "of the adjustment (homeostat decisions)")->required()->check(CLI::PositiveNumber);

  order = std::make_shared<OrderOptions>();
  app = add_order(group, context, "clear-halt", CommandKind::clear_halt,
                  "Accept a halted metric's or violated source's newest value", order,
                  {"homeostat guardian clear-halt token_velocity --reason \"checked by hand: the jump is real\""},
                  clear_halt);
  app->add_option("NAME", order->target, "a metric or a source")->required();
}

}  // namespace

void add_guardian_commands(CLI::App& root, Context& context) {
  CLI::App* group =
      add_group(root, "guardian", "Hold, override, veto, sign, approve: each shows what it will do, and asks",
                {"homeostat guardian pause transaction_fee --for 2h --reason \"exchange maintenance\"",
                 "homeostat guardian override transaction_fee 0.02 --for 1h --reason \"spam wave\""});
  add_holding_commands(*group, context);
  add_steering_commands(*group, context);
  add_approval_commands(*group, context);
}

}  // namespace homeostat::cli
