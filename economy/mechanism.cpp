#include "economy/mechanism.hpp"

#include <algorithm>
#include <cmath>

#include "core/check.hpp"
#include "core/text.hpp"

namespace homeostat::economy {

Result<const Mechanism*> mechanism(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Mechanism& m : mechanisms()) {
    if (m.name == name) return &m;
    names.push_back(m.name);
  }
  return fail(ErrorCode::unknown_name, "mechanism",
              "there is no mechanism '" + std::string(name) + "'" + did_you_mean(name, names));
}

Result<double> evaluate(const Mechanism& m, std::span<const double> values) {
  HOMEOSTAT_CHECK(values.size() == m.inputs.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!is_in(values[i], m.inputs[i].range)) {
      return tl::make_unexpected(require(m.inputs[i].name, values[i], m.inputs[i].range).error());
    }
  }
  const Result<double> out = m.evaluate(values);
  if (out && !std::isfinite(*out)) {
    return fail(ErrorCode::out_of_range, std::string(m.name), "has no finite value for these inputs");
  }
  return out;
}

Result<std::vector<double>> arrange(const Mechanism& m, std::span<const NamedInput> inputs) {
  std::vector<std::string_view> names;
  for (const MechanismInput& input : m.inputs) names.push_back(input.name);
  std::vector<std::optional<double>> given(names.size());
  for (const NamedInput& input : inputs) {
    const auto at = std::find(names.begin(), names.end(), input.name);
    if (at == names.end()) {
      return fail(ErrorCode::unknown_name, input.name,
                  "is not an input of " + std::string(m.name) + did_you_mean(input.name, names));
    }
    auto& value = given[static_cast<std::size_t>(at - names.begin())];
    if (value) return fail(ErrorCode::duplicate, input.name, "is given twice");
    value = input.value;
  }
  std::vector<double> values;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const MechanismInput& input = m.inputs[i];
    if (!given[i] && !input.otherwise) {
      return fail(ErrorCode::missing, std::string(input.name),
                  "is missing: " + std::string(input.help) + " (" + std::string(input.unit) + ")");
    }
    values.push_back(given[i] ? *given[i] : *input.otherwise);
  }
  return values;
}

}  // namespace homeostat::economy
