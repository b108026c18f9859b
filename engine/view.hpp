// The published view: an immutable copy of what readers (status, metrics, dashboards) may ask for.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/decimal.hpp"
#include "core/time.hpp"
#include "guardian/keys.hpp"
#include "guardian/mode.hpp"
#include "oracle/reading.hpp"

namespace homeostat::engine {

struct SourceView {
  std::string name;
  oracle::SourceCondition condition = oracle::SourceCondition::connected;
  std::string detail;  ///< why it is not connected
  Instant condition_since;
  std::uint64_t accepted = 0;                                  ///< samples or events
  std::array<std::uint64_t, oracle::kRefusalCount> refused{};  ///< by Refusal
  Instant newest;                                              ///< newest accepted source time
  Instant watermark;                ///< event time up to which everything it feeds is complete
  bool idle = true;                 ///< silent for longer than everything it feeds may be: it holds no watermark back
  Duration skew;                    ///< its clock less ours, median of the newest batches: above 0 = it is ahead
  Duration skew_ahead;              ///< nine in ten of them are not farther ahead
  Duration skew_behind;             ///< one in ten of them is not farther ahead
  Duration skew_max;                ///< allowed either way, 0 = not asked
  bool skewed = false;              ///< the median is beyond it
  Duration allowed_lateness;        ///< behind the newest of its series
  std::uint64_t late_accepted = 0;  ///< samples that came so late and were taken in
  std::uint64_t block = 0;          ///< chain head taken in, 0 = not a chain
  oracle::Hash32 block_hash{};
  std::uint64_t finalized = 0;
  std::uint64_t settled = 0;  ///< newest block that no reorg may take back any more
  std::uint64_t reorgs = 0;
  std::uint64_t retracted_blocks = 0;  ///< taken back by reorgs
  std::uint64_t retracted_events = 0;  ///< that were in them
  std::uint64_t disputes = 0;          ///< reports that providers contradict each other
  std::uint64_t chain_refused = 0;     ///< segments that did not link up
  std::string last_refused;            ///< the last refused sample or segment, in words
  Instant last_refused_at;
};

struct MetricView {
  std::string name;
  std::string unit;
  std::string help;
  oracle::Reading reading;
  // Whether its watermark advances; of a metric that has sources of its own.
  bool has_sources = false;
  Instant moved;        ///< the tick at which its sources last brought something newer; never = no tick yet
  Duration stall_max;   ///< not moved for longer = stalled
  std::string held_by;  ///< the source that is farthest behind
};

struct LoopView {
  std::string name;
  std::string metric;
  std::string parameter;
  std::string response;
  double setpoint = 0;        ///< PV, after ramp and shift
  double setpoint_shift = 0;  ///< PV, by a guardian
  Instant shift_until;
  double error = 0;
  double p = 0, i = 0, d = 0, output = 0;  ///< U
  bool frozen = false;
  bool emergency = false;  ///< its reading is in the emergency band
};

struct ParameterView {
  std::string name;
  std::string unit;
  std::string help;
  Decimal value;   ///< last known applied value
  Decimal wanted;  ///< by the loops at the last tick
  Decimal min, max, quantum, initial;
  bool paused = false;
  Instant paused_until;
  std::string paused_by;
  bool overridden = false;
  Decimal override_value;
  Instant override_until;
  std::string override_by;
  Instant last_raised, last_lowered;
  Decimal drift_used;           ///< inside the window
  Decimal drift_budget;         ///< 0 = none
  std::uint64_t in_flight = 0;  ///< adjustment id not answered yet, 0 = none
  std::uint64_t last_decision = 0;
  std::string why;                                                      ///< of the last decision
  std::uint64_t emitted = 0, applied = 0, rejected = 0, timed_out = 0;  ///< adjustments
  std::uint64_t direction_changes = 0;
  std::vector<std::uint64_t> bites;  ///< count by guardian::Limit
};

/// A command that waits for more signatures.
struct PendingView {
  std::uint64_t id = 0;
  guardian::Command command;
  std::vector<std::string> signers;
  std::uint32_t needed = 0;
  Instant expires;
};

struct View {
  std::string policy_name;
  std::string policy_digest;
  std::uint64_t policy_generation = 0;
  Duration period;
  std::uint64_t slot = 0;
  Instant at;  ///< of the last tick
  std::uint64_t ticks = 0;
  std::uint64_t missed_slots = 0;
  guardian::OperatingMode mode = guardian::OperatingMode::normal;
  std::vector<guardian::Cause> causes;  ///< worst first
  Instant watermark;                    ///< event time up to which everything that is still fed is complete
  std::uint64_t decisions = 0;
  std::uint64_t commands_accepted = 0, commands_refused = 0;
  std::vector<guardian::Key> keys;  ///< whose signatures count
  std::vector<PendingView> pending;
  std::map<std::string, Instant> allowed_policies;  ///< fingerprints that an admin signed for, until when
  std::vector<SourceView> sources;
  std::vector<MetricView> metrics;
  std::vector<LoopView> loops;
  std::vector<ParameterView> parameters;
};

}  // namespace homeostat::engine
