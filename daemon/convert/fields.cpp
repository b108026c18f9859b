#include "daemon/convert/fields.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/format.hpp"
#include "core/hex.hpp"

namespace homeostat::convert {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

Result<> check_text(std::string_view text, std::string_view where, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return fail(ErrorCode::out_of_range, std::string(where),
                fmt::format("is {} bytes long, at most {} are allowed", text.size(), bytes_max));
  }
  if (has_control_character(text)) {
    return fail(ErrorCode::malformed, std::string(where), "holds a control character; write it as one line of text");
  }
  return {};
}

/// Length of the valid UTF-8 sequence at the start of `text`, 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead < 0x80                    ? 1
                             : lead >= 0xc2 && lead <= 0xdf ? 2
                             : (lead & 0xf0) == 0xe0        ? 3
                             : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  // Overlong forms, surrogates and code points beyond U+10FFFF show in the second byte.
  const bool bad = length >= 3 && ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
                                   (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f));
  return bad ? 0 : length;
}

}  // namespace

Result<> check_name(std::string_view name, std::string_view where) {
  if (name.empty()) {
    return fail(ErrorCode::invalid_argument, std::string(where),
                fmt::format("is required (1..{} bytes)", kNameBytesMax));
  }
  return check_text(name, where, kNameBytesMax);
}

Result<> check_optional_name(std::string_view name, std::string_view where) {
  return check_text(name, where, kNameBytesMax);
}

Result<> check_reason(std::string_view reason, std::string_view where) {
  if (reason.find_first_not_of(' ') == std::string_view::npos) {
    return fail(ErrorCode::invalid_argument, std::string(where),
                fmt::format("is required (1..{} bytes): it is kept for the audit", kReasonBytesMax));
  }
  return check_text(reason, where, kReasonBytesMax);
}

Result<> check_detail(std::string_view detail, std::string_view where) {
  return check_text(detail, where, kReasonBytesMax);
}

Result<Duration> duration_from_proto(const google::protobuf::Duration& proto, std::string_view where) {
  const bool valid_nanos = proto.nanos() > -kNanosPerSecond && proto.nanos() < kNanosPerSecond;
  const bool one_sign = proto.seconds() == 0 || proto.nanos() == 0 || (proto.seconds() > 0) == (proto.nanos() > 0);
  if (!valid_nanos || !one_sign) {
    return fail(ErrorCode::malformed, std::string(where),
                "is not a valid duration: nanos must be within +-999,999,999 and have the sign of seconds");
  }
  const Duration duration = Duration::seconds(proto.seconds()) + Duration{proto.nanos()};
  if (duration <= Duration::zero() || duration > kOrderDurationMax) {
    return fail(
        ErrorCode::out_of_range, std::string(where),
        fmt::format("is {}, allowed is more than 0s and at most {}", text_of(duration), text_of(kOrderDurationMax)));
  }
  return duration;
}

Result<Decimal> decimal_from_text(std::string_view text, int decimals, std::string_view where) {
  // No decimal in range is longer; the bound keeps a hostile megabyte out of the error text.
  constexpr std::size_t kTextMax = 64;
  if (text.empty() || text.size() > kTextMax) {
    return fail(ErrorCode::invalid_argument, std::string(where),
                fmt::format("is required: a decimal such as \"0.0125\" with at most {} decimals", decimals));
  }
  auto parsed = Decimal::parse(text, decimals);
  if (!parsed) {
    return fail(parsed.error().code, std::string(where),
                fmt::format("{}; at most {} decimals are allowed", valid_utf8(parsed.error().message), decimals));
  }
  return *parsed;
}

google::protobuf::Timestamp proto_from_instant(Instant instant) {
  // Floor, because a Timestamp's nanos count forward even before 1970.
  const std::int64_t nanos = ((instant.ns % kNanosPerSecond) + kNanosPerSecond) % kNanosPerSecond;
  google::protobuf::Timestamp proto;
  proto.set_seconds(instant.ns / kNanosPerSecond - (instant.ns % kNanosPerSecond < 0 ? 1 : 0));
  proto.set_nanos(static_cast<std::int32_t>(nanos));
  return proto;
}

google::protobuf::Duration proto_from_duration(Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(duration.ns / kNanosPerSecond);
  proto.set_nanos(static_cast<std::int32_t>(duration.ns % kNanosPerSecond));
  return proto;
}

std::string hex_from_hash(const oracle::Hash32& hash) {
  return hash == oracle::Hash32{} ? std::string{} : hex0x_of(hash);
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      valid += '?';
      text.remove_prefix(1);
    } else {
      valid += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return valid;
}

}  // namespace homeostat::convert
