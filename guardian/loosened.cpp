#include "guardian/loosened.hpp"

#include <algorithm>

#include "core/format.hpp"

namespace homeostat::guardian {
namespace {

/// The largest change a limit allows at `value`; what has no limit may go anywhere.
double largest_change(const ChangeLimit& limit, const ParameterSettings& p, double value) {
  double most = p.max.to_double() - p.min.to_double();
  if (limit.absolute) most = std::min(most, limit.absolute->to_double());
  if (limit.relative) {
    const double share = *limit.relative * std::max(value, -value);
    most = std::min(most, limit.floor ? std::max(share, limit.floor->to_double()) : share);
  }
  return most;
}

/// Limits are piecewise linear in the value, so the ends of both ranges and the point between tell.
bool is_larger(const ChangeLimit& was, const ParameterSettings& a, const ChangeLimit& now, const ParameterSettings& b) {
  const double low = a.min.to_double(), high = a.max.to_double();
  for (const double value : {low, (low + high) / 2, high, 0.0}) {
    if (largest_change(now, b, value) > largest_change(was, a, value)) return true;
  }
  return false;
}

class Comparison {
 public:
  void add(const std::string& where, const std::string& was, const std::string& now) {
    found_.push_back(where + " from " + was + " to " + now);
  }
  void if_longer(const std::string& where, Duration was, Duration now) {
    if (now > was) add(where, text_of(was), text_of(now));
  }
  void if_shorter(const std::string& where, Duration was, Duration now) {
    if (now < was) add(where, text_of(was), text_of(now));
  }
  void parameter(const ParameterSettings& was, const ParameterSettings& now);
  std::vector<std::string> take() { return std::move(found_); }
  void say(std::string sentence) { found_.push_back(std::move(sentence)); }

 private:
  void limits(const std::string& at, const ParameterSettings& was, const ParameterSettings& now,
              const EmergencyLimits& a, const EmergencyLimits& b) {
    if (is_larger(a.change, was, b.change, now)) say(at + ".change allows larger changes");
    if_shorter(at + ".cooldown.up", a.cooldown_up, b.cooldown_up);
    if_shorter(at + ".cooldown.down", a.cooldown_down, b.cooldown_down);
  }

  std::vector<std::string> found_;
};

EmergencyLimits emergency_of(const ParameterSettings& p) {
  return p.emergency.value_or(EmergencyLimits{p.change, p.cooldown_up, p.cooldown_down});
}

void Comparison::parameter(const ParameterSettings& was, const ParameterSettings& now) {
  const std::string at = "parameters." + now.name;
  if (was.decimals != now.decimals) return say(at + " has other decimals");
  if (now.min < was.min) add(at + ".min", was.min.to_string(), now.min.to_string());
  if (now.max > was.max) add(at + ".max", was.max.to_string(), now.max.to_string());
  limits(at, was, now, {was.change, was.cooldown_up, was.cooldown_down},
         {now.change, now.cooldown_up, now.cooldown_down});
  limits(at + ".emergency", was, now, emergency_of(was), emergency_of(now));
  if (was.drift && (!now.drift || now.drift->budget > was.drift->budget || now.drift->window < was.drift->window)) {
    say(at + ".drift allows more");
  }
  if (now.derisking && now.derisking != was.derisking) say(at + ".derisking lets another direction pass the cooldown");
  if (was.flaps && (!now.flaps || now.flaps->count > was.flaps->count || now.flaps->window < was.flaps->window)) {
    say(at + ".flaps allow more");
  }
  if (was.restricted && !now.restricted) say(at + ".restricted is taken back");
  for (const ValueRange& range : was.restricted_values) {
    const bool kept =
        now.restricted || std::any_of(now.restricted_values.begin(), now.restricted_values.end(),
                                      [&](const ValueRange& r) { return r.from <= range.from && r.to >= range.to; });
    if (!kept) say(at + ".restricted no longer holds " + range.from.to_string() + " to " + range.to.to_string());
  }
  if_longer(at + ".expiry", was.expiry, now.expiry);
  if_shorter(at + ".veto_window", was.veto_window, now.veto_window);
  if (was.approve_above && (!now.approve_above || *now.approve_above > *was.approve_above)) {
    say(at + ".approve_above lets more pass unapproved");
  }
  if (was.action != now.action) say(at + ".action is another one");
}

bool is_same(const Key& a, const Key& b) {
  return a.name == b.name && a.public_key == b.public_key && a.role == b.role && a.expires == b.expires;
}

/// Every member and every invariant is still there; what an expression allows cannot be compared, so another text
/// counts.
bool holds_as_much(const Bundle& was, const Bundle& now) {
  const auto has_member = [&](const std::string& name) {
    return std::find(now.members.begin(), now.members.end(), name) != now.members.end();
  };
  const auto has_invariant = [&](const BundleInvariant& i) {
    return std::any_of(now.invariants.begin(), now.invariants.end(), [&](const auto& x) { return x.text == i.text; });
  };
  return std::all_of(was.members.begin(), was.members.end(), has_member) &&
         std::all_of(was.invariants.begin(), was.invariants.end(), has_invariant);
}

}  // namespace

std::vector<std::string> loosened(const Settings& was, const Settings& now) {
  Comparison compare;
  for (const ParameterSettings& p : now.parameters) {
    const auto before = std::find_if(was.parameters.begin(), was.parameters.end(),
                                     [&](const ParameterSettings& o) { return o.name == p.name; });
    if (before == was.parameters.end()) {
      compare.say("parameters." + p.name + " is new");
    } else {
      compare.parameter(*before, p);
    }
  }
  for (const Bundle& bundle : was.bundles) {
    const auto kept =
        std::find_if(now.bundles.begin(), now.bundles.end(), [&](const Bundle& b) { return b.name == bundle.name; });
    if (kept == now.bundles.end() || !holds_as_much(bundle, *kept)) {
      compare.say("bundles." + bundle.name + " holds less together");
    }
  }
  compare.if_longer("guardian.override_max", was.override_max, now.override_max);
  compare.if_longer("guardian.order_valid_max", was.order_valid_max, now.order_valid_max);
  if (now.setpoint_shift_max > was.setpoint_shift_max) {
    compare.add("guardian.setpoint_shift_max", text_of(was.setpoint_shift_max), text_of(now.setpoint_shift_max));
  }
  for (const Key& key : now.keys) {
    if (std::none_of(was.keys.begin(), was.keys.end(), [&](const Key& k) { return is_same(k, key); })) {
      compare.say("guardian.keys." + key.name + " is new or another one");
    }
  }
  if (now.keys.empty() && !was.keys.empty()) compare.say("guardian.keys are gone: unsigned orders would be taken");
  for (const ApprovalRule& rule : was.approvals) {
    const bool kept = std::any_of(now.approvals.begin(), now.approvals.end(), [&](const ApprovalRule& r) {
      return r.kind == rule.kind && r.of >= rule.of && r.above <= rule.above;
    });
    if (!kept) {
      compare.say("guardian.approvals ask for less than " + std::to_string(rule.of) + " signatures of " +
                  std::string(name_of(rule.kind)));
    }
  }
  return compare.take();
}

}  // namespace homeostat::guardian
