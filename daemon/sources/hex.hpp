// Hexadecimal as JSON-RPC writes it, and keccak-256. Pure; every parser refuses rather than guesses. Unlike
// core/hex.hpp the prefix is required and a refusal makes no text: these run for every word of every log.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/hex.hpp"
#include "oracle/observation.hpp"

namespace homeostat::sources {

/// "0x" and 1..16 hex digits. Leading zeros are accepted (some nodes write them).
[[nodiscard]] std::optional<std::uint64_t> parse_quantity(std::string_view text);
/// "0x" and exactly 2 x out.size() hex digits.
[[nodiscard]] bool parse_fixed(std::string_view text, std::span<std::uint8_t> out);
/// "0x" and an even number of hex digits, possibly none. `out` is replaced.
template <class Bytes>
[[nodiscard]] bool parse_bytes(std::string_view text, Bytes& out) {
  if (text.size() < 2 || text.size() % 2 != 0) return false;
  out.resize(text.size() / 2 - 1);
  return parse_fixed(text, out);
}

/// An even number of digits without a prefix, into half as many bytes.
[[nodiscard]] bool decode_digits(const char* digits, std::size_t count, std::uint8_t* out);

[[nodiscard]] std::string hex_quantity(std::uint64_t value);

template <std::size_t N>
[[nodiscard]] std::optional<std::array<std::uint8_t, N>> parse_array(std::string_view text) {
  std::array<std::uint8_t, N> out{};
  if (!parse_fixed(text, out)) return std::nullopt;
  return out;
}

[[nodiscard]] oracle::Hash32 keccak256(std::span<const std::uint8_t> bytes);
[[nodiscard]] oracle::Hash32 keccak256(std::string_view text);

}  // namespace homeostat::sources
