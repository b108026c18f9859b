// Which metric of a configuration judges a recorded market series, for `homeostat incidents`.
#pragma once

#include <string>
#include <vector>

#include "core/time.hpp"

namespace homeostat::config {

/// A series whose asset matches one of `assets` is judged by `metric`, with the series' columns as its sources.
struct IncidentRule {
  std::string metric;
  std::vector<std::string> assets;  ///< patterns: `*` any text, `?` one character; case is ignored

  bool operator==(const IncidentRule&) const = default;
};

struct IncidentSettings {
  Duration period = Duration::seconds(10);  ///< how often sources speak and the metric is evaluated
  std::vector<IncidentRule> rules;          ///< the first that matches decides
  /// Patterns of column names that are several ways to one origin: what the first `*` stands for names the origin,
  /// and the columns of one origin count as one source.
  std::vector<std::string> origins;

  bool operator==(const IncidentSettings&) const = default;
};

}  // namespace homeostat::config
