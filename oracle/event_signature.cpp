#include "oracle/event_signature.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/text.hpp"

namespace homeostat::oracle {
namespace {

constexpr std::array<std::string_view, 12> kTypeExamples = {
    "address", "bool", "string", "bytes", "bytes4", "bytes32", "uint", "int", "uint8", "uint128", "uint256", "int256"};
/// Words of one array in the data's head: far more than any event that a node accepts.
constexpr std::uint32_t kArrayWordsMax = 4096;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<EventSignature> parse() {
    if (text_.size() > kSignatureLengthMax) {
      return error(ErrorCode::out_of_range,
                   "an event declaration has at most " + std::to_string(kSignatureLengthMax) + " characters");
    }
    EventSignature event;
    auto name = identifier("the event's name");
    if (name && *name == "event") name = identifier("the event's name");
    if (!name) return tl::make_unexpected(name.error());
    event.name = *name;
    if (!take('(')) return expected("'('");
    if (auto done = parameters(event); !done) return tl::make_unexpected(done.error());
    if (auto done = ending(); !done) return tl::make_unexpected(done.error());
    event.canonical = event.name + "(";
    for (const EventParameter& p : event.parameters) {
      if (&p != &event.parameters.front()) event.canonical += ',';
      event.canonical += p.type;
    }
    event.canonical += ')';
    return event;
  }

 private:
  Result<> parameters(EventSignature& event) {
    if (take(')')) return {};
    std::size_t indexed = 0;
    do {
      skip_space();
      const std::size_t start = pos_;
      auto parameter = one_parameter();
      if (!parameter) return tl::make_unexpected(parameter.error());
      if (event.parameters.size() == kEventParametersMax) {
        return error_at(start, ErrorCode::out_of_range,
                        "an event has at most " + std::to_string(kEventParametersMax) + " parameters");
      }
      if (parameter->indexed && ++indexed > kIndexedMax) {
        return error_at(start, ErrorCode::out_of_range, "an event has at most 3 indexed parameters");
      }
      if (!parameter->name.empty() && event.find(parameter->name)) {
        return error_at(start, ErrorCode::duplicate, "a second parameter named '" + parameter->name + "'");
      }
      event.parameters.push_back(std::move(*parameter));
    } while (take(','));
    if (!take(')')) return expected("',' or ')'");
    return {};
  }

  Result<> ending() {
    skip_space();
    const std::size_t start = pos_;
    if (pos_ < text_.size() && is_letter(text_[pos_])) {
      if (*identifier("") == "anonymous") {
        return error_at(start, ErrorCode::unsupported, "an anonymous event has no topic to find it by");
      }
      pos_ = start;
    }
    (void)take(';');
    skip_space();
    if (pos_ != text_.size()) return expected("the end of the declaration");
    return {};
  }

  Result<EventParameter> one_parameter() {
    EventParameter p;
    if (auto done = type(p); !done) return tl::make_unexpected(done.error());
    if (auto done = dimensions(p); !done) return tl::make_unexpected(done.error());
    skip_space();
    if (pos_ < text_.size() && is_letter(text_[pos_])) {
      p.name = *identifier("");
      if (p.name == "indexed") {
        p.indexed = true;
        skip_space();
        p.name = pos_ < text_.size() && is_letter(text_[pos_]) ? *identifier("") : "";
      }
    }
    p.hashed_topic = p.indexed && p.kind >= AbiKind::bytes;
    return p;
  }

  Result<> type(EventParameter& p) {
    skip_space();
    const std::size_t start = pos_;
    if (pos_ < text_.size() && text_[pos_] == '(') {
      return error(ErrorCode::unsupported, "tuples are not supported; emit their members as parameters");
    }
    const auto word = identifier("a type");
    if (!word) return tl::make_unexpected(word.error());
    p.type = *word;
    if (*word == "tuple") {
      return error_at(start, ErrorCode::unsupported, "tuples are not supported; emit their members as parameters");
    }
    if (*word == "address") {
      p.kind = AbiKind::address;
      p.bits = 160;
      skip_payable();
    } else if (*word == "bool") {
      p.kind = AbiKind::boolean;
      p.bits = 1;
    } else if (*word == "string" || *word == "bytes") {
      p.kind = *word == "string" ? AbiKind::string : AbiKind::bytes;
      p.dynamic = true;
    } else if (!sized_type(p)) {
      return error_at(start, ErrorCode::unknown_name,
                      "there is no type '" + *word +
                          "' (expected address, bool, string, bytes, bytes1..32, uint8..256 " +
                          "or int8..256 in steps of 8)" + did_you_mean(*word, kTypeExamples));
    }
    return {};
  }

  /// uint, int8, bytes32 ...; completes the alias.
  static bool sized_type(EventParameter& p) {
    const std::string_view word = p.type;
    const bool is_unsigned = word.starts_with("uint");
    const bool is_bytes = word.starts_with("bytes");
    const std::string_view digits = word.substr(std::min(word.size(), std::size_t{is_bytes      ? 5u
                                                                                  : is_unsigned ? 4u
                                                                                                : 3u}));
    if (!is_unsigned && !is_bytes && !word.starts_with("int")) return false;
    if (digits.empty()) {
      p.type += "256";  // "bytes" without a number was taken before
    } else {
      unsigned n = 0;
      const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
      const bool in_range = is_bytes ? n >= 1 && n <= 32 : n >= 8 && n <= 256 && n % 8 == 0;
      if (status != std::errc{} || end != digits.data() + digits.size() || digits[0] == '0' || !in_range) return false;
      p.bits = static_cast<std::uint16_t>(is_bytes ? 8 * n : n);
    }
    p.kind = is_bytes ? AbiKind::fixed_bytes : is_unsigned ? AbiKind::unsigned_integer : AbiKind::signed_integer;
    return true;
  }

  /// Any number of `[]` and `[n]`.
  Result<> dimensions(EventParameter& p) {
    while (take('[')) {
      p.kind = AbiKind::array;
      if (take(']')) {
        p.type += "[]";
        p.dynamic = true;
        continue;
      }
      const std::size_t start = pos_;
      std::uint32_t n = 0;
      while (pos_ < text_.size() && is_digit(text_[pos_]) && n <= kArrayWordsMax) {
        n = n * 10 + static_cast<std::uint32_t>(text_[pos_++] - '0');
      }
      if (pos_ == start) return expected("a length or ']'");
      if (n == 0 || n > kArrayWordsMax || n * p.words > kArrayWordsMax) {
        return error_at(start, ErrorCode::out_of_range,
                        "a fixed array has 1 to " + std::to_string(kArrayWordsMax) + " elements");
      }
      if (!take(']')) return expected("']'");
      p.type += "[" + std::to_string(n) + "]";
      p.words *= n;
    }
    if (p.dynamic) p.words = 1;
    return {};
  }

  /// `address payable` is an address.
  void skip_payable() {
    skip_space();
    if (text_.substr(pos_).starts_with("payable") && (pos_ + 7 == text_.size() || !is_word(text_[pos_ + 7]))) pos_ += 7;
  }

  Result<std::string> identifier(std::string_view what) {
    skip_space();
    const std::size_t start = pos_;
    if (pos_ == text_.size() || !is_letter(text_[pos_])) return expected(what);
    while (pos_ < text_.size() && is_word(text_[pos_])) ++pos_;
    return std::string(text_.substr(start, pos_ - start));
  }

  static bool is_word(char c) { return is_letter(c) || is_digit(c); }
  void skip_space() {
    while (pos_ < text_.size() && std::string_view(" \t\r\n").find(text_[pos_]) != std::string_view::npos) ++pos_;
  }
  bool take(char c) {
    skip_space();
    if (pos_ == text_.size() || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }

  [[nodiscard]] tl::unexpected<Error> error_at(std::size_t pos, ErrorCode code, std::string message) const {
    return fail(code, "column " + std::to_string(pos + 1), std::move(message));
  }
  [[nodiscard]] tl::unexpected<Error> error(ErrorCode code, std::string message) const {
    return error_at(pos_, code, std::move(message));
  }
  [[nodiscard]] tl::unexpected<Error> expected(std::string_view what) {
    skip_space();
    std::string found = "the end";
    if (pos_ < text_.size()) {
      const char c = text_[pos_];
      found = c > 32 && c < 127 ? std::string("'") + c + "'" : "a character outside ASCII";
    }
    return error(ErrorCode::malformed, "expected " + std::string(what) + ", found " + found);
  }

  std::string_view text_;
  std::size_t pos_ = 0;
};

}  // namespace

std::optional<std::uint32_t> EventSignature::find(std::string_view parameter) const {
  if (parameter.empty()) return std::nullopt;
  for (std::uint32_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].name == parameter) return i;
  }
  std::uint32_t index = 0;
  const char* end = parameter.data() + parameter.size();
  const auto [stop, status] = std::from_chars(parameter.data(), end, index);
  if (status == std::errc{} && stop == end && index < parameters.size()) return index;
  return std::nullopt;
}

std::vector<std::string> EventSignature::names() const {
  std::vector<std::string> names;
  for (const EventParameter& p : parameters) names.push_back(p.name);
  return names;
}

Result<EventSignature> parse_event_signature(std::string_view text) {
  return Parser(text).parse();
}

}  // namespace homeostat::oracle
