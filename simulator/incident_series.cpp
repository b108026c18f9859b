#include "simulator/incident_series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "core/format.hpp"
#include "core/text.hpp"

namespace homeostat::simulator {
namespace {

namespace json = boost::json;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\r' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() > end.size() && text.substr(text.size() - end.size()) == end;
}

enum class Role : std::uint8_t { ignored, time, truth, value, age, confidence };

struct Columns {
  struct Column {
    Role role = Role::ignored;
    std::size_t source = 0;
  };
  std::vector<Column> columns;
  std::vector<std::string> sources;
};

Result<Columns> read_header(std::string_view line) {
  Columns found;
  const auto names = split(line, ',');
  const auto is_ours = [](std::string_view n) {
    return n == "t_s" || n == "true" || n == "basis" || n == "naive" || n.rfind("naive_", 0) == 0;
  };
  const auto is_source = [&](std::string_view n) {
    if (is_ours(n)) return false;
    const auto belongs = [&](std::string_view suffix) {
      return ends_with(n, suffix) && std::any_of(names.begin(), names.end(), [&](std::string_view other) {
               return trimmed(other) == n.substr(0, n.size() - suffix.size());
             });
    };
    return !belongs("_age_s") && !belongs("_conf");
  };
  for (const std::string_view raw : names) {
    const std::string_view n = trimmed(raw);
    if (n.empty()) return fail(ErrorCode::malformed, "csv", "a column has no name");
    if (is_source(n)) found.sources.emplace_back(n);
  }
  const auto source_of = [&](std::string_view n, std::string_view suffix) {
    const std::string_view name = n.substr(0, n.size() - suffix.size());
    return static_cast<std::size_t>(std::find(found.sources.begin(), found.sources.end(), name) -
                                    found.sources.begin());
  };
  for (const std::string_view raw : names) {
    const std::string_view n = trimmed(raw);
    Columns::Column column;
    if (n == "t_s") column.role = Role::time;
    if (n == "true") column.role = Role::truth;
    if (is_source(n))
      column = {Role::value, source_of(n, "")};
    else if (!is_ours(n))
      column = ends_with(n, "_conf") ? Columns::Column{Role::confidence, source_of(n, "_conf")}
                                     : Columns::Column{Role::age, source_of(n, "_age_s")};
    found.columns.push_back(column);
  }
  const auto count = [&](Role role) {
    return std::count_if(found.columns.begin(), found.columns.end(), [&](const auto& c) { return c.role == role; });
  };
  if (count(Role::time) != 1 || count(Role::truth) != 1) {
    return fail(ErrorCode::malformed, "csv", "needs one column t_s and one column true");
  }
  if (found.sources.empty() || found.sources.size() > kIncidentSourcesMax) {
    return fail(ErrorCode::out_of_range, "csv",
                fmt::format("has {} sources, allowed are 1..{}", found.sources.size(), kIncidentSourcesMax));
  }
  return found;
}

Result<IncidentRow> read_row(std::string_view line, const Columns& columns) {
  const auto cells = split(line, ',');
  if (cells.size() != columns.columns.size()) {
    return fail(ErrorCode::malformed, "csv",
                fmt::format("has {} cells under {} columns", cells.size(), columns.columns.size()));
  }
  IncidentRow row;
  row.cells.resize(columns.sources.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto& column = columns.columns[i];
    if (column.role == Role::ignored) continue;
    const std::string text(trimmed(cells[i]));
    if (text.empty()) {
      if (column.role == Role::time || column.role == Role::truth) {
        return fail(ErrorCode::malformed, "csv", "has no t_s or no true");
      }
      continue;
    }
    char* end = nullptr;
    const double x = std::strtod(text.c_str(), &end);
    if (*end != '\0' || !std::isfinite(x)) {
      return fail(ErrorCode::malformed, "csv", fmt::format("'{}' is not a finite number", text));
    }
    switch (column.role) {
      case Role::ignored: break;
      case Role::time: row.t_s = x; break;
      case Role::truth: row.truth = x; break;
      case Role::value: row.cells[column.source].online = true, row.cells[column.source].value = x; break;
      case Role::age: row.cells[column.source].age_s = x; break;
      case Role::confidence: row.cells[column.source].confidence = x; break;
    }
  }
  if (row.truth == 0) return fail(ErrorCode::out_of_range, "csv", "true is 0, to which no relative error exists");
  return row;
}

Result<> read_csv(std::string_view text, IncidentSeries& series) {
  std::optional<Columns> columns;
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (trimmed(line).empty()) continue;
    const auto at_line = [&](const Error& e) {
      return fail(e.code, e.where, fmt::format("line {}: {}", number, e.message));
    };
    if (!columns) {
      auto header = read_header(line);
      if (!header) return at_line(header.error());
      columns = std::move(*header);
      continue;
    }
    auto row = read_row(line, *columns);
    if (!row) return at_line(row.error());
    if (!series.rows.empty() && row->t_s <= series.rows.back().t_s) {
      return at_line(Error{ErrorCode::malformed, "csv", "t_s must be above that of the line before"});
    }
    if (series.rows.size() == kIncidentRowsMax) {
      return at_line(Error{ErrorCode::out_of_range, "csv", fmt::format("more than {} rows", kIncidentRowsMax)});
    }
    series.rows.push_back(std::move(*row));
  }
  if (!columns || series.rows.empty()) return fail(ErrorCode::malformed, "csv", "has no row");
  series.sources = std::move(columns->sources);
  return {};
}

std::string text_under(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::optional<double> number_under(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

Result<IncidentSeries> read_incident(const json::object& object) {
  IncidentSeries series;
  series.id = text_under(object, "id");
  series.asset = text_under(object, "asset");
  series.title = text_under(object, "title");
  if (series.id.empty()) return fail(ErrorCode::malformed, "id", "is missing");
  if (series.asset.empty()) return fail(ErrorCode::malformed, "asset", "is missing; it decides which metric judges it");
  const std::string t0 = text_under(object, "t0");
  if (!t0.empty()) {
    const auto time = parse_instant(t0);
    if (!time) return fail(ErrorCode::malformed, "t0", time.error().message);
    series.t0 = *time;
  } else {
    series.t0 = Instant::from_unix_seconds(1'600'000'000);
  }
  const std::string interp = text_under(object, "interp");
  if (interp != "linear" && interp != "step") {
    return fail(ErrorCode::malformed, "interp", fmt::format("is '{}', must be linear or step", interp));
  }
  series.is_linear = interp == "linear";
  series.baseline_s = number_under(object, "baseline_s").value_or(0);
  if (!(series.baseline_s >= 0 && series.baseline_s <= 366 * 86400.0)) {
    return fail(ErrorCode::out_of_range, "baseline_s", "must be 0 .. 366 days");
  }
  if (const json::value* must = object.if_contains("must_track"); must != nullptr && must->is_object()) {
    const auto lag = number_under(must->as_object(), "max_lag_s");
    const auto error = number_under(must->as_object(), "max_rel_err_after_lag");
    if (!lag || !error) return fail(ErrorCode::malformed, "must_track", "needs max_lag_s and max_rel_err_after_lag");
    series.must_track = MustTrack{*lag, *error};
  }
  if (auto read = read_csv(text_under(object, "csv"), series); !read) return tl::make_unexpected(read.error());
  return series;
}

double between(double a, double b, double share) {
  return a + (b - a) * share;
}

}  // namespace

IncidentRow IncidentSeries::at(double t_s) const {
  const auto after =
      std::upper_bound(rows.begin(), rows.end(), t_s, [](double t, const IncidentRow& row) { return t < row.t_s; });
  if (after == rows.begin()) return rows.front();
  const IncidentRow& from = *(after - 1);
  if (!is_linear || after == rows.end()) return from;
  const double share = (t_s - from.t_s) / (after->t_s - from.t_s);
  IncidentRow row = from;
  row.t_s = t_s;
  row.truth = between(from.truth, after->truth, share);
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    // A source that goes offline says what it last said until then.
    if (!from.cells[i].online || !after->cells[i].online) continue;
    row.cells[i].value = between(from.cells[i].value, after->cells[i].value, share);
    row.cells[i].age_s = between(from.cells[i].age_s, after->cells[i].age_s, share);
    row.cells[i].confidence = between(from.cells[i].confidence, after->cells[i].confidence, share);
  }
  return row;
}

Result<std::vector<IncidentSeries>> parse_incidents(std::string_view text) {
  if (text.size() > kIncidentFileMax) {
    return fail(ErrorCode::out_of_range, "file",
                fmt::format("has {} bytes, allowed are {}", text.size(), kIncidentFileMax));
  }
  boost::system::error_code error;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return fail(ErrorCode::malformed, "file", "is not JSON: " + error.message());
  const json::object* root = document.if_object();
  const json::value* list = root == nullptr ? nullptr : root->if_contains("incidents");
  if (list == nullptr || !list->is_array()) {
    return fail(ErrorCode::malformed, "file", "has no list 'incidents'; is it of the schema oracle-incidents/1?");
  }
  if (list->as_array().size() > kIncidentsMax) {
    return fail(ErrorCode::out_of_range, "incidents", fmt::format("more than {}", kIncidentsMax));
  }
  std::vector<IncidentSeries> all;
  for (const json::value& item : list->as_array()) {
    const std::string which = fmt::format("incidents[{}]", all.size());
    if (!item.is_object()) return fail(ErrorCode::malformed, which, "is not an object");
    auto series = read_incident(item.as_object());
    if (!series) {
      const std::string id = text_under(item.as_object(), "id");
      return fail(series.error().code, which + (id.empty() ? "" : " (" + id + ")") + "." + series.error().where,
                  series.error().message);
    }
    all.push_back(std::move(*series));
  }
  return all;
}

std::string csv_of(const IncidentSeries& series) {
  std::string csv = "t_s";
  for (const std::string& source : series.sources) csv += "," + source;
  csv += ",true\n";
  for (const IncidentRow& row : series.rows) {
    csv += text_of(row.t_s);
    for (const IncidentCell& cell : row.cells) csv += cell.online ? "," + text_of(cell.value) : ",";
    csv += "," + text_of(row.truth) + "\n";
  }
  return csv;
}

}  // namespace homeostat::simulator
