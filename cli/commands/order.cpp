#include "cli/commands/order.hpp"

#include <istream>
#include <ostream>

#include "cli/format.hpp"
#include "cli/json.hpp"
#include "core/decimal.hpp"
#include "core/format.hpp"

namespace homeostat::cli {
namespace {

using guardian::CommandKind;

Outcome<v1::Order> order_of(const OrderOptions& o) {
  if (o.actor.empty())
    return stop(ExitCode::usage, "--actor is needed: USER is not set, so nobody is named in the audit");
  if (o.reason.find_first_not_of(" \t") == std::string::npos) {
    return stop(ExitCode::usage, "--reason must say why: it is kept for the audit");
  }
  v1::Order order;
  order.set_actor(o.actor);
  order.set_reason(o.reason);
  return order;
}

/// The duration of --for; zero when it was not given.
Outcome<Duration> asked_duration(const OrderOptions& o) {
  if (o.duration.empty()) return Duration::zero();
  const auto d = parse_duration(o.duration);
  if (!d) return stop(ExitCode::usage, "--for: " + d.error().message);
  if (*d <= Duration::zero()) return stop(ExitCode::usage, "--for: must be longer than zero");
  return *d;
}

/// The order that the options make, as it is signed.
Outcome<guardian::SignedOrder> order_to_sign(const Context& context, const OrderOptions& o, const std::string& policy,
                                             const std::string& key) {
  const auto duration = asked_duration(o);
  if (!duration) return tl::make_unexpected(duration.error());
  const auto valid = parse_duration(o.valid);
  if (!valid || *valid <= Duration::zero()) return stop(ExitCode::usage, "--valid: a duration such as 10m, 2h");
  // Whole seconds: what is signed is read by people.
  const Instant now = Instant::from_unix_seconds(context.console.now().ns / 1'000'000'000);
  guardian::SignedOrder order{policy, key, new_nonce(), now + *valid, {}};
  guardian::Command& c = order.command;
  c = {.reason = o.reason, .kind = o.kind, .target = o.target, .shift = o.shift, .id = o.id};
  if (*duration > Duration::zero()) c.until = now + *duration;
  if (o.kind == CommandKind::override_value) {
    const auto value = Decimal::parse(o.value, Decimal::kDecimalsMax);
    if (!value) return stop(ExitCode::refused, fmt::format("value '{}': {}", o.value, value.error().message));
    c.value = *value;
  }
  if (const auto reads_back = guardian::parse_signed_order(text_of(order)); !reads_back) {
    return stop(ExitCode::refused, "this order cannot be signed: " + reads_back.error().text());
  }
  return order;
}

}  // namespace

Outcome<SignedText> sign(const Context& context, const OrderOptions& o, const std::string& policy) {
  const auto key = SigningKey::read(o.sign);
  if (!key) return tl::make_unexpected(key.error());
  const auto order = order_to_sign(context, o, policy, key->name());
  if (!order) return tl::make_unexpected(order.error());
  SignedText made{text_of(*order), {}};
  made.signature = key->sign(made.text);
  return made;
}

Outcome<> keep(const Context& context, const OrderOptions& o, const SignedText& order) {
  if (auto written = write_signed(o.out, order); !written) return written;
  context.say(fmt::format("signed, not sent; for {} it can be sent from anywhere: homeostat guardian submit {}",
                          o.valid, o.out));
  return {};
}

Outcome<> sign_offline(const Context& context, const OrderOptions& o, const std::string& note) {
  if (o.sign.empty() || o.out.empty()) {
    return stop(ExitCode::usage, "--policy signs without a daemon: it needs --sign KEYFILE and --out FILE");
  }
  const auto made = sign(context, o, o.policy);
  if (!made) return tl::make_unexpected(made.error());
  if (const auto yes = confirm(context, o, note + "the order:\n" + made->text); !yes) return yes;
  return keep(context, o, *made);
}

std::string until_text(const Context& context, Duration d, const char* open_end) {
  if (d == Duration::zero()) return open_end;
  return fmt::format("until {} ({} from now)", text_of(context.console.now() + d), human(d));
}

/// Shows the plan and asks. Without a terminal a plan is carried out only with --yes: silence is not consent.
Outcome<> confirm(const Context& context, const OrderOptions& o, const std::string& plan) {
  context.say(plan);
  if (o.yes) return {};
  if (!context.console.in_is_terminal) {
    return stop(ExitCode::usage, "nothing was sent: without a terminal to ask on, --yes is needed");
  }
  context.console.err << "Proceed? [y/N] " << std::flush;
  std::string answer;
  std::getline(context.console.in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return stop(ExitCode::error, "cancelled, nothing was sent");
}

Outcome<> show(const Context& context, const Outcome<v1::CommandResponse>& answer) {
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(*answer));
  } else {
    context.print_line(printable(fmt::format("command #{}: {}", answer->id(), answer->message())));
  }
  return {};
}

Outcome<> submit(const Context& context, Client& client, const SignedText& order) {
  v1::SubmitRequest request;
  request.set_text(order.text);
  request.set_signature(order.signature.data(), order.signature.size());
  return show(context, client.call(request));
}

Outcome<> sign_and_send(const Context& context, Client& client, const OrderOptions& o) {
  const auto daemon = client.call(v1::ListPendingRequest{});
  if (!daemon) return tl::make_unexpected(daemon.error());
  const auto made = sign(context, o, daemon->policy());
  if (!made) return tl::make_unexpected(made.error());
  return o.out.empty() ? submit(context, client, *made) : keep(context, o, *made);
}

Outcome<Prepared> prepare(const Context& context, const OrderOptions& o) {
  auto order = order_of(o);
  if (!order) return tl::make_unexpected(order.error());
  const auto duration = asked_duration(o);
  if (!duration) return tl::make_unexpected(duration.error());
  auto client = context.client();
  if (!client) return tl::make_unexpected(client.error());
  return Prepared{*std::move(client), *std::move(order), *duration};
}

void add_signing_options(CLI::App& app, const Context& context, OrderOptions& order) {
  order.sign = context.console.environment("HOMEOSTAT_GUARDIAN_KEY").value_or("");
  app.add_option("--sign", order.sign, "sign with this key file; default $HOMEOSTAT_GUARDIAN_KEY")->type_name("FILE");
  app.add_option("--valid", order.valid, "how long the signed order can be used; default 10m")->type_name("DURATION");
  app.add_option("--out", order.out, "write the signed order here instead of sending it")->type_name("FILE");
  app.add_option("--policy", order.policy, "sign for this policy, without asking a daemon")->type_name("NAME");
  app.add_flag("-y,--yes", order.yes, "do not ask");
}

CLI::App* add_order(CLI::App& group, Context& context, const std::string& name, CommandKind kind,
                    const std::string& description, const OrderPtr& order, const std::vector<std::string>& examples,
                    Outcome<> (*action)(Context&, const OrderOptions&)) {
  order->actor = context.console.environment("USER").value_or("");
  CLI::App* app = add_command(group, context, name, description, examples, [&context, order, action, kind] {
    order->kind = kind == CommandKind::emergency_on && order->value == "off" ? CommandKind::emergency_off : kind;
    return order->policy.empty() ? action(context, *order) : sign_offline(context, *order);
  });
  app->add_option("--reason", order->reason, "why, for the audit")->required()->type_name("TEXT");
  app->add_option("--actor", order->actor, "who; default $USER (a signed order: its key)")->type_name("NAME");
  add_signing_options(*app, context, *order);
  return app;
}

}  // namespace homeostat::cli
