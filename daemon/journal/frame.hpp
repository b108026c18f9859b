// A frame: the inputs of one group commit, in order, and the link to the frame before.
//
//     bytes = (length of input, 4 bytes little endian | input)*
//     hash  = SHA-256(prev_hash | first_seq | last_seq | at_ns | bytes)     integers: 8 bytes little endian
//
// Pure: no file, no clock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "daemon/journal/types.hpp"

namespace homeostat::journal {

inline constexpr std::size_t kLengthBytes = 4;

/// A frame as a view onto a row, or onto a buffer to be written.
struct Frame {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  Instant at;
  Hash prev_hash{};
  Hash hash{};
  std::string_view bytes;
};

/// Where a chain stands: the last input so far and the hash that the next frame must name as its prev_hash.
struct ChainHead {
  std::uint64_t seq = 0;
  Hash hash{};
};

/// Adds one input to a frame's bytes; its size must fit 32 bits (CHECKed).
void add_input(std::string& frame_bytes, std::string_view input);

/// Takes the next input off `rest`; false when `rest` does not hold a whole one.
[[nodiscard]] bool take_input(std::string_view& rest, std::string_view& input);

[[nodiscard]] Hash hash_of(const Frame& frame);
[[nodiscard]] Hash hash_of(const Snapshot& snapshot);
[[nodiscard]] std::string hex(const Hash& hash);

/// Whether `frame` is whole and follows `head`. Error corrupt, which names the frame's inputs and what is wrong.
[[nodiscard]] Result<> check_frame(const Frame& frame, const ChainHead& head);

}  // namespace homeostat::journal
