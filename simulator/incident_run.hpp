// What an oracle makes of an incident: the series is fed to a real oracle::Oracle sample by sample, its reading is
// compared with the truth at every evaluation, and the whole is judged.
//
// Every `period` each online source sends one sample stamped with its own time (now minus its age, if the series
// states one), then the metric is evaluated. The metric is one of the configuration's, chosen by its `incidents`
// rules from the asset's name alone; the columns of the series take the place of its sources.
//
// Words. Error: |reading - truth| / |truth|. Trusted: the quality is not halted; so a held or stale reading, on which
// nothing acts, still counts against the error. Acting: the quality is usable. Cause: at least one source is offline or
// more than 5 % from the truth. It has ended when no source is; a series may have several.
//
// Accepted:
//  1. While trusted the error never exceeds 10 %.                                (series without must_track)
//  2. No reading is halted for more than 30 min on end without a cause: counted from the end of the last cause, or
//     from the halt's own beginning if that is later.                                (every series)
//  3. From max_lag_s on the reading is usable and within max_rel_err_after_lag, and it never halts.
//                                                                                (series with must_track)
//  4. It is not halted before t_s = 0, in calm: a guard that halts always passes nothing.  (every series)
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/incident_settings.hpp"
#include "core/result.hpp"
#include "oracle/oracle.hpp"
#include "simulator/incident_series.hpp"

namespace homeostat::simulator {

inline constexpr double kErrorAllowed = 0.10;
inline constexpr double kErrorNoticed = 0.05;  ///< what `seconds above 5 %` counts, and a cause
inline constexpr double kHaltAfterCauseMaxS = 1800;
/// Evaluations of one incident; a longer series needs a longer period.
inline constexpr std::size_t kIncidentStepsMax = 20'000'000;

struct IncidentPoint {
  double t_s = 0;
  double truth = 0;
  double value = 0;
  oracle::Quality quality = oracle::Quality::ok;
};

struct IncidentReport {
  std::string id;
  std::string asset;
  std::string metric;
  std::size_t sources = 0;
  std::size_t evaluations = 0;  ///< from t_s = 0 on
  double worst_error = 0;       ///< while trusted
  double worst_error_at_s = 0;
  double worst_acting_error = 0;  ///< while usable
  double above_s = 0;             ///< trusted and more than 5 % off
  double acting_above_s = 0;      ///< usable and more than 5 % off
  double halted_s = 0;
  double held_s = 0;    ///< held or stale
  double usable_s = 0;  ///< the rest
  bool has_cause = false;
  double cause_begin_s = 0;
  double cause_end_s = 0;                 ///< end of the last cause; the end of the series if it lasts until then
  std::optional<double> recovery_s;       ///< from there to the first usable reading within 5 % that stays so
  double halted_after_cause_s = 0;        ///< the longest halt without a cause
  double halted_in_calm_s = 0;            ///< before t_s = 0
  std::optional<double> error_after_lag;  ///< with must_track: the worst from max_lag_s on
  std::vector<std::string> reasons;   ///< distinct reasons of readings that were not ok, in order, at most kReasonsMax
  std::vector<std::string> failures;  ///< empty = accepted
  std::vector<IncidentPoint> points;  ///< every evaluation, if asked for

  [[nodiscard]] bool is_accepted() const { return failures.empty(); }
};
inline constexpr std::size_t kReasonsMax = 40;

struct IncidentOptions {
  Duration period = Duration::seconds(10);
  bool keep_points = false;
};

/// `text` matches `pattern`, where `*` is any text and `?` one character; letters match in either case. If so and
/// `first_star` is given, it is what the first `*` stands for, as short as possible.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text, std::string* first_star = nullptr);

/// The oracle that judges this series: one metric, one source per column. Errors: no rule matches the asset.
[[nodiscard]] Result<oracle::Settings> incident_settings(const oracle::Settings& configured,
                                                         const config::IncidentSettings& incidents,
                                                         const IncidentSeries& series);

/// `settings` as by incident_settings. Errors: too many evaluations.
[[nodiscard]] Result<IncidentReport> run_incident(const oracle::Settings& settings, const IncidentSeries& series,
                                                  const IncidentOptions& options);

}  // namespace homeostat::simulator
