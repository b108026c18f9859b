#include "daemon/sources/hex.hpp"

#include <bit>
#include <charconv>
#include <cstring>

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

/// 32 digits to 16 bytes at once, in the compiler's portable vectors: hex is most of what a node sends.
[[gnu::always_inline]] inline bool decode_32(const char* digits, std::uint8_t* out) {
  using Chars = std::uint8_t __attribute__((vector_size(32)));
  using Pairs = std::uint16_t __attribute__((vector_size(32)));
  using Bytes = std::uint8_t __attribute__((vector_size(16)));
  Chars c{};
  std::memcpy(&c, digits, sizeof c);
  const Chars lower = c | 0x20;  // a digit stays what it is
  const Chars good = Chars((c >= '0') & (c <= '9')) | Chars((lower >= 'a') & (lower <= 'f'));
  std::array<std::uint64_t, 4> all{};
  std::memcpy(all.data(), &good, sizeof good);
  if ((all[0] & all[1] & all[2] & all[3]) != ~std::uint64_t{0}) return false;
  const Chars nibbles = lower - '0' - (Chars(lower >= 'a') & ('a' - '0' - 10));
  const Pairs pairs = reinterpret_cast<Pairs>(nibbles);  // the first digit is the low half
  const Bytes bytes = __builtin_convertvector((pairs << 4 | pairs >> 8) & 0xff, Bytes);
  std::memcpy(out, &bytes, sizeof bytes);
  return true;
}

// The choice is made before ThreadSanitizer is ready for it.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("avx2", "default")))
#endif
bool decode(std::string_view digits, std::uint8_t* out) {
  std::size_t i = 0;
  if constexpr (std::endian::native == std::endian::little) {
    for (; i + 32 <= digits.size(); i += 32, out += 16) {
      if (!decode_32(digits.data() + i, out)) return false;
    }
  }
  for (; i < digits.size(); i += 2) {
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
  for (const char c : *digits) {
    const int digit = kDigits[static_cast<unsigned char>(c)];
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<std::uint64_t>(digit);
  }
  return value;
}

bool decode_digits(const char* digits, std::size_t count, std::uint8_t* out) {
  return decode({digits, count}, out);
}

bool parse_fixed(std::string_view text, std::span<std::uint8_t> out) {
  const auto digits = after_prefix(text);
  return digits && digits->size() == 2 * out.size() && decode(*digits, out.data());
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
