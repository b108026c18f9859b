// The names of the laws and of why one gave what it gave, apart from the laws themselves: records carry them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace homeostat::controller {

enum class LawKind : std::uint8_t {
  pid,
  rai_pi,
  multiplicative,
  blob_fee,
  sigmoid,
  ratio,
  semilog,
  exponential,
  economy,
  direct_rate
};
constexpr LawKind last_of(LawKind) {
  return LawKind::direct_rate;
}
inline constexpr std::array<std::string_view, 10> kLawNames = {"pid",     "rai_pi",     "multiplicative", "blob_fee",
                                                               "sigmoid", "ratio",      "semilog",        "exponential",
                                                               "economy", "direct_rate"};
[[nodiscard]] constexpr std::string_view name_of(LawKind kind) {
  return kLawNames[static_cast<std::size_t>(kind)];
}

/// Why a law's value is what it is; the last one that applied.
enum class LawReason : std::uint8_t {
  none,           ///< pid: its terms say it
  followed,       ///< the law's own value goes on
  aligned,        ///< this step only took up where somebody else left off
  bridging,       ///< a hand-back is still being taken back
  waits,          ///< the time of its next step has not come
  within_band,    ///< sigmoid's threshold, rai_pi's noise barrier, ratio's tolerance: near enough
  at_bound,       ///< the law's or the loop's own bounds cut it
  up_stabilized,  ///< ratio: a smaller proposal of its window holds it
  down_stabilized,
  up_limit,  ///< ratio: a policy of the direction
  down_limit,
  unusable,  ///< a reading cannot be acted on: nothing moved
  fault,     ///< the calculation left 256 bits: nothing moved
  refused,   ///< economy: an input is outside of what the mechanism is for: nothing moved
};
constexpr LawReason last_of(LawReason) {
  return LawReason::refused;
}
[[nodiscard]] std::string_view name_of(LawReason reason);
/// A short sentence of it for people.
[[nodiscard]] std::string_view words_of(LawReason reason);

}  // namespace homeostat::controller
