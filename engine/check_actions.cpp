#include "engine/check_actions.hpp"

#include <algorithm>

#include "core/format.hpp"
#include "economy/mechanism.hpp"

namespace homeostat::engine {

void check_action(const guardian::ParameterSettings& s, const std::string& where, Findings& found) {
  const guardian::Action& x = s.action;
  const std::string at = where + ".action";
  found.range(x.recipients.empty() || x.kind == guardian::ActionKind::distribute, at + ".recipients",
              "only distribute has recipients");
  if (!guardian::is_amount(x.kind)) return;
  const std::string kind(name_of(x.kind));
  found.range(!x.asset.empty(), at + ".asset", kind + " needs the asset that it moves");
  found.range(s.min.units() >= 0, where + ".min", "the total of what was moved is never below 0");
  if (s.change.relative || (s.emergency && s.emergency->change.relative)) {
    found.add(
        ErrorCode::conflict, where + ".change",
        "the value is the total of what was moved so far: limit the amount of one action, not a share of the total");
  }
  if (s.flaps) found.add(ErrorCode::conflict, where + ".flaps", "an amount only goes one way");
  if (x.kind != guardian::ActionKind::distribute) return;
  found.range(!x.recipients.empty() && x.recipients.size() <= guardian::kRecipientsMax, at + ".recipients",
              "distribute needs 1 to " + std::to_string(guardian::kRecipientsMax) + " recipients, has " +
                  std::to_string(x.recipients.size()));
  std::uint64_t parts = 0;
  for (const guardian::Recipient& r : x.recipients) parts += r.parts;
  found.range(
      parts == guardian::kPartsWhole, at + ".recipients",
      "the shares sum to " + short_text(static_cast<double>(parts) / guardian::kPartsWhole * 100) + "%, not 100%");
}

void check_moves_amount(const controller::LoopSettings& s, const guardian::ParameterSettings* parameter,
                        const std::string& where, Findings& found) {
  if (parameter == nullptr || !guardian::is_amount(parameter->action.kind)) return;
  if (s.law && s.law->kind() == controller::LawKind::economy) return;
  found.add(ErrorCode::conflict, where + ".law",
            "'" + s.parameter + "' is the total of amounts (" + std::string(name_of(parameter->action.kind)) +
                "), which only the law economy moves, by a mechanism that gives amounts");
}

void check_mechanism(const controller::EconomyLaw& law, const guardian::ParameterSettings* parameter,
                     const std::string& at, Findings& found) {
  const auto mechanism = economy::mechanism(law.mechanism);
  if (!mechanism) return found.add(mechanism.error().code, at + ".mechanism", mechanism.error().message);
  const economy::Mechanism& m = **mechanism;
  found.range(
      law.inputs.size() == m.inputs.size(), at + ".inputs",
      std::to_string(law.inputs.size()) + " inputs, " + law.mechanism + " takes " + std::to_string(m.inputs.size()));
  for (std::size_t i = 0; i < std::min(law.inputs.size(), m.inputs.size()); ++i) {
    if (law.inputs[i].source != controller::InputSource::constant) continue;
    const auto ok = economy::require(m.inputs[i].name, law.inputs[i].constant, m.inputs[i].range);
    if (!ok) found.add(ok.error().code, at + ".inputs." + std::string(m.inputs[i].name), ok.error().message);
  }
  const bool gives_amount = m.output == economy::MechanismOutput::amount;
  if (law.is_amount != gives_amount) found.add(ErrorCode::conflict, at, "is_amount is not what the mechanism gives");
  if (parameter == nullptr) return;
  if (gives_amount != guardian::is_amount(parameter->action.kind)) {
    found.add(ErrorCode::conflict, at + ".mechanism",
              gives_amount ? law.mechanism + " gives an amount to be moved, and '" + parameter->name +
                                 "' has no action that moves one (distribute, mint, burn, buy_back, move_liquidity)"
                           : law.mechanism + " gives a value, and '" + parameter->name + "' is the total of amounts");
  }
}

}  // namespace homeostat::engine
