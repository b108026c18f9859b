// Checks of single fields, and the bounds that hold for every message. An Error's `where` is the
// field's path inside the request ("order.reason", "metrics[3]"), its message says what is allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "core/decimal.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "oracle/observation.hpp"

namespace homeostat::convert {

/// A name: source, metric, parameter, loop, actor, executor. In bytes of UTF-8.
inline constexpr std::size_t kNameBytesMax = 128;
/// A sentence by a person or an executor: reason, reference. In bytes of UTF-8.
inline constexpr std::size_t kReasonBytesMax = 1'000;
/// Samples in one batch; 10,000 are about 230 kB on the wire and the engine judges them in one step.
inline constexpr int kSamplesMax = 10'000;
/// Distinct metric names in one batch.
inline constexpr int kMetricNamesMax = 1'000;
/// Parameters named in one subscription.
inline constexpr int kParametersMax = 1'000;
/// Longest duration of an order; the configuration usually allows less (override_max).
inline constexpr Duration kOrderDurationMax = Duration::days(366);
/// Sequences end where a signed 64-bit column ends, so that every store can hold them.
inline constexpr std::uint64_t kSequenceMax = 0x7fff'ffff'ffff'ffff;

/// A required name: 1..128 bytes, no control characters (they would forge lines in a log).
[[nodiscard]] Result<> check_name(std::string_view name, std::string_view where);
/// As check_name, but may be empty.
[[nodiscard]] Result<> check_optional_name(std::string_view name, std::string_view where);
/// A required sentence: 1..1000 bytes, not only blanks, no control characters.
[[nodiscard]] Result<> check_reason(std::string_view reason, std::string_view where);
/// An optional sentence of at most 1000 bytes, no control characters.
[[nodiscard]] Result<> check_detail(std::string_view detail, std::string_view where);

/// A positive duration of at most kOrderDurationMax.
[[nodiscard]] Result<Duration> duration_from_proto(const google::protobuf::Duration& proto, std::string_view where);
/// Decimal text at the scale of the parameter; says how many decimals it may have.
[[nodiscard]] Result<Decimal> decimal_from_text(std::string_view text, int decimals, std::string_view where);

[[nodiscard]] google::protobuf::Timestamp proto_from_instant(Instant instant);
[[nodiscard]] google::protobuf::Duration proto_from_duration(Duration duration);
/// "0x" and 64 lower-case hex digits; empty for the zero hash, which stands for "none".
[[nodiscard]] std::string hex_from_hash(const oracle::Hash32& hash);
/// `text` with every byte that is not part of valid UTF-8 replaced by '?': a proto string must be valid, and
/// texts that quote a remote server's answer need not be.
[[nodiscard]] std::string valid_utf8(std::string_view text);

/// Sets a Timestamp field unless the instant is "never": an unset field then says the same.
template <class Message>
void set_instant(Message& message, google::protobuf::Timestamp* (Message::*mutable_field)(), Instant instant) {
  if (!instant.is_never()) {
    *(message.*mutable_field)() = proto_from_instant(instant);
  }
}

}  // namespace homeostat::convert
