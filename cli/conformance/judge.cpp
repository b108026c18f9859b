#include "cli/conformance/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "cli/conformance/fields.hpp"
#include "core/text.hpp"

namespace homeostat::conformance {
namespace {

namespace json = boost::json;

constexpr std::string_view kReverts = "reverts";

std::string path_of(const Row& row, std::string_view name) {
  return fmt::format("{}{}expect.{}", row.path, row.path.empty() ? "" : ".", name);
}

/// The expected value as row values are written, or nothing if it is not of that kind.
std::optional<std::string> normalised(const json::value& expected) {
  if (expected.is_bool()) return expected.get_bool() ? "1" : "0";
  const auto x = int_of(expected);
  if (!x) return std::nullopt;
  return controller::text_of(*x);
}

Result<> check_names(const Row& row, const std::vector<std::string_view>& names) {
  for (const auto& [key, value] : *row.expected) {
    const std::string_view name(key.data(), key.size());
    if (name == kReverts) continue;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return fail(ErrorCode::unknown_name, path_of(row, name),
                  fmt::format("is not computed by this kind{}; it computes {}", did_you_mean(name, names),
                              fmt::join(names, ", ")));
    }
    if (!normalised(value)) {
      return fail(ErrorCode::malformed, path_of(row, name), "must be a whole number as a decimal string or integer");
    }
  }
  return {};
}

void judge_row(const Row& row, Verdict& verdict) {
  const std::size_t before = verdict.differences.size();
  const bool is_revert_expected = row.expected->contains(kReverts);
  const auto differ = [&](std::string_view name, std::string expected, std::string computed) {
    verdict.differences.push_back({row.path, std::string(name), std::move(expected), std::move(computed)});
  };
  if (!row.reverts.empty() || is_revert_expected) {
    if (row.reverts.empty()) differ(kReverts, "reverts", "does not revert");
    if (!is_revert_expected) differ(kReverts, "does not revert", row.reverts);
  } else {
    for (const auto& [name, computed] : row.values) {
      const json::value* expected = row.expected->if_contains(name);
      if (expected == nullptr) continue;
      if (std::string text = *normalised(*expected); text != computed) differ(name, std::move(text), computed);
    }
  }
  ++verdict.rows;
  if (verdict.differences.size() == before) ++verdict.rows_passed;
}

std::string object_of(const Row& row) {
  if (!row.reverts.empty()) return fmt::format("{{\"reverts\": {}}}", json::serialize(json::string(row.reverts)));
  std::string out;
  for (const auto& [name, value] : row.values) {
    out += fmt::format("{}\"{}\": \"{}\"", out.empty() ? "" : ", ", name, value);
  }
  return "{" + out + "}";
}

/// Text that JSON takes as it is: long integers as numbers keep their digits only as text.
Result<json::value> parsed(std::string_view text) {
  json::error_code error;
  json::stream_parser parser;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size() && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    error = json::error::extra_data;
  }
  if (!error) parser.finish(error);
  if (error) {
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(used, text.size())), '\n');
    return fail(ErrorCode::malformed, fmt::format("line {}", line + 1), "is not JSON: " + error.message());
  }
  return parser.release();
}

}  // namespace

Result<Verdict> judge(const Computed& computed) {
  std::vector<std::string_view> names;
  for (const Row& row : computed.rows) {
    if (names.empty()) {
      for (const auto& [name, value] : row.values) names.push_back(name);
    }
  }
  Verdict verdict;
  for (const Row& row : computed.rows) {
    if (row.expected == nullptr) continue;
    // When every row reverts nobody knows the names; there is nothing that they could be compared with either.
    if (!names.empty()) {
      if (auto checked = check_names(row, names); !checked) return tl::make_unexpected(checked.error());
    }
    judge_row(row, verdict);
  }
  return verdict;
}

void Tally::add(const Verdict& verdict) {
  ++records;
  ++(verdict.has_passed() ? passed : failed);
  rows += verdict.rows;
  rows_passed += verdict.rows_passed;
}

void Tally::add(const Tally& other) {
  records += other.records;
  passed += other.passed;
  failed += other.failed;
  rows += other.rows;
  rows_passed += other.rows_passed;
}

Result<json::object> parse_record(std::string_view line) {
  auto value = parsed(line);
  if (!value) return tl::make_unexpected(Error{value.error().code, "", value.error().message});
  if (!value->is_object()) return fail(ErrorCode::malformed, "", "must be a JSON object");
  return std::move(value->get_object());
}

Result<std::vector<json::object>> parse_document(std::string_view text) {
  if (text.size() > kFileMax) {
    return fail(ErrorCode::resource_exhausted, "", fmt::format("is longer than {} MiB", kFileMax >> 20));
  }
  auto value = parsed(text);
  if (!value) return tl::make_unexpected(value.error());
  json::value* list = &*value;
  if (value->is_object()) {
    json::object& top = value->get_object();
    if (top.contains("kind")) return std::vector<json::object>{std::move(top)};
    list = top.if_contains("vectors");
    if (list == nullptr) return fail(ErrorCode::missing, "vectors", "is missing: a list of records");
  }
  if (!list->is_array()) return fail(ErrorCode::malformed, "vectors", "must be a list of records");
  json::array& items = list->get_array();
  if (items.size() > kRecordsMax) {
    return fail(ErrorCode::resource_exhausted, "vectors", fmt::format("must have at most {} records", kRecordsMax));
  }
  std::vector<json::object> records;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_object()) return fail(ErrorCode::malformed, fmt::format("record {}", i), "must be an object");
    records.push_back(std::move(items[i].get_object()));
  }
  return records;
}

bool has_lines(std::string_view file_name) {
  const auto ends_with = [&](std::string_view end) {
    return file_name.size() > end.size() && file_name.substr(file_name.size() - end.size()) == end;
  };
  return ends_with(".jsonl") || ends_with(".ndjson");
}

std::string line_of(const Computed& computed, const Verdict& verdict) {
  std::string out = fmt::format("{{\"id\": {}, \"kind\": {}, ", json::serialize(json::string(computed.id)),
                                json::serialize(json::string(computed.kind)));
  if (computed.has_steps) {
    std::string steps;
    for (const Row& row : computed.rows) steps += (steps.empty() ? "" : ", ") + object_of(row);
    out += fmt::format("\"steps\": [{}]", steps);
  } else {
    out += fmt::format("\"computed\": {}", object_of(computed.rows.front()));
  }
  return out + fmt::format(", \"passed\": {}}}", verdict.rows == 0 ? "null" : verdict.has_passed() ? "true" : "false");
}

}  // namespace homeostat::conformance
