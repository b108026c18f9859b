// Commitment issuance: tokens minted for what was promised or done instead of for what was paid in, through three
// channels with limits of their own.
//
// Symbols: S supply, C the part of it that was minted for commitments, F flow tracker of a channel (tokens, decaying),
//          T lock in days, f = held / T.
//
//     labour         owed = attested units, each worth `tokens_per_unit`
//     subscription   payments enter the reserve and mint like a deposit at par; on top of that the subscriber is owed
//                    bonus = tokens ((1 + premium) loyalty - 1),   loyalty = 1 + min(months / 24, 1)
//     staking        owed at the end of the lock:  bonus = amount base_rate multiplier(T),
//                    multiplier = 1 + 2 sqrt(min(T, 365) / 365)    (1 at once, 3 from a year on)
//                    early exit after the cliff: bonus (f + (1 - forfeit) (1 - f)); before it nothing
//
// What is owed is claimed, and a claim passes in this order:
//     1. the channel's limit per period (windows [k period, (k + 1) period) of the clock) and the account's cooldown
//     2. flow dampening with the channel's own tracker, base S (economy/bonding/dampening.hpp)
//     3. the cap: m <= (cap S - C) / (1 - cap), so that C + m <= cap (S + m)
// What does not pass stays owed and decays by `memory` per day. A burn takes C *= 1 - burn / S: who redeems takes
// commitment tokens in proportion, so the cap holds after burns too.
//
// Time is in days. Source: doc 11 of the founding project; its early exit pays half the bonus at once for a lock that
// is left at once, which the cliff (ours) closes. Relative error of amounts <= 1e-15.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "core/result.hpp"
#include "economy/bonding/dampening.hpp"

namespace homeostat::economy::bonding {

enum class Channel : std::uint8_t { labour, subscription, staking };
inline constexpr std::size_t kChannels = 3;
constexpr Channel last_of(Channel) {
  return Channel::staking;
}
[[nodiscard]] std::string_view name_of(Channel channel);

/// Accounts of a channel, and open stakes.
inline constexpr std::size_t kAccountsMax = 1'000'000;
inline constexpr double kDaysOfYear = 365;
inline constexpr double kMonthsLoyal = 24;

struct ChannelSettings {
  double tokens_per_unit = 1;  ///< of what is owed; 1e-9..1e9
  double limit = 1000;         ///< tokens minted per period; 0..1e15
  double period_days = 7;      ///< 0.01..3650
  double cooldown_days = 0;    ///< between an account's claims; 0..3650
  double memory = 1;           ///< what is left of what is owed after a day; (0, 1]
  bool operator==(const ChannelSettings&) const = default;
};

enum class Tier : std::uint8_t { supporter, sustainer, patron };
inline constexpr std::size_t kTiers = 3;
constexpr Tier last_of(Tier) {
  return Tier::patron;
}

struct CommitmentSettings {
  std::array<ChannelSettings, kChannels> channels = {{
      {.tokens_per_unit = 5, .limit = 1000, .period_days = 7, .cooldown_days = 1, .memory = 0.99},
      {.limit = 10'000, .period_days = 7},
      {.limit = 10'000, .period_days = 7},
  }};
  std::array<double, kTiers> tier_prices = {10, 50, 200};  ///< USD a month; 0.01..1e9
  double premium = 0.1;                                    ///< over spot, of a subscription; 0..10
  double month_days = 30;                        ///< between payments; a gap of two of them ends the loyalty; 1..366
  double base_rate = 0.05;                       ///< of a stake; 0..10
  double forfeit = 0.5;                          ///< of the unvested bonus, on early exit; 0..1
  double cliff_days = 30;                        ///< held for less: no bonus at all; 0..365
  double cap = 0.3;                              ///< C / S at most; 0..0.99
  DampeningSettings flow = {.threshold = 0.02};  ///< of each channel by itself
  bool operator==(const CommitmentSettings&) const = default;
};
[[nodiscard]] Result<> check(const CommitmentSettings& settings);

/// 1 + min(months / 24, 1).
[[nodiscard]] double loyalty(double months);
/// 1 + 2 sqrt(min(days, 365) / 365).
[[nodiscard]] double lock_multiplier(double days);
/// The bonus of a stake of `amount` for `lock_days` that was held for `held_days`. Errors name amount, lock_days or
/// held_days.
[[nodiscard]] Result<double> staking_payout(const CommitmentSettings& settings, double amount, double lock_days,
                                            double held_days);
/// The most that may be minted: (cap S - C) / (1 - cap), not below 0.
[[nodiscard]] double cap_room(double cap, double supply, double committed);

/// What one account is owed by one channel.
struct Account {
  double units = 0;          ///< owed, as of `at`
  double at = 0;             ///< day
  double claimed_at = -1e9;  ///< day of the last mint
  double months = 0;         ///< subscription: paid without a gap
  double paid_at = -1e9;     ///< subscription: day of the last payment
  bool operator==(const Account&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.units);
    a(x.at);
    a(x.claimed_at);
    a(x.months);
    a(x.paid_at);
  }
};

struct ChannelState {
  double flow = 0;           ///< F, as of the system's day
  double window = -1;        ///< index of the period that `window_minted` counts
  double window_minted = 0;  ///< tokens
  double minted = 0;         ///< tokens, ever
  std::map<std::uint64_t, Account> accounts;
  bool operator==(const ChannelState&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.flow);
    a(x.window);
    a(x.window_minted);
    a(x.minted);
    a(x.accounts);
  }
};

struct Stake {
  std::uint64_t account = 0;
  double amount = 0;
  double lock_days = 0;
  double since = 0;  ///< day
  bool operator==(const Stake&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.account);
    a(x.amount);
    a(x.lock_days);
    a(x.since);
  }
};

/// What a claim comes to, and what it leaves. Nothing is changed.
struct Claim {
  double owed = 0;      ///< tokens, before
  double asked = 0;     ///< what limit and cooldown let pass
  double dampened = 0;  ///< what dampening let pass
  double minted = 0;    ///< what the cap let pass
  Account account;      ///< afterwards
  double flow = 0;      ///< afterwards
  double window = 0;
  double window_minted = 0;
};

/// `settings` of the channel, its state, and supply S and committed C of the system on day `now`. Errors: unknown_name
/// (account), unavailable (cooldown, with the day on which it ends; the limit of the period is used up),
/// resource_exhausted (the cap leaves nothing).
[[nodiscard]] Result<Claim> claim(const CommitmentSettings& settings, const Dampener& dampener, Channel channel,
                                  const ChannelState& state, std::uint64_t account, double supply, double committed,
                                  double now);

/// The account with what it is owed decayed to `now`.
[[nodiscard]] Account aged(const ChannelSettings& settings, Account account, double now);

/// A payment for a month on day `now`: the account's months afterwards, and the factor on the tokens of the payment.
struct SubscriptionTerms {
  double bonus_ratio = 0;  ///< (1 + premium) loyalty - 1
  double months = 0;
};
/// Error unavailable if the month that was paid for is not over.
[[nodiscard]] Result<SubscriptionTerms> subscribe(const CommitmentSettings& settings, const Account& account,
                                                  double now);

}  // namespace homeostat::economy::bonding
