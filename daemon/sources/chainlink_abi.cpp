#include "daemon/sources/chainlink_abi.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/check.hpp"
#include "daemon/sources/hex.hpp"

namespace homeostat::sources::chainlink {
namespace {

constexpr std::size_t kWord = 32;

tl::unexpected<std::string> bad(std::string why) {
  return tl::make_unexpected(std::move(why));
}

/// The reply's words, or why there are fewer than `count`.
Decoded<std::span<const std::uint8_t>> words(const rpc::CallResult& reply, std::size_t count) {
  if (reply.reverted) return bad("the call was reverted");
  if (reply.bytes.empty()) return bad("the call gave nothing: no contract is there, or it has no such function");
  if (reply.bytes.size() < count * kWord) {
    return bad(fmt::format("the call gave {} bytes, expected {}", reply.bytes.size(), count * kWord));
  }
  return std::span<const std::uint8_t>(reply.bytes);
}

oracle::Word word_at(std::span<const std::uint8_t> bytes, std::size_t index) {
  oracle::Word word{};
  std::ranges::copy(bytes.subspan(index * kWord, kWord), word.begin());
  return word;
}

/// The low `bytes` of a word, none if anything is above them.
std::optional<std::uint64_t> small(const oracle::Word& word, std::size_t bytes) {
  if (std::any_of(word.begin(), word.end() - static_cast<std::ptrdiff_t>(bytes), [](auto b) { return b != 0; }))
    return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = kWord - bytes; i < kWord; ++i) value = value << 8 | word[i];
  return value;
}

std::uint64_t time_of(const oracle::Word& word) {
  return std::min(small(word, 8).value_or(kTimeMax_s + 1), kTimeMax_s + 1);
}

Int256 magnitude(const Int256& x) {
  if (!is_negative(x)) return x;
  Int256 out{};
  unsigned carry = 1;
  for (std::size_t i = kWord; i-- > 0;) {
    const unsigned sum = static_cast<std::uint8_t>(~x[i]) + carry;
    out[i] = static_cast<std::uint8_t>(sum);
    carry = sum >> 8;
  }
  return out;
}

}  // namespace

bool is_negative(const Int256& x) {
  return (x[0] & 0x80) != 0;
}

bool is_zero(const Int256& x) {
  return std::ranges::all_of(x, [](std::uint8_t b) { return b == 0; });
}

bool is_less(const Int256& a, const Int256& b) {
  if (is_negative(a) != is_negative(b)) return is_negative(a);
  return a < b;  // two's complement of one sign is ordered like its bytes
}

std::string text_of(const Int256& x) {
  Int256 rest = magnitude(x);
  std::string digits;  // least significant first
  do {
    unsigned remainder = 0;
    for (std::uint8_t& b : rest) {
      const unsigned part = remainder << 8 | b;
      b = static_cast<std::uint8_t>(part / 10);
      remainder = part % 10;
    }
    digits += static_cast<char>('0' + remainder);
  } while (!is_zero(rest));
  if (is_negative(x)) digits += '-';
  std::ranges::reverse(digits);
  return digits;
}

double scaled(const Int256& x, int decimals) {
  HOMEOSTAT_CHECK(decimals >= 0 && decimals <= 77);
  // Through the exact decimal text: from_chars rounds correctly, and a division by 10^decimals would round twice.
  const std::string text = fmt::format("{}e-{}", text_of(x), decimals);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  HOMEOSTAT_CHECK(error == std::errc{} && end == text.data() + text.size());
  return value;
}

Decoded<Round> decode_round(const rpc::CallResult& reply) {
  const auto bytes = words(reply, 5);
  if (!bytes) return bad(bytes.error());
  const oracle::Word id = word_at(*bytes, 0);
  if (std::any_of(id.begin(), id.begin() + 22, [](auto b) { return b != 0; })) {
    return bad("the round's id has more than 80 bits");
  }
  Round round;
  round.phase = static_cast<std::uint16_t>(id[22] << 8 | id[23]);
  for (std::size_t i = 24; i < kWord; ++i) round.number = round.number << 8 | id[i];
  round.answer = word_at(*bytes, 1);
  round.started_at_s = time_of(word_at(*bytes, 2));
  round.updated_at_s = time_of(word_at(*bytes, 3));
  return round;
}

Decoded<std::uint8_t> decode_decimals(const rpc::CallResult& reply) {
  const auto bytes = words(reply, 1);
  if (!bytes) return bad(bytes.error());
  const auto value = small(word_at(*bytes, 0), 1);
  // 10^77 is the largest power of ten that an answer could hold.
  if (!value || *value > 77) return bad("the decimals are more than 77");
  return static_cast<std::uint8_t>(*value);
}

Decoded<Address> decode_address(const rpc::CallResult& reply) {
  const auto bytes = words(reply, 1);
  if (!bytes) return bad(bytes.error());
  const oracle::Word word = word_at(*bytes, 0);
  if (std::any_of(word.begin(), word.begin() + 12, [](auto b) { return b != 0; })) {
    return bad("an address has more than 160 bits");
  }
  Address address{};
  std::copy(word.begin() + 12, word.end(), address.begin());
  return address;
}

Decoded<Int256> decode_int(const rpc::CallResult& reply) {
  const auto bytes = words(reply, 1);
  if (!bytes) return bad(bytes.error());
  return word_at(*bytes, 0);
}

Decoded<std::string> decode_text(const rpc::CallResult& reply) {
  const auto bytes = words(reply, 2);
  if (!bytes) return bad(bytes.error());
  const auto offset = small(word_at(*bytes, 0), 8);
  if (!offset || *offset > bytes->size() - kWord) return bad("a text lies outside of its reply");
  const auto tail = bytes->subspan(*offset);
  const auto length = small(word_at(tail, 0), 8);
  if (!length || *length > tail.size() - kWord) return bad("a text is longer than its reply");
  if (*length > kTextMax) return bad(fmt::format("a text of {} bytes, allowed {}", *length, kTextMax));
  std::string text(tail.begin() + kWord, tail.begin() + kWord + static_cast<std::ptrdiff_t>(*length));
  std::ranges::replace_if(
      text, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

rpc::Call ask(const Address& contract, std::string_view function, const oracle::Hash32& block) {
  const oracle::Hash32 hash = keccak256(function);
  return rpc::call_contract(contract, std::span(hash).first(4), block);
}

}  // namespace homeostat::sources::chainlink
