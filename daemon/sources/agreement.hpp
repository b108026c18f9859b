// On what enough providers agree. A ledger of what was delivered and is not agreed yet: one hash and one digest of our
// filters' logs per block. A provider holds a block when it gave it, or gave the same logs under the same hash when
// it was asked again, and itself calls it final. The agreed height is the newest block that `needed` of them hold;
// nothing above it becomes final. Pure: the asking is done in evm_witness.hpp.
//
// With `needed` 1 nothing is kept, and nothing asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "daemon/sources/settings.hpp"
#include "oracle/observation.hpp"

namespace homeostat::sources {

/// Blocks and events that may wait for agreement. Beyond them nothing new is read until some are agreed on: the oracle
/// could not keep them apart from what is final (oracle::kRecentBlocksMax, and what it holds back).
inline constexpr std::size_t kUnagreedBlocksMax = 6000;
inline constexpr std::size_t kUnagreedEventsMax = 200'000;

class Agreement {
 public:
  static constexpr std::size_t kNobody = SIZE_MAX;

  /// `needed` of `providers` must agree. `depth`: blocks with so many on top are final to a provider that names none.
  Agreement(std::size_t needed, std::size_t providers, std::uint64_t depth);

  [[nodiscard]] bool is_needed() const { return needed_ > 1; }
  [[nodiscard]] std::size_t needed() const { return needed_; }

  /// Begins anew where the oracle is. Nobody in particular gave what waits there: each provider is asked.
  void restart(const Cursor& cursor, const std::vector<EvmEvent>& events);
  /// The oracle was given this, as `provider` gave it.
  void delivered(const oracle::ChainSegment& segment, std::size_t provider);
  /// What a provider now says of its chain's ends; `finalized` 0 = it does not say.
  void sees(std::size_t provider, std::uint64_t head, std::uint64_t finalized);

  [[nodiscard]] std::uint64_t agreed() const { return agreed_; }
  /// The newest block given that `provider` calls final, if it is above the agreed one.
  [[nodiscard]] std::optional<std::uint64_t> final_of(std::size_t provider) const;
  [[nodiscard]] bool holds(std::size_t provider, std::uint64_t block) const;
  [[nodiscard]] std::uint64_t checked(std::size_t provider) const { return seats_[provider].checked; }
  [[nodiscard]] bool is_full() const;

  /// What to ask a provider: all logs of `from..to`, where block `to` must have this hash.
  struct Question {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    oracle::Hash32 hash{};
  };
  /// About what it has not been asked yet up to `want`, in about `blocks_max` blocks.
  [[nodiscard]] std::optional<Question> question(std::size_t provider, std::uint64_t want,
                                                 std::uint64_t blocks_max) const;
  /// The lowest block of a question whose logs, or hash, are not those that were delivered. `blocks` ascend.
  [[nodiscard]] std::optional<std::uint64_t> difference(const Question& question,
                                                        std::span<const oracle::ChainBlock> blocks) const;
  /// Whether it gave some logs, and each as it is, also where that was proven against it.
  [[nodiscard]] bool is_honest(const Question& question, std::span<const oracle::ChainBlock> blocks) const;
  /// It gave the same for everything up to `to`.
  void confirm(std::size_t provider, std::uint64_t to);
  /// What was delivered of this block is what the block proves: nobody's word counts any more.
  void prove(std::uint64_t block) { proven_.insert(block); }
  [[nodiscard]] bool is_proven(std::uint64_t block) const { return proven_.contains(block); }

  /// What was delivered of a block: none when it is agreed on, or not yet given. A block that was not listed has no
  /// hash and no logs.
  struct Delivered {
    std::optional<oracle::Hash32> hash;
    oracle::Hash32 digest{};
    std::size_t given_by = kNobody;
  };
  [[nodiscard]] std::optional<Delivered> find(std::uint64_t block) const;
  /// Of the events of a block; all zero when there are none.
  [[nodiscard]] oracle::Hash32 digest_of(const oracle::ChainBlock& block) const;

  /// Changes whenever a block that was in the ledger may be another one.
  [[nodiscard]] std::uint64_t version() const { return version_; }

 private:
  struct Entry {
    std::uint64_t number = 0;
    oracle::Hash32 hash{};
    oracle::Hash32 digest{};
    std::size_t given_by = kNobody;
    std::uint32_t events = 0;
  };
  struct Seat {
    std::uint64_t checked = 0;   ///< gave the same up to here
    std::uint64_t final_to = 0;  ///< what it calls final
  };
  template <class Ignored>
  [[nodiscard]] std::optional<std::uint64_t> lowest_difference(const Question& question,
                                                               std::span<const oracle::ChainBlock> blocks,
                                                               const Ignored& ignored) const;
  void append(Entry entry);
  /// What a provider gave itself need not be asked of it.
  void skip_own(std::size_t provider);
  void settle();
  [[nodiscard]] std::deque<Entry>::const_iterator above(std::uint64_t block) const;

  std::size_t needed_;
  std::uint64_t depth_;
  std::vector<Seat> seats_;
  std::deque<Entry> ledger_;  ///< above the agreed height, ascending
  std::uint64_t events_ = 0;  ///< in the ledger
  std::set<std::uint64_t> proven_;
  /// By event: blocks up to here may have been delivered without it.
  std::vector<std::uint64_t> missing_to_;
  std::uint64_t agreed_ = 0;
  std::uint64_t version_ = 0;
};

}  // namespace homeostat::sources
