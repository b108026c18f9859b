// The laws in fixed point under anything: bounds hold, nothing overflows in silence, what is symmetric stays so.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "controller/monetary.hpp"
#include "controller/multiplicative.hpp"
#include "controller/rai_pi.hpp"
#include "controller/ratio.hpp"
#include "controller/sigmoid.hpp"

namespace homeostat::controller {
namespace {

/// A whole number of up to `bits` bits, all lengths alike.
Int any_natural(unsigned bits) {
  const unsigned length = *rc::gen::inRange(0U, bits + 1);
  Int x = 0;
  for (unsigned i = 0; i < length; i += 32) x = (x << 32) + *rc::gen::arbitrary<std::uint32_t>();
  return x & ((Int{1} << length) - 1);
}

Int any_integer(unsigned bits) {
  const Int x = any_natural(bits);
  return *rc::gen::arbitrary<bool>() ? x : Int{-x};
}

rai::Variant any_variant() {
  return static_cast<rai::Variant>(*rc::gen::inRange<std::size_t>(0, rai::kVariantNames.size()));
}

rai::Settings any_settings(rai::Variant variant) {
  rai::Settings s;
  s.variant = variant;
  s.kp = any_integer(59);
  s.ki = any_integer(59);
  s.leak = any_natural(89);
  if (s.variant != rai::Variant::rai_dollar) s.noise_barrier = any_natural(59) + 1;
  s.upper = any_natural(120) + 1;
  s.lower = -(any_natural(89) + 1);
  if (s.variant == rai::Variant::rai_dollar) s.bias = std::clamp(any_integer(100), s.lower, s.upper);
  RC_ASSERT(check(s).has_value());
  return s;
}

RC_GTEST_PROP(RaiPi, RateStaysInsideItsBoundsOrThereIsNone, ()) {
  const rai::Settings s = any_settings(any_variant());
  rai::State state{1, any_integer(120), any_integer(200)};
  for (int i = *rc::gen::inRange(1, 10); i > 0; --i) {
    const auto r =
        step(s, state, any_natural(128), any_natural(128), state.last_time + *rc::gen::inRange(0, 10'000'000));
    if (!r) continue;
    RC_ASSERT(r->rate >= 1);
    const bool is_basic = s.variant == rai::Variant::basic_pi_raw || s.variant == rai::Variant::basic_pi_scaled;
    if (!is_basic && !r->in_deadband) RC_ASSERT(r->rate <= ray() + s.upper && r->rate >= ray() + s.lower);
    if (r->in_deadband) RC_ASSERT(r->rate == ray());
    for (const Int& x : {r->proportional, r->integral, r->output}) RC_ASSERT(is_int256(x));
    state = r->state;
  }
}

/// The same formula in integers that cannot overflow, as a judge of "no overflow in silence".
using Wide = boost::multiprecision::cpp_int;

RC_GTEST_PROP(RaiPi, EveryResultIsTheOneOfUnboundedIntegers, ()) {
  rai::Settings s = any_settings(rai::Variant::pi_raw);
  const rai::State state{1, any_integer(250), any_integer(250)};
  const Int market = any_natural(220), redemption = any_natural(250);
  const std::uint64_t dt_s = *rc::gen::inRange(0ULL, 100'000ULL);
  const auto r = step(s, state, market, redemption, 1 + dt_s);
  RC_CLASSIFY(r.has_value());
  if (!r) return;
  Wide x(s.leak), z = dt_s % 2 == 1 ? x : Wide(ray());
  for (std::uint64_t n = dt_s / 2; n > 0; n /= 2) {
    x = (x * x + Wide(ray()) / 2) / Wide(ray());
    if (n % 2 == 1) z = (z * x + Wide(ray()) / 2) / Wide(ray());
  }
  const Wide p = Wide(redemption) - Wide(market) * 1'000'000'000;
  const Wide integral = z * Wide(state.integral) / Wide(ray()) + (p + Wide(state.last_proportional)) / 2 * dt_s;
  const Wide output = p * Wide(s.kp) / kWadUnits + integral * Wide(s.ki) / kWadUnits;
  RC_ASSERT(Wide(r->proportional) == p);
  RC_ASSERT(Wide(r->integral) == integral);
  RC_ASSERT(Wide(r->output) == output);
}

RC_GTEST_PROP(RaiPi, OppositeErrorsGiveOppositeTerms, ()) {
  rai::Settings s = any_settings(rai::Variant::pi_raw);
  const Int market = any_natural(80), redemption = market * 1'000'000'000;
  const Int away = any_natural(80);
  const rai::State up{1, any_integer(120), any_integer(160)};
  const rai::State down{1, -up.last_proportional, -up.integral};
  const std::uint64_t now = 1 + *rc::gen::inRange(0, 1'000'000);
  if (redemption < away) return;
  const auto a = step(s, up, market, redemption + away, now);
  const auto b = step(s, down, market, redemption - away, now);
  RC_CLASSIFY(a && b);
  if (!a || !b) return;
  RC_ASSERT(a->proportional == -b->proportional);
  RC_ASSERT(a->integral == -b->integral);
  RC_ASSERT(a->output == -b->output);
}

RC_GTEST_PROP(RaiPi, LeakNeverGrowsAnIntegralAndForgetsMoreWithTime, ()) {
  rai::Settings s = any_settings(rai::Variant::pi_raw);
  const rai::State state{1, 0, any_integer(160)};
  const Int market = any_natural(80), redemption = market * 1'000'000'000;  // no error: only the leak acts
  const std::uint64_t shorter = *rc::gen::inRange(0, 100'000), longer = shorter + *rc::gen::inRange(0, 100'000);
  const auto a = step(s, state, market, redemption, 1 + shorter);
  const auto b = step(s, state, market, redemption, 1 + longer);
  RC_ASSERT(a && b);
  RC_ASSERT(abs(a->integral) <= abs(state.integral));
  // Each product of a power is rounded to the nearest 10^-27, a dozen or two of them: so far may two powers be off.
  RC_ASSERT(abs(b->integral) <= abs(a->integral) + abs(state.integral) * 64 / ray() + 1);
}

RC_GTEST_PROP(RaiPi, AntiWindupOutputStaysInsideItsBounds, ()) {
  rai::AntiWindupSettings s;
  s.kp = any_integer(100);
  s.ki = any_integer(60);
  s.bias = any_integer(100);
  s.leak = any_natural(89);
  s.upper = any_integer(100);
  s.lower = s.upper - any_natural(100);
  rai::State state;
  for (int i = *rc::gen::inRange(1, 10); i > 0; --i) {
    const auto r = anti_windup_step(s, state, any_integer(150), state.last_time + *rc::gen::inRange(1, 100'000));
    if (!r) continue;
    RC_ASSERT(r->output >= s.lower && r->output <= s.upper);
    if (r->area_undone) RC_ASSERT(r->output == s.lower || r->output == s.upper);
    state = r->state;
  }
}

RC_GTEST_PROP(RaiPi, RaiDollarIsItsAntiWindupOfTheRelativeDeviation, ()) {
  rai::Settings s = any_settings(rai::Variant::rai_dollar);
  rai::State state;
  rai::State judge;
  std::uint64_t now = 1;
  for (int i = *rc::gen::inRange(1, 10); i > 0; --i, now += *rc::gen::inRange(1U, 100'000U)) {
    const auto r = step(s, state, any_natural(70), any_natural(100) + 1, now);
    if (!r) continue;
    const auto expected = anti_windup_step({s.kp, s.ki, s.bias, s.leak, s.upper, s.lower}, judge, r->proportional, now);
    RC_ASSERT(expected.has_value());
    RC_ASSERT(r->integral == expected->integral);
    RC_ASSERT(r->area_undone == expected->area_undone);
    RC_ASSERT(r->rate == (r->in_deadband ? ray() : ray() + expected->output));
    state = r->state;
    judge = expected->state;
  }
}

RC_GTEST_PROP(RaiPi, DeltaAndRateAreInverseFromRayUpwards, ()) {
  const Int delta = any_natural(200);
  const auto rate = rai::rate_of_delta(delta);
  RC_ASSERT(rate && *rai::delta_of_rate(*rate) == delta);
}

RC_GTEST_PROP(BaseFee, MovesByItsDenominatorAtMost, ()) {
  const Int fee = any_natural(120), limit = any_natural(60) + 2;
  const Int used = any_natural(60) % (limit + 1);
  const multiplicative::BaseFeeSettings s{.elasticity = 2, .change_denominator = *rc::gen::inRange(1, 1000)};
  const auto next = next_base_fee(s, fee, used, limit);
  RC_ASSERT(next.has_value());
  // A limit that is odd has a target rounded down: used / target - 1 is then up to 2 / limit above 1.
  RC_ASSERT(*next <= fee + fee * (limit - limit / 2) / (limit / 2) / s.change_denominator + 1);
  RC_ASSERT(*next >= fee - fee / s.change_denominator);
  if (used > limit / 2) RC_ASSERT(*next > fee);
  if (used <= limit / 2) RC_ASSERT(*next <= fee);
}

RC_GTEST_PROP(FakeExponential, NeverFallsAsTheNumeratorRises, ()) {
  const Int factor = any_natural(40), denominator = any_natural(30) + 1;
  const Int low = any_natural(34), high = low + any_natural(20);
  const auto a = multiplicative::fake_exponential(factor, low, denominator);
  const auto b = multiplicative::fake_exponential(factor, high, denominator);
  RC_CLASSIFY(a && b);
  if (a && b) RC_ASSERT(*a <= *b && *a >= factor);
  if (b) RC_ASSERT(a.has_value());
}

RC_GTEST_PROP(Sigmoid, PercentageStaysInsideItsLimitsAndHasTheSignOfTheDeviation, ()) {
  const sigmoid::Settings s{.deviation_threshold = any_natural(58),
                            .positive_growth = any_natural(66),
                            .negative_growth = any_natural(66),
                            .positive_limit = any_natural(59) + 1,
                            .negative_limit = -(any_natural(59) + 1)};
  RC_ASSERT(check(s).has_value());
  const sigmoid::Input input{any_natural(70), any_natural(60) + 1, any_natural(150)};
  const auto r = step(s, input);
  RC_CLASSIFY(r.has_value());
  if (!r) return;
  RC_ASSERT(r->percentage >= s.negative_limit && r->percentage <= s.positive_limit);
  if (input.exchange_rate > input.target_rate) RC_ASSERT(r->percentage >= 0);
  if (input.exchange_rate < input.target_rate) RC_ASSERT(r->percentage <= 0);
  if (input.supply <= sigmoid::supply_max()) RC_ASSERT(input.supply + r->supply_delta <= sigmoid::supply_max());
}

double within(double low, double high) {
  return low + (high - low) * (*rc::gen::inRange(0, 1'000'001) / 1e6);
}

ratio::Direction any_direction(double tolerance_max) {
  ratio::Direction d;
  d.tolerance = within(0, tolerance_max);
  d.window = Duration::seconds(*rc::gen::inRange(0, 600));
  d.select = *rc::gen::element(ratio::Select::largest_change, ratio::Select::smallest_change, ratio::Select::disabled);
  for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
    d.policies.push_back({*rc::gen::element(ratio::Measure::units, ratio::Measure::percent), within(0.1, 120),
                          Duration::seconds(*rc::gen::inRange(1, 300))});
  }
  return d;
}

RC_GTEST_PROP(Ratio, StaysInsideItsBoundsAndMovesOnlyTheWayItWasAsked, ()) {
  ratio::Settings s{.min = within(0, 10), .max = within(10, 100), .up = any_direction(1), .down = any_direction(1)};
  RC_ASSERT(check(s, Duration::seconds(1)).has_value());
  ratio::State state;
  double current = within(s.min, s.max);
  Instant now;
  for (int i = *rc::gen::inRange(1, 60); i > 0; --i) {
    now = now + Duration::seconds(*rc::gen::inRange(1, 120));
    const std::vector<ratio::Metric> metrics{{within(0, 200), within(1, 100), *rc::gen::inRange(0, 10) > 0}};
    const ratio::Step r = step(s, state, current, metrics, now);
    RC_ASSERT(r.units >= s.min && r.units <= s.max);
    if (r.units > current) RC_ASSERT(r.proposed > current && r.units <= r.proposed);
    if (r.units < current) RC_ASSERT(r.proposed < current && r.units >= r.proposed);
    if (s.up.select == ratio::Select::disabled) RC_ASSERT(r.units <= current);
    if (s.down.select == ratio::Select::disabled) RC_ASSERT(r.units >= current);
    RC_ASSERT(r.state.recommendations.size() <= ratio::kHistoryMax);
    state = r.state;
    current = r.units;
  }
}

RC_GTEST_PROP(Semilog, StaysInsideItsRatesAndRisesWithTheUtilisation, ()) {
  const monetary::Semilog s{.rate_min = within(1e-6, 0.5), .rate_max = within(0.5, 50) + 1e-3};
  const double low = within(-0.5, 1.5), high = low + within(0, 1);
  RC_ASSERT(rate(s, low) >= s.rate_min && rate(s, low) <= s.rate_max);
  // A power is right to one unit of its last place, which is what two neighbours may be out of order by.
  RC_ASSERT(rate(s, high) >= rate(s, low) * (1 - 1e-15));
}

RC_GTEST_PROP(Exponential, StaysUnderItsCapAndFallsAsThePriceRises, ()) {
  const monetary::Exponential s{
      .rate_0 = within(0, 1), .rate_extra = within(0, 1), .rate_cap = within(0.1, 5), .sigma = within(1e-3, 1)};
  const monetary::ExponentialInput low{within(0, 3), within(0, 2), within(0, 100), within(0, 100)};
  monetary::ExponentialInput high = low;
  high.price += within(0, 1);
  const auto a = rate(s, low), b = rate(s, high);
  RC_ASSERT(a.rate >= 0 && a.rate <= s.rate_cap && b.rate >= 0);
  RC_ASSERT(b.rate <= a.rate * (1 + 1e-15));
}

}  // namespace
}  // namespace homeostat::controller
