#include "controller/law_facts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/math.hpp"

namespace homeostat::controller {
namespace {

constexpr double kLn2 = 0.693147180559945309;
constexpr Duration kLongest = Duration::days(3650);

double ratio_of(const Int& x, const Int& parts) {
  return x.convert_to<double>() / parts.convert_to<double>();
}

Duration seconds_at_most(double s) {
  const double bounded = std::min(s, kLongest.in_seconds());
  return Duration{static_cast<std::int64_t>(std::llround(bounded * 1e3)) * 1'000'000};
}

/// -ln(leak), per second; a leak that forgets everything at once is infinite.
double leak_per_s(const Int& leak) {
  const double lost = ratio_of(ray() - leak, ray());
  if (lost >= 1) return std::numeric_limits<double>::infinity();
  return lost < 1e-4 ? lost * (1 + lost / 2 + lost * lost / 3) : -math::log(1 - lost);
}

/// The proportional gain: the rate as a ratio per second, for a deviation of 1 PV.
double gain_per_error(const rai::Settings& settings, double setpoint) {
  return std::fabs(ratio_of(settings.kp, wad())) / (rai::is_scaled(settings.variant) ? setpoint : 1);
}

LawFacts facts(const RaiPiLaw& law, const LawPlace& place) {
  const rai::Settings& s = law.settings;
  if (!(place.setpoint > 0)) return {};  // a redemption price that only its metric knows
  const double units = law.redemption.per.in_seconds() * law.redemption.units_per_ratio;
  const double kp = gain_per_error(s, place.setpoint);
  const bool integrates = rai::has_integral(s.variant) && !s.ki.is_zero();
  const double ki =
      integrates ? std::fabs(ratio_of(s.ki, wad())) / (rai::is_scaled(s.variant) ? place.setpoint : 1) : 0;
  const double leak = integrates ? leak_per_s(s.leak) : 0;
  const bool forgets = leak > 0;
  const double held = forgets ? kp + ki / leak : kp;
  const double barrier = place.setpoint * ratio_of(wad() - s.noise_barrier, wad());

  LawFacts facts;
  if (kp > 0) {
    facts.deadband = barrier / kp;
    facts.first_step = std::max(facts.deadband, place.quantum / 2 / units / kp);
    if (integrates) facts.integral_time = seconds_at_most(kp / ki);
  }
  if (forgets) {
    facts.leak_half_life = seconds_at_most(kLn2 / leak);
    const double bias = ratio_of(s.bias, ray());
    facts.steady_error = std::max(std::fabs(place.low / units - bias), std::fabs(place.high / units - bias)) / held;
  }
  // Without a leak any error passes it in time.
  if (barrier > 0 && (forgets || !integrates)) facts.passed_share = held * place.setpoint / barrier;
  return facts;
}

LawFacts facts(const DirectRateLaw& law, const LawPlace& place) {
  const double units = law.redemption.per.in_seconds() * law.redemption.units_per_ratio;
  LawFacts facts;
  facts.first_step = place.quantum / 2 / units / ratio_of(law.acceleration, wad());
  return facts;
}

LawFacts facts(const MultiplicativeLaw& law, const LawPlace& place) {
  LawFacts facts;
  const double value = std::fabs(place.initial);
  if (value > 0) {
    facts.first_step =
        place.quantum / 2 / value * ratio_of(law.settings.change_denominator, 1) * std::fabs(place.setpoint);
  }
  return facts;
}

LawFacts facts(const SigmoidLaw& law, const LawPlace& place) {
  LawFacts facts;
  facts.deadband = std::fabs(place.setpoint) * ratio_of(law.settings.deviation_threshold, wad());
  return facts;
}

LawFacts facts(const RatioLaw& law, const LawPlace& place) {
  LawFacts facts;
  facts.deadband = std::fabs(place.setpoint) * std::min(law.settings.up.tolerance, law.settings.down.tolerance);
  return facts;
}

template <class Other>
LawFacts facts(const Other&, const LawPlace&) {
  return {};
}

}  // namespace

LawFacts facts_of(const LawSettings& law, const LawPlace& place) {
  return std::visit([&](const auto& choice) { return facts(choice, place); }, law.choice);
}

Int noise_barrier_for(const rai::Settings& settings, double setpoint, double ratio) {
  const double output = gain_per_error(settings, setpoint) * ratio;  // a share of the price, as the barrier is
  const double parts = std::clamp(output, 0.0, 1.0) * wad().convert_to<double>();
  return std::max<Int>(1, wad() - Int(static_cast<std::int64_t>(std::llround(parts))));
}

}  // namespace homeostat::controller
