// Ethereum JSON-RPC as pure functions: requests to text, replies from text. No I/O, so that every parser
// can be fed garbage in a test. A reply is trusted only as far as its shape; whether blocks and logs fit
// each other is checked in chain_check.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "daemon/sources/fault.hpp"
#include "daemon/sources/settings.hpp"
#include "oracle/observation.hpp"

namespace homeostat::sources::rpc {

using oracle::Hash32;
using Bloom = std::array<std::uint8_t, 256>;

struct Header {
  std::uint64_t number = 0;
  Hash32 hash{};
  Hash32 parent{};
  std::uint64_t time_s = 0;  ///< unix seconds, at most year 9999
  Bloom bloom{};             ///< all zero when the node gives none
};

struct Log {
  Address address{};
  std::uint8_t topic_count = 0;
  std::array<Hash32, 4> topics{};
  boost::container::small_vector<std::uint8_t, 96> data;  ///< most events carry up to three words
  std::uint64_t block_number = 0;
  Hash32 block_hash{};
  Hash32 transaction{};
  std::uint32_t log_index = 0;
  std::optional<std::uint64_t> block_time_s;  ///< given by some nodes

  bool operator==(const Log&) const = default;
};

/// How the result of a call is read.
enum class Want : std::uint8_t {
  quantity,  ///< eth_chainId, eth_blockNumber -> uint64
  header,    ///< eth_getBlockBy... -> Header, or none for null
  logs,      ///< eth_getLogs -> in the node's order
  has_code,  ///< eth_getCode -> bool
  text,      ///< eth_subscribe -> the id
  bytes,     ///< eth_call -> CallResult
  json,      ///< anything but null -> RawJson, for who knows what to read of it
};

struct Call {
  Want want = Want::quantity;
  std::string method;
  std::string params;  ///< a JSON array
};

/// What a contract answered. That it reverted is its answer, not the node's fault.
struct CallResult {
  bool reverted = false;
  std::vector<std::uint8_t> bytes;  ///< empty also where no contract is
};

struct RawJson {
  std::string text;
};

using Value =
    std::variant<std::uint64_t, std::optional<Header>, std::vector<Log>, bool, std::string, CallResult, RawJson>;

[[nodiscard]] Call chain_id();
[[nodiscard]] Call header_by_number(std::uint64_t number);
/// tag: "latest", "safe" or "finalized".
[[nodiscard]] Call header_by_tag(std::string_view tag);
/// What proof.hpp reads.
[[nodiscard]] Call seal_of_block(const Hash32& block);
[[nodiscard]] Call receipts_of_block(const Hash32& block);
[[nodiscard]] Call receipt_of(const Hash32& transaction);
[[nodiscard]] Call has_code(const Address& address);
[[nodiscard]] Call subscribe_heads();
/// eth_call of `contract` with `data` in the state after the block with this hash (EIP-1898): a node that does
/// not have this very block answers with an error, never from another one.
[[nodiscard]] Call call_contract(const Address& contract, std::span<const std::uint8_t> data, const Hash32& block);

/// Which logs: of any of these contracts with any of these first topics; all logs when empty.
struct LogFilter {
  std::vector<Address> addresses;
  std::vector<Hash32> topics;
};
[[nodiscard]] Call logs_of_block(const LogFilter& filter, const Hash32& block);
[[nodiscard]] Call logs_of_range(const LogFilter& filter, std::uint64_t from, std::uint64_t to);

/// One call as an object; several as a batch. Call i has id first_id + i.
[[nodiscard]] std::string encode(std::span<const Call> calls, std::uint64_t first_id);

/// The outer fault is one of the whole reply: not JSON, a batch answered by a single error, an unknown or
/// repeated id, a missing answer. The inner ones belong to one call each.
[[nodiscard]] Fetch<std::vector<Fetch<Value>>> parse_replies(std::string body, std::span<const Call> calls,
                                                             std::uint64_t first_id);
/// The same by the JSON parser alone, without the short way for logs in their usual form (rpc_plain.hpp).
[[nodiscard]] Fetch<std::vector<Fetch<Value>>> parse_any_replies(std::string body, std::span<const Call> calls,
                                                                 std::uint64_t first_id);

/// A message on the WebSocket: an answer (id) or a new head (its number).
struct WsMessage {
  std::optional<std::uint64_t> id;
  std::optional<std::string> result;  ///< of an answer, when it is text
  std::optional<std::uint64_t> head;  ///< of a newHeads notification
};
[[nodiscard]] Fetch<WsMessage> parse_ws_message(std::string_view body);

/// What a node's error means. Nodes have no common code for "too many results"; the words decide.
[[nodiscard]] Fault classify_error(std::int64_t code, std::string_view message, Want want);

/// Untrusted text made fit for a log line: printable ASCII, at most 200 characters.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace homeostat::sources::rpc
