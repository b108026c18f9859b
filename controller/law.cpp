#include "controller/law.hpp"

#include <algorithm>
#include <cmath>

#include "controller/law_step.hpp"
#include "core/math.hpp"

namespace homeostat::controller {
namespace {

/// A bridge below this share of what it bridges to is rounding, and gone.
constexpr double kBridgeRatioMin = 1e-12;
constexpr std::int64_t kHandBackPeriods = 10;

void hold(LawState& state, LawReason reason, PidStep& last) {
  state.reason = reason;
  last.unlimited = last.output = last.state.output;
  last.p = last.d = last.tracking = 0;
  last.frozen = true;
}

double bridge_after(const LawSettings& law, const LawStep& s, double bridge, double contribution, double output,
                    double low, double high) {
  if (s.aligning) {
    const bool is_explained = std::clamp(contribution, low, high) == output;
    bridge = is_explained ? 0 : output - contribution;
  } else if (bridge != 0) {
    const Duration half_life =
        law.hand_back_half_life > Duration::zero() ? law.hand_back_half_life : s.in.period * kHandBackPeriods;
    bridge *= math::exp2(-s.in.dt_s / half_life.in_seconds());
  }
  const double size = std::max({std::fabs(contribution), std::fabs(output), std::fabs(s.in.base)});
  return std::fabs(bridge) <= kBridgeRatioMin * size ? 0 : bridge;
}

Result<> refuse(const char* where, const char* message) {
  return fail(ErrorCode::out_of_range, where, message);
}

Result<> check(const Redemption& redemption) {
  if (redemption.per < Duration::seconds(1)) return refuse("per", "must be at least 1s");
  if (!(redemption.units_per_ratio > 0)) return refuse("per", "needs a parameter in ratio, % or bps");
  return {};
}

}  // namespace

std::string_view name_of(LawReason reason) {
  switch (reason) {
    case LawReason::none: return "none";
    case LawReason::followed: return "followed";
    case LawReason::aligned: return "aligned";
    case LawReason::bridging: return "bridging";
    case LawReason::waits: return "waits";
    case LawReason::within_band: return "within_band";
    case LawReason::at_bound: return "at_bound";
    case LawReason::up_stabilized: return "up_stabilized";
    case LawReason::down_stabilized: return "down_stabilized";
    case LawReason::up_limit: return "up_limit";
    case LawReason::down_limit: return "down_limit";
    case LawReason::unusable: return "unusable";
    case LawReason::fault: return "fault";
    case LawReason::refused: return "refused";
  }
  return "?";
}

std::string_view words_of(LawReason reason) {
  switch (reason) {
    case LawReason::none: return "";
    case LawReason::followed: return "its own value goes on";
    case LawReason::aligned: return "it took up the value that was in force";
    case LawReason::bridging: return "the hand-back is still being taken back";
    case LawReason::waits: return "the time of its next step has not come";
    case LawReason::within_band: return "near enough to do nothing";
    case LawReason::at_bound: return "a bound of its own cut it";
    case LawReason::up_stabilized: return "a smaller proposal of its window holds it down";
    case LawReason::down_stabilized: return "a larger proposal of its window holds it up";
    case LawReason::up_limit: return "a policy for raising cut it";
    case LawReason::down_limit: return "a policy for lowering cut it";
    case LawReason::unusable: return "a reading cannot be acted on";
    case LawReason::fault: return "its calculation left 256 bits";
    case LawReason::refused: return "an input is outside of what the mechanism is for";
  }
  return "";
}

Action action_of(const LawSettings& law) {
  switch (law.kind()) {
    case LawKind::pid:
    case LawKind::exponential: return Action::direct;
    case LawKind::rai_pi: return std::get<RaiPiLaw>(law.choice).settings.kp >= 0 ? Action::direct : Action::reverse;
    case LawKind::multiplicative:
    case LawKind::blob_fee:
    case LawKind::sigmoid:
    case LawKind::ratio:
    case LawKind::semilog: return Action::reverse;
    case LawKind::economy: return std::get<EconomyLaw>(law.choice).action;
    case LawKind::direct_rate: return Action::direct;
  }
  return Action::direct;
}

LawMetrics metrics_of(const LawSettings& law) {
  if (const auto* x = std::get_if<RaiPiLaw>(&law.choice)) return {x->redemption.price};
  if (const auto* x = std::get_if<DirectRateLaw>(&law.choice)) return {x->redemption.price};
  if (const auto* x = std::get_if<ExponentialLaw>(&law.choice)) return {x->keepers_share, x->debt, x->debt_ceiling};
  if (const auto* x = std::get_if<EconomyLaw>(&law.choice)) {
    LawMetrics metrics;
    std::size_t used = 0;
    for (const MechanismInput& input : x->inputs) {
      if (input.source == InputSource::metric && used < metrics.size()) metrics[used++] = input.metric;
    }
    return metrics;
  }
  return {};
}

bool can_wind_up(const LawSettings& law) {
  switch (law.kind()) {
    case LawKind::rai_pi: {
      const auto& settings = std::get<RaiPiLaw>(law.choice).settings;
      return rai::has_integral(settings.variant) && !settings.ki.is_zero();
    }
    case LawKind::multiplicative:
    case LawKind::blob_fee:
    case LawKind::sigmoid:
    case LawKind::direct_rate: return true;
    case LawKind::pid:
    case LawKind::ratio:
    case LawKind::semilog:
    case LawKind::exponential:
    case LawKind::economy: return false;
  }
  return false;
}

Result<> check(const LawSettings& law, Duration period) {
  if (const auto* x = std::get_if<RaiPiLaw>(&law.choice)) {
    if (const auto ok = check(x->redemption); !ok) return ok;
    if (period.ns % 1'000'000'000 != 0) {
      return refuse("", "counts whole seconds, so the policy's period must be a multiple of 1s");
    }
    return rai::check(x->settings).map_error([](Error e) {
      e.where += e.where == "kp" || e.where == "ki" || e.where == "noise_barrier" ? "_wad" : "_ray";
      return e;
    });
  }
  if (const auto* x = std::get_if<DirectRateLaw>(&law.choice)) {
    if (x->acceleration <= 0 || x->acceleration > wad()) return refuse("acceleration_wad", "must be within 1..1 WAD");
    return check(x->redemption);
  }
  if (const auto* x = std::get_if<MultiplicativeLaw>(&law.choice)) {
    if (x->settings.elasticity < 1 || x->settings.elasticity > 1'000'000) {
      return refuse("elasticity", "must be within 1..1000000");
    }
    if (x->settings.change_denominator < 1 || x->settings.change_denominator > kReadingParts) {
      return refuse("denominator", "must be within 1..1000000000");
    }
  }
  if (const auto* x = std::get_if<BlobFeeLaw>(&law.choice)) {
    if (!(x->fee_min > 0) || !std::isfinite(x->fee_min)) return refuse("fee_min", "must be above 0");
    if (!(x->update_fraction >= 1e-6) || !std::isfinite(x->update_fraction)) {
      return refuse("update_fraction", "must be at least 0.000001");
    }
  }
  if (const auto* x = std::get_if<SigmoidLaw>(&law.choice)) return sigmoid::check(x->settings);
  if (const auto* x = std::get_if<RatioLaw>(&law.choice)) return ratio::check(x->settings, period);
  if (const auto* x = std::get_if<SemilogLaw>(&law.choice)) {
    if (!(x->full > 0) || !std::isfinite(x->full)) return refuse("full", "must be above 0");
    return monetary::check(x->settings);
  }
  if (const auto* x = std::get_if<ExponentialLaw>(&law.choice)) {
    if (x->debt.empty() != x->debt_ceiling.empty()) return refuse("debt", "and debt_ceiling belong together");
    return monetary::check(x->settings);
  }
  if (const auto* x = std::get_if<EconomyLaw>(&law.choice)) {
    const auto metrics = std::count_if(x->inputs.begin(), x->inputs.end(),
                                       [](const auto& input) { return input.source == InputSource::metric; });
    if (metrics > static_cast<std::ptrdiff_t>(kLawMetricsMax))
      return refuse("inputs", "may take at most 8 from metrics");
  }
  return {};
}

void advance(const LawSettings& law, const PidSettings& limits, const LawInput& input, LawState& state, PidStep& last) {
  const double low = limits.output_min;
  const double high = limits.output_max;
  last.state.output = std::clamp(last.state.output, low, high);
  if (!input.usable) return hold(state, LawReason::unusable, last);

  const double output = last.state.output;
  const LawStep step{input,        last.state.aligning, input.base + output, input.base + low, input.base + high,
                     limits.dt_max};
  const std::optional<Asked> asked = ask(law, step, state.memory);
  if (!asked || !std::isfinite(asked->value)) {
    return hold(state, law.kind() == LawKind::economy ? LawReason::refused : LawReason::fault, last);
  }

  const double contribution = asked->value - input.base;
  const double bridge = bridge_after(law, step, state.bridge, contribution, output, low, high);
  const double unlimited = contribution + bridge;
  const double limited = std::clamp(unlimited, low, high);
  state.reason = asked->reason;
  if (limited != unlimited) state.reason = LawReason::at_bound;
  if (bridge != 0 && !step.aligning) state.reason = LawReason::bridging;
  if (step.aligning) state.reason = LawReason::aligned;
  state.bridge = bridge;
  state.raw = asked->value;

  const bool is_whole = asked->has_shared || step.aligning || input.authority >= 1;
  last.state.output = is_whole ? limited : std::clamp(output + (limited - output) * input.authority, low, high);
  last.state.aligning = false;
  last.state.has_reading = true;
  last.state.process_variable = input.process_variable;
  const double error = input.setpoint - input.process_variable;
  last.error = last.state.error = limits.action == Action::direct ? error : -error;
  last.p = asked->p;
  last.i = asked->i;
  last.d = 0;
  last.feed_forward = asked->feed_forward;
  last.tracking = asked->tracking;
  last.unlimited = unlimited;
  last.output = last.state.output;
  last.frozen = false;
}

}  // namespace homeostat::controller
