#include "economy/behaviour/prospect.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "core/check.hpp"
#include "core/math.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::behaviour {

namespace {

constexpr double kChangeMax = 1e15;

double weight(double p, double c) {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  const double a = math::pow(p, c), b = math::pow(1 - p, c);
  return a / math::pow(a + b, 1 / c);
}

}  // namespace

Result<> check(const ProspectSettings& s) {
  return first_error(
      require("gain_curvature", s.gain_curvature, {0.1, 1}), require("loss_curvature", s.loss_curvature, {0.1, 1}),
      require("loss_aversion", s.loss_aversion, {1, 10}), require("gain_weighting", s.gain_weighting, {0.28, 1}),
      require("loss_weighting", s.loss_weighting, {0.28, 1}));
}

Result<> check(std::span<const Outcome> outcomes) {
  if (outcomes.empty()) return fail(ErrorCode::missing, "outcomes", "must have at least one element");
  if (outcomes.size() > kOutcomesMax) {
    return fail(ErrorCode::out_of_range, "outcomes", "must be at most " + std::to_string(kOutcomesMax));
  }
  std::array<double, kOutcomesMax> probabilities{};
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const std::string at = "outcomes[" + std::to_string(i) + "].change";
    if (auto ok = require(at, outcomes[i].change, {-kChangeMax, kChangeMax}); !ok) return ok;
    probabilities[i] = outcomes[i].probability;
  }
  return require_shares("probabilities", std::span(probabilities.data(), outcomes.size()));
}

double value_of(const ProspectSettings& s, double change) {
  if (change >= 0) return math::pow(change, s.gain_curvature);
  return -s.loss_aversion * math::pow(-change, s.loss_curvature);
}

double gain_weight(const ProspectSettings& s, double probability) {
  return weight(probability, s.gain_weighting);
}

double loss_weight(const ProspectSettings& s, double probability) {
  return weight(probability, s.loss_weighting);
}

double prospect_value(const ProspectSettings& s, std::span<const Outcome> outcomes) {
  HOMEOSTAT_CHECK(outcomes.size() <= kOutcomesMax);
  std::array<Outcome, kOutcomesMax> sorted{};
  const auto end = std::copy(outcomes.begin(), outcomes.end(), sorted.begin());
  std::sort(sorted.begin(), end, [](const Outcome& a, const Outcome& b) {
    return a.change != b.change ? a.change < b.change : a.probability < b.probability;
  });
  double total = 0, reached = 0;
  for (auto o = sorted.begin(); o != end && o->change < 0; ++o) {  // from the worst
    const double before = loss_weight(s, reached);
    reached += o->probability;
    total += (loss_weight(s, reached) - before) * value_of(s, o->change);
  }
  reached = 0;
  for (auto o = end; o != sorted.begin() && (o - 1)->change >= 0; --o) {  // from the best
    const double before = gain_weight(s, reached);
    reached += (o - 1)->probability;
    total += (gain_weight(s, reached) - before) * value_of(s, (o - 1)->change);
  }
  return total;
}

double certainty_equivalent(const ProspectSettings& s, std::span<const Outcome> outcomes) {
  const double v = prospect_value(s, outcomes);
  if (v >= 0) return math::pow(v, 1 / s.gain_curvature);
  return -math::pow(-v / s.loss_aversion, 1 / s.loss_curvature);
}

}  // namespace homeostat::economy::behaviour
