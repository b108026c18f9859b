// Which of a chain's providers is asked next. Every one has a state that its own answers and faults move; the order
// follows from the states. Pure: moments come in, nothing is asked or waited for here.
//
//   unknown --good--> alive <--lags / catches up--> behind
//   alive --more faults than successes--> unreachable        --good answers in a row--> alive
//   any   --another chain id--> wrong_chain                  --good answers in a row--> alive
//   any   --contradicts itself or the chain--> distrusted  --good answers in a row--> alive
//   any   --shown to be wrong by the others and a block's own proof--> distrusted  --gives the same as they do--> alive
//
// No provider is ever dropped: when none is alive the least bad one is still asked, because its answers are
// checked anyway and a chain that nobody reads is worse than a slow reading of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "daemon/sources/fault.hpp"
#include "daemon/sources/outside.hpp"
#include "daemon/sources/settings.hpp"

namespace homeostat::sources {

/// Ascending: the higher, the later it is asked.
enum class ProviderState : std::uint8_t {
  alive,
  unknown,      ///< not asked yet
  behind,       ///< its head, or its finality, lags the others'
  unreachable,  ///< fails more often than it answers
  distrusted,   ///< its answers contradicted each other, the chain, or the other providers
  wrong_chain,
};
inline constexpr std::size_t kProviderStateCount = 6;
[[nodiscard]] std::string_view name_of(ProviderState state);

/// What a provider says of its chain's ends.
struct Sight {
  std::uint64_t head = 0;
  std::uint64_t finalized = 0;  ///< 0 = it does not say
};

/// Who lied about logs, and is not compared any more because enough others are, is tried again after so long.
inline constexpr Duration kRefutedFor = Duration::hours(1);

class ProviderPool {
 public:
  ProviderPool(const PoolSettings& settings, std::size_t providers, Moment now);

  /// It answered, for the right chain.
  void saw(std::size_t provider, const Sight& sight, Moment now);
  void failed(std::size_t provider, FaultKind kind);
  /// It lied about logs. That it still names heads well is no way back: only logs that are right are.
  void refuted(std::size_t provider, Moment now);
  void confirmed(std::size_t provider) { health_[provider].refuted_until = Moment::min(); }

  /// All providers, the one to ask first in front; among equals as configured.
  [[nodiscard]] std::vector<std::size_t> order(Moment now);

  [[nodiscard]] ProviderState state(std::size_t provider) const { return health_[provider].state; }
  [[nodiscard]] const Sight& sight(std::size_t provider) const { return health_[provider].sight; }
  /// The newest head that can be believed: of three or more the second highest, so that one cannot make all others
  /// look late.
  [[nodiscard]] std::uint64_t best_head() const { return best(&Sight::head); }
  [[nodiscard]] std::uint64_t best_finalized() const { return best(&Sight::finalized); }
  /// How long no provider has shown a new head, and a new finalized one.
  [[nodiscard]] Duration head_silence(Moment now) const;
  [[nodiscard]] Duration finalized_silence(Moment now) const;

 private:
  struct Health {
    ProviderState state = ProviderState::unknown;
    std::uint32_t failures = 0;  ///< faults minus successes, not below 0
    std::uint32_t good = 0;      ///< answers in a row
    Moment refuted_until = Moment::min();
    Sight sight;
    Sight highest;
    Moment head_since;       ///< of highest.head
    Moment finalized_since;  ///< of highest.finalized
  };

  [[nodiscard]] std::uint64_t best(std::uint64_t Sight::*height) const;
  [[nodiscard]] bool lags(const Health& health, Moment now) const;

  PoolSettings settings_;
  std::vector<Health> health_;
};

/// A provider's own limit, in requests (a batch of n is n). What it forbids waits; retries pay like everything else.
class RequestBudget {
 public:
  /// `per_s` 0 = no limit; `burst` at least 1.
  RequestBudget(double per_s, double burst) : per_s_(per_s), burst_(burst), tokens_(burst) {}

  /// Takes `requests`; they may be sent at the moment returned. Larger takings than the burst wait longer.
  [[nodiscard]] Moment take(std::size_t requests, Moment now);

 private:
  double per_s_;
  double burst_;
  double tokens_;
  Moment refilled_{};
};

}  // namespace homeostat::sources
