// The kinds of redemption and reserve: the P-AMM, forgetting flows, vault limits, safety, dampening, splits.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/conformance/kinds.hpp"
#include "economy/bonding/commitment.hpp"
#include "economy/bonding/dampening.hpp"
#include "economy/bonding/memory.hpp"
#include "economy/bonding/pamm.hpp"
#include "economy/bonding/safety.hpp"
#include "economy/bonding/split.hpp"

namespace homeostat::conformance {
namespace {

using namespace economy::bonding;  // NOLINT: this file is about nothing else
namespace json = boost::json;

/// The redemption curve, of the anchor supply.
constexpr double kPamm = 1e-13;
/// Rates and ratios at the state that a redemption leaves.
constexpr Tolerance kRate{.absolute = 1e-12};
/// What the tables of the scenarios are compared at.
constexpr Tolerance kScenario{.relative = 1e-9, .absolute = 1e-12};
constexpr double kAmountMax = 1e30;

/// A field that a record may leave null, which is as good as leaving it out.
const json::value* stated(Fields& record, std::string_view name) {
  const json::value* value = record.value_if(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void add(Row& row, Quantity quantity) {
  row.has_expected = row.has_expected || quantity.expected != nullptr;
  row.quantities.push_back(std::move(quantity));
}

/// alpha_bar, xu_bar, theta_bar; what a kind leaves out has its default.
PammSettings read_pamm(Fields& f) {
  PammSettings s;
  s.slope_min = f.real("alpha_bar", s.slope_min, 1e-4, 1e4);
  s.par_share_max = f.real("xu_bar", s.par_share_max, 0, 1);
  s.floor_ratio = f.real("theta_bar", s.floor_ratio, 0, 1);
  return s;
}

double share(Fields& f, std::string_view name) {
  return f.real(name, {}, 0, kAmountMax);
}

std::vector<Row> reserve_fixed(Fields& record) {
  Fields in = record.object("inputs");
  const double ya = in.real("ya", 1, 1e-30, kAmountMax), x = share(in, "x") / ya;
  AnchoredCurve c{.anchor = share(in, "ba") / ya,
                  .slope = in.real("alpha", {}, 0, 1e4) * ya,
                  .par_until = share(in, "xu") / ya,
                  .tail_from = share(in, "xl") / ya};
  in.finish();
  c.tail_ratio = 1 - c.slope * (c.tail_from - c.par_until);
  return {value_row(record, ya * c.reserve_at(x), {.absolute = kPamm * ya})};
}

/// One property of the curve from an anchor, with slopes and amounts of a supply of one.
template <class Property>
std::vector<Row> of_curve(Fields& record, bool is_theta_given, Property property) {
  Fields in = record.object("inputs");
  const double ya = in.real("ya", 1, 1e-30, kAmountMax), ba = share(in, "ba") / ya;
  const double x = in.real("x", 0, 0, ya) / ya;
  PammSettings settings;
  if (is_theta_given) {
    settings.slope_min = in.real("alpha", {}, 1e-4, 1e4);
    settings.par_share_max = in.real("xu_bar", {}, 0, 1);
    settings.floor_ratio = 1 - in.real("theta", {}, 0, 1);
  } else {
    settings = read_pamm(in);
  }
  in.finish();
  const auto pamm = Pamm::make(settings);
  const Result<double> value =
      pamm ? Result<double>(property(pamm->curve_of(ba), x, ya)) : Result<double>(tl::make_unexpected(pamm.error()));
  return {value_row(record, value, {.absolute = kPamm * ya})};
}

std::vector<Row> x_upper(Fields& record) {
  return of_curve(record, true, [](const AnchoredCurve& c, double, double ya) { return ya * c.par_until; });
}
std::vector<Row> slope(Fields& record) {
  return of_curve(record, false, [](const AnchoredCurve& c, double, double ya) { return c.slope / ya; });
}
std::vector<Row> reserve(Fields& record) {
  return of_curve(record, false, [](const AnchoredCurve& c, double x, double ya) { return ya * c.reserve_at(x); });
}

template <double Pamm::Thresholds::*which>
std::vector<Row> threshold(Fields& record) {
  Fields in = record.object("inputs");
  const auto pamm = Pamm::make(read_pamm(in));
  in.finish();
  const auto value = pamm ? Result<double>(pamm->thresholds().*which) : tl::make_unexpected(pamm.error());
  return {value_row(record, value, {.absolute = kPamm})};
}

/// "III.L" of a tail at the floor, which has no region of its own, is "pro-rata" here.
std::vector<Row> region(Fields& record) {
  Fields in = record.object("inputs");
  const double x = in.real("x", {}, 0, 0.999999999);
  in.ignore({"ba", "ya"});
  const auto pamm = Pamm::make(read_pamm(in));
  in.finish();
  const double b = record.real("b", {}, 0, 1);
  record.ignore({"expected_source_comment", "region_source_code"});
  const json::value* ratio_expected = stated(record, "r");
  const bool is_boundary = record.flag("boundary", false);
  const json::value* word_expected = stated(record, "region_ref");
  const json::value* anchor_expected = stated(record, "ba_reconstructed_ref");
  if (!pamm) return {Row{.reverts = pamm.error().text()}};
  const auto anchor = pamm->anchor_of(x, b);
  Row row;
  // On a boundary the neighbour's region is as right as this one.
  add(row, word("region_ref", std::string(name_of(anchor.region)), is_boundary ? nullptr : word_expected));
  add(row, real("r", b / (1 - x), {.absolute = kPamm}, ratio_expected));
  add(row, real("ba_reconstructed_ref", anchor.ratio, {.absolute = kPamm}, anchor_expected));
  return {row};
}

std::vector<Row> anchor(Fields& record) {
  Fields in = record.object("inputs");
  const double ya = in.real("ya", 1, 1e-30, kAmountMax);
  const double x = in.real("x", {}, 0, ya * 0.999999999), b = share(in, "b");
  in.ignore({"ba"});
  const auto pamm = Pamm::make(read_pamm(in));
  in.finish();
  const auto value =
      pamm ? Result<double>(ya * pamm->anchor_of(x / ya, b / ya).ratio) : tl::make_unexpected(pamm.error());
  return {value_row(record, value, {.absolute = kPamm * ya})};
}

struct Asked {
  Result<Pamm> pamm;
  PammState state;
  double amount = 0;

  [[nodiscard]] double anchor_supply() const { return state.level + state.supply; }
  [[nodiscard]] Result<Redemption> answer() const {
    if (!pamm) return tl::make_unexpected(pamm.error());
    return pamm->redeem(state, amount);
  }
};
Asked read_asked(Fields& in) {
  Asked out{.pamm = Pamm::make(read_pamm(in))};
  out.state = {share(in, "x"), share(in, "b"), share(in, "y")};
  out.amount = share(in, "dx");
  return out;
}
Result<double> paid_of(const Result<Redemption>& answer) {
  if (!answer) return tl::make_unexpected(answer.error());
  return answer->paid;
}

std::vector<Row> redeem_from_anchor(Fields& record) {
  Fields in = record.object("inputs");
  in.ignore({"ba", "ya"});
  const Asked asked = read_asked(in);
  in.finish();
  const auto answer = asked.answer();
  Row row = value_row(record, paid_of(answer), {.absolute = kPamm * asked.anchor_supply()});
  const json::value *before = stated(record, "price_before"), *after = stated(record, "price_after");
  if (answer) {
    add(row, real("price_before", answer->rate_before, kRate, before));
    // A tail ends with nothing left to redeem: what its last token had.
    add(row, real("price_after", answer->rate_after, {.absolute = 1e-9}, after));
  }
  return {row};
}

std::vector<Row> redeem_live_state(Fields& record) {
  Fields in = record.object("inputs");
  const Asked asked = read_asked(in);
  in.finish();
  const auto answer = asked.answer();
  const double ya = asked.anchor_supply();
  Row row = value_row(record, paid_of(answer), {.absolute = kPamm * ya});
  const json::value *name = stated(record, "region"), *ratio = stated(record, "ba_over_ya");
  if (answer) {
    add(row, word("region", std::string(name_of(answer->region)), name));
    const auto found = asked.pamm->anchor_of(asked.state.level / ya, asked.state.reserve / ya);
    add(row, real("ba_over_ya", found.ratio, {.absolute = kPamm}, ratio));
  }
  return {row};
}

std::vector<Row> pamm_redemption(Fields& record) {
  const Asked asked = read_asked(record);
  const std::array expected{stated(record, "out"), stated(record, "region"), stated(record, "anchor_ba_over_ya"),
                            stated(record, "rate_before"), stated(record, "rate_after")};
  const auto answer = asked.answer();
  if (!answer) return {Row{.reverts = answer.error().text()}};
  const double ya = asked.anchor_supply();
  const auto found = asked.pamm->anchor_of(asked.state.level / ya, asked.state.reserve / ya);
  Row row;
  add(row, real("out", answer->paid, {.absolute = kPamm * ya}, expected[0]));
  add(row, word("region", std::string(name_of(answer->region)), expected[1]));
  add(row, real("anchor_ba_over_ya", found.ratio, {.absolute = kPamm}, expected[2]));
  add(row, real("rate_before", answer->rate_before, kRate, expected[3]));
  add(row, real("rate_after", answer->rate_after, kRate, expected[4]));
  return {row};
}

std::vector<Row> flow(Fields& record) {
  Fields in = record.object("inputs");
  const double start = share(in, "flow"), memory = in.real("memory", {}, 1e-9, 1 - 1e-12);
  const double blocks = in.real("blocks", {}, 0, 1e12);
  in.finish();
  record.ignore({"expected_source"});
  Row row;
  // The logarithm of a memory near one is known no better than the memory's last digit, times the blocks.
  add(row, real("value", start * Memory(memory).after(blocks), {.relative = 1e-10}, stated(record, "expected_ref")));
  return {row};
}

std::vector<Row> vault_flow_sequence(Fields& record) {
  Fields in = record.object("inputs");
  VaultFlowSettings settings;
  settings.memory = in.real("memory", {}, 1e-9, 1 - 1e-12);
  settings.threshold = in.real("threshold", {}, 1e-12, kAmountMax);
  settings.lock = in.real("safety_blocks", {}, 0, 1e9);
  settings.lock_max = settings.lock;
  in.finish();
  std::vector<Row> rows;
  VaultFlow vault;
  for (Fields& f : record.objects("steps")) {
    const double amount = share(f, "amount"), block = f.real("block", {}, 0, 1e12);
    const FlowStep next = step(settings, vault, amount, block);
    if (next.is_accepted()) vault = next.next;
    Row row{.path = f.path()};
    add(row, word("expect", std::string(name_of(next.verdict)), stated(f, "expect")));
    add(row, real("flow_after", vault.flow, {.absolute = 1e-13}, stated(f, "flow_after")));
    f.finish();
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> reserve_safety(Fields& record) {
  Fields in = record.object("inputs");
  SafetySettings settings;
  settings.band = in.real("eps", {}, 0, 10);
  settings.is_strict = in.flag("strict", true);
  const auto balances = in.reals("balances", 0, kAmountMax), amounts = in.reals("amounts", 0, kAmountMax);
  const auto prices = in.reals("prices", 0, 1e12), targets = in.reals("target_w", 0, 1);
  const bool is_mint = in.flag("mint");
  in.ignore({"current_w"});  // what balances and prices come to
  in.finish();
  const std::array expected{stated(record, "expected_ref"), stated(record, "expected_source")};
  const auto verdict = judge(settings, {balances, amounts, prices, targets, is_mint});
  if (!verdict) return {Row{.reverts = verdict.error().text()}};
  Row row;
  add(row, word("value", std::string(name_of(*verdict)), expected[0]));
  add(row, word("source", std::string(name_of(*verdict)), expected[1]));
  return {row};
}

std::vector<Row> penalty(Fields& record) {
  const Dampener dampener;
  const double rho = record.real("ratio_over_thr", {}, 0, 1e6) * dampener.settings().threshold;
  Row row;
  add(row, real("multiplier", dampener.multiplier(rho), kScenario, stated(record, "multiplier")));
  return {row};
}

std::vector<Row> effective_integral(Fields& record) {
  const auto dampener = Dampener::make({.threshold = record.real("thr", {}, 1e-6, 1)});
  const double f = share(record, "F"), base = share(record, "S"), q = share(record, "q");
  if (!dampener) return {Row{.reverts = dampener.error().text()}};
  Row row;
  add(row, real("effective", dampener->effective(f, base, q), kScenario, stated(record, "effective")));
  return {row};
}

std::vector<Row> split(Fields& record) {
  const auto u = record.reals("u", 0, kAmountMax), w = record.reals("w", 0, 1);
  const double amount = share(record, "R"), band = record.real("eps", 0.1, 0, 10);
  const std::array expected{stated(record, "greedy"), stated(record, "safe_eps_0_10")};
  std::vector<double> plain(u.size()), safe(u.size()), low(u.size()), high(u.size());
  const auto level = split_withdrawal(u, w, amount, plain);
  if (!level) return {Row{.reverts = level.error().text()}};
  safe_withdrawal_bounds(u, w, amount, band, low, high);
  const auto bounded = split_withdrawal(u, w, amount, SplitBounds{low, high}, safe);
  if (!bounded) return {Row{.reverts = bounded.error().text()}};
  const Tolerance tolerance{.relative = 1e-9, .absolute = 1e-12 * std::max(1.0, amount)};
  Row row;
  add(row, reals("greedy", plain, tolerance, expected[0]));
  add(row, reals("safe_eps_0_10", safe, tolerance, expected[1]));
  return {row};
}

std::vector<Row> loyalty_multiplier(Fields& record) {
  const double months = record.real("months", {}, 0, 1e6);
  Row row;
  add(row, real("mult", loyalty(months), kScenario, stated(record, "mult")));
  return {row};
}

std::vector<Row> lockup_multiplier(Fields& record) {
  const double days = record.real("days", {}, 0, 1e6);
  Row row;
  add(row, real("mult", lock_multiplier(days), kScenario, stated(record, "mult")));
  return {row};
}

std::vector<Row> staking(Fields& record) {
  CommitmentSettings settings;
  settings.cliff_days = record.real("cliff", 0, 0, 365);  // the founding design has none
  settings.base_rate = record.real("base_rate", {}, 0, 10);
  const double amount = share(record, "amount"), lock = record.real("lock", {}, 0, 36500);
  const double held = record.real("held", {}, 0, 1e9);
  const json::value* expected = stated(record, "payout");
  const auto payout = staking_payout(settings, amount, lock, held);
  if (!payout) return {Row{.reverts = payout.error().text()}};
  Row row;
  add(row, real("payout", *payout, kScenario, expected));
  return {row};
}

using T = Pamm::Thresholds;
const std::array<Kind, 22> kKinds = {{
    {"anchor", anchor},
    {"effective_integral", effective_integral, false, "effective_integral", {"F", "q", "S", "thr"}},
    {"flow", flow},
    {"lockup_multiplier", lockup_multiplier, false, "commitment.lockup", {"days", "mult"}},
    {"loyalty_multiplier", loyalty_multiplier, false, "commitment.loyalty", {"months", "mult"}},
    {"pamm_redemption", pamm_redemption, false, "", {"alpha_bar", "xu_bar", "theta_bar", "x", "b", "y", "dx"}},
    {"penalty", penalty, false, "penalty_table", {"ratio_over_thr", "multiplier"}},
    {"redeem_from_anchor", redeem_from_anchor},
    {"redeem_live_state", redeem_live_state},
    {"region", region},
    {"reserve", reserve},
    {"reserve_fixed", reserve_fixed},
    {"reserve_safety", reserve_safety},
    {"slope", slope},
    {"split", split, false, "splits", {"u", "w", "R"}},
    {"staking", staking, false, "commitment.staking", {"amount", "base_rate", "lock", "held"}},
    {"threshold_HL", threshold<&T::HL>},
    {"threshold_II_III", threshold<&T::II_III>},
    {"threshold_I_II", threshold<&T::I_II>},
    {"threshold_hl", threshold<&T::hl>},
    {"vault_flow_sequence", vault_flow_sequence, true},
    {"x_upper", x_upper},
}};

}  // namespace

std::span<const Kind> redemption_kinds() {
  return kKinds;
}

}  // namespace homeostat::conformance
