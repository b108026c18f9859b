// shadow promote: a candidate takes the live configuration's place. Under a policy with keys an admin signs its
// fingerprint first (an allow_policy order), here or on a machine of its own; the command that finds it signed for
// carries it out.
#include "cli/commands/order.hpp"
#include "cli/commands/shadow.hpp"
#include "cli/format.hpp"
#include "cli/json.hpp"
#include "core/format.hpp"

namespace homeostat::cli {
namespace {

struct PromoteOptions {
  std::string shadow;
  std::string file;  ///< the candidate as the signer has read it; empty = what the daemon says counts
  OrderOptions order;
};

/// The fingerprint of the file that was read, which must be a configuration.
Outcome<std::string> fingerprint_of(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return tl::make_unexpected(text.error());
  if (const auto valid = candidate_of(path, *text); !valid) return tl::make_unexpected(valid.error());
  return guardian::fingerprint(*text);
}

Outcome<> sign_elsewhere(Context& context, const PromoteOptions& o) {
  if (o.file.empty()) {
    return stop(ExitCode::usage, "--policy signs without a daemon: --file says which candidate is signed for");
  }
  const auto fingerprint = fingerprint_of(o.file);
  if (!fingerprint) return tl::make_unexpected(fingerprint.error());
  OrderOptions order = o.order;
  order.target = *fingerprint;
  return sign_offline(context, order,
                      fmt::format("lets {} (fingerprint {}) be put in force once, also where it loosens limits: {} "
                                  "shows what it does\n",
                                  o.file, *fingerprint, "homeostat check " + o.file));
}

/// Whether a signature is what this command has to make, once what stands against it is said.
Outcome<bool> must_sign(const PromoteOptions& o, const v1::PromotionTerms& terms) {
  const bool is_signed_for = terms.has_allowed_until();
  if (terms.signatures() == 0 && !o.order.out.empty()) {
    return stop(ExitCode::usage, "the live policy has no keys: there is nothing to sign");
  }
  if (terms.signatures() == 0 || is_signed_for) return false;
  if (o.order.sign.empty()) {
    return stop(ExitCode::denied,
                fmt::format("the live policy has keys: an admin must sign for {}, with --sign KEYFILE, or elsewhere: "
                            "homeostat shadow promote {} --file CANDIDATE --policy NAME --sign KEYFILE --out FILE",
                            terms.fingerprint().substr(0, 12), o.shadow));
  }
  if (o.order.reason.find_first_not_of(" \t") == std::string::npos) {
    return stop(ExitCode::usage, "--reason must say why: it is signed, and kept for the audit");
  }
  return true;
}

std::string loosened_text(const v1::PromotionTerms& terms) {
  if (terms.loosens().empty()) return "it loosens no limit\n";
  std::string text = "it loosens:\n";
  for (const std::string& limit : terms.loosens()) text += "  " + limit + "\n";
  return text;
}

std::string signature_text(const PromoteOptions& o, const v1::PromotionTerms& terms, bool signing) {
  if (!signing) {
    return terms.has_allowed_until() ? "signed for until " + text_of(instant_of(terms.allowed_until())) + "\n" : "";
  }
  std::string text = fmt::format("signed with {}, to be used within {}", o.order.sign, o.order.valid);
  if (!o.order.out.empty()) return text + "; written to " + o.order.out + ", nothing is sent\n";
  const std::uint32_t others = terms.signatures() - 1;
  return text + (others == 0
                     ? std::string("\n")
                     : fmt::format("; it waits until {} more admin{} signed, then: homeostat shadow promote {}\n",
                                   others, others == 1 ? " has" : "s have", o.shadow));
}

std::string plan_of(const Context& context, const PromoteOptions& o, const v1::Shadow& shadow, bool signing) {
  const v1::PromotionTerms& terms = shadow.promotion();
  std::string plan = fmt::format("put {} ({}) of shadow {} into the configuration file and in force:\n",
                                 shadow.policy(), shadow.digest().substr(0, 12), o.shadow);
  plan += shadow.parameters().empty() ? "nothing was compared yet\n" : diff_text(shadow, context);
  plan += loosened_text(terms);
  plan += fmt::format(
      "fingerprint {}{}\n", terms.fingerprint(),
      o.file.empty() ? " (compare it with homeostat check of the file you have read)" : ", that of " + o.file);
  return printable(plan + signature_text(o, terms, signing), Keep::lines);
}

Outcome<> carry_out(Context& context, Client& client, const std::string& shadow) {
  v1::PromoteShadowRequest request;
  request.set_name(shadow);
  const auto answer = client.call(request);
  if (!answer) return tl::make_unexpected(answer.error());
  if (context.options.json) {
    context.print_line(pretty_json(*answer));
  } else {
    context.print_line(
        fmt::format("in force from the next tick: {}, generation {}", answer->digest(), answer->generation()));
  }
  return {};
}

/// Signs for the candidate and sends that. True when nobody else must sign.
Outcome<bool> sign_for(Context& context, Client& client, const OrderOptions& order) {
  const auto daemon = client.call(v1::ListPendingRequest{});
  if (!daemon) return tl::make_unexpected(daemon.error());
  const auto made = sign(context, order, daemon->policy());
  if (!made) return tl::make_unexpected(made.error());
  if (!order.out.empty()) {
    if (auto kept = keep(context, order, *made); !kept) return tl::make_unexpected(kept.error());
    return false;
  }
  v1::SubmitRequest request;
  request.set_text(made->text);
  request.set_signature(made->signature.data(), made->signature.size());
  const auto answer = client.call(request);
  if (!answer) return tl::make_unexpected(answer.error());
  const bool is_enough = answer->missing_signatures() == 0;
  if (!is_enough || !context.options.json) {
    if (auto shown = show(context, answer); !shown) return tl::make_unexpected(shown.error());
  }
  return is_enough;
}

Outcome<> promote(Context& context, const PromoteOptions& o) {
  if (!o.order.policy.empty()) return sign_elsewhere(context, o);
  auto client = context.client();
  if (!client) return tl::make_unexpected(client.error());
  v1::ListShadowsRequest look;
  look.set_name(o.shadow);
  const auto found = client->call(look);
  if (!found) return tl::make_unexpected(found.error());
  const v1::Shadow& shadow = found->shadows(0);
  if (!o.file.empty()) {
    const auto read = fingerprint_of(o.file);
    if (!read) return tl::make_unexpected(read.error());
    if (*read != shadow.promotion().fingerprint()) {
      return stop(ExitCode::refused,
                  fmt::format("shadow {} is not {}: its fingerprint is {}, that of the file {}; nothing was sent",
                              o.shadow, o.file, shadow.promotion().fingerprint(), *read));
    }
  }
  const auto signing = must_sign(o, shadow.promotion());
  if (!signing) return tl::make_unexpected(signing.error());
  if (const auto yes = confirm(context, o.order, plan_of(context, o, shadow, *signing)); !yes) return yes;
  if (*signing) {
    OrderOptions order = o.order;
    order.target = shadow.promotion().fingerprint();
    const auto enough = sign_for(context, *client, order);
    if (!enough) return tl::make_unexpected(enough.error());
    if (!*enough) return {};
  }
  return carry_out(context, *client, o.shadow);
}

}  // namespace

std::string allowance_text(Client& client, const std::string& fingerprint) {
  std::string text =
      "The configuration with this fingerprint may then be loaded or promoted, once, also where it loosens limits. "
      "Compare it with what homeostat check prints for the file you have read.";
  const auto shadows = client.call(v1::ListShadowsRequest{});
  if (!shadows) return text;
  for (const v1::Shadow& shadow : shadows->shadows()) {
    if (shadow.promotion().fingerprint() != fingerprint) continue;
    text += fmt::format("\nIt is that of shadow {}, policy {} (homeostat shadow diff {}); {}", shadow.name(),
                        shadow.policy(), shadow.name(), loosened_text(shadow.promotion()));
    text.pop_back();
  }
  return text;
}

void add_promote_command(CLI::App& group, Context& context) {
  const auto o = std::make_shared<PromoteOptions>();
  o->order.kind = guardian::CommandKind::allow_policy;
  CLI::App* app = add_command(
      group, context, "promote", "Put a shadow's configuration in force, under the rules of a reload",
      {"homeostat shadow promote calmer",
       "homeostat shadow promote calmer --file candidate.yaml --sign root.key --reason \"vote 31\"",
       "homeostat shadow promote calmer --file candidate.yaml --policy streaming --sign root.key --out order.txt "
       "--reason \"vote 31\""},
      [&context, o] { return promote(context, *o); });
  app->add_option("SHADOW", o->shadow, "its name (homeostat shadow list)")->required();
  app->add_option("--file", o->file, "the candidate you have read; refused when the shadow is another text")
      ->type_name("FILE");
  app->add_option("--reason", o->order.reason, "why, for the audit; needed to sign")->type_name("TEXT");
  add_signing_options(*app, context, o->order);
}

}  // namespace homeostat::cli
