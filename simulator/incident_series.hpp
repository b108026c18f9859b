// A recorded or invented market incident, as a series of what each source said and what was true.
//
// File format (`"schema": "oracle-incidents/1"`): a JSON object with `incidents`, each with id, asset, t0 (RFC 3339),
// interp
// (`linear` or `step`), baseline_s (that many seconds of the first row come before it, as calm history), csv and,
// for real moves that must be followed, must_track {max_lag_s, max_rel_err_after_lag}.
// csv: a header and rows; t_s is seconds after t0, `true` the best public estimate of the truth; the columns naive,
// naive_*, basis are not sources; `<source>_age_s` and `<source>_conf` are that source's own age and confidence; every
// other column is a source, and an empty cell means that it is offline from then on until its next value. Nothing else
// of the file (id, kind, title, ...) can reach a decision: it is text for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::simulator {

inline constexpr std::size_t kIncidentFileMax = 64u << 20;  ///< bytes
inline constexpr std::size_t kIncidentsMax = 10'000;
inline constexpr std::size_t kIncidentSourcesMax = 64;
inline constexpr std::size_t kIncidentRowsMax = 1'000'000;

struct MustTrack {
  double lag_s = 0;        ///< from here on ...
  double error_ratio = 0;  ///< ... the reading must be this near to the truth
};

/// What one source says in one row.
struct IncidentCell {
  bool online = false;
  double value = 0;
  double age_s = 0;
  double confidence = 0;  ///< 0 = none stated
};

struct IncidentRow {
  double t_s = 0;
  double truth = 0;
  std::vector<IncidentCell> cells;  ///< by source
};

struct IncidentSeries {
  std::string id;
  std::string asset;
  std::string title;
  Instant t0;
  bool is_linear = false;  ///< between rows; otherwise a row holds until the next
  double baseline_s = 0;
  std::optional<MustTrack> must_track;
  std::vector<std::string> sources;
  std::vector<IncidentRow> rows;  ///< at least one; t_s ascends

  [[nodiscard]] double begin_s() const { return rows.front().t_s - baseline_s; }
  [[nodiscard]] double end_s() const { return rows.back().t_s; }
  /// The row at any time: interpolated, or the last one before it. Before the first row it is the first.
  [[nodiscard]] IncidentRow at(double t_s) const;
};

/// Every incident of a file's text; the error names the incident and the line of its csv.
[[nodiscard]] Result<std::vector<IncidentSeries>> parse_incidents(std::string_view json);

/// The series as csv text of the same schema (without ages and confidences that are all zero).
[[nodiscard]] std::string csv_of(const IncidentSeries& series);

}  // namespace homeostat::simulator
