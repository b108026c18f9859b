// The 128-bit hash (XXH3) by which two states or decision sequences are compared. Not cryptographic:
// it finds divergence; tampering is found by the journal's SHA-256 chain.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace homeostat {

struct StateHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  bool operator==(const StateHash&) const = default;
  /// 32 lower-case hex digits.
  [[nodiscard]] std::string hex() const;
  /// Big-endian, so that text and chain do not depend on the machine.
  [[nodiscard]] std::array<std::uint8_t, 16> canonical() const;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.high), a(x.low);
  }
};

[[nodiscard]] StateHash state_hash(std::string_view bytes);
/// Hash of `bytes` that also depends on everything hashed before, a running digest: the hash of before's canonical
/// bytes and `bytes` after one another.
[[nodiscard]] StateHash chain(StateHash before, std::string_view bytes);

}  // namespace homeostat
