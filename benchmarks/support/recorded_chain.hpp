// A chain made in advance on a real node (anvil) and kept in memory as the node's own answers, and a JSON-RPC server
// that serves them over HTTP and announces new heads over WebSocket. The node cannot mine a thousand logs a block as
// fast as they can be followed; what it once mined can be served as fast as bytes can be sent. Hashes, parents, blooms,
// indices and timestamps are the node's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/sources/settings.hpp"

namespace homeostat::bench {

struct RecordedBlock {
  std::string hash;    ///< as the node writes it
  std::string header;  ///< eth_getBlockByNumber without bodies of transactions
  std::string logs;    ///< eth_getLogs of the whole block
  std::uint64_t log_count = 0;
};

struct RecordedChain {
  std::uint64_t chain_id = 0;
  std::vector<RecordedBlock> blocks;        ///< from block 0 on
  std::vector<sources::Address> contracts;  ///< each emits Tip(viewer, creator, amount)
  std::uint64_t first = 0;                  ///< the first block with logs; those before set the contracts up
  double seconds = 0;                       ///< that the node took for the blocks with logs, sending and mining
  [[nodiscard]] std::uint64_t last() const { return blocks.size() - 1; }
};

inline constexpr const char* kTipSignature =
    "event Tip(address indexed viewer, address indexed creator, uint256 amount)";

/// Every block has `logs_per_block` logs of 20 of the contracts in turn, the first of them always contract 0; `amount`
/// is the block's number. Blocks are 1 s apart and end about now.
[[nodiscard]] RecordedChain record(std::size_t contracts, std::uint64_t blocks, std::uint64_t logs_per_block);

/// Serves a chain up to a head that is moved on by hand, on a thread of its own.
class ChainServer {
 public:
  using Clock = std::chrono::system_clock;

  ChainServer(const RecordedChain& chain, std::uint64_t head);
  ~ChainServer();
  ChainServer(const ChainServer&) = delete;
  ChainServer& operator=(const ChainServer&) = delete;

  [[nodiscard]] std::string http() const;
  [[nodiscard]] std::string ws() const;

  /// Makes `head` the newest block and says so to all who listen; returns when it was said.
  Clock::time_point announce(std::uint64_t head);
  /// From now on each block is announced as soon as the logs of the one before it were asked for, up to `last`.
  void announce_as_followed(std::uint64_t last);
  /// Open WebSockets.
  [[nodiscard]] std::size_t listeners() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace homeostat::bench
