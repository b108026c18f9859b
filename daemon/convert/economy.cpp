#include "daemon/convert/economy.hpp"

#include <cmath>

#include <fmt/format.h>

#include "daemon/convert/amounts.hpp"
#include "daemon/convert/names.hpp"
#include "economy/bonding/governed.hpp"
#include "economy/mechanism.hpp"
#include "economy/tokenomics/apportion.hpp"

namespace homeostat::convert {
namespace {

using economy::Amount;

/// How many of `unit` are one ratio; 1 if it is no ratio.
double units_per_ratio(std::string_view unit) {
  return unit == "%" ? 100 : unit == "bps" ? 10'000 : 1;
}

template <class T>
tl::unexpected<Error> at(const std::string& where, const Result<T>& failed) {
  Error error = failed.error();
  error.where = error.where.empty() ? where : where + "." + error.where;
  return tl::make_unexpected(std::move(error));
}

}  // namespace

std::string text_of_amount(Amount amount) {
  return Decimal(amount, 0).to_string();
}

Result<Amount> amount_from_text(const std::string& text, const std::string& where) {
  const auto parsed = Decimal::parse(text, 0);
  if (!parsed) return at(where, parsed);
  if (parsed->units() < 0) return fail(ErrorCode::out_of_range, where, "must be 0 to 10^30, is " + text);
  return parsed->units();
}

Result<Taken> quantity_from_proto(const v1::Quantity& proto, std::string_view unit, const engine::View& view,
                                  const std::string& where) {
  const auto scaled = [&](double value, std::string_view own_unit) {
    return unit == "ratio" ? value / units_per_ratio(own_unit) : value;
  };
  switch (proto.from_case()) {
    case v1::Quantity::kValue: return Taken{proto.value(), "given"};
    case v1::Quantity::kMetric: {
      const auto* metric = find_by_name(view.metrics, proto.metric());
      if (metric == nullptr) {
        return tl::make_unexpected(unknown_name("metric", proto.metric(), names_of(view.metrics), where));
      }
      const oracle::Reading& reading = metric->reading;
      if (!is_usable(reading.quality)) {
        return fail(ErrorCode::conflict, where,
                    fmt::format("metric {} is {} now{}{}; give a value instead, or try again", metric->name,
                                oracle::name_of(reading.quality), reading.reason.empty() ? "" : ": ",
                                std::string(reading.reason)));
      }
      return Taken{scaled(reading.value, metric->unit),
                   fmt::format("metric {} ({})", metric->name, oracle::name_of(reading.quality))};
    }
    case v1::Quantity::kParameter: {
      const auto parameter = find_parameter(view, proto.parameter(), where);
      if (!parameter) return tl::make_unexpected(parameter.error());
      return Taken{scaled((*parameter)->value.to_double(), (*parameter)->unit), "parameter " + (*parameter)->name};
    }
    case v1::Quantity::FROM_NOT_SET: break;
  }
  return fail(ErrorCode::invalid_argument, where, "is required: a value, a metric or a parameter");
}

v1::ListMechanismsResponse mechanisms_to_proto() {
  v1::ListMechanismsResponse out;
  for (const economy::Mechanism& m : economy::mechanisms()) {
    v1::Mechanism& proto = *out.add_mechanisms();
    proto.set_name(std::string(m.name));
    proto.set_help(std::string(m.help));
    proto.set_source(std::string(m.source));
    proto.set_output(m.output == economy::MechanismOutput::amount ? "amount" : "value");
    proto.set_unit(std::string(m.unit));
    for (const economy::MechanismInput& i : m.inputs) {
      auto& input = *proto.add_inputs();
      input.set_name(std::string(i.name));
      input.set_unit(std::string(i.unit));
      input.set_min(i.range.min);
      input.set_max(i.range.max);
      input.set_required(!i.otherwise.has_value());
      input.set_otherwise(i.otherwise.value_or(0));
      input.set_help(std::string(i.help));
    }
  }
  return out;
}

v1::ListGovernedParametersResponse governed_parameters_to_proto() {
  v1::ListGovernedParametersResponse out;
  for (const auto& p : economy::bonding::governed_parameters()) {
    v1::GovernedParameter& proto = *out.add_parameters();
    proto.set_group(std::string(name_of(p.group)));
    proto.set_name(std::string(p.name));
    proto.set_unit(std::string(p.unit));
    proto.set_min(p.min);
    proto.set_max(p.max);
    proto.set_initial(p.initial);
    proto.set_meaning(std::string(p.meaning));
  }
  return out;
}

Result<v1::EvaluateResponse> answer(const v1::EvaluateRequest& request, const engine::View& view) {
  const auto found = economy::mechanism(request.mechanism());
  if (!found) return tl::make_unexpected(found.error());
  const economy::Mechanism& mechanism = **found;
  std::vector<economy::NamedInput> inputs;
  std::vector<std::string> from(mechanism.inputs.size(), "default");
  for (int i = 0; i < request.inputs_size(); ++i) {
    const v1::NamedQuantity& given = request.inputs(i);
    std::size_t place = 0;
    while (place < mechanism.inputs.size() && mechanism.inputs[place].name != given.name()) ++place;
    const std::string_view unit = place < mechanism.inputs.size() ? mechanism.inputs[place].unit : "";
    const auto taken = quantity_from_proto(given.from(), unit, view, fmt::format("inputs[{}].from", i));
    if (!taken) return tl::make_unexpected(taken.error());
    inputs.push_back({given.name(), taken->value});
    if (place < from.size()) from[place] = taken->from;
  }
  const auto values = economy::arrange(mechanism, inputs);
  if (!values) return at("inputs", values);
  const auto value = economy::evaluate(mechanism, *values);
  if (!value) return at("inputs", value);
  v1::EvaluateResponse out;
  out.set_value(*value);
  out.set_unit(std::string(mechanism.unit));
  out.set_output(mechanism.output == economy::MechanismOutput::amount ? "amount" : "value");
  for (std::size_t i = 0; i < values->size(); ++i) {
    v1::UsedInput& used = *out.add_inputs();
    used.set_name(std::string(mechanism.inputs[i].name));
    used.set_unit(std::string(mechanism.inputs[i].unit));
    used.set_value((*values)[i]);
    used.set_from(from[i]);
  }
  return out;
}

Result<v1::ApportionResponse> answer(const v1::ApportionRequest& request) {
  if (request.shares_size() == 0 || request.shares_size() > kSharesMax) {
    return fail(ErrorCode::out_of_range, "shares",
                fmt::format("has {} shares, must have 1 to {}", request.shares_size(), kSharesMax));
  }
  const auto budget = amount_from_text(request.budget_units(), "budget_units");
  if (!budget) return tl::make_unexpected(budget.error());
  std::vector<Amount> weights;
  weights.reserve(static_cast<std::size_t>(request.shares_size()));
  for (int i = 0; i < request.shares_size(); ++i) {
    const auto weight = amount_from_text(request.shares(i).weight(), fmt::format("shares[{}].weight", i));
    if (!weight) return tl::make_unexpected(weight.error());
    weights.push_back(*weight);
  }
  const auto amounts = economy::tokenomics::apportion(*budget, std::span<const Amount>(weights));
  if (!amounts) return tl::make_unexpected(amounts.error());
  v1::ApportionResponse out;
  for (const Amount amount : *amounts) out.add_units(text_of_amount(amount));
  return out;
}

}  // namespace homeostat::convert
