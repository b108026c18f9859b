#include "economy/tokenomics/distribution.hpp"

#include <algorithm>
#include <string>

#include "core/format.hpp"
#include "economy/argument.hpp"
#include "economy/tokenomics/share.hpp"

namespace homeostat::economy::tokenomics {

namespace {
constexpr Range kShare{0, 1};
constexpr Range kStake{0, 1e30};
constexpr Range kTime{0, 1e12};

std::array<double, 4> as_array(const ValueShares& s) {
  return {s.stakers, s.treasury, s.developers, s.burn};
}

Result<> check_stakers(const Stakers& s, Amount value, std::size_t amounts) {
  if (auto ok = first_error(require_amount("value", value),
                            require_same_size("time_s", s.time_s.size(), "stake", s.stake.size()),
                            require_same_size("participation", s.participation.size(), "stake", s.stake.size()),
                            require_same_size("amounts", amounts, "stake", s.stake.size()));
      !ok) {
    return ok;
  }
  bool is_good = !s.stake.empty();
  for (std::size_t i = 0; i < s.stake.size(); ++i) {
    is_good &= is_in(s.stake[i], kStake) && is_in(s.time_s[i], kTime) && is_in(s.participation[i], kShare);
  }
  if (is_good) return {};
  return first_error(require_each("stake", s.stake, kStake), require_each("time_s", s.time_s, kTime),
                     require_each("participation", s.participation, kShare));
}
}  // namespace

Result<> split(Amount value, std::span<const double> shares, std::span<Amount> amounts, ApportionScratch& scratch) {
  if (shares.size() > kSharesMax) {
    return fail(ErrorCode::out_of_range, "shares", "must be at most " + std::to_string(kSharesMax));
  }
  if (auto ok = first_error(require_amount("value", value), require_shares("shares", shares)); !ok) return ok;
  return apportion(value, shares, amounts, scratch);
}

Result<> check(const ValueShares& shares) {
  return require_shares("shares", as_array(shares));
}

Result<ValueAmounts> distribute_value(const ValueShares& shares, Amount value) {
  ApportionScratch scratch;
  std::array<Amount, 4> amounts{};
  if (auto ok = split(value, as_array(shares), amounts, scratch); !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  return ValueAmounts{amounts[0], amounts[1], amounts[2], amounts[3]};
}

Result<> check(const StakerCriteria& criteria) {
  if (criteria.time_full <= Duration::zero()) {
    return fail(ErrorCode::out_of_range, "time_full", "must be above 0s, is " + text_of(criteria.time_full));
  }
  return first_error(require("time_floor", criteria.time_floor, kShare),
                     require("participation_floor", criteria.participation_floor, kShare));
}

Result<> distribute_to_stakers(const StakerCriteria& criteria, const Stakers& stakers, Amount value,
                               std::span<Amount> amounts, DistributionScratch& scratch) {
  if (auto ok = first_error(check(criteria), check_stakers(stakers, value, amounts.size())); !ok) return ok;
  const double full_s = criteria.time_full.in_seconds();
  const std::size_t n = stakers.stake.size();
  scratch.weights.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double time = std::min(stakers.time_s[i] / full_s, 1.0);
    scratch.weights[i] = stakers.stake[i] * (criteria.time_floor + (1 - criteria.time_floor) * time) *
                         (criteria.participation_floor + (1 - criteria.participation_floor) * stakers.participation[i]);
  }
  if (auto ok = apportion(value, std::span<const double>(scratch.weights), amounts, scratch.apportion); !ok) {
    return fail(ok.error().code, "stake", std::move(ok.error().message));
  }
  return {};
}

}  // namespace homeostat::economy::tokenomics
