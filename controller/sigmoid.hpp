// Ampleforth's rebase: supply follows price along a sigmoid, to the last digit.
//
// Decides: by how many tokens the supply changes, from an exchange rate and its target.
//
//     |rate - target| < floor(target threshold / WAD)      no change
//     n   = trunc(rate WAD / target)
//     n >= WAD: growth_up,   U = limit_up,     L = -U
//     n <  WAD: growth_down, L = limit_down, U = -L
//     x   = clamp(trunc(growth (n - WAD) / WAD), -100 WAD, 100 WAD)
//     pct = trunc((U - L) WAD / (WAD - trunc(trunc(U WAD / L) WAD / 2^x))) + L      (2^x = 0: L)
//     delta = trunc(supply pct / WAD), then capped so that supply + delta <= supply_max
//
// 2^x has 18 decimals and a resolution of 1/32 in the exponent: whole part by a shift, then one rounded factor
// 2^(1/2), 2^(1/4) ... 2^(1/32) per binary digit, each product truncated; for x < 0 the truncated reciprocal of 2^|x|.
// An exchange rate above 10^6 counts as 10^6. A rate or target that is not valid changes nothing.
//
// pct lies in [L, U] up to the rounding of the last place, is 0 at n = WAD, and never falls as n rises.
// Values are int256; what reverts in the contract is an Error. Source: ampleforth-contracts 701eee2 (formulas only).
#pragma once

#include "controller/evm_math.hpp"

namespace homeostat::controller::sigmoid {

struct Settings {
  Int deviation_threshold = 0;  ///< WAD, a ratio of the target
  Int positive_growth = 0;      ///< WAD
  Int negative_growth = 0;      ///< WAD
  Int positive_limit = 0;       ///< WAD, > 0
  Int negative_limit = 0;       ///< WAD, < 0

  bool operator==(const Settings&) const = default;
};

struct Input {
  Int exchange_rate;  ///< WAD
  Int target_rate;    ///< WAD
  Int supply;         ///< tokens' smallest unit
  bool rate_valid = true;
  bool target_valid = true;
};

struct Step {
  Int percentage = 0;    ///< WAD; 0 inside the threshold
  Int supply_delta = 0;  ///< after the cap
  bool in_threshold = false;
  bool capped = false;
};

[[nodiscard]] const Int& rate_max();    ///< 10^6 WAD
[[nodiscard]] const Int& supply_max();  ///< floor((2^255 - 1) / rate_max)

[[nodiscard]] Result<> check(const Settings& settings);
[[nodiscard]] Result<Step> step(const Settings& settings, const Input& input);
/// 2^(x / WAD) in WAD for |x| <= 100 WAD, with the resolution above.
[[nodiscard]] Result<Int> two_power(const Int& x);
/// The curve alone, for a normalised rate n [WAD].
[[nodiscard]] Result<Int> percentage(const Int& n, const Int& lower, const Int& upper, const Int& growth);

}  // namespace homeostat::controller::sigmoid
