#include "controller/schedule.hpp"

#include <algorithm>

namespace homeostat::controller {

double factor_at(const GainSchedule& schedule, double x) {
  const auto& points = schedule.points;
  if (x <= points.front().x) return points.front().factor;
  if (x >= points.back().x) return points.back().factor;
  const auto right = std::upper_bound(points.begin(), points.end(), x,
                                      [](double value, const GainSchedule::Point& p) { return value < p.x; });
  const auto left = right - 1;
  return left->factor + (right->factor - left->factor) * ((x - left->x) / (right->x - left->x));
}

}  // namespace homeostat::controller
