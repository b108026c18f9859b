#include "config/secrets.hpp"

#include <algorithm>
#include <array>

#include "core/state_hash.hpp"

namespace homeostat::config {
namespace {

constexpr std::string_view kMark = "/redacted-";
constexpr std::size_t kHashDigits = 8;  // 32 bits tell a change, and too little of the key to guess it by

struct Parts {
  std::string_view scheme;  ///< with "://"; empty if there is none
  std::string_view user;    ///< with '@'
  std::string_view host;    ///< with port
  std::string_view rest;    ///< path, query, fragment
};

Parts parts_of(std::string_view address) {
  Parts parts;
  const auto scheme_end = address.find("://");
  if (scheme_end != std::string_view::npos) parts.scheme = address.substr(0, scheme_end + 3);
  address.remove_prefix(parts.scheme.size());
  const std::string_view authority = address.substr(0, address.find_first_of("/?#"));
  parts.rest = address.substr(authority.size());
  const auto at = authority.rfind('@');
  if (at != std::string_view::npos) parts.user = authority.substr(0, at + 1);
  parts.host = authority.substr(parts.user.size());
  return parts;
}

bool is_redacted(std::string_view rest) {
  if (rest.size() != kMark.size() + kHashDigits || !rest.starts_with(kMark)) return false;
  return rest.find_first_not_of("0123456789abcdef", kMark.size()) == std::string_view::npos;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

/// Where the comment of a line begins, or its end; as config/environment.cpp has it.
std::size_t comment_of(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) return i;
  }
  return line.size();
}

void append_comment(std::string& out, std::string_view comment) {
  constexpr std::array<std::string_view, 4> kSchemes = {"https://", "http://", "wss://", "ws://"};
  while (!comment.empty()) {
    std::size_t start = comment.size();
    for (const auto scheme : kSchemes) start = std::min(start, comment.find(scheme));
    out.append(comment.substr(0, start));
    comment.remove_prefix(start);
    const std::string_view address = comment.substr(0, comment.find_first_of(" \t\r\n\"'<>{}"));
    out.append(redacted_address(address));
    comment.remove_prefix(address.size());
  }
}

}  // namespace

std::string redacted_address(std::string_view address) {
  const Parts parts = parts_of(address);
  const bool is_open = parts.user.empty() && (parts.rest.empty() || parts.rest == "/" || is_redacted(parts.rest));
  if (is_open) return std::string(address);
  std::string out(parts.scheme);
  out.append(parts.host).append(kMark).append(state_hash(address).hex(), 0, kHashDigits);
  return out;
}

std::string shown_address(std::string_view address) {
  const Parts parts = parts_of(address);
  return std::string(parts.scheme) + std::string(parts.host);
}

RedactedText redacted_text(std::string text, std::vector<std::string> addresses) {
  RedactedText out;
  // Longest first: one address may be the beginning of another.
  std::sort(addresses.begin(), addresses.end(),
            [](const auto& a, const auto& b) { return a.size() != b.size() ? a.size() > b.size() : a < b; });
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  for (const std::string& address : addresses) {
    const std::string open = redacted_address(address);
    if (open == address) continue;
    if (text.find(address) == std::string::npos) out.not_found.push_back(address);
    replace_all(text, address, open);
  }
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
    const std::size_t comment = comment_of(line);
    out.text.append(line.substr(0, comment));
    append_comment(out.text, line.substr(comment));
    rest.remove_prefix(line.size());
  }
  return out;
}

}  // namespace homeostat::config
