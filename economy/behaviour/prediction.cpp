#include "economy/behaviour/prediction.hpp"

#include <algorithm>
#include <cmath>

#include "core/format.hpp"
#include "core/math.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::behaviour {

namespace {
constexpr double kDeviationMax = 0.5;  ///< of a variable in [0, 1]
constexpr double kNinety = 1.645;      ///< deviations to either side that hold 90 % of a normal

double error_of(const PredictionSettings& s, const Calibration& calibration, Behaviour behaviour, ModelId model) {
  const auto at = calibration.scores.find({behaviour, model});
  const Score score = at == calibration.scores.end() ? Score{} : at->second;
  const double prior = s.prior_weight * s.prior_error * s.prior_error;
  return std::sqrt((prior + score.squared_error) / (s.prior_weight + score.weight));
}
}  // namespace

Result<> check(const PredictionSettings& s) {
  return first_error(require("half_life", s.half_life, {1, 1e6}), require("prior_error", s.prior_error, {0.01, 0.5}),
                     require("prior_weight", s.prior_weight, {0.01, 1e6}));
}

Result<Prediction> predict(const PredictionSettings& settings, const Calibration& calibration, Behaviour behaviour,
                           const Inputs& inputs, Duration horizon, const ModelParameters& parameters) {
  Prediction out;
  out.behaviour = behaviour;
  double sum = 0;
  for (const ModelId model : models_for(behaviour)) {
    const auto own = parameters.find(model);
    const auto share = predict_by(model, own == parameters.end() ? Parameters{} : own->second, inputs, horizon);
    if (!share && share.error().where == "horizon") return tl::make_unexpected(share.error());
    if (!share) {
      out.left_out.emplace_back(model, share.error());
      continue;
    }
    const double error = error_of(settings, calibration, behaviour, model);
    out.models.push_back({model, *share, error, 1 / (error * error)});
    sum += out.models.back().weight;
  }
  if (out.models.empty()) {
    std::string why;
    for (const auto& [model, error] : out.left_out) why += (why.empty() ? "" : "; ") + error.text();
    return fail(ErrorCode::missing, std::string(name_of(behaviour)), "no model can speak: " + why);
  }
  double squared = 0, spread = 0;
  for (ModelPrediction& m : out.models) {
    m.weight /= sum;
    out.share += m.weight * m.share;
    squared += m.weight * m.error * m.error;
  }
  out.share = std::clamp(out.share, 0.0, 1.0);
  for (const ModelPrediction& m : out.models) spread += m.weight * (m.share - out.share) * (m.share - out.share);
  out.disagreement = std::sqrt(spread);
  out.calibration = std::sqrt(squared);
  out.deviation = std::sqrt(spread + squared);
  out.confidence = std::max(0.0, 1 - out.deviation / kDeviationMax);
  out.low = std::max(0.0, out.share - kNinety * out.deviation);
  out.high = std::min(1.0, out.share + kNinety * out.deviation);
  return out;
}

Result<> observe(const PredictionSettings& settings, Calibration& calibration, const Prediction& prediction,
                 double outcome_share) {
  auto ok = first_error(check(settings), require("outcome_share", outcome_share, {0, 1}));
  for (const ModelPrediction& m : prediction.models) {
    if (ok) ok = require("prediction." + std::string(name_of(m.model)), m.share, {0, 1});
  }
  if (!ok) return ok;
  const double keep = math::exp2(-1 / settings.half_life);
  for (const ModelPrediction& m : prediction.models) {
    Score& score = calibration.scores[{prediction.behaviour, m.model}];
    const double off = m.share - outcome_share;
    score.squared_error = keep * score.squared_error + off * off;
    score.weight = keep * score.weight + 1;
  }
  return {};
}

}  // namespace homeostat::economy::behaviour
