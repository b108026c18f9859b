// The recorded incidents through the shipped configuration: the acceptance of the oracle.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "config/config.hpp"
#include "simulator/incident_run.hpp"

namespace homeostat::simulator {
namespace {

std::string text_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(Incidents, EveryRecordedOneIsAcceptedWithTheShippedPreset) {
  const auto valid = config::load_file("config/prices.yaml");
  ASSERT_TRUE(valid.has_value()) << valid.error().front().text();
  const char* path = std::getenv("HOMEOSTAT_INCIDENTS");
  const auto all = parse_incidents(text_of_file(path != nullptr ? path : "tests/golden/incidents.json"));
  ASSERT_TRUE(all.has_value()) << all.error().text();
  ASSERT_GE(all->size(), 1u);
  for (const IncidentSeries& series : *all) {
    const auto settings = incident_settings(valid->policy()->oracle, valid->incidents(), series);
    ASSERT_TRUE(settings.has_value()) << settings.error().text();
    const auto report = run_incident(*settings, series, {.period = valid->incidents().period});
    ASSERT_TRUE(report.has_value()) << report.error().text();
    std::string text = series.id + " as " + report->metric + ": worst " + std::to_string(report->worst_error * 100) +
                       " % (acting " + std::to_string(report->worst_acting_error * 100) + " %), above 5 % " +
                       std::to_string(report->above_s) + " s, halted " + std::to_string(report->halted_s) +
                       " s, held " + std::to_string(report->held_s) + " s, usable " + std::to_string(report->usable_s) +
                       " s, halted after cause " + std::to_string(report->halted_after_cause_s) + " s, recovery " +
                       (report->recovery_s ? std::to_string(*report->recovery_s) : "-");
    for (const std::string& reason : report->reasons) text += "\n    " + reason;
    for (const std::string& failure : report->failures) text += "\n  FAILED " + failure;
    EXPECT_TRUE(report->is_accepted()) << text;
    if (std::getenv("HOMEOSTAT_INCIDENTS_VERBOSE") != nullptr) std::puts(text.c_str());
  }
}

}  // namespace
}  // namespace homeostat::simulator
