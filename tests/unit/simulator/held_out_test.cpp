// The guarantee, over seeds: whatever the shape, a reading that is not halted is within 10 % of the truth, no halt
// outlives its cause by more than 30 minutes, and what is real is followed without a halt.
//   HOMEOSTAT_HELD_OUT_SEEDS=1000 HOMEOSTAT_HELD_OUT_FIRST=1 build/release/tests/simulator_test
//   --gtest_filter='HeldOut.*'
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "config/config.hpp"
#include "simulator/incident_run.hpp"
#include "tests/unit/simulator/held_out.hpp"

namespace homeostat::simulator {
namespace {

using namespace testing;

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Runs one series; what is wrong with it, empty if nothing.
std::string verdict_of(const config::ValidConfig& valid, const IncidentSeries& series) {
  const auto settings = incident_settings(valid.policy()->oracle, valid.incidents(), series);
  if (!settings) return settings.error().text();
  const auto report = run_incident(*settings, series, {.period = valid.incidents().period});
  if (!report) return report.error().text();
  if (report->is_accepted()) return "";
  std::string text = series.id + " (" + series.asset + " as " + report->metric + ", " +
                     std::to_string(series.sources.size()) + " sources)";
  for (const std::string& failure : report->failures) text += "\n  FAILED " + failure;
  for (const std::string& reason : report->reasons) text += "\n    " + reason;
  return text;
}

config::ValidConfig shipped() {
  auto valid = config::load_file("config/prices.yaml");
  EXPECT_TRUE(valid.has_value()) << valid.error().front().text();
  return *valid;
}

class HeldOut : public ::testing::TestWithParam<std::uint8_t> {};

TEST_P(HeldOut, IsWithinTenPercentOrHaltedAndNeverForLong) {
  const auto shape = static_cast<Shape>(GetParam());
  const config::ValidConfig valid = shipped();
  const std::uint64_t seeds = number_of("HOMEOSTAT_HELD_OUT_SEEDS", 40);
  const std::uint64_t first = number_of("HOMEOSTAT_HELD_OUT_FIRST", 1);
  std::uint64_t failed = 0;
  std::string example;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const std::string wrong = verdict_of(valid, make_held_out(shape, seed));
    if (wrong.empty()) continue;
    if (++failed <= 3) example += "\nseed " + std::to_string(seed) + ": " + wrong;
  }
  EXPECT_EQ(failed, 0u) << failed << " of " << seeds << " seeds of " << name_of(shape) << example;
}

INSTANTIATE_TEST_SUITE_P(Shapes, HeldOut, ::testing::Range(std::uint8_t{0}, kShapeCount),
                         [](const auto& shape) { return std::string(name_of(static_cast<Shape>(shape.param))); });

TEST(HeldOutVariants, TheRecordedIncidentsAtOtherSpeedsInOtherUnitsWithMoreSources) {
  std::ifstream in("tests/golden/incidents.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto all = parse_incidents(text);
  ASSERT_TRUE(all.has_value()) << all.error().text();
  const config::ValidConfig valid = shipped();
  const std::uint64_t seeds = number_of("HOMEOSTAT_HELD_OUT_SEEDS", 40);
  std::string wrong;
  std::uint64_t failed = 0;
  for (const IncidentSeries& series : *all) {
    if (series.end_s() > 400'000) continue;  // days of outage: its speed says nothing more
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      Random random(seed);
      const std::string one = verdict_of(valid, varied(series, random));
      if (!one.empty() && ++failed <= 3) wrong += "\nseed " + std::to_string(seed) + ": " + one;
    }
  }
  EXPECT_EQ(failed, 0u) << wrong;
}

}  // namespace
}  // namespace homeostat::simulator
