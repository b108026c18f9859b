// loops.
#include <fmt/format.h>

#include <algorithm>

#include "config/readers.hpp"
#include "controller/law_facts.hpp"
#include "core/format.hpp"

namespace homeostat::config {
namespace {

using controller::ErrorKind;
using controller::Gains;
using controller::LoopSettings;

void read_gains(const Field& field, Context& context, Gains& out) {
  if (!field.is_given()) return;
  Section s(field, context);
  const Field kp = s.optional("kp");
  const Field ki = s.optional("ki");
  const Field integral_time = s.optional("integral_time");
  const Field derivative_time = s.optional("derivative_time");
  const bool has_complaint = (kp.is_given() && !kp.number(out.kp, {.min = 0})) |
                             (ki.is_given() && !ki.rate_per_s(out.ki_per_s, {.min = 0})) | integral_time.is_given();
  Duration time;
  if (integral_time.duration(time, {.min = Duration::milliseconds(1)})) {
    if (ki.is_given()) integral_time.error("says the same as ki (ki = kp / integral_time); keep one of them");
    if (out.kp == 0) integral_time.error("needs a kp above 0 (ki = kp / integral_time); without one, give ki");
    out.ki_per_s = out.kp / time.in_seconds();
  }
  if (derivative_time.duration(time)) {
    if (out.kp == 0) derivative_time.error("needs a kp above 0 (kd = kp x derivative_time)");
    out.kd_s = out.kp * time.in_seconds();
  }
  if (out.kp == 0 && out.ki_per_s == 0 && !has_complaint)
    s.error("a loop without kp and ki never acts; give it one of them");
}

/// "when_low: raise" and "when_high: lower" are the same loop; one of the two is written.
void read_action(Section& s, controller::Action& out) {
  const Field low = s.optional("when_low");
  const Field high = s.optional("when_high");
  if (low.is_given() == high.is_given()) {
    return s.error(low.is_given() ? "when_low and when_high say the same twice; keep one of them"
                                  : "'when_low' or 'when_high' is missing: what the loop does with its parameter, "
                                    "raise or lower");
  }
  std::size_t lower = 0;
  if (!(low.is_given() ? low : high).one_of(lower, {"raise", "lower"})) return;
  out = low.is_given() == (lower == 0) ? controller::Action::direct : controller::Action::reverse;
}

/// A speed such as "5% per 1h", as units per second.
void read_speed(const Field& field, Context& context, std::string_view unit, const char* instead, double& out_per_s) {
  Per per;
  if (!field.parsed(per, [&](std::string_view text) { return parse_per(text, context.day); })) return;
  const auto amount = parse_quantity(per.amount, unit);
  if (!amount) {
    field.error(amount.error().message, amount.error().nearest);
  } else if (*amount <= 0 || per.per <= Duration::zero()) {
    field.error(fmt::format("must be above 0; leave it out to move {}", instead));
  } else {
    out_per_s = *amount / per.per.in_seconds();
  }
}

void read_setpoint(Section& s, Context& context, const oracle::MetricSettings& metric, LoopSettings& loop) {
  const bool is_economy = loop.law && loop.law->kind() == controller::LawKind::economy;
  if (is_economy) loop.setpoint = metric.min;  // a mechanism has a target of its own, or takes this one by name
  const Field setpoint =
      is_economy ? s.optional("setpoint") : s.required("setpoint", "the value of the metric that the loop steers to");
  if (setpoint.quantity(loop.setpoint, metric.unit) && (loop.setpoint < metric.min || loop.setpoint > metric.max)) {
    setpoint.error(fmt::format("{} is outside the metric's min {} and max {}, so it can never be reached",
                               text_of(loop.setpoint), text_of(metric.min), text_of(metric.max)));
  }
  read_speed(s.optional("setpoint_ramp"), context, metric.unit, "the set-point at once", loop.setpoint_ramp_per_s);
  std::size_t kind = 0;
  if (loop.law) return;  // the rest is pid's
  const Field error = s.optional("error");
  if (error.one_of(kind, {"absolute", "relative"})) loop.pid.error = static_cast<ErrorKind>(kind);
  const Field deadband = s.optional("deadband");
  if (loop.pid.error == ErrorKind::relative) {
    if (loop.setpoint == 0) error.error("an error relative to a set-point of 0 does not exist", "absolute");
    deadband.ratio(loop.pid.deadband, {.min = 0, .max = 10});
  } else {
    deadband.quantity(loop.pid.deadband, metric.unit, {.min = 0});
  }
}

void read_bounds(const Field& field, Context& context, std::string_view unit, double& min, double& max) {
  if (!field.is_given()) return;
  Section s(field, context);
  const Field low = s.required("min", "the lower bound, in the parameter's unit");
  const Field high = s.required("max", "the upper bound, in the parameter's unit");
  double a = 0, b = 0;
  if (!(low.quantity(a, unit) & high.quantity(b, unit))) return;
  if (a >= b) return low.error(fmt::format("min {} is not below max {}", text_of(a), text_of(b)));
  if (a > 0 || b < 0) return field.error("must include 0, where the loop has nothing to do");
  min = a;
  max = b;
}

/// Without output limits the loop may use all the room its parameter has around its initial value.
/// A noise barrier is no deviation, though it is written like one: with gains of ordinary size none ever passes it.
void warn_of_barrier(const Field& field, const controller::LawSettings& law, double setpoint) {
  const auto* rai = std::get_if<controller::RaiPiLaw>(&law.choice);
  if (rai == nullptr) return;
  const auto share = controller::facts_of(law, {.setpoint = setpoint}).passed_share;
  if (!share || *share >= 1) return;
  const controller::Int meant = controller::wad() - rai->settings.noise_barrier;
  const double ratio = meant.convert_to<double>() / controller::wad().convert_to<double>();
  field.warn(fmt::format(
      "noise_barrier_wad is compared with the rate of a second, not with the deviation: whatever the market price "
      "falls "
      "to, and for ever, the rate comes to {:.3g} of that barrier and stays neutral; for a deviation of {:.3g}% it is "
      "{}, "
      "and {} is none",
      *share, ratio * 100, controller::text_of(controller::noise_barrier_for(rai->settings, setpoint, ratio)),
      controller::text_of(controller::wad())));
}

void read_output(Section& s, Context& context, const guardian::ParameterSettings& parameter,
                 controller::PidSettings& pid) {
  pid.output_min = (parameter.min - parameter.initial).to_double();
  pid.output_max = (parameter.max - parameter.initial).to_double();
  read_bounds(s.optional("output"), context, parameter.unit, pid.output_min, pid.output_max);
}

void read_dt_max(Section& s, Duration period, Duration& out) {
  const Field dt_max = s.optional("dt_max");
  dt_max.duration(out);
  if (out > Duration::zero() && out < period) {
    dt_max.error(
        fmt::format("{} is shorter than the period of {}: every step would be cut", text_of(out), text_of(period)));
  }
}

void read_pid(Section& s, Context& context, const guardian::ParameterSettings& parameter, Duration period,
              controller::PidSettings& pid) {
  const Field gains = s.required("gains", "how strongly the loop acts");
  read_gains(gains, context, pid.gains);
  s.optional("setpoint_weight").number(pid.setpoint_weight, {.min = 0, .max = 1});
  const Field leak = s.optional("leak_half_life");
  leak.duration(pid.leak_half_life, {.min = Duration::milliseconds(1)});
  if (leak.is_given() && pid.leak_half_life < period) {
    leak.error(
        fmt::format("{} is shorter than the period of {}: nothing would be left of the integral by the next step",
                    text_of(pid.leak_half_life), text_of(period)));
  }
  s.optional("derivative_filter").duration(pid.derivative_filter);
  s.optional("input_filter").duration(pid.input_filter);
  read_speed(s.optional("slew"), context, parameter.unit, "as fast as the limits allow", pid.slew_per_s);
  std::size_t choice = 0;
  if (s.optional("integration").one_of(choice, {"trapezoid", "forward", "backward"})) {
    pid.integration = static_cast<controller::Integration>(choice);
  }
  if (s.optional("anti_windup").one_of(choice, {"tracking", "conditional", "back_calculation"})) {
    pid.anti_windup = static_cast<controller::AntiWindup>(choice);
  }
  s.optional("feed_forward").quantity(pid.feed_forward, parameter.unit);
  s.optional("tracking_time").duration(pid.tracking_time);
  read_dt_max(s, period, pid.dt_max);
  read_output(s, context, parameter, pid);
  read_bounds(s.optional("integral"), context, parameter.unit, pid.integral_min, pid.integral_max);
}

void read_emergency(const Field& field, Context& context, const oracle::MetricSettings& metric, LoopSettings& loop) {
  if (!field.is_given()) return;
  Section s(field, context);
  const Field below = s.optional("below");
  const Field above = s.optional("above");
  double x = 0;
  if (below.quantity(x, metric.unit, {.min = metric.min, .max = metric.max})) {
    loop.emergency_below = x;
    if (x >= loop.setpoint)
      below.error("is not below the set-point: the loop would be in emergency where it should be");
  }
  if (above.quantity(x, metric.unit, {.min = metric.min, .max = metric.max})) {
    loop.emergency_above = x;
    if (x <= loop.setpoint)
      above.error("is not above the set-point: the loop would be in emergency where it should be");
  }
  if (!below.is_given() && !above.is_given()) s.error("'below' or 'above' is missing: where the emergency begins");
  s.optional("clear_after").duration(loop.emergency_clear_after, {.min = Duration::milliseconds(1)});
  if (loop.law) return;  // it has no gains
  const Field gains = s.optional("gains");
  if (gains.is_given()) read_gains(gains, context, loop.emergency.emplace());
}

/// The unit of a point's left side is the schedule's metric's.
void read_schedule(const Field& field, Context& context, const Metrics& metrics, LoopSettings& loop) {
  if (!field.is_given()) return;
  Section s(field, context);
  controller::GainSchedule schedule;
  const Field name = s.required("metric", "the metric that the gains follow");
  const Field points = s.required("points", "factors on all gains by the metric's value, e.g. [[10, 1], [100, 0.2]]");
  if (!name.name(schedule.metric) || !points.is_given()) return;
  const oracle::MetricSettings* metric = metrics.find(schedule.metric);
  if (metric == nullptr) {
    std::vector<std::string> names;
    for (const auto& m : metrics.settings) names.push_back(m.name);
    return report_unknown(name, "metric", schedule.metric, names);
  }
  for (std::size_t i = 0; i < points.node()->sequence.size(); ++i) {
    const Node& pair = points.node()->sequence[i];
    const std::string path = fmt::format("{}.{}", points.path(), i);
    if (pair.sequence.size() != 2) {
      return Field(&pair, path, &context).error("is [value of the metric, factor], e.g. [10, 0.5]");
    }
    controller::GainSchedule::Point point;
    const bool x = Field(&pair.sequence[0], path + ".0", &context).quantity(point.x, metric->unit);
    const bool y = Field(&pair.sequence[1], path + ".1", &context)
                       .number(point.factor, {.min = 1e-6, .max = controller::GainSchedule::kFactorMax});
    if (x && y) schedule.points.push_back(point);
  }
  if (points.node()->sequence.empty()) return points.error("is a list of [value of the metric, factor]");
  loop.schedule = std::move(schedule);
}

void read_plausibility(const Field& field, Context& context, Duration period, LoopSettings& loop) {
  if (!field.is_given()) return;
  Section s(field, context);
  controller::Plausibility asked;
  s.required("moved", "how far the parameter must have moved, as a share of its range, e.g. 5%")
      .ratio(asked.moved_ratio, {.min = 1e-6, .max = 1});
  const Field within = s.required("within", "by when the metric must have answered, e.g. 2h");
  within.duration(asked.within, {.min = Duration::milliseconds(1)});
  if (asked.within < period) {
    within.error(fmt::format("{} is shorter than the period of {}: nothing could have answered yet",
                             text_of(asked.within), text_of(period)));
  }
  s.required("response", "by more than which share of its value it must have, e.g. 0.1%")
      .ratio(asked.response_ratio, {.min = 0, .max = 1});
  loop.plausibility = asked;
}

}  // namespace

std::vector<LoopSettings> read_loops(const Field& field, Context& context, const Metrics& metrics,
                                     const std::vector<guardian::ParameterSettings>& parameters, Duration period) {
  std::vector<std::string> metric_names, parameter_names;
  for (const auto& m : metrics.settings) metric_names.push_back(m.name);
  for (const auto& p : parameters) parameter_names.push_back(p.name);

  std::vector<LoopSettings> loops;
  Section::each(field, context, [&](const std::string& name, const Field& entry) {
    LoopSettings loop;
    loop.name = name;
    Section s(entry, context);
    const Field metric_field = s.required("metric", "the metric this loop reads");
    const Field drives = s.optional("drives");
    const Field parameter_field =
        drives.is_given() ? s.optional("parameter") : s.required("parameter", "the parameter this loop moves");
    if (drives.is_given() && parameter_field.is_given()) {
      parameter_field.error("is that of the loop it drives; keep one of drives and parameter");
    }
    const LoopSettings* driven = nullptr;
    const oracle::MetricSettings* driven_metric = nullptr;
    if (drives.name(loop.drives)) {
      const auto inner =
          std::find_if(loops.begin(), loops.end(), [&](const auto& other) { return other.name == loop.drives; });
      if (inner == loops.end()) {
        std::vector<std::string> names;
        for (const auto& other : loops) names.push_back(other.name);
        report_unknown(drives, "loop above this one", loop.drives, names);
      } else {
        driven = &*inner;
        driven_metric = metrics.find(driven->metric);
        loop.parameter = driven->parameter;
      }
    }
    const bool has_names =
        metric_field.name(loop.metric) & (drives.is_given() ? driven != nullptr : parameter_field.name(loop.parameter));
    const auto* metric = metrics.find(loop.metric);
    const auto parameter =
        std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.name == loop.parameter; });
    if (!loop.metric.empty() && metric == nullptr) report_unknown(metric_field, "metric", loop.metric, metric_names);
    if (!loop.parameter.empty() && parameter == parameters.end() && driven == nullptr) {
      report_unknown(parameter_field, "parameter", loop.parameter, parameter_names);
    }
    s.optional("response").text(loop.response);
    const Field law = s.optional("law");
    if (!law.is_given()) read_action(s, loop.pid.action);
    if (has_names && metric != nullptr && parameter != parameters.end()) {
      loop.law = read_law(law, context, metrics, *parameter, *metric);
      read_setpoint(s, context, *metric, loop);
      if (driven != nullptr && driven_metric != nullptr && !loop.law) {
        // Its output is a set-point's: in that metric's unit, with all the room between its min and max.
        guardian::ParameterSettings room;
        room.unit = driven_metric->unit;
        read_pid(s, context, room, period, loop.pid);
        if (loop.pid.output_min == 0 && loop.pid.output_max == 0) {
          loop.pid.output_min = std::min(0.0, driven_metric->min - driven->setpoint);
          loop.pid.output_max = std::max(0.0, driven_metric->max - driven->setpoint);
        }
      } else if (loop.law) {
        loop.pid.action = controller::action_of(*loop.law);
        read_output(s, context, *parameter, loop.pid);
        warn_of_barrier(law, *loop.law, loop.setpoint);
        if (guardian::is_amount(parameter->action.kind)) {  // what is moved at once, not where the total may be
          loop.pid.output_min = 0;
          loop.pid.output_max = parameter->max.to_double();
        }
        read_dt_max(s, period, loop.pid.dt_max);
      } else {
        read_pid(s, context, *parameter, period, loop.pid);
      }
      read_schedule(s.optional("schedule"), context, metrics, loop);
      read_emergency(s.optional("emergency"), context, *metric, loop);
      read_plausibility(s.optional("plausibility"), context, period, loop);
      read_plant(s, context, *metric, loop);
    } else {
      s.ignore_rest();
    }
    loops.push_back(std::move(loop));
  });
  return loops;
}

}  // namespace homeostat::config
