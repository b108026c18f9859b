#include "economy/bonding/governed.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "economy/argument.hpp"
#include "economy/bonding/system.hpp"

namespace homeostat::economy::bonding {
namespace {

using S = SystemSettings;

constexpr double kMemoryMax = 1 - 1e-12;

// A reader and a writer of one field. A switch is on from a half; an index is rounded.
#define HOMEOSTAT_NUMBER(field) [](const S& s) -> double { return s.field; }, [](S& s, double v) { s.field = v; }
#define HOMEOSTAT_SWITCH(field) \
  [](const S& s) -> double { return s.field ? 1 : 0; }, [](S& s, double v) { s.field = v >= 0.5; }
#define HOMEOSTAT_INDEX(field, type)                                 \
  [](const S& s) -> double { return static_cast<double>(s.field); }, \
      [](S& s, double v) { s.field = static_cast<type>(std::lround(v)); }
#define HOMEOSTAT_OPTIONAL(part, field)                                                               \
  [](const S& s) -> double { return s.part ? s.part->field : decltype(s.part)::value_type{}.field; }, \
      [](S& s, double v) {                                                                            \
        if (s.part) s.part->field = v;                                                                \
      }

constexpr GovernedParameter kParameters[] = {
    {DecisionGroup::surface, "surface.lambda", "1", 1, 10000, 4,
     "how flat the surface is: 1 a sphere, large constant-sum", HOMEOSTAT_NUMBER(surface.lambda)},
    {DecisionGroup::surface, "surface.par", "USD", 1e-06, 1000000, 1, "what a token is worth at par",
     HOMEOSTAT_NUMBER(par)},
    {DecisionGroup::surface, "surface.mint_guard", "0/1", 0, 1, 1, "no more tokens than the net value at par",
     HOMEOSTAT_SWITCH(has_mint_guard)},
    {DecisionGroup::tranching, "safety.band", "1", 0, 10, 0.25,
     "how far a vault may be from its target weight, of the target", HOMEOSTAT_NUMBER(safety.band)},
    {DecisionGroup::tranching, "safety.strict", "0/1", 0, 1, 0, "a vault outside of its band must come nearer",
     HOMEOSTAT_SWITCH(safety.is_strict)},
    {DecisionGroup::tranching, "safety.price_min", "USD", 1e-12, 1000000, 1e-05,
     "least price of a token that may enter", HOMEOSTAT_NUMBER(safety.price_min)},
    {DecisionGroup::tranching, "vault_flow.memory", "1 per day", 1e-09, kMemoryMax, 0.9,
     "what is left of a vault's flow after a day", HOMEOSTAT_OPTIONAL(vault_flow, memory)},
    {DecisionGroup::tranching, "vault_flow.threshold", "1", 1e-12, 1e+300, 0.3,
     "largest flow of a vault, of the reserve", HOMEOSTAT_OPTIONAL(vault_flow, threshold)},
    {DecisionGroup::tranching, "vault_flow.lock", "days", 0, 10, 0.1, "how long a vault near its threshold is locked",
     HOMEOSTAT_OPTIONAL(vault_flow, lock)},
    {DecisionGroup::redemption, "redemption.slope_min", "1", 0.0001, 10000, 1,
     "least fall of the rate per anchor supply redeemed", HOMEOSTAT_NUMBER(pamm.slope_min)},
    {DecisionGroup::redemption, "redemption.par_share_max", "1", 0, 1, 0.3,
     "largest share of the anchor supply redeemable at par", HOMEOSTAT_NUMBER(pamm.par_share_max)},
    {DecisionGroup::redemption, "redemption.floor_ratio", "1", 0, 1, 0.6,
     "reserve ratio at which redemption becomes pro rata", HOMEOSTAT_NUMBER(pamm.floor_ratio)},
    {DecisionGroup::redemption, "redemption.level_memory", "1 per day", 1e-09, kMemoryMax, 0.9,
     "what is left of the redemption level after a day", HOMEOSTAT_NUMBER(pamm.level_memory)},
    {DecisionGroup::redemption, "redemption.haircut_ratio", "1", 0, 0.5, 0,
     "taken off the reserve ratio before pricing", HOMEOSTAT_NUMBER(pamm.haircut_ratio)},
    {DecisionGroup::flow, "flow.threshold", "1", 1e-06, 1, 0.1, "outflow, of the supply, that is dampened",
     HOMEOSTAT_NUMBER(flow.threshold)},
    {DecisionGroup::flow, "flow.multiplier_min", "1", 0.001, 1, 0.1, "least share of a request that passes",
     HOMEOSTAT_NUMBER(flow.multiplier_min)},
    {DecisionGroup::flow, "flow.memory", "1 per day", 1e-09, kMemoryMax, 0.9, "what is left of the outflow after a day",
     HOMEOSTAT_NUMBER(flow.memory)},
    {DecisionGroup::flow, "flow.steepness", "1", 0, 1000, 7, "of the exponential variant",
     HOMEOSTAT_NUMBER(flow.steepness)},
    {DecisionGroup::flow, "flow.mode", "index", 0, 4, 1, "0 none, 1 integral, 2 pre, 3 post, 4 exponential",
     HOMEOSTAT_INDEX(flow.mode, Dampening)},
    {DecisionGroup::flow, "flow.shortfall", "index", 0, 1, 0, "0 keep, 1 confiscate",
     HOMEOSTAT_INDEX(flow.shortfall, Shortfall)},
    {DecisionGroup::fee, "fee.static_fee", "1", 0, 0.999999, 0.003, "fee of a deposit that does not unbalance",
     HOMEOSTAT_NUMBER(fee.static_fee)},
    {DecisionGroup::fee, "fee.surge_fee", "1", 0, 0.999999, 0.05, "fee at an imbalance of one",
     HOMEOSTAT_NUMBER(fee.surge_fee)},
    {DecisionGroup::fee, "fee.threshold", "1", 0, 0.999999, 0.2, "imbalance from which the fee rises",
     HOMEOSTAT_NUMBER(fee.threshold)},
    {DecisionGroup::fee, "fee.to_treasury", "1", 0, 1, 1, "share of the fee that leaves the reserve",
     HOMEOSTAT_NUMBER(fee.fee_to_treasury)},
    {DecisionGroup::fee, "fee.measure", "index", 0, 1, 0, "imbalance of 0 values over targets, 1 raw values",
     HOMEOSTAT_INDEX(fee.measure, Measure)},
    {DecisionGroup::commitment, "commitment.cap", "1", 0, 0.99, 0.3, "largest share of commitments in the supply",
     HOMEOSTAT_NUMBER(commitment.cap)},
    {DecisionGroup::commitment, "commitment.premium", "1", 0, 10, 0.1, "of a subscription, over spot",
     HOMEOSTAT_NUMBER(commitment.premium)},
    {DecisionGroup::commitment, "commitment.month_days", "days", 1, 366, 30, "between two payments of a subscription",
     HOMEOSTAT_NUMBER(commitment.month_days)},
    {DecisionGroup::commitment, "commitment.base_rate", "1", 0, 10, 0.05, "bonus of a stake before its multiplier",
     HOMEOSTAT_NUMBER(commitment.base_rate)},
    {DecisionGroup::commitment, "commitment.forfeit", "1", 0, 1, 0.5, "of the unvested bonus, on early exit",
     HOMEOSTAT_NUMBER(commitment.forfeit)},
    {DecisionGroup::commitment, "commitment.cliff_days", "days", 0, 365, 30, "a stake held for less has no bonus",
     HOMEOSTAT_NUMBER(commitment.cliff_days)},
    {DecisionGroup::commitment, "commitment.flow_threshold", "1", 1e-06, 1, 0.02,
     "minting of a channel, of the supply, that is dampened", HOMEOSTAT_NUMBER(commitment.flow.threshold)},
    {DecisionGroup::commitment, "commitment.flow_memory", "1 per day", 1e-09, kMemoryMax, 0.9,
     "what is left of a channel's flow after a day", HOMEOSTAT_NUMBER(commitment.flow.memory)},
    {DecisionGroup::commitment, "commitment.supporter", "USD", 0.01, 1000000000, 10, "price of a month as supporter",
     HOMEOSTAT_NUMBER(commitment.tier_prices[0])},
    {DecisionGroup::commitment, "commitment.sustainer", "USD", 0.01, 1000000000, 50, "price of a month as sustainer",
     HOMEOSTAT_NUMBER(commitment.tier_prices[1])},
    {DecisionGroup::commitment, "commitment.patron", "USD", 0.01, 1000000000, 200, "price of a month as patron",
     HOMEOSTAT_NUMBER(commitment.tier_prices[2])},
    {DecisionGroup::commitment, "labour.tokens_per_unit", "tokens", 1e-09, 1000000000, 5, "worth of one unit owed",
     HOMEOSTAT_NUMBER(commitment.channels[0].tokens_per_unit)},
    {DecisionGroup::commitment, "labour.limit", "tokens", 0, 1000000000000000, 1000, "minted per period at most",
     HOMEOSTAT_NUMBER(commitment.channels[0].limit)},
    {DecisionGroup::commitment, "labour.period_days", "days", 0.01, 3650, 7, "length of a period",
     HOMEOSTAT_NUMBER(commitment.channels[0].period_days)},
    {DecisionGroup::commitment, "labour.cooldown_days", "days", 0, 3650, 1, "between an account's claims",
     HOMEOSTAT_NUMBER(commitment.channels[0].cooldown_days)},
    {DecisionGroup::commitment, "labour.memory", "1 per day", 1e-09, 1, 0.99,
     "what is left of what is owed after a day", HOMEOSTAT_NUMBER(commitment.channels[0].memory)},
    {DecisionGroup::commitment, "subscription.tokens_per_unit", "tokens", 1e-09, 1000000000, 1,
     "worth of one unit owed", HOMEOSTAT_NUMBER(commitment.channels[1].tokens_per_unit)},
    {DecisionGroup::commitment, "subscription.limit", "tokens", 0, 1000000000000000, 10000, "minted per period at most",
     HOMEOSTAT_NUMBER(commitment.channels[1].limit)},
    {DecisionGroup::commitment, "subscription.period_days", "days", 0.01, 3650, 7, "length of a period",
     HOMEOSTAT_NUMBER(commitment.channels[1].period_days)},
    {DecisionGroup::commitment, "subscription.cooldown_days", "days", 0, 3650, 0, "between an account's claims",
     HOMEOSTAT_NUMBER(commitment.channels[1].cooldown_days)},
    {DecisionGroup::commitment, "subscription.memory", "1 per day", 1e-09, 1, 1,
     "what is left of what is owed after a day", HOMEOSTAT_NUMBER(commitment.channels[1].memory)},
    {DecisionGroup::commitment, "staking.tokens_per_unit", "tokens", 1e-09, 1000000000, 1, "worth of one unit owed",
     HOMEOSTAT_NUMBER(commitment.channels[2].tokens_per_unit)},
    {DecisionGroup::commitment, "staking.limit", "tokens", 0, 1000000000000000, 10000, "minted per period at most",
     HOMEOSTAT_NUMBER(commitment.channels[2].limit)},
    {DecisionGroup::commitment, "staking.period_days", "days", 0.01, 3650, 7, "length of a period",
     HOMEOSTAT_NUMBER(commitment.channels[2].period_days)},
    {DecisionGroup::commitment, "staking.cooldown_days", "days", 0, 3650, 0, "between an account's claims",
     HOMEOSTAT_NUMBER(commitment.channels[2].cooldown_days)},
    {DecisionGroup::commitment, "staking.memory", "1 per day", 1e-09, 1, 1, "what is left of what is owed after a day",
     HOMEOSTAT_NUMBER(commitment.channels[2].memory)},
};

#undef HOMEOSTAT_NUMBER
#undef HOMEOSTAT_SWITCH
#undef HOMEOSTAT_INDEX
#undef HOMEOSTAT_OPTIONAL

}  // namespace

std::string_view name_of(DecisionGroup group) {
  switch (group) {
    case DecisionGroup::surface: return "surface";
    case DecisionGroup::tranching: return "tranching";
    case DecisionGroup::redemption: return "redemption";
    case DecisionGroup::flow: return "flow";
    case DecisionGroup::fee: return "fee";
    case DecisionGroup::commitment: return "commitment";
  }
  return "?";
}

std::span<const GovernedParameter> governed_parameters() {
  return kParameters;
}

const GovernedParameter* governed_parameter(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kParameters), std::end(kParameters), [&](const auto& p) { return p.name == name; });
  return found == std::end(kParameters) ? nullptr : found;
}

Result<> set_parameter(SystemSettings& settings, std::string_view name, double value) {
  const GovernedParameter* parameter = governed_parameter(name);
  if (parameter == nullptr) {
    std::vector<std::string_view> names;
    for (const GovernedParameter& p : kParameters) names.push_back(p.name);
    return fail(ErrorCode::unknown_name, std::string(name), "is no governed parameter" + did_you_mean(name, names));
  }
  if (auto ok = require(name, value, {parameter->min, parameter->max}); !ok) return ok;
  parameter->set(settings, value);
  return {};
}

}  // namespace homeostat::economy::bonding
