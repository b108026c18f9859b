#include "daemon/sources/hex.hpp"

#include <charconv>

#include <cryptopp/keccak.h>

namespace homeostat::sources {
namespace {

constexpr std::array<std::int8_t, 256> make_digits() {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (int i = 0; i < 10; ++i) table[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    table[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    table[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return table;
}
constexpr auto kDigits = make_digits();

std::optional<std::string_view> after_prefix(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return std::nullopt;
  return text.substr(2);
}

bool decode(std::string_view digits, std::uint8_t* out) {
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = kDigits[static_cast<unsigned char>(digits[i])];
    const int low = kDigits[static_cast<unsigned char>(digits[i + 1])];
    if ((high | low) < 0) return false;
    *out++ = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace

std::optional<std::uint64_t> parse_quantity(std::string_view text) {
  const auto digits = after_prefix(text);
  if (!digits || digits->empty() || digits->size() > 16) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), value, 16);
  if (error != std::errc{} || end != digits->data() + digits->size()) return std::nullopt;
  return value;
}

bool parse_fixed(std::string_view text, std::span<std::uint8_t> out) {
  const auto digits = after_prefix(text);
  return digits && digits->size() == 2 * out.size() && decode(*digits, out.data());
}

std::optional<std::vector<std::uint8_t>> parse_bytes(std::string_view text) {
  const auto digits = after_prefix(text);
  if (!digits || digits->size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> bytes(digits->size() / 2);
  if (!decode(*digits, bytes.data())) return std::nullopt;
  return bytes;
}

std::string hex_quantity(std::uint64_t value) {
  std::array<char, 18> text{'0', 'x'};
  const auto [end, error] = std::to_chars(text.data() + 2, text.data() + text.size(), value, 16);
  return {text.data(), end};
}

oracle::Hash32 keccak256(std::span<const std::uint8_t> bytes) {
  oracle::Hash32 hash{};
  CryptoPP::Keccak_256 keccak;
  keccak.Update(bytes.data(), bytes.size());
  keccak.Final(hash.data());
  return hash;
}

oracle::Hash32 keccak256(std::string_view text) {
  return keccak256(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace homeostat::sources
