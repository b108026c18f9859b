// What a block itself proves of its logs, by arithmetic alone: its hash is the keccak of its header's fields, its
// receipts root that of a Merkle-Patricia trie of its receipts, and the receipts hold every log. Who holds the hash
// true must hold these logs true, whoever said them. Pure.
//
// Formulas: [Yellow Paper 4.3.1, appendix B (RLP), C (hex prefix), D (trie)]; EIP-2718 (typed receipts), EIP-1559,
// 4399, 4788, 4844, 4895, 7685 (fields of a header). Deposits of OP chains (type 0x7e) carry two more fields.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/sources/fault.hpp"
#include "daemon/sources/rpc.hpp"

namespace homeostat::sources::proof {

using oracle::Hash32;
using Bytes = std::vector<std::uint8_t>;

/// The keccak of the root node of the trie that maps RLP(i) to values[i].
[[nodiscard]] Hash32 trie_root(std::span<const Bytes> values);

struct Receipt {
  std::uint8_t type = 0;  ///< EIP-2718
  bool succeeded = false;
  std::optional<Hash32> state_root;  ///< instead of `succeeded`, before EIP-658
  std::uint64_t cumulative_gas = 0;
  std::uint64_t index = 0;  ///< of its transaction in the block
  Hash32 block{};
  std::vector<rpc::Log> logs;
  std::optional<std::uint64_t> deposit_nonce;  ///< type 0x7e only
  std::optional<std::uint64_t> deposit_version;
};

/// As the trie holds it. Its bloom filter is computed from its logs, not taken over.
[[nodiscard]] Bytes encoded(const Receipt& receipt);
/// Of receipts in the order of their transactions.
[[nodiscard]] Hash32 receipts_root(std::span<const Receipt> receipts);
/// Whether the encoding of every type here is known: only then does another root prove a lie.
[[nodiscard]] bool all_types_known(std::span<const Receipt> receipts);

/// The result of eth_getBlockReceipts, or of one eth_getTransactionReceipt. Faults: bad_reply, not_json; null is a
/// bad reply.
[[nodiscard]] Fetch<std::vector<Receipt>> parse_receipts(std::string_view json);
[[nodiscard]] Fetch<Receipt> parse_receipt(std::string_view json);

/// A block's header as a node gives it, and the hash that its fields really have.
struct Seal {
  std::uint64_t number = 0;
  Hash32 claimed{};
  Hash32 computed{};  ///< equals `claimed`, unless the header is forged or of a kind with other fields
  Hash32 receipts_root{};
  std::vector<Hash32> transactions;

  [[nodiscard]] bool holds() const { return claimed == computed; }
};
/// The result of eth_getBlockByHash without transactions. Faults: bad_reply, not_json; null is a bad reply.
[[nodiscard]] Fetch<Seal> parse_seal(std::string_view json);

/// All logs of a block, numbered anew in the order of its receipts. Fault inconsistent: the receipts are not all of
/// this block, or do not give `root`; bad_reply: they do not, but some are of an unknown type.
[[nodiscard]] Fetch<std::vector<rpc::Log>> proven_logs(std::vector<Receipt> receipts, const Hash32& block,
                                                       std::uint64_t number, const Hash32& root);

}  // namespace homeostat::sources::proof
