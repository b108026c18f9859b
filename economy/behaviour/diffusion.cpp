#include "economy/behaviour/diffusion.hpp"

#include <algorithm>

#include "core/math.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::behaviour {

namespace {
constexpr double kSecondsPerYear = 365.0 * 86400;
}

Result<> check(const DiffusionSettings& s) {
  auto ok = first_error(require("innovation_per_year", s.innovation_per_year, {0, 100}),
                        require("imitation_per_year", s.imitation_per_year, {0, 100}));
  if (ok && s.innovation_per_year + s.imitation_per_year <= 0) {
    return fail(ErrorCode::out_of_range, "innovation_per_year", "and imitation_per_year must not both be 0");
  }
  return ok;
}

double adopted_after(const DiffusionSettings& s, double share, Duration time) {
  const double p = s.innovation_per_year, q = s.imitation_per_year, speed = p + q * share;
  if (speed <= 0 || share >= 1) return share;  // nobody to imitate, or nobody left
  const double years = std::max(time.in_seconds(), 0.0) / kSecondsPerYear;
  const double u = (1 - share) / speed * math::exp(-(p + q) * years);
  return std::clamp((1 - p * u) / (1 + q * u), share, 1.0);
}

double adoption_rate_per_year(const DiffusionSettings& s, double share) {
  return (s.innovation_per_year + s.imitation_per_year * share) * (1 - share);
}

std::optional<double> peak_years(const DiffusionSettings& s) {
  const double p = s.innovation_per_year, q = s.imitation_per_year;
  if (!(p > 0) || !(q > p)) return std::nullopt;
  return math::log(q / p) / (p + q);
}

}  // namespace homeostat::economy::behaviour
