// Which movements of the reserve are safe: those that leave every vault near its target or at least no farther from
// it, do not buy what has lost its peg, and do not empty a vault in a hurry.
//
// Symbols: w_i, w'_i weights of vault i before and after, T_i target, eps band (relative to the target).
//
//     within(i)  |w'_i - T_i| <= eps T_i
//     safe       for every i: within(i)  or  |w'_i - T_i| <= |w_i - T_i| (+ 1e-12)
//
// `strict` demands < instead, as Gyroscope does: then a proportional movement is refused while any vault is outside
// of its band; with <= it is always safe.
// Off peg (mint only; redemptions are never blocked by it): safe if every stable vault is within [floor, ceiling] of
// its peg, or none is below its floor, or the weight of every vault that is off its peg falls.
// Order of the verdicts: infeasible, price too small, off peg, unsafe.
//
// Vault flow (each vault, each direction): f' = amount + f memory^elapsed. now <= locked_until refuses; f' > threshold
// refuses; f' > kFlowWarning threshold is accepted and locks this direction for `lock` (a guardian may lock for
// longer).
//
// Source: Gyroscope's reserve safety manager and vault safety mode. Exact but for the rounding of the weights, which
// the slack of 1e-12 (and, where nearly everything leaves, 16 units of what was there) covers.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/result.hpp"

namespace homeostat::economy::bonding {

inline constexpr double kSafetySlack = 1e-12;
inline constexpr double kFlowWarning = 0.8;

struct SafetySettings {
  double band = 0.25;       ///< eps, of the target weight; 0..10
  bool is_strict = false;   ///< < instead of <=
  double price_min = 1e-5;  ///< what a vault's token must be worth at least; 1e-12..1e6
  bool operator==(const SafetySettings&) const = default;
};
[[nodiscard]] Result<> check(const SafetySettings& settings);

enum class Safety : std::uint8_t { ok, infeasible, price_too_small, off_peg, unsafe };
[[nodiscard]] std::string_view name_of(Safety verdict);

/// Where the price of a vault's token belongs; {0, infinity} for one that has no peg.
struct PegBand {
  double floor = 0;
  double ceiling = 1e300;
  bool operator==(const PegBand&) const = default;
};

/// One movement: `amounts` (>= 0) of tokens into the vaults, or out of them.
struct Movement {
  std::span<const double> balances;
  std::span<const double> amounts;
  std::span<const double> prices;
  std::span<const double> targets;  ///< sum to one
  bool is_mint = true;
  std::span<const PegBand> pegs = {};  ///< empty: no vault has a peg
};
/// Errors name balances, amounts, prices or targets.
[[nodiscard]] Result<Safety> judge(const SafetySettings& settings, const Movement& movement);

/// The band rule alone, on values in any common unit; the sums need not be one. Sizes are equal (CHECKed).
[[nodiscard]] bool is_safe(const SafetySettings& settings, std::span<const double> values_before,
                           std::span<const double> values_after, std::span<const double> targets);

struct VaultFlowSettings {
  double memory = 0.9;     ///< per unit of time; (0, 1)
  double threshold = 0.3;  ///< in the unit of the amounts; > 0
  double lock = 0.1;       ///< time; 0..lock_max
  double lock_max = 10;    ///< the longest that a guardian may lock for
  bool operator==(const VaultFlowSettings&) const = default;
};
[[nodiscard]] Result<> check(const VaultFlowSettings& settings);

/// Of one vault in one direction.
struct VaultFlow {
  double flow = 0;
  double at = 0;             ///< when `flow` was so much
  double locked_until = -1;  ///< inclusive
  bool operator==(const VaultFlow&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.flow);
    a(x.at);
    a(x.locked_until);
  }
};

enum class FlowVerdict : std::uint8_t { ok, ok_safety_mode, flow_too_high, safety_mode };
[[nodiscard]] std::string_view name_of(FlowVerdict verdict);

struct FlowStep {
  FlowVerdict verdict = FlowVerdict::ok;
  VaultFlow next;  ///< the flow as it was if refused
  [[nodiscard]] bool is_accepted() const { return verdict <= FlowVerdict::ok_safety_mode; }
};
/// For checked settings, amount >= 0 and now >= flow.at.
[[nodiscard]] FlowStep step(const VaultFlowSettings& settings, const VaultFlow& flow, double amount, double now);
/// The most that step() would accept now.
[[nodiscard]] double headroom(const VaultFlowSettings& settings, const VaultFlow& flow, double now);
/// A guardian's lock until now + duration. Error if longer than lock_max.
[[nodiscard]] Result<VaultFlow> locked(const VaultFlowSettings& settings, const VaultFlow& flow, double duration,
                                       double now);

}  // namespace homeostat::economy::bonding
