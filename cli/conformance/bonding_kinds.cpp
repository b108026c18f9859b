// The kinds of the bonding surface: the ellipsoid in its peg and box forms, the E-CLP, the imbalance fee.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/conformance/kinds.hpp"
#include "economy/bonding/eclp.hpp"
#include "economy/bonding/imbalance_fee.hpp"
#include "economy/bonding/liquidity.hpp"
#include "economy/bonding/neighbours.hpp"

namespace homeostat::conformance {
namespace {

using namespace economy::bonding;  // NOLINT: this file is about nothing else
namespace json = boost::json;

/// Sizes, prices and growth of the surface.
constexpr Tolerance kSurface{.relative = 1e-14};
/// Amounts of an E-CLP: its parameters reach a double rounded, and lambda times that is what the amounts feel.
constexpr Tolerance kAmount{.relative = 1e-13};
/// Fees and imbalances, of one; a difference from a threshold is as exact as the threshold.
constexpr Tolerance kFee{.relative = 1e-14, .absolute = 1e-15};

/// A row of what a mechanism gives, or of what it refused.
template <class T, class Show>
Row row_of(const Result<T>& result, Show&& show) {
  Row row;
  if (result) {
    show(*result, row);
  } else {
    row.reverts = result.error().text();
  }
  return row;
}

// ---------------------------------------------------------------------------------------------- ellipsoid

void require_form(Fields& record, std::string_view form) {
  if (record.text("form", std::string(form)) != form) record.refuse("form", fmt::format("must be '{}'", form));
}

std::vector<double> list_of(Fields& record, std::string_view name, std::size_t n, double min, double max) {
  std::vector<double> out = record.reals(name, min, max);
  if (!out.empty() && out.size() != n) record.refuse(name, fmt::format("must be {} numbers, are {}", n, out.size()));
  out.resize(n);
  return out;
}

std::size_t assets_of(Fields& record, std::string_view list) {
  if (record.has("n")) return record.count("n", kAssetsMin, kAssetsMax);
  const std::size_t n = record.reals(list).size();
  if (n < kAssetsMin || n > kAssetsMax) record.refuse(list, "must be 2..16 numbers");
  return std::clamp(n, kAssetsMin, kAssetsMax);
}

struct PegAnswer {
  Point at;
  Values gradient;
  Mint mint;
};

std::vector<Row> ellipsoid_peg(Fields& record) {
  require_form(record, "peg");
  const std::size_t n = assets_of(record, "w");
  const SurfaceSettings settings{.weights = list_of(record, "w", n, 0, 1),
                                 .lambda = record.real("lam", {}, 1, kLambdaMax)};
  const std::vector<double> v = list_of(record, "v", n, 0, kBalanceMax);
  const bool has_deposit = record.has("d");
  const std::vector<double> d = has_deposit ? list_of(record, "d", n, -kBalanceMax, kBalanceMax) : std::vector(n, 0.0);
  const std::array expected{record.value_if("r"),     record.value_if("t_minus_1"),  record.value_if("grad"),
                            record.value_if("delta"), record.value_if("mint_ratio"), record.value_if("k_minus_1")};
  const auto answer = [&]() -> Result<std::pair<Surface, PegAnswer>> {
    const auto surface = Surface::make(settings);
    if (!surface) return tl::make_unexpected(surface.error());
    const auto at = surface->at(v);
    if (!at) return tl::make_unexpected(at.error());
    const auto mint = surface->mint(*at, d);
    if (!mint) return tl::make_unexpected(mint.error());
    return std::pair{*surface, PegAnswer{*at, surface->gradient(*at), *mint}};
  };
  Row row = row_of(answer(), [&](const auto& found, Row& out) {
    const auto& [surface, a] = found;
    out.quantities = {real("r", a.at.size, kSurface, expected[0]),
                      real("t_minus_1", Surface::margin(a.at), kSurface, expected[1]),
                      reals("grad", a.gradient, kSurface, expected[2])};
    if (has_deposit) {
      out.quantities.push_back(real("delta", a.mint.growth, kSurface, expected[3]));
      out.quantities.push_back(real("mint_ratio", a.mint.ratio(), kSurface, expected[4]));
    }
    out.quantities.push_back(real("k_minus_1", surface.geometry().k_minus_1, kSurface, expected[5]));
  });
  row.has_expected = std::any_of(expected.begin(), expected.end(), [](const json::value* x) { return x != nullptr; });
  return {row};
}

std::vector<Rotation> rotations_from(Fields& record, std::size_t n) {
  std::vector<Rotation> out;
  const json::value* list = record.value_if("givens");
  if (list == nullptr) return out;
  const auto refuse = [&] {
    record.refuse("givens",
                  fmt::format("must be a list of at most {} [row, row, angle], rows below {}", kRotationsMax, n));
  };
  if (!list->is_array() || list->get_array().size() > kRotationsMax) {
    refuse();
    return out;
  }
  for (const json::value& item : list->get_array()) {
    const auto* turn = item.if_array();
    if (turn == nullptr || turn->size() != 3) {
      refuse();
      return {};
    }
    const auto a = int_of((*turn)[0]), b = int_of((*turn)[1]);
    const auto angle = real_of((*turn)[2]);
    if (!a || !b || !angle || *a < 0 || *b < 0 || *a >= n || *b >= n) {
      refuse();
      return {};
    }
    out.push_back({static_cast<std::size_t>(*a), static_cast<std::size_t>(*b), *angle});
  }
  return out;
}

std::vector<Row> ellipsoid_box(Fields& record) {
  require_form(record, "box");
  record.ignore({"givens_note"});
  const std::size_t n = assets_of(record, "lam");
  SurfaceSettings settings{.centre = Centre::box};
  settings.lambdas = list_of(record, "lam", n, 1, kLambdaMax);
  settings.price_min = list_of(record, "lo", n, kPriceMin, kPriceMax);
  settings.price_max = list_of(record, "hi", n, kPriceMin, kPriceMax);
  settings.rotations = rotations_from(record, n);
  const double size = record.real("r", {}, kReserveMin, kBalanceMax);
  const std::vector<double> prices = list_of(record, "price_vector", n, kPriceMin, kPriceMax);
  const json::value* const chi = record.value_if("chi");
  const json::value* const v = record.value_if("v");
  const auto answer = [&]() -> Result<std::pair<Surface, Values>> {
    const auto surface = Surface::make(settings);
    if (!surface) return tl::make_unexpected(surface.error());
    const auto balances = surface->balances_at(size, prices);
    if (!balances) return tl::make_unexpected(balances.error());
    return std::pair{*surface, *balances};
  };
  Row row = row_of(answer(), [&](const auto& found, Row& out) {
    const Values& centre = found.first.geometry().centre;
    const double widest = *std::max_element(centre.begin(), centre.end());
    out.quantities = {reals("chi", found.first.geometry().centre, kSurface, chi),
                      reals("v", found.second, {.relative = 1e-14, .absolute = 1e-15 * size * widest}, v)};
    // And back: the size that these balances have.
    if (const auto back = found.first.invariant(found.second); back) {
      out.quantities.push_back(real("r_of_v", *back, kAmount));
    }
  });
  row.has_expected = chi != nullptr || v != nullptr;
  return {row};
}

// ---------------------------------------------------------------------------------------------- E-CLP

/// What an E-CLP record holds; balances and amounts scaled by the rates.
struct Pool {
  EclpSettings settings;
  Fields inputs;
  double rate[2] = {1, 1};
  double x = 0, y = 0;
  double fee = 0;
};

Pool read_pool(Fields& record, bool has_balances = true) {
  Fields p = record.object("params");
  Pool pool{.settings = {.alpha = p.real("alpha", {}, kPriceMin, kPriceMax),
                         .beta = p.real("beta", {}, kPriceMin, kPriceMax),
                         .c = p.real("c", {}, 0, 1),
                         .s = p.real("s", {}, 0, 1),
                         .lambda = p.real("lambda", {}, 1, kLambdaMax)},
            .inputs = record.object("inputs")};
  p.finish();
  if (!has_balances) return pool;
  pool.rate[0] = pool.inputs.real("rate0", 1, 1e-18, 1e18);
  pool.rate[1] = pool.inputs.real("rate1", 1, 1e-18, 1e18);
  pool.x = pool.inputs.real("x", {}, 0, 1e30) * pool.rate[0];
  pool.y = pool.inputs.real("y", {}, 0, 1e30) * pool.rate[1];
  pool.fee = pool.inputs.real("fee", 0, 0, kFeeMax);
  return pool;
}

/// The one value of an E-CLP record.
template <class F>
std::vector<Row> eclp_row(Fields& record, Pool& pool, Tolerance tolerance, F&& value) {
  pool.inputs.finish();
  const auto computed = [&]() -> Result<double> {
    const auto eclp = Eclp::make(pool.settings);
    if (!eclp) return tl::make_unexpected(eclp.error());
    return value(*eclp);
  };
  return {value_row(record, computed(), tolerance)};
}

template <class F>
std::vector<Row> eclp_at(Fields& record, Pool& pool, Tolerance tolerance, F&& value) {
  return eclp_row(record, pool, tolerance, [&](const Eclp& eclp) -> Result<double> {
    const auto at = eclp.at(pool.x, pool.y);
    if (!at) return tl::make_unexpected(at.error());
    return value(eclp, *at);
  });
}

std::vector<Row> eclp_invariant(Fields& record) {
  Pool pool = read_pool(record);
  return eclp_at(record, pool, kSurface, [](const Eclp&, const Point& at) { return Result<double>(at.size); });
}

template <bool is_x>
std::vector<Row> eclp_offset(Fields& record) {
  Pool pool = read_pool(record);
  return eclp_at(record, pool, kAmount, [](const Eclp& eclp, const Point& at) {
    return Result<double>(is_x ? eclp.offset(at).x : eclp.offset(at).y);
  });
}

using DerivedField = double (*)(const Eclp::Derived&);
template <DerivedField field>
std::vector<Row> eclp_derived(Fields& record) {
  Pool pool = read_pool(record, false);
  return eclp_row(record, pool, kAmount, [](const Eclp& eclp) { return Result<double>(field(eclp.derived())); });
}

/// The most that may come in, fee included, and kept off the edge by `buffer`.
std::vector<Row> eclp_limit_in(Fields& record) {
  Pool pool = read_pool(record);
  const double buffer = pool.inputs.real("buffer", 1, 0, 1);
  const std::size_t in = pool.inputs.count("token_in", 0, 1, 0);
  return eclp_at(record, pool, kAmount, [=](const Eclp& eclp, const Point& at) {
    return Result<double>(eclp.room_for(at, in) / (1 - pool.fee) * buffer / pool.rate[in]);
  });
}

/// "amount", or the longer name.
double amount_from(Fields& inputs, std::string_view name) {
  return inputs.real(inputs.has("amount") ? "amount" : name, {}, 0, 1e30);
}

std::vector<Row> eclp_out_given_in(Fields& record) {
  Pool pool = read_pool(record);
  const double amount = amount_from(pool.inputs, "amount_in");
  const std::size_t in = pool.inputs.count("token_in", 0, 1, 0);
  return eclp_at(record, pool, kAmount, [=](const Eclp& eclp, const Point& at) -> Result<double> {
    const auto swap = eclp.surface().swap_in(at, in, amount * pool.rate[in] * (1 - pool.fee), 1 - in);
    if (!swap) return tl::make_unexpected(swap.error());
    return swap->amount_out / pool.rate[1 - in];
  });
}

std::vector<Row> eclp_in_given_out(Fields& record) {
  Pool pool = read_pool(record);
  const double amount = amount_from(pool.inputs, "amount_out");
  const std::size_t in = pool.inputs.count("token_in", 0, 1, 0);
  const std::string note = pool.inputs.text("note", "");
  if (!note.empty() && note != "before fee") pool.inputs.refuse("note", "must be 'before fee' or left out");
  const double kept = note.empty() ? 1 - pool.fee : 1;
  return eclp_at(record, pool, kAmount, [=](const Eclp& eclp, const Point& at) -> Result<double> {
    const auto swap = eclp.surface().swap_out(at, in, 1 - in, amount * pool.rate[1 - in]);
    if (!swap) return tl::make_unexpected(swap.error());
    return swap->amount_in / pool.rate[in] / kept;
  });
}

/// What one more unit out costs in units in, fee included, after a swap of an exact amount in or out.
template <bool is_in>
std::vector<Row> eclp_price_after(Fields& record) {
  Pool pool = read_pool(record);
  const double amount = amount_from(pool.inputs, is_in ? "amount_in" : "amount_out");
  const std::size_t in = pool.inputs.count("token_in", 0, 1, 0);
  return eclp_at(record, pool, kAmount, [=](const Eclp& eclp, const Point& at) -> Result<double> {
    const auto swap = is_in ? eclp.surface().swap_in(at, in, amount * pool.rate[in] * (1 - pool.fee), 1 - in)
                            : eclp.surface().swap_out(at, in, 1 - in, amount * pool.rate[1 - in]);
    if (!swap) return tl::make_unexpected(swap.error());
    return swap->price_after / (1 - pool.fee) * pool.rate[1 - in] / pool.rate[in];
  });
}

std::vector<Row> eclp_spot_price(Fields& record) {
  Pool pool = read_pool(record);
  return eclp_at(record, pool, kAmount,
                 [](const Eclp& eclp, const Point& at) { return Result<double>(eclp.spot_price(at)); });
}

std::vector<Row> eclp_price_imbalance(Fields& record) {
  Pool pool = read_pool(record);
  const SurgeSlopes slopes{pool.inputs.real("slope_below", 1, 0.01, 100),
                           pool.inputs.real("slope_above", 1, 0.01, 100)};
  return eclp_at(record, pool, {.relative = 1e-13, .absolute = 1e-13}, [=](const Eclp& eclp, const Point& at) {
    return price_imbalance(eclp.settings(), eclp.spot_price(at), slopes);
  });
}

std::vector<Row> eclp_add_unbalanced(Fields& record) {
  Pool pool = read_pool(record);
  const double supply = pool.inputs.real("supply", {}, 0, 1e30);
  std::vector<double> amounts = list_of(pool.inputs, "amounts", 2, 0, 1e30);
  for (std::size_t i = 0; i < 2; ++i) amounts[i] *= pool.rate[i];
  return eclp_at(record, pool, kAmount, [=](const Eclp& eclp, const Point& at) -> Result<double> {
    const auto added = add_amounts(eclp.surface(), at, amounts, pool.fee);
    if (!added) return tl::make_unexpected(added.error());
    return supply * added->share;
  });
}

using SingleMove = Result<Single> (*)(const Surface&, const Point&, std::size_t, double, double);
template <SingleMove move>
std::vector<Row> eclp_single_share(Fields& record) {
  Pool pool = read_pool(record);
  const double supply = pool.inputs.real("supply", {}, 1e-30, 1e30);
  const double share = pool.inputs.real("bpt", {}, 0, 1e30) / supply;
  const std::size_t token = pool.inputs.count("token", 0, 1);
  return eclp_at(record, pool, kAmount, [=](const Eclp& eclp, const Point& at) -> Result<double> {
    const auto single = move(eclp.surface(), at, token, share, pool.fee);
    if (!single) return tl::make_unexpected(single.error());
    return single->amount / pool.rate[token];
  });
}

std::vector<Row> eclp_remove_amount(Fields& record) {
  Pool pool = read_pool(record);
  const double supply = pool.inputs.real("supply", {}, 1e-30, 1e30);
  const double amount = pool.inputs.real("amount", {}, 0, 1e30);
  const std::size_t token = pool.inputs.count("token", 0, 1);
  return eclp_at(record, pool, kAmount, [=](const Eclp& eclp, const Point& at) -> Result<double> {
    const auto single = remove_amount(eclp.surface(), at, token, amount * pool.rate[token], pool.fee);
    if (!single) return tl::make_unexpected(single.error());
    return single->share * supply;
  });
}

std::vector<Row> eclp_remove_proportional(Fields& record) {
  Pool pool = read_pool(record);
  const double supply = pool.inputs.real("supply", {}, 1e-30, 1e30);
  const double share = pool.inputs.real("bpt", {}, 0, supply) / supply;
  const std::size_t token = pool.inputs.count("token", 0, 1, 0);
  return eclp_at(record, pool, kSurface, [=](const Eclp&, const Point& at) {
    return Result<double>(at.balances[token] * share / pool.rate[token]);
  });
}

// ---------------------------------------------------------------------------------------------- imbalance fee

ImbalanceFeeSettings read_fee(Fields& record, std::string_view fee, std::string_view surge) {
  return {.measure = Measure::raw,
          .static_fee = record.real(fee, {}, 0, kFeeMax),
          .surge_fee = record.real(surge, {}, 0, kFeeMax),
          .threshold = record.real("threshold", {}, 0, 0.999999)};
}

std::vector<double> values_from(Fields& record, std::string_view name) {
  std::vector<double> out = record.reals(name, 0, kBalanceMax);
  if (out.size() > kAssetsMax) {
    record.refuse(name, "must be at most 16 numbers");
    out.resize(kAssetsMax);
  }
  return out;
}

std::vector<Row> imbalance_fee_line(Fields& record) {
  const ImbalanceFeeSettings settings = read_fee(record, "static", "max");
  const double before = record.real("imbalance_before", 0, 0, 2);
  const double after = record.real("imbalance_after", {}, 0, 2);
  const json::value* const fee = record.value_if("fee_ref");
  Row row{.quantities = {real("fee_ref", fee_rate(settings, before, after), kFee, fee)}};
  row.has_expected = fee != nullptr;
  return {row};
}

std::vector<Row> imbalance_median(Fields& record) {
  const std::vector<double> values = values_from(record, "balances");
  const std::array expected{record.value_if("median"), record.value_if("imbalance_ref")};
  Row row = row_of(imbalance(values), [&](double x, Row& out) {
    out.quantities = {real("median", median(values), kFee, expected[0]), real("imbalance_ref", x, kFee, expected[1])};
  });
  row.has_expected = expected[0] != nullptr || expected[1] != nullptr;
  return {row};
}

std::vector<Row> imbalance_fee_kind(Fields& record) {
  ImbalanceFeeSettings settings = read_fee(record, "static", "surge");
  const std::vector<double> before = values_from(record, "old"), after = values_from(record, "new");
  std::vector<double> weights;
  if (record.has("weights")) {
    weights = values_from(record, "weights");
    settings.measure = Measure::normalised;
  }
  const std::array expected{record.value_if("imbalance_old"), record.value_if("imbalance_new"),
                            record.value_if("fee_ref")};
  Row row = row_of(imbalance_fee(settings, before, after, weights), [&](const FeeRate& fee, Row& out) {
    out.quantities = {real("imbalance_old", fee.before, kFee, expected[0]),
                      real("imbalance_new", fee.after, kFee, expected[1]),
                      real("fee_ref", fee.rate, kFee, expected[2])};
  });
  row.has_expected = std::any_of(expected.begin(), expected.end(), [](const json::value* x) { return x != nullptr; });
  return {row};
}

/// A swap in a stable pool with the surge fee, taken from what comes in.
struct SurgeSwap {
  double before = 0, after = 0, fee = 0, out = 0;
};
Result<SurgeSwap> surge_swap(const ImbalanceFeeSettings& settings, double amplification, const Values& balances,
                             std::size_t in, double amount, std::size_t out) {
  const auto whole = stable::out_given_in(amplification, balances, in, amount, out);
  if (!whole) return tl::make_unexpected(whole.error());
  Values after = balances;
  after[in] += amount;
  after[out] -= *whole;
  const auto fee = imbalance_fee(settings, balances, after);
  if (!fee) return tl::make_unexpected(fee.error());
  const auto net = stable::out_given_in(amplification, balances, in, amount * (1 - fee->rate), out);
  if (!net) return tl::make_unexpected(net.error());
  return SurgeSwap{fee->before, fee->after, fee->rate, *net};
}

std::vector<Row> imbalance_fee_swap(Fields& record) {
  Fields inputs = record.object("inputs");
  const std::vector<double> balances = values_from(inputs, "balances");
  const std::size_t n = std::max<std::size_t>(balances.size(), 1);
  const double amplification = inputs.real("amp_A", {}, 1, stable::kAmplificationMax);
  const ImbalanceFeeSettings settings = read_fee(inputs, "static_fee", "max_fee");
  const std::size_t in = inputs.count("index_in", 0, n - 1), out = inputs.count("index_out", 0, n - 1);
  const double amount = inputs.real("amount_in_scaled", {}, 0, kBalanceMax);
  const std::vector<double> rates = list_of(inputs, "rates", n, 1e-18, 1e18);
  const std::vector<double> scaling = list_of(inputs, "scaling", n, 1, 1e18);
  inputs.finish();
  const std::array expected{record.value_if("imbalance_before"), record.value_if("imbalance_after_no_fee"),
                            record.value_if("fee_ref"),          record.value_if("out_scaled_ref"),
                            record.value_if("out_raw_ref"),      record.value_if("expected_out_raw")};
  record.ignore({"rel_diff", "abs_diff", "ok"});
  Row row = row_of(
      surge_swap(settings, amplification, Values(balances), in, amount, out), [&](const SurgeSwap& swap, Row& to) {
        const double raw = swap.out / rates[out] * 1e18 / scaling[out];
        to.quantities = {
            real("imbalance_before", swap.before, kFee, expected[0]),
            real("imbalance_after_no_fee", swap.after, kFee, expected[1]), real("fee_ref", swap.fee, kFee, expected[2]),
            real("out_scaled_ref", swap.out, kAmount, expected[3]), real("out_raw_ref", raw, kAmount, expected[4]),
            // rounded down to a unit, from fixed point of 18 decimals
            real("expected_out_raw", raw, {.relative = 1e-13, .absolute = 1}, expected[5])};
      });
  row.has_expected = std::any_of(expected.begin(), expected.end(), [](const json::value* x) { return x != nullptr; });
  return {row};
}

using D = Eclp::Derived;
const std::array<Kind, 31> kKinds = {{
    {"add_single_exact_bpt", eclp_single_share<add_share>},
    {"add_unbalanced_bpt", eclp_add_unbalanced},
    {"derived_dSq", eclp_derived<[](const D& d) { return d.d_squared; }>},
    {"derived_tauAlphaX", eclp_derived<[](const D& d) { return d.tau_alpha.x; }>},
    {"derived_tauAlphaY", eclp_derived<[](const D& d) { return d.tau_alpha.y; }>},
    {"derived_tauBetaX", eclp_derived<[](const D& d) { return d.tau_beta.x; }>},
    {"derived_tauBetaY", eclp_derived<[](const D& d) { return d.tau_beta.y; }>},
    {"derived_u", eclp_derived<[](const D& d) { return d.u; }>},
    {"derived_v", eclp_derived<[](const D& d) { return d.v; }>},
    {"derived_w", eclp_derived<[](const D& d) { return d.w; }>},
    {"derived_z", eclp_derived<[](const D& d) { return d.z; }>},
    {"ellipsoid_box", ellipsoid_box, false, "box", {"lo", "hi", "price_vector"}},
    {"ellipsoid_peg", ellipsoid_peg, false, "peg", {"w", "lam", "v"}},
    {"imbalance_fee", imbalance_fee_kind, false, "myco_default_fee", {"static", "surge", "old", "new"}},
    {"imbalance_fee_line", imbalance_fee_line, false, "fee_line", {"static", "max", "imbalance_after"}},
    {"imbalance_fee_swap", imbalance_fee_swap, false, "swap_vectors", {"inputs", "imbalance_before"}},
    {"imbalance_median", imbalance_median, false, "median_vectors", {"balances", "median"}},
    {"in_given_out", eclp_in_given_out},
    {"invariant", eclp_invariant},
    {"limit_in", eclp_limit_in},
    {"offset_a", eclp_offset<true>},
    {"offset_b", eclp_offset<false>},
    {"out_given_in", eclp_out_given_in},
    {"price_after_swap_in", eclp_price_after<true>},
    {"price_after_swap_out", eclp_price_after<false>},
    {"price_imbalance_lt", eclp_price_imbalance},
    {"spot_price", eclp_spot_price},
    {"spot_price_edge", eclp_spot_price},
    {"remove_proportional", eclp_remove_proportional},
    {"remove_single_exact_bpt", eclp_single_share<remove_share>},
    {"remove_single_exact_out_bpt", eclp_remove_amount},
}};

}  // namespace

std::span<const Kind> bonding_kinds() {
  return kKinds;
}

}  // namespace homeostat::conformance
