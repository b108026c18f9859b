// loops.NAME.law: a law other than pid, and what it is told.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/readers.hpp"
#include "controller/law.hpp"
#include "core/format.hpp"
#include "economy/mechanism.hpp"

namespace homeostat::config {
namespace {

using namespace controller;

struct Place {
  Context& context;
  const Metrics& metrics;
  const guardian::ParameterSettings& parameter;
  const oracle::MetricSettings& metric;
};

/// A whole number as a contract stores it, with up to 78 digits.
void read_int(const Field& field, Int& out) {
  std::string text;
  if (!field.text(text)) return;
  if (const auto value = parse_int(text)) {
    out = *value;
  } else {
    field.error(fmt::format("'{}' is not a whole number of at most 256 bits, as the contract stores it", text));
  }
}

/// A number with up to 18 decimals, in WAD; % and bps where it is a ratio.
void read_wad(const Field& field, std::string_view unit, Int& out) {
  Decimal value;
  if (!field.decimal(value, unit, 18)) return;
  constexpr Decimal::Units kPart = kWadUnits;
  out = Int(static_cast<std::int64_t>(value.units() / kPart)) * kWadUnits +
        Int(static_cast<std::int64_t>(value.units() % kPart));
}

void read_metric(const Field& field, const Place& place, std::string& out) {
  if (!field.name(out) || place.metrics.find(out) != nullptr) return;
  std::vector<std::string> names;
  for (const auto& m : place.metrics.settings) names.push_back(m.name);
  report_unknown(field, "metric", out, names);
}

/// How many of the parameter's units a ratio of 1 is; 0 = it is no ratio.
double units_per_ratio(std::string_view unit) {
  if (unit == "ratio") return 1;
  if (unit == "%") return 100;
  return unit == "bps" ? 10'000 : 0;
}

void read_every(Section& s, Duration& out) {
  s.optional("every").duration(out, {.min = Duration::milliseconds(10)});
}

Redemption read_redemption(Section& s, const Place& place) {
  Redemption redemption;
  read_metric(s.optional("redemption_price"), place, redemption.price);
  s.required("per", "the time over which the parameter states the rate, e.g. 1s or 365d")
      .duration(redemption.per, {.min = Duration::seconds(1)});
  redemption.units_per_ratio = units_per_ratio(place.parameter.unit);
  if (redemption.units_per_ratio == 0) {
    s.error(fmt::format("moves a rate, and the parameter's unit is '{}', not ratio, % or bps", place.parameter.unit));
  }
  return redemption;
}

RaiPiLaw read_rai_pi(const Field& field, const Place& place) {
  RaiPiLaw law;
  Section s(field, place.context);
  std::size_t variant = 0;
  const std::vector<std::string_view> names(rai::kVariantNames.begin(), rai::kVariantNames.end());
  if (s.required("variant", "which of the contracts' laws, e.g. pi_scaled").one_of(variant, names)) {
    law.settings.variant = static_cast<rai::Variant>(variant);
  }
  read_int(s.required("kp_wad", "the proportional gain as the contract stores it"), law.settings.kp);
  read_int(s.optional("ki_wad"), law.settings.ki);
  read_int(s.optional("leak_ray"), law.settings.leak);
  read_int(s.optional("noise_barrier_wad"), law.settings.noise_barrier);
  read_int(s.optional("upper_ray"), law.settings.upper);
  read_int(s.optional("lower_ray"), law.settings.lower);
  read_int(s.optional("bias_ray"), law.settings.bias);
  law.redemption = read_redemption(s, place);
  return law;
}

DirectRateLaw read_direct_rate(const Field& field, const Place& place) {
  DirectRateLaw law;
  Section s(field, place.context);
  read_int(s.required("acceleration_wad", "by which the rate moves in a step for a deviation of 1"), law.acceleration);
  law.redemption = read_redemption(s, place);
  read_every(s, law.every);
  return law;
}

MultiplicativeLaw read_multiplicative(const Field& field, const Place& place) {
  MultiplicativeLaw law;
  Section s(field, place.context);
  std::uint32_t denominator = 8, elasticity = 2;
  s.required("denominator", "1 / the largest share by which one step lowers the value, e.g. 8")
      .integer(denominator, {.min = 1, .max = 1'000'000'000});
  s.required("elasticity", "the largest reading that counts, in set-points, e.g. 2")
      .integer(elasticity, {.min = 1, .max = 1'000'000});
  law.settings = {.elasticity = elasticity, .change_denominator = denominator};
  read_every(s, law.every);
  return law;
}

BlobFeeLaw read_blob_fee(const Field& field, const Place& place) {
  BlobFeeLaw law;
  Section s(field, place.context);
  s.required("fee_min", "the fee without any excess, in the parameter's unit")
      .quantity(law.fee_min, place.parameter.unit);
  s.required("update_fraction", "how much excess, in the metric's unit, multiplies the fee by e")
      .quantity(law.update_fraction, place.metric.unit);
  read_every(s, law.every);
  return law;
}

SigmoidLaw read_sigmoid(const Field& field, const Place& place) {
  SigmoidLaw law;
  Section s(field, place.context);
  read_wad(s.optional("threshold"), "ratio", law.settings.deviation_threshold);
  read_wad(s.required("growth_up", "how steep the curve is above the set-point"), "", law.settings.positive_growth);
  read_wad(s.required("growth_down", "how steep the curve is below the set-point"), "", law.settings.negative_growth);
  read_wad(s.required("limit_up", "the most that one step adds, e.g. 5%"), "ratio", law.settings.positive_limit);
  read_wad(s.required("limit_down", "the most that one step takes, e.g. 5%"), "ratio", law.settings.negative_limit);
  law.settings.negative_limit = -law.settings.negative_limit;
  read_every(s, law.every);
  return law;
}

void read_direction(const Field& field, const Place& place, ratio::Direction& out) {
  if (!field.is_given()) return;
  Section s(field, place.context);
  s.optional("tolerance").ratio(out.tolerance, {.min = 0, .max = 10});
  s.optional("window").duration(out.window, {.max = ratio::kWindowMax});
  std::size_t select = 0;
  if (s.optional("select").one_of(select, {"largest_change", "smallest_change", "disabled"})) {
    out.select = static_cast<ratio::Select>(select);
  }
  const Field policies = s.optional("policies");
  if (!policies.is_given()) return;
  out.policies.clear();
  if (policies.node()->kind != Node::Kind::sequence) {
    return policies.error("must be a list of changes per time, e.g. [100% per 15s, 4 per 15s]");
  }
  for (std::size_t i = 0; i < policies.node()->sequence.size(); ++i) {
    const Field entry(&policies.node()->sequence[i], fmt::format("{}.{}", policies.path(), i), &place.context);
    Per per;
    if (!entry.parsed(per, [&](std::string_view text) { return parse_per(text, place.context.day); })) continue;
    ratio::Policy policy{.period = per.per};
    policy.measure = per.amount.ends_with('%') ? ratio::Measure::percent : ratio::Measure::units;
    const auto amount = policy.measure == ratio::Measure::percent ? parse_quantity(per.amount, "%")
                                                                  : parse_quantity(per.amount, place.parameter.unit);
    if (!amount) {
      entry.error(amount.error().message, amount.error().nearest);
      continue;
    }
    policy.value = *amount;
    out.policies.push_back(policy);
  }
}

RatioLaw read_ratio(const Field& field, const Place& place) {
  RatioLaw law;
  law.settings = ratio::defaults(place.parameter.min.to_double(), place.parameter.max.to_double());
  Section s(field, place.context);
  read_direction(s.optional("up"), place, law.settings.up);
  read_direction(s.optional("down"), place, law.settings.down);
  return law;
}

SemilogLaw read_semilog(const Field& field, const Place& place) {
  SemilogLaw law;
  Section s(field, place.context);
  s.required("rate_min", "the rate of what is not used at all").quantity(law.settings.rate_min, place.parameter.unit);
  s.required("rate_max", "the rate of what is wholly used").quantity(law.settings.rate_max, place.parameter.unit);
  law.full = place.metric.unit == "%" ? 100 : place.metric.unit == "bps" ? 10'000 : 1;
  s.optional("full").quantity(law.full, place.metric.unit);
  return law;
}

ExponentialLaw read_exponential(const Field& field, const Place& place) {
  ExponentialLaw law;
  Section s(field, place.context);
  const std::string& unit = place.parameter.unit;
  s.required("rate_0", "the rate at the peg").quantity(law.settings.rate_0, unit);
  s.optional("rate_extra").quantity(law.settings.rate_extra, unit);
  s.required("rate_cap", "the highest rate").quantity(law.settings.rate_cap, unit);
  s.required("sigma", "a price this far below the set-point multiplies the rate by e")
      .quantity(law.settings.sigma, place.metric.unit);
  const Field share = s.optional("keepers_share");
  read_metric(share, place, law.keepers_share);
  const Field target = s.optional("keepers_target");
  target.ratio(law.settings.keepers_target);
  const Field mean = s.optional("keepers_mean");
  mean.duration(law.keepers_mean, {.min = Duration::milliseconds(1)});
  if (!share.is_given()) {
    for (const Field* f : {&target, &mean}) f->error("has a meaning only with keepers_share");
  }
  read_metric(s.optional("debt"), place, law.debt);
  read_metric(s.optional("debt_ceiling"), place, law.debt_ceiling);
  return law;
}

/// How many of `unit` are one of the mechanism's: a ratio is written as a ratio, % or bps, anything else as it is.
double units_per(std::string_view mechanism_unit, std::string_view unit) {
  if (mechanism_unit != "ratio") return 1;
  const double per_ratio = units_per_ratio(unit);
  return per_ratio == 0 ? 1 : per_ratio;
}

/// A number in the mechanism's unit, or where to take it from: reading, setpoint, applied, or a metric's name.
MechanismInput read_input(const Field& field, const economy::MechanismInput& wanted, const Place& place) {
  MechanismInput input;
  std::string text;
  if (!field.text(text)) return input;
  const bool is_number = text.find_first_of("0123456789") == (text[0] == '-' || text[0] == '.' ? 1 : 0);
  if (is_number) {
    if (wanted.unit == "days") {
      Duration d;
      if (field.duration(d)) input.constant = d.in_seconds() / Duration::days(1).in_seconds();
    } else {
      field.quantity(input.constant, wanted.unit == "ratio" ? "ratio" : "", {wanted.range.min, wanted.range.max});
    }
    return input;
  }
  if (text == "reading" || text == "setpoint") {
    input.source = text == "reading" ? InputSource::reading : InputSource::setpoint;
    input.scale = 1 / units_per(wanted.unit, place.metric.unit);
  } else if (text == "applied") {
    input.source = InputSource::applied;
    input.scale = 1 / units_per(wanted.unit, place.parameter.unit);
  } else {
    read_metric(field, place, input.metric);
    input.source = InputSource::metric;
    const auto* metric = place.metrics.find(input.metric);
    if (metric != nullptr) input.scale = 1 / units_per(wanted.unit, metric->unit);
  }
  return input;
}

EconomyLaw read_economy(const Field& field, const Place& place) {
  EconomyLaw law;
  Section s(field, place.context);
  const Field name = s.required("mechanism", "which one (homeostat economy list)");
  const Field inputs = s.required("inputs", "what it is given, by the names that homeostat economy show prints");
  std::size_t action = 0;
  if (s.optional("when_low").one_of(action, {"raise", "lower"})) law.action = static_cast<Action>(action);
  if (!name.name(law.mechanism)) return law;
  const auto found = economy::mechanism(law.mechanism);
  if (!found) {
    std::vector<std::string> names;
    for (const auto& m : economy::mechanisms()) names.emplace_back(m.name);
    report_unknown(name, "mechanism", law.mechanism, names);
    return law;
  }
  const economy::Mechanism& mechanism = **found;
  law.is_amount = mechanism.output == economy::MechanismOutput::amount;
  law.scale = units_per(mechanism.unit, place.parameter.unit);
  if (!inputs.is_given()) return law;
  Section given(inputs, place.context);
  for (const economy::MechanismInput& wanted : mechanism.inputs) {
    if (wanted.otherwise) {
      const Field value = given.optional(wanted.name);
      law.inputs.push_back(value.is_given() ? read_input(value, wanted, place)
                                            : MechanismInput{.constant = *wanted.otherwise});
    } else {
      law.inputs.push_back(read_input(given.required(wanted.name, wanted.help), wanted, place));
    }
  }
  return law;
}

}  // namespace

std::shared_ptr<const LawSettings> read_law(const Field& field, Context& context, const Metrics& metrics,
                                            const guardian::ParameterSettings& parameter,
                                            const oracle::MetricSettings& metric) {
  if (!field.is_given()) return nullptr;
  const Place place{context, metrics, parameter, metric};
  LawSettings law;
  Section s(field, context);
  std::size_t given = 0;
  const auto one = [&](std::string_view name, auto reader) {
    const Field entry = s.optional(name);
    if (!entry.is_given()) return;
    ++given;
    law.choice = reader(entry, place);
  };
  one("rai_pi", read_rai_pi);
  one("direct_rate", read_direct_rate);
  one("multiplicative", read_multiplicative);
  one("blob_fee", read_blob_fee);
  one("sigmoid", read_sigmoid);
  one("ratio", read_ratio);
  one("semilog", read_semilog);
  one("exponential", read_exponential);
  one("economy", read_economy);
  s.optional("hand_back_half_life").duration(law.hand_back_half_life, {.min = Duration::milliseconds(1)});
  if (given != 1) {
    s.error(
        "names one law: rai_pi, direct_rate, multiplicative, blob_fee, sigmoid, ratio, semilog, exponential or economy "
        "(without `law` it is pid)");
  }
  return std::make_shared<const LawSettings>(std::move(law));
}

}  // namespace homeostat::config
