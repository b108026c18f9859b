#include "daemon/sources/provider_pool.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace homeostat::sources {
namespace {

Duration since(Moment moment, Moment now) {
  return Duration{std::max<std::int64_t>(std::chrono::nanoseconds(now - moment).count(), 0)};
}

/// What it says counts for judging the others.
bool is_credible(ProviderState state) {
  return state == ProviderState::alive || state == ProviderState::behind;
}

}  // namespace

std::string_view name_of(ProviderState state) {
  constexpr std::array<std::string_view, kProviderStateCount> kNames = {"alive",       "unknown",    "behind",
                                                                        "unreachable", "distrusted", "wrong_chain"};
  return kNames[static_cast<std::size_t>(state)];
}

ProviderPool::ProviderPool(const PoolSettings& settings, std::size_t providers, Moment now)
    : settings_(settings), health_(providers) {
  for (Health& health : health_) health.head_since = health.finalized_since = now;
}

void ProviderPool::saw(std::size_t provider, const Sight& sight, Moment now) {
  Health& health = health_[provider];
  health.sight = sight;
  if (sight.head > health.highest.head) {
    health.highest.head = sight.head;
    health.head_since = now;
  }
  if (sight.finalized > health.highest.finalized) {
    health.highest.finalized = sight.finalized;
    health.finalized_since = now;
  }
  // One success makes up for one fault: a provider that fails more often than it answers ends up unreachable.
  if (health.failures > 0) --health.failures;
  ++health.good;
  if (health.state == ProviderState::unknown ||
      (health.state != ProviderState::alive && health.good >= settings_.probes_good && now >= health.refuted_until)) {
    health.state = ProviderState::alive;
    health.failures = 0;
  }
  if (health.state == ProviderState::alive && lags(health, now)) {
    health.state = ProviderState::behind;
    health.good = 0;
  }
}

void ProviderPool::failed(std::size_t provider, FaultKind kind) {
  Health& health = health_[provider];
  switch (kind) {
    case FaultKind::behind:
    case FaultKind::rate_limited:
    case FaultKind::range_too_wide: return;  // it works; it is only slow, or asked for less
    case FaultKind::wrong_chain: health.state = ProviderState::wrong_chain; break;
    case FaultKind::inconsistent:
    case FaultKind::disjoint:
    case FaultKind::missing_contract: health.state = ProviderState::distrusted; break;
    default:
      ++health.failures;
      if (health.failures >= settings_.failures_max && health.state < ProviderState::unreachable) {
        health.state = ProviderState::unreachable;
      }
      break;
  }
  health.good = 0;
}

void ProviderPool::refuted(std::size_t provider, Moment now) {
  failed(provider, FaultKind::inconsistent);
  health_[provider].refuted_until = after(now, kRefutedFor);
}

bool ProviderPool::lags(const Health& health, Moment now) const {
  const std::uint64_t head = best_head();
  if (health.sight.head + settings_.behind_max < head) return true;
  const auto silent_too_long = [&](Moment last, Duration allowed) {
    return allowed > Duration::zero() && since(last, now) > allowed;
  };
  // Silence is its own fault only if somebody else goes on.
  if (health.sight.head < head && silent_too_long(health.head_since, settings_.head_silence_max)) return true;
  return health.sight.finalized != 0 && health.sight.finalized < best_finalized() &&
         silent_too_long(health.finalized_since, settings_.finalized_silence_max);
}

std::vector<std::size_t> ProviderPool::order(Moment now) {
  for (Health& health : health_) {
    if (health.state != ProviderState::alive || !lags(health, now)) continue;
    health.state = ProviderState::behind;
    health.good = 0;
  }
  std::vector<std::size_t> order(health_.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) {
    // A provider that was never asked may be as good as any: the configured order decides.
    return health_[i].state == ProviderState::unknown ? ProviderState::alive : health_[i].state;
  });
  return order;
}

std::uint64_t ProviderPool::best(std::uint64_t Sight::*height) const {
  std::uint64_t highest = 0;
  std::uint64_t second = 0;
  std::size_t credible = 0;
  for (const Health& health : health_) {
    if (!is_credible(health.state)) continue;
    ++credible;
    const std::uint64_t value = health.sight.*height;
    if (value > highest) {
      second = std::exchange(highest, value);
    } else {
      second = std::max(second, value);
    }
  }
  return credible >= 3 ? second : highest;
}

Duration ProviderPool::head_silence(Moment now) const {
  Moment newest{};
  for (const Health& health : health_) newest = std::max(newest, health.head_since);
  return since(newest, now);
}

Duration ProviderPool::finalized_silence(Moment now) const {
  Moment newest{};
  for (const Health& health : health_) newest = std::max(newest, health.finalized_since);
  return since(newest, now);
}

Moment RequestBudget::take(std::size_t requests, Moment now) {
  if (per_s_ <= 0) return now;
  if (refilled_ != Moment{}) {
    tokens_ = std::min(burst_, tokens_ + static_cast<double>(since(refilled_, now).ns) / 1e9 * per_s_);
  }
  refilled_ = now;
  tokens_ -= static_cast<double>(requests);
  if (tokens_ >= 0) return now;
  return after(now, Duration{static_cast<std::int64_t>(-tokens_ / per_s_ * 1e9)});
}

}  // namespace homeostat::sources
