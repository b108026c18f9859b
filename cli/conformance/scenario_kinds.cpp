// The kinds of the composed bonding surface: a record is one day of a reference scenario, or one table of it.
#include <algorithm>
#include <array>

#include "cli/conformance/kinds.hpp"
#include "economy/bonding/scenarios.hpp"

namespace homeostat::conformance {
namespace {

using namespace economy::bonding;  // NOLINT: this file is about nothing else
namespace json = boost::json;

constexpr Tolerance kScenario{.relative = 1e-9, .absolute = 1e-9};

void add(Row& row, Quantity quantity) {
  row.has_expected = row.has_expected || quantity.expected != nullptr;
  row.quantities.push_back(std::move(quantity));
}

template <class T>
Row refused(const Result<T>& result) {
  return Row{.reverts = result.error().text()};
}

/// The day `t` of a run, against what the record says of it.
std::vector<Row> day_of(Fields& record, const Result<std::vector<Moment>>& run) {
  const double day = record.real("t", {}, 0, 366);
  const std::array<std::pair<std::string_view, double Moment::*>, 14> reals_of_a_day = {{
      {"supply", &Moment::supply},
      {"commitment", &Moment::committed},
      {"reserve", &Moment::reserve},
      {"r", &Moment::size},
      {"backing", &Moment::backing},
      {"flow", &Moment::flow},
      {"level", &Moment::level},
      {"treasury", &Moment::treasury},
      {"redeemed", &Moment::redeemed},
      {"rate", &Moment::rate},
      {"penalty", &Moment::penalty},
      {"paid_first10", &Moment::paid_first},
      {"paid_last10", &Moment::paid_last},
      {"t", &Moment::day},
  }};
  record.ignore({"blocked"});  // these scenarios refuse nothing, or end with an error
  const json::value* weights = record.value_if("weights");
  if (!run) return {refused(run)};
  const auto found = std::find_if(run->begin(), run->end(), [&](const Moment& m) { return m.day == day; });
  if (found == run->end()) {
    record.refuse("t", "must be a day of the scenario");
    return {Row{}};
  }
  Row row;
  for (const auto& [name, member] : reals_of_a_day) {
    add(row, real(name, (*found).*member, kScenario, record.value_if(name)));
  }
  add(row, reals("weights", found->weights, kScenario, weights));
  return {row};
}

std::vector<Row> launch(Fields& record) {
  return day_of(record, token_launch(scenario_settings()));
}

std::vector<Row> mixed(Fields& record) {
  return day_of(record, mixed_issuance(scenario_settings()));
}

template <int percent, Dampening mode, Shortfall shortfall = Shortfall::keep, bool is_batch = false>
std::vector<Row> bank(Fields& record) {
  SystemSettings settings = scenario_settings();
  settings.flow.mode = mode;
  settings.flow.shortfall = shortfall;
  return day_of(record, bank_run(settings, 1e4 * percent, is_batch));
}

std::vector<Row> labour(Fields& record) {
  const std::size_t day = record.count("day", 0, 28);
  const auto run = labour_channel(scenario_settings());
  const std::array<std::pair<std::string_view, double LabourDay::*>, 5> reals_of_a_day = {{
      {"a", &LabourDay::first},
      {"b", &LabourDay::second},
      {"supply", &LabourDay::supply},
      {"commitment", &LabourDay::committed},
      {"flow", &LabourDay::flow},
  }};
  if (!run) return {refused(run)};
  Row row;
  for (const auto& [name, member] : reals_of_a_day) {
    add(row, real(name, (*run)[day].*member, kScenario, record.value_if(name)));
  }
  return {row};
}

template <bool has_guard>
std::vector<Row> arbitrage(Fields& record) {
  SystemSettings settings = scenario_settings();
  settings.has_mint_guard = has_guard;
  const auto trip = round_trip(settings);
  const std::array expected{record.value_if("paid_in"), record.value_if("minted"), record.value_if("redeemed_usd"),
                            record.value_if("profit")};
  if (!trip) return {refused(trip)};
  Row row;
  add(row, real("paid_in", trip->paid_in, kScenario, expected[0]));
  add(row, real("minted", trip->minted, kScenario, expected[1]));
  add(row, real("redeemed_usd", trip->redeemed, kScenario, expected[2]));
  add(row, real("profit", trip->profit, kScenario, expected[3]));
  return {row};
}

std::vector<Row> batch(Fields& record) {
  const auto dampener = Dampener::make({.threshold = record.real("thr", {}, 1e-6, 1)});
  const double flow = record.real("F", {}, 0, 1e30), base = record.real("S", {}, 0, 1e30);
  const auto requests = record.reals("requests", 0, 1e30);
  const json::value* expected = record.value_if("filled");
  if (!dampener) return {refused(dampener)};
  double asked = 0;
  for (const double q : requests) asked += q;
  std::vector<double> filled(requests.size());
  fill_pro_rata(requests, dampener->effective(flow, base, asked), filled);
  Row row;
  add(row, reals("filled", filled, kScenario, expected));
  return {row};
}

using D = Dampening;
const std::array<Kind, 14> kKinds = {{
    {"arbitrage_guard_off", arbitrage<false>, false, "arbitrage.guard_off"},
    {"arbitrage_guard_on", arbitrage<true>, false, "arbitrage.guard_on"},
    {"bank_run_haircut_pre", bank<95, D::pre, Shortfall::confiscate>, false, "bank_run.haircut_pre"},
    {"bank_run_integral", bank<95, D::integral>, false, "bank_run.integral"},
    {"bank_run_integral_batch", bank<95, D::integral, Shortfall::keep, true>, false, "bank_run.integral_batch"},
    {"bank_run_integral_over", bank<105, D::integral>, false, "bank_run.integral_ba_1_05"},
    {"bank_run_integral_half", bank<50, D::integral>, false, "bank_run.integral_ba_0_50"},
    {"bank_run_no_dampening", bank<95, D::none>, false, "bank_run.no_dampening"},
    {"bank_run_throttle_post", bank<95, D::post>, false, "bank_run.throttle_post"},
    {"bank_run_throttle_pre", bank<95, D::pre>, false, "bank_run.throttle_pre"},
    {"batch", batch, false, "batch"},
    {"labour_channel", labour, false, "labor_channel"},
    {"mixed_issuance", mixed, false, "mixed_issuance.snaps"},
    {"token_launch", launch, false, "token_launch"},
}};

}  // namespace

std::span<const Kind> scenario_kinds() {
  return kKinds;
}

}  // namespace homeostat::conformance
