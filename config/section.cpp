#include "config/section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/format.hpp"
#include "core/text.hpp"

namespace homeostat::config {

std::string Diagnostic::text() const {
  std::string at = file;
  if (line > 0) at += fmt::format(":{}:{}", line, column);
  const std::string subject = path.empty() ? "" : path + ": ";
  const std::string hint = nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest);
  return fmt::format("{}: {}{}{}", at, subject, message, hint);
}

namespace {

std::vector<Diagnostic> in_file_order(std::vector<Diagnostic> list) {
  std::stable_sort(list.begin(), list.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  return list;
}

/// Untrusted text made fit for a message.
std::string shown(std::string_view text) {
  constexpr std::size_t kShownMax = 80;
  std::string out(text.substr(0, kShownMax));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text.size() > kShownMax ? out + "..." : out;
}

std::string_view what_is(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::scalar: return "a single value";
    case Node::Kind::sequence: return "a list";
    case Node::Kind::map: return "a map";
  }
  return "?";
}

}  // namespace

void Report::add(std::vector<Diagnostic>& list, Mark in_file, std::string path, std::string message,
                 std::string nearest) {
  if (list.size() >= kDiagnosticsMax) return;
  list.push_back(
      {file_, in_file.line + 1, in_file.column + 1, std::move(path), std::move(message), std::move(nearest)});
}
void Report::error(Mark mark, std::string path, std::string message, std::string nearest) {
  add(errors_, source_.original(mark), std::move(path), std::move(message), std::move(nearest));
}
void Report::warn(Mark mark, std::string path, std::string message, std::string nearest) {
  add(warnings_, source_.original(mark), std::move(path), std::move(message), std::move(nearest));
}
void Report::error_in_file(Mark mark, std::string message) {
  add(errors_, mark, "", std::move(message), "");
}
std::vector<Diagnostic> Report::errors() const {
  return in_file_order(errors_);
}
std::vector<Diagnostic> Report::warnings() const {
  return in_file_order(warnings_);
}

void Field::error(std::string message, std::string nearest) const {
  if (node_ != nullptr) context_->report.error(node_->mark, path_, std::move(message), std::move(nearest));
}
void Field::warn(std::string message, std::string nearest) const {
  if (node_ != nullptr) context_->report.warn(node_->mark, path_, std::move(message), std::move(nearest));
}

std::optional<std::string_view> Field::scalar(std::string_view what) const {
  if (node_ == nullptr) return std::nullopt;
  if (node_->kind != Node::Kind::scalar || node_->scalar.empty()) {
    error(fmt::format("expected {}, got {}", what, what_is(*node_)));
    return std::nullopt;
  }
  if (node_->scalar.find(kUnresolved) != std::string::npos) return std::nullopt;  // reported where it is missing
  if (node_->scalar.find("${") != std::string::npos) {
    error("a variable behind a '#' is taken for a comment and not filled in; write it before the '#'");
    return std::nullopt;
  }
  return node_->scalar;
}

bool Field::in_range(double x, NumberRange range, std::string_view unit) const {
  const bool is_above = range.above_min ? x > range.min : x >= range.min;
  if (is_above && x <= range.max) return true;
  const std::string suffix = unit.empty() ? "" : fmt::format(" {}", unit);
  const NumberRange unbounded;
  if (range.max == unbounded.max) {
    error(fmt::format("{} is not allowed; it must be {} {}{}", text_of(x), range.above_min ? "above" : "at least",
                      text_of(range.min), suffix));
  } else {
    error(fmt::format("{} is not allowed; it must be {} {} and at most {}{}", text_of(x),
                      range.above_min ? "above" : "at least", text_of(range.min), text_of(range.max), suffix));
  }
  return false;
}

bool Field::text(std::string& out) const {
  const auto value = scalar("text");
  if (value) out = *value;
  return value.has_value();
}

bool Field::name(std::string& out) const {
  const auto value = scalar("a name");
  if (!value) return false;
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  if (value->size() > kNameMax || value->find_first_not_of(kAllowed) != std::string_view::npos) {
    error(fmt::format("'{}' is not a name; it is made of letters, digits, '_', '.' and '-', at most {} of them",
                      shown(*value), kNameMax));
    return false;
  }
  out = *value;
  return true;
}

bool Field::flag(bool& out) const {
  const auto value = scalar("true or false");
  if (!value) return false;
  if (*value != "true" && *value != "false") {
    const bool is_yes = *value == "yes" || *value == "on" || *value == "True" || *value == "1";
    const bool is_no = *value == "no" || *value == "off" || *value == "False" || *value == "0";
    error(fmt::format("'{}' is neither true nor false", shown(*value)), is_yes ? "true" : is_no ? "false" : "");
    return false;
  }
  out = *value == "true";
  return true;
}

bool Field::integer(std::uint64_t& out, IntegerRange range) const {
  const auto value = scalar("a whole number");
  if (!value) return false;
  std::uint64_t x = 0;
  const auto [end, problem] = std::from_chars(value->data(), value->data() + value->size(), x);
  if (problem != std::errc{} || end != value->data() + value->size() || x < range.min || x > range.max) {
    error(fmt::format("'{}' is not allowed; it must be a whole number from {} to {}", shown(*value), range.min,
                      range.max));
    return false;
  }
  out = x;
  return true;
}

bool Field::integer(std::uint32_t& out, IntegerRange range) const {
  std::uint64_t x = 0;
  range.max = std::min<std::uint64_t>(range.max, std::numeric_limits<std::uint32_t>::max());
  if (!integer(x, range)) return false;
  out = static_cast<std::uint32_t>(x);
  return true;
}

bool Field::number(double& out, NumberRange range) const {
  return quantity(out, "", range);
}

bool Field::duration(Duration& out, DurationRange range) const {
  Duration d;
  if (!parsed(d, [this](std::string_view s) { return parse_duration_value(s, context_->day); })) return false;
  if (d < range.min || d > range.max) {
    error(
        fmt::format("{} is not allowed; it must be from {} to {}", text_of(d), text_of(range.min), text_of(range.max)));
    return false;
  }
  out = d;
  return true;
}

bool Field::ratio(double& out, NumberRange range) const {
  double x = 0;
  if (!parsed(x, parse_ratio) || !in_range(x, range, "")) return false;
  out = x;
  return true;
}

bool Field::rate_per_s(double& out, NumberRange range) const {
  double x = 0;
  if (!parsed(x, [this](std::string_view s) { return parse_rate_per_s(s, context_->day); })) return false;
  if (!in_range(x, range, "per second")) return false;
  out = x;
  return true;
}

bool Field::quantity(double& out, std::string_view unit, NumberRange range) const {
  double x = 0;
  if (!parsed(x, [unit](std::string_view s) { return parse_quantity(s, unit); }) || !in_range(x, range, unit))
    return false;
  out = x;
  return true;
}

bool Field::decimal(Decimal& out, std::string_view unit, int decimals) const {
  return parsed(out, [=](std::string_view s) { return parse_decimal(s, unit, decimals); });
}

bool Field::one_of(std::size_t& out, const std::vector<std::string_view>& names) const {
  const auto value = scalar(fmt::format("one of {}", fmt::join(names, ", ")));
  if (!value) return false;
  const auto it = std::find(names.begin(), names.end(), *value);
  if (it == names.end()) {
    error(fmt::format("'{}' is not allowed; it is one of {}", shown(*value), fmt::join(names, ", ")),
          std::string(nearest_name(*value, names)));
    return false;
  }
  out = static_cast<std::size_t>(it - names.begin());
  return true;
}

bool Field::names(std::vector<std::string>& out) const {
  if (node_ == nullptr) return false;
  std::vector<std::string> list;
  if (node_->kind != Node::Kind::sequence) {
    if (!name(list.emplace_back())) return false;
  } else {
    bool all = !node_->sequence.empty();
    if (!all) error("the list is empty; it must hold at least one name");
    for (std::size_t i = 0; i < node_->sequence.size(); ++i) {
      all &= Field(&node_->sequence[i], fmt::format("{}[{}]", path_, i), context_).name(list.emplace_back());
    }
    if (!all) return false;
  }
  out = std::move(list);
  return true;
}

bool Field::is_map() const {
  if (node_ == nullptr) return false;
  if (node_->kind == Node::Kind::map) return true;
  error(fmt::format("expected a map of keys and values, got {}", what_is(*node_)));
  return false;
}

Section::Section(const Node& node, std::string path, Context& context)
    : node_(&node), path_(std::move(path)), context_(&context) {
  if (!Field(&node, path_, &context).is_map()) node_ = nullptr;
}

Section::Section(const Field& field, Context& context)
    : node_(field.is_map() ? field.node() : nullptr), path_(field.path()), context_(&context) {}

Section::~Section() {
  if (node_ == nullptr || !reports_unknown_) return;
  for (const Node::Entry& entry : node_->map) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    const std::string_view nearest = nearest_name(entry.key, known_);
    const std::string keys = nearest.empty() ? fmt::format("; the keys here are {}", fmt::join(known_, ", ")) : "";
    context_->report.error(entry.mark, path_, fmt::format("unknown key '{}'{}", shown(entry.key), keys),
                           std::string(nearest));
  }
}

std::string Section::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

Field Section::optional(std::string_view key) {
  known_.push_back(key);
  return {node_ == nullptr ? nullptr : node_->find(key), path_of(key), context_};
}

Field Section::required(std::string_view key, std::string_view what) {
  Field field = optional(key);
  if (node_ != nullptr && !field.is_given()) {
    context_->report.error(node_->mark, path_, fmt::format("'{}' is missing: {}", key, what));
  }
  return field;
}

void Section::error(std::string message, std::string nearest) const {
  if (node_ != nullptr) context_->report.error(node_->mark, path_, std::move(message), std::move(nearest));
}

void Section::each(const Field& field, Context& context,
                   const std::function<void(const std::string&, const Field&)>& read) {
  if (!field.is_map()) return;
  for (const Node::Entry& entry : field.node()->map) {
    Node key;
    key.kind = Node::Kind::scalar;
    key.mark = entry.mark;
    key.scalar = entry.key;
    std::string name;
    if (!Field(&key, field.path(), &context).name(name)) continue;
    read(name, Field(&entry.value, fmt::format("{}.{}", field.path(), name), &context));
  }
}

}  // namespace homeostat::config
