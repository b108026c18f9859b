#include "core/hex.hpp"

namespace homeostat {
namespace {

void append(std::string& text, std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const std::uint8_t b : bytes) {
    text.push_back(kDigits[b >> 4]);
    text.push_back(kDigits[b & 15]);
  }
}

int value_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string hex_of(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  append(text, bytes);
  return text;
}

std::string hex0x_of(std::span<const std::uint8_t> bytes) {
  std::string text = "0x";
  text.reserve(2 + 2 * bytes.size());
  append(text, bytes);
  return text;
}

Result<> decode_hex(std::string_view text, std::span<std::uint8_t> out) {
  const std::size_t prefix = text.starts_with("0x") || text.starts_with("0X") ? 2 : 0;
  const std::string_view digits = text.substr(prefix);
  if (digits.size() != 2 * out.size()) {
    return fail(
        ErrorCode::malformed, "",
        "expected " + std::to_string(2 * out.size()) + " hexadecimal digits, found " + std::to_string(digits.size()));
  }
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (value_of(digits[i]) < 0) {
      return fail(ErrorCode::malformed, "",
                  std::string("'") + digits[i] + "' at column " + std::to_string(prefix + i + 1) +
                      " is not a hexadecimal digit");
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(value_of(digits[2 * i]) * 16 + value_of(digits[2 * i + 1]));
  }
  return {};
}

}  // namespace homeostat
