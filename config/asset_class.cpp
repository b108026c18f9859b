#include "config/asset_class.hpp"

namespace homeostat::config {
namespace {

constexpr double kPerHour = 1.0 / 3600;
constexpr double kPerYear = 1.0 / (365.0 * 86400);

}  // namespace

void apply_class(AssetClass asset_class, oracle::MetricSettings& m) {
  m.pinned_after = 3;
  switch (asset_class) {
    case AssetClass::peg:
      m.outliers = oracle::Outliers{.mads = 3.5, .floor = 0.01};
      m.agree_within = 0.03;
      m.peg = oracle::Peg{.at = 1, .band = 0.05};
      m.guard = oracle::GuardSettings{.band = 0.06,
                                      .rate_per_s = 0.25 * kPerHour,
                                      .halt_after = Duration::minutes(1),
                                      .release_after = Duration::minutes(5),
                                      .reseed_after = Duration::minutes(15),
                                      .reseed_per_fold = Duration::minutes(30),
                                      .suspect_after = Duration::hours(1)};
      return;
    case AssetClass::major:
      m.outliers = oracle::Outliers{.mads = 3.5, .floor = 0.01};
      m.agree_within = 0.05;
      m.frozen_after = Duration::minutes(30);
      m.guard = oracle::GuardSettings{.band = 0.085,
                                      .rate_per_s = 0.5 * kPerHour,
                                      .halt_after = Duration::minutes(1),
                                      .release_after = Duration::minutes(5),
                                      .reseed_after = Duration::minutes(10),
                                      .reseed_per_fold = Duration::minutes(20),
                                      .steady_rate_per_s = 2 * kPerHour,
                                      .suspect_after = Duration::hours(1)};
      return;
    case AssetClass::thin:
      m.outliers = oracle::Outliers{.mads = 3.5, .floor = 0.03};
      m.agree_within = 0.1;
      m.guard = oracle::GuardSettings{.band = 0.05,
                                      .rate_per_s = 0.15 * kPerHour,
                                      .halt_after = Duration::seconds(30),
                                      .release_after = Duration::minutes(10),
                                      .reseed_after = Duration::minutes(20),
                                      .reseed_per_fold = Duration::minutes(20),
                                      .suspect_after = Duration::hours(4),
                                      .average = Duration::minutes(30)};
      return;
    case AssetClass::exchange_rate:
      m.outliers = oracle::Outliers{.mads = 3.5, .floor = 0.002};
      m.agree_within = 0.01;
      m.guard = oracle::GuardSettings{.band = 0.005,
                                      .rate_per_s = 0.2 * kPerYear,
                                      .decrease_max = 0.001,
                                      .halt_after = Duration::minutes(1),
                                      .release_after = Duration::minutes(10),
                                      .reseed_after = Duration::zero(),
                                      .reseed_per_fold = Duration::zero(),
                                      .suspect_after = Duration::hours(1)};
      return;
  }
}

}  // namespace homeostat::config
