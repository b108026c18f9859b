// The commitment channels of the composed system, and its parameters by name.
#include <algorithm>

#include "economy/argument.hpp"
#include "economy/bonding/governed.hpp"
#include "economy/bonding/system.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr std::size_t index_of(Channel channel) {
  return static_cast<std::size_t>(channel);
}

}  // namespace

Result<Account> System::account_of(Channel channel, std::uint64_t id) const {
  const ChannelState& state = state_.channels[index_of(channel)];
  const auto found = state.accounts.find(id);
  if (found != state.accounts.end()) {
    return aged(settings_.commitment.channels[index_of(channel)], found->second, state_.now);
  }
  if (state.accounts.size() >= kAccountsMax) {
    return fail(
        ErrorCode::resource_exhausted, "account",
        "the channel " + std::string(name_of(channel)) + " has its " + std::to_string(kAccountsMax) + " accounts");
  }
  return Account{.at = state_.now};
}

Result<> System::attest(std::uint64_t id, double units) {
  if (auto ok = require("units", units, {0, kTokensMost}); !ok) return ok;
  auto account = account_of(Channel::labour, id);
  if (!account) return tl::make_unexpected(account.error());
  account->units += units;
  if (auto ok = require("units owed", account->units, {0, kTokensMost}); !ok) return ok;
  state_.channels[index_of(Channel::labour)].accounts[id] = *account;
  return {};
}

Result<Subscription> System::subscribe(std::uint64_t id, Tier tier) {
  if (auto ok = require("tier", static_cast<double>(tier), {0, static_cast<double>(kTiers - 1)}); !ok) {
    return tl::make_unexpected(ok.error());
  }
  auto account = account_of(Channel::subscription, id);
  if (!account) return tl::make_unexpected(account.error());
  const auto terms = bonding::subscribe(settings_.commitment, *account, state_.now);
  if (!terms) return tl::make_unexpected(terms.error());
  const double price = settings_.commitment.tier_prices[static_cast<std::size_t>(tier)];
  const auto amounts = route(price);
  if (!amounts) return tl::make_unexpected(amounts.error());
  const auto deposit = plan_deposit(*amounts, false);
  if (!deposit) return tl::make_unexpected(deposit.error());

  const Subscription out{deposit->value, deposit->minted, deposit->minted * terms->bonus_ratio, terms->months,
                         deposit->entered};
  account->units += out.owed / settings_.commitment.channels[index_of(Channel::subscription)].tokens_per_unit;
  account->months = terms->months;
  account->paid_at = state_.now;
  keep(*deposit);
  state_.channels[index_of(Channel::subscription)].accounts[id] = *account;
  return out;
}

Result<std::uint64_t> System::stake(std::uint64_t id, double amount, double lock_days) {
  const double free = std::max(0.0, state_.supply - state_.staked);
  if (auto ok =
          first_error(require("amount", amount, {1e-12, free}), require("lock_days", lock_days, {0.01, kDaysMost}));
      !ok) {
    return tl::make_unexpected(ok.error());
  }
  if (state_.stakes.size() >= kAccountsMax) {
    return fail(ErrorCode::resource_exhausted, "stake", std::to_string(kAccountsMax) + " stakes are open");
  }
  const std::uint64_t stake = state_.stakes_opened++;
  state_.stakes[stake] = {id, amount, lock_days, state_.now};
  state_.staked += amount;
  return stake;
}

Result<double> System::unstake(std::uint64_t stake) {
  const auto found = state_.stakes.find(stake);
  if (found == state_.stakes.end()) {
    return fail(ErrorCode::unknown_name, "stake", "there is no open stake " + std::to_string(stake));
  }
  const Stake& s = found->second;
  const auto bonus = staking_payout(settings_.commitment, s.amount, s.lock_days, state_.now - s.since);
  if (!bonus) return tl::make_unexpected(bonus.error());
  auto account = account_of(Channel::staking, s.account);
  if (!account) return tl::make_unexpected(account.error());
  account->units += *bonus / settings_.commitment.channels[index_of(Channel::staking)].tokens_per_unit;
  state_.channels[index_of(Channel::staking)].accounts[s.account] = *account;
  state_.staked = state_.stakes.size() == 1 ? 0 : std::max(0.0, state_.staked - s.amount);
  state_.stakes.erase(found);
  return bonus;
}

Result<Claim> System::claim(Channel channel, std::uint64_t id) {
  ChannelState& state = state_.channels[index_of(channel)];
  auto out = bonding::claim(settings_.commitment, derived_.commitment_dampener, channel, state, id, state_.supply,
                            state_.committed, state_.now);
  if (!out) return out;
  state.accounts[id] = out->account;
  state.flow = out->flow;
  state.window = out->window;
  state.window_minted = out->window_minted;
  state.minted += out->minted;
  state_.supply += out->minted;
  state_.committed += out->minted;
  return out;
}

Result<> System::set_parameter(std::string_view name, double value) {
  SystemSettings settings = settings_;
  if (auto ok = bonding::set_parameter(settings, name, value); !ok) return ok;
  return reconfigure(settings);
}

}  // namespace homeostat::economy::bonding
