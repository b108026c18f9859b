#include "economy/tokenomics/health.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/math.hpp"
#include "core/statistics.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::tokenomics {

namespace {
constexpr double kTiny = 1e-30;
constexpr double kHuge = 1e30;
constexpr Range kAboveZero{kTiny, kHuge};
constexpr Range kQuantity{0, kHuge};

/// Steps of a series, inside or not, and since when it has been inside for good.
class Settling {
 public:
  explicit Settling(std::size_t settled) : settled_(settled) {}
  void add(bool is_inside) {
    ++steps_;
    inside_ += is_inside ? 1 : 0;
    run_ = is_inside ? run_ + 1 : 0;
  }
  [[nodiscard]] double inside_share() const { return static_cast<double>(inside_) / static_cast<double>(steps_); }
  [[nodiscard]] std::size_t since() const { return run_ >= settled_ ? steps_ - run_ : steps_; }

 private:
  std::size_t settled_;
  std::size_t steps_ = 0;
  std::size_t inside_ = 0;
  std::size_t run_ = 0;
};
}  // namespace

Result<PriceBand> price_band(std::span<const double> prices, double reference, double band, std::size_t settled) {
  if (auto ok = first_error(require_each("prices", prices, kAboveZero), require("reference", reference, kAboveZero),
                            require("band", band, {0, 10}), require("settled", static_cast<double>(settled), {1, 1e9}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  PriceBand out;
  Settling settling(settled);
  for (const double price : prices) {
    const double deviation = std::abs(price / reference - 1);
    out.deviation_max = std::max(out.deviation_max, deviation);
    settling.add(deviation <= band);
  }
  out.inside_share = settling.inside_share();
  out.settled_after = settling.since();
  return out;
}

Result<BandRecord> band_record(std::span<const double> values, Target target, std::size_t settled) {
  if (auto ok = first_error(require_each("values", values, {-kHuge, kHuge}),
                            require_order("target.low", target.low, "target.high", target.high),
                            require("settled", static_cast<double>(settled), {1, 1e9}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  BandRecord out{.least = values[0], .most = values[0]};
  Settling settling(settled);
  for (const double value : values) {
    out.least = std::min(out.least, value);
    out.most = std::max(out.most, value);
    settling.add(value >= target.low && value <= target.high);
  }
  out.mean = homeostat::mean(values);
  out.inside_share = settling.inside_share();
  out.settled_after = settling.since();
  return out;
}

Result<double> realised_volatility(std::span<const double> prices, double periods_per_year) {
  if (auto ok = first_error(require_each("prices", prices, kAboveZero),
                            require("periods_per_year", periods_per_year, {kTiny, 1e9}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  if (prices.size() < 2) return fail(ErrorCode::missing, "prices", "must be at least two");
  double sum = 0;
  for (std::size_t i = 1; i < prices.size(); ++i) {
    const double r = math::log(prices[i] / prices[i - 1]);
    sum += r * r;
  }
  return std::sqrt(periods_per_year * (sum / static_cast<double>(prices.size() - 1)));
}

Result<double> inflation(double supply_now, double supply_a_year_ago) {
  if (auto ok = first_error(require("supply_now", supply_now, kAboveZero),
                            require("supply_a_year_ago", supply_a_year_ago, kAboveZero));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  return supply_now / supply_a_year_ago - 1;
}

Result<double> participation(double staked, double circulating) {
  if (auto ok =
          first_error(require("circulating", circulating, kAboveZero), require("staked", staked, {0, circulating}));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  return staked / circulating;
}

Result<ValueCapture> value_capture(double treasury, double burned, double stakers, double gross_fees,
                                   double buy_back_cost) {
  if (auto ok = first_error(require("treasury", treasury, kQuantity), require("burned", burned, kQuantity),
                            require("stakers", stakers, kQuantity), require("gross_fees", gross_fees, kAboveZero),
                            require("buy_back_cost", buy_back_cost, kQuantity));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  const double captured = treasury + burned + stakers;
  return ValueCapture{captured / gross_fees, captured - buy_back_cost};
}

Result<double> runway_months(double treasury, double spending_per_month) {
  if (auto ok = first_error(require("treasury", treasury, kQuantity),
                            require("spending_per_month", spending_per_month, kQuantity));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  if (spending_per_month == 0) return kRunwayMonthsMax;
  return std::min(treasury / spending_per_month, kRunwayMonthsMax);
}

Result<double> velocity(double price, double output, double money) {
  if (auto ok = first_error(require("price", price, kQuantity), require("output", output, kQuantity),
                            require("money", money, kAboveZero));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  return price * output / money;
}

Result<double> velocity_gap(double money, double velocity, double price, double output) {
  if (auto ok = first_error(require("money", money, kAboveZero), require("velocity", velocity, kAboveZero),
                            require("price", price, kAboveZero), require("output", output, kAboveZero));
      !ok) {
    return tl::make_unexpected(std::move(ok.error()));
  }
  return (money / price) * (velocity / output) - 1;
}

Result<Concentration> concentration(std::span<const double> holdings, std::vector<double>& scratch) {
  if (auto ok = require_each("holdings", holdings, kQuantity); !ok) return tl::make_unexpected(std::move(ok.error()));
  scratch.assign(holdings.begin(), holdings.end());
  const Concentration out{homeostat::gini(scratch), homeostat::hhi(scratch), homeostat::nakamoto(scratch)};
  if (!std::isfinite(out.gini)) return fail(ErrorCode::missing, "holdings", "must have one above 0");
  return out;
}

namespace {
using Items = std::array<HealthItem, kHealthItems>;

Items items_of(const HealthTargets& t, const HealthMeasured& m) {
  return {{{"price_inside", m.price_inside, t.price_inside},
           {"volatility", m.volatility, t.volatility},
           {"inflation", m.inflation, t.inflation},
           {"participation", m.participation, t.participation},
           {"value_capture", m.value_capture, t.value_capture},
           {"runway_months", m.runway_months, t.runway_months},
           {"gini", m.gini, t.gini},
           {"hhi", m.hhi, t.hhi},
           {"nakamoto", m.nakamoto, t.nakamoto}}};
}
}  // namespace

Result<> check(const HealthTargets& targets) {
  for (const HealthItem& item : items_of(targets, {})) {
    if (item.target.low <= item.target.high) continue;  // false for NaN
    return fail(ErrorCode::out_of_range, std::string(item.name), "must have a low end that is not above its high end");
  }
  return {};
}

Result<Health> judge(const HealthTargets& targets, const HealthMeasured& measured) {
  if (auto ok = check(targets); !ok) return tl::make_unexpected(std::move(ok.error()));
  Health out{.items = items_of(targets, measured)};
  for (HealthItem& item : out.items) {
    if (!item.value) continue;
    if (auto ok = require(item.name, *item.value, {-kHuge, kHuge}); !ok) {
      return tl::make_unexpected(std::move(ok.error()));
    }
    item.gap = *item.value - std::clamp(*item.value, item.target.low, item.target.high);
    item.is_missed = item.gap != 0;
    ++out.measured;
    out.missed += item.is_missed ? 1 : 0;
  }
  return out;
}

}  // namespace homeostat::economy::tokenomics
