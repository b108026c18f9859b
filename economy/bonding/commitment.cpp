#include "economy/bonding/commitment.hpp"

#include <algorithm>
#include <cmath>

#include "economy/argument.hpp"
#include "economy/bonding/memory.hpp"

namespace homeostat::economy::bonding {
namespace {

/// Days: some ten thousand years on either side.
constexpr Range kDays{-4e6, 4e6};

std::string element(const char* list, std::size_t i, const std::string& field) {
  return std::string(list) + "[" + std::to_string(i) + "]" + field;
}

Result<> check_channel(const ChannelSettings& s) {
  return first_error(require("tokens_per_unit", s.tokens_per_unit, {1e-9, 1e9}), require("limit", s.limit, {0, 1e15}),
                     require("period_days", s.period_days, {0.01, 3650}),
                     require("cooldown_days", s.cooldown_days, {0, 3650}), require("memory", s.memory, {1e-9, 1}));
}

/// What a channel may still mint in the window of `now`.
struct Window {
  double index = 0;
  double minted = 0;
};
Window window_of(const ChannelSettings& s, const ChannelState& state, double now) {
  const double index = std::floor(now / s.period_days);
  return {index, index == state.window ? state.window_minted : 0};
}

}  // namespace

std::string_view name_of(Channel channel) {
  switch (channel) {
    case Channel::labour: return "labour";
    case Channel::subscription: return "subscription";
    case Channel::staking: return "staking";
  }
  return "?";
}

Result<> check(const CommitmentSettings& s) {
  for (std::size_t i = 0; i < kChannels; ++i) {
    if (auto ok = check_channel(s.channels[i]); !ok) {
      return fail(ok.error().code, element("channels", i, "." + ok.error().where), ok.error().message);
    }
  }
  for (std::size_t i = 0; i < kTiers; ++i) {
    if (auto ok = require(element("tier_prices", i, ""), s.tier_prices[i], {0.01, 1e9}); !ok) return ok;
  }
  if (auto ok = check(s.flow); !ok) return fail(ok.error().code, "flow." + ok.error().where, ok.error().message);
  return first_error(require("premium", s.premium, {0, 10}), require("month_days", s.month_days, {1, 366}),
                     require("base_rate", s.base_rate, {0, 10}), require("forfeit", s.forfeit, {0, 1}),
                     require("cliff_days", s.cliff_days, {0, 365}), require("cap", s.cap, {0, 0.99}));
}

double loyalty(double months) {
  return 1 + std::clamp(months / kMonthsLoyal, 0.0, 1.0);
}

double lock_multiplier(double days) {
  return 1 + 2 * std::sqrt(std::clamp(days / kDaysOfYear, 0.0, 1.0));
}

Result<double> staking_payout(const CommitmentSettings& s, double amount, double lock_days, double held_days) {
  if (auto ok = first_error(require("amount", amount, {0, 1e300}), require("lock_days", lock_days, {0.01, 36500}),
                            require("held_days", held_days, {0, 1e9}));
      !ok) {
    return tl::make_unexpected(ok.error());
  }
  const double bonus = amount * s.base_rate * lock_multiplier(lock_days);
  if (held_days >= lock_days) return bonus;
  if (held_days < s.cliff_days) return 0.0;
  const double vested = held_days / lock_days;
  return bonus * (vested + (1 - s.forfeit) * (1 - vested));
}

double cap_room(double cap, double supply, double committed) {
  return std::max(0.0, (cap * supply - committed) / (1 - cap));
}

Account aged(const ChannelSettings& s, Account account, double now) {
  if (s.memory < 1 && now > account.at) account.units *= Memory(s.memory).after(now - account.at);
  account.at = std::max(account.at, now);
  return account;
}

Result<Claim> claim(const CommitmentSettings& settings, const Dampener& dampener, Channel channel,
                    const ChannelState& state, std::uint64_t id, double supply, double committed, double now) {
  const ChannelSettings& s = settings.channels[static_cast<std::size_t>(channel)];
  if (auto ok = require("now", now, kDays); !ok) return tl::make_unexpected(ok.error());
  const auto found = state.accounts.find(id);
  if (found == state.accounts.end()) {
    return fail(ErrorCode::unknown_name, "account",
                std::to_string(id) + " is owed nothing by the channel " + std::string(name_of(channel)));
  }
  if (now < found->second.claimed_at + s.cooldown_days) {
    return fail(ErrorCode::unavailable, "cooldown_days",
                "the next claim of account " + std::to_string(id) + " is on day " +
                    text_of(found->second.claimed_at + s.cooldown_days) + ", it is day " + text_of(now));
  }
  Claim out;
  out.account = aged(s, found->second, now);
  out.owed = out.account.units * s.tokens_per_unit;
  const Window window = window_of(s, state, now);
  out.asked = std::min(out.owed, std::max(0.0, s.limit - window.minted));
  if (out.owed > 0 && out.asked <= 0) {
    return fail(ErrorCode::unavailable, "limit",
                "the channel has minted its " + text_of(s.limit) + " tokens until day " +
                    text_of((window.index + 1) * s.period_days));
  }
  out.dampened = dampener.mintable(state.flow, supply, out.asked);
  out.minted = std::min(out.dampened, cap_room(settings.cap, supply, committed));
  if (out.dampened > 0 && out.minted <= 0) {
    return fail(ErrorCode::resource_exhausted, "cap",
                "commitments are " + text_of(committed) + " of a supply of " + text_of(supply) + ", at most " +
                    text_of(settings.cap) + " of it");
  }
  out.account.units = std::max(0.0, out.account.units - out.minted / s.tokens_per_unit);
  if (out.minted > 0) out.account.claimed_at = now;
  out.flow = state.flow + out.minted;
  out.window = window.index;
  out.window_minted = window.minted + out.minted;
  return out;
}

Result<SubscriptionTerms> subscribe(const CommitmentSettings& s, const Account& account, double now) {
  if (auto ok = require("now", now, kDays); !ok) return tl::make_unexpected(ok.error());
  if (now < account.paid_at + s.month_days) {
    return fail(
        ErrorCode::unavailable, "month_days",
        "the month is paid until day " + text_of(account.paid_at + s.month_days) + ", it is day " + text_of(now));
  }
  const double months = now > account.paid_at + 2 * s.month_days ? 0 : account.months;
  return SubscriptionTerms{(1 + s.premium) * loyalty(months) - 1, months + 1};
}

}  // namespace homeostat::economy::bonding
