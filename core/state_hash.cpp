#include "core/state_hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/hex.hpp"

namespace homeostat {
namespace {

/// The canonical (big-endian) bytes of a hash, so that text and chain do not depend on the machine.
std::array<std::uint8_t, 16> canonical(StateHash h) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(h.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<std::uint8_t>(h.low >> (56 - 8 * i));
  }
  return bytes;
}

}  // namespace

std::string StateHash::hex() const {
  return hex_of(canonical(*this));
}

StateHash state_hash(std::string_view bytes) {
  const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
  return {.high = h.high64, .low = h.low64};
}

StateHash chain(StateHash before, std::string_view bytes) {
  const auto prefix = canonical(before);
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, prefix.data(), prefix.size());
  XXH3_128bits_update(&state, bytes.data(), bytes.size());
  const XXH128_hash_t h = XXH3_128bits_digest(&state);
  return {.high = h.high64, .low = h.low64};
}

}  // namespace homeostat
