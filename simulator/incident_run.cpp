#include "simulator/incident_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/format.hpp"

namespace homeostat::simulator {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Feeds one series and keeps the account.
class Run {
 public:
  Run(const oracle::Settings& settings, const IncidentSeries& series, const IncidentOptions& options)
      : series_(series), options_(options), oracle_(settings), metric_(settings.metrics.front().name) {
    report_.id = series.id;
    report_.asset = series.asset;
    report_.metric = metric_;
    report_.sources = series.sources.size();
    sequences_.resize(series.sources.size());
  }

  IncidentReport go() {
    const double step = options_.period.in_seconds();
    const double begin = series_.begin_s();
    const auto steps = static_cast<std::size_t>((series_.end_s() - begin) / step);
    for (std::size_t i = 0; i <= steps; ++i) {
      const double t = begin + static_cast<double>(i) * step;
      const IncidentRow row = series_.at(t);
      send(row, t);
      account(row, t, step, oracle_.evaluate(instant(t)).front());
    }
    judge();
    return std::move(report_);
  }

 private:
  [[nodiscard]] Instant instant(double t_s) const {
    return series_.t0 + Duration{static_cast<std::int64_t>(std::llround(t_s * 1e9))};
  }

  void send(const IncidentRow& row, double t) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const IncidentCell& cell = row.cells[i];
      if (!cell.online) continue;
      oracle::SampleBatch batch{
          .source = series_.sources[i], .first_sequence = ++sequences_[i], .received = instant(t)};
      batch.metrics = {metric_};
      oracle::Sample& sample = batch.samples.emplace_back();
      sample.time = instant(t - cell.age_s);
      sample.value = cell.value;
      (void)oracle_.ingest(batch);  // a refusal shows in the reading
    }
  }

  static bool is_cause(const IncidentRow& row) {
    return std::any_of(row.cells.begin(), row.cells.end(), [&](const IncidentCell& cell) {
      return !cell.online || std::fabs(cell.value - row.truth) > kErrorNoticed * std::fabs(row.truth);
    });
  }

  void account(const IncidentRow& row, double t, double step, const oracle::Reading& reading) {
    const bool halted = reading.quality == oracle::Quality::halted;
    const bool usable = is_usable(reading.quality);
    if (options_.keep_points) report_.points.push_back({t, row.truth, reading.value, reading.quality});
    if (t < 0) {
      if (halted) report_.halted_in_calm_s += step;
      return;
    }
    ++report_.evaluations;
    note_reason(t, reading);
    note_cause(row, t, step, halted);
    const double error = std::fabs(reading.value - row.truth) / std::fabs(row.truth);
    (halted ? report_.halted_s : usable ? report_.usable_s : report_.held_s) += step;
    if (!halted && error > report_.worst_error) {
      report_.worst_error = error;
      report_.worst_error_at_s = t;
    }
    if (!halted && error > kErrorNoticed) report_.above_s += step;
    if (usable) {
      report_.worst_acting_error = std::max(report_.worst_acting_error, error);
      if (error > kErrorNoticed) report_.acting_above_s += step;
    }
    const bool well = usable && error <= kErrorNoticed;
    if (!well) well_since_.reset();
    if (well && !well_since_) well_since_ = t;
    if (series_.must_track && t >= series_.must_track->lag_s) {
      if (!usable) unusable_after_lag_s_ += step;
      report_.error_after_lag = std::max(report_.error_after_lag.value_or(0), error);
    }
  }

  void note_cause(const IncidentRow& row, double t, double step, bool halted) {
    if (is_cause(row)) {
      if (!report_.has_cause) report_.cause_begin_s = t;
      report_.has_cause = true;
      report_.cause_end_s = t + step;
    }
    if (!halted) {
      halt_begin_.reset();
      return;
    }
    if (!halt_begin_) halt_begin_ = t;
    const double from = report_.has_cause ? std::max(*halt_begin_, report_.cause_end_s) : *halt_begin_;
    report_.halted_after_cause_s = std::max(report_.halted_after_cause_s, t + step - from);
  }

  void note_reason(double t, const oracle::Reading& reading) {
    if (reading.quality == last_quality_) return;
    last_quality_ = reading.quality;
    if (report_.reasons.size() == kReasonsMax) return;
    report_.reasons.push_back(fmt::format("at {}: {}{}", text_of(Duration{std::llround(t) * 1'000'000'000}),
                                          name_of(reading.quality),
                                          reading.reason.empty() ? "" : ", " + reading.reason.str()));
  }

  void judge() {
    const auto fail_if = [&](bool failed, std::string why) {
      if (failed) report_.failures.push_back(std::move(why));
    };
    if (well_since_) report_.recovery_s = std::max(0.0, *well_since_ - report_.cause_end_s);
    if (!report_.has_cause) report_.recovery_s.reset();
    const IncidentReport& r = report_;
    fail_if(r.halted_in_calm_s > 0, fmt::format("halted for {:.0f} s in the calm before it began", r.halted_in_calm_s));
    fail_if(r.halted_after_cause_s > kHaltAfterCauseMaxS,
            fmt::format("halted for {:.0f} s without a cause, allowed {:.0f}", r.halted_after_cause_s,
                        kHaltAfterCauseMaxS));
    if (!series_.must_track) {
      fail_if(r.worst_error > kErrorAllowed, fmt::format("{:.3g} % off at {:.0f} s while not halted, allowed {:.0f} %",
                                                         r.worst_error * 100, r.worst_error_at_s, kErrorAllowed * 100));
      return;
    }
    fail_if(r.halted_s > 0, fmt::format("halted for {:.0f} s in a real move", r.halted_s));
    fail_if(unusable_after_lag_s_ > 0,
            fmt::format("not usable for {:.0f} s after {:.0f} s", unusable_after_lag_s_, series_.must_track->lag_s));
    fail_if(r.error_after_lag.value_or(0) > series_.must_track->error_ratio,
            fmt::format("{:.3g} % off after {:.0f} s, allowed {:.3g} %", r.error_after_lag.value_or(0) * 100,
                        series_.must_track->lag_s, series_.must_track->error_ratio * 100));
  }

  const IncidentSeries& series_;
  const IncidentOptions& options_;
  oracle::Oracle oracle_;
  std::string metric_;
  std::vector<std::uint64_t> sequences_;
  IncidentReport report_;
  std::optional<double> well_since_;
  std::optional<double> halt_begin_;
  double unusable_after_lag_s_ = 0;
  oracle::Quality last_quality_ = oracle::Quality::ok;
};

}  // namespace

bool matches(std::string_view pattern, std::string_view text, std::string* first_star) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      for (std::size_t n = i; n <= text.size(); ++n) {
        if (!matches(pattern.substr(i + 1), text.substr(n))) continue;
        if (first_star != nullptr) *first_star = text.substr(i, n - i);
        return true;
      }
      return false;
    }
    if (i >= text.size() || (pattern[i] != '?' && lower(pattern[i]) != lower(text[i]))) return false;
  }
  return pattern.size() == text.size();
}

Result<oracle::Settings> incident_settings(const oracle::Settings& configured,
                                           const config::IncidentSettings& incidents, const IncidentSeries& series) {
  const auto rule = std::find_if(incidents.rules.begin(), incidents.rules.end(), [&](const config::IncidentRule& r) {
    return std::any_of(r.assets.begin(), r.assets.end(),
                       [&](const std::string& p) { return matches(p, series.asset); });
  });
  if (rule == incidents.rules.end()) {
    return fail(ErrorCode::missing, "incidents.metrics",
                fmt::format("no metric of the configuration judges the asset '{}' of {}; add a pattern that matches it",
                            series.asset, series.id));
  }
  const auto metric = std::find_if(configured.metrics.begin(), configured.metrics.end(),
                                   [&](const oracle::MetricSettings& m) { return m.name == rule->metric; });
  oracle::Settings settings;
  settings.metrics = {*metric};
  auto& origin = std::get<oracle::SampleOrigin>(settings.metrics.front().origin);
  origin.sources = series.sources;
  for (const std::string& name : series.sources) {
    oracle::SourceSettings& source = settings.sources.emplace_back();
    source.name = name;
    for (const std::string& pattern : incidents.origins) {
      if (matches(pattern, name, &source.group)) break;
    }
  }
  origin.limits.clear();  // of the configured sources, which these are not
  return settings;
}

Result<IncidentReport> run_incident(const oracle::Settings& settings, const IncidentSeries& series,
                                    const IncidentOptions& options) {
  if ((series.end_s() - series.begin_s()) / options.period.in_seconds() > static_cast<double>(kIncidentStepsMax)) {
    return fail(ErrorCode::out_of_range, "period",
                fmt::format("{} would take more than {} evaluations at {}; use a longer period", series.id,
                            kIncidentStepsMax, text_of(options.period)));
  }
  return Run(settings, series, options).go();
}

}  // namespace homeostat::simulator
