// One description of a struct's fields serves writing, reading and hashing.
//
// A struct names its fields once, in canonical order:
//
//     template <class Archive, class Self>
//     static void fields(Archive& a, Self& x) { a(x.source); a(x.samples); }
//
// `Writer` appends the canonical bytes, `Reader` parses them (never trusting a length: every
// container is bounded by the bytes that are left), and the state hash is the hash of the written
// bytes, never of raw memory. The format: unsigned integers as LEB128, signed ones zig-zag, 128-bit
// integers as 16 bytes little endian, doubles as their 8 IEEE bytes little endian, booleans and
// enumerations as integers, strings and vectors length first, optional as a flag, variant as an
// index, ordered maps as sorted pairs. It has no schema: the journal's format version names it.
//
// An enumeration that is used to index or switch should declare, beside itself,
//
//     constexpr Mode last_of(Mode) { return Mode::halted; }
//
// and the reader then refuses any value beyond it.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/buffer.hpp"
#include "core/time.hpp"

namespace homeostat {

class Writer {
 public:
  /// The bytes so far; begins anew.
  [[nodiscard]] std::string take() { return out_.take(); }
  /// Valid until the next byte.
  [[nodiscard]] std::string_view bytes() const { return out_.view(); }
  void clear() { out_.clear(); }
  /// Room for that many bytes in all; a hint.
  void reserve(std::size_t size) { out_.reserve(size); }

  [[gnu::always_inline]] void varint(std::uint64_t v) {
    if (v >= 0x80) return long_varint(v);
    out_.push(static_cast<char>(v));  // most are: lengths, indexes, enumerations
  }
  void raw(const void* data, std::size_t size) { out_.append(data, size); }

  template <class T>
  [[gnu::always_inline]] void operator()(const T& x) {  // a call would cost more than the byte or two it writes
    if constexpr (std::is_same_v<T, bool>) {
      varint(x ? 1 : 0);
    } else if constexpr (std::is_enum_v<T>) {
      (*this)(static_cast<std::underlying_type_t<T>>(x));
    } else if constexpr (std::is_same_v<T, __int128>) {
      static_assert(std::endian::native == std::endian::little);
      out_.append(&x, 16);
    } else if constexpr (std::unsigned_integral<T>) {
      static_assert(sizeof(T) <= 8);
      varint(x);
    } else if constexpr (std::signed_integral<T>) {
      const auto v = static_cast<std::int64_t>(x);
      varint((static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
    } else if constexpr (std::is_same_v<T, double>) {
      const auto u = std::bit_cast<std::uint64_t>(x);
      out_.append(&u, 8);
    } else {
      write(x);
    }
  }

 private:
  void write(Duration d) { (*this)(d.ns); }
  void write(Instant t) { (*this)(t.ns); }
  void write(const std::string& s) { write(std::string_view(s)); }
  [[gnu::always_inline]] void write(std::string_view s) {
    varint(s.size());
    raw(s.data(), s.size());
  }
  template <std::size_t N>
  void write(const std::array<std::uint8_t, N>& a) {
    raw(a.data(), N);
  }
  template <class T, std::size_t N>
  void write(const std::array<T, N>& a) {
    for (const T& x : a) (*this)(x);
  }
  template <class T>
  void write(const std::vector<T>& v) {
    sequence(v);
  }
  template <class T>
  void write(const std::deque<T>& v) {
    sequence(v);
  }
  template <class K, class V>
  void write(const std::map<K, V>& m) {
    sequence(m);
  }
  template <class K>
  void write(const std::set<K>& m) {
    sequence(m);
  }
  template <class A, class B>
  void write(const std::pair<A, B>& p) {
    (*this)(p.first);
    (*this)(p.second);
  }
  template <class T>
  void write(const std::optional<T>& o) {
    (*this)(o.has_value());
    if (o) (*this)(*o);
  }
  template <class... Ts>
  void write(const std::variant<Ts...>& v) {
    varint(v.index());
    std::visit([this](const auto& x) { (*this)(x); }, v);
  }
  void write(std::monostate) {}
  template <class T>
  auto write(const T& x) -> decltype(T::fields(*this, x), void()) {
    T::fields(*this, x);
  }
  template <class C>
  void sequence(const C& c) {
    varint(c.size());
    for (const auto& x : c) (*this)(x);
  }

  [[gnu::noinline]] void long_varint(std::uint64_t v) {
    char* const begin = out_.room(10);
    char* p = begin;
    do {
      *p++ = static_cast<char>(v | 0x80);
      v >>= 7;
    } while (v >= 0x80);
    *p++ = static_cast<char>(v);
    out_.used(static_cast<std::size_t>(p - begin));
  }

  Buffer out_;
};

/// Reads what Writer wrote. A malformed input makes `ok()` false and leaves the remaining targets
/// default; nothing is allocated beyond what the remaining bytes can hold.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  /// True when everything was read without error.
  [[nodiscard]] bool is_done() const { return ok_ && bytes_.empty(); }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }
  void fail() {
    ok_ = false;
    bytes_ = {};
  }

  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) return fail(), 0;
      const auto b = static_cast<std::uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      if (shift == 63 && b > 1) return fail(), 0;
      v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if ((b & 0x80) == 0) return v;
    }
    return fail(), 0;
  }
  /// A length: every element takes at least one byte, so a length beyond what is left is a lie.
  std::uint64_t length() {
    const std::uint64_t n = varint();
    if (n > bytes_.size()) return fail(), 0;
    return n;
  }
  void raw(void* out, std::size_t size) {
    if (bytes_.size() < size) {
      std::memset(out, 0, size);
      return fail();
    }
    std::memcpy(out, bytes_.data(), size);
    bytes_.remove_prefix(size);
  }

  template <class T>
  void operator()(T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t b = 0;
      raw(&b, 1);
      if (b > 1) fail();
      x = b == 1;
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> u{};
      (*this)(u);
      if constexpr (requires(T e) { last_of(e); }) {
        if (u > static_cast<std::underlying_type_t<T>>(last_of(T{}))) u = 0, fail();
      }
      x = static_cast<T>(u);
    } else if constexpr (std::is_same_v<T, __int128>) {
      raw(&x, 16);
    } else if constexpr (std::unsigned_integral<T>) {
      const std::uint64_t v = varint();
      x = static_cast<T>(v);
      if (x != v) x = 0, fail();
    } else if constexpr (std::signed_integral<T>) {
      const std::uint64_t u = varint();
      const auto v = static_cast<std::int64_t>((u >> 1) ^ (~(u & 1) + 1));
      x = static_cast<T>(v);
      if (x != v) x = 0, fail();
    } else if constexpr (std::is_same_v<T, double>) {
      std::uint64_t u = 0;
      raw(&u, 8);
      x = std::bit_cast<double>(u);
    } else {
      read(x);
    }
  }

 private:
  void read(Duration& d) { (*this)(d.ns); }
  void read(Instant& t) { (*this)(t.ns); }
  void read(std::string& s) {
    const std::uint64_t n = length();
    s.assign(bytes_.substr(0, n));
    bytes_.remove_prefix(n);
  }
  template <std::size_t N>
  void read(std::array<std::uint8_t, N>& a) {
    raw(a.data(), N);
  }
  template <class T, std::size_t N>
  void read(std::array<T, N>& a) {
    for (T& x : a) (*this)(x);
  }
  template <class T>
  void read(std::vector<T>& v) {
    sequence(v);
  }
  template <class T>
  void read(std::deque<T>& v) {
    sequence(v);
  }
  template <class K, class V>
  void read(std::map<K, V>& m) {
    m.clear();
    for (std::uint64_t n = length(); n > 0 && ok_; --n) {
      K k{};
      V v{};
      (*this)(k);
      (*this)(v);
      if (ok_) m.insert_or_assign(std::move(k), std::move(v));
    }
  }
  template <class K>
  void read(std::set<K>& m) {
    m.clear();
    for (std::uint64_t n = length(); n > 0 && ok_; --n) {
      K k{};
      (*this)(k);
      if (ok_) m.insert(std::move(k));
    }
  }
  template <class A, class B>
  void read(std::pair<A, B>& p) {
    (*this)(p.first);
    (*this)(p.second);
  }
  template <class T>
  void read(std::optional<T>& o) {
    bool has = false;
    (*this)(has);
    o.reset();
    if (has) (*this)(o.emplace());
  }
  template <class... Ts>
  void read(std::variant<Ts...>& v) {
    const std::uint64_t index = varint();
    if (!emplace(v, index, std::index_sequence_for<Ts...>{})) fail();
  }
  void read(std::monostate&) {}
  template <class T>
  auto read(T& x) -> decltype(T::fields(*this, x), void()) {
    T::fields(*this, x);
  }

  template <class V, std::size_t... I>
  bool emplace(V& v, std::uint64_t index, std::index_sequence<I...>) {
    return ((I == index ? ((*this)(v.template emplace<I>()), true) : false) || ...);
  }
  template <class C>
  void sequence(C& c) {
    c.clear();
    for (std::uint64_t n = length(); n > 0 && ok_; --n) (*this)(c.emplace_back());
  }

  std::string_view bytes_;
  bool ok_ = true;
};

/// The canonical bytes of `x`.
template <class T>
[[nodiscard]] std::string archive_bytes(const T& x) {
  Writer w;
  w(x);
  return w.take();
}

}  // namespace homeostat
