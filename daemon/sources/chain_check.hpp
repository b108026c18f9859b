// What a source may believe of a node: the blocks it has seen, how far its logs fit their blocks, and what
// the bloom filter says. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/result.hpp"
#include "daemon/sources/abi.hpp"
#include "daemon/sources/fault.hpp"
#include "daemon/sources/rpc.hpp"
#include "daemon/sources/settings.hpp"
#include "oracle/observation.hpp"

namespace homeostat::sources {

/// As many hashes as the oracle keeps; a reorg that goes deeper cannot be followed.
inline constexpr std::size_t kBlocksRemembered = oracle::kRecentBlocksMax;
/// So many are kept although they are final.
inline constexpr std::size_t kFinalBlocksRemembered = 256;

/// The newest delivered blocks, ascending, not necessarily without gaps (a backfilled range adds only the
/// blocks it listed). Mirrors Oracle::recent_blocks.
class ChainMemory {
 public:
  using Entry = std::pair<std::uint64_t, oracle::Hash32>;

  explicit ChainMemory(const Cursor& cursor);

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] const Entry& head() const { return entries_.back(); }
  [[nodiscard]] const std::deque<Entry>& entries() const { return entries_; }
  /// No fork below this block is followed: it was final. Forgets what is older, but for a few that help after a
  /// restart.
  void settled_is(std::uint64_t block);
  [[nodiscard]] std::uint64_t settled() const { return settled_; }  ///< 0 = unknown
  /// As if this block and those above had never come, if one below is remembered.
  [[nodiscard]] bool forget_from(std::uint64_t block);
  /// Takes over what a segment changes, in the oracle's order: rewind, then append.
  void apply(const oracle::ChainSegment& segment);

 private:
  std::deque<Entry> entries_;
  std::uint64_t settled_ = 0;  ///< of these entries: a copy must not be held against what became final later
};

/// The three bits of an Ethereum block's bloom filter that an address or topic sets, counted from its end
/// [Yellow Paper 4.3.1].
using BloomBits = std::array<std::uint16_t, 3>;
[[nodiscard]] BloomBits bloom_bits(std::span<const std::uint8_t> bytes);
void add_to_bloom(rpc::Bloom& bloom, std::span<const std::uint8_t> bytes);
[[nodiscard]] bool bloom_may_hold(const rpc::Bloom& bloom, const BloomBits& bits);
/// The filter of all of a block's logs must be exactly the header's.
[[nodiscard]] bool bloom_equals(const rpc::Bloom& bloom, std::span<const rpc::Log> all_logs);

/// The events of one source: what to ask for and how to read what comes.
class EventBook {
 public:
  /// Errors: a signature that cannot be decoded, an anonymous event.
  [[nodiscard]] static Result<EventBook> make(const std::vector<EvmEvent>& events);

  [[nodiscard]] const rpc::LogFilter& filter() const { return filter_; }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  /// Whether a log is of a watched contract and event (the filter gives their cross product).
  [[nodiscard]] bool watches(const rpc::Log& log) const;
  [[nodiscard]] bool may_be_in(const rpc::Bloom& bloom) const;

  /// Appends the log's events; a log that matches but cannot be decoded gives its reason.
  [[nodiscard]] std::optional<std::string> decode(const rpc::Log& log, std::vector<oracle::ChainEvent>& out) const;

 private:
  struct Entry {
    std::uint32_t index = 0;
    std::uint32_t layout = 0;  ///< index into layouts_
  };
  /// One contract's one event, with its bits of a bloom filter.
  struct Origin {
    BloomBits contract;
    BloomBits topic;
    std::vector<Entry> entries;
  };
  using Key = std::pair<Address, oracle::Hash32>;
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  [[nodiscard]] const Origin* origin_of(const rpc::Log& log) const;

  rpc::LogFilter filter_;
  std::vector<std::string> names_;
  std::vector<abi::Layout> layouts_;  ///< one for all events of the same signature: it stays in the nearest cache
  std::vector<Origin> origins_;
  boost::unordered_flat_map<Key, std::uint32_t, KeyHash> by_key_;  ///< index into origins_; only looked up
};

/// Sorts logs by (block, index) and refuses (inconsistent) duplicates, blocks outside `from..to`, and two hashes
/// for one block number.
[[nodiscard]] std::optional<Fault> order_logs(std::vector<rpc::Log>& logs, std::uint64_t from, std::uint64_t to);

/// All logs of one block (ordered) must be numbered from 0 without a gap and give exactly the header's bloom filter.
/// What this cannot see: that the last ones are missing, if the others set all their bits.
[[nodiscard]] std::optional<Fault> check_whole_block(const rpc::Header& header, std::span<const rpc::Log> logs);

/// Whether these are the same logs in the same order, whatever transaction they are said to come from.
[[nodiscard]] bool same_logs(std::span<const rpc::Log> a, std::span<const rpc::Log> b);

/// Every log (ordered) must carry its header's hash. Headers ascend.
[[nodiscard]] std::optional<Fault> match_headers(std::span<const rpc::Log> logs, std::span<const rpc::Header> headers);

}  // namespace homeostat::sources
