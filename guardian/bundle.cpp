#include "guardian/bundle.hpp"

#include <map>

#include "core/format.hpp"

namespace homeostat::guardian {
namespace {

bool is_name_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// The end of the name that begins at `begin`.
std::size_t end_of_name(std::string_view text, std::size_t begin) {
  while (begin < text.size() && is_name_character(text[begin])) ++begin;
  return begin;
}

std::size_t after_spaces(std::string_view text, std::size_t begin) {
  while (begin < text.size() && text[begin] == ' ') ++begin;
  return begin;
}

/// If `prev(x)` or `since(x)` begins at `word`: replaces its parentheses and spaces by '_', which keeps every column
/// where it was, and says what the name stands for now. Returns where to go on.
std::size_t rewrite(std::string& text, std::size_t word, std::size_t end, std::map<std::string, Operand>& known) {
  const std::string_view function = std::string_view(text).substr(word, end - word);
  if (function != "prev" && function != "since") return end;
  const OperandKind kind = function == "prev" ? OperandKind::previous : OperandKind::since;
  const std::size_t open = after_spaces(text, end);
  if (open >= text.size() || text[open] != '(') return end;
  const std::size_t name = after_spaces(text, open + 1);
  const std::size_t name_end = end_of_name(text, name);
  const std::size_t close = after_spaces(text, name_end);
  if (name == name_end || close >= text.size() || text[close] != ')') return end;
  const Operand operand{kind, text.substr(name, name_end - name)};
  for (std::size_t i = end; i <= close; ++i) {
    if (!is_name_character(text[i])) text[i] = '_';
  }
  known.emplace(text.substr(word, close + 1 - word), operand);
  return close + 1;
}

}  // namespace

std::string operand_text(const Operand& operand) {
  switch (operand.kind) {
    case OperandKind::value: return operand.name;
    case OperandKind::previous: return "prev(" + operand.name + ")";
    case OperandKind::since: return "since(" + operand.name + ")";
    case OperandKind::now: return "now";
  }
  return "?";
}

std::string Invariant::numbers(const std::vector<double>& values) const {
  std::string said;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    said += (i == 0 ? "" : ", ") + operand_text(operands[i]) + " = " + text_of(values[i]);
  }
  return said;
}

Result<Invariant> parse_invariant(const BundleInvariant& invariant) {
  if (invariant.text.size() > kInvariantLengthMax) {
    return fail(ErrorCode::out_of_range, "",
                "has " + std::to_string(invariant.text.size()) + " characters; an invariant has at most " +
                    std::to_string(kInvariantLengthMax));
  }
  std::string text = invariant.text;
  std::map<std::string, Operand> known;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_name_character(text[i])) {
      ++i;
      continue;
    }
    const std::size_t end = end_of_name(text, i);
    i = rewrite(text, i, end, known);
  }
  auto expression = Expression::parse(text);
  if (!expression) return tl::make_unexpected(expression.error());
  std::vector<Operand> operands;
  for (const std::string& name : expression->variables()) {
    const auto rewritten = known.find(name);
    if (rewritten != known.end()) {
      operands.push_back(rewritten->second);
    } else {
      operands.push_back({name == "now" ? OperandKind::now : OperandKind::value, name});
    }
  }
  return Invariant{invariant.name, invariant.text, std::move(*expression), std::move(operands)};
}

}  // namespace homeostat::guardian
