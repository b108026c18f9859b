#include "engine/check_bundles.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "core/format.hpp"
#include "core/text.hpp"

namespace homeostat::engine {
namespace {

using guardian::Bundle;
using guardian::OperandKind;
using guardian::ParameterSettings;

class BundleChecker {
 public:
  BundleChecker(const Policy& policy, std::vector<Error>& errors) : p_(policy), errors_(errors) {
    for (const auto& m : p_.oracle.metrics) metrics_.push_back(m.name);
    for (const auto& s : p_.guardian.parameters) {
      parameters_.push_back(s.name);
      settings_.emplace(s.name, &s);
    }
  }

  void run() {
    count(p_.guardian.bundles.size(), guardian::kBundlesMax, 0, "bundles", "bundles");
    std::set<std::string_view> names;
    for (const Bundle& b : p_.guardian.bundles) {
      if (b.name.empty()) add(ErrorCode::missing, "bundles", "a name is empty");
      if (!names.insert(b.name).second) add(ErrorCode::duplicate, "bundles." + b.name, "the name is given twice");
      bundle(b, "bundles." + b.name);
    }
  }

 private:
  void add(ErrorCode code, std::string where, std::string message) {
    errors_.push_back({code, std::move(where), std::move(message)});
  }
  void count(std::size_t n, std::size_t most, std::size_t least, const std::string& where, const char* what) {
    if (n >= least && n <= most) return;
    add(ErrorCode::out_of_range, where,
        std::to_string(n) + " " + what + " are not from " + std::to_string(least) + " to " + std::to_string(most));
  }

  void bundle(const Bundle& b, const std::string& where) {
    count(b.members.size(), guardian::kBundleMembersMax, 2, where + ".members", "members");
    const ParameterSettings* first = nullptr;
    for (const std::string& name : b.members) {
      const auto found = settings_.find(name);
      if (found == settings_.end()) {
        add(ErrorCode::unknown_name, where + ".members",
            "no parameter is named '" + name + "'" + did_you_mean(name, parameters_));
        continue;
      }
      const auto [owner, is_new] = owners_.emplace(name, b.name);
      if (!is_new) {
        add(ErrorCode::duplicate, where + ".members",
            "'" + name + "' is " + (owner->second == b.name ? "given twice" : "in bundle '" + owner->second + "' too") +
                ": a parameter moves with one bundle");
      }
      const ParameterSettings& s = *found->second;
      if (first == nullptr) first = &s;
      together(s, *first, where);
    }
    count(b.invariants.size(), guardian::kInvariantsMax, 0, where + ".invariants", "invariants");
    for (const auto& i : b.invariants) invariant(b, i, where + ".invariants." + i.name);
  }

  /// One adjustment has one expiry and one silence.
  void together(const ParameterSettings& s, const ParameterSettings& first, const std::string& where) {
    const auto same = [&](const char* what, Duration a, Duration b) {
      if (a == b) return;
      add(ErrorCode::conflict, where + ".members",
          "'" + s.name + "' has " + what + " " + text_of(a) + " and '" + first.name + "' " + text_of(b) +
              "; what is sent as one must have the same");
    };
    same("expiry", s.expiry, first.expiry);
    same("ack_timeout", s.ack_timeout, first.ack_timeout);
  }

  void invariant(const Bundle& b, const guardian::BundleInvariant& i, const std::string& where) {
    const auto parsed = guardian::parse_invariant(i);
    if (!parsed) return add(parsed.error().code, where, parsed.error().text());
    bool has_member = false;
    for (const guardian::Operand& operand : parsed->operands) {
      if (operand.kind == OperandKind::now) continue;
      const bool is_member = std::find(b.members.begin(), b.members.end(), operand.name) != b.members.end();
      const bool is_metric = std::find(metrics_.begin(), metrics_.end(), operand.name) != metrics_.end();
      has_member |= is_member;
      if (is_member && is_metric) {
        add(ErrorCode::conflict, where, "'" + operand.name + "' is a member and a metric; which one is meant?");
      } else if (!is_member && operand.kind != OperandKind::value) {
        add(ErrorCode::unknown_name, where,
            guardian::operand_text(operand) + " asks for a member of the bundle" +
                did_you_mean(operand.name, b.members));
      } else if (!is_member && !is_metric) {
        std::vector<std::string> known = b.members;
        known.insert(known.end(), metrics_.begin(), metrics_.end());
        add(ErrorCode::unknown_name, where,
            "no member or metric is named '" + operand.name + "'" + did_you_mean(operand.name, known));
      }
    }
    if (!has_member) add(ErrorCode::conflict, where, "says nothing about any member of the bundle");
  }

  const Policy& p_;
  std::vector<Error>& errors_;
  std::vector<std::string> metrics_, parameters_;
  std::map<std::string_view, const ParameterSettings*> settings_;
  std::map<std::string, std::string> owners_;
};

}  // namespace

void check_bundles(const Policy& policy, std::vector<Error>& errors) {
  BundleChecker(policy, errors).run();
}

}  // namespace homeostat::engine
