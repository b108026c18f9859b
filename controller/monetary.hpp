// Interest-rate laws of lending markets: semi-logarithmic in the utilisation, exponential in the error of a peg.
//
// Decides: a rate per year (any unit; all rates of one law in the same) from a utilisation, or from a price and what
// its keepers hold.
//
//     semilog       r = r_min (r_max / r_min)^u                                  u = utilisation, 0..1
//     exponential   r = min(r_cap, (r_0 e^x + r_extra) (0.9 + 0.1 / (1 - f)))
//                   x = clamp((peg - price) / sigma - keepers / target, +-kExponentMax)
//                   f = min(0.9999, debt / ceiling)
//     keepers       an exponential mean of their share of the debt: y += (share - y) (1 - e^(-dt / T))
//     debt          the least of this half day and the one before, so that a loan taken and repaid inside one block,
//                   or held for less than half a day, cannot lower a rate
//
// Invariants: r lies in [r_min, r_max] (semilog) or [0, r_cap] (exponential); semilog rises with u, exponential falls
// with the price and with the keepers' share, and rises with f. e^x and powers come from core/math (1 ulp), so that a
// decision replays bit for bit; the contracts' own fixed point differs in the 18th decimal and is not reproduced.
//
// Source: curve_stablecoin mpolicies, SemilogMonetaryPolicy and AggMonetaryPolicy4 at cf1d05f (formulas only).
#pragma once

#include <cstdint>

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::controller::monetary {

inline constexpr double kExponentMax = 40;  ///< e^40 times any sane rate is far above every cap
inline constexpr double kDebtRatioMax = 0.9999;
inline constexpr Duration kDebtWindow = Duration::hours(12);

struct Semilog {
  double rate_min = 0;  ///< > 0
  double rate_max = 0;  ///< > rate_min

  bool operator==(const Semilog&) const = default;
};
[[nodiscard]] Result<> check(const Semilog& settings);
/// A utilisation outside 0..1 counts as its nearest bound.
[[nodiscard]] double rate(const Semilog& settings, double utilisation);

struct Exponential {
  double rate_0 = 0;            ///< at the peg, with nothing held by keepers
  double rate_extra = 0;        ///< added outside the exponential
  double rate_cap = 3;          ///< 300 % per year when rates are ratios
  double peg = 1;               ///< of the price
  double sigma = 0.02;          ///< a price this far below the peg multiplies the rate by e
  double keepers_target = 0.1;  ///< a share of the debt; this much held divides the rate by e

  bool operator==(const Exponential&) const = default;
};
struct ExponentialInput {
  double price = 1;
  double keepers_share = 0;  ///< mean share of the debt held by keepers
  double debt = 0;           ///< of one market
  double debt_ceiling = 0;   ///< 0: it has none to fill, f = 0
};
struct ExponentialTerms {
  double price_exponent = 0;    ///< (peg - price) / sigma
  double keepers_exponent = 0;  ///< - keepers / target
  double fill_factor = 1;       ///< 0.9 + 0.1 / (1 - f)
  double uncapped = 0;
  double rate = 0;
};
[[nodiscard]] Result<> check(const Exponential& settings);
[[nodiscard]] ExponentialTerms rate(const Exponential& settings, const ExponentialInput& input);

/// One step of the mean over `dt` with time constant `time_constant` (> 0); dt <= 0 changes nothing.
[[nodiscard]] double mean_after(double mean, double share, Duration dt, Duration time_constant);

/// The least debt of the present half day and the one before.
struct LeastDebt {
  std::int64_t half_day = 0;  ///< since 1970
  double now = 0;             ///< least of this one
  double before = 0;          ///< least of the previous one
  bool has_before = false;
  bool has_now = false;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.half_day), a(x.now), a(x.before), a(x.has_before), a(x.has_now);
  }
};
[[nodiscard]] LeastDebt with_debt(const LeastDebt& least, double debt, Instant at);
/// What counts as the debt at `at`, when `debt` is the momentary one.
[[nodiscard]] double counted_debt(const LeastDebt& least, double debt, Instant at);

}  // namespace homeostat::controller::monetary
