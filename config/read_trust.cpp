// The part of a metric of samples that says when several sources are believed: class, outliers, agreement, guard.
#include <fmt/format.h>

#include <algorithm>

#include "config/asset_class.hpp"
#include "config/readers.hpp"
#include "core/format.hpp"

namespace homeostat::config {
namespace {

using oracle::MetricSettings;

/// `none` switches off what the class has set.
bool is_none(const Field& field) {
  return field.is_given() && field.node()->kind == Node::Kind::scalar && field.node()->scalar == "none";
}

void read_class(const Field& field, MetricSettings& m) {
  std::size_t index = 0;
  if (!field.one_of(index, {"peg", "major", "thin", "exchange_rate"})) return;
  if (m.aggregate == oracle::Aggregate::sum || m.aggregate == oracle::Aggregate::rate ||
      m.aggregate == oracle::Aggregate::count) {
    return field.error("is for prices; the aggregates sum, rate and count are none");
  }
  apply_class(static_cast<AssetClass>(index), m);
}

void read_outliers(const Field& field, Context& context, MetricSettings& m) {
  if (is_none(field)) return m.outliers.reset();
  if (!field.is_given()) return;
  Section s(field, context);
  oracle::Outliers outliers = m.outliers.value_or(oracle::Outliers{});
  s.optional("mads").number(outliers.mads, {.min = 1, .max = 100});
  s.optional("floor").ratio(outliers.floor, {.min = 0, .max = 1});
  m.outliers = outliers;
}

void read_peg(const Field& field, Context& context, MetricSettings& m) {
  if (is_none(field)) return m.peg.reset();
  if (!field.is_given()) return;
  Section s(field, context);
  oracle::Peg peg = m.peg.value_or(oracle::Peg{});
  const Field at = s.optional("at");
  at.quantity(peg.at, m.unit);
  s.optional("band").ratio(peg.band, {.min = 0, .max = 10, .above_min = true});
  if (peg.at < m.min || peg.at > m.max) {
    field.error(fmt::format("the peg {} is outside {} .. {}", text_of(peg.at), text_of(m.min), text_of(m.max)));
  }
  m.peg = peg;
}

void read_reseed(const Field& field, Duration& out) {
  if (field.is_given() && field.node()->kind == Node::Kind::scalar && field.node()->scalar == "guardian") {
    out = Duration::zero();
    return;
  }
  field.duration(out, {.min = Duration::seconds(1)});
}

void read_rate(const Field& field, Context& context, double& rate_per_s) {
  Per per;
  if (!field.is_given() || !field.parsed(per, [&](std::string_view text) { return parse_per(text, context.day); }))
    return;
  const auto ratio = parse_ratio(per.amount);
  if (!ratio) return field.error(ratio.error().message, ratio.error().nearest);
  if (*ratio < 0 || per.per <= Duration::zero())
    return field.error("must be at least 0% per more than 0s", "50% per 1h");
  rate_per_s = *ratio / per.per.in_seconds();
}

void read_guard(const Field& field, Context& context, MetricSettings& m) {
  if (is_none(field)) return m.guard.reset();
  if (!field.is_given()) return;
  Section s(field, context);
  const bool is_new = !m.guard;
  oracle::GuardSettings guard = m.guard.value_or(oracle::GuardSettings{});
  const auto key = [&](std::string_view name, std::string_view what) {
    return is_new ? s.required(name, what) : s.optional(name);
  };
  key("band", "the departure that is allowed at once, e.g. 8%")
      .ratio(guard.band, {.min = 0, .max = 10, .above_min = true});
  read_rate(key("rate", "how much more is allowed as time goes by, e.g. 50% per 1h"), context, guard.rate_per_s);
  read_rate(s.optional("steady_rate"), context, guard.steady_rate_per_s);
  const Field decrease = s.optional("decrease_max");
  if (double max = 0; decrease.ratio(max, {.min = 0, .max = 10})) guard.decrease_max = max;
  s.optional("halt_after").duration(guard.halt_after);
  s.optional("release_after").duration(guard.release_after);
  read_reseed(s.optional("reseed_after"), guard.reseed_after);
  s.optional("reseed_per_fold").duration(guard.reseed_per_fold);
  s.optional("suspect_after").duration(guard.suspect_after, {.min = Duration::seconds(1)});
  const Field average = s.optional("average");
  if (is_none(average)) {
    guard.average = Duration::zero();
  } else {
    average.duration(guard.average, {.min = Duration::seconds(1), .max = Duration::days(30)});
  }
  m.guard = guard;
}

void read_limits(const Field& field, Context& context, MetricSettings& m) {
  if (!field.is_given()) return;
  auto& origin = std::get<oracle::SampleOrigin>(m.origin);
  Section::each(field, context, [&](const std::string& name, const Field& entry) {
    if (std::find(origin.sources.begin(), origin.sources.end(), name) == origin.sources.end()) {
      return report_unknown(entry, "source of this metric", name, origin.sources);
    }
    Section s(entry, context);
    oracle::SourceLimits limits{name, m.min, m.max};
    s.optional("min").quantity(limits.min, m.unit);
    s.optional("max").quantity(limits.max, m.unit);
    if (limits.min >= limits.max) entry.error("min is not below max");
    origin.limits.push_back(limits);
  });
}

}  // namespace

void read_trust(Section& s, Context& context, MetricSettings& m) {
  read_class(s.optional("class"), m);
  read_outliers(s.optional("outliers"), context, m);
  const Field agree = s.optional("agree_within");
  if (is_none(agree)) {
    m.agree_within = 0;
  } else {
    agree.ratio(m.agree_within, {.min = 0, .max = 10, .above_min = true});
  }
  s.optional("pinned_after").integer(m.pinned_after, {.max = 1'000'000});
  const Field frozen = s.optional("frozen_after");
  if (is_none(frozen)) {
    m.frozen_after = Duration::zero();
  } else {
    frozen.duration(m.frozen_after, {.min = Duration::seconds(1)});
  }
  s.optional("liquidity_needed").number(m.liquidity_needed, {.min = 0});
  read_peg(s.optional("peg"), context, m);
  read_guard(s.optional("guard"), context, m);
  read_limits(s.optional("source_limits"), context, m);
}

}  // namespace homeostat::config
