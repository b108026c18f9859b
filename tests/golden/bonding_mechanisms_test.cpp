// Dampening, forgetting, splits, safety and commitment channels against pamm.json and myco_scenarios.json.
#include <gtest/gtest.h>

#include "economy/bonding/commitment.hpp"
#include "economy/bonding/dampening.hpp"
#include "economy/bonding/memory.hpp"
#include "economy/bonding/safety.hpp"
#include "economy/bonding/split.hpp"
#include "tests/golden/vector_file.hpp"

namespace homeostat::economy::bonding {
namespace {

using golden::number;
using golden::numbers;
using golden::text;

TEST(FlowVectors, AFlowIsForgottenBlockByBlock) {
  int seen = 0;
  const auto document = golden::read_vectors("pamm.json");
  for (const auto& item : document.at("vectors").as_array()) {
    const auto& v = item.as_object();
    if (text(v, "kind") != "flow") continue;
    ++seen;
    const auto& in = v.at("inputs").as_object();
    const double left = number(in, "flow") * Memory(number(in, "memory")).after(number(in, "blocks"));
    // ln of a memory of 1 - 7e-6 is known to 2e-11 only by the double that the memory is.
    EXPECT_NEAR(left, number(v, "expected_ref"), 1e-10 * number(in, "flow")) << text(v, "id");
  }
  EXPECT_EQ(seen, 7);
}

TEST(ScenarioVectors, ThePenaltyTable) {
  const Dampener d;
  const auto document = golden::read_vectors("myco_scenarios.json");
  for (const auto& item : document.at("penalty_table").as_array()) {
    const auto& v = item.as_object();
    EXPECT_NEAR(d.multiplier(number(v, "ratio_over_thr") * d.settings().threshold), number(v, "multiplier"), 1e-9);
  }
}

TEST(ScenarioVectors, TheIntegralThrottleAndTheBatch) {
  const auto document = golden::read_vectors("myco_scenarios.json");
  for (const auto& item : document.at("effective_integral").as_array()) {
    const auto& v = item.as_object();
    const auto d = *Dampener::make({.threshold = number(v, "thr")});
    const double e = d.effective(number(v, "F"), number(v, "S"), number(v, "q"));
    EXPECT_NEAR(e, number(v, "effective"), 1e-9 * e);
  }
  const auto& batch = document.at("batch").as_object();
  const auto requests = numbers(batch.at("requests"));
  const auto expected = numbers(batch.at("filled"));
  double asked = 0;
  for (const double q : requests) asked += q;
  const auto d = *Dampener::make({.threshold = number(batch, "thr")});
  std::vector<double> filled(requests.size());
  fill_pro_rata(requests, d.effective(number(batch, "F"), number(batch, "S"), asked), filled);
  for (std::size_t i = 0; i < filled.size(); ++i) EXPECT_NEAR(filled[i], expected[i], 1e-9 * expected[i]);
}

TEST(ScenarioVectors, TheSplits) {
  const auto document = golden::read_vectors("myco_scenarios.json");
  for (const auto& item : document.at("splits").as_array()) {
    const auto& v = item.as_object();
    const auto u = numbers(v.at("u")), w = numbers(v.at("w"));
    const double amount = number(v, "R");
    std::vector<double> x(u.size()), low(u.size()), high(u.size());
    ASSERT_TRUE(split_withdrawal(u, w, amount, x));
    const auto greedy = numbers(v.at("greedy"));
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], greedy[i], 1e-9 * amount);
    safe_withdrawal_bounds(u, w, amount, 0.1, low, high);
    ASSERT_TRUE(split_withdrawal(u, w, amount, SplitBounds{low, high}, x));
    const auto safe = numbers(v.at("safe_eps_0_10"));
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], safe[i], 1e-9 * amount);
  }
}

TEST(SafetyVectors, MovementsAreJudgedAsTheReserveManagerDoes) {
  int seen = 0;
  const auto document = golden::read_vectors("pamm.json");
  for (const auto& item : document.at("vectors").as_array()) {
    const auto& v = item.as_object();
    if (text(v, "kind") != "reserve_safety") continue;
    ++seen;
    const auto& in = v.at("inputs").as_object();
    const auto balances = numbers(in.at("balances")), amounts = numbers(in.at("amounts"));
    const auto prices = numbers(in.at("prices")), targets = numbers(in.at("target_w"));
    for (const bool is_strict : {true, false}) {
      const auto verdict = judge({.band = number(in, "eps"), .is_strict = is_strict},
                                 {balances, amounts, prices, targets, in.at("mint").as_bool()});
      ASSERT_TRUE(verdict) << verdict.error().text();
      EXPECT_EQ(name_of(*verdict), text(v, "expected_ref")) << text(v, "id");
    }
  }
  EXPECT_EQ(seen, 12);
}

TEST(SafetyVectors, VaultFlowsAreLimitedAndLocked) {
  int seen = 0;
  const auto document = golden::read_vectors("pamm.json");
  for (const auto& item : document.at("vectors").as_array()) {
    const auto& v = item.as_object();
    if (text(v, "kind") != "vault_flow_sequence") continue;
    ++seen;
    const auto& in = v.at("inputs").as_object();
    const VaultFlowSettings settings{.memory = number(in, "memory"),
                                     .threshold = number(in, "threshold"),
                                     .lock = number(in, "safety_blocks"),
                                     .lock_max = 7200};
    VaultFlow flow;
    for (const auto& each : v.at("steps").as_array()) {
      const auto& s = each.as_object();
      const FlowStep done = step(settings, flow, number(s, "amount"), number(s, "block"));
      EXPECT_EQ(name_of(done.verdict), text(s, "expect")) << text(v, "id") << " block " << number(s, "block");
      if (done.is_accepted()) flow = done.next;
      EXPECT_NEAR(flow.flow, number(s, "flow_after"), 1e-13);
    }
  }
  EXPECT_EQ(seen, 2);
}

TEST(ScenarioVectors, TheCommitmentTables) {
  CommitmentSettings settings;
  settings.cliff_days = 0;  // the founding design has none
  const auto document = golden::read_vectors("myco_scenarios.json");
  const auto& tables = document.at("commitment").as_object();
  for (const auto& item : tables.at("loyalty").as_array()) {
    EXPECT_NEAR(loyalty(number(item.as_object(), "months")), number(item.as_object(), "mult"), 1e-12);
  }
  for (const auto& item : tables.at("lockup").as_array()) {
    EXPECT_NEAR(lock_multiplier(number(item.as_object(), "days")), number(item.as_object(), "mult"), 1e-12);
  }
  for (const auto& item : tables.at("staking").as_array()) {
    const auto& v = item.as_object();
    settings.base_rate = number(v, "base_rate");
    const auto payout = staking_payout(settings, number(v, "amount"), number(v, "lock"), number(v, "held"));
    EXPECT_NEAR(*payout, number(v, "payout"), 1e-9);
  }
}

}  // namespace
}  // namespace homeostat::economy::bonding
