// The world as it really is: a tree of blocks with their logs, the branch that the network follows now, and how
// far it is safe and final. What metrics should read is counted here, by walking the tree, and never by the code
// under test.
//
// Invariant, except after violate(): no block that was ever safe leaves the canonical branch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "daemon/sources/rpc.hpp"

namespace homeostat::simulation {

using oracle::Hash32;

/// The events watched, by index: what the settings of the run name.
enum class Watched : std::uint8_t { tip, mint };
inline constexpr std::size_t kWatchedCount = 2;

/// The contracts and topics of the world.
struct Abi {
  sources::Address club;     ///< emits Tip(address indexed viewer, uint256 amount)
  sources::Address token;    ///< emits Mint(address indexed to, uint256 amount)
  sources::Address foreign;  ///< nobody watches it
  Hash32 tip;
  Hash32 mint;
  Hash32 other;
};
[[nodiscard]] const Abi& abi();

struct ModelLog {
  std::optional<Watched> event;  ///< none: matches no watched (contract, topic), or cannot be decoded
  std::uint32_t key = 0;         ///< which account
  std::uint64_t amount = 0;
  sources::Address address{};
  std::vector<Hash32> topics;
  std::uint32_t index = 0;
  Hash32 transaction{};
  std::string data;  ///< hex with 0x
};

struct ModelBlock {
  std::uint64_t number = 0;
  Hash32 hash{};
  std::size_t parent = 0;  ///< position in the tree; its own for block 0
  std::uint64_t time_s = 0;
  std::vector<ModelLog> logs;
  sources::rpc::Bloom bloom{};
  /// Over this block and all below it.
  std::uint64_t count[kWatchedCount] = {};
  std::uint64_t sum[kWatchedCount] = {};
};

class ModelChain {
 public:
  /// `density`: expected logs per block. `accounts` at least 1.
  ModelChain(std::uint64_t seed, double density, std::uint32_t accounts, std::uint64_t genesis_time_s);

  [[nodiscard]] const ModelBlock& block(std::size_t at) const { return blocks_[at]; }
  /// Zeros below block 0.
  [[nodiscard]] Hash32 parent_hash(std::size_t at) const {
    return blocks_[at].number == 0 ? Hash32{} : blocks_[blocks_[at].parent].hash;
  }
  [[nodiscard]] std::size_t size() const { return blocks_.size(); }
  [[nodiscard]] std::size_t head() const { return head_; }
  [[nodiscard]] std::uint64_t height() const { return blocks_[head_].number; }
  [[nodiscard]] std::uint64_t safe() const { return safe_; }
  [[nodiscard]] std::uint64_t finalized() const { return finalized_; }
  /// The block of this number at or below `from`; the number must not be above it.
  [[nodiscard]] std::size_t ancestor(std::size_t from, std::uint64_t number) const;
  [[nodiscard]] std::optional<std::size_t> find(const Hash32& hash) const;
  [[nodiscard]] bool is_canonical(std::size_t at) const { return at == ancestor_or_self(at); }

  /// One more block on the canonical branch.
  void mine(std::uint64_t now_s);
  /// The network leaves the newest `depth` blocks for a branch of `length` new ones (at least 1).
  void reorg(std::uint64_t depth, std::uint64_t length, std::uint64_t now_s);
  /// The network goes back to a branch it had left and that left this one at block `lowest` or above, and no safe
  /// block. False if there is none.
  bool return_to_old_branch(std::uint64_t lowest, std::uint64_t now_s);
  /// Blocks become safe and final at these depths, both at least 1.
  void advance_finality(std::uint64_t safe_depth, std::uint64_t final_depth);
  /// A reorg below what is final: the network broke its promise. Finality begins anew below it.
  void violate(std::uint64_t below_final, std::uint64_t length, std::uint64_t now_s);

  /// What a metric counts over the blocks `from`..`to` of the branch that ends in `at`.
  [[nodiscard]] std::uint64_t count(Watched event, std::size_t at, std::uint64_t from, std::uint64_t to) const;
  [[nodiscard]] std::uint64_t sum(Watched event, std::size_t at, std::uint64_t from, std::uint64_t to) const;
  [[nodiscard]] std::uint64_t distinct(Watched event, std::size_t at, std::uint64_t from, std::uint64_t to) const;

 private:
  std::size_t add(std::size_t parent, std::uint64_t time_s);
  void fill(ModelBlock& block);
  ModelLog make_log();
  [[nodiscard]] std::size_t ancestor_or_self(std::size_t at) const;
  void branch(std::size_t fork, std::uint64_t length, std::uint64_t now_s);

  Random random_;
  double density_;
  std::uint32_t accounts_;
  std::vector<ModelBlock> blocks_;
  std::vector<std::size_t> old_heads_;  ///< branches left, oldest first
  std::size_t head_ = 0;
  std::uint64_t safe_ = 0;
  std::uint64_t finalized_ = 0;
};

}  // namespace homeostat::simulation
