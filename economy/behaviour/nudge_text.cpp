#include "economy/behaviour/nudge_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/decimal.hpp"

namespace homeostat::economy::behaviour {

namespace {

/// Words that state a number. "one" has other uses and is left out.
constexpr std::array<std::string_view, 33> kNumberWords{
    "zero",   "two",    "three",   "four",     "five",     "six",       "seven",   "eight",    "nine",
    "ten",    "eleven", "twelve",  "twenty",   "thirty",   "forty",     "fifty",   "sixty",    "seventy",
    "eighty", "ninety", "hundred", "hundreds", "thousand", "thousands", "million", "millions", "billion",
    "dozen",  "half",   "twice",   "double",   "triple",   "quarter"};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

Result<> check_words(std::string_view words) {
  std::string word;
  for (std::size_t i = 0; i <= words.size(); ++i) {
    const char c = i < words.size() ? words[i] : ' ';
    if (c >= '0' && c <= '9') {
      return fail(ErrorCode::invalid_argument, "text",
                  "must not have a digit: '" + std::string(words) + "'; numbers come from metrics, as {name}");
    }
    if (c == '}') return fail(ErrorCode::malformed, "text", "has a '}' without its '{'");
    if (is_letter(c)) {
      word += static_cast<char>(c | 0x20);
      continue;
    }
    if (std::find(kNumberWords.begin(), kNumberWords.end(), word) != kNumberWords.end()) {
      return fail(ErrorCode::invalid_argument, "text",
                  "must not say '" + word + "'; numbers come from metrics, as {name}");
    }
    word.clear();
  }
  return {};
}

Result<> set_format(Piece& piece, std::string_view format) {
  if (format == "percent") {
    piece.is_percent = true;
    piece.decimals = 1;
    return {};
  }
  if (format.size() == 1 && format[0] >= '0' && format[0] <= '9') {
    piece.decimals = format[0] - '0';
    return {};
  }
  return fail(ErrorCode::malformed, "text",
              "{" + std::string(piece.metric) + ":" + std::string(format) + "}: must be 0 to 9 or percent");
}

}  // namespace

Result<std::vector<Piece>> pieces_of(std::string_view text) {
  std::vector<Piece> out;
  while (true) {
    Piece piece;
    const std::size_t open = text.find('{');
    piece.words = text.substr(0, open);
    if (auto ok = check_words(piece.words); !ok) return tl::make_unexpected(ok.error());
    if (open == std::string_view::npos) {
      out.push_back(piece);
      return out;
    }
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) return fail(ErrorCode::malformed, "text", "has a '{' without its '}'");
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    const std::size_t colon = inside.find(':');
    piece.metric = inside.substr(0, colon);
    if (piece.metric.empty() || piece.metric.find('{') != std::string_view::npos) {
      return fail(ErrorCode::malformed, "text", "{" + std::string(inside) + "} names no metric");
    }
    if (colon != std::string_view::npos) {
      if (auto ok = set_format(piece, inside.substr(colon + 1)); !ok) return tl::make_unexpected(ok.error());
    }
    out.push_back(piece);
    text.remove_prefix(close + 1);
  }
}

Result<std::string> number_text(const Piece& piece, double value) {
  const auto exact = Decimal::from_double(piece.is_percent ? value * 100 : value, piece.decimals);
  if (!exact) return tl::make_unexpected(exact.error());
  return exact->to_string() + (piece.is_percent ? "%" : "");
}

}  // namespace homeostat::economy::behaviour
