// What nodes say when a request is too big for them. There is no standard: the codes contradict each
// other (-32005, -32602, -32000, -32600, -32614, ... for the same thing, and for other things too), so the words
// decide, for eth_getLogs only. Each phrase is what a named provider was seen to answer.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "daemon/sources/hex.hpp"
#include "daemon/sources/rpc.hpp"

namespace homeostat::sources::rpc {
namespace {

/// A phrase, in lower case. With `limit_follows` the next number in the text is a number of blocks.
struct Phrase {
  std::string_view text;
  bool limit_follows = false;
};

constexpr std::array kTooWide = {
    Phrase{"query returned more than"},               // geth, Infura, zkSync, Polygon zkEVM: ... 10000 results
    Phrase{"log response size exceeded"},             // Alchemy
    Phrase{"response size is larger than"},           // Alchemy
    Phrase{"response size exceeded"},                 // Alchemy
    Phrase{"response size should not greater than"},  // 1RPC
    Phrase{"response is too big"},                    // jsonrpsee nodes
    Phrase{"backend response too large"},             // OP proxyd
    Phrase{"logs matched by query exceeds limit"},    // Arbitrum
    Phrase{"query exceeds max results"},              // LlamaRPC, Ankr, reth
    Phrase{"query timeout exceeded"},                 // geth
    Phrase{"eth_getlogs is limited to", true},        // BlockPI
    Phrase{"are limited to a", true},                 // QuickNode, Blast
    Phrase{"is limited to a", true},                  // QuickNode, 1RPC
    Phrase{"up to a", true},                          // Aurora: up to a 2000 block range
    Phrase{"max range:", true},                       // Cloudflare
    Phrase{"maximum is set to", true},                // Avalanche
    Phrase{"number of requested blocks is", true},    // thirdweb
    Phrase{"limit the query to at most", true},       // Coinbase
    Phrase{"maximum block range:", true},             // PublicNode
    Phrase{"exceeds max block range", true},          // Hyperliquid, reth
    Phrase{"block range greater than", true},         // Swell
    Phrase{"block range exceeds", true},              // Somnia
    Phrase{"must be smaller than size", true},        // Harmony
    Phrase{"blocks distance:", true},                 // Ankr
    Phrase{"range is too large, max is", true},       // Merkle
    Phrase{"exceeds limit of", true},                 // Infura: range 1000000 exceeds limit of 10000
    Phrase{"bigger than range limit", true},          // Boba
    Phrase{"bigger than maxblockrange"},              // Scroll
    Phrase{", max block range =", true},              // Morph: block range is larger than max block range, ...
    Phrase{"range is too wide (maximum", true},       // Moonriver
    Phrase{"block range is too wide"},                // Ankr
    Phrase{"block range is too large"},               // Optimism
    Phrase{"block range too large"},                  // Base
    Phrase{"range too large"},
    Phrase{"block range limit exceeded"},  // Chainstack
    Phrase{"exceeds the range allowed"},   // Blast
    Phrase{"too wide blocks range"},       // SimplyVC
    Phrase{"ranges over"},                 // dRPC: ranges over 10000 blocks are not supported on freetier
    Phrase{"too many results"},
};

constexpr std::array<std::string_view, 8> kRateLimited = {
    "rate limit",          "too many requests", "request count exceeded", "compute units",
    "requests per second", "throughput",        "request limit",          "call rate"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The first number at or behind `at`, thousands separated by commas allowed, "k" = thousand.
std::optional<std::uint64_t> number_after(std::string_view text, std::size_t at) {
  while (at < text.size() && !is_digit(text[at])) ++at;
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (; at < text.size() && digits < 15; ++at) {
    if (is_digit(text[at])) {
      value = value * 10 + static_cast<std::uint64_t>(text[at] - '0');
      ++digits;
    } else if (text[at] != ',' || at + 1 >= text.size() || !is_digit(text[at + 1])) {
      break;
    }
  }
  if (digits == 0) return std::nullopt;
  if (at < text.size() && text[at] == 'k') value *= 1000;
  return value;
}

/// "[0x10, 0x20]" anywhere: the width of the range the node offers.
std::optional<std::uint64_t> width_of_offered_range(std::string_view text) {
  const std::size_t open = text.find("[0x");
  if (open == std::string_view::npos) return std::nullopt;
  const std::size_t comma = text.find(',', open);
  const std::size_t close = text.find(']', open);
  if (comma == std::string_view::npos || close == std::string_view::npos || comma > close) return std::nullopt;
  std::string_view second = text.substr(comma + 1, close - comma - 1);
  second.remove_prefix(std::min(second.find_first_not_of(' '), second.size()));
  const auto from = parse_quantity(text.substr(open + 1, comma - open - 1));
  const auto to = parse_quantity(second);
  if (!from || !to || *to < *from) return std::nullopt;
  const std::uint64_t distance = *to - *from;
  return distance == UINT64_MAX ? distance : distance + 1;
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out(text.substr(0, 200));
  std::ranges::replace_if(
      out, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  if (text.size() > 200) out += "...";
  return out;
}

Fault classify_error(std::int64_t code, std::string_view message, Want want) {
  Fault found{FaultKind::rpc_error, fmt::format("the node answered with error {}: {}", code, shown(message)), {}};
  std::string lower(message.substr(0, 2000));
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto says = [&](std::string_view phrase) { return lower.find(phrase) != std::string::npos; };
  if (code == 429 || std::ranges::any_of(kRateLimited, says)) {
    found.kind = FaultKind::rate_limited;
    return found;
  }
  if (want != Want::logs) return found;
  for (const Phrase& phrase : kTooWide) {
    const std::size_t at = lower.find(phrase.text);
    if (at == std::string::npos) continue;
    found.kind = FaultKind::range_too_wide;
    found.blocks_hint = width_of_offered_range(lower);
    if (!found.blocks_hint && phrase.limit_follows) found.blocks_hint = number_after(lower, at + phrase.text.size());
    return found;
  }
  return found;
}

}  // namespace homeostat::sources::rpc
