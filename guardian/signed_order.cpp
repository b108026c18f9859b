#include "guardian/signed_order.hpp"

#include <algorithm>
#include <charconv>

#include "core/format.hpp"

namespace homeostat::guardian {
namespace {

constexpr std::string_view kTitle = "homeostat order 1";
constexpr std::size_t kNonceDigits = 32;

/// Which lines a command has beside reason, in their order.
struct Lines {
  bool target = false, value = false, shift = false, until = false, id = false;
  bool until_is_optional = false;
};

Lines lines_of(CommandKind kind) {
  switch (kind) {
    case CommandKind::pause: return {.target = true, .until = true, .until_is_optional = true};
    case CommandKind::override_value: return {.target = true, .value = true, .until = true};
    case CommandKind::shift_setpoint: return {.target = true, .shift = true, .until = true};
    case CommandKind::resume:
    case CommandKind::clear_override:
    case CommandKind::clear_shift:
    case CommandKind::clear_halt:
    case CommandKind::allow_policy: return {.target = true};
    case CommandKind::emergency_on: return {.until = true, .until_is_optional = true};
    case CommandKind::emergency_off: return {};
    case CommandKind::veto:
    case CommandKind::release:
    case CommandKind::approve:
    case CommandKind::reject: return {.id = true};
  }
  return {};
}

/// Reads the text line by line; the first thing that is not as expected is the error.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool next_is(std::string_view name) const {
    return rest_.starts_with(name) && rest_.substr(name.size()).starts_with(": ");
  }
  /// The value of the line `name: value`.
  Result<std::string> value(std::string_view name) {
    if (!next_is(name)) return expected("'" + std::string(name) + ": ...'");
    rest_.remove_prefix(name.size() + 2);
    return line();
  }
  Result<std::string> line() {
    ++number_;
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return expected("a line that ends with a line feed");
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }
  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }
  [[nodiscard]] tl::unexpected<Error> expected(const std::string& what) const {
    return fail(ErrorCode::malformed, "line " + std::to_string(number_ + 1), "expected " + what);
  }
  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& what) const {
    return fail(ErrorCode::malformed, "line " + std::to_string(number_), what);
  }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;  ///< of the last line read
};

Result<CommandKind> kind_of(const LineReader& in, std::string_view name) {
  std::string known;
  for (std::size_t i = 0; i < kCommandKindCount; ++i) {
    const auto kind = static_cast<CommandKind>(i);
    if (word_of(kind) == name) return kind;
    known += (i == 0 ? "" : ", ") + std::string(word_of(kind));
  }
  return in.wrong("there is no command '" + std::string(name) + "'; there are " + known);
}

Result<Instant> instant_of(LineReader& in, std::string_view name) {
  const auto text = in.value(name);
  if (!text) return tl::make_unexpected(text.error());
  const auto instant = parse_instant(*text);
  if (!instant) return in.wrong(instant.error().message);
  return *instant;
}

template <class Number>
Result<Number> number_of(LineReader& in, std::string_view name, const char* what) {
  const auto text = in.value(name);
  if (!text) return tl::make_unexpected(text.error());
  Number number{};
  const char* end = text->data() + text->size();
  if (const auto [rest, error] = std::from_chars(text->data(), end, number); error != std::errc{} || rest != end) {
    return in.wrong("'" + *text + "' is not " + what);
  }
  return number;
}

/// Reads into `out`, or keeps the error and reads nothing more.
struct Steps {
  Result<> outcome;

  template <class T>
  Steps& read(T& out, Result<T> made) {
    if (!outcome) return *this;
    if (made) {
      out = *std::move(made);
    } else {
      outcome = tl::make_unexpected(made.error());
    }
    return *this;
  }
};

Result<> read_command(LineReader& in, Command& command) {
  const auto name = in.value("command");
  if (!name) return tl::make_unexpected(name.error());
  const auto kind = kind_of(in, *name);
  if (!kind) return tl::make_unexpected(kind.error());
  command.kind = *kind;
  const Lines lines = lines_of(*kind);
  Steps steps;
  if (lines.target) steps.read(command.target, in.value("target"));
  if (steps.outcome && lines.value) {
    const auto text = in.value("value");
    if (!text) return tl::make_unexpected(text.error());
    const auto value = Decimal::parse(*text, Decimal::kDecimalsMax);
    if (!value) return in.wrong(value.error().message);
    command.value = *value;
  }
  if (steps.outcome && lines.shift) steps.read(command.shift, number_of<double>(in, "shift", "a number"));
  if (steps.outcome && lines.until && !(lines.until_is_optional && !in.next_is("until"))) {
    steps.read(command.until, instant_of(in, "until"));
  }
  if (steps.outcome && lines.id) steps.read(command.id, number_of<std::uint64_t>(in, "id", "an id"));
  if (steps.outcome) steps.read(command.reason, in.value("reason"));
  return steps.outcome;
}

bool is_nonce(std::string_view text) {
  return text.size() == kNonceDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string text_of(const SignedOrder& order) {
  const Command& c = order.command;
  const Lines lines = lines_of(c.kind);
  std::string text(kTitle);
  const auto add = [&text](std::string_view name, std::string_view value) {
    text.append("\n").append(name).append(": ").append(value);
  };
  add("policy", order.policy);
  add("key", order.key);
  add("nonce", order.nonce);
  add("expires", homeostat::text_of(order.expires));
  add("command", word_of(c.kind));
  if (lines.target) add("target", c.target);
  if (lines.value) add("value", c.value ? c.value->to_string() : "");
  if (lines.shift) add("shift", homeostat::text_of(c.shift));
  if (lines.until && !(lines.until_is_optional && c.until.is_never())) add("until", homeostat::text_of(c.until));
  if (lines.id) add("id", std::to_string(c.id));
  add("reason", c.reason);
  return text + "\n";
}

Result<SignedOrder> parse_signed_order(std::string_view text) {
  if (text.size() > kSignedTextMax) {
    return fail(ErrorCode::out_of_range, "order",
                "has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(kSignedTextMax));
  }
  LineReader in(text);
  if (const auto title = in.line(); !title || *title != kTitle) {
    return fail(ErrorCode::malformed, "line 1", "expected '" + std::string(kTitle) + "'");
  }
  SignedOrder order;
  Steps steps;
  steps.read(order.policy, in.value("policy"));
  if (steps.outcome) steps.read(order.key, in.value("key"));
  if (steps.outcome) steps.read(order.nonce, in.value("nonce"));
  if (steps.outcome && !is_nonce(order.nonce)) return in.wrong("a nonce is 32 hexadecimal digits in lower case");
  if (steps.outcome) steps.read(order.expires, instant_of(in, "expires"));
  if (!steps.outcome) return tl::make_unexpected(steps.outcome.error());
  if (auto ok = read_command(in, order.command); !ok) return tl::make_unexpected(ok.error());
  if (!in.is_at_end()) return in.expected("the end of the order");
  if (text_of(order) != text) {
    return fail(ErrorCode::malformed, "order",
                "is not in its one form: times in UTC as 2026-11-21T07:00:00Z, numbers in their shortest form");
  }
  return order;
}

}  // namespace homeostat::guardian
