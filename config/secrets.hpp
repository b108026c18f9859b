// What of a configuration's text may be kept. Addresses of providers carry API keys in their path or query, and names
// and passwords before an '@'. The text is journaled, shown by `homeostat config` and copied with every backup, so
// that part is taken out before anything else sees the text; eight hexadecimal digits of its hash stand in its place,
// so that a changed key still gives another digest. What is left is a configuration that loads to the same policy.
//
//     https://user:pw@eth.example:8545/v2/KEY  ->  https://eth.example:8545/redacted-1f0c83d2
//
// Invariant: redacting what is redacted changes nothing, so the digest of a kept text is the text's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace homeostat::config {

/// `address` without user, password, path and query. One that has none of them (or only "/") stays as it is.
[[nodiscard]] std::string redacted_address(std::string_view address);

/// Scheme, host and port, for messages about an address that may be wrong in any way; never what follows.
[[nodiscard]] std::string shown_address(std::string_view address);

struct RedactedText {
  std::string text;
  /// Addresses with a secret part that do not stand in the text letter by letter (escapes, folded lines), so that it
  /// could not be taken out.
  std::vector<std::string> not_found;
};

/// `text` with each of `addresses` redacted wherever it stands, and in comments every address.
[[nodiscard]] RedactedText redacted_text(std::string text, std::vector<std::string> addresses);

}  // namespace homeostat::config
