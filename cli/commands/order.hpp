// What the guardian commands share: their options, the plan that is shown before it is asked, and the order on its way,
// signed or not.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands/context.hpp"
#include "cli/signing.hpp"
#include "guardian/command.hpp"

namespace homeostat::cli {

struct OrderOptions {
  guardian::CommandKind kind = guardian::CommandKind::pause;
  std::string actor;
  std::string reason;
  std::string duration;
  bool yes = false;
  std::string target;
  std::string value;
  double shift = 0;
  std::uint64_t id = 0;
  std::string sign;           ///< key file; empty = not signed
  std::string valid = "10m";  ///< how long a signed order can be used
  std::string out;            ///< where a signed order goes instead of to the daemon
  std::string policy;         ///< signs for this one, without asking a daemon
};
using OrderPtr = std::shared_ptr<OrderOptions>;

/// Everything a guardian command has before it can show its plan.
struct Prepared {
  Client client;
  v1::Order order;
  Duration duration;  ///< of --for, zero when it was not given
};
[[nodiscard]] Outcome<Prepared> prepare(const Context& context, const OrderOptions& o);

[[nodiscard]] std::string until_text(const Context& context, Duration d, const char* open_end);

/// Shows the plan and asks. Without a terminal a plan is carried out only with --yes: silence is not consent.
[[nodiscard]] Outcome<> confirm(const Context& context, const OrderOptions& o, const std::string& plan);

/// What became of a command, for people or as JSON.
[[nodiscard]] Outcome<> show(const Context& context, const Outcome<v1::CommandResponse>& answer);

[[nodiscard]] Outcome<> submit(const Context& context, Client& client, const SignedText& order);
/// Signs the order of the options for the daemon's policy; then sends it, or writes it to --out.
[[nodiscard]] Outcome<> sign_and_send(const Context& context, Client& client, const OrderOptions& o);

/// Signs the order of the options for a policy; the secret is read from the key file and forgotten.
[[nodiscard]] Outcome<SignedText> sign(const Context& context, const OrderOptions& o, const std::string& policy);
/// Writes a signed order to --out, and says how it is sent.
[[nodiscard]] Outcome<> keep(const Context& context, const OrderOptions& o, const SignedText& order);
/// Without a daemon nothing can be looked up: the text itself is the plan, and `note` what else can be said of it.
[[nodiscard]] Outcome<> sign_offline(const Context& context, const OrderOptions& o, const std::string& note = "");

/// Adds --sign, --valid, --out, --policy and --yes.
void add_signing_options(CLI::App& app, const Context& context, OrderOptions& order);

template <class Request>
[[nodiscard]] Outcome<> send(const Context& context, Client& client, const OrderOptions& o, const Request& request) {
  return o.sign.empty() ? show(context, client.call(request)) : sign_and_send(context, client, o);
}

/// Adds one guardian command with the options that all of them have. With --policy the order is signed without a
/// daemon, and `action` is not called.
CLI::App* add_order(CLI::App& group, Context& context, const std::string& name, guardian::CommandKind kind,
                    const std::string& description, const OrderPtr& order, const std::vector<std::string>& examples,
                    Outcome<> (*action)(Context&, const OrderOptions&));

}  // namespace homeostat::cli
