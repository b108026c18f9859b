// The redemption curve: what one redeemed token is paid, from par down to a floor, by how much was redeemed lately.
//
// Design: the primary-market AMM of Gyroscope [Klages-Mundt, Schuldenzucker 2022], from its formulas.
//
// Symbols, all in tokens (a reserve of `b` pays `b` tokens at par):
//     x   redemption level: what was redeemed lately, decaying by `level_memory` per unit of time
//     y   supply            b  reserve          r = b / y  reserve ratio
//     ya = x + y            anchor supply: constant while a redemption moves tokens from y to x
//     ba  anchor reserve: what the reserve was at x = 0;  ra = ba / ya,  D = ya - ba,  theta = 1 - floor_ratio
//
// Curve from an anchor, for floor_ratio < ra < 1:
//     alpha = max(alpha_hat, slope_min / ya),
//             alpha_hat = 2 (1 - ra) / ya                        if ra >= (1 + floor_ratio) / 2
//                       = theta^2 / (2 (ba - floor_ratio ya))    otherwise
//     xu    = clamp(xu_hat, 0, par_share_max ya),
//             xu_hat = ya - sqrt(2 D / alpha)                    if alpha D <= theta^2 / 2
//                    = ya - D / theta - theta / (2 alpha)        otherwise
//     xl    = ya - sqrt((ya - xu)^2 - 2 D / alpha)
//     rate p(x) = -b'(x) = 1 up to xu; 1 - alpha (x - xu) up to xl; then r_L = 1 - alpha (xl - xu), which is the
//     reserve ratio itself: the tail shares what there is.
// ra >= 1 pays par, ra <= floor_ratio pays r: never more than there is for everyone (a floor paid out of a reserve
// below it would be paid by those who come last).
//
// The anchor of a live state is found in closed form: three cases by which of the parameters bind, seven regions in
// all (AnchorRegion). Invariants: r_L >= floor_ratio; 0 <= p <= 1; p never rises with x; two redemptions at the same
// instant pay what one of their sum pays.
//
// Error: |paid - exact| <= 1e-13 ya (measured over 320 vectors of 60 digits: below 3e-15 ya). One exception, in favour
// of the reserve: within kFloorTolerance above the floor the anchor is not unique in doubles and r is paid, less than
// the exact amount by at most kFloorTolerance ya.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.hpp"

namespace homeostat::economy::bonding {

/// r <= floor_ratio + this pays pro rata: past xl in the regions II.l and III.L r is the floor itself, and rounding
/// would pick a wrong region.
inline constexpr double kFloorTolerance = 1e-9;

struct PammSettings {
  double slope_min = 1;        ///< alpha_bar: least decay of the rate per anchor supply redeemed; 1e-4..1e4
  double par_share_max = 0.3;  ///< xu_bar: largest share of the anchor supply redeemable at par; 0..1
  double floor_ratio = 0.6;    ///< theta_bar: where the curve becomes pro rata at the latest; 0..1
  double level_memory = 0.9;   ///< what is left of x after one unit of time; (0, 1)
  double haircut_ratio = 0;    ///< taken off the reserve ratio before pricing, if b > 2 haircut y; 0..0.5
  bool operator==(const PammSettings&) const = default;
};
[[nodiscard]] Result<> check(const PammSettings& settings);

/// Which formula gives the anchor. `par` and `pro_rata` need none.
enum class AnchorRegion : std::uint8_t { par, i, I_ii, I_iii, II_h, II_l, III_H, III_L, pro_rata };
constexpr AnchorRegion last_of(AnchorRegion) {
  return AnchorRegion::pro_rata;
}
/// "i", "I.ii", .. as in the source.
[[nodiscard]] std::string_view name_of(AnchorRegion region);

/// A curve b(x) with ya = 1: x, reserves and amounts as shares of the anchor supply.
struct AnchoredCurve {
  double anchor = 1;      ///< ba
  double slope = 0;       ///< alpha
  double par_until = 1;   ///< xu
  double tail_from = 1;   ///< xl
  double tail_ratio = 1;  ///< r_L

  /// b(x), 0 <= x <= 1.
  [[nodiscard]] double reserve_at(double x) const;
  /// p(x).
  [[nodiscard]] double rate_at(double x) const;
  /// b(x) - b(x + dx) as the integral of the rate: no cancellation, so never negative and never above dx.
  [[nodiscard]] double paid(double x, double dx) const;
};

struct PammState {
  double level = 0;    ///< x
  double reserve = 0;  ///< b
  double supply = 0;   ///< y
};

struct Redemption {
  double paid = 0;         ///< reserve units at par
  double rate_before = 0;  ///< p(x)
  double rate_after = 0;   ///< p(x + dx); after the last token, the rate that it had
  AnchorRegion region = AnchorRegion::par;
};

/// A checked parameter set with all that depends on it alone computed once.
class Pamm {
 public:
  [[nodiscard]] static Result<Pamm> make(const PammSettings& settings);
  /// The defaults, which are valid.
  Pamm() : Pamm(PammSettings{}) {}

  [[nodiscard]] const PammSettings& settings() const { return settings_; }

  /// The curve from an anchor ratio ra >= 0 (finite, CHECKed).
  [[nodiscard]] AnchoredCurve curve_of(double anchor_ratio) const;

  struct Anchor {
    double ratio = 0;  ///< ba / ya
    AnchorRegion region = AnchorRegion::par;
  };
  /// The anchor of a live state with ya = 1: level x in [0, 1), reserve b >= 0. For `par` and `pro_rata` the ratio is
  /// that of the state itself.
  [[nodiscard]] Anchor anchor_of(double x, double b) const;

  /// What redeeming `amount` pays. Errors name level, reserve, supply (> 0) or amount (0..supply).
  [[nodiscard]] Result<Redemption> redeem(const PammState& state, double amount) const;
  /// The same for a state and amount that redeem() would accept.
  [[nodiscard]] Redemption redeem_checked(const PammState& state, double amount) const;
  /// The rate for the next token; 0 if there is no supply.
  [[nodiscard]] double rate(const PammState& state) const;

  /// The thresholds of anchor ratios between the cases, as the source names them.
  struct Thresholds {
    double I_II = 0;
    double II_III = 0;
    double hl = 0;
    double HL = 0;
  };
  [[nodiscard]] Thresholds thresholds() const;

 private:
  explicit Pamm(const PammSettings& settings);
  struct Found {
    AnchoredCurve curve;
    AnchorRegion region = AnchorRegion::par;
  };
  /// Anchor and curve of a live state with ya = 1. In the tail, and for `par` and `pro_rata`, only the ratio and the
  /// anchor mean anything.
  [[nodiscard]] Found find(double x, double b) const;
  [[nodiscard]] Found find_ii(double x, double b, double y, double r) const;
  [[nodiscard]] double reserve_priced(const PammState& state) const;
  /// The curve with a given slope and par_until, its tail from the formula above.
  [[nodiscard]] static AnchoredCurve with(double anchor, double slope, double par_until);

  PammSettings settings_;
  double theta_ = 0;
  AnchoredCurve at_I_II_;
  AnchoredCurve at_II_III_;
  AnchoredCurve at_hl_;
  AnchoredCurve at_HL_;
};

}  // namespace homeostat::economy::bonding
