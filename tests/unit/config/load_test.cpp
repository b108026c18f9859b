#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/config.hpp"

namespace homeostat::config {
namespace {

std::string all(const std::vector<Diagnostic>& list) {
  std::string text;
  for (const Diagnostic& d : list) text += d.text() + "\n";
  return text;
}

TEST(Load, TakesTheMinimalConfiguration) {
  const Loaded loaded = load_file("config/minimal.yaml");
  ASSERT_TRUE(loaded) << all(loaded.error());
  EXPECT_EQ(all(loaded->warnings()), "");
  const engine::Policy& policy = *loaded->policy();
  EXPECT_EQ(policy.name, "minimal");
  EXPECT_EQ(policy.digest, loaded->digest());
  ASSERT_EQ(policy.loops.size(), 1u);
  EXPECT_EQ(policy.loops[0].setpoint, 0.8);
}

TEST(Load, TakesTheStreamingEconomy) {
  const Loaded loaded = load_file("config/streaming.yaml", [](std::string_view) { return std::nullopt; });
  ASSERT_TRUE(loaded) << all(loaded.error());
  EXPECT_EQ(all(loaded->warnings()), "");
  EXPECT_EQ(loaded->policy()->loops.size(), 5u);
}

}  // namespace
}  // namespace homeostat::config
