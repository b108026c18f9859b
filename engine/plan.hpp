// A policy with its names resolved to indices and its defaults filled in, once, so that a tick never
// looks anything up. Points into the policy that it was made from.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "controller/law.hpp"
#include "controller/settings.hpp"
#include "core/shared_text.hpp"
#include "engine/plausibility.hpp"
#include "engine/policy.hpp"

namespace homeostat::economy {
struct Mechanism;
}

namespace homeostat::engine {

inline constexpr std::uint32_t kNoMetric = UINT32_MAX;
inline constexpr std::uint32_t kNoLoop = UINT32_MAX;
inline constexpr std::uint32_t kNoDecoupling = UINT32_MAX;

struct LoopPlan {
  const controller::LoopSettings* settings = nullptr;
  SharedText name;  ///< settings' name and metric, as records have them
  SharedText metric_name;
  double setpoint = 0;  ///< these two are settings', beside what else a step needs
  double setpoint_ramp_per_s = 0;
  controller::PidSettings pid;  ///< with_defaults()
  std::uint32_t metric = 0;     ///< index into Policy::oracle.metrics
  std::uint32_t parameter = 0;  ///< index into Policy::guardian.parameters
  /// With `plausibility`: every parameter that a loop moves for the same metric, once.
  std::vector<Actuator> actuators;
  const controller::LawSettings* law = nullptr;  ///< none = pid
  /// The metrics that the law reads besides, in its own places; kNoMetric where it reads none.
  std::array<std::uint32_t, controller::kLawMetricsMax> law_metrics = [] {
    std::array<std::uint32_t, controller::kLawMetricsMax> none{};
    none.fill(kNoMetric);
    return none;
  }();
  const economy::Mechanism* mechanism = nullptr;  ///< of the law economy
  bool can_wind_up = false;  ///< remembers what a difference between wanted and applied can wind up
  std::uint32_t schedule_metric = kNoMetric;
  std::uint32_t drives = kNoLoop;  ///< the loop whose set-point it moves; none = its parameter
  SharedText drives_name;
  /// Where what it remembered before its step is kept for the rest of the tick. Loops of parameters that are decided
  /// one by one share theirs.
  std::uint32_t slot = 0;
  bool has_model = false;  ///< a corridor, and a plant to run
  bool can_align = false;  ///< can go on from any output without a step
  Duration period;         ///< of the decision grid
};

struct ParameterPlan {
  const guardian::ParameterSettings* settings = nullptr;
  SharedText name;
  std::vector<std::uint32_t> loops;          ///< in the policy's order
  double base = 0;                           ///< initial, U
  std::vector<std::uint32_t> outer;          ///< loops that drive one of them, or one another: innermost first
  std::uint32_t decoupling = kNoDecoupling;  ///< the one that its loop is in; then it has no other loop
  std::uint32_t row = 0;                     ///< and its place there
  bool is_bundled = false;
};

/// Loops that are decoupled, and the parameters that they move, in the same order.
struct DecouplingPlan {
  SharedText name;
  std::vector<std::uint32_t> loops;
  std::vector<std::uint32_t> parameters;
  std::vector<double> matrix;  ///< controller::Decoupling's D, row by row
  std::vector<double> gain;    ///< and the K that it was made of; empty if it was declared

  [[nodiscard]] std::size_t size() const { return loops.size(); }
  [[nodiscard]] double at(std::size_t row, std::size_t column) const { return matrix[row * size() + column]; }
};

/// A metric that at least one loop acts on: its quality and emergency band are causes of the mode.
struct WatchedMetric {
  std::uint32_t metric = 0;
  std::vector<std::uint32_t> loops;
  bool has_band = false;
};

/// A variable of an invariant, resolved: a member (index into BundlePlan::members) or a metric.
struct OperandPlan {
  guardian::OperandKind kind = guardian::OperandKind::value;
  bool is_metric = false;
  std::uint32_t index = 0;
};

struct InvariantPlan {
  guardian::Invariant invariant;
  std::vector<OperandPlan> operands;  ///< in the order of its expression's variables
};

struct BundlePlan {
  SharedText name;
  std::vector<std::uint32_t> members;  ///< indices into Policy::guardian.parameters, in the bundle's order
  std::vector<InvariantPlan> invariants;
};

struct Plan {
  SharedText digest;        ///< the policy's
  std::uint32_t slots = 0;  ///< of LoopPlan::slot
  std::vector<LoopPlan> loops;
  std::vector<ParameterPlan> parameters;
  std::vector<WatchedMetric> watched;
  std::vector<BundlePlan> bundles;
  std::vector<DecouplingPlan> decouplings;
  std::vector<std::uint32_t> cascades;                        ///< loops that drive others, outermost first
  std::vector<std::uint32_t> plausible;                       ///< loops with `plausibility`, ascending
  std::map<std::string_view, std::uint32_t> parameter_index;  ///< by name

  [[nodiscard]] std::optional<std::uint32_t> loop(std::string_view name) const;
  [[nodiscard]] std::optional<std::uint32_t> parameter(std::string_view name) const;
};

/// `policy` must have passed check() and must outlive the plan.
[[nodiscard]] Plan make_plan(const Policy& policy);

}  // namespace homeostat::engine
