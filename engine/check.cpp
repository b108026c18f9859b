// Every way in which a policy contradicts itself. All of them are reported at once, each with where, what, the
// allowed range and the nearest right name.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "controller/law.hpp"
#include "core/format.hpp"
#include "engine/check_actions.hpp"
#include "engine/check_bundles.hpp"
#include "engine/check_decouplings.hpp"
#include "engine/check_findings.hpp"
#include "engine/check_oracle.hpp"
#include "engine/policy.hpp"
#include "guardian/limits.hpp"

namespace homeostat::engine {
namespace {

// Bounds of a policy, so that no queue, product or sum of the engine can grow past its range.
constexpr std::size_t kMetricsMax = 100'000;
constexpr std::size_t kLoopsMax = 100'000;
constexpr std::size_t kParametersMax = 100'000;
constexpr std::size_t kNameLengthLimit = 100;
constexpr std::size_t kKeysMax = 100;
constexpr std::size_t kRestrictedMax = 64;
constexpr std::uint32_t kRecordsKeptMax = 100'000;
/// Of a parameter's bounds in units: sums of two stay inside a Decimal.
constexpr Decimal::Units kBoundUnitsMax = Decimal::kUnitsMax / 4;
constexpr Duration kPeriodMin = Duration::milliseconds(10);
constexpr Duration kPeriodMax = Duration::days(1);

class Checker : Findings {
 public:
  Checker(const Policy& policy, std::vector<Error>& errors)
      : Findings(errors),
        p_(policy),
        errors_(errors),
        metrics_(p_.oracle.metrics),
        parameters_(p_.guardian.parameters),
        loops_(p_.loops) {}

  void run() {
    general();
    names("sources", Names(p_.oracle.sources));
    names("events", Names(p_.oracle.events));
    names("metrics", metrics_);
    names("parameters", parameters_);
    names("loops", loops_);
    if (!errors_.empty() && (p_.oracle.metrics.size() > kMetricsMax || p_.loops.size() > kLoopsMax)) return;
    check_oracle(p_, errors_);
    for (const auto& x : p_.guardian.parameters) parameter(x);
    for (const auto& x : p_.loops) loop(x);
    check_bundles(p_, errors_);
    check_decouplings(p_, errors_);
  }

 private:
  void names(const std::string& where, const Names& all) {
    std::set<std::string_view> seen;
    for (const auto name : all.list) {
      if (name.empty()) add(ErrorCode::missing, where, "a name is empty");
      if (name.size() > kNameLengthLimit) {
        add(ErrorCode::out_of_range, where + "." + std::string(name),
            "names have at most " + std::to_string(kNameLengthLimit) + " characters");
      }
      if (!seen.insert(name).second && !name.empty()) {
        add(ErrorCode::duplicate, where + "." + std::string(name), "the name is given twice");
      }
    }
  }

  void general() {
    duration(p_.period, "period", kPeriodMin, kPeriodMax);
    range(p_.records_kept >= 1 && p_.records_kept <= kRecordsKeptMax, "records_kept",
          std::to_string(p_.records_kept) + " is not from 1 to " + std::to_string(kRecordsKeptMax));
    range(p_.oracle.metrics.size() <= kMetricsMax, "metrics", "at most " + std::to_string(kMetricsMax));
    range(p_.loops.size() <= kLoopsMax, "loops", "at most " + std::to_string(kLoopsMax));
    range(p_.guardian.parameters.size() <= kParametersMax, "parameters", "at most " + std::to_string(kParametersMax));
    duration(p_.oracle.stall_max, "stall_max", Duration::zero(), kDurationMax);
    duration(p_.guardian.override_max, "guardian.override_max", Duration::seconds(1), kDurationMax);
    number(p_.guardian.setpoint_shift_max, "guardian.setpoint_shift_max", 0, 1);
    duration(p_.guardian.order_valid_max, "guardian.order_valid_max", Duration::seconds(1), Duration::days(30));
    keys();
    for (const auto& rule : p_.guardian.approvals) approval(rule);
  }

  void keys() {
    range(p_.guardian.keys.size() <= kKeysMax, "guardian.keys", "at most " + std::to_string(kKeysMax));
    std::set<std::string_view> names;
    std::map<guardian::PublicKey, std::string_view> owners;
    for (const guardian::Key& key : p_.guardian.keys) {
      const std::string where = "guardian.keys." + key.name;
      if (key.name.empty()) add(ErrorCode::missing, "guardian.keys", "a key has no name");
      if (!names.insert(key.name).second) add(ErrorCode::duplicate, where, "the name is given twice");
      const auto [owner, is_new] = owners.emplace(key.public_key, key.name);
      if (!is_new) {
        add(ErrorCode::duplicate, where + ".public_key",
            "is also that of '" + std::string(owner->second) + "': one person would count as two");
      }
    }
  }

  void approval(const guardian::ApprovalRule& rule) {
    const std::string where = "guardian.approvals." + std::string(word_of(rule.kind));
    const auto able = static_cast<std::uint32_t>(
        std::count_if(p_.guardian.keys.begin(), p_.guardian.keys.end(),
                      [&](const guardian::Key& k) { return k.role >= role_for(rule.kind); }));
    if (guardian::does_less(rule.kind)) {
      add(ErrorCode::invalid_argument, where,
          "makes the system do less, and so needs no second signature: one guardian can always stop it");
    }
    range(rule.of >= 2 && rule.of <= able, where + ".of",
          std::to_string(rule.of) + " is not from 2 to " + std::to_string(able) +
              ", the number of keys that may order it");
    number(rule.above, where + ".above", 0, kMagnitudeMax);
    if (rule.above != 0 && !has_size(rule.kind)) {
      add(ErrorCode::invalid_argument, where + ".above", "has a meaning for override and shift only");
    }
  }

  /// A Decimal of the parameter: its scale, and a size that leaves room for sums.
  bool decimal(const Decimal& value, int decimals, const std::string& where) {
    if (value.decimals() != decimals) {
      add(ErrorCode::conflict, where,
          "has " + std::to_string(value.decimals()) + " decimals, the parameter " + std::to_string(decimals));
      return false;
    }
    if (value.abs().units() <= kBoundUnitsMax) return true;
    add(ErrorCode::out_of_range, where, value.to_string() + " is too large for its number of decimals");
    return false;
  }

  void change(const guardian::ChangeLimit& limit, const guardian::ParameterSettings& s, const std::string& where) {
    if (limit.absolute && decimal(*limit.absolute, s.decimals, where)) {
      range(*limit.absolute >= s.quantum, where,
            limit.absolute->to_string() + " is below the quantum " + s.quantum.to_string() + ": nothing could move");
    }
    if (limit.relative) number(*limit.relative, where, 1e-9, kMagnitudeMax);
    if (!limit.floor || !decimal(*limit.floor, s.decimals, where)) return;
    range(limit.floor->units() > 0, where, limit.floor->to_string() + " is not above 0");
    if (!limit.relative) add(ErrorCode::conflict, where, "'at least' is the floor of a change relative to the value");
  }

  void parameter(const guardian::ParameterSettings& s) {
    const std::string where = "parameters." + s.name;
    if (s.decimals < 0 || s.decimals > Decimal::kDecimalsMax) {
      return add(ErrorCode::out_of_range, where + ".decimals", std::to_string(s.decimals) + " is not from 0 to 18");
    }
    const bool scaled = decimal(s.initial, s.decimals, where + ".initial") &
                        decimal(s.min, s.decimals, where + ".min") & decimal(s.max, s.decimals, where + ".max") &
                        decimal(s.quantum, s.decimals, where + ".quantum");
    if (!scaled) return;
    if (s.quantum.units() <= 0) return range(false, where + ".quantum", "the quantum must be above 0");
    range(s.min < s.max, where + ".min", s.min.to_string() + " is not below max " + s.max.to_string());
    range(s.initial >= s.min && s.initial <= s.max, where + ".initial",
          s.initial.to_string() + " is outside " + s.min.to_string() + " to " + s.max.to_string());
    on_grid(s.min, s.quantum, where + ".min");
    on_grid(s.max, s.quantum, where + ".max");
    on_grid(s.initial, s.quantum, where + ".initial");
    change(s.change, s, where + ".change");
    duration(s.cooldown_up, where + ".cooldown_up", Duration::zero(), kDurationMax);
    duration(s.cooldown_down, where + ".cooldown_down", Duration::zero(), kDurationMax);
    if (s.drift && decimal(s.drift->budget, s.decimals, where + ".drift.budget")) {
      range(s.drift->budget >= s.quantum, where + ".drift.budget",
            s.drift->budget.to_string() + " is below the quantum " + s.quantum.to_string() + ": nothing could move");
      duration(s.drift->window, where + ".drift.window", Duration{1}, kDurationMax);
    }
    if (s.emergency) {
      change(s.emergency->change, s, where + ".emergency.change");
      duration(s.emergency->cooldown_up, where + ".emergency.cooldown_up", Duration::zero(), kDurationMax);
      duration(s.emergency->cooldown_down, where + ".emergency.cooldown_down", Duration::zero(), kDurationMax);
    }
    if (s.flaps) {
      range(s.flaps->count >= 1 && s.flaps->count <= guardian::kFlapsMax, where + ".flaps",
            std::to_string(s.flaps->count) + " is not from 1 to " + std::to_string(guardian::kFlapsMax));
      duration(s.flaps->window, where + ".flaps.window", Duration{1}, kDurationMax);
    }
    range(s.restricted_values.size() <= kRestrictedMax, where + ".restricted",
          std::to_string(s.restricted_values.size()) + " ranges are more than " + std::to_string(kRestrictedMax));
    for (const auto& r : s.restricted_values) {
      if (!decimal(r.from, s.decimals, where + ".restricted") || !decimal(r.to, s.decimals, where + ".restricted")) {
        continue;
      }
      range(r.from <= r.to, where + ".restricted", r.from.to_string() + " is above " + r.to.to_string());
    }
    duration(s.expiry, where + ".expiry", Duration::milliseconds(1), kDurationMax);
    duration(s.ack_timeout, where + ".ack_timeout", Duration::milliseconds(1), kDurationMax);
    duration(s.veto_window, where + ".veto_window", Duration::zero(), kDurationMax);
    duration(s.approval_max, where + ".approval_max", Duration{1}, kDurationMax);
    if (s.approve_above && decimal(*s.approve_above, s.decimals, where + ".approve_above")) {
      range(s.approve_above->units() >= 0, where + ".approve_above", s.approve_above->to_string() + " is below 0");
    }
    check_action(s, where, *this);
  }

  void on_grid(Decimal value, Decimal quantum, const std::string& where) {
    const Decimal nearest = value.rounded_to(quantum);
    range(nearest == value, where,
          value.to_string() + " is not a multiple of the quantum " + quantum.to_string() + "; the nearest is " +
              nearest.to_string());
  }

  void gains(const controller::Gains& g, const std::string& where) {
    number(g.kp, where + ".kp", 0, kMagnitudeMax);
    number(g.ki_per_s, where + ".ki_per_s", 0, kMagnitudeMax);
    number(g.kd_s, where + ".kd_s", 0, kMagnitudeMax);
  }

  void loop(const controller::LoopSettings& s) {
    const std::string where = "loops." + s.name;
    known("parameter", s.parameter, parameters_, where + ".parameter");
    if (known("metric", s.metric, metrics_, where + ".metric")) {
      const auto& m = p_.oracle.metrics[metrics_.index.at(s.metric)];
      number(s.setpoint, where + ".setpoint", m.min, m.max);
      if (s.emergency_below) number(*s.emergency_below, where + ".emergency_below", m.min, m.max);
      if (s.emergency_above) number(*s.emergency_above, where + ".emergency_above", m.min, m.max);
    }
    range(!s.emergency_below || *s.emergency_below < s.setpoint, where + ".emergency_below",
          "the emergency band begins at or above the set-point");
    range(!s.emergency_above || *s.emergency_above > s.setpoint, where + ".emergency_above",
          "the emergency band begins at or below the set-point");
    duration(s.emergency_clear_after, where + ".emergency_clear_after", Duration::zero(), kDurationMax);
    number(s.setpoint_ramp_per_s, where + ".setpoint_ramp_per_s", 0, kMagnitudeMax);
    if (s.plausibility) {
      number(s.plausibility->moved_ratio, where + ".plausibility.moved", 1e-6, 1);
      number(s.plausibility->response_ratio, where + ".plausibility.response", 0, 1);
      duration(s.plausibility->within, where + ".plausibility.within", Duration{1}, kDurationMax);
    }
    plant(s, where);
    if (s.law) law(s, *s.law, where);
    check_moves_amount(s, parameter_of(s), where, *this);
    if (s.schedule) schedule(s, *s.schedule, where + ".schedule");
    if (!s.drives.empty()) cascade(s, where);
    gains(s.pid.gains, where);
    if (s.emergency) gains(*s.emergency, where + ".emergency");
    pid(s.pid, s.setpoint, where);
  }

  void schedule(const controller::LoopSettings& s, const controller::GainSchedule& schedule, const std::string& where) {
    using controller::GainSchedule;
    known("metric", schedule.metric, metrics_, where + ".metric");
    if (s.law) add(ErrorCode::conflict, where, "multiplies gains, which only the law pid has");
    range(schedule.points.size() >= 2 && schedule.points.size() <= GainSchedule::kPointsMax, where + ".points",
          std::to_string(schedule.points.size()) + " points are not from 2 to " +
              std::to_string(GainSchedule::kPointsMax));
    for (std::size_t i = 0; i < schedule.points.size(); ++i) {
      const auto& point = schedule.points[i];
      number(point.x, where + ".points", -kMagnitudeMax, kMagnitudeMax);
      number(point.factor, where + ".points", 1e-6, GainSchedule::kFactorMax);
      range(i == 0 || point.x > schedule.points[i - 1].x, where + ".points",
            text_of(point.x) + " does not come after the point before it");
    }
  }

  /// A loop that drives another: who it is, that it ends at the parameter it says, and that there is no circle.
  void cascade(const controller::LoopSettings& s, const std::string& where) {
    const controller::LoopSettings* at = &s;
    for (std::size_t steps = 0; !at->drives.empty(); ++steps) {
      if (steps > p_.loops.size()) {
        return add(ErrorCode::conflict, where + ".drives", "goes in a circle: no loop of it would move a parameter");
      }
      if (!known("loop", at->drives, loops_, where + ".drives")) return;
      at = &p_.loops[loops_.index.at(at->drives)];
    }
    if (at->parameter != s.parameter) {
      add(ErrorCode::conflict, where + ".parameter",
          "'" + s.parameter + "' is not what it moves in the end, '" + at->parameter + "'");
    }
    if (s.law)
      add(ErrorCode::unsupported, where + ".law",
          "is not of a loop that drives another: laws other than pid go on from an applied value or count in a "
          "parameter's smallest units, and a set-point has neither; use pid");
    if (s.plausibility) {
      add(ErrorCode::unsupported, where + ".plausibility", "a loop that drives another moves no parameter itself");
    }
    const controller::LoopSettings& inner = p_.loops[loops_.index.at(s.drives)];
    for (const auto& other : p_.loops) {
      if (&other != &s && other.drives == s.drives) {
        add(ErrorCode::conflict, where + ".drives", "'" + s.drives + "' is driven by '" + other.name + "' as well");
      }
    }
    if (metrics_.index.count(inner.metric) == 0) return;
    const auto& m = p_.oracle.metrics[metrics_.index.at(inner.metric)];
    range(inner.setpoint + s.pid.output_min >= m.min - 1e-9 && inner.setpoint + s.pid.output_max <= m.max + 1e-9,
          where + ".output", "takes the set-point of '" + s.drives + "' beyond its metric's min and max");
  }

  void plant(const controller::LoopSettings& s, const std::string& where) {
    if (s.plant) {
      number(s.plant->gain_min, where + ".plant.gain", 1e-18, kMagnitudeMax);
      number(s.plant->gain_max, where + ".plant.gain", 1e-18, kMagnitudeMax);
      range(!(s.plant->gain_min > s.plant->gain_max), where + ".plant.gain",
            text_of(s.plant->gain_min) + " is above " + text_of(s.plant->gain_max));
      duration(s.plant->lag, where + ".plant.lag", Duration::zero(), kDurationMax);
      duration(s.plant->delay, where + ".plant.delay", Duration::zero(), kDurationMax);
    }
    if (!s.corridor) return;
    if (!s.plant) add(ErrorCode::missing, where + ".plant", "a corridor needs the plant that is run");
    if (!s.drives.empty()) {
      add(ErrorCode::unsupported, where + ".corridor",
          "is of a loop that moves a parameter itself; give it to '" + s.drives + "'");
    }
    number(s.corridor->min, where + ".corridor.min", -kMagnitudeMax, kMagnitudeMax);
    number(s.corridor->max, where + ".corridor.max", -kMagnitudeMax, kMagnitudeMax);
    range(!(s.corridor->min >= s.corridor->max), where + ".corridor.min",
          text_of(s.corridor->min) + " is not below max " + text_of(s.corridor->max));
    duration(s.corridor->horizon, where + ".corridor.horizon", Duration::milliseconds(1), kDurationMax);
  }

  [[nodiscard]] const guardian::ParameterSettings* parameter_of(const controller::LoopSettings& s) const {
    const auto found = parameters_.index.find(s.parameter);
    return found == parameters_.index.end() ? nullptr : &p_.guardian.parameters[found->second];
  }

  void law(const controller::LoopSettings& s, const controller::LawSettings& law, const std::string& where) {
    const std::string at = where + ".law." + std::string(controller::name_of(law.kind()));
    if (const auto ok = controller::check(law, p_.period); !ok) {
      add(ok.error().code, ok.error().where.empty() ? at : at + "." + ok.error().where, ok.error().message);
    }
    duration(law.hand_back_half_life, where + ".hand_back_half_life", Duration::zero(), kDurationMax);
    for (const std::string& name : controller::metrics_of(law)) {
      if (!name.empty()) known("metric", name, metrics_, at);
    }
    if (const auto* x = std::get_if<controller::EconomyLaw>(&law.choice))
      check_mechanism(*x, parameter_of(s), at, *this);
    const bool divides = law.kind() == controller::LawKind::multiplicative ||
                         law.kind() == controller::LawKind::ratio || law.kind() == controller::LawKind::sigmoid;
    range(!divides || s.setpoint > 0, where + ".setpoint",
          text_of(s.setpoint) + " is not above 0: the law " + std::string(controller::name_of(law.kind())) +
              " divides by it");
    if (s.emergency) {
      add(ErrorCode::conflict, where + ".emergency",
          "emergency gains are of the law pid; the law " + std::string(controller::name_of(law.kind())) + " has none");
    }
  }

  void pid(const controller::PidSettings& s, double setpoint, const std::string& where) {
    if (s.error == controller::ErrorKind::relative && std::fabs(setpoint) < 1e-9) {
      add(ErrorCode::conflict, where + ".error",
          "a relative error needs a set-point other than 0; use an absolute error");
    }
    number(s.deadband, where + ".deadband", 0, kMagnitudeMax);
    number(s.setpoint_weight, where + ".setpoint_weight", 0, 1);
    duration(s.leak_half_life, where + ".leak_half_life", Duration::zero(), kDurationMax);
    duration(s.derivative_filter, where + ".derivative_filter", Duration::zero(), kDurationMax);
    duration(s.input_filter, where + ".input_filter", Duration::zero(), kDurationMax);
    number(s.slew_per_s, where + ".slew_per_s", 0, kMagnitudeMax);
    duration(s.tracking_time, where + ".tracking_time", Duration::zero(), kDurationMax);
    duration(s.dt_max, where + ".dt_max", Duration::zero(), kDurationMax);
    number(s.output_min, where + ".output_min", -kMagnitudeMax, kMagnitudeMax);
    number(s.output_max, where + ".output_max", -kMagnitudeMax, kMagnitudeMax);
    range(s.output_min < s.output_max, where + ".output_min",
          text_of(s.output_min) + " is not below output_max " + text_of(s.output_max));
    number(s.integral_min, where + ".integral_min", -kMagnitudeMax, kMagnitudeMax);
    number(s.integral_max, where + ".integral_max", -kMagnitudeMax, kMagnitudeMax);
    range(s.integral_min <= s.integral_max, where + ".integral_min",
          text_of(s.integral_min) + " is above integral_max " + text_of(s.integral_max));
    number(s.feed_forward, where + ".feed_forward", -kMagnitudeMax, kMagnitudeMax);
  }

  const Policy& p_;
  std::vector<Error>& errors_;
  Names metrics_, parameters_, loops_;
};

}  // namespace

std::vector<Error> check(const Policy& policy) {
  std::vector<Error> errors;
  Checker(policy, errors).run();
  return errors;
}

}  // namespace homeostat::engine
