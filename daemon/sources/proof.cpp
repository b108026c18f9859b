#include "daemon/sources/proof.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include <fmt/format.h>
#include <simdjson.h>

#include "daemon/sources/chain_check.hpp"
#include "daemon/sources/hex.hpp"

namespace homeostat::sources::proof {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::uint8_t kDeposit = 0x7e;
constexpr std::uint8_t kTypeKnownMax = 4;  // EIP-7702

tl::unexpected<Fault> bad(std::string text) {
  return fault(FaultKind::bad_reply, std::move(text));
}

// RLP.

void append(Bytes& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes big_endian(std::uint64_t value) {
  Bytes bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    if (!bytes.empty() || (value >> shift & 0xff) != 0) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  return bytes;
}

/// The prefix of an item of `size` bytes; `base` is 0x80 for a text and 0xc0 for a list.
void append_prefix(Bytes& out, std::size_t size, std::uint8_t base) {
  if (size <= 55) return out.push_back(static_cast<std::uint8_t>(base + size));
  const Bytes length = big_endian(size);
  out.push_back(static_cast<std::uint8_t>(base + 55 + length.size()));
  append(out, length);
}

void append_text(Bytes& out, std::span<const std::uint8_t> bytes) {
  if (bytes.size() != 1 || bytes[0] >= 0x80) append_prefix(out, bytes.size(), 0x80);
  append(out, bytes);
}

void append_number(Bytes& out, std::uint64_t value) {
  append_text(out, big_endian(value));
}

Bytes list_of(std::span<const std::uint8_t> items) {
  Bytes out;
  out.reserve(items.size() + 9);
  append_prefix(out, items.size(), 0xc0);
  append(out, items);
  return out;
}

// The trie.

struct Leaf {
  Bytes path;  ///< one nibble each
  std::span<const std::uint8_t> value;
};

/// Nibbles as bytes, with a flag for a leaf and one for an odd number of them.
Bytes hex_prefix(std::span<const std::uint8_t> nibbles, bool is_leaf) {
  Bytes out;
  const bool odd = nibbles.size() % 2 != 0;
  const auto flags = static_cast<std::uint8_t>((is_leaf ? 0x20 : 0) | (odd ? 0x10 : 0));
  out.push_back(odd ? static_cast<std::uint8_t>(flags | nibbles[0]) : flags);
  for (std::size_t i = odd ? 1 : 0; i < nibbles.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(nibbles[i] << 4 | nibbles[i + 1]));
  return out;
}

/// A node inside another: itself when it is short, else its hash.
void append_reference(Bytes& out, const Bytes& node) {
  if (node.size() < 32) return append(out, node);
  append_text(out, keccak256(node));
}

/// The node of leaves that agree in their first `depth` nibbles. Leaves ascend; no path begins another, so that a
/// branch never has a value of its own. Not deeper than a path: at most 18 nibbles.
Bytes node_of(std::span<const Leaf> leaves, std::size_t depth) {
  const std::span<const std::uint8_t> first = leaves.front().path;
  Bytes items;
  if (leaves.size() == 1) {
    append_text(items, hex_prefix(first.subspan(depth), true));
    append_text(items, leaves.front().value);
    return list_of(items);
  }
  const Bytes& last = leaves.back().path;
  std::size_t same = depth;
  while (same < first.size() && same < last.size() && first[same] == last[same]) ++same;
  if (same > depth) {
    append_text(items, hex_prefix(first.subspan(depth, same - depth), false));
    append_reference(items, node_of(leaves, same));
    return list_of(items);
  }
  auto from = leaves.begin();
  for (std::uint8_t nibble = 0; nibble < 16; ++nibble) {
    const auto to = std::find_if(from, leaves.end(), [&](const Leaf& leaf) { return leaf.path[depth] != nibble; });
    if (from == to) {
      append_text(items, {});
    } else {
      append_reference(items, node_of({from, to}, depth + 1));
    }
    from = to;
  }
  append_text(items, {});
  return list_of(items);
}

// JSON.

std::optional<std::string_view> text_at(const object& from, std::string_view key) {
  std::string_view text;
  if (from[key].get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

std::optional<std::uint64_t> number_at(const object& from, std::string_view key) {
  const auto text = text_at(from, key);
  return text ? parse_quantity(*text) : std::nullopt;
}

template <std::size_t N>
bool read_at(const object& from, std::string_view key, std::array<std::uint8_t, N>& out) {
  const auto text = text_at(from, key);
  return text && parse_fixed(*text, out);
}

std::optional<rpc::Log> read_log(const element& json) {
  object from;
  simdjson::dom::array topics;
  rpc::Log log;
  if (json.get(from) != simdjson::SUCCESS || from["topics"].get(topics) != simdjson::SUCCESS) return std::nullopt;
  for (const element topic : topics) {
    std::string_view text;
    if (log.topic_count == log.topics.size() || topic.get(text) != simdjson::SUCCESS) return std::nullopt;
    if (!parse_fixed(text, log.topics[log.topic_count++])) return std::nullopt;
  }
  const auto data = text_at(from, "data");
  if (!data || !parse_bytes(*data, log.data) || !read_at(from, "address", log.address)) return std::nullopt;
  if (!read_at(from, "transactionHash", log.transaction)) return std::nullopt;
  return log;
}

Fetch<Receipt> read_receipt(const element& json) {
  object from;
  if (json.get(from) != simdjson::SUCCESS) return bad("a receipt is not an object");
  Receipt receipt;
  const auto index = number_at(from, "transactionIndex");
  const auto gas = number_at(from, "cumulativeGasUsed");
  const auto status = number_at(from, "status");
  const auto type = from["type"].error() == simdjson::NO_SUCH_FIELD ? 0 : number_at(from, "type");
  if (!index || !gas || !type || *type > 0x7f || !read_at(from, "blockHash", receipt.block))
    return bad("a receipt without a valid index, type, gas or block hash");
  receipt.index = *index;
  receipt.cumulative_gas = *gas;
  receipt.type = static_cast<std::uint8_t>(*type);
  receipt.succeeded = status == 1;
  if (Hash32 root{}; !status) {
    if (!read_at(from, "root", root)) return bad("a receipt with neither status nor state root");
    receipt.state_root = root;
  }
  if (receipt.type == kDeposit) {
    receipt.deposit_nonce = number_at(from, "depositNonce");
    receipt.deposit_version = number_at(from, "depositReceiptVersion");
  }
  simdjson::dom::array logs;
  if (from["logs"].get(logs) != simdjson::SUCCESS) return bad("a receipt without logs");
  for (const element one : logs) {
    auto log = read_log(one);
    if (!log) return bad(fmt::format("a malformed log in receipt {}", receipt.index));
    receipt.logs.push_back(std::move(*log));
  }
  return receipt;
}

template <class Read>
auto with_json(std::string_view json, Read&& read) -> decltype(read(element())) {
  simdjson::dom::parser parser;
  element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root)) {
    return fault(FaultKind::not_json, fmt::format("the reply is not JSON ({})", simdjson::error_message(error)));
  }
  return read(root);
}

// A header's fields in their order. Those from `kFieldsAlways` on came with later forks: up to the first that is
// missing.
struct HeaderField {
  const char* key;
  bool is_number;
};
constexpr std::array kHeaderFields = {HeaderField{"parentHash", false},
                                      HeaderField{"sha3Uncles", false},
                                      HeaderField{"miner", false},
                                      HeaderField{"stateRoot", false},
                                      HeaderField{"transactionsRoot", false},
                                      HeaderField{"receiptsRoot", false},
                                      HeaderField{"logsBloom", false},
                                      HeaderField{"difficulty", true},
                                      HeaderField{"number", true},
                                      HeaderField{"gasLimit", true},
                                      HeaderField{"gasUsed", true},
                                      HeaderField{"timestamp", true},
                                      HeaderField{"extraData", false},
                                      HeaderField{"mixHash", false},
                                      HeaderField{"nonce", false},
                                      HeaderField{"baseFeePerGas", true},
                                      HeaderField{"withdrawalsRoot", false},
                                      HeaderField{"blobGasUsed", true},
                                      HeaderField{"excessBlobGas", true},
                                      HeaderField{"parentBeaconBlockRoot", false},
                                      HeaderField{"requestsHash", false}};
constexpr std::size_t kFieldsAlways = 15;

/// A number of any size as the fewest bytes that hold it.
std::optional<Bytes> number_bytes(std::string_view text) {
  if (!text.starts_with("0x") || text.size() < 3) return std::nullopt;
  std::string digits(text);
  if (digits.size() % 2 != 0) digits.insert(2, 1, '0');
  Bytes bytes;
  if (!parse_bytes(digits, bytes)) return std::nullopt;
  bytes.erase(bytes.begin(), std::ranges::find_if(bytes, [](std::uint8_t byte) { return byte != 0; }));
  return bytes;
}

std::optional<Hash32> hash_of_fields(const object& block) {
  Bytes items;
  for (std::size_t i = 0; i < kHeaderFields.size(); ++i) {
    const auto text = text_at(block, kHeaderFields[i].key);
    if (!text && i >= kFieldsAlways) break;
    if (!text) return std::nullopt;
    Bytes bytes;
    if (kHeaderFields[i].is_number) {
      auto number = number_bytes(*text);
      if (!number) return std::nullopt;
      bytes = std::move(*number);
    } else if (!parse_bytes(*text, bytes)) {
      return std::nullopt;
    }
    append_text(items, bytes);
  }
  return keccak256(list_of(items));
}

}  // namespace

Hash32 trie_root(std::span<const Bytes> values) {
  if (values.empty()) return keccak256(Bytes{0x80});
  std::vector<Leaf> leaves;
  leaves.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    Bytes key;
    append_number(key, i);
    Leaf& leaf = leaves.emplace_back();
    for (const std::uint8_t byte : key) {
      leaf.path.push_back(byte >> 4);
      leaf.path.push_back(byte & 15);
    }
    leaf.value = values[i];
  }
  std::ranges::sort(leaves, {}, &Leaf::path);
  return keccak256(node_of(leaves, 0));
}

Bytes encoded(const Receipt& receipt) {
  Bytes items;
  if (receipt.state_root) {
    append_text(items, *receipt.state_root);
  } else {
    append_number(items, receipt.succeeded ? 1 : 0);
  }
  append_number(items, receipt.cumulative_gas);
  rpc::Bloom bloom{};
  Bytes logs;
  for (const rpc::Log& log : receipt.logs) {
    add_to_bloom(bloom, log.address);
    Bytes topics;
    for (std::size_t i = 0; i < log.topic_count; ++i) {
      add_to_bloom(bloom, log.topics[i]);
      append_text(topics, log.topics[i]);
    }
    Bytes one;
    append_text(one, log.address);
    append(one, list_of(topics));
    append_text(one, log.data);
    append(logs, list_of(one));
  }
  append_text(items, bloom);
  append(items, list_of(logs));
  if (receipt.type == kDeposit && receipt.deposit_version) {
    append_number(items, receipt.deposit_nonce.value_or(0));
    append_number(items, *receipt.deposit_version);
  }
  Bytes out;
  if (receipt.type != 0) out.push_back(receipt.type);
  append(out, list_of(items));
  return out;
}

Hash32 receipts_root(std::span<const Receipt> receipts) {
  std::vector<Bytes> values;
  values.reserve(receipts.size());
  for (const Receipt& receipt : receipts) values.push_back(encoded(receipt));
  return trie_root(values);
}

bool all_types_known(std::span<const Receipt> receipts) {
  return std::ranges::all_of(receipts, [](const Receipt& r) { return r.type <= kTypeKnownMax || r.type == kDeposit; });
}

Fetch<Receipt> parse_receipt(std::string_view json) {
  return with_json(json, [](const element& root) { return read_receipt(root); });
}

Fetch<std::vector<Receipt>> parse_receipts(std::string_view json) {
  return with_json(json, [](const element& root) -> Fetch<std::vector<Receipt>> {
    simdjson::dom::array items;
    if (root.get(items) != simdjson::SUCCESS) return bad("the receipts are not a list");
    std::vector<Receipt> receipts;
    for (const element item : items) {
      auto receipt = read_receipt(item);
      if (!receipt) return tl::make_unexpected(std::move(receipt.error()));
      receipts.push_back(std::move(*receipt));
    }
    return receipts;
  });
}

Fetch<Seal> parse_seal(std::string_view json) {
  return with_json(json, [](const element& root) -> Fetch<Seal> {
    object block;
    if (root.get(block) != simdjson::SUCCESS) return bad("a block is not an object");
    Seal seal;
    const auto number = number_at(block, "number");
    const auto computed = hash_of_fields(block);
    if (!number || !computed || !read_at(block, "hash", seal.claimed) ||
        !read_at(block, "receiptsRoot", seal.receipts_root)) {
      return bad("a block without all of a header's fields");
    }
    seal.number = *number;
    seal.computed = *computed;
    simdjson::dom::array transactions;
    if (block["transactions"].get(transactions) != simdjson::SUCCESS) return bad("a block without transactions");
    for (const element item : transactions) {
      std::string_view text;
      Hash32 hash{};
      if (item.get(text) != simdjson::SUCCESS || !parse_fixed(text, hash))
        return bad("a block with a malformed transaction hash");
      seal.transactions.push_back(hash);
    }
    return seal;
  });
}

Fetch<std::vector<rpc::Log>> proven_logs(std::vector<Receipt> receipts, const Hash32& block, std::uint64_t number,
                                         const Hash32& root) {
  std::ranges::sort(receipts, {}, &Receipt::index);
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    if (receipts[i].block != block || receipts[i].index != i) {
      return fault(FaultKind::inconsistent, fmt::format("receipt {} of block {} is of another block, or twice or not "
                                                        "there",
                                                        i, number));
    }
  }
  if (receipts_root(receipts) != root) {
    return fault(all_types_known(receipts) ? FaultKind::inconsistent : FaultKind::bad_reply,
                 fmt::format("the receipts of block {} do not give its receipts root", number));
  }
  std::vector<rpc::Log> logs;
  for (Receipt& receipt : receipts) {
    for (rpc::Log& log : receipt.logs) {
      log.block_number = number;
      log.block_hash = block;
      log.log_index = static_cast<std::uint32_t>(logs.size());
      logs.push_back(std::move(log));
    }
  }
  return logs;
}

}  // namespace homeostat::sources::proof
