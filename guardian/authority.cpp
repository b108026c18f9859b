#include "guardian/authority.hpp"

#include <algorithm>

#include "core/format.hpp"
#include "core/text.hpp"

namespace homeostat::guardian {
namespace {

const Key* find_key(const Settings& settings, std::string_view id) {
  const auto found =
      std::find_if(settings.keys.begin(), settings.keys.end(), [&](const Key& k) { return k.name == id; });
  return found == settings.keys.end() ? nullptr : &*found;
}

Result<const Key*> known_key(const Settings& settings, const std::string& id, Instant at) {
  const Key* key = find_key(settings, id);
  if (key == nullptr) {
    std::vector<std::string_view> known;
    for (const Key& k : settings.keys) known.push_back(k.name);
    return fail(ErrorCode::unknown_name, "key", "the policy has no key '" + id + "'" + did_you_mean(id, known));
  }
  if (!key->expires.is_never() && at >= key->expires) {
    return fail(ErrorCode::permission_denied, "key", "key '" + id + "' expired at " + text_of(key->expires));
  }
  return key;
}

Result<> check_role(const Key& key, CommandKind kind) {
  const Role least = role_for(kind);
  if (key.role >= least) return {};
  return fail(ErrorCode::permission_denied, "key",
              "key '" + key.name + "' has the role " + std::string(name_of(key.role)) + "; " +
                  std::string(name_of(kind)) + " asks for " + std::string(name_of(least)));
}

Result<> check_times(const Settings& settings, const SignedOrder& order, Instant at) {
  if (at >= order.expires) {
    return fail(ErrorCode::out_of_range, "expires",
                "the order expired at " + text_of(order.expires) + "; sign it again (homeostat guardian)");
  }
  if (order.expires - at > settings.order_valid_max) {
    return fail(ErrorCode::out_of_range, "expires",
                "the order is valid for another " + text_of(order.expires - at) + "; at most " +
                    text_of(settings.order_valid_max) + " is allowed");
  }
  return {};
}

tl::unexpected<Error> not_waiting(std::uint64_t id) {
  return fail(ErrorCode::unknown_name, "id",
              "no command " + std::to_string(id) +
                  " waits for a signature: it was carried out, rejected, expired, or never was");
}

}  // namespace

std::uint32_t signatures_needed(const Settings& settings, CommandKind kind, double size) {
  std::uint32_t needed = 1;
  for (const ApprovalRule& rule : settings.approvals) {
    if (rule.kind == kind && (rule.above == 0 || size > rule.above)) needed = std::max(needed, rule.of);
  }
  return needed;
}

Result<SignedOrder> Authority::admit(const Settings& settings, const std::string& policy, std::string_view text,
                                     const Signature& signature, Instant at) {
  auto order = parse_signed_order(text);
  if (!order) return order;
  const auto key = known_key(settings, order->key, at);
  if (!key) return tl::make_unexpected(key.error());
  if (!verify((*key)->public_key, text, signature)) {
    return fail(ErrorCode::permission_denied, "signature",
                "it is not the signature of key '" + order->key + "' over these bytes");
  }
  if (order->policy != policy) {
    return fail(ErrorCode::permission_denied, "policy",
                "the order is for policy '" + order->policy + "'; this is '" + policy + "'");
  }
  if (auto ok = check_times(settings, *order, at); !ok) return tl::make_unexpected(ok.error());
  order->command.actor = order->key;
  order->command.at = at;
  if (auto ok = use(*order); !ok) return tl::make_unexpected(ok.error());
  if (auto ok = check_role(**key, order->command.kind); !ok) return tl::make_unexpected(ok.error());
  return order;
}

Result<> Authority::use(const SignedOrder& order) {
  auto& used = nonces_[order.key];
  const auto known = used.find(order.nonce);
  if (known != used.end() && order.command.at < known->second) {  // before anything is changed
    return fail(ErrorCode::duplicate, "nonce", "this order was received before; sign it again to repeat it");
  }
  std::erase_if(used, [&](const auto& entry) { return order.command.at >= entry.second; });
  if (used.size() >= kNoncesMax) {
    return fail(ErrorCode::resource_exhausted, "nonce",
                "key '" + order.key + "' has " + std::to_string(kNoncesMax) +
                    " orders that have not expired; wait, or use another key");
  }
  used.emplace(order.nonce, order.expires);
  return {};
}

Result<> Authority::wait(std::uint64_t id, Pending pending) {
  if (pending_.size() >= kPendingMax) {
    return fail(ErrorCode::resource_exhausted, "approvals",
                std::to_string(kPendingMax) + " commands wait for signatures already; reject some first");
  }
  pending_.emplace(id, std::move(pending));
  return {};
}

Result<Authority::Approved> Authority::approve(const Settings& settings, std::uint64_t id, const std::string& key,
                                               Instant at) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return not_waiting(id);
  Pending& pending = found->second;
  const auto signer = known_key(settings, key, at);
  if (!signer) return tl::make_unexpected(signer.error());
  if (auto ok = check_role(**signer, pending.command.kind); !ok) return tl::make_unexpected(ok.error());
  if (std::find(pending.signers.begin(), pending.signers.end(), key) != pending.signers.end()) {
    return fail(ErrorCode::duplicate, "key", "key '" + key + "' signed it already; another one is needed");
  }
  pending.signers.push_back(key);
  // Keys that were taken out of the policy, or expired, since they signed count no more.
  const auto valid = static_cast<std::uint32_t>(
      std::count_if(pending.signers.begin(), pending.signers.end(), [&](const std::string& id_of) {
        const auto known = known_key(settings, id_of, at);
        return known && check_role(**known, pending.command.kind);
      }));
  if (valid < pending.needed) return Approved{pending.needed - valid, pending.command};
  Command command = std::move(pending.command);
  command.at = at;
  for (std::size_t i = 1; i < pending.signers.size(); ++i)
    command.actor += (i == 1 ? " with " : ", ") + pending.signers[i];
  pending_.erase(found);
  return Approved{0, std::move(command)};
}

Result<Command> Authority::reject(std::uint64_t id) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return not_waiting(id);
  Command command = std::move(found->second.command);
  pending_.erase(found);
  return command;
}

std::vector<std::pair<std::uint64_t, Pending>> Authority::expire(Instant at) {
  std::vector<std::pair<std::uint64_t, Pending>> over;
  for (const auto& entry : pending_) {
    if (at >= entry.second.expires) over.emplace_back(entry);
  }
  std::erase_if(pending_, [&](const auto& entry) { return at >= entry.second.expires; });
  return over;
}

}  // namespace homeostat::guardian
