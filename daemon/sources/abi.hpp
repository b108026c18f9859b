// Solidity's ABI for event logs: topics and data in, one word per argument out. Pure and total: any
// bytes give either the words or the reason why not, in time linear in the data.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "core/result.hpp"
#include "daemon/sources/rpc.hpp"
#include "oracle/event_signature.hpp"

namespace homeostat::sources::abi {

/// A type taken apart once, so that decoding a log parses no text.
struct Type {
  enum class Kind : std::uint8_t {
    unsigned_integer,  ///< uintN, and address (160) and bool (1)
    signed_integer,    ///< intN
    fixed_bytes,       ///< bytesN, left-aligned; also `function` (24)
    bytes,             ///< bytes and string
    array,             ///< of elements[0], `count` of them, or any number when count is 0
  };
  Kind kind = Kind::unsigned_integer;
  std::uint32_t bits = 256;  ///< integers; fixed_bytes: 8 x N
  std::uint64_t count = 0;
  std::vector<Type> elements;     ///< none, or the one of an array
  bool dynamic = false;           ///< its head is an offset
  std::uint64_t head_bytes = 32;  ///< what it takes in the head
};

/// Errors (malformed): not a Solidity type, more than 8 levels deep, or larger than 1 MiB when static.
[[nodiscard]] Result<Type> parse_type(std::string_view text);

struct Layout {
  oracle::Hash32 topic{};  ///< keccak-256 of the canonical signature
  struct Argument {
    Type type;
    bool indexed = false;
  };
  std::vector<Argument> arguments;
  std::uint8_t indexed = 0;  ///< how many
};

/// Errors: a type that cannot be parsed, more than three indexed arguments.
[[nodiscard]] Result<Layout> make_layout(const oracle::EventSignature& signature);

/// The arguments in declaration order. A value type is its word, checked to be in its range. A dynamic
/// or compound type is keccak-256 of its content, the same hash whether it is indexed (then it is the
/// topic) or not: bytes and strings unpadded, elements of arrays padded to words and without lengths.
[[nodiscard]] tl::expected<std::vector<oracle::Word>, std::string> decode(const Layout& layout, const rpc::Log& log);

}  // namespace homeostat::sources::abi
