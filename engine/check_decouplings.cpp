#include "engine/check_decouplings.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "controller/law.hpp"
#include "core/text.hpp"

namespace homeostat::engine {
namespace {

using controller::DecouplingSettings;
using controller::LoopSettings;

class DecouplingChecker {
 public:
  DecouplingChecker(const Policy& policy, std::vector<Error>& errors) : p_(policy), errors_(errors) {
    for (const LoopSettings& s : p_.loops) {
      names_.push_back(s.name);
      loops_.emplace(s.name, &s);
      if (s.drives.empty()) moved_by_[s.parameter].push_back(&s);
    }
  }

  void run() {
    if (p_.decouplings.size() > controller::kDecouplingsMax) {
      add(ErrorCode::out_of_range, "decoupling", "at most " + std::to_string(controller::kDecouplingsMax));
    }
    std::set<std::string_view> names;
    for (const DecouplingSettings& d : p_.decouplings) {
      const std::string where = "decoupling." + d.name;
      if (d.name.empty()) add(ErrorCode::missing, "decoupling", "a name is empty");
      if (!names.insert(d.name).second) add(ErrorCode::duplicate, where, "the name is given twice");
      group(d, where);
    }
  }

 private:
  void add(ErrorCode code, std::string where, std::string message) {
    errors_.push_back({code, std::move(where), std::move(message)});
  }

  void group(const DecouplingSettings& d, const std::string& where) {
    const std::string matrix = where + (d.is_gain ? ".gain" : ".decoupler");
    const auto made = controller::decoupling_of(d);
    if (!made) add(made.error().code, matrix, made.error().message);
    for (std::size_t i = 0; i < d.loops.size(); ++i) {
      const auto found = loops_.find(d.loops[i]);
      if (found == loops_.end()) {
        add(ErrorCode::unknown_name, where + ".loops",
            "no loop is named '" + d.loops[i] + "'" + did_you_mean(d.loops[i], names_));
        continue;
      }
      const auto [owner, is_new] = owners_.emplace(d.loops[i], d.name);
      if (!is_new) {
        add(ErrorCode::duplicate, where + ".loops",
            "'" + d.loops[i] + "' is " +
                (owner->second == d.name ? "given twice" : "in decoupling '" + owner->second + "' too"));
      }
      loop(*found->second, where + ".loops");
      if (made && d.is_gain) sign(*found->second, d.matrix[i * d.loops.size() + i], matrix);
    }
  }

  void loop(const LoopSettings& s, const std::string& where) {
    const std::string which = "'" + s.name + "' ";
    if (s.law) {
      return add(ErrorCode::unsupported, where,
                 which + "has the law " + std::string(controller::name_of(s.law->kind())) +
                     ": what a decoupling adds can be taken back by an integral of pid alone");
    }
    if (!s.drives.empty()) add(ErrorCode::unsupported, where, which + "drives another loop and moves no parameter");
    if (s.pid.gains.ki_per_s == 0 || (s.emergency && s.emergency->ki_per_s == 0)) {
      add(ErrorCode::conflict, where,
          which + "has no ki" + (s.pid.gains.ki_per_s == 0 ? "" : " in an emergency") +
              ": without an integral it cannot follow what became of its parameter");
    }
    if (s.plausibility) {
      add(ErrorCode::conflict, where,
          which +
              "has plausibility: its parameter also moves so that its metric stands still, which would be taken "
              "for a dead sensor");
    }
    for (const LoopSettings* other : moved_by_[s.parameter]) {
      if (other == &s) continue;
      add(ErrorCode::conflict, where,
          which + "shares '" + s.parameter + "' with '" + other->name + "'; a decoupled parameter has one loop");
    }
  }

  void sign(const LoopSettings& s, double gain, const std::string& where) {
    const bool rises = s.pid.action == controller::Action::direct;
    if (rises == (gain > 0)) return;
    add(ErrorCode::conflict, where,
        std::string("'") + s.name + "' " + (rises ? "raises" : "lowers") +
            " its parameter when its metric is low, but " + (gain > 0 ? "raising" : "lowering") +
            " it is declared to raise the metric");
  }

  const Policy& p_;
  std::vector<Error>& errors_;
  std::vector<std::string> names_;
  std::map<std::string_view, const LoopSettings*> loops_;
  std::map<std::string, std::string> owners_;
  std::map<std::string_view, std::vector<const LoopSettings*>> moved_by_;
};

}  // namespace

void check_decouplings(const Policy& policy, std::vector<Error>& errors) {
  DecouplingChecker(policy, errors).run();
}

}  // namespace homeostat::engine
