#include "daemon/sources/abi.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "daemon/sources/hex.hpp"

namespace homeostat::sources::abi {
namespace {

using Bytes = std::span<const std::uint8_t>;
constexpr int kDepthMax = 8;
constexpr std::uint64_t kStaticMax = 1 << 20;

tl::unexpected<Error> bad_type(std::string_view text, std::string_view why) {
  return fail(ErrorCode::malformed, "event signature", fmt::format("type `{}`: {}", text, why));
}

std::optional<std::uint32_t> width(std::string_view digits) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

Type value_type(Type::Kind kind, std::uint32_t bits) {
  Type type;
  type.kind = kind;
  type.bits = bits;
  return type;
}

Result<Type> parse_elementary(std::string_view text) {
  using Kind = Type::Kind;
  if (text == "address") return value_type(Kind::unsigned_integer, 160);
  if (text == "bool") return value_type(Kind::unsigned_integer, 1);
  if (text == "function") return value_type(Kind::fixed_bytes, 192);
  if (text == "string" || text == "bytes") {
    Type type = value_type(Kind::bytes, 0);
    type.dynamic = true;
    return type;
  }
  const bool is_unsigned = text.starts_with("uint");
  if (is_unsigned || text.starts_with("int")) {
    const std::string_view digits = text.substr(is_unsigned ? 4 : 3);
    const auto bits = digits.empty() ? std::optional<std::uint32_t>(256) : width(digits);
    if (!bits || *bits == 0 || *bits > 256 || *bits % 8 != 0) return bad_type(text, "its width must be 8, 16, ... 256");
    return value_type(is_unsigned ? Kind::unsigned_integer : Kind::signed_integer, *bits);
  }
  if (text.starts_with("bytes")) {
    const auto count = width(text.substr(5));
    if (!count || *count == 0 || *count > 32) return bad_type(text, "its width must be 1 ... 32");
    return value_type(Kind::fixed_bytes, *count * 8);
  }
  return bad_type(text, "not a type of the Solidity ABI");
}

Result<Type> parse_nested(std::string_view text, int depth);

Result<Type> parse_array(std::string_view text, int depth) {
  const std::size_t open = text.rfind('[');
  if (open == std::string_view::npos || open == 0) return bad_type(text, "`]` without `[`");
  auto element = parse_nested(text.substr(0, open), depth + 1);
  if (!element) return element;
  Type type;
  type.kind = Type::Kind::array;
  const std::string_view digits = text.substr(open + 1, text.size() - open - 2);
  if (!digits.empty()) {
    const auto count = width(digits);
    if (!count || *count == 0) return bad_type(text, "its length must be a number above 0");
    type.count = *count;
  }
  type.dynamic = digits.empty() || element->dynamic;
  if (!digits.empty() && element->head_bytes * type.count > kStaticMax)
    return bad_type(text, "it is larger than 1 MiB");
  if (!type.dynamic) type.head_bytes = element->head_bytes * type.count;
  type.elements.push_back(std::move(*element));
  return type;
}

Result<Type> parse_nested(std::string_view text, int depth) {
  if (depth > kDepthMax) return bad_type(text.substr(0, 40), "nested more than 8 levels deep");
  if (text.ends_with(']')) return parse_array(text, depth);
  return parse_elementary(text);
}

bool in_range(const Type& type, const std::uint8_t* word) {
  switch (type.kind) {
    case Type::Kind::unsigned_integer: {
      if (type.bits == 1) return std::all_of(word, word + 31, [](auto b) { return b == 0; }) && word[31] <= 1;
      return std::all_of(word, word + (32 - type.bits / 8), [](auto b) { return b == 0; });
    }
    case Type::Kind::signed_integer: {
      const std::size_t first = 32 - type.bits / 8;
      const std::uint8_t sign = (word[first] & 0x80) != 0 ? 0xff : 0;
      return std::all_of(word, word + first, [sign](auto b) { return b == sign; });
    }
    case Type::Kind::fixed_bytes: return std::all_of(word + type.bits / 8, word + 32, [](auto b) { return b == 0; });
    case Type::Kind::bytes:
    case Type::Kind::array: return true;
  }
  return false;
}

bool is_value(const Type& type) {
  return type.kind != Type::Kind::bytes && type.kind != Type::Kind::array;
}

/// Walks one argument and appends its content. Offsets may point anywhere, also backwards or twice at the
/// same place; a real encoding holds each element once, so `visits` and the output are bounded by its size.
class Walker {
 public:
  explicit Walker(Bytes data) : data_(data), visits_left_(data.size() / 4 + 64) {}

  bool value(const Type& type, std::uint64_t at, oracle::Word& word) {
    if (!has(at, 32)) return false;
    std::copy_n(data_.begin() + static_cast<std::ptrdiff_t>(at), 32, word.begin());
    return in_range(type, word.data()) || failed("a value out of its type's range");
  }

  /// Content of `type` whose head is at `head` in a frame that begins at `frame`. `nested` pads bytes.
  bool content(const Type& type, std::uint64_t frame, std::uint64_t head, bool nested) {
    if (visits_left_-- == 0) return failed("more elements than the data can hold");
    if (is_value(type)) {
      oracle::Word word{};
      return value(type, head, word) && append(word);
    }
    std::uint64_t at = head;
    if (type.dynamic) {
      std::uint64_t offset = 0;
      if (!number(head, offset)) return false;
      at = frame + offset;
    }
    return type.kind == Type::Kind::bytes ? bytes(at, nested) : array(type, at);
  }

  [[nodiscard]] const std::vector<std::uint8_t>& output() const { return output_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  bool failed(std::string_view why) {
    if (reason_.empty()) reason_ = why;
    return false;
  }
  bool has(std::uint64_t at, std::uint64_t size) {
    return (at <= data_.size() && size <= data_.size() - at) || failed("the data is too short");
  }
  /// A length or offset: at most the data's own size, so that sums of two never overflow.
  bool number(std::uint64_t at, std::uint64_t& out) {
    if (!has(at, 32)) return false;
    out = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      if (out > data_.size()) return failed("an offset or length beyond the data");
      out = out << 8 | data_[at + i];
    }
    return out <= data_.size() || failed("an offset or length beyond the data");
  }
  bool append(Bytes more) {
    if (more.size() > data_.size() - std::min(output_.size(), data_.size())) return failed("overlapping content");
    output_.insert(output_.end(), more.begin(), more.end());
    return true;
  }
  bool bytes(std::uint64_t at, bool nested) {
    std::uint64_t length = 0;
    if (!number(at, length) || !has(at + 32, length)) return false;
    if (!append(data_.subspan(at + 32, length))) return false;
    if (nested && length % 32 != 0) output_.resize(output_.size() + 32 - length % 32);
    return true;
  }
  bool array(const Type& type, std::uint64_t at) {
    std::uint64_t count = type.count;
    if (count == 0) {
      if (!number(at, count)) return false;
      at += 32;
    }
    const Type& element = type.elements.front();
    if (count > data_.size() / element.head_bytes || !has(at, count * element.head_bytes)) {
      return failed("the data is too short");
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!content(element, at, at + i * element.head_bytes, true)) return false;
    }
    return true;
  }
  Bytes data_;
  std::uint64_t visits_left_;
  std::vector<std::uint8_t> output_;
  std::string reason_;
};

}  // namespace

Result<Type> parse_type(std::string_view text) {
  return parse_nested(text, 0);
}

Result<Layout> make_layout(const oracle::EventSignature& signature) {
  Layout layout;
  layout.topic = keccak256(signature.canonical);
  for (const auto& parameter : signature.parameters) {
    auto type = parse_type(parameter.type);
    if (!type) return tl::make_unexpected(std::move(type.error()));
    layout.indexed = static_cast<std::uint8_t>(layout.indexed + (parameter.indexed ? 1 : 0));
    layout.arguments.push_back({std::move(*type), parameter.indexed});
    if (layout.indexed > 3) {
      return fail(ErrorCode::out_of_range, "event " + signature.name, "at most three arguments can be indexed");
    }
  }
  return layout;
}

tl::expected<std::vector<oracle::Word>, std::string> decode(const Layout& layout, const rpc::Log& log) {
  if (log.topic_count != layout.indexed + 1) {
    return tl::make_unexpected(fmt::format("{} indexed arguments in the log, {} in the signature",
                                           log.topic_count == 0 ? 0 : log.topic_count - 1, layout.indexed));
  }
  std::vector<oracle::Word> words(layout.arguments.size());
  std::size_t topic = 1;
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& [type, indexed] = layout.arguments[i];
    const auto wrong = [&](std::string_view why) {
      return tl::make_unexpected(fmt::format("argument {}: {}", i, why));
    };
    if (indexed) {
      words[i] = log.topics[topic++];
      if (is_value(type) && !in_range(type, words[i].data())) return wrong("a value out of its type's range");
      continue;
    }
    if (is_value(type)) {
      if (head + 32 > log.data.size()) return wrong("the data is too short");
      std::copy_n(log.data.begin() + static_cast<std::ptrdiff_t>(head), 32, words[i].begin());
      if (!in_range(type, words[i].data())) return wrong("a value out of its type's range");
    } else {
      Walker walker(log.data);
      if (!walker.content(type, 0, head, false)) return wrong(walker.reason());
      words[i] = keccak256(walker.output());
    }
    head += type.head_bytes;
  }
  return words;
}

}  // namespace homeostat::sources::abi
