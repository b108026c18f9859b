// Dampening, forgetting and splits against pamm.json and myco_scenarios.json.
#include <gtest/gtest.h>

#include "economy/bonding/dampening.hpp"
#include "economy/bonding/memory.hpp"
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

}  // namespace
}  // namespace homeostat::economy::bonding
