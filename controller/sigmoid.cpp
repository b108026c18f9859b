#include "controller/sigmoid.hpp"

#include <algorithm>
#include <array>

namespace homeostat::controller::sigmoid {
namespace {

/// 2^(1/2), 2^(1/4) ... 2^(1/32), rounded to 18 decimals.
constexpr std::array<std::int64_t, 5> kRoots = {1'414'213'562'373'095'049, 1'189'207'115'002'721'067,
                                                1'090'507'732'665'257'659, 1'044'273'782'427'413'840,
                                                1'021'897'148'654'116'678};
constexpr unsigned kExponentMax = 100;

const Int& exponent_max() {
  static const Int x = wad() * kExponentMax;
  return x;
}

Int two_power_of(EvmMath& evm, const Int& x) {
  const Int magnitude = abs(x);
  evm.require(magnitude <= exponent_max(), "an exponent beyond 100");
  if (evm.is_fault()) return 0;
  const unsigned whole = static_cast<unsigned>(magnitude / kWadUnits);
  Int power = wad() << whole;
  std::int64_t rest = static_cast<std::int64_t>(magnitude % kWadUnits);
  std::int64_t part = kWadUnits / 2;
  for (const std::int64_t root : kRoots) {
    if (rest >= part) {
      rest -= part;
      power = evm.times_wad(power, root);
    }
    part /= 2;
  }
  return x.sign() < 0 ? evm.quotient(wad() * wad(), power) : power;
}

Int percentage_of(EvmMath& evm, const Int& n, const Int& lower, const Int& upper, const Int& growth) {
  Int exponent = evm.times_wad(growth, evm.subtract(n, wad()));
  exponent = std::clamp(exponent, Int{-exponent_max()}, exponent_max());
  const Int power = two_power_of(evm, exponent);
  if (power.is_zero()) return lower;
  const Int ratio = evm.quotient(evm.multiply(evm.quotient(evm.multiply(upper, wad()), lower), wad()), power);
  const Int share = evm.quotient(evm.multiply(evm.subtract(upper, lower), wad()), evm.subtract(wad(), ratio));
  return evm.add(share, lower);
}

bool is_near(EvmMath& evm, const Settings& settings, const Int& rate, const Int& target) {
  const Int width = evm.quotient_u(evm.multiply_u(target, settings.deviation_threshold), wad());
  return abs(Int{rate - target}) < width;
}

}  // namespace

const Int& rate_max() {
  static const Int x = wad() * 1'000'000;
  return x;
}

const Int& supply_max() {
  static const Int x = int256_max() / rate_max();
  return x;
}

Result<> check(const Settings& s) {
  const auto refuse = [](const char* where, const char* message) {
    return fail(ErrorCode::out_of_range, where, message);
  };
  if (s.deviation_threshold < 0) return refuse("deviation_threshold", "must not be negative");
  if (s.positive_growth < 0) return refuse("positive_growth", "must not be negative");
  if (s.negative_growth < 0) return refuse("negative_growth", "must not be negative");
  if (s.positive_limit <= 0) return refuse("positive_limit", "must be above 0");
  if (s.negative_limit >= 0 || s.negative_limit < -wad()) return refuse("negative_limit", "must be within -1 WAD..-1");
  return {};
}

Result<Int> two_power(const Int& x) {
  EvmMath evm;
  Int power = two_power_of(evm, x);
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("two_power"));
  return power;
}

Result<Int> percentage(const Int& n, const Int& lower, const Int& upper, const Int& growth) {
  EvmMath evm;
  Int share = percentage_of(evm, n, lower, upper, growth);
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("percentage"));
  return share;
}

Result<Step> step(const Settings& settings, const Input& input) {
  Step s;
  if (!input.rate_valid || !input.target_valid) return s;
  EvmMath evm;
  const Int rate = std::min(input.exchange_rate, rate_max());
  s.in_threshold = is_near(evm, settings, rate, input.target_rate);
  if (!s.in_threshold) {
    const Int n = evm.quotient(evm.multiply(rate, wad()), input.target_rate);
    const bool is_up = n >= wad();
    const Int upper = is_up ? settings.positive_limit : evm.subtract(0, settings.negative_limit);
    const Int lower = is_up ? evm.subtract(0, settings.positive_limit) : settings.negative_limit;
    s.percentage = percentage_of(evm, n, lower, upper, is_up ? settings.positive_growth : settings.negative_growth);
    s.supply_delta = evm.times_wad(input.supply, s.percentage);
  }
  if (s.supply_delta > 0 && evm.add_u(input.supply, s.supply_delta) > supply_max()) {
    s.supply_delta = evm.subtract_u(supply_max(), input.supply);
    s.capped = true;
  }
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("sigmoid"));
  return s;
}

}  // namespace homeostat::controller::sigmoid
