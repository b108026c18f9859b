// One reader per part of the file; private to the loader. Each fills plain settings and reports what is
// wrong; later readers check their names against what earlier ones found.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/daemon_settings.hpp"
#include "config/incident_settings.hpp"
#include "config/section.hpp"
#include "engine/policy.hpp"
#include "oracle/event_signature.hpp"

namespace homeostat::config {

/// An event under a chain source's contracts; its name in the policy is "contract.Event".
struct DeclaredEvent {
  oracle::EventSettings settings;
  oracle::EventSignature signature;
};

/// A metric that a scraped source says it can deliver.
struct Feed {
  std::string source;
  std::string metric;
  Field place;
};

struct Sources {
  std::vector<oracle::SourceSettings> settings;
  std::vector<SourceConnection> connections;
  std::vector<DeclaredEvent> events;
  std::vector<Feed> feeds;

  [[nodiscard]] const SourceConnection* find(std::string_view name) const;
};

struct Metrics {
  std::vector<oracle::MetricSettings> settings;  ///< in dependency order
  std::map<std::string, Field> places;

  [[nodiscard]] const oracle::MetricSettings* find(std::string_view name) const;
};

void read_listen(const Field& field, Context& context, ListenSettings& out);
void read_journal(const Field& field, Context& context, JournalSettings& out);
void read_log(const Field& field, Context& context, LogSettings& out);
[[nodiscard]] Sources read_sources(const Field& field, Context& context);
/// `period` is the policy's.
[[nodiscard]] Metrics read_metrics(const Field& field, Context& context, const Sources& sources, Duration period);
/// What makes several sources worth more than one: class, groups, outliers, agreement, guard. `m` has its samples.
void read_trust(Section& s, Context& context, oracle::MetricSettings& m);
[[nodiscard]] std::vector<guardian::ParameterSettings> read_parameters(const Field& field, Context& context,
                                                                       Duration period);
[[nodiscard]] std::vector<controller::LoopSettings> read_loops(
    const Field& field, Context& context, const Metrics& metrics,
    const std::vector<guardian::ParameterSettings>& parameters, Duration period);
/// Of one loop; none = pid.
[[nodiscard]] std::shared_ptr<const controller::LawSettings> read_law(const Field& field, Context& context,
                                                                      const Metrics& metrics,
                                                                      const guardian::ParameterSettings& parameter,
                                                                      const oracle::MetricSettings& metric);
void read_incidents(const Field& field, Context& context, const Metrics& metrics, IncidentSettings& out);
/// `plant` and `corridor` of a loop.
void read_plant(Section& s, Context& context, const oracle::MetricSettings& metric, controller::LoopSettings& loop);
/// Which parameters move together; their names are checked with the policy.
void read_bundles(const Field& field, Context& context, guardian::Settings& out);
/// Loops that fight, and how they are kept from it.
void read_decoupling(const Field& field, Context& context, std::vector<controller::DecouplingSettings>& out);
void read_guardian(const Field& field, Context& context, guardian::Settings& out);

/// Reports `name`, given at `place`, as unknown among `known`.
void report_unknown(const Field& place, std::string_view kind, std::string_view name,
                    const std::vector<std::string>& known);

}  // namespace homeostat::config
