// Predictions by several models at once, with a confidence that they have earned.
//
//     e_m^2 = (prior_weight prior_error^2 + S_m) / (prior_weight + W_m)       running calibration error of model m
//     w_m   proportional to 1 / e_m^2,   share = sum w_m f_m                  combination
//     disagreement^2 = sum w_m (f_m - share)^2,   calibration^2 = sum w_m e_m^2
//     deviation^2 = disagreement^2 + calibration^2,   confidence = max(0, 1 - deviation / 0.5)
//     low, high = share -+ 1.645 deviation, within [0, 1]                     90 % of a normal
//
// After an outcome y was seen: S_m <- keep S_m + (f_m - y)^2, W_m <- keep W_m + 1, keep = 2^(-1 / half_life). 0.5 is
// the largest deviation that anything in [0, 1] can have, so a confidence of 0 says "no better than not knowing". All
// figures are shares in [0, 1]; errors within 1e-12. The calibration is a value: archived, it goes on bit for bit.
// Source: combination by inverse squared error [Bates, Granger 1969]; squared error as the score [Brier 1950].
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "economy/behaviour/registry.hpp"

namespace homeostat::economy::behaviour {

struct PredictionSettings {
  double half_life = 50;     ///< outcomes after which one counts half, 1..1e6
  double prior_error = 0.2;  ///< of a model that has never been tested, 0.01..0.5
  double prior_weight = 5;   ///< as many outcomes as that is worth, 0.01..1e6
};
[[nodiscard]] Result<> check(const PredictionSettings& settings);

/// How far off a model was.
struct Score {
  double squared_error = 0;  ///< S
  double weight = 0;         ///< W

  bool operator==(const Score&) const = default;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.squared_error), a(x.weight);
  }
};

/// The state: at most kBehaviours x kModels scores.
struct Calibration {
  std::map<std::pair<Behaviour, ModelId>, Score> scores;

  bool operator==(const Calibration&) const = default;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.scores);
  }
};

struct ModelPrediction {
  ModelId model = ModelId::prospect;
  double share = 0;
  double error = 0;   ///< e_m
  double weight = 0;  ///< w_m; all together 1

  bool operator==(const ModelPrediction&) const = default;
};

struct Prediction {
  Behaviour behaviour = Behaviour::adopt;
  double share = 0;
  double disagreement = 0;
  double calibration = 0;
  double deviation = 0;
  double confidence = 0;
  double low = 0, high = 0;
  std::vector<ModelPrediction> models;              ///< those that spoke
  std::vector<std::pair<ModelId, Error>> left_out;  ///< those of the behaviour that could not, and why

  bool operator==(const Prediction&) const = default;
};

/// What of a model's parameters differs from the initial ones.
using ModelParameters = std::map<ModelId, Parameters>;

/// Error missing if no model of the behaviour has its inputs; out_of_range for the horizon.
[[nodiscard]] Result<Prediction> predict(const PredictionSettings& settings, const Calibration& calibration,
                                         Behaviour behaviour, const Inputs& inputs, Duration horizon,
                                         const ModelParameters& parameters = {});

/// Takes in what came of an earlier prediction: the share in [0, 1] that did it. An error leaves the calibration as
/// it was.
[[nodiscard]] Result<> observe(const PredictionSettings& settings, Calibration& calibration,
                               const Prediction& prediction, double outcome_share);

}  // namespace homeostat::economy::behaviour
