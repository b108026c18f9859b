// What a configuration would do, before it does it: for `homeostat check`. The numbers are those a
// policy author cannot see in the file: how large an error must be before anything moves, how fast a parameter
// could be driven from where it starts to where it must stop. The speeds come from the guardian's own limits,
// stepped tick by tick, not from a formula about them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "controller/stability.hpp"

namespace homeostat::config {

struct SourceDescription {
  std::string name;
  std::string kind;                          ///< push, evm, prometheus, http or chainlink
  std::string where;                         ///< address, empty for push
  std::size_t metrics = 0;                   ///< how many it feeds
  std::optional<Duration> allowed_lateness;  ///< none = it promises order
  std::optional<Duration> skew_max;          ///< none = its clock is not asked about
};

struct MetricDescription {
  std::string name;
  std::string unit;
  std::string origin;  ///< "Upload.creator of ecosystem", "app", or the expression
  std::string how;     ///< "distinct over 1d"
};

struct ParameterDescription {
  std::string name;
  std::string unit;
  Decimal initial, min, max, quantum;
  /// The farthest the limits let it go within 24 hours, upwards and downwards from its initial value.
  Decimal rise_per_day, fall_per_day;
  /// At the fastest from the initial value to a bound; none = not within kFastestTicksMax decisions.
  std::optional<Duration> to_max, to_min;
  std::string action;                    ///< "mint HOME to treasury"; empty = it sets a value
  std::optional<Decimal> action_most;    ///< of an amount: the most of one action
  std::optional<Decimal> approve_above;  ///< a larger change waits until a guardian releases it
  bool restricted = false;               ///< only an override moves it
};

struct LoopDescription {
  std::string name;
  std::string metric;
  std::string parameter;
  std::string response;
  std::string pv_unit, u_unit;
  double setpoint = 0;        ///< PV
  double deadband = 0;        ///< PV: errors up to here do nothing
  double deadband_ratio = 0;  ///< the same as a share of the set-point; 0 if that is 0
  /// PV: the smallest error whose proportional part alone moves the parameter by half a quantum, and so
  /// to another value; 0 without kp.
  double first_step = 0;
  std::optional<Duration> integral_time;   ///< kp / ki; none without both
  std::optional<Duration> leak_half_life;  ///< none = the integral never forgets
  /// PV: the error that stays when the loop has to hold its parameter at the far end of its output, because the
  /// integral forgets what it holds: deadband + leak u / (ki + leak kp), leak = ln 2 / half-life. None without leak or
  /// ki.
  std::optional<double> steady_error;
  std::optional<double> emergency_below, emergency_above;  ///< PV
  std::optional<controller::Plausibility> plausibility;    ///< none = the metric need not answer
  std::string drives;                                      ///< the loop whose set-point it moves; empty = its parameter
  std::string law;                                         ///< its name
  std::optional<controller::Margins> margins;              ///< over the declared plant range
  std::vector<controller::RegionRow> region;               ///< where it stays stable
};

/// Loops that fight, and what is made of them; matrices row by row, in the order of the loops.
struct DecouplingDescription {
  std::string name;
  std::vector<std::string> loops;
  std::vector<std::string> parameters;
  std::vector<double> decoupler;  ///< U of the row's parameter per U of the column's loop
  std::vector<double> rga;        ///< relative gains; empty where no gain was declared
};

struct Description {
  std::string name;
  std::string digest;
  Duration period;
  std::vector<SourceDescription> sources;
  std::vector<MetricDescription> metrics;
  std::vector<ParameterDescription> parameters;
  std::vector<LoopDescription> loops;
  std::vector<DecouplingDescription> decouplings;
};

/// How many decisions are stepped through to find the fastest way to a bound.
inline constexpr int kFastestTicksMax = 20'000;

[[nodiscard]] Description describe(const ValidConfig& config);

/// Tables for people, about 100 characters wide.
[[nodiscard]] std::string to_text(const Description& description);
/// One object; durations in seconds, decimals as text, absent values as null.
[[nodiscard]] std::string to_json(const Description& description);

}  // namespace homeostat::config
