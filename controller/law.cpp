#include "controller/law.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "core/math.hpp"

namespace homeostat::controller {
namespace {

/// Readings and set-points become integers of this many parts, so that ratios of small ones keep nine digits.
constexpr std::int64_t kReadingParts = 1'000'000'000;
/// A bridge below this share of what it bridges to is rounding, and gone.
constexpr double kBridgeRatioMin = 1e-12;
constexpr std::int64_t kHandBackPeriods = 10;

/// The integer nearest to x times `parts`, exactly; halves away from zero. Beyond 2^255 it is the largest int256.
Int scaled(double x, const Int& parts) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const int field = static_cast<int>((bits >> 52) & 0x7ff);
  std::uint64_t mantissa = bits & ((std::uint64_t{1} << 52) - 1);
  if (field > 0) mantissa |= std::uint64_t{1} << 52;
  const int exponent = std::max(field, 1) - 1075;
  Int value = Int(mantissa) * parts;
  if (exponent > 100) {
    value = int256_max();
  } else if (exponent >= 0) {
    value = std::min(Int{value << exponent}, int256_max());
  } else if (exponent < -400) {
    value = 0;
  } else {
    value = (value + (Int(1) << (-exponent - 1))) >> -exponent;
  }
  return (bits >> 63) != 0 ? Int{-value} : value;
}

Int power_of_ten(int n) {
  Int x = 1;
  for (int i = 0; i < n; ++i) x *= 10;
  return x;
}

double number(const Int& x, const Int& parts) {
  return x.convert_to<double>() / parts.convert_to<double>();
}

/// From `from` to `to` by a share, 0..1, of the way.
Int part_way(const Int& from, const Int& to, double share) {
  if (share >= 1) return to;
  return from + (to - from) * scaled(share, kReadingParts) / kReadingParts;
}

/// What a law asks for.
struct Asked {
  double value = 0;  ///< U
  LawReason reason = LawReason::followed;
  bool has_shared = false;  ///< authority is in it already
  double p = 0;             ///< U, of laws that have the terms
  double i = 0;
  double tracking = 0;  ///< U, what of the excess was taken in
};

/// What every law is given beside its own settings and memory.
struct Step {
  const LawInput& in;
  bool aligning = false;
  double held = 0;  ///< U: base + the output that is held, which an aligning step goes on from
  double low = 0;   ///< U, of the loop's output limits
  double high = 0;
  Duration dt_max;
};

template <class Memory>
Memory& memory_of(LawMemory& memory) {
  if (auto* found = std::get_if<Memory>(&memory)) return *found;
  return memory.emplace<Memory>();
}

bool is_time(Instant stepped, Duration every, Instant now) {
  return stepped.is_never() || now - stepped >= every;
}

/// The value of a law that changes its own value, after one step of it by `next`.
template <class Next>
std::optional<Asked> step_value(Duration every, const Step& s, ValueMemory& memory, const Next& next) {
  const Int parts = power_of_ten(s.in.decimals);
  Asked asked{.has_shared = true};
  if (s.aligning) {
    memory.value = scaled(s.held, parts);
    memory.stepped = s.in.now;
    asked.value = s.held;
    asked.reason = LawReason::aligned;
    return asked;
  }
  Int value = memory.value;
  if (s.in.excess != 0) value += scaled(s.in.excess, parts);
  asked.tracking = s.in.excess;
  if (is_time(memory.stepped, every, s.in.now)) {
    const std::optional<Int> stepped = next(value, asked.reason);
    if (!stepped) return std::nullopt;
    value = part_way(value, *stepped, s.in.authority);
    memory.stepped = s.in.now;
  } else {
    asked.reason = LawReason::waits;
  }
  const Int bounded = std::clamp(value, scaled(s.low, parts), scaled(s.high, parts));
  if (bounded != value) asked.reason = LawReason::at_bound;
  memory.value = bounded;
  asked.value = number(bounded, parts);
  return asked;
}

std::optional<Asked> ask(const MultiplicativeLaw& law, const Step& s, LawMemory& memory) {
  const auto next = [&](const Int& value, LawReason& reason) -> std::optional<Int> {
    const Int target = scaled(s.in.setpoint, kReadingParts);
    const Int limit = target * law.settings.elasticity;
    const Int used = std::min(scaled(s.in.process_variable, kReadingParts), limit);  // a block cannot be fuller
    const auto fee = multiplicative::next_base_fee(law.settings, value, used, limit);
    if (!fee) return std::nullopt;
    if (used == target) reason = LawReason::within_band;
    return *fee;
  };
  return step_value(law.every, s, memory_of<ValueMemory>(memory), next);
}

std::optional<Asked> ask(const SigmoidLaw& law, const Step& s, LawMemory& memory) {
  const auto next = [&](const Int& value, LawReason& reason) -> std::optional<Int> {
    const auto step =
        sigmoid::step(law.settings, {scaled(s.in.process_variable, wad()), scaled(s.in.setpoint, wad()), value});
    if (!step) return std::nullopt;
    if (step->in_threshold) reason = LawReason::within_band;
    if (step->capped) reason = LawReason::at_bound;
    return Int{value + step->supply_delta};
  };
  return step_value(law.every, s, memory_of<ValueMemory>(memory), next);
}

/// The excess at which the fee is about `fee`.
Int excess_for(const BlobFeeLaw& law, double fee) {
  if (fee <= law.fee_min) return 0;
  return scaled(law.update_fraction * math::log(fee / law.fee_min), kReadingParts);
}

std::optional<Asked> ask(const BlobFeeLaw& law, const Step& s, LawMemory& memory) {
  const Int parts = power_of_ten(s.in.decimals);
  auto& blob = memory_of<BlobMemory>(memory);
  Asked asked{.has_shared = true};
  Int excess = blob.excess;
  Instant stepped = blob.stepped;
  if (s.aligning) {
    excess = excess_for(law, s.held);
    stepped = s.in.now;
    asked.reason = LawReason::aligned;
  } else {
    if (s.in.excess != 0) excess = excess_for(law, s.held + s.in.excess);
    asked.tracking = s.in.excess;
    if (is_time(stepped, law.every, s.in.now)) {
      const auto next = multiplicative::next_excess(excess, scaled(s.in.process_variable, kReadingParts),
                                                    scaled(s.in.setpoint, kReadingParts));
      if (!next) return std::nullopt;
      excess = part_way(excess, *next, s.in.authority);
      stepped = s.in.now;
    } else {
      asked.reason = LawReason::waits;
    }
    const Int most = excess_for(law, s.high);  // the fee would wait at its bound until all of the excess is gone
    if (excess > most) {
      excess = most;
      asked.reason = LawReason::at_bound;
    }
  }
  const auto fee =
      multiplicative::fake_exponential(scaled(law.fee_min, parts), excess, scaled(law.update_fraction, kReadingParts));
  if (!fee) return std::nullopt;
  blob = {excess, stepped};
  asked.value = number(*fee, parts);
  return asked;
}

/// The redemption rate for an output, as the contract makes it of its sum.
std::optional<Int> rate_of(const rai::Settings& settings, const Int& output, const Int& price, LawReason& reason) {
  const auto barrier = rai::barrier(settings, price);
  const auto rate = rai::bounded_rate(settings, output);
  if (!barrier || !rate) return std::nullopt;
  if (output.is_zero() || abs(output) < *barrier) {
    reason = LawReason::within_band;
    return ray();
  }
  return *rate;
}

std::optional<Asked> ask(const RaiPiLaw& law, const Step& s, LawMemory& memory) {
  auto& rai_memory = memory_of<RaiMemory>(memory);
  const Int market = scaled(s.in.process_variable, wad());
  const Int price = scaled(law.redemption_price.empty() ? s.in.setpoint : s.in.others[0], ray());
  if (market < 0 || price <= 0) return std::nullopt;
  const double units_per_ray_s = law.per.in_seconds() * law.units_per_ratio;
  const bool integrates = rai::has_integral(law.settings.variant) && !law.settings.ki.is_zero();
  const auto in_rays = [&](double units) { return scaled(units / units_per_ray_s, ray()); };

  const Instant now = s.in.now;
  const Duration passed = std::clamp(now - rai_memory.stepped, Duration::zero(), s.dt_max);
  const bool is_first = s.aligning || rai_memory.stepped.is_never();
  const auto dt_s = is_first ? 0 : static_cast<std::uint64_t>(passed / Duration::seconds(1));
  const auto in_units = [&](const Int& rays) { return number(rays, ray()) * units_per_ray_s; };
  const auto now_s = static_cast<std::uint64_t>(std::max<std::int64_t>(1, now.ns / 1'000'000'000));
  auto step = rai::step_over(law.settings, rai_memory.state, market, price, dt_s, now_s);
  if (!step) return std::nullopt;

  Asked asked;
  Int& integral = step->state.integral;
  Int rate = step->rate;
  bool is_changed = false;
  if (step->in_deadband) asked.reason = LawReason::within_band;
  if (step->at_bound) asked.reason = LawReason::at_bound;
  if (integrates) {
    const Int before = integral;
    if (s.aligning) integral = (in_rays(s.held) - step->gain_adjusted_p) * wad() / law.settings.ki;
    if (!s.aligning) {
      const Int gained = integral - rai_memory.state.integral;
      const double value = in_units(Int{step->rate - ray()});
      const int direction = gained.sign() * law.settings.ki.sign();
      // Nothing more is taken in beyond the law's own bounds or the loop's.
      const bool pushes = (step->at_bound && direction == step->output.sign()) || (direction > 0 && value > s.high) ||
                          (direction < 0 && value < s.low);
      if (pushes) integral = rai_memory.state.integral;
      if (!pushes && s.in.authority < 1) integral = part_way(rai_memory.state.integral, integral, s.in.authority);
      if (s.in.excess != 0) integral += in_rays(s.in.excess) * wad() / law.settings.ki;
      asked.tracking = s.in.excess;
    }
    if (!is_int256(integral)) return std::nullopt;
    is_changed = integral != before;
  }
  if (is_changed) {
    const Int output = step->gain_adjusted_p + integral * law.settings.ki / wad();
    const auto again = rate_of(law.settings, output, price, asked.reason);
    if (!again) return std::nullopt;
    rate = *again;
  }
  if (s.aligning) asked.reason = LawReason::aligned;
  rai_memory = {step->state, now};
  asked.p = in_units(step->gain_adjusted_p);
  asked.i = in_units(Int{integral * law.settings.ki / wad()});
  asked.value = in_units(Int{rate - ray()});
  return asked;
}

LawReason reason_of(ratio::Reason reason) {
  switch (reason) {
    case ratio::Reason::desired_within_range: return LawReason::followed;
    case ratio::Reason::within_tolerance: return LawReason::within_band;
    case ratio::Reason::scale_up_stabilized: return LawReason::up_stabilized;
    case ratio::Reason::scale_down_stabilized: return LawReason::down_stabilized;
    case ratio::Reason::scale_up_limit: return LawReason::up_limit;
    case ratio::Reason::scale_down_limit: return LawReason::down_limit;
    case ratio::Reason::too_many:
    case ratio::Reason::too_few:
    case ratio::Reason::current_above_max:
    case ratio::Reason::current_below_min: return LawReason::at_bound;
    case ratio::Reason::invalid_metric: return LawReason::unusable;
  }
  return LawReason::none;
}

std::optional<Asked> ask(const RatioLaw& law, const Step& s, LawMemory& memory) {
  auto& kept = memory_of<RatioMemory>(memory);
  if (s.aligning) {
    kept = {{}, s.in.applied};
    return Asked{.value = s.held, .reason = LawReason::aligned};
  }
  // What counts as a change is what executors made of it, not what was wished.
  const double moved = s.in.applied - kept.seen;
  if (moved > 0) kept.state.added.push_back({s.in.now, moved});
  if (moved < 0) kept.state.taken.push_back({s.in.now, -moved});
  kept.seen = s.in.applied;
  const std::array<ratio::Metric, 1> metrics{{{s.in.process_variable, s.in.setpoint, true}}};
  ratio::Step step = ratio::step(law.settings, kept.state, s.in.applied, metrics, s.in.now);
  if (step.units > s.in.applied) step.state.added.pop_back();
  if (step.units < s.in.applied) step.state.taken.pop_back();
  kept.state = std::move(step.state);
  return Asked{.value = step.units, .reason = reason_of(step.reason)};
}

std::optional<Asked> ask(const SemilogLaw& law, const Step& s, LawMemory&) {
  const double utilisation = s.in.process_variable / law.full;
  const bool is_outside = utilisation < 0 || utilisation > 1;
  return Asked{.value = monetary::rate(law.settings, utilisation),
               .reason = is_outside ? LawReason::at_bound : LawReason::followed};
}

std::optional<Asked> ask(const ExponentialLaw& law, const Step& s, LawMemory& memory) {
  auto& kept = memory_of<ExponentialMemory>(memory);
  const bool is_first = kept.stepped.is_never();
  monetary::ExponentialInput input{.price = s.in.process_variable};
  if (!law.keepers_share.empty()) {
    const double share = s.in.others[0];
    const bool has_mean = !is_first && law.keepers_mean > Duration::zero();
    kept.keepers_mean =
        has_mean ? monetary::mean_after(kept.keepers_mean, share, s.in.now - kept.stepped, law.keepers_mean) : share;
    input.keepers_share = kept.keepers_mean;
  }
  if (!law.debt.empty()) {
    input.debt = monetary::counted_debt(kept.least, s.in.others[1], s.in.now);
    kept.least = monetary::with_debt(kept.least, s.in.others[1], s.in.now);
    input.debt_ceiling = s.in.others[2];
  }
  kept.stepped = s.in.now;
  monetary::Exponential settings = law.settings;
  settings.peg = s.in.setpoint;
  const auto terms = monetary::rate(settings, input);
  return Asked{.value = terms.rate, .reason = terms.rate < terms.uncapped ? LawReason::at_bound : LawReason::followed};
}

std::optional<Asked> ask(std::monostate, const Step&, LawMemory&) {
  return std::nullopt;  // pid has its own step
}

/// The output held, the law where it was.
bool goes_on_from_applied(const EconomyLaw& law) {
  return std::any_of(law.inputs.begin(), law.inputs.end(),
                     [](const MechanismInput& input) { return input.source == InputSource::applied; });
}

std::optional<Asked> ask(const EconomyLaw& law, const Step& s, LawMemory&) {
  if (!s.in.mechanism) return std::nullopt;
  // What goes on from the applied value takes over from it without a step, and without a bridge to be taken back; and
  // what was moved is in the total.
  if (s.aligning && (law.is_amount || goes_on_from_applied(law))) return Asked{.value = s.held};
  if (!law.is_amount) return Asked{.value = *s.in.mechanism};
  return Asked{.value = s.in.base + *s.in.mechanism * s.in.authority,
               .reason = *s.in.mechanism == 0 ? LawReason::within_band : LawReason::followed,
               .has_shared = true};
}

void hold(LawState& state, LawReason reason, PidStep& last) {
  state.reason = reason;
  last.unlimited = last.output = last.state.output;
  last.p = last.d = last.tracking = 0;
  last.frozen = true;
}

double bridge_after(const LawSettings& law, const Step& s, double bridge, double contribution, double output,
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
  }
  return Action::direct;
}

LawMetrics metrics_of(const LawSettings& law) {
  if (const auto* rai = std::get_if<RaiPiLaw>(&law.choice)) return {rai->redemption_price};
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
    case LawKind::sigmoid: return true;
    case LawKind::pid:
    case LawKind::ratio:
    case LawKind::semilog:
    case LawKind::exponential:
    case LawKind::economy: return false;
  }
  return false;
}

Result<> check(const LawSettings& law, Duration period) {
  const auto refuse = [](const char* where, const char* message) {
    return fail(ErrorCode::out_of_range, where, message);
  };
  if (const auto* x = std::get_if<RaiPiLaw>(&law.choice)) {
    if (x->per < Duration::seconds(1)) return refuse("per", "must be at least 1s");
    if (!(x->units_per_ratio > 0)) return refuse("per", "needs a parameter in ratio, % or bps");
    if (period.ns % 1'000'000'000 != 0) {
      return refuse("", "counts whole seconds, so the policy's period must be a multiple of 1s");
    }
    return rai::check(x->settings);
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
  const Step step{input, last.state.aligning, input.base + output, input.base + low, input.base + high, limits.dt_max};
  const auto asked = std::visit([&](const auto& x) { return ask(x, step, state.memory); }, law.choice);
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
  last.d = last.feed_forward = 0;
  last.tracking = asked->tracking;
  last.unlimited = unlimited;
  last.output = last.state.output;
  last.frozen = false;
}

}  // namespace homeostat::controller
