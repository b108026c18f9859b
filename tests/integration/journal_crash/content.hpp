// The input that the child appends under a number and that the test expects there.
#pragma once

#include <cstdint>
#include <string>

namespace homeostat::journal {

inline std::string crash_input(std::uint64_t seq) {
  std::uint64_t x = seq * 0x9e3779b97f4a7c15;
  std::string text = std::to_string(seq) + ":";
  const std::size_t size = 30 + x % 1500;
  while (text.size() < size) {
    x ^= x >> 29, x *= 0xbf58476d1ce4e5b9;
    text.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  return text;
}

}  // namespace homeostat::journal
