// Hexadecimal text of bytes: addresses (20 bytes), hashes and words (32 bytes).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace homeostat {

/// Lower-case digits, two per byte, no prefix.
[[nodiscard]] std::string hex_of(std::span<const std::uint8_t> bytes);
/// The same with "0x" in front, as chains write it.
[[nodiscard]] std::string hex0x_of(std::span<const std::uint8_t> bytes);

/// Decodes exactly `out.size()` bytes; "0x" in front is optional, both cases of digits are taken. Errors:
/// malformed (a character that is no digit, with its column; another length, with both lengths).
[[nodiscard]] Result<> decode_hex(std::string_view text, std::span<std::uint8_t> out);

/// decode_hex into a new array: `bytes_from_hex<20>(address)`.
template <std::size_t N>
[[nodiscard]] Result<std::array<std::uint8_t, N>> bytes_from_hex(std::string_view text) {
  std::array<std::uint8_t, N> bytes{};
  if (auto done = decode_hex(text, bytes); !done) return tl::make_unexpected(std::move(done.error()));
  return bytes;
}

}  // namespace homeostat
