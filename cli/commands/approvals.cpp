// guardian key, pending, submit, approve, reject, allow-policy: signatures, and commands that wait for them.
#include <algorithm>

#include "cli/commands/order.hpp"
#include "cli/commands/shadow.hpp"
#include "cli/format.hpp"
#include "cli/json.hpp"
#include "cli/present.hpp"
#include "cli/table.hpp"
#include "core/format.hpp"

namespace homeostat::cli {
namespace {

using guardian::CommandKind;

struct KeyOptions {
  std::string name;
  std::string file;
};

Outcome<> key_new(Context& context, const KeyOptions& o) {
  const SigningKey key = SigningKey::make(o.name);
  if (auto written = key.write(o.file); !written) return written;
  context.say(fmt::format("{} holds the secret and is readable by you alone. For the policy:", o.file));
  context.print(
      fmt::format("guardian:\n  keys:\n    {}: {{public_key: {}, role: guardian}}\n", key.name(), key.public_hex()));
  return {};
}

Outcome<> key_show(Context& context, const KeyOptions& o) {
  const auto key = SigningKey::read(o.file);
  if (!key) return tl::make_unexpected(key.error());
  context.print_line(fmt::format("{}: {}", key->name(), key->public_hex()));
  return {};
}

std::string command_text(const v1::PendingCommand& c) {
  std::string text = c.command() + (c.target().empty() ? "" : " " + c.target());
  if (!c.value().empty()) text += " " + c.value();
  if (c.shift() != 0) text += " " + number(c.shift());
  if (c.has_until()) text += " until " + text_of(instant_of(c.until()));
  return text;
}

Outcome<> pending(Context& context) {
  const auto list = fetch(context, v1::ListPendingRequest{});
  if (!list) return tl::make_unexpected(list.error());
  if (context.options.json) {
    context.print_line(pretty_json(*list));
    return {};
  }
  Table keys({{"KEY"}, {"ROLE"}, {"EXPIRES"}, {"PUBLIC KEY"}});
  for (const auto& k : list->keys()) {
    keys.add({{k.name(), Tone::strong},
              {k.role()},
              {k.has_expires() ? text_of(instant_of(k.expires())) : "never"},
              {k.public_key()}});
  }
  if (keys.is_empty()) {
    context.print_line("policy " + list->policy() + " has no keys: orders are not signed, and none waits");
    return {};
  }
  Table table({{"ID", Align::right}, {"COMMAND"}, {"SIGNED BY"}, {"MISSING", Align::right}, {"EXPIRES"}, {"REASON"}});
  for (const auto& c : list->pending()) {
    std::string signers;
    for (const auto& signer : c.signers()) signers += (signers.empty() ? "" : ", ") + signer;
    table.add({{std::to_string(c.id())},
               {command_text(c), Tone::strong},
               {signers},
               {std::to_string(c.needed() - std::min<std::uint32_t>(c.needed(), c.signers_size()))},
               {text_of(instant_of(c.expires()))},
               {c.reason()}});
  }
  context.print(keys.render(context.console.table_style()));
  context.print_line("");
  context.print(table.is_empty() ? "no command waits for a signature\n" : table.render(context.console.table_style()));
  return {};
}

Outcome<> submit_file(Context& context, const std::string& file) {
  const auto order = read_signed(file);
  if (!order) return tl::make_unexpected(order.error());
  auto client = context.client();
  if (!client) return tl::make_unexpected(client.error());
  return submit(context, *client, *order);
}

/// approve and reject: what is signed is an id, so what stands behind it is shown first.
Outcome<> approve_or_reject(Context& context, const OrderOptions& o) {
  auto client = context.client();
  if (!client) return tl::make_unexpected(client.error());
  const auto list = client->call(v1::ListPendingRequest{});
  if (!list) return tl::make_unexpected(list.error());
  const auto& all = list->pending();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.id() == o.id; });
  if (found == all.end()) {
    return stop(ExitCode::refused,
                fmt::format("no command {} waits for a signature (homeostat guardian pending)", o.id));
  }
  if (o.sign.empty()) return stop(ExitCode::usage, "--sign KEYFILE is needed: an approval is a signature");
  std::string plan =
      fmt::format("{} #{}: {}\nsigned by {}{}; it needs {} keys and expires at {}\nreason: {}",
                  o.kind == CommandKind::approve ? "approve" : "reject", found->id(), command_text(*found),
                  found->signers(0), found->signers_size() > 1 ? " and others" : "", found->needed(),
                  text_of(instant_of(found->expires())), found->reason());
  if (found->command() == word_of(CommandKind::allow_policy)) plan += "\n" + allowance_text(*client, found->target());
  if (const auto yes = confirm(context, o, printable(plan, Keep::lines)); !yes) return yes;
  return sign_and_send(context, *client, o);
}

Outcome<> allow_policy(Context& context, const OrderOptions& o) {
  auto client = context.client();
  if (!client) return tl::make_unexpected(client.error());
  if (o.sign.empty()) return stop(ExitCode::usage, "--sign KEYFILE is needed: only a signed order can allow a policy");
  const std::string plan =
      printable(fmt::format("allow policy {}\n{}", o.target, allowance_text(*client, o.target)), Keep::lines);
  if (const auto yes = confirm(context, o, plan); !yes) return yes;
  return sign_and_send(context, *client, o);
}

void add_key_commands(CLI::App& group, Context& context) {
  CLI::App* key =
      add_group(group, "key", "Make and look at a guardian's key", {"homeostat guardian key new alice alice.key"});
  auto o = std::make_shared<KeyOptions>();
  CLI::App* app =
      add_command(*key, context, "new", "Make a key; prints what the policy needs",
                  {"homeostat guardian key new alice alice.key"}, [&context, o] { return key_new(context, *o); });
  app->add_option("NAME", o->name, "of the key in the policy")->required();
  app->add_option("FILE", o->file, "a new file; it holds the secret")->required();
  o = std::make_shared<KeyOptions>();
  app = add_command(*key, context, "show", "Name and public half of a key file",
                    {"homeostat guardian key show alice.key"}, [&context, o] { return key_show(context, *o); });
  app->add_option("FILE", o->file, "a key file")->required();
}

}  // namespace

void add_approval_commands(CLI::App& group, Context& context) {
  add_key_commands(group, context);
  add_command(group, context, "pending", "Keys of the policy, and commands that wait for signatures",
              {"homeostat guardian pending", "homeostat guardian pending --json"},
              [&context] { return pending(context); });
  auto file = std::make_shared<std::string>();
  CLI::App* app =
      add_command(group, context, "submit", "Send an order that was signed elsewhere",
                  {"homeostat guardian submit order.txt"}, [&context, file] { return submit_file(context, *file); });
  app->add_option("FILE", *file, "made with --out")->required();

  auto order = std::make_shared<OrderOptions>();
  app =
      add_order(group, context, "approve", CommandKind::approve, "Sign a command that waits for more signatures", order,
                {"homeostat guardian approve 17 --sign bob.key --reason \"checked with alice\""}, approve_or_reject);
  app->add_option("ID", order->id, "of the command (homeostat guardian pending)")
      ->required()
      ->check(CLI::PositiveNumber);
  order = std::make_shared<OrderOptions>();
  app = add_order(group, context, "reject", CommandKind::reject, "Drop a command that waits for more signatures", order,
                  {"homeostat guardian reject 17 --sign bob.key --reason \"wrong parameter\""}, approve_or_reject);
  app->add_option("ID", order->id, "of the command (homeostat guardian pending)")
      ->required()
      ->check(CLI::PositiveNumber);
  order = std::make_shared<OrderOptions>();
  app = add_order(group, context, "allow-policy", CommandKind::allow_policy,
                  "Let a configuration that loosens limits be loaded", order,
                  {"homeostat guardian allow-policy FINGERPRINT --sign root.key --reason \"fee cap 4 %, vote 31\""},
                  allow_policy);
  app->add_option("FINGERPRINT", order->target, "64 digits (homeostat check FILE)")->required();
}

}  // namespace homeostat::cli
