#include "config/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace homeostat::config {
namespace {

bool is_name(std::string_view s) {
  const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !s.empty() && s.size() <= 128 && is_letter(s.front()) &&
         std::all_of(s.begin(), s.end(), [&](char c) { return is_letter(c) || is_digit(c); });
}

/// True if `value` stays one plain YAML value wherever it is put.
bool is_plain(std::string_view value) {
  constexpr std::string_view kNowhere = "{}[],\"'\\`";
  constexpr std::string_view kNotFirst = "&*!|>%@#?-: ";
  const bool is_negative_number = value.size() > 1 && value[0] == '-' && value[1] >= '0' && value[1] <= '9';
  if (!value.empty() && kNotFirst.find(value.front()) != std::string_view::npos && !is_negative_number) return false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || kNowhere.find(c) != std::string_view::npos) return false;
    const bool ends_word = i + 1 == value.size() || value[i + 1] == ' ';
    if (c == ':' && ends_word) return false;
    if (c == ' ' && (i + 1 == value.size() || value[i + 1] == '#')) return false;
  }
  return true;
}

/// Where the comment of a line begins, or its end. A '#' inside quotes is taken for one too, which at
/// worst leaves a reference in the value, and that is reported when the value is read.
std::size_t comment_start(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) return i;
  }
  return line.size();
}

struct Reference {
  std::string_view name;
  std::optional<std::string_view> fallback;
  std::size_t size = 0;  ///< characters from '$' to '}'
};

/// The reference at the start of `text`, which begins with "${"; none if no '}' follows on the line.
std::optional<Reference> parse_reference(std::string_view text) {
  const std::size_t end = text.find('}');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view inside = text.substr(2, end - 2);
  const std::size_t split = inside.find(":-");
  if (split == std::string_view::npos) return Reference{inside, std::nullopt, end + 1};
  return Reference{inside.substr(0, split), inside.substr(split + 2), end + 1};
}

tl::expected<std::string, std::string> resolve(const Reference& reference, const Environment& environment) {
  if (!is_name(reference.name)) {
    return tl::make_unexpected(
        fmt::format("'{}' is not the name of a variable; write ${{NAME}} or ${{NAME:-default}}", reference.name));
  }
  const std::optional<std::string> set = environment(reference.name);
  const bool is_set = set && !set->empty();
  if (!is_set && !reference.fallback) {
    return tl::make_unexpected(fmt::format(
        "the environment variable {0} is not set; set it, or give a default: ${{{0}:-default}}", reference.name));
  }
  std::string value = is_set ? *set : std::string(*reference.fallback);
  if (!is_plain(value) || value.find("${") != std::string::npos) {
    return tl::make_unexpected(fmt::format(
        "the {} of {} cannot stand as one YAML value: no line breaks, quotes, braces, brackets, commas, ': ' or ' #'",
        is_set ? "value" : "default", reference.name));
  }
  return value;
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

Substituted substitute(std::string_view text, const Environment& environment) {
  Substituted result;
  for (std::size_t line = 0; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    result.add_line(line, text.substr(0, end), environment);
    text.remove_prefix(end);
  }
  return result;
}

void Substituted::add_line(std::size_t number, std::string_view line, const Environment& environment) {
  const std::string_view values = line.substr(0, comment_start(line));
  const std::size_t line_start = text.size();
  std::size_t done = 0;
  for (std::size_t at = values.find("${"); at != std::string_view::npos; at = values.find("${", done)) {
    text.append(values.substr(done, at - done));
    const auto reference = parse_reference(values.substr(at));
    if (!reference) {
      errors.push_back({{number, at}, "'${' without its '}' on the same line"});
      text.append(kUnresolved);
      done = line.ends_with('\n') ? line.size() - 1 : line.size();
      break;
    }
    const auto value = resolve(*reference, environment);
    if (!value) errors.push_back({{number, at}, value.error()});
    const std::string put = value.value_or(std::string(kUnresolved));
    replacements_.push_back({number, at, reference->size, text.size() - line_start, put.size()});
    text.append(put);
    done = at + reference->size;
  }
  text.append(line.substr(done));
}

Mark Substituted::original(Mark mark) const {
  Mark before = mark;
  for (const Replacement& r : replacements_) {
    if (r.line != mark.line || r.column_after > mark.column) continue;
    const bool is_inside = mark.column < r.column_after + r.size_after;
    before.column =
        is_inside ? r.column_before : r.column_before + r.size_before + (mark.column - r.column_after - r.size_after);
  }
  return before;
}

}  // namespace homeostat::config
