// The calls a Chainlink feed answers, and their replies from bytes. Pure and total: any bytes give either the value
// or the reason why not.
//
// A proxy's roundId is phase << 64 | the aggregator's own round; an aggregator that is asked directly has phase 0.
// Source: Chainlink's AggregatorProxy, AggregatorV3Interface and libocr's OCR2Aggregator. `answeredInRound`, the
// fifth word of a round, equals roundId in OCR2 and carries no information: it is not read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "daemon/sources/rpc.hpp"
#include "oracle/observation.hpp"

namespace homeostat::sources::chainlink {

/// An int256 as the chain writes it: big-endian two's complement.
using Int256 = oracle::Word;

[[nodiscard]] bool is_negative(const Int256& x);
[[nodiscard]] bool is_zero(const Int256& x);
/// a < b, as signed numbers.
[[nodiscard]] bool is_less(const Int256& a, const Int256& b);
/// Exact decimal digits, "-" in front of a negative one.
[[nodiscard]] std::string text_of(const Int256& x);
/// The double nearest to x / 10^decimals, ties to even: one rounding, whatever the size. `decimals` <= 77.
[[nodiscard]] double scaled(const Int256& x, int decimals);

/// latestRoundData(). Times are Unix seconds; beyond year 9999 they are kTimeMax_s + 1, so that they stay "in the
/// future".
struct Round {
  std::uint16_t phase = 0;
  std::uint64_t number = 0;  ///< the aggregator's own
  Int256 answer{};
  std::uint64_t started_at_s = 0;  ///< OCR2: when the data was observed off-chain
  std::uint64_t updated_at_s = 0;  ///< OCR2: block time of the transmission

  /// What a feed answers for a round it does not know, instead of reverting.
  [[nodiscard]] bool is_unknown() const {
    return phase == 0 && number == 0 && is_zero(answer) && started_at_s == 0 && updated_at_s == 0;
  }
};
inline constexpr std::uint64_t kTimeMax_s = 253402300799;

template <class T>
using Decoded = tl::expected<T, std::string>;

[[nodiscard]] Decoded<Round> decode_round(const rpc::CallResult& reply);
[[nodiscard]] Decoded<std::uint8_t> decode_decimals(const rpc::CallResult& reply);
[[nodiscard]] Decoded<Address> decode_address(const rpc::CallResult& reply);
[[nodiscard]] Decoded<Int256> decode_int(const rpc::CallResult& reply);
/// At most kTextMax bytes; what is not printable ASCII becomes '?'.
[[nodiscard]] Decoded<std::string> decode_text(const rpc::CallResult& reply);
inline constexpr std::size_t kTextMax = 256;

/// eth_call of a function without arguments, e.g. "latestRoundData()", after the block with this hash.
[[nodiscard]] rpc::Call ask(const Address& contract, std::string_view function, const oracle::Hash32& block);

}  // namespace homeostat::sources::chainlink
