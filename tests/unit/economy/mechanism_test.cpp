#include "economy/mechanism.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace homeostat::economy {
namespace {

double value_of(std::string_view name, const std::vector<NamedInput>& inputs) {
  const auto found = mechanism(name);
  EXPECT_TRUE(found) << name;
  const auto values = arrange(**found, inputs);
  if (!values) {
    ADD_FAILURE() << values.error().text();
    return -1;
  }
  const auto out = evaluate(**found, *values);
  EXPECT_TRUE(out) << out.error().text();
  return out.value_or(-1);
}

TEST(Mechanism, TheTableIsSortedByNamesAndEveryEntryIsWhole) {
  const auto all = mechanisms();
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; }));
  for (const Mechanism& m : all) {
    EXPECT_FALSE(m.help.empty() || m.source.empty() || m.unit.empty()) << m.name;
    EXPECT_NE(m.evaluate, nullptr);
    EXPECT_LE(m.inputs.size(), kMechanismInputsMax) << m.name;
    for (const MechanismInput& input : m.inputs) {
      EXPECT_LE(input.range.min, input.range.max) << m.name << " " << input.name;
      EXPECT_TRUE(!input.otherwise || is_in(*input.otherwise, input.range)) << m.name << " " << input.name;
    }
  }
}

TEST(Mechanism, WorkedExamples) {
  EXPECT_DOUBLE_EQ(value_of("payout", {{"balance", 500}, {"reserve", 200}, {"share", 0.1}}), 30);
  EXPECT_DOUBLE_EQ(value_of("payout", {{"balance", 100}, {"reserve", 200}, {"share", 0.1}}), 0);
  EXPECT_DOUBLE_EQ(value_of("issuance", {{"supply", 1'000'000}, {"rate", 0.05}, {"period", 73}}), 10'000);
  EXPECT_DOUBLE_EQ(value_of("buy_back", {{"price", 0.9}, {"low", 0.95}, {"pool", 1000}}), 10);
  EXPECT_DOUBLE_EQ(value_of("buy_back", {{"price", 0.95}, {"low", 0.95}, {"pool", 1000}}), 0);
  EXPECT_DOUBLE_EQ(value_of("buy_back", {{"price", 0.5}, {"low", 1}, {"pool", 1000}, {"kept", 1000}}), 0);
  EXPECT_DOUBLE_EQ(value_of("buy_back", {{"price", 0.8}, {"low", 1}, {"pool", 1000}, {"gap_full", 0.5}}), 5);
  EXPECT_DOUBLE_EQ(value_of("supply_increase", {{"price", 1.1}, {"high", 1}, {"supply", 1e6}}), 200);
  EXPECT_DOUBLE_EQ(value_of("supply_increase", {{"price", 1}, {"high", 1}, {"supply", 1e6}}), 0);
  EXPECT_DOUBLE_EQ(value_of("burn", {{"burnable", 100}, {"share", 0.5}}), 50);
  EXPECT_DOUBLE_EQ(value_of("inflation_step", {{"current", 0.05}, {"target", 0.056}}), 0.0505);
  EXPECT_DOUBLE_EQ(value_of("inflation_step", {{"current", 0.02}, {"target", 0.5}}), 0.025);  // target 8 %, move 0.5
  EXPECT_DOUBLE_EQ(value_of("inflation_target", {{"bonded", 0.67}}), 0.035);
  EXPECT_DOUBLE_EQ(value_of("staking_apy", {{"participation", 0.5}}), 0.10);
  EXPECT_DOUBLE_EQ(value_of("stability_fee", {{"price", 1}}), 0.001);
  EXPECT_DOUBLE_EQ(value_of("imbalance_fee", {{"imbalance", 0.5}}), 0.020625);
  EXPECT_DOUBLE_EQ(value_of("imbalance_fee", {{"imbalance", 0.5}, {"before", 0.6}}), 0.003);
  EXPECT_DOUBLE_EQ(value_of("redemption_rate", {{"level", 0}, {"reserve", 95}, {"supply", 100}}), 1);
  EXPECT_NEAR(value_of("redemption_rate", {{"level", 50}, {"reserve", 46.225}, {"supply", 50}}), 0.9245, 1e-12);
  EXPECT_NEAR(value_of("redemption_multiplier", {{"flow", 10}, {"supply", 100}}), 8.0 / 9, 1e-12);
  EXPECT_DOUBLE_EQ(value_of("commitment_room", {{"supply", 1000}, {"committed", 100}}), 200 / 0.7);
  EXPECT_NEAR(value_of("bonded_inflation", {{"current", 0.13}, {"bonded", 0}, {"period", 36.5}}), 0.143, 1e-12);
}

TEST(Mechanism, ErrorsNameTheInputAndWhatItMayBe) {
  const Mechanism& m = **mechanism("payout");
  const auto error = [&](const std::vector<NamedInput>& inputs) {
    const auto values = arrange(m, inputs);
    if (!values) return values.error().text();
    const auto out = evaluate(m, *values);
    return out ? "none" : out.error().text();
  };
  EXPECT_EQ(error({{"balance", 1}}), "share: is missing: of what is above the reserve, paid out at once (ratio)");
  EXPECT_EQ(error({{"balnce", 1}}), "balnce: is not an input of payout; did you mean 'balance'?");
  EXPECT_EQ(error({{"share", 1}, {"share", 1}}), "share: is given twice");
  EXPECT_EQ(error({{"balance", 1}, {"share", 2}}), "share: must be from 0 to 1, is 2");
  EXPECT_EQ(error({{"balance", -1}, {"share", 0.5}}), "balance: must be from 0 to 1e+30, is -1");
  EXPECT_EQ(mechanism("pay_out").error().text(), "mechanism: there is no mechanism 'pay_out'; did you mean 'payout'?");
}

TEST(Mechanism, NothingButNumbersInsideTheRangesIsEverEvaluated) {
  for (const Mechanism& m : mechanisms()) {
    std::vector<double> values;
    for (const MechanismInput& input : m.inputs) values.push_back(input.otherwise.value_or(input.range.min));
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(), m.inputs[i].range.min - 1}) {
        std::vector<double> broken = values;
        broken[i] = bad;
        const auto out = evaluate(m, broken);
        ASSERT_FALSE(out) << m.name << " " << m.inputs[i].name << " " << bad;
        EXPECT_EQ(out.error().where, m.inputs[i].name);
      }
      // ... and at both ends of every range it has a value or a reason
      for (const double end : {m.inputs[i].range.min, m.inputs[i].range.max}) {
        std::vector<double> edge = values;
        edge[i] = end;
        const auto out = evaluate(m, edge);
        EXPECT_TRUE(out || !out.error().where.empty()) << m.name;
      }
    }
  }
}

}  // namespace
}  // namespace homeostat::economy
