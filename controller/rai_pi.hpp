// The redemption-rate controllers of RAI, HAI and Open Dollar, and rai-dollar's one with anti-windup, to the last
// digit.
//
// Decides: the per-second rate by which a redemption price R moves, from R and the market price M.
//
//     dt    = 0 before any update, else now - last                                  [s]
//     P     = R - 10^9 M                      ..._raw                               [RAY]
//     P     = trunc((R - 10^9 M) RAY / R)     ..._scaled, hai, open_dollar          [RAY]
//     area  = trunc((P + P_last) / 2) dt      trapezoid                             [RAY s]
//     I'    = trunc(leak^dt I / RAY) + area   the leak first; the new area is not leaked
//     u     = trunc(P kp / WAD) + trunc(I' ki / WAD)                                [RAY/s]
//     rate  = RAY                             if u = 0, or |u| < floor(R (2 WAD - noise_barrier) / WAD) - R
//             RAY + clamp(u, lower, upper)    else
//
// trunc is the EVM's signed division, towards zero; leak^dt is EvmMath::ray_pow. HAI and Open Dollar have
// the law of pi_scaled. A part of it is missing in basic_... (neither noise barrier nor bounds) and p_... (no
// integral). One value is mapped as the contracts do it:
// u <= -RAY gives RAY - 1, nearly neutral; only basic_... can get there.
//
// The noise barrier compares the output, per second, with a fraction of the price. With gains of mainnet size it
// is met by no deviation at all or by every one; barrier() says what it comes to.
//
// Windup. These contracts integrate the whole of dt however long, and go on integrating at a bound; only the leak
// bounds I. rai_dollar takes the newest area back when the output is at a bound and area and old integral both push
// further (so not from an integral of exactly 0, and also when u only equals the bound). It has P scaled, no noise
// barrier, and u = bias + P + I. anti_windup_step() is the same contract for an error of any kind.
//
// Invariants: values are int256 or uint256 as in the contracts, and what reverts there is an Error here; state changes
// only with a result. A result's rate lies in [1, RAY + upper] (basic_...: >= 1).
//
// Source: geb-rrfm-calculators 56c709d, hai-on-op/core de5a2d0, rai-dollar/picontroller 799e924 (formulas only).
#pragma once

#include <array>

#include "controller/evm_math.hpp"

namespace homeostat::controller::rai {

enum class Variant : std::uint8_t {
  pi_raw,
  basic_pi_raw,
  p_raw,
  pi_scaled,
  basic_pi_scaled,
  p_scaled,
  hai,
  open_dollar,
  rai_dollar
};
inline constexpr std::array<std::string_view, 9> kVariantNames = {
    "pi_raw", "basic_pi_raw", "p_raw", "pi_scaled", "basic_pi_scaled", "p_scaled", "hai", "open_dollar", "rai_dollar"};
[[nodiscard]] std::string_view name_of(Variant variant);
[[nodiscard]] std::optional<Variant> variant_of(std::string_view name);
/// Whether P is a share of the redemption price.
[[nodiscard]] bool is_scaled(Variant variant);
/// False for the variants that are a proportional term alone.
[[nodiscard]] bool has_integral(Variant variant);

[[nodiscard]] const Int& lowest_output();     ///< -(RAY - 1), the lowest that may be configured
[[nodiscard]] const Int& unbounded_output();  ///< 10^45, what deployments set as "no upper bound"

struct Settings {
  Variant variant = Variant::pi_raw;
  Int kp = 0;                      ///< WAD, [RAY/s] per [RAY]
  Int ki = 0;                      ///< WAD, [RAY/s] per [RAY s]
  Int leak = ray();                ///< RAY, what is left of the integral after a second: RAY all, 0 nothing
  Int noise_barrier = wad();       ///< WAD; WAD = none, smaller = wider
  Int upper = unbounded_output();  ///< RAY/s
  Int lower = lowest_output();     ///< RAY/s, negative
  Int bias = 0;                    ///< RAY/s, of rai_dollar: what it gives without any deviation

  bool operator==(const Settings&) const = default;
};

struct State {
  std::uint64_t last_time = 0;  ///< unix seconds of the last update, 0 = never updated
  Int last_proportional = 0;    ///< RAY
  Int integral = 0;             ///< RAY s
};

struct Step {
  State state;          ///< to be kept if the update is committed; a preview drops it
  Int proportional;     ///< P
  Int integral;         ///< I', of rai_dollar after the taking back
  Int gain_adjusted_p;  ///< trunc(P kp / WAD)
  Int gain_adjusted_i;  ///< trunc(I' ki / WAD), of rai_dollar before the taking back
  Int output;           ///< u
  Int rate;             ///< RAY per second, multiplicative
  bool in_deadband = false;
  bool at_bound = false;     ///< the bounds changed u
  bool area_undone = false;  ///< rai_dollar
};

/// What the constructors of the contracts require: |kp|, |ki| <= WAD, leak <= RAY, 0 < noise barrier <= WAD,
/// -(RAY - 1) <= lower < 0 < upper; and lower <= bias <= upper, with a bias and no noise barrier for rai_dollar only.
[[nodiscard]] Result<> check(const Settings& settings);

/// One update at `now` [unix s] for a market price [WAD] and a redemption price [RAY].
[[nodiscard]] Result<Step> step(const Settings& settings, const State& before, const Int& market_price,
                                const Int& redemption_price, std::uint64_t now);
/// The same with dt given instead of two times; `now` is only kept.
[[nodiscard]] Result<Step> step_over(const Settings& settings, const State& before, const Int& market_price,
                                     const Int& redemption_price, std::uint64_t dt_s, std::uint64_t now);

/// The rate for a raw output: bounds and offset.
[[nodiscard]] Result<Int> bounded_rate(const Settings& settings, const Int& output);
/// The threshold on |output| [RAY/s] that the noise barrier means at this redemption price.
[[nodiscard]] Result<Int> barrier(const Settings& settings, const Int& redemption_price);
/// The redemption price after dt at a rate: floor(rate^dt R / RAY), at least 1.
[[nodiscard]] Result<Int> redemption_price_after(const Int& rate, const Int& redemption_price, std::uint64_t dt_s);

/// SAI-style direct rate: moves the rate by floor(acceleration |R - 10^9 M| / WAD) towards the market's other side.
[[nodiscard]] Result<Int> direct_rate(const Int& acceleration, const Int& market_price, const Int& redemption_price,
                                      const Int& current_rate);
/// RAY + d for d >= 0, floor(RAY^2 / (RAY - d)) below: a rate that is the inverse of the one for -d.
[[nodiscard]] Result<Int> rate_of_delta(const Int& delta);
/// rate - RAY for rate >= RAY (converted as the contract does), RAY - floor(RAY^2 / rate) below.
[[nodiscard]] Result<Int> delta_of_rate(const Int& rate);

struct AntiWindupSettings {
  Int kp = 0;  ///< WAD
  Int ki = 0;  ///< WAD
  Int bias = 0;
  Int leak = ray();
  Int upper = 0;
  Int lower = 0;
};

struct AntiWindupStep {
  State state;  ///< last_proportional holds the error
  Int integral;
  Int p_output;
  Int i_output;
  Int output;  ///< clamp(bias + p_output + i_output, lower, upper); i_output is before the taking back
  bool area_undone = false;
};

/// One update; `now` must be later than the last one's.
[[nodiscard]] Result<AntiWindupStep> anti_windup_step(const AntiWindupSettings& settings, const State& before,
                                                      const Int& error, std::uint64_t now);

}  // namespace homeostat::controller::rai
