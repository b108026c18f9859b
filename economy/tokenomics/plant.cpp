#include "economy/tokenomics/plant.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::tokenomics {

namespace {
constexpr Range kShare{0, 1};
constexpr Range kGain{0, 100};
constexpr Range kAboveZero{1e-30, 1e30};
}  // namespace

Result<> check(const TokenPlant& p) {
  return first_error(
      require("demand_rest", p.demand_rest, {0, 1e30}), require("demand_rate", p.demand_rate, kShare),
      require("demand_noise", p.demand_noise, kShare), require("fee_elasticity", p.fee_elasticity, kGain),
      require("demand_min", p.demand_min, kAboveZero), require("velocity_rest", p.velocity_rest, kAboveZero),
      require("velocity_rate", p.velocity_rate, kShare), require("velocity_response", p.velocity_response, kGain),
      require("velocity_min", p.velocity_min, kAboveZero), require("issuance", p.issuance, kShare),
      require("burn_share", p.burn_share, kShare), require("treasury_share", p.treasury_share, kShare),
      require("pool_rate", p.pool_rate, kShare), require("supply_rate", p.supply_rate, kShare),
      require("refill_rate", p.refill_rate, kShare), check(p.range), require("price_rate", p.price_rate, kShare),
      require("price_min", p.price_min, kAboveZero), require("price_target", p.price_target, kAboveZero),
      require("fee_min", p.fee_min, kShare), require("fee_max", p.fee_max, kShare),
      require_order("fee_min", p.fee_min, "fee_max", p.fee_max),
      require("fee_rest", p.fee_rest, {p.fee_min, p.fee_max}), require("kp", p.kp, kGain), require("ki", p.ki, kGain));
}

TokenState next(const TokenPlant& p, const TokenState& s, double noise) {
  TokenState out;
  out.demand = std::max(s.demand + p.demand_rate * (p.demand_rest - s.demand) + p.demand_noise * s.demand * noise -
                            p.fee_elasticity * (s.fee - p.fee_rest) * s.demand,
                        p.demand_min);
  const double wanted = p.velocity_rest * (1 + p.velocity_response * (p.price_target - s.price) / p.price_target);
  out.velocity = std::max(s.velocity + p.velocity_rate * (wanted - s.velocity), p.velocity_min);

  const double fees = s.fee * out.demand;
  const double spent = s.price < p.range.low ? p.pool_rate * s.reserve : 0;
  const double minted = s.price > p.range.high ? p.supply_rate * s.supply : 0;
  const double refill = p.refill_rate * s.treasury;
  out.supply = s.supply + p.issuance * s.supply - p.burn_share * fees / s.price - spent / s.price + minted;
  out.treasury = s.treasury + p.treasury_share * fees - refill;
  out.reserve = s.reserve + refill - spent + minted * s.price;

  out.price = std::max(s.price + p.price_rate * (out.demand / (out.velocity * out.supply) - s.price), p.price_min);

  const double error = (out.price - p.price_target) / p.price_target;
  const double integral = s.integral + error;
  const double asked = p.fee_rest + p.kp * error + p.ki * integral;
  out.fee = std::clamp(asked, p.fee_min, p.fee_max);
  out.integral = out.fee == asked ? integral : s.integral;
  return out;
}

Plant plant_of(const TokenPlant& plant) {
  return [plant](std::span<const double> levers, std::span<double> m) {
    HOMEOSTAT_CHECK(levers.size() == kTokenLevers && m.size() == kTokenMetrics);
    TokenPlant p = plant;
    p.issuance = levers[0];
    p.burn_share = levers[1];
    p.pool_rate = levers[2];
    p.supply_rate = levers[3];
    const TokenState s = next(p, {m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7]}, 0);
    m[0] = s.demand, m[1] = s.velocity, m[2] = s.supply, m[3] = s.reserve;
    m[4] = s.treasury, m[5] = s.price, m[6] = s.fee, m[7] = s.integral;
  };
}

}  // namespace homeostat::economy::tokenomics
