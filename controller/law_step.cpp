#include "controller/law_step.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "core/math.hpp"

namespace homeostat::controller {
namespace {

/// Readings and set-points become integers of this many parts, so that ratios of small ones keep nine digits.
constexpr std::int64_t kReadingParts = 1'000'000'000;
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

template <class Memory>
Memory& memory_of(LawMemory& memory) {
  if (auto* found = std::get_if<Memory>(&memory)) return *found;
  return memory.emplace<Memory>();
}

bool is_time(Instant stepped, Duration every, Instant now) {
  return stepped.is_never() || now - stepped >= every;
}

/// What a law calculates in: integers of 1 / `parts` of `unit` U.
struct Scale {
  Int parts;
  double unit = 1;

  [[nodiscard]] Int exact(double units) const { return scaled(units / unit, parts); }
  [[nodiscard]] double units(const Int& x) const { return number(x, parts) * unit; }
};

/// The parameter's smallest units.
Scale smallest_units(const LawStep& s) {
  return {power_of_ten(s.in.decimals)};
}

/// The value of a law that changes its own value, after one step of it by `next`.
template <class Next>
std::optional<Asked> step_value(Duration every, const Scale& scale, const LawStep& s, ValueMemory& memory,
                                const Next& next) {
  Asked asked{.has_shared = true};
  if (s.aligning) {
    memory.value = scale.exact(s.held);
    memory.stepped = s.in.now;
    asked.value = s.held;
    asked.reason = LawReason::aligned;
    return asked;
  }
  Int value = memory.value;
  if (s.in.excess != 0) value += scale.exact(s.in.excess);
  asked.tracking = s.in.excess;
  if (is_time(memory.stepped, every, s.in.now)) {
    const std::optional<Int> stepped = next(value, asked.reason);
    if (!stepped) return std::nullopt;
    value = part_way(value, *stepped, s.in.authority);
    memory.stepped = s.in.now;
  } else {
    asked.reason = LawReason::waits;
  }
  const Int bounded = std::clamp(value, scale.exact(s.low), scale.exact(s.high));
  if (bounded != value) asked.reason = LawReason::at_bound;
  memory.value = bounded;
  asked.value = scale.units(bounded);
  return asked;
}

std::optional<Asked> ask(const MultiplicativeLaw& law, const LawStep& s, LawMemory& memory) {
  const auto next = [&](const Int& value, LawReason& reason) -> std::optional<Int> {
    const Int target = scaled(s.in.setpoint, kReadingParts);
    const Int limit = target * law.settings.elasticity;
    const Int used = std::min(scaled(s.in.process_variable, kReadingParts), limit);  // a block cannot be fuller
    const auto fee = multiplicative::next_base_fee(law.settings, value, used, limit);
    if (!fee) return std::nullopt;
    if (used == target) reason = LawReason::within_band;
    return *fee;
  };
  return step_value(law.every, smallest_units(s), s, memory_of<ValueMemory>(memory), next);
}

std::optional<Asked> ask(const SigmoidLaw& law, const LawStep& s, LawMemory& memory) {
  const auto next = [&](const Int& value, LawReason& reason) -> std::optional<Int> {
    const auto step =
        sigmoid::step(law.settings, {scaled(s.in.process_variable, wad()), scaled(s.in.setpoint, wad()), value});
    if (!step) return std::nullopt;
    if (step->in_threshold) reason = LawReason::within_band;
    if (step->capped) reason = LawReason::at_bound;
    return Int{value + step->supply_delta};
  };
  return step_value(law.every, smallest_units(s), s, memory_of<ValueMemory>(memory), next);
}

/// The excess at which the fee is about `fee`.
Int excess_for(const BlobFeeLaw& law, double fee) {
  if (fee <= law.fee_min) return 0;
  return scaled(law.update_fraction * math::log(fee / law.fee_min), kReadingParts);
}

std::optional<Asked> ask(const BlobFeeLaw& law, const LawStep& s, LawMemory& memory) {
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

/// The two prices of a redemption rate, and the rate in the parameter's unit.
struct Prices {
  Int market;      ///< WAD
  Int redemption;  ///< RAY
  Scale rate;      ///< RAY/s above neutral

  Prices(const Redemption& law, const LawStep& s)
      : market(scaled(s.in.process_variable, wad())),
        redemption(scaled(law.price.empty() ? s.in.setpoint : s.in.others[0], ray())),
        rate{ray(), law.per.in_seconds() * law.units_per_ratio} {}

  [[nodiscard]] bool are_prices() const { return market >= 0 && redemption > 0; }
};

/// The rate for an integral that is not the step's own any more.
std::optional<Int> rate_with(const rai::Settings& settings, const rai::Step& step, const Int& integral,
                             const Int& redemption_price, LawReason& reason) {
  const Int output = settings.bias + step.gain_adjusted_p + integral * settings.ki / wad();
  return rate_of(settings, output, redemption_price, reason);
}

std::optional<Asked> ask(const RaiPiLaw& law, const LawStep& s, LawMemory& memory) {
  auto& kept = memory_of<RaiMemory>(memory);
  const Prices prices(law.redemption, s);
  if (!prices.are_prices()) return std::nullopt;
  const Instant now = s.in.now;
  const Duration passed = std::clamp(now - kept.stepped, Duration::zero(), s.dt_max);
  const bool is_first = s.aligning || kept.stepped.is_never();
  const auto dt_s = is_first ? 0 : static_cast<std::uint64_t>(passed / Duration::seconds(1));
  const auto now_s = static_cast<std::uint64_t>(std::max<std::int64_t>(1, now.ns / 1'000'000'000));
  auto step = rai::step_over(law.settings, kept.state, prices.market, prices.redemption, dt_s, now_s);
  if (!step) return std::nullopt;

  Asked asked;
  const Int& ki = law.settings.ki;
  Int& integral = step->state.integral;
  Int rate = step->rate;
  if (step->in_deadband) asked.reason = LawReason::within_band;
  if (step->at_bound) asked.reason = LawReason::at_bound;
  if (rai::has_integral(law.settings.variant) && !ki.is_zero()) {
    const Int own = integral;
    if (s.aligning) {
      integral = (prices.rate.exact(s.held) - law.settings.bias - step->gain_adjusted_p) * wad() / ki;
    } else {
      const Int gained = integral - kept.state.integral;
      const double value = prices.rate.units(Int{step->rate - ray()});
      const int direction = gained.sign() * ki.sign();
      // Nothing more is taken in beyond the law's own bounds or the loop's.
      const bool pushes = (step->at_bound && direction == step->output.sign()) || (direction > 0 && value > s.high) ||
                          (direction < 0 && value < s.low);
      if (pushes) integral = kept.state.integral;
      if (!pushes && s.in.authority < 1) integral = part_way(kept.state.integral, integral, s.in.authority);
      if (s.in.excess != 0) integral += prices.rate.exact(s.in.excess) * wad() / ki;
      asked.tracking = s.in.excess;
    }
    if (!is_int256(integral)) return std::nullopt;
    if (integral != own) {
      const auto again = rate_with(law.settings, *step, integral, prices.redemption, asked.reason);
      if (!again) return std::nullopt;
      rate = *again;
    }
  }
  if (s.aligning) asked.reason = LawReason::aligned;
  kept = {step->state, now};
  asked.p = prices.rate.units(step->gain_adjusted_p);
  asked.i = prices.rate.units(Int{integral * ki / wad()});
  asked.feed_forward = prices.rate.units(law.settings.bias);
  asked.value = prices.rate.units(Int{rate - ray()});
  return asked;
}

std::optional<Asked> ask(const DirectRateLaw& law, const LawStep& s, LawMemory& memory) {
  const Prices prices(law.redemption, s);
  if (!prices.are_prices()) return std::nullopt;
  const auto next = [&](const Int& above_neutral, LawReason&) -> std::optional<Int> {
    const Int rate = std::max<Int>(1, ray() + above_neutral);
    const auto moved = rai::direct_rate(law.acceleration, prices.market, prices.redemption, rate);
    if (!moved) return std::nullopt;
    return Int{*moved - ray()};
  };
  return step_value(law.every, prices.rate, s, memory_of<ValueMemory>(memory), next);
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

std::optional<Asked> ask(const RatioLaw& law, const LawStep& s, LawMemory& memory) {
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

std::optional<Asked> ask(const SemilogLaw& law, const LawStep& s, LawMemory&) {
  const double utilisation = s.in.process_variable / law.full;
  const bool is_outside = utilisation < 0 || utilisation > 1;
  return Asked{.value = monetary::rate(law.settings, utilisation),
               .reason = is_outside ? LawReason::at_bound : LawReason::followed};
}

std::optional<Asked> ask(const ExponentialLaw& law, const LawStep& s, LawMemory& memory) {
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

std::optional<Asked> ask(std::monostate, const LawStep&, LawMemory&) {
  return std::nullopt;  // pid has its own step
}

bool goes_on_from_applied(const EconomyLaw& law) {
  return std::any_of(law.inputs.begin(), law.inputs.end(),
                     [](const MechanismInput& input) { return input.source == InputSource::applied; });
}

std::optional<Asked> ask(const EconomyLaw& law, const LawStep& s, LawMemory&) {
  if (!s.in.mechanism) return std::nullopt;
  // What goes on from the applied value takes over from it without a step, and without a bridge to be taken back; and
  // what was moved is in the total.
  if (s.aligning && (law.is_amount || goes_on_from_applied(law))) return Asked{.value = s.held};
  if (!law.is_amount) return Asked{.value = *s.in.mechanism};
  return Asked{.value = s.in.base + *s.in.mechanism * s.in.authority,
               .reason = *s.in.mechanism == 0 ? LawReason::within_band : LawReason::followed,
               .has_shared = true};
}

}  // namespace

std::optional<Asked> ask(const LawSettings& law, const LawStep& step, LawMemory& memory) {
  return std::visit([&](const auto& choice) { return ask(choice, step, memory); }, law.choice);
}

}  // namespace homeostat::controller
