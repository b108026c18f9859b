#include "cli/conformance/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "cli/conformance/fields.hpp"
#include "core/format.hpp"
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

const Quantity* quantity_of(const Row& row, std::string_view name) {
  const auto found =
      std::find_if(row.quantities.begin(), row.quantities.end(), [&](const Quantity& q) { return q.name == name; });
  return found == row.quantities.end() ? nullptr : &*found;
}

/// What a record says about a quantity, beside its inputs or in `expect`; null if nothing.
const json::value* expected_of(const Row& row, const Quantity& quantity) {
  if (quantity.expected != nullptr) return quantity.expected;
  return row.expected == nullptr ? nullptr : row.expected->if_contains(quantity.name);
}

bool expects_anything(const Row& row) {
  return row.expected != nullptr || row.has_expected;
}

Result<> check_form(const std::string& path, const Quantity& quantity, const json::value& expected) {
  const auto is_real = [](const json::value& x) { return real_of(x).has_value(); };
  const auto wrong = [&](std::string what) { return fail(ErrorCode::malformed, path, "must be " + std::move(what)); };
  if (quantity.word) {
    if (!expected.is_string()) return wrong("text");
  } else if (quantity.is_list) {
    if (!expected.is_array() || expected.get_array().size() != quantity.reals.size() ||
        !std::all_of(expected.get_array().begin(), expected.get_array().end(), is_real)) {
      return wrong(fmt::format("a list of {} numbers", quantity.reals.size()));
    }
  } else if (!is_real(expected)) {
    return wrong("a number as a decimal string or JSON number");
  }
  return {};
}

Result<> check_names(const Row& row, const std::vector<std::string_view>& names) {
  for (const Quantity& quantity : row.quantities) {
    if (quantity.expected == nullptr) continue;
    const std::string path = fmt::format("{}{}{}", row.path, row.path.empty() ? "" : ".", quantity.name);
    if (auto ok = check_form(path, quantity, *quantity.expected); !ok) return ok;
  }
  if (row.expected == nullptr) return {};
  for (const auto& [key, value] : *row.expected) {
    const std::string_view name(key.data(), key.size());
    if (name == kReverts) continue;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return fail(ErrorCode::unknown_name, path_of(row, name),
                  fmt::format("is not computed by this kind{}; it computes {}", did_you_mean(name, names),
                              fmt::join(names, ", ")));
    }
    if (const Quantity* quantity = quantity_of(row, name); quantity != nullptr) {
      if (auto ok = check_form(path_of(row, name), *quantity, value); !ok) return ok;
    } else if (row.reverts.empty() && !normalised(value)) {
      return fail(ErrorCode::malformed, path_of(row, name), "must be a whole number as a decimal string or integer");
    }
  }
  return {};
}

std::string text_of_reals(const Quantity& quantity) {
  if (!quantity.is_list) return text_of(quantity.reals.front());
  std::string out;
  for (const double x : quantity.reals) out += (out.empty() ? "" : ", ") + text_of(x);
  return "[" + out + "]";
}

std::string text_of_expected(const json::value& expected) {
  return expected.is_string() ? std::string(expected.get_string().data(), expected.get_string().size())
                              : json::serialize(expected);
}

/// Compares one real; the worst of its row is kept.
bool agrees(double computed, double expected, const Tolerance& tolerance, double& worst, std::string& note) {
  const double allowed = std::max(tolerance.absolute, tolerance.relative * std::fabs(expected));
  const double off = std::fabs(computed - expected);
  if (off == 0) return true;
  worst = std::max(worst, allowed > 0 ? off / allowed : kRealMax);
  if (off <= allowed) return true;  // false for NaN
  if (note.empty()) note = fmt::format("off by {:.3g}, allowed {:.3g}", off, allowed);
  return false;
}

void judge_quantity(const Row& row, const Quantity& quantity, const json::value& expected, Verdict& verdict) {
  std::string note;
  bool is_same = true;
  if (quantity.word) {
    is_same = text_of_expected(expected) == *quantity.word;
  } else {
    for (std::size_t i = 0; i < quantity.reals.size(); ++i) {
      const json::value& x = quantity.is_list ? expected.get_array()[i] : expected;
      is_same = agrees(quantity.reals[i], *real_of(x), quantity.tolerance, verdict.worst, note) && is_same;
      ++verdict.reals;
    }
  }
  if (is_same) return;
  verdict.differences.push_back({row.path, std::string(quantity.name), text_of_expected(expected),
                                 quantity.word ? *quantity.word : text_of_reals(quantity), note});
}

void judge_row(const Row& row, Verdict& verdict) {
  const std::size_t before = verdict.differences.size();
  const bool is_revert_expected = row.expected != nullptr && row.expected->contains(kReverts);
  const auto differ = [&](std::string_view name, std::string expected, std::string computed) {
    verdict.differences.push_back({row.path, std::string(name), std::move(expected), std::move(computed)});
  };
  if (!row.reverts.empty() || is_revert_expected) {
    if (row.reverts.empty()) differ(kReverts, "reverts", "does not revert");
    if (!is_revert_expected) differ(kReverts, "does not revert", row.reverts);
  } else {
    for (const auto& [name, computed] : row.values) {
      const json::value* expected = row.expected == nullptr ? nullptr : row.expected->if_contains(name);
      if (expected == nullptr) continue;
      if (std::string text = *normalised(*expected); text != computed) differ(name, std::move(text), computed);
    }
    for (const Quantity& quantity : row.quantities) {
      if (const json::value* expected = expected_of(row, quantity); expected != nullptr) {
        judge_quantity(row, quantity, *expected, verdict);
      }
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
  for (const Quantity& q : row.quantities) {
    out += fmt::format("{}\"{}\": {}", out.empty() ? "" : ", ", q.name,
                       q.word ? json::serialize(json::string(*q.word)) : text_of_reals(q));
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
      for (const Quantity& quantity : row.quantities) names.push_back(quantity.name);
    }
  }
  Verdict verdict;
  for (const Row& row : computed.rows) {
    if (!expects_anything(row)) continue;
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
  reals += verdict.reals;
  worst = std::max(worst, verdict.worst);
}

void Tally::add(const Tally& other) {
  records += other.records;
  passed += other.passed;
  failed += other.failed;
  rows += other.rows;
  rows_passed += other.rows_passed;
  reals += other.reals;
  worst = std::max(worst, other.worst);
}

Result<json::object> parse_record(std::string_view line) {
  auto value = parsed(line);
  if (!value) return tl::make_unexpected(Error{value.error().code, "", value.error().message});
  if (!value->is_object()) return fail(ErrorCode::malformed, "", "must be a JSON object");
  return std::move(value->get_object());
}

namespace {

Result<> add_records(std::string_view name, json::value& list, std::vector<json::object>& records) {
  if (!list.is_array()) return fail(ErrorCode::malformed, std::string(name), "must be a list of records");
  json::array& items = list.get_array();
  if (items.size() > kRecordsMax - records.size()) {
    return fail(ErrorCode::resource_exhausted, std::string(name),
                fmt::format("must have at most {} records", kRecordsMax));
  }
  for (json::value& item : items) {
    if (!item.is_object()) {
      return fail(ErrorCode::malformed, fmt::format("record {}", records.size()), "must be an object");
    }
    records.push_back(std::move(item.get_object()));
  }
  return {};
}

/// A document of lists whose names give their records' kind: {"peg": [...], "box": [...]}. A record without a name of
/// its own is called by its place: "peg[3]".
Result<std::vector<json::object>> records_of_lists(json::object& document) {
  std::vector<json::object> records;
  bool has_list = false;
  const auto take = [&](std::string_view name, json::value& value) -> Result<> {
    const Kind* kind = kind_of_list(name);
    if (kind == nullptr) return {};
    has_list = true;
    const std::size_t first = records.size();
    if (value.is_object()) {  // a list of one
      records.push_back(std::move(value.get_object()));
    } else if (auto ok = add_records(name, value, records); !ok) {
      return ok;
    }
    value = nullptr;  // taken: not to be looked into again
    for (std::size_t i = first; i < records.size(); ++i) {
      if (!records[i].contains("kind")) records[i]["kind"] = json::string_view(kind->name);
      if (!records[i].contains("id")) records[i]["id"] = fmt::format("{}[{}]", name, i - first);
    }
    return {};
  };
  for (auto& [key, value] : document) {
    const std::string_view name(key.data(), key.size());
    if (auto ok = take(name, value); !ok) return tl::make_unexpected(ok.error());
    if (!value.is_object()) continue;
    for (auto& [inner_key, inner] : value.get_object()) {  // lists of one subject: "commitment.staking"
      if (auto ok = take(fmt::format("{}.{}", name, std::string_view(inner_key)), inner); !ok) {
        return tl::make_unexpected(ok.error());
      }
    }
  }
  if (!has_list) return fail(ErrorCode::missing, "vectors", "is missing: a list of records");
  return records;
}

}  // namespace

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
    if (list == nullptr) return records_of_lists(top);
  }
  std::vector<json::object> records;
  if (auto ok = add_records("vectors", *list, records); !ok) return tl::make_unexpected(ok.error());
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
