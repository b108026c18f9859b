#include "economy/bonding/safety.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check.hpp"
#include "economy/argument.hpp"
#include "economy/bonding/memory.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr Range kAmounts{0, 1e300};
constexpr Range kPrices{0, 1e12};

double sum_of(std::span<const double> xs) {
  double sum = 0;
  for (const double x : xs) sum += x;
  return sum;
}

Result<> check_movement(const Movement& m) {
  return first_error(
      require_each("balances", m.balances, kAmounts), require_each("amounts", m.amounts, kAmounts),
      require_each("prices", m.prices, kPrices),
      require_same_size("amounts", m.amounts.size(), "balances", m.balances.size()),
      require_same_size("prices", m.prices.size(), "balances", m.balances.size()),
      require_same_size("targets", m.targets.size(), "balances", m.balances.size()),
      require_shares("targets", m.targets),
      require_same_size("pegs", m.pegs.empty() ? m.balances.size() : m.pegs.size(), "balances", m.balances.size()));
}

/// One vault's value before and after the movement.
struct Worth {
  double before = 0;
  double after = 0;
};
Worth worth_of(const Movement& m, std::size_t i) {
  const double sign = m.is_mint ? 1 : -1;
  return {m.balances[i] * m.prices[i], (m.balances[i] + sign * m.amounts[i]) * m.prices[i]};
}

struct Totals {
  double before = 0;
  double after = 0;
  /// Weight of a vault; the target where there is nothing.
  [[nodiscard]] double weight_before(Worth v, double target) const { return before > 0 ? v.before / before : target; }
  [[nodiscard]] double weight_after(Worth v, double target) const { return after > 0 ? v.after / after : target; }
};

bool is_band_kept(const SafetySettings& s, double before, double after, double target, double slack) {
  const double deviation = std::abs(after - target);
  if (deviation <= s.band * target + (s.is_strict ? 0 : slack)) return true;
  const double earlier = std::abs(before - target);
  return s.is_strict ? deviation < earlier : deviation <= earlier + slack;
}

/// Weights of what is left after a movement are as uncertain as the rounding of what was there before it.
double slack_of(double total_before, double total_after) {
  return kSafetySlack + 16 * std::numeric_limits<double>::epsilon() * total_before / total_after;
}

bool is_peg_safe(const Movement& m, const Totals& totals) {
  if (!m.is_mint || m.pegs.empty()) return true;
  bool is_any_below = false, is_any_off = false, do_all_fall = true;
  for (std::size_t i = 0; i < m.pegs.size(); ++i) {
    const bool is_below = m.prices[i] < m.pegs[i].floor;
    if (!is_below && m.prices[i] <= m.pegs[i].ceiling) continue;
    is_any_off = true;
    is_any_below = is_any_below || is_below;
    const Worth v = worth_of(m, i);
    do_all_fall = do_all_fall && totals.weight_after(v, m.targets[i]) < totals.weight_before(v, m.targets[i]);
  }
  return !is_any_off || !is_any_below || do_all_fall;
}

}  // namespace

std::string_view name_of(Safety verdict) {
  switch (verdict) {
    case Safety::ok: return "ok";
    case Safety::infeasible: return "infeasible";
    case Safety::price_too_small: return "price_too_small";
    case Safety::off_peg: return "off_peg";
    case Safety::unsafe: return "unsafe";
  }
  return "?";
}

Result<> check(const SafetySettings& s) {
  return first_error(require("band", s.band, {0, 10}), require("price_min", s.price_min, {1e-12, 1e6}));
}

Result<Safety> judge(const SafetySettings& s, const Movement& m) {
  if (auto ok = first_error(check(s), check_movement(m)); !ok) return tl::make_unexpected(ok.error());
  for (std::size_t i = 0; i < m.balances.size(); ++i) {
    if (!m.is_mint && m.amounts[i] > m.balances[i]) return Safety::infeasible;
  }
  Totals totals;
  for (std::size_t i = 0; i < m.balances.size(); ++i) {
    if (m.prices[i] < s.price_min) return Safety::price_too_small;
    const Worth v = worth_of(m, i);
    totals.before += v.before;
    totals.after += v.after;
  }
  if (!is_peg_safe(m, totals)) return Safety::off_peg;
  const double slack = slack_of(totals.before, totals.after);
  for (std::size_t i = 0; i < m.balances.size(); ++i) {
    const Worth v = worth_of(m, i);
    const double target = m.targets[i];
    if (!is_band_kept(s, totals.weight_before(v, target), totals.weight_after(v, target), target, slack)) {
      return Safety::unsafe;
    }
  }
  return Safety::ok;
}

bool is_safe(const SafetySettings& s, std::span<const double> before, std::span<const double> after,
             std::span<const double> targets) {
  HOMEOSTAT_CHECK(before.size() == targets.size() && after.size() == targets.size());
  const double total_before = sum_of(before), total_after = sum_of(after);
  const double slack = slack_of(total_before, total_after);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const double w0 = total_before > 0 ? before[i] / total_before : targets[i];
    const double w1 = total_after > 0 ? after[i] / total_after : targets[i];
    if (!is_band_kept(s, w0, w1, targets[i], slack)) return false;
  }
  return true;
}

Result<> check(const VaultFlowSettings& s) {
  return first_error(require("memory", s.memory, {1e-9, 1 - 1e-12}), require("threshold", s.threshold, {1e-12, 1e300}),
                     require("lock_max", s.lock_max, {0, 1e9}), require("lock", s.lock, {0, s.lock_max}));
}

std::string_view name_of(FlowVerdict verdict) {
  switch (verdict) {
    case FlowVerdict::ok: return "ok";
    case FlowVerdict::ok_safety_mode: return "ok_safety_mode";
    case FlowVerdict::flow_too_high: return "flow_too_high";
    case FlowVerdict::safety_mode: return "safety_mode";
  }
  return "?";
}

FlowStep step(const VaultFlowSettings& s, const VaultFlow& flow, double amount, double now) {
  if (now <= flow.locked_until) return {FlowVerdict::safety_mode, flow};
  const double next = amount + flow.flow * Memory(s.memory).after(now - flow.at);
  if (next > s.threshold) return {FlowVerdict::flow_too_high, flow};
  if (next > kFlowWarning * s.threshold) return {FlowVerdict::ok_safety_mode, {next, now, now + s.lock}};
  return {FlowVerdict::ok, {next, now, flow.locked_until}};
}

double headroom(const VaultFlowSettings& s, const VaultFlow& flow, double now) {
  if (now <= flow.locked_until) return 0;
  return std::max(0.0, s.threshold - flow.flow * Memory(s.memory).after(now - flow.at));
}

Result<VaultFlow> locked(const VaultFlowSettings& s, const VaultFlow& flow, double duration, double now) {
  if (auto ok = require("duration", duration, {0, s.lock_max}); !ok) return tl::make_unexpected(ok.error());
  return VaultFlow{flow.flow, flow.at, std::max(flow.locked_until, now + duration)};
}

}  // namespace homeostat::economy::bonding
