#include "cli/conformance/fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "core/text.hpp"

namespace homeostat::conformance {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& s) {
  return {s.data(), s.size()};
}

std::string kind_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "a boolean";
    case json::kind::int64:
    case json::kind::uint64: return "an integer";
    case json::kind::double_: return "a number with a point or exponent, or beyond 64 bits";
    case json::kind::string: return "text";
    case json::kind::array: return "a list";
    case json::kind::object: return "an object";
  }
  return "?";
}

}  // namespace

std::optional<Int> int_of(const json::value& value) {
  if (value.is_int64()) return Int{value.get_int64()};
  if (value.is_uint64()) return Int{value.get_uint64()};
  if (value.is_string()) return controller::parse_int(view(value.get_string()));
  return std::nullopt;
}

std::optional<double> real_of(const json::value& value) {
  if (value.is_double()) return std::isfinite(value.get_double()) ? std::optional(value.get_double()) : std::nullopt;
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = view(value.get_string());
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(x)) return std::nullopt;
  return x;
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

void Fields::refuse(std::string_view name, std::string message, ErrorCode code) {
  error_->note(code, path_of(name), std::move(message));
}

const json::value* Fields::find(std::string_view name, bool is_required) {
  asked_.push_back(name);
  const json::value* value = object_->if_contains(name);
  if (value == nullptr && is_required) refuse(name, "is missing", ErrorCode::missing);
  return value;
}

Int Fields::integer(std::string_view name, std::optional<Int> otherwise) {
  const json::value* value = find(name, !otherwise);
  if (value == nullptr) return otherwise.value_or(Int{0});
  const auto x = int_of(*value);
  if (!x || !controller::is_int256(*x)) {
    refuse(name,
           fmt::format("must be a whole number within -2^255..2^255-1 as a decimal string or a JSON integer, not {}",
                       kind_of(*value)));
    return 0;
  }
  return *x;
}

Int Fields::natural(std::string_view name, std::optional<Int> otherwise) {
  const json::value* value = find(name, !otherwise);
  if (value == nullptr) return otherwise.value_or(Int{0});
  const auto x = int_of(*value);
  if (!x || !controller::is_uint256(*x)) {
    refuse(name, fmt::format("must be a whole number within 0..2^256-1 as a decimal string or a JSON integer, not {}",
                             x ? "a negative one" : kind_of(*value)));
    return 0;
  }
  return *x;
}

std::uint64_t Fields::seconds(std::string_view name, std::optional<std::uint64_t> otherwise) {
  const json::value* value = find(name, !otherwise);
  if (value == nullptr) return otherwise.value_or(0);
  const auto x = int_of(*value);
  if (!x || *x < 0 || *x > kSecondsMax) {
    refuse(name, fmt::format("must be whole seconds within 0..{}", kSecondsMax));
    return 0;
  }
  return static_cast<std::uint64_t>(*x);
}

bool Fields::flag(std::string_view name, std::optional<bool> otherwise) {
  const json::value* value = find(name, !otherwise);
  if (value == nullptr) return otherwise.value_or(false);
  if (value->is_bool()) return value->get_bool();
  const auto x = int_of(*value);
  if (!x || (*x != 0 && *x != 1)) refuse(name, "must be true or false (or \"1\" or \"0\")");
  return x && *x == 1;
}

std::string Fields::text(std::string_view name, std::optional<std::string> otherwise) {
  const json::value* value = find(name, !otherwise);
  if (value == nullptr) return otherwise.value_or("");
  if (!value->is_string()) {
    refuse(name, fmt::format("must be text, not {}", kind_of(*value)));
    return "";
  }
  return std::string(view(value->get_string()));
}

namespace {
std::string words_of(double min, double max) {
  if (min == -kRealMax && max == kRealMax) return "";
  if (max == kRealMax) return fmt::format(" of at least {}", min);
  return fmt::format(" within {}..{}", min, max);
}
}  // namespace

double Fields::real(std::string_view name, std::optional<double> otherwise, double min, double max) {
  const json::value* value = find(name, !otherwise);
  if (value == nullptr) return otherwise.value_or(min > 0 ? min : 0);
  const auto x = real_of(*value);
  if (x && *x >= min && *x <= max) return *x;
  refuse(name, fmt::format("must be a number{} as a decimal string or a JSON number, not {}", words_of(min, max),
                           x ? fmt::format("{}", *x) : kind_of(*value)));
  return 0;
}

std::vector<double> Fields::reals(std::string_view name, double min, double max) {
  std::vector<double> out;
  const json::value* value = find(name, true);
  if (value == nullptr) return out;
  if (!value->is_array() || value->get_array().empty() || value->get_array().size() > kRealsMax) {
    refuse(name, fmt::format("must be a list of 1..{} numbers", kRealsMax));
    return out;
  }
  for (const json::value& item : value->get_array()) {
    const auto x = real_of(item);
    if (!x || *x < min || *x > max) {
      refuse(fmt::format("{}[{}]", name, out.size()),
             fmt::format("must be a number{} as a decimal string or a JSON number, not {}", words_of(min, max),
                         x ? fmt::format("{}", *x) : kind_of(item)));
      break;
    }
    out.push_back(*x);
  }
  return out;
}

std::size_t Fields::count(std::string_view name, std::size_t min, std::size_t max,
                          std::optional<std::size_t> otherwise) {
  const json::value* value = find(name, !otherwise);
  if (value == nullptr) return otherwise.value_or(min);
  const auto x = int_of(*value);
  if (!x || *x < min || *x > max) {
    refuse(name, fmt::format("must be a whole number within {}..{}", min, max));
    return min;
  }
  return static_cast<std::size_t>(*x);
}

const json::object* Fields::object_if(std::string_view name) {
  const json::value* value = find(name, false);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) refuse(name, fmt::format("must be an object, not {}", kind_of(*value)));
  return value->if_object();
}

Fields Fields::object(std::string_view name) {
  static const json::object kNone;
  const json::object* found = object_if(name);
  if (found == nullptr) refuse(name, "is missing", ErrorCode::missing);
  return {found == nullptr ? kNone : *found, path_of(name), *error_};
}

std::vector<Fields> Fields::objects(std::string_view name) {
  std::vector<Fields> out;
  const json::value* value = find(name, true);
  if (value == nullptr) return out;
  if (!value->is_array() || value->get_array().empty() || value->get_array().size() > kStepsMax) {
    refuse(name, fmt::format("must be a list of 1..{} objects", kStepsMax));
    return out;
  }
  const json::array& list = value->get_array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", path_of(name), i);
    if (!list[i].is_object()) {
      error_->note(ErrorCode::malformed, path, fmt::format("must be an object, not {}", kind_of(list[i])));
      break;
    }
    out.emplace_back(list[i].get_object(), path, *error_);
  }
  return out;
}

void Fields::finish() {
  for (const auto& [key, value] : *object_) {
    const std::string_view name(key.data(), key.size());
    if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
    refuse(name, "is not a field of this kind" + did_you_mean(name, asked_), ErrorCode::unknown_name);
    return;
  }
}

}  // namespace homeostat::conformance
