#include "controller/rai_pi.hpp"

#include <algorithm>

namespace homeostat::controller::rai {
namespace {

constexpr std::int64_t kRayPerWad = 1'000'000'000;

/// The basic calculators have neither bounds nor noise barrier.
bool is_basic(Variant variant) {
  return variant == Variant::basic_pi_raw || variant == Variant::basic_pi_scaled;
}

Int clamp(const Int& x, const Int& low, const Int& high) {
  if (x < low) return low;
  return x > high ? high : x;
}

Int proportional_of(EvmMath& evm, Variant variant, const Int& market_price, const Int& redemption_price) {
  const Int market = evm.multiply_u(market_price, kRayPerWad);
  evm.require(is_int256(market) && is_int256(redemption_price), "a price outside int256");
  const Int difference = evm.subtract(redemption_price, market);
  if (!is_scaled(variant)) return difference;
  return evm.quotient(evm.multiply(difference, ray()), redemption_price);
}

/// trunc(leak^dt I / RAY)
Int leaked(EvmMath& evm, const Int& leak, const Int& integral, std::uint64_t dt_s) {
  return evm.times_ray(EvmMath::as_signed(evm.ray_pow(leak, dt_s)), integral);
}

/// trunc((x + y) / 2) dt
Int trapezoid(EvmMath& evm, const Int& x, const Int& y, std::uint64_t dt_s) {
  return evm.multiply(evm.add(x, y) / 2, dt_s);
}

/// rai-dollar's rule for taking the newest area back; `output` is within its bounds.
bool winds_up(const Int& output, const Int& lower, const Int& upper, const Int& area, const Int& integral_before) {
  if (area.sign() != integral_before.sign()) return false;
  return (output == lower && area.sign() < 0) || (output == upper && area.sign() > 0);
}

Int barrier_of(EvmMath& evm, const Settings& settings, const Int& redemption_price) {
  const Int factor = evm.subtract_u(2 * wad(), settings.noise_barrier);
  const Int edge = evm.quotient_u(evm.multiply_u(redemption_price, factor), wad());
  return evm.subtract_u(edge, redemption_price);
}

Int bounded(EvmMath& evm, const Settings& settings, const Int& output, bool* at_bound = nullptr) {
  const Int within = is_basic(settings.variant) ? output : clamp(output, settings.lower, settings.upper);
  if (at_bound != nullptr) *at_bound = within != output;
  if (within <= -ray()) return ray() - 1;
  return evm.add(ray(), within);
}

template <class T>
Result<T> result_of(const EvmMath& evm, T value, const char* where) {
  if (evm.is_fault()) return tl::make_unexpected(evm.fault(where));
  return value;
}

}  // namespace

std::string_view name_of(Variant variant) {
  return kVariantNames[static_cast<std::size_t>(variant)];
}

std::optional<Variant> variant_of(std::string_view name) {
  const auto found = std::find(kVariantNames.begin(), kVariantNames.end(), name);
  if (found == kVariantNames.end()) return std::nullopt;
  return static_cast<Variant>(found - kVariantNames.begin());
}

const Int& lowest_output() {
  static const Int x = -(ray() - 1);
  return x;
}

const Int& unbounded_output() {
  static const Int x = ray() * wad();
  return x;
}

bool is_scaled(Variant variant) {
  return variant >= Variant::pi_scaled;
}

bool has_integral(Variant variant) {
  return variant != Variant::p_raw && variant != Variant::p_scaled;
}

Result<> check(const Settings& s) {
  const auto refuse = [](const char* where, const char* message) {
    return fail(ErrorCode::out_of_range, where, message);
  };
  if (abs(s.kp) > wad()) return refuse("kp", "must be within -1 WAD..1 WAD");
  if (abs(s.ki) > wad()) return refuse("ki", "must be within -1 WAD..1 WAD");
  if (s.leak < 0 || s.leak > ray()) return refuse("leak", "must be within 0..1 RAY (1 RAY never forgets)");
  if (s.noise_barrier <= 0 || s.noise_barrier > wad()) {
    return refuse("noise_barrier", "must be above 0 and at most 1 WAD (1 WAD is none)");
  }
  if (s.lower >= 0 || s.lower < lowest_output()) return refuse("lower", "must be within -(1 RAY - 1)..-1");
  if (s.upper <= 0) return refuse("upper", "must be above 0");
  if (s.variant != Variant::rai_dollar && !s.bias.is_zero()) return refuse("bias", "is of rai_dollar only");
  if (s.bias < s.lower || s.bias > s.upper) return refuse("bias", "must be within lower..upper");
  if (s.variant == Variant::rai_dollar && s.noise_barrier != wad()) {
    return refuse("noise_barrier", "is not of rai_dollar; leave it out");
  }
  return {};
}

Result<Step> step(const Settings& settings, const State& before, const Int& market_price, const Int& redemption_price,
                  std::uint64_t now) {
  if (before.last_time == 0) return step_over(settings, before, market_price, redemption_price, 0, now);
  if (now < before.last_time) return fail(ErrorCode::out_of_range, "now", "is before the last update");
  return step_over(settings, before, market_price, redemption_price, now - before.last_time, now);
}

Result<Step> step_over(const Settings& settings, const State& before, const Int& market_price,
                       const Int& redemption_price, std::uint64_t dt_s, std::uint64_t now) {
  EvmMath evm;
  Step s;
  Int area;
  s.proportional = proportional_of(evm, settings.variant, market_price, redemption_price);
  if (has_integral(settings.variant)) {
    area = trapezoid(evm, s.proportional, before.last_proportional, dt_s);
    s.integral = evm.add(leaked(evm, settings.leak, before.integral, dt_s), area);
  }
  s.gain_adjusted_p = evm.times_wad(s.proportional, settings.kp);
  s.gain_adjusted_i = evm.times_wad(s.integral, settings.ki);
  s.output = evm.add(evm.add(settings.bias, s.gain_adjusted_p), s.gain_adjusted_i);
  s.in_deadband = s.output.is_zero();
  if (!is_basic(settings.variant)) {
    const Int threshold = barrier_of(evm, settings, redemption_price);
    s.in_deadband = s.in_deadband || abs(s.output) < threshold;
  }
  s.rate = s.in_deadband ? ray() : bounded(evm, settings, s.output, &s.at_bound);
  if (settings.variant == Variant::rai_dollar) {
    const Int output = clamp(s.output, settings.lower, settings.upper);
    s.area_undone = winds_up(output, settings.lower, settings.upper, area, before.integral);
    if (s.area_undone) s.integral = evm.subtract(s.integral, area);
  }
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("rai_pi"));
  s.state = {now, s.proportional, s.integral};
  return s;
}

Result<Int> bounded_rate(const Settings& settings, const Int& output) {
  EvmMath evm;
  Int rate = bounded(evm, settings, output);
  return result_of(evm, std::move(rate), "bounded_rate");
}

Result<Int> barrier(const Settings& settings, const Int& redemption_price) {
  EvmMath evm;
  Int threshold = barrier_of(evm, settings, redemption_price);
  return result_of(evm, std::move(threshold), "barrier");
}

Result<Int> redemption_price_after(const Int& rate, const Int& redemption_price, std::uint64_t dt_s) {
  EvmMath evm;
  Int price = evm.quotient_u(evm.multiply_u(evm.ray_pow(rate, dt_s), redemption_price), ray());
  if (price.is_zero()) price = 1;
  return result_of(evm, std::move(price), "redemption_price");
}

Result<Int> rate_of_delta(const Int& delta) {
  EvmMath evm;
  Int rate = delta.sign() >= 0 ? evm.add(ray(), delta) : evm.quotient(ray() * ray(), evm.subtract(ray(), delta));
  return result_of(evm, std::move(rate), "rate_of_delta");
}

Result<Int> delta_of_rate(const Int& rate) {
  EvmMath evm;
  Int delta = rate >= ray() ? EvmMath::as_signed(evm.subtract_u(rate, ray()))
                            : evm.subtract(ray(), evm.quotient_u(ray() * ray(), rate));
  return result_of(evm, std::move(delta), "delta_of_rate");
}

Result<Int> direct_rate(const Int& acceleration, const Int& market_price, const Int& redemption_price,
                        const Int& current_rate) {
  EvmMath evm;
  const Int market = evm.multiply_u(market_price, kRayPerWad);
  const Int distance = market > redemption_price ? market - redemption_price : redemption_price - market;
  const Int speed = evm.quotient_u(evm.multiply_u(acceleration, distance), wad());
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("direct"));
  const auto delta = delta_of_rate(current_rate);
  if (!delta) return delta;
  const Int moved = market < redemption_price ? evm.add(*delta, speed) : evm.subtract(*delta, speed);
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("direct"));
  return rate_of_delta(moved);
}

Result<AntiWindupStep> anti_windup_step(const AntiWindupSettings& settings, const State& before, const Int& error,
                                        std::uint64_t now) {
  if (now <= before.last_time) return fail(ErrorCode::out_of_range, "now", "must be later than the last update");
  const std::uint64_t dt_s = before.last_time == 0 ? 0 : now - before.last_time;
  EvmMath evm;
  AntiWindupStep s;
  const Int area = trapezoid(evm, error, before.last_proportional, dt_s);
  s.integral = evm.add(leaked(evm, settings.leak, before.integral, dt_s), area);
  s.p_output = evm.times_wad(error, settings.kp);
  s.i_output = evm.times_wad(s.integral, settings.ki);
  s.output = clamp(evm.add(evm.add(settings.bias, s.p_output), s.i_output), settings.lower, settings.upper);
  s.area_undone = winds_up(s.output, settings.lower, settings.upper, area, before.integral);
  if (s.area_undone) s.integral = evm.subtract(s.integral, area);
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("anti_windup"));
  s.state = {now, error, s.integral};
  return s;
}

}  // namespace homeostat::controller::rai
