#include "core/state_hash.hpp"

#include <bit>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/hex.hpp"

namespace homeostat {
std::array<std::uint8_t, 16> StateHash::canonical() const {
  static_assert(std::endian::native == std::endian::little);
  const std::array<std::uint64_t, 2> words = {__builtin_bswap64(high), __builtin_bswap64(low)};
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

std::string StateHash::hex() const {
  return hex_of(canonical());
}

StateHash state_hash(std::string_view bytes) {
  const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
  return {.high = h.high64, .low = h.low64};
}

StateHash chain(StateHash before, std::string_view bytes) {
  const auto prefix = before.canonical();
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, prefix.data(), prefix.size());
  XXH3_128bits_update(&state, bytes.data(), bytes.size());
  const XXH128_hash_t h = XXH3_128bits_digest(&state);
  return {.high = h.high64, .low = h.low64};
}

}  // namespace homeostat
