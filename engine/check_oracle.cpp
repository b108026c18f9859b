#include "engine/check_oracle.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/expression.hpp"
#include "core/format.hpp"
#include "engine/check_findings.hpp"

namespace homeostat::engine {
namespace {

constexpr std::uint32_t kBucketsMax = 10'000;

class OracleChecker : Findings {
 public:
  OracleChecker(const oracle::Settings& settings, std::vector<Error>& errors)
      : Findings(errors), p_(settings), sources_(p_.sources), events_(p_.events), metrics_(p_.metrics) {}

  void run() {
    for (const auto& x : p_.sources) source(x);
    for (const auto& x : p_.events) event(x);
    for (std::size_t i = 0; i < p_.metrics.size(); ++i) metric(p_.metrics[i], i);
  }

 private:
  void source(const oracle::SourceSettings& s) {
    const std::string where = "sources." + s.name;
    number(s.rate_per_s, where + ".rate_per_s", 1e-6, 1e9);
    number(s.burst, where + ".burst", 1, 1e9);
    duration(s.allowed_lateness, where + ".allowed_lateness", Duration::zero(), kDurationMax);
    duration(s.skew_max, where + ".skew_max", Duration::zero(), kDurationMax);
    range(s.finality_depth >= 1 && s.finality_depth <= oracle::kFinalityDepthMax, where + ".finality_depth",
          std::to_string(s.finality_depth) + " is not from 1 to " + std::to_string(oracle::kFinalityDepthMax));
  }

  void event(const oracle::EventSettings& e) {
    const std::string where = "events." + e.name;
    known("source", e.source, sources_, where + ".source");
    if (e.signature.empty())
      add(ErrorCode::missing, where + ".signature", "the event's Solidity declaration is required");
  }

  void metric(const oracle::MetricSettings& m, std::size_t index) {
    const std::string where = "metrics." + m.name;
    number(m.min, where + ".min", -kMagnitudeMax, kMagnitudeMax);
    number(m.max, where + ".max", -kMagnitudeMax, kMagnitudeMax);
    range(!(m.min >= m.max), where + ".min", text_of(m.min) + " is not below max " + text_of(m.max));
    duration(m.staleness_max, where + ".staleness_max", Duration{1}, kDurationMax);
    duration(m.future_max, where + ".future_max", Duration::zero(), kDurationMax);
    if (const auto* samples = std::get_if<oracle::SampleOrigin>(&m.origin)) sample_origin(*samples, where);
    if (const auto* events = std::get_if<oracle::EventOrigin>(&m.origin)) event_origin(*events, where);
    if (const auto* formula = std::get_if<oracle::ExpressionOrigin>(&m.origin)) {
      expression(*formula, where, index);
    } else {
      aggregate(m, where);
      trust(m, where);
    }
    if (m.rate_of_change) {
      number(m.rate_of_change->ratio_max, where + ".rate_of_change.ratio_max", 1e-12, kMagnitudeMax);
      duration(m.rate_of_change->per, where + ".rate_of_change.per", Duration{1}, kDurationMax);
      duration(m.rate_of_change->halt_after, where + ".rate_of_change.halt_after", Duration{1}, kDurationMax);
    }
  }

  void sample_origin(const oracle::SampleOrigin& origin, const std::string& where) {
    if (origin.sources.empty()) add(ErrorCode::missing, where + ".sources", "a metric needs at least one source");
    std::set<std::string> seen;
    for (const auto& name : origin.sources) {
      known("source", name, sources_, where + ".sources");
      if (!seen.insert(name).second) add(ErrorCode::duplicate, where + ".sources", "'" + name + "' is given twice");
    }
    range(origin.quorum >= 1 && origin.quorum <= std::max<std::size_t>(1, origin.sources.size()), where + ".quorum",
          std::to_string(origin.quorum) + " is not from 1 to the number of sources, " +
              std::to_string(origin.sources.size()));
  }

  void event_origin(const oracle::EventOrigin& origin, const std::string& where) {
    known("event", origin.event, events_, where + ".event");
    range(std::isfinite(origin.scale) && origin.scale != 0 && std::fabs(origin.scale) <= kMagnitudeMax,
          where + ".scale", text_of(origin.scale) + " is not a finite number other than 0");
  }

  void expression(const oracle::ExpressionOrigin& origin, const std::string& where, std::size_t index) {
    const auto parsed = Expression::parse(origin.text);
    if (!parsed) return add(parsed.error().code, where + ".expression", parsed.error().text());
    for (const auto& name : parsed->variables()) {
      if (!known("metric", name, metrics_, where + ".expression")) continue;
      const std::size_t at = metrics_.index.at(name);
      if (at < index) continue;
      add(ErrorCode::conflict, where + ".expression",
          "'" + name + "' " + (at == index ? "is the metric itself" : "comes later") +
              ": an expression may use only metrics before it, so that none depends on itself");
    }
  }

  void aggregate(const oracle::MetricSettings& m, const std::string& where) {
    using oracle::Aggregate;
    const bool is_event = std::holds_alternative<oracle::EventOrigin>(m.origin);
    switch (m.aggregate) {
      case Aggregate::sum:
      case Aggregate::rate:
      case Aggregate::count:
      case Aggregate::distinct:
      case Aggregate::twap:
        duration(m.window, where + ".window", Duration::milliseconds(1), kDurationMax);
        range(m.buckets >= 1 && m.buckets <= kBucketsMax, where + ".buckets",
              std::to_string(m.buckets) + " is not from 1 to " + std::to_string(kBucketsMax));
        range(m.buckets < 1 || m.window.ns <= 0 || m.window.ns / m.buckets >= 1, where + ".buckets",
              "the window is shorter than one nanosecond per bucket");
        break;
      case Aggregate::ewma: duration(m.half_life, where + ".half_life", Duration{1}, kDurationMax); break;
      case Aggregate::last:
      case Aggregate::median:
      case Aggregate::quartiles: break;
    }
    number(m.coverage_min, where + ".coverage_min", 0, 1);
    if (m.aggregate == Aggregate::distinct) {
      range(m.exact_max >= 1 && m.exact_max <= 10'000'000, where + ".exact_max",
            std::to_string(m.exact_max) + " is not from 1 to 10000000");
      if (is_event && !std::get<oracle::EventOrigin>(m.origin).key) {
        add(ErrorCode::missing, where + ".key", "a distinct count of events needs the argument to count");
      }
    }
  }

  void trust(const oracle::MetricSettings& m, const std::string& where) {
    number(m.agree_within, where + ".agree_within", 0, kMagnitudeMax);
    number(m.liquidity_needed, where + ".liquidity_needed", 0, kMagnitudeMax);
    if (m.outliers) {
      number(m.outliers->mads, where + ".outliers.mads", 1, 100);
      number(m.outliers->floor, where + ".outliers.floor", 0, kMagnitudeMax);
    }
    if (m.peg) {
      number(m.peg->at, where + ".peg.at", m.min, m.max);
      number(m.peg->band, where + ".peg.band", 1e-9, kMagnitudeMax);
    }
    if (!m.guard) return;
    const oracle::GuardSettings& g = *m.guard;
    if (!std::holds_alternative<oracle::SampleOrigin>(m.origin)) {
      add(ErrorCode::conflict, where + ".guard", "only a metric of samples has sources that can agree");
    }
    number(g.band, where + ".guard.band", 1e-9, kMagnitudeMax);
    number(g.rate_per_s, where + ".guard.rate", 0, kMagnitudeMax);
    number(g.steady_rate_per_s, where + ".guard.steady_rate", 0, kMagnitudeMax);
    if (g.decrease_max) number(*g.decrease_max, where + ".guard.decrease_max", 0, kMagnitudeMax);
    duration(g.halt_after, where + ".guard.halt_after", Duration::zero(), kDurationMax);
    duration(g.release_after, where + ".guard.release_after", Duration::zero(), kDurationMax);
    duration(g.reseed_after, where + ".guard.reseed_after", Duration::zero(), kDurationMax);
    duration(g.reseed_per_fold, where + ".guard.reseed_per_fold", Duration::zero(), kDurationMax);
    duration(g.suspect_after, where + ".guard.suspect_after", Duration{1}, kDurationMax);
    duration(g.average, where + ".guard.average", Duration::zero(), kDurationMax);
  }

  const oracle::Settings& p_;
  Names sources_, events_, metrics_;
};

}  // namespace

void check_oracle(const Policy& policy, std::vector<Error>& errors) {
  OracleChecker(policy.oracle, errors).run();
}

}  // namespace homeostat::engine
