#include "cli/conformance/kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>

#include "cli/conformance/fields.hpp"
#include "controller/multiplicative.hpp"
#include "controller/rai_pi.hpp"
#include "controller/sigmoid.hpp"
#include "core/text.hpp"

namespace homeostat::conformance {
namespace {

namespace json = boost::json;
namespace rai = controller::rai;
namespace multiplicative = controller::multiplicative;
namespace sigmoid = controller::sigmoid;
using controller::Int;
using controller::text_of;

using Values = std::vector<std::pair<std::string_view, std::string>>;

/// One law's answer as a row.
template <class T, class Show>
Row row_of(const Result<T>& result, Show show) {
  Row row;
  if (result) {
    row.values = show(*result);
  } else {
    row.reverts = result.error().text();
  }
  return row;
}

Row int_row(const Result<Int>& result, std::string_view name) {
  return row_of(result, [&](const Int& x) { return Values{{name, text_of(x)}}; });
}

Values values_of(const rai::Step& s) {
  return {{"redemption_rate", text_of(s.rate)},
          {"proportional", text_of(s.proportional)},
          {"integral", text_of(s.integral)},
          {"gain_adjusted_p", text_of(s.gain_adjusted_p)},
          {"gain_adjusted_i", text_of(s.gain_adjusted_i)}};
}

struct RaiController {
  rai::Settings settings;
  rai::State state;
};

/// `needs_gains` is false where only the bounds matter.
RaiController read_rai(Fields& record, bool needs_gains = true) {
  Fields c = record.object("controller");
  RaiController out;
  const std::string name = c.text("variant");
  const auto variant = rai::variant_of(name);
  if (!variant) {
    c.refuse("variant", fmt::format("there is no '{}' among {}{}", name, fmt::join(rai::kVariantNames, ", "),
                                    did_you_mean(name, rai::kVariantNames)));
  }
  const rai::Settings defaults;
  const bool needs_ki = needs_gains && variant && rai::has_integral(*variant);
  out.settings = {
      .variant = variant.value_or(rai::Variant::pi_raw),
      .kp = c.integer("kp", needs_gains ? std::nullopt : std::optional<Int>{0}),
      .ki = c.integer("ki", needs_ki ? std::nullopt : std::optional<Int>{0}),
      .leak = c.natural("leak", defaults.leak),
      .noise_barrier = c.natural("noise_barrier", defaults.noise_barrier),
      .upper = c.integer("upper", defaults.upper),
      .lower = c.integer("lower", defaults.lower),
      .bias = c.integer("bias", defaults.bias),
  };
  out.state = {.last_time = c.seconds("last_time", 0),
               .last_proportional = c.integer("last_p", 0),
               .integral = c.integer("integral", 0)};
  c.ignore({"period"});  // how often an update is allowed, which a record has already decided
  c.finish();
  return out;
}

std::vector<Row> preview(Fields& record) {
  const RaiController c = read_rai(record);
  const Int market = record.natural("market_price");
  const Int redemption = record.natural("redemption_price");
  return {row_of(rai::step(c.settings, c.state, market, redemption, record.seconds("now")), values_of)};
}

std::vector<Row> gain_terms(Fields& record) {
  const RaiController c = read_rai(record);
  controller::EvmMath evm;
  const Int p = evm.times_wad(record.integer("proportional"), c.settings.kp);
  const Int i = evm.times_wad(record.integer("integral"), c.settings.ki);
  Row row;
  if (evm.is_fault()) {
    row.reverts = evm.fault("gain_terms").text();
  } else {
    row.values = {{"gain_adjusted_p", text_of(p)}, {"gain_adjusted_i", text_of(i)}};
  }
  return {row};
}

std::vector<Row> bounded_rate(Fields& record) {
  const RaiController c = read_rai(record, false);
  return {int_row(rai::bounded_rate(c.settings, record.integer("pi_output")), "redemption_rate")};
}

/// Market price of a step: given, or a ratio of the redemption price, floored twice as the simulations do.
Result<Int> market_of(const std::optional<Int>& price, const Int& ratio, const Int& redemption) {
  if (price) return *price;
  controller::EvmMath evm;
  Int market = evm.quotient_u(evm.multiply_u(redemption, ratio), controller::ray()) / 1'000'000'000;
  if (evm.is_fault()) return tl::make_unexpected(evm.fault("market_price"));
  return market;
}

struct RaiStep {
  std::uint64_t preview_s = 0;
  std::uint64_t commit_s = 0;
  std::optional<Int> market_price;
  Int market_ratio = 0;
};

RaiStep read_step(Fields& f, bool has_preview) {
  RaiStep step;
  step.preview_s = f.seconds(has_preview ? "dt_preview" : "dt");
  step.commit_s = has_preview ? f.seconds("dt_commit") : step.preview_s;
  if (has_preview || !f.has("market_ratio")) {
    step.market_price = f.natural("market_price");
  } else {
    step.market_ratio = f.natural("market_ratio");
  }
  return step;
}

/// Controller and redemption price together: the price compounds at the last rate, then the controller sees it.
struct RaiLoop {
  RaiController controller;
  Int redemption = 0;
  Int rate = controller::ray();
  std::uint64_t now = 0;

  struct Outcome {
    Int redemption;
    Int market;
    rai::Step step;
  };
  [[nodiscard]] Result<Outcome> look(const RaiStep& step, std::uint64_t dt_s, bool is_elapsed_given) const {
    auto price = rai::redemption_price_after(rate, redemption, dt_s);
    if (!price) return tl::make_unexpected(price.error());
    auto market = market_of(step.market_price, step.market_ratio, *price);
    if (!market) return tl::make_unexpected(market.error());
    const auto& [settings, state] = controller;
    const std::uint64_t elapsed_s = state.last_time == 0 ? 0 : dt_s;
    auto result = is_elapsed_given ? rai::step_over(settings, state, *market, *price, elapsed_s, now + dt_s)
                                   : rai::step(settings, state, *market, *price, now + dt_s);
    if (!result) return tl::make_unexpected(result.error());
    return Outcome{std::move(*price), std::move(*market), std::move(*result)};
  }
  /// A reverted update leaves everything but the clock as it was.
  void commit(const Result<Outcome>& outcome, std::uint64_t dt_s) {
    now += dt_s;
    if (!outcome) return;
    redemption = outcome->redemption;
    rate = outcome->step.rate;
    controller.state = outcome->step.state;
  }
};

Values loop_values_of(const RaiLoop::Outcome& o) {
  Values values = values_of(o.step);
  values.emplace_back("redemption_price", text_of(o.redemption));
  values.emplace_back("market_price", text_of(o.market));
  return values;
}

std::vector<Row> loop_rows(Fields& record, RaiLoop loop, bool has_preview) {
  std::vector<Row> rows;
  for (Fields& f : record.objects("steps")) {
    const RaiStep step = read_step(f, has_preview);
    const auto seen = loop.look(step, step.preview_s, has_preview);
    Row row = row_of(seen, loop_values_of);
    row.expected = f.object_if("expect");
    row.path = f.path();
    f.finish();
    loop.commit(has_preview ? loop.look(step, step.commit_s, true) : seen, step.commit_s);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> closed_loop(Fields& record) {
  RaiLoop loop{.controller = read_rai(record), .redemption = record.natural("initial_redemption_price")};
  loop.now = record.seconds("t0");
  return loop_rows(record, std::move(loop), false);
}

/// The log has times between updates only; the first update has none before it.
std::vector<Row> closed_loop_preview(Fields& record) {
  RaiLoop loop{.controller = read_rai(record), .redemption = record.natural("initial_redemption_price"), .now = 1};
  return loop_rows(record, std::move(loop), true);
}

std::vector<Row> direct(Fields& record) {
  const Int acceleration = record.natural("acceleration");
  const Int market = record.natural("market_price");
  const Int redemption = record.natural("redemption_price");
  return {
      int_row(rai::direct_rate(acceleration, market, redemption, record.natural("current_rate")), "redemption_rate")};
}

std::vector<Row> compose(Fields& record) {
  return {int_row(rai::rate_of_delta(record.integer("delta")), "rate")};
}

std::vector<Row> decompose(Fields& record) {
  return {int_row(rai::delta_of_rate(record.natural("rate")), "delta")};
}

std::vector<Row> anti_windup(Fields& record) {
  Fields c = record.object("controller");
  const rai::AntiWindupSettings settings{.kp = c.integer("kp"),
                                         .ki = c.integer("ki"),
                                         .bias = c.integer("bias", 0),
                                         .leak = c.natural("leak", controller::ray()),
                                         .upper = c.integer("upper"),
                                         .lower = c.integer("lower")};
  rai::State state{.last_time = c.seconds("last_time", 0),
                   .last_proportional = c.integer("last_error", 0),
                   .integral = c.integer("integral", 0)};
  c.finish();
  std::vector<Row> rows;
  for (Fields& f : record.objects("steps")) {
    const Int error = f.integer("error");
    const auto result = rai::anti_windup_step(settings, state, error, f.seconds("now"));
    Row row = row_of(result, [](const rai::AntiWindupStep& s) {
      return Values{{"output", text_of(s.output)},
                    {"p_output", text_of(s.p_output)},
                    {"i_output", text_of(s.i_output)},
                    {"integral", text_of(s.integral)}};
    });
    row.expected = f.object_if("expect");
    row.path = f.path();
    f.finish();
    if (result) state = result->state;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> eip1559(Fields& record) {
  const Int fee = record.natural("parent_base_fee");
  const Int limit = record.natural("parent_gas_limit");
  const Int used = record.natural("parent_gas_used");
  const multiplicative::BaseFeeSettings settings{.elasticity = record.natural("elasticity", 2),
                                                 .change_denominator = record.natural("change_denominator", 8)};
  return {int_row(multiplicative::next_base_fee(settings, fee, used, limit), "base_fee")};
}

std::vector<Row> gas_limit_bound(Fields& record) {
  const Int parent = record.natural("parent_gas_limit");
  return {row_of(multiplicative::is_gas_limit_allowed(parent, record.natural("gas_limit")), [](bool ok) {
    return Values{{"ok", ok ? "1" : "0"}};
  })};
}

std::vector<Row> fake_exponential(Fields& record) {
  const Int factor = record.natural("factor");
  const Int numerator = record.natural("numerator");
  return {int_row(multiplicative::fake_exponential(factor, numerator, record.natural("denominator")), "value")};
}

std::vector<Row> blob_fee(Fields& record) {
  const Int min_fee = record.natural("min_fee", 1);
  const Int excess = record.natural("excess_blob_gas");
  return {int_row(multiplicative::fake_exponential(min_fee, excess, record.natural("update_fraction")), "fee")};
}

std::vector<Row> excess_blob_gas(Fields& record) {
  const Int excess = record.natural("parent_excess");
  const Int used = record.natural("blob_gas_used");
  return {int_row(multiplicative::next_excess(excess, used, record.natural("target_blob_gas")), "excess")};
}

std::vector<Row> ampleforth_rebase(Fields& record) {
  const sigmoid::Settings settings{.deviation_threshold = record.natural("deviation_threshold"),
                                   .positive_growth = record.integer("positive_growth"),
                                   .negative_growth = record.integer("negative_growth"),
                                   .positive_limit = record.integer("positive_limit"),
                                   .negative_limit = record.integer("negative_limit")};
  const sigmoid::Input input{.exchange_rate = record.natural("exchange_rate"),
                             .target_rate = record.natural("target_rate"),
                             .supply = record.natural("supply"),
                             .rate_valid = record.flag("rate_valid", true),
                             .target_valid = record.flag("target_valid", true)};
  return {row_of(sigmoid::step(settings, input), [](const sigmoid::Step& s) {
    return Values{{"supply_delta", text_of(s.supply_delta)}, {"percentage", text_of(s.percentage)}};
  })};
}

const std::array<Kind, 15> kKinds = {{
    {"ampleforth_rebase", ampleforth_rebase},
    {"anti_windup", anti_windup, true},
    {"blob_fee", blob_fee},
    {"bounded_rate", bounded_rate},
    {"closed_loop", closed_loop, true},
    {"closed_loop_preview", closed_loop_preview, true},
    {"compose", compose},
    {"decompose", decompose},
    {"direct", direct},
    {"eip1559", eip1559},
    {"excess_blob_gas", excess_blob_gas},
    {"fake_exponential", fake_exponential},
    {"gain_terms", gain_terms},
    {"gas_limit_bound", gas_limit_bound},
    {"preview", preview},
}};

/// All kinds of all families, sorted by name.
const std::vector<const Kind*>& all_kinds() {
  static const std::vector<const Kind*> kinds = [] {
    std::vector<const Kind*> all;
    for (const std::span<const Kind> family :
         {std::span<const Kind>(kKinds), bonding_kinds(), redemption_kinds(), scenario_kinds()}) {
      for (const Kind& kind : family) all.push_back(&kind);
    }
    std::sort(all.begin(), all.end(), [](const Kind* a, const Kind* b) { return a->name < b->name; });
    return all;
  }();
  return kinds;
}

template <class F>
const Kind* find_kind(F&& is_it) {
  const auto& kinds = all_kinds();
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const Kind* kind) { return is_it(*kind); });
  return found == kinds.end() ? nullptr : *found;
}

/// The kind that a record names, or that its fields give away.
const Kind* kind_of(Fields& record, FirstError& error) {
  if (!record.has("kind")) {
    const Kind* kind = find_kind([&](const Kind& k) {
      return !k.signature.empty() &&
             std::all_of(k.signature.begin(), k.signature.end(), [&](std::string_view f) { return record.has(f); });
    });
    if (kind != nullptr) return kind;
  }
  const std::string name = record.text("kind");
  if (error.is_set()) return nullptr;
  const Kind* kind = find_kind([&](const Kind& k) { return k.name == name; });
  if (kind == nullptr) {
    record.refuse("kind",
                  fmt::format("there is no '{}' among {}{}", name, fmt::join(kind_names(), ", "),
                              did_you_mean(name, kind_names())),
                  ErrorCode::unknown_name);
  }
  return kind;
}

}  // namespace

Quantity real(std::string_view name, double computed, Tolerance tolerance, const json::value* expected) {
  return {.name = name, .reals = {computed}, .tolerance = tolerance, .expected = expected};
}

Quantity reals(std::string_view name, std::span<const double> computed, Tolerance tolerance,
               const json::value* expected) {
  return {.name = name,
          .reals = {computed.begin(), computed.end()},
          .is_list = true,
          .tolerance = tolerance,
          .expected = expected};
}

Quantity word(std::string_view name, std::string computed, const json::value* expected) {
  return {.name = name, .word = std::move(computed), .expected = expected};
}

Row value_row(Fields& record, const Result<double>& computed, Tolerance tolerance) {
  record.ignore({"abs_diff", "rel_diff", "ok"});
  const json::value* exact = record.value_if("expected_ref");
  const json::value* source = record.value_if("expected_source");
  const double allowed = record.real("source_tolerance", 0, 0);
  Row row;
  row.has_expected = exact != nullptr || source != nullptr;
  if (!computed) {
    row.reverts = computed.error().text();
    return row;
  }
  row.quantities.push_back(real("value", *computed, tolerance, exact));
  if (source != nullptr) {
    const double own = tolerance.relative * std::fabs(*computed);
    row.quantities.push_back(
        real("source", *computed, {.absolute = std::max(tolerance.absolute, own) + allowed}, source));
  }
  return row;
}

const Kind* kind_of_list(std::string_view list) {
  return find_kind([&](const Kind& k) { return !list.empty() && k.list == list; });
}

const std::vector<std::string_view>& kind_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Kind* kind : all_kinds()) all.push_back(kind->name);
    return all;
  }();
  return names;
}

Result<Computed> compute(const json::object& object) {
  FirstError error;
  Fields record(object, "", error);
  const Kind* kind = kind_of(record, error);
  if (error.is_set()) return tl::make_unexpected(error.error());
  Computed out{.kind = std::string(kind->name), .id = record.text("id", "")};
  out.has_steps = kind->has_steps;
  record.ignore({"source", "test", "note", "comment", "description", "reproduced"});
  out.rows = kind->run(record);
  if (!kind->has_steps && out.rows.size() == 1) out.rows.front().expected = record.object_if("expect");
  record.finish();
  if (error.is_set()) return tl::make_unexpected(error.error());
  return out;
}

}  // namespace homeostat::conformance
