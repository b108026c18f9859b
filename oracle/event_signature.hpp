// Event declarations as people write them in Solidity, such as
// `event Tip(address indexed viewer, address indexed creator, uint256 amount);`
//
// One parser serves the configuration (are the arguments that metrics name there?) and the chain
// source (what is topic 0, which arguments are topics, which are data?). Pure text; hashing the
// canonical text to topic 0 is the chain source's business.
//
// Taken: `event` and `;` optional, any white space, names of parameters optional; address, bool, string,
// bytes, bytes1..bytes32, uint / int with 8..256 bits (uint = uint256), arrays of these (`uint8[]`,
// `address[3]`, `int[][2]`). Refused with the reason: anonymous events (they have no topic 0 to find them
// by), tuples and other named types (their layout is not in the declaration), more than three indexed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace homeostat::oracle {

/// Longest declaration and most parameters taken (Solidity's own stack limit is lower).
inline constexpr std::size_t kSignatureLengthMax = 2048;
inline constexpr std::size_t kEventParametersMax = 32;
inline constexpr std::size_t kIndexedMax = 3;

enum class AbiKind : std::uint8_t {
  unsigned_integer,
  signed_integer,
  address,
  boolean,
  fixed_bytes,
  bytes,
  string,
  array
};

struct EventParameter {
  std::string name;  ///< empty when the declaration gives none
  std::string type;  ///< canonical: uint256, not uint
  AbiKind kind = AbiKind::unsigned_integer;
  std::uint16_t bits = 256;   ///< of an integer; 8 x the bytes of a bytesN
  bool indexed = false;       ///< a topic; otherwise in the data
  bool dynamic = false;       ///< string, bytes, T[] or an array of such: the data holds an offset to it
  bool hashed_topic = false;  ///< indexed and no value type: the topic is the keccak-256 of the content
  std::uint32_t words = 1;    ///< words it takes in the head of the data: an `address[3]` takes three

  [[nodiscard]] bool is_integer() const { return kind <= AbiKind::signed_integer; }
  [[nodiscard]] bool is_signed() const { return kind == AbiKind::signed_integer; }
};

struct EventSignature {
  std::string name;
  std::string canonical;  ///< "Tip(address,address,uint256)": its keccak-256 is topic 0
  std::vector<EventParameter> parameters;

  /// Index of a parameter by its name, or by its number written as text ("0").
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view parameter) const;
  /// The parameters' names, for a message.
  [[nodiscard]] std::vector<std::string> names() const;
};

/// Parses one declaration. Errors have `where` = "column N" (from 1): malformed (what was expected),
/// unsupported (anonymous, tuples), unknown_name (no such type, with the nearest), duplicate (two
/// parameters of one name), out_of_range (too many parameters, indexed, or bits).
[[nodiscard]] Result<EventSignature> parse_event_signature(std::string_view text);

}  // namespace homeostat::oracle
