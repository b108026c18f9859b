// A protobuf message as JSON for programs, with the shape promised in docs/cli.md:
//   keys are the contract's snake_case field names, every field is always present, in the contract's order;
//   64-bit integers are numbers (ids stay far below 2^53); enums are lower-case words without their prefix;
//   timestamps are RFC 3339 text; durations are seconds as a number under `<name>_s`; unset messages are null;
//   of a `oneof` only the member that is set appears. Doubles keep every digit; NaN and infinities are null.
// protobuf's own JSON writes 64-bit integers as text and leaves out what is zero, which jq users trip over.
#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace homeostat::cli {

/// Indented by two spaces over several lines, without a final newline.
[[nodiscard]] std::string pretty_json(const google::protobuf::Message& message);
/// On one line.
[[nodiscard]] std::string line_json(const google::protobuf::Message& message);
/// `text` as a JSON string, quotes included; malformed UTF-8 becomes U+FFFD.
[[nodiscard]] std::string quoted(const std::string& text);

}  // namespace homeostat::cli
