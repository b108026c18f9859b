#include "config/describe.hpp"
#include "controller/law_facts.hpp"
#include "controller/pid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/secrets.hpp"
#include "core/format.hpp"
#include "guardian/limits.hpp"

namespace homeostat::config {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

std::string where_of(const Connection& connection) {
  const auto by = [](const std::vector<EvmProviderSettings>& providers) {
    return fmt::format("{}{}", redacted_address(providers.front().http),
                       providers.size() > 1 ? fmt::format(" and {} more", providers.size() - 1) : "");
  };
  return std::visit(
      Overloaded{[](const PushConnection&) { return std::string(); },
                 [&](const EvmConnection& c) { return fmt::format("chain {} by {}", c.chain_id, by(c.providers)); },
                 [](const PrometheusConnection& c) { return redacted_address(c.url); },
                 [](const HttpConnection& c) { return redacted_address(c.url); },
                 [&](const ChainlinkConnection& c) {
                   return fmt::format("{} feed{} of chain {} by {}", c.feeds.size(), c.feeds.size() == 1 ? "" : "s",
                                      c.chain_id, by(c.providers));
                 }},
      connection);
}

bool is_fed_by(const oracle::MetricSettings& metric, const std::string& source, const oracle::Settings& settings) {
  if (const auto* samples = std::get_if<oracle::SampleOrigin>(&metric.origin)) {
    return std::count(samples->sources.begin(), samples->sources.end(), source) > 0;
  }
  const auto* origin = std::get_if<oracle::EventOrigin>(&metric.origin);
  return origin != nullptr && std::any_of(settings.events.begin(), settings.events.end(),
                                          [&](const auto& e) { return e.name == origin->event && e.source == source; });
}

std::string_view name_of(oracle::Aggregate a) {
  constexpr std::string_view kNames[] = {"last",     "median", "sum",  "rate",     "count",
                                         "distinct", "ewma",   "twap", "quartiles"};
  return kNames[static_cast<std::size_t>(a)];
}

MetricDescription describe_metric(const oracle::MetricSettings& m) {
  MetricDescription d{.name = m.name, .unit = m.unit};
  d.origin = std::visit(Overloaded{[](const oracle::SampleOrigin& o) {
                                     return o.quorum > 1
                                                ? fmt::format("{}, {} of them", fmt::join(o.sources, ", "), o.quorum)
                                                : fmt::format("{}", fmt::join(o.sources, ", "));
                                   },
                                   [](const oracle::EventOrigin& o) { return o.event; },
                                   [](const oracle::ExpressionOrigin& o) { return o.text; }},
                        m.origin);
  if (std::holds_alternative<oracle::ExpressionOrigin>(m.origin)) {
    d.how = "expression";
  } else if (m.window > Duration::zero()) {
    d.how = fmt::format("{} over {}", name_of(m.aggregate), text_of(m.window));
  } else if (m.half_life > Duration::zero()) {
    d.how = fmt::format("{}, half-life {}", name_of(m.aggregate), text_of(m.half_life));
  } else {
    d.how = name_of(m.aggregate);
  }
  if (m.guard) {
    d.how += fmt::format(", guarded: {:.3g}% and {:.3g}%/h", m.guard->band * 100, m.guard->rate_per_s * 3600 * 100);
  }
  return d;
}

/// How far and how fast the guardian's limits let a parameter go from its initial value to `goal`.
struct Fastest {
  Decimal within_day;
  std::optional<Duration> to_goal;
};
Fastest fastest(const guardian::ParameterSettings& p, Decimal goal, Duration period) {
  guardian::ParameterState state;
  state.applied = p.initial;
  // Far from zero, which stands for "never".
  const Instant start = Instant::from_unix_seconds(1'000'000'000);
  Fastest result{.within_day = p.initial - p.initial, .to_goal = {}};
  Duration elapsed = Duration::zero();
  for (int tick = 0; tick < kFastestTicksMax; ++tick, elapsed = elapsed + period) {
    const Instant at = start + elapsed;
    const Decimal value = guardian::limit(p, state, goal, guardian::OperatingMode::normal, at).value;
    if (value != state.applied) {
      state = guardian::emitted(p, std::move(state), value, at);
      state.applied = value;
    }
    if (elapsed < Duration::days(1)) result.within_day = (state.applied - p.initial).abs();
    if (state.applied == goal) {
      result.to_goal = elapsed;
      break;
    }
  }
  return result;
}

std::string text_of(const guardian::Action& action) {
  if (action.kind == guardian::ActionKind::set) return "";
  std::string text(name_of(action.kind));
  if (!action.asset.empty()) text += " " + action.asset;
  if (!action.from.empty()) text += " from " + action.from;
  if (!action.to.empty()) text += " to " + action.to;
  const char* separator = ": ";
  for (const guardian::Recipient& r : action.recipients) {
    text += separator + r.name + fmt::format(" {:.6g}%", static_cast<double>(r.parts) / guardian::kPartsWhole * 100);
    separator = ", ";
  }
  return text;
}

ParameterDescription describe_parameter(const guardian::ParameterSettings& p, Duration period) {
  const Fastest up = fastest(p, p.max, period);
  const Fastest down = fastest(p, p.min, period);
  return {.name = p.name,
          .unit = p.unit,
          .initial = p.initial,
          .min = p.min,
          .max = p.max,
          .quantum = p.quantum,
          .rise_per_day = up.within_day,
          .fall_per_day = down.within_day,
          .to_max = up.to_goal,
          .to_min = down.to_goal,
          .action = text_of(p.action),
          .action_most = is_amount(p.action.kind) ? p.change.absolute : std::nullopt,
          .approve_above = p.approve_above,
          .restricted = p.restricted};
}

/// What the settings of a law other than pid come to.
void describe_law(const controller::LoopSettings& loop, const guardian::ParameterSettings& parameter,
                  LoopDescription& d) {
  const double initial = parameter.initial.to_double();
  const controller::LawFacts facts =
      controller::facts_of(*loop.law, {loop.setpoint, initial, parameter.quantum.to_double(),
                                       initial + loop.pid.output_min, initial + loop.pid.output_max});
  d.deadband = facts.deadband;
  d.first_step = facts.first_step;
  d.integral_time = facts.integral_time;
  d.leak_half_life = facts.leak_half_life;
  d.steady_error = facts.steady_error;
}

void describe_pid(const controller::LoopSettings& loop, const guardian::ParameterSettings& parameter,
                  LoopDescription& d) {
  const controller::PidSettings& pid = loop.pid;
  const double pv_per_error = pid.error == controller::ErrorKind::relative ? std::fabs(loop.setpoint) : 1;
  d.deadband = pid.deadband * pv_per_error;
  if (pid.gains.kp > 0) {
    d.first_step = d.deadband + parameter.quantum.to_double() / 2 / pid.gains.kp * pv_per_error;
  }
  if (pid.gains.kp > 0 && pid.gains.ki_per_s > 0) {
    const double seconds = std::min(pid.gains.kp / pid.gains.ki_per_s, Duration::days(3650).in_seconds());
    d.integral_time = Duration{static_cast<std::int64_t>(std::llround(seconds * 1e3)) * 1'000'000};
  }
  if (pid.leak_half_life > Duration::zero()) d.leak_half_life = pid.leak_half_life;
  if (d.leak_half_life && pid.gains.ki_per_s > 0) {
    constexpr double kLn2 = 0.693147180559945309;
    const double leak_per_s = kLn2 / pid.leak_half_life.in_seconds();
    const double output = std::max(std::fabs(pid.output_min), std::fabs(pid.output_max));
    d.steady_error = d.deadband + leak_per_s * output / (pid.gains.ki_per_s + leak_per_s * pid.gains.kp) * pv_per_error;
  }
}

LoopDescription describe_loop(const controller::LoopSettings& loop, const engine::Policy& policy) {
  const auto& metrics = policy.oracle.metrics;
  const auto& parameters = policy.guardian.parameters;
  const auto metric =
      std::find_if(metrics.begin(), metrics.end(), [&](const auto& m) { return m.name == loop.metric; });
  const auto parameter =
      std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.name == loop.parameter; });
  const double size = std::fabs(loop.setpoint);

  LoopDescription d{.name = loop.name, .metric = loop.metric, .parameter = loop.parameter, .response = loop.response};
  d.pv_unit = metric->unit;
  d.u_unit = parameter->unit;
  d.setpoint = loop.setpoint;
  if (loop.law) {
    describe_law(loop, *parameter, d);
  } else {
    describe_pid(loop, *parameter, d);
  }
  d.deadband_ratio = size > 0 ? d.deadband / size : 0;
  d.emergency_below = loop.emergency_below;
  d.emergency_above = loop.emergency_above;
  d.plausibility = loop.plausibility;
  d.drives = loop.drives;
  d.law = loop.law ? name_of(loop.law->kind()) : "pid";
  if (loop.plant && !loop.law) {
    const auto range = controller::range_of(*loop.plant);
    const auto law =
        controller::linear(controller::with_defaults(loop.pid, policy.period), loop.pid.gains, loop.setpoint);
    d.margins = controller::margins(law, range, policy.period);
    if (range.delay_max / policy.period <= static_cast<std::int64_t>(controller::kRegionSamplesMax))
      d.region = controller::stable_region(law, range, policy.period);
  }
  return d;
}

DecouplingDescription describe_decoupling(const controller::DecouplingSettings& settings,
                                          const engine::Policy& policy) {
  DecouplingDescription d{settings.name, settings.loops, {}, {}, {}};
  for (const std::string& name : settings.loops) {
    const auto loop =
        std::find_if(policy.loops.begin(), policy.loops.end(), [&](const auto& l) { return l.name == name; });
    d.parameters.push_back(loop->parameter);
  }
  if (const auto made = controller::decoupling_of(settings)) {
    d.decoupler = made->matrix;
    d.rga = made->rga;
  }
  return d;
}

}  // namespace

Description describe(const ValidConfig& config) {
  const engine::Policy& policy = *config.policy();
  Description d{.name = policy.name, .digest = config.digest(), .period = policy.period};
  for (const SourceConnection& s : config.daemon().sources) {
    const auto fed = std::count_if(policy.oracle.metrics.begin(), policy.oracle.metrics.end(),
                                   [&](const auto& m) { return is_fed_by(m, s.name, policy.oracle); });
    SourceDescription& added = d.sources.emplace_back();
    added.name = s.name;
    added.kind = kind_of(s.connection);
    added.where = where_of(s.connection);
    added.metrics = static_cast<std::size_t>(fed);
    const oracle::SourceSettings& settings = policy.oracle.sources[d.sources.size() - 1];
    if (settings.allowed_lateness > Duration::zero()) added.allowed_lateness = settings.allowed_lateness;
    if (settings.skew_max > Duration::zero()) added.skew_max = settings.skew_max;
  }
  for (const auto& m : policy.oracle.metrics) d.metrics.push_back(describe_metric(m));
  for (const auto& p : policy.guardian.parameters) d.parameters.push_back(describe_parameter(p, policy.period));
  for (const auto& l : policy.loops) d.loops.push_back(describe_loop(l, policy));
  for (const auto& x : policy.decouplings) d.decouplings.push_back(describe_decoupling(x, policy));
  return d;
}

}  // namespace homeostat::config
