#include "controller/multiplicative.hpp"

namespace homeostat::controller::multiplicative {

Result<Int> next_base_fee(const BaseFeeSettings& settings, const Int& base_fee, const Int& gas_used,
                          const Int& gas_limit) {
  EvmMath evm;
  const Int target = evm.quotient_u(gas_limit, settings.elasticity);
  const bool is_above = gas_used > target;
  const Int distance = is_above ? gas_used - target : target - gas_used;
  Int next = base_fee;
  if (!distance.is_zero()) {
    const Int share = evm.quotient_u(evm.multiply_u(base_fee, distance), target);
    const Int change = evm.quotient_u(share, settings.change_denominator);
    next = is_above ? evm.add_u(base_fee, change.is_zero() ? Int{1} : change) : evm.subtract_u(base_fee, change);
  }
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("base_fee"));
  return next;
}

Result<bool> is_gas_limit_allowed(const Int& parent_gas_limit, const Int& gas_limit) {
  if (!is_uint256(parent_gas_limit) || !is_uint256(gas_limit)) {
    return fail(ErrorCode::out_of_range, "gas_limit", "must be within 0..2^256-1");
  }
  const Int distance = abs(Int{gas_limit - parent_gas_limit});
  return distance < parent_gas_limit / kGasLimitBoundDivisor && gas_limit >= kGasLimitMin;
}

Result<Int> fake_exponential(const Int& factor, const Int& numerator, const Int& denominator) {
  EvmMath evm;
  Int term = evm.multiply_u(factor, denominator);
  Int sum = 0;
  for (unsigned i = 1; !term.is_zero() && !evm.is_fault(); ++i) {
    if (i > kTermsMax) return fail(ErrorCode::out_of_range, "fake_exponential", "does not end within 2048 terms");
    sum = evm.add_u(sum, term);
    term = evm.quotient_u(evm.multiply_u(term, numerator), evm.multiply_u(denominator, i));
  }
  Int value = evm.quotient_u(sum, denominator);
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("fake_exponential"));
  return value;
}

Result<Int> next_excess(const Int& excess, const Int& used, const Int& target) {
  EvmMath evm;
  const Int reached = evm.add_u(excess, used);
  Int next = reached > target ? Int{reached - target} : Int{0};
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("excess"));
  return next;
}

}  // namespace homeostat::controller::multiplicative
