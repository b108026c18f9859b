// Reads a chain from one node into segments, and believes only what fits together: headers linked by
// parent hash, logs that carry their block's hash, an end block that is still the same afterwards.
//
// Near the head every block is read by its hash and listed, so that the fork point of a reorg is found
// exactly. Deep blocks are read in ranges that adapt to what the node gives.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "daemon/sources/chain_check.hpp"
#include "daemon/sources/evm_node.hpp"
#include "daemon/sources/proof.hpp"
#include "daemon/sources/range_sizer.hpp"
#include "daemon/sources/sink.hpp"

namespace homeostat::sources {

/// What a node says of its chain right now.
struct Heads {
  rpc::Header latest;
  std::uint64_t safe = 0;       ///< 0 = unknown
  std::uint64_t finalized = 0;  ///< 0 = unknown
  /// The blocks that this node itself called safe and final: they must be on the chain that it gives.
  std::vector<std::pair<std::uint64_t, oracle::Hash32>> claims;
};

/// Where the next segment begins. `parent` is none only before the first block ever.
struct Base {
  std::uint64_t from = 0;
  std::optional<oracle::Hash32> parent;
  std::optional<std::uint64_t> rewind_to;
};

/// At most so many blocks are read one by one in one segment.
inline constexpr std::uint64_t kLiveBlocksMax = 64;
/// Receipts that are asked for one by one of a provider that does not give those of a block.
inline constexpr std::size_t kReceiptsMax = 5000;

class EvmReader {
 public:
  EvmReader(const EvmSettings& settings, EventBook book, EvmMetrics& metrics, const Sink& sink);

  /// Chain id, latest, safe and finalized in one batch. Faults: wrong_chain, and those of the node.
  [[nodiscard]] boost::asio::awaitable<Fetch<Heads>> heads(EvmNode& node);
  /// Fault missing_contract, naming those without code.
  [[nodiscard]] boost::asio::awaitable<std::optional<Fault>> check_contracts(EvmNode& node);
  /// A range of final blocks from `from` to at most `to`, with the first block listed, for filters added later.
  /// Faults: inconsistent, range_too_wide, and the node's.
  [[nodiscard]] boost::asio::awaitable<Fetch<oracle::ChainSegment>> past(EvmNode& node, std::uint64_t from,
                                                                         std::uint64_t to);
  /// Asks again for blocks that were already delivered: our logs of `from..to`, and the block `to`. Faults:
  /// inconsistent, range_too_wide (range() has been made smaller), and the node's.
  struct Witnessed {
    rpc::Header end;
    std::vector<oracle::ChainBlock> blocks;  ///< those with logs of ours, ascending, without their times
  };
  [[nodiscard]] boost::asio::awaitable<Fetch<Witnessed>> witness(EvmNode& node, std::uint64_t from, std::uint64_t to);
  /// All that one node says of one block, and how far that stands to reason.
  struct Opinion {
    oracle::ChainBlock block;  ///< with our logs, as it gives them
    bool fits_bloom = false;   ///< all logs of the block were given, and make exactly the bloom filter it names
    /// Its receipts give the root that it names, and these are our logs in them.
    std::optional<oracle::ChainBlock> proven;
    oracle::Hash32 receipts_root{};  ///< of `proven`
    bool sealed = false;             ///< the header it names, with that root, has the block's hash
    std::string why_unproven;
  };
  [[nodiscard]] boost::asio::awaitable<Fetch<Opinion>> opinion(EvmNode& node, std::uint64_t number);
  [[nodiscard]] std::uint64_t range() const { return sizer_.blocks(); }
  [[nodiscard]] const EventBook& book() const { return book_; }
  /// The next segment behind `memory`, or none when nothing is new. Follows a reorg by itself. Faults: behind,
  /// disjoint, inconsistent, range_too_wide (the range has been made smaller: try again), and the node's.
  [[nodiscard]] boost::asio::awaitable<Fetch<std::optional<oracle::ChainSegment>>> next(EvmNode& node,
                                                                                        const Heads& heads,
                                                                                        const ChainMemory& memory);

 private:
  /// A segment, or none when the first block's parent is not the base: the chain has forked below.
  using Forkable = std::optional<oracle::ChainSegment>;

  boost::asio::awaitable<Fetch<Forkable>> follow(EvmNode& node, const Heads& heads, const ChainMemory& memory);
  /// The answer to rpc::chain_id(), if it is another than ours.
  [[nodiscard]] std::optional<Fault> wrong_chain(const rpc::Value& chain_id) const;
  boost::asio::awaitable<Fetch<Base>> ancestor(EvmNode& node, const ChainMemory& memory);
  boost::asio::awaitable<Fetch<Forkable>> read(EvmNode& node, const Heads& heads, const Base& base);
  boost::asio::awaitable<Fetch<Forkable>> live(EvmNode& node, const Heads& heads, const Base& base, std::uint64_t to);
  boost::asio::awaitable<Fetch<Forkable>> backfill(EvmNode& node, const Heads& heads, const Base& base,
                                                   std::uint64_t to);
  boost::asio::awaitable<Fetch<std::vector<rpc::Header>>> live_headers(EvmNode& node, const Heads& heads,
                                                                       std::uint64_t from, std::uint64_t to);
  boost::asio::awaitable<Fetch<std::vector<rpc::Log>>> live_logs(EvmNode& node,
                                                                 const std::vector<rpc::Header>& headers);
  /// Fault inconsistent when a block without a log in `logs` has some all the same.
  boost::asio::awaitable<std::optional<Fault>> refuse_gaps(EvmNode& node, const std::vector<rpc::Header>& headers,
                                                           const std::vector<rpc::Log>& logs);
  /// All headers from `first` to `to`, or up to where the links break; logs behind that are dropped, the others
  /// checked.
  boost::asio::awaitable<Fetch<std::vector<rpc::Header>>> checked_headers(EvmNode& node, const Heads& heads,
                                                                          const rpc::Header& first, std::uint64_t to,
                                                                          std::vector<rpc::Log>& logs);
  /// The two ends and the blocks whose logs do not say their time; the end must not have changed meanwhile.
  boost::asio::awaitable<Fetch<std::vector<rpc::Header>>> some_headers(EvmNode& node, const rpc::Header& first,
                                                                       const rpc::Header& last,
                                                                       const std::vector<rpc::Log>& logs);
  boost::asio::awaitable<Fetch<std::vector<rpc::Log>>> range_logs(EvmNode& node, std::uint64_t from, std::uint64_t to);

  /// All logs of a block, out of receipts that give its receipts root. Faults: inconsistent, and those of a node that
  /// cannot say.
  struct Proof {
    std::vector<rpc::Log> logs;
    oracle::Hash32 receipts_root{};
    bool sealed = false;
  };
  boost::asio::awaitable<Fetch<Proof>> prove(EvmNode& node, std::uint64_t number, const oracle::Hash32& hash);
  /// Whether a block's receipts are to be asked for in any case.
  [[nodiscard]] bool receipts_due(const rpc::Header& header) const;
  /// Fault inconsistent when these are not our logs of the block's receipts.
  boost::asio::awaitable<std::optional<Fault>> refuse_unproven(EvmNode& node, const rpc::Header& header,
                                                               const std::vector<rpc::Log>& logs);
  boost::asio::awaitable<Fetch<std::vector<proof::Receipt>>> receipts(EvmNode& node, const proof::Seal& seal);
  /// Our logs by block, without a word of those that cannot be decoded: that was said when they were delivered.
  [[nodiscard]] std::vector<oracle::ChainBlock> blocks_of(std::span<const rpc::Log> logs) const;
  void take_ours(std::vector<rpc::Log> logs, oracle::ChainBlock& block) const;
  boost::asio::awaitable<Fetch<std::vector<rpc::Log>>> logs_in(EvmNode& node, rpc::LogFilter filter,
                                                               oracle::Hash32 block);

  /// A range refused for its size is asked for again with fewer blocks, a range too wide for one block is not.
  void make_smaller(Fault& fault, std::uint64_t blocks);
  /// The first block ever read: as deep as a reorg may reach, for nothing could be found below it. What comes
  /// before the start block is linked but not counted.
  [[nodiscard]] std::uint64_t beginning(std::uint64_t latest) const;
  oracle::ChainSegment begin_segment(const Heads& heads, const Base& base, const rpc::Header& first,
                                     std::uint64_t to) const;
  /// Decodes the logs of one block; what cannot be decoded is counted and told, up to a bound per segment.
  std::vector<oracle::ChainEvent> decode(std::span<const rpc::Log> logs, int& told);

  const EvmSettings& settings_;
  EventBook book_;
  EvmMetrics& metrics_;
  const Sink& sink_;
  RangeSizer sizer_;
};

}  // namespace homeostat::sources
