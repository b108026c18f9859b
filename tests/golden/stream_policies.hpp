// The policies that the stream of inputs changes between. Together they use every part of the engine, which
// coverage.hpp checks by what comes of it:
//
//   a   aggregates, an expression, arbitrations, limits, bands, a veto window; nine loops, four parameters
//   b   a with other gains, limits, loops and order, and twice the period
//   c   a with keys and approval rules: orders are signed
//   d   every law, actions that move amounts, a decoupling, a cascade, a gain schedule, a bundle that is run on a
//   model,
//       releases, flap budgets, restricted values; some loops and parameters are those of a
//   e   d with other laws' variants, actions, matrix and bundles, and with c's keys
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "engine/policy.hpp"
#include "guardian/keys.hpp"
#include "tests/unit/guardian/signer.hpp"

namespace homeostat::golden {

inline constexpr std::array<const char*, 5> kPolicies = {"a", "b", "c", "d", "e"};

/// Texts of policies that are always refused.
inline constexpr std::array<const char*, 2> kBadPolicies = {"broken", "rescaled"};

/// The policy of a text, one of kPolicies or kBadPolicies. This is the stream's configuration loader.
[[nodiscard]] Result<engine::PolicyPtr> load_policy(const std::string& text);

struct Person {
  const char* name;
  guardian::Role role;
  guardian::Signer signer;
};
/// Whose keys policies c and e list; the last one's is not among them.
[[nodiscard]] const std::vector<Person>& people();

/// Policy a, and what d and e are made of (stream_policies_all.cpp).
[[nodiscard]] engine::Policy policy_a();
[[nodiscard]] engine::Policy policy_d();
[[nodiscard]] engine::Policy policy_e();
void add_keys(engine::Policy& policy);

[[nodiscard]] Decimal dec(const char* text, int decimals);
[[nodiscard]] controller::LoopSettings loop(const char* name, const char* of, const char* to, double setpoint,
                                            controller::Gains gains);
/// From 0.5 to 5 in steps of 0.05.
[[nodiscard]] guardian::ParameterSettings parameter(const char* name, int decimals, guardian::Arbitration arbitration);

}  // namespace homeostat::golden
