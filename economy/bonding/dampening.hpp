// Flow dampening: how much of a redemption (or of a mint of commitments) goes through at once, given what went through
// lately.
//
// Symbols: F flow tracker (tokens, decaying), S supply, q what is asked for, e <= q what goes through,
//          rho = F / base, t threshold, m multiplier, f its least value.
//
//     m(rho) = 1                                    rho <= t / 2
//            = max(f, 1 - z^2),  z = (rho - t / 2) / (1.5 t)   above: 0.889 at t, f from 1.92 t on (f = 0.1)
//
// Modes:
//   integral     dq = dF / m(rho) along the way, base = S + F (constant while redeeming), so that one request goes as
//                far as any number of pieces of it:
//                    G(rho) = rho                                       rho <= t / 2
//                           = t / 2 + 1.5 t atanh z                     rho <= rs = t / 2 + 1.5 t zs,  zs = sqrt(1 - f)
//                           = G(rs) + (rho - rs) / f                    above
//                    e = base (G^-1(G(rho) + q / base) - rho);  G^-1 has a tanh
//   pre, post    e = q m(F / S) and e = q m((F + q) / S): the founding design's two readings. pre lets one large
//   request
//                through whole, post depends on how a request is split.
//   exponential  e = q exp(-k F / S): the design's smart-contract variant, rate and amount being the same product.
//   none         e = q.
// What does not go through is kept by its holder (`keep`, a throttle) or burned for nothing (`confiscate`, a haircut,
// which destroys value in a run: a million tokens asked for over a month leave 16.7 of backing to those who stayed).
//
// Batch: the requests of one tick are dampened as one and filled pro rata, so nobody gains by coming first.
//
// Source: docs 09 and TASK-4 of the founding project; the integral throttle and the batch are ours.
// Error of e: <= 1e-15 base (integral), 1e-15 q (others). Invariants: 0 <= e <= q; m in [f, 1].
#pragma once

#include <cstdint>
#include <span>

#include "core/result.hpp"

namespace homeostat::economy::bonding {

enum class Dampening : std::uint8_t { none, integral, pre, post, exponential };
constexpr Dampening last_of(Dampening) {
  return Dampening::exponential;
}
enum class Shortfall : std::uint8_t { keep, confiscate };
constexpr Shortfall last_of(Shortfall) {
  return Shortfall::confiscate;
}

struct DampeningSettings {
  Dampening mode = Dampening::integral;
  Shortfall shortfall = Shortfall::keep;
  double threshold = 0.1;       ///< t, of the supply; 1e-6..1
  double multiplier_min = 0.1;  ///< f; 1e-3..1
  double memory = 0.9;          ///< of F per unit of time; (0, 1)
  double steepness = 7;         ///< k of `exponential`: a tenth of the supply halves what goes through; 0..1000
  bool operator==(const DampeningSettings&) const = default;
};
[[nodiscard]] Result<> check(const DampeningSettings& settings);

class Dampener {
 public:
  [[nodiscard]] static Result<Dampener> make(const DampeningSettings& settings);
  /// The defaults, which are valid.
  Dampener() : Dampener(DampeningSettings{}) {}

  [[nodiscard]] const DampeningSettings& settings() const { return settings_; }

  /// m(rho), rho >= 0.
  [[nodiscard]] double multiplier(double rho) const;
  /// G and its inverse; both >= 0.
  [[nodiscard]] double resistance(double rho) const;
  [[nodiscard]] double flow_ratio(double resistance) const;

  /// e of a mode with a given base; nothing goes through a base of zero. For checked, non-negative arguments.
  [[nodiscard]] double effective(double flow, double base, double amount) const;
  /// e of a redemption out of supply S: base S + F for `integral`, S for the others.
  [[nodiscard]] double redeemable(double flow, double supply, double amount) const {
    return effective(flow, settings_.mode == Dampening::integral ? supply + flow : supply, amount);
  }
  /// e of a mint; base S.
  [[nodiscard]] double mintable(double flow, double supply, double amount) const {
    return effective(flow, supply, amount);
  }

  /// redeemable() with every argument checked: errors name flow, supply or amount.
  [[nodiscard]] Result<double> redeem(double flow, double supply, double amount) const;

 private:
  explicit Dampener(const DampeningSettings& settings);

  DampeningSettings settings_;
  double free_until_ = 0;        ///< t / 2
  double width_ = 0;             ///< 1.5 t
  double slowest_from_ = 0;      ///< rs
  double resistance_there_ = 0;  ///< G(rs)
};

/// Fills requests pro rata so that they sum to `effective` (<= their sum): filled[i] = requests[i] effective / sum.
/// Sizes are equal (CHECKed); requests >= 0.
void fill_pro_rata(std::span<const double> requests, double effective, std::span<double> filled);

}  // namespace homeostat::economy::bonding
