// incidents: which metric judges which recorded series.
#include <fmt/format.h>

#include "config/readers.hpp"

namespace homeostat::config {
namespace {

/// A list of patterns; a single one is a list of one.
void read_patterns(const Field& field, std::vector<std::string>& out) {
  if (!field.is_given()) return;
  const auto read = [&](const Node& node) {
    if (node.kind == Node::Kind::scalar && !node.scalar.empty()) return out.push_back(node.scalar);
    field.error("must be a pattern such as \"BTC/*\", or a list of them");
  };
  if (field.node()->kind != Node::Kind::sequence) return read(*field.node());
  for (const Node& node : field.node()->sequence) read(node);
}

}  // namespace

void read_incidents(const Field& field, Context& context, const Metrics& metrics, IncidentSettings& out) {
  if (!field.is_given()) return;
  Section s(field, context);
  s.optional("period").duration(out.period, {.min = Duration::milliseconds(100), .max = Duration::hours(1)});
  read_patterns(s.optional("origins"), out.origins);
  for (const std::string& pattern : out.origins) {
    if (pattern.find('*') == std::string::npos) s.optional("origins").error("needs a * that stands for the origin");
  }
  std::vector<std::string> known;
  for (const auto& m : metrics.settings) {
    if (std::holds_alternative<oracle::SampleOrigin>(m.origin)) known.push_back(m.name);
  }
  Section::each(s.required("metrics", "which metric judges which assets"), context,
                [&](const std::string& name, const Field& entry) {
                  const oracle::MetricSettings* metric = metrics.find(name);
                  if (metric == nullptr) return report_unknown(entry, "metric", name, known);
                  if (!std::holds_alternative<oracle::SampleOrigin>(metric->origin)) {
                    return entry.error("is not a metric of samples, and the columns of a series are samples");
                  }
                  IncidentRule& rule = out.rules.emplace_back();
                  rule.metric = name;
                  read_patterns(entry, rule.assets);
                });
}

}  // namespace homeostat::config
