// The presets of the economy load with nothing set and nothing to warn of, and stay inside what their mechanisms allow.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/describe.hpp"
#include "economy/bonding/governed.hpp"

namespace homeostat::config {
namespace {

std::optional<std::string> nothing_set(std::string_view) {
  return std::nullopt;
}

std::string all(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics) text += d.text() + "\n";
  return text;
}

const guardian::ParameterSettings& parameter(const engine::Policy& policy, std::string_view name) {
  for (const auto& p : policy.guardian.parameters) {
    if (p.name == name) return p;
  }
  throw std::runtime_error("no parameter " + std::string(name));
}

struct Range {
  const char* name;
  const char* min;
  const char* max;
};

TEST(Presets, TokenomicsHasTheUsualRangesAndNoWarning) {
  const Loaded loaded = load_file("config/tokenomics.yaml", nothing_set);
  ASSERT_TRUE(loaded) << all(loaded.error());
  EXPECT_EQ(all(loaded->warnings()), "");
  for (const Range& r : {Range{"inflation", "0.02", "0.08"}, Range{"staking_apy", "0.05", "0.15"},
                         Range{"stability_fee", "0.001", "0.01"}, Range{"treasury_tax", "0.005", "0.05"}}) {
    const auto& p = parameter(*loaded->policy(), r.name);
    EXPECT_EQ(p.min.to_string(), r.min) << r.name;
    EXPECT_EQ(p.max.to_string(), r.max) << r.name;
  }
  EXPECT_TRUE(parameter(*loaded->policy(), "treasury_tax").restricted);
  EXPECT_EQ(parameter(*loaded->policy(), "burned").approve_above->to_string(), "0");
  const auto& recipients = parameter(*loaded->policy(), "distributed").action.recipients;
  ASSERT_EQ(recipients.size(), 4U);
  EXPECT_EQ(recipients[0].parts, 400'000'000U);
  EXPECT_EQ(recipients[1].parts, 300'000'000U);
  EXPECT_EQ(recipients[2].parts, 200'000'000U);
  EXPECT_EQ(recipients[3].parts, 100'000'000U);
}

TEST(Presets, CheckSaysWhatActionsDoAndWhatTheyWaitFor) {
  const Loaded loaded = load_file("config/tokenomics.yaml", nothing_set);
  ASSERT_TRUE(loaded) << all(loaded.error());
  const Description description = describe(*loaded);
  const auto line_of = [text = to_text(description)](const std::string& part) {
    const std::size_t at = text.find(part);
    return at == std::string::npos ? "no " + part : text.substr(at, text.find('\n', at) - at);
  };
  EXPECT_NE(
      line_of("distribute HOME from revenue: ").find("stakers 40%, treasury 30%, developers 20%, burn 10%  1000000"),
      std::string::npos);
  EXPECT_NE(line_of("burn HOME from burnable").find("always"), std::string::npos);
  EXPECT_NE(line_of("mint HOME to treasury").find("above 10000"), std::string::npos);
  EXPECT_NE(line_of("propose ").find("only an override moves it"), std::string::npos);
  const std::string json = to_json(description);
  EXPECT_NE(json.find(R"("action":"mint HOME to treasury","action_most":"50000","approve_above":"10000")"),
            std::string::npos)
      << json;
  EXPECT_NE(json.find(R"("action":"propose","action_most":null,"approve_above":null,"restricted":true)"),
            std::string::npos);
}

TEST(Presets, BondingLimitsEachGovernedParameterInsideItsRangeFromItsDefault) {
  const Loaded loaded = load_file("config/bonding.yaml", nothing_set);
  ASSERT_TRUE(loaded) << all(loaded.error());
  EXPECT_EQ(all(loaded->warnings()), "");
  std::set<economy::bonding::DecisionGroup> groups;
  for (const auto& p : loaded->policy()->guardian.parameters) {
    if (p.name.starts_with("weight_")) continue;  // moved as a whole, by the system's schedule
    const auto* governed = economy::bonding::governed_parameter(p.name);
    ASSERT_NE(governed, nullptr) << p.name;
    groups.insert(governed->group);
    EXPECT_GE(p.min.to_double(), governed->min) << p.name;
    EXPECT_LE(p.max.to_double(), governed->max) << p.name;
    EXPECT_EQ(p.initial.to_double(), governed->initial) << p.name;
  }
  EXPECT_EQ(groups.size(), 6U);
  for (const auto& governed : economy::bonding::governed_parameters()) {
    EXPECT_EQ(parameter(*loaded->policy(), governed.name).name, governed.name);  // every one can be moved
  }
}

TEST(Presets, BondingWeightsAreOneBundleThatSumsToOne) {
  const Loaded loaded = load_file("config/bonding.yaml", nothing_set);
  ASSERT_TRUE(loaded) << all(loaded.error());
  const auto& bundles = loaded->policy()->guardian.bundles;
  ASSERT_EQ(bundles.size(), 1U);
  Decimal sum(0, 4);
  for (const auto& name : bundles[0].members) sum = sum + parameter(*loaded->policy(), name).initial;
  EXPECT_EQ(sum.to_string(), "1");
}

}  // namespace
}  // namespace homeostat::config
