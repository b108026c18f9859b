// Loops that fight, decoupled: parameter = base + row of D times the loops' outputs (controller/decoupling.hpp).
//
// Only what a parameter can follow counts. A parameter that cannot (a hard bound, the largest change, an override, a
// pause, a reading that cannot be trusted) is pinned to what it can do next; its loop's output then counts for the
// others as if it were what comes to that. What the others see of the plant is, for D = K^-1 diag(K_ii), again the gain
// that they were tuned for, and nobody makes up for a move that is not made.
//
// Which parameters are pinned has one answer where every pairing is a good one, and the search finds it from anywhere
// (least-index pivoting, after [Murty 1974]; bounded). Where `homeostat check` doubts a pairing there may be several
// answers, or none: it goes from the last one, and where it finds none what counted last goes on to count, so that
// nothing jumps from one answer to another.
//
// Anti-windup. The excess of a loop is what counts of its output less the output: an integral follows what its own
// parameter did and is not dragged by what became of another one's. A loop that cannot see is not stepped: its
// parameter's proposal stays, and counts for the others as far as the next adjustment could still follow it.
//
// Waits. The loops wait together, for the answers to all adjustments that are under way: what one parameter does
// the others make up for. A parameter whose own answer is there goes on towards its proposal meanwhile, if that was
// more than one change. When some of them were applied and some refused, the loops go on from what that left, solved by
// D^-1, at the last answer. Hand-back, start and another matrix are the same: u = D^-1 v, and no parameter steps. It is
// solved once more at the next tick: answers, limits and readings that have come by then would otherwise be made up for
// in that very tick, by a step of the parameter that is handed back.
//
// Cost: systems of at most kDecouplingLoopsMax equations, on the stack, in ticks in which something is pinned.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

constexpr std::size_t kMax = controller::kDecouplingLoopsMax;
constexpr std::size_t kPassesPerLoop = 4;
/// A share of an output below which a difference is rounding.
constexpr double kRounding = 1e-12;

/// Some rows and columns of a decoupling, as a system of equations for what their loops must do.
struct Part {
  std::array<std::size_t, kMax> rows{};
  std::size_t size = 0;
  std::array<double, kMax * kMax> matrix{};
  std::array<double, kMax> values{};  ///< the right side, and then the answer

  void add(std::size_t row, double value) {
    values[size] = value;
    rows[size++] = row;
  }
  [[nodiscard]] bool solve(const DecouplingPlan& group) {
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j) matrix[i * size + j] = group.at(rows[i], rows[j]);
    }
    return controller::solve(std::span(matrix).first(size * size), std::span(values).first(size));
  }
};

}  // namespace

void Engine::State::step_decoupled(const DecouplingPlan& group, const std::vector<oracle::Reading>& readings,
                                   double dt_s) {
  DecouplingRuntime& runtime = decouplings[static_cast<std::size_t>(&group - plan.decouplings.data())];
  runtime.waits = is_waiting(group.parameters.front());
  if (runtime.waits) {
    for (const std::uint32_t parameter : group.parameters) {
      wait(parameter, dt_s);
      remember_as_is(parameter);  // answered itself, it may be sent again while it waits for the others
      for (const auto i : plan.parameters[parameter].loops) {
        loops[i].last.frozen = !is_usable(readings[plan.loops[i].metric].quality);
      }
      parameters[parameter].decoupled = parameters[parameter].proposed - plan.parameters[parameter].base;
    }
    return;
  }
  if (runtime.aligns) align_decoupled(group);  // what was applied, or may be reached, is known only now
  for (const std::uint32_t parameter : group.parameters) remember(parameter);
  if (!runtime.aligns) count_outputs(group, pinned(group));  // by what is applied now
  runtime.aligns = false;
  for (const std::uint32_t loop : group.loops) loops[loop].excess = loops[loop].counted - loops[loop].output();
  const Rows were_pinned = pinned(group);
  for (const std::uint32_t loop : group.loops) step_loop(loop, readings, dt_s);
  count_outputs(group, were_pinned);
  propose(group);
}

Engine::State::Rows Engine::State::pinned(const DecouplingPlan& group) const {
  Rows rows{};
  for (std::size_t row = 0; row < group.size(); ++row) {
    const LoopState& loop = loops[group.loops[row]];
    rows[row] = loop.counted != loop.output();
  }
  return rows;
}

std::optional<double> Engine::State::pin_of(std::uint32_t index, double contribution) const {
  const ParameterRuntime& runtime = parameters[index];
  const double base = plan.parameters[index].base;
  if (runtime.override_order || runtime.pause) return runtime.guarded.applied.to_double() - base;
  const Reach reach = reach_of(index, base + contribution);
  const double gap = reach.target - (base + contribution);
  if (std::fabs(gap) <= reach.within) return std::nullopt;
  return reach.target - std::copysign(reach.within, gap) - base;
}

std::optional<double> Engine::State::pin_at(const DecouplingPlan& group, std::size_t row) const {
  const std::uint32_t index = group.parameters[row];
  if (!loops[group.loops[row]].last.frozen) return pin_of(index, asked(group, row));
  const double held = parameters[index].proposed - plan.parameters[index].base;
  return pin_of(index, held).value_or(held);
}

Pin Engine::State::pin_reason(const DecouplingPlan& group, std::size_t row) const {
  const std::uint32_t index = group.parameters[row];
  const ParameterRuntime& runtime = parameters[index];
  const guardian::ParameterSettings& settings = *plan.parameters[index].settings;
  const LoopState& loop = loops[group.loops[row]];
  if (runtime.override_order) return Pin::override;
  if (runtime.pause) return Pin::pause;
  if (loop.last.frozen) return Pin::unusable;
  if (loop.counted == loop.output()) return Pin::none;
  const double contribution = asked(group, row);
  if (!pin_of(index, contribution)) return Pin::undecided;
  const Decimal applied = runtime.guarded.applied;
  const bool is_up = plan.parameters[index].base + contribution > applied.to_double();
  if (is_up ? applied >= settings.max : applied <= settings.min) return Pin::bound;
  if (guardian::change_max(settings, applied, acting_mode())) return Pin::change;
  return runtime.resisted ? Pin::unapplied : settings.restricted ? Pin::restricted : Pin::bound;
}

double Engine::State::given_back_since(const DecisionRecord& record, const ParameterPlan& parameter) const {
  if (parameter.decoupling == kNoDecoupling || !decouplings[parameter.decoupling].waits) return 0;
  double sum = parameter.base;
  double size = std::max(1.0, std::fabs(parameter.base));
  for (const LoopTerms& terms : record.loops) {
    if (terms.decoupling.empty()) continue;  // moves a set-point
    sum += terms.contribution;
    size += std::fabs(terms.contribution);
  }
  const double beyond = record.proposed - sum;
  return std::fabs(beyond) <= kRounding * size ? 0 : beyond;
}

bool Engine::State::count_pinned(const DecouplingPlan& group, const Pins& pins) {
  Part part;
  for (std::size_t i = 0; i < group.size(); ++i) {
    LoopState& loop = loops[group.loops[i]];
    if (!pins[i]) {
      loop.counted = loop.output();
      continue;
    }
    double rest = *pins[i];
    for (std::size_t j = 0; j < group.size(); ++j) {
      if (!pins[j]) rest -= group.at(i, j) * loops[group.loops[j]].output();
    }
    part.add(i, rest);
  }
  if (part.size > 0 && !part.solve(group)) return false;
  for (std::size_t i = 0; i < part.size; ++i) loops[group.loops[part.rows[i]]].counted = part.values[i];
  return true;
}

void Engine::State::count_outputs(const DecouplingPlan& group, const Rows& were_pinned) {
  std::array<double, kMax> last{};
  for (std::size_t row = 0; row < group.size(); ++row) {
    LoopState& loop = loops[group.loops[row]];
    last[row] = loop.counted;
    if (!were_pinned[row]) loop.counted = loop.output();
  }
  Pins pins{};
  for (std::size_t row = 0; row < group.size(); ++row) {
    if (were_pinned[row]) pins[row] = pin_at(group, row);
  }
  // From the pins of the last time, each pass pins one or lets one go, by what its own loop asks for beside what counts
  // of the others; a parameter that was pinned only because another one was not yet is free again.
  bool is_found = false;
  for (std::size_t pass = 0; pass < kPassesPerLoop * group.size() && !is_found; ++pass) {
    if (!count_pinned(group, pins)) break;  // they cannot be told apart without the others
    std::size_t row = 0;
    for (; row < group.size(); ++row) {
      const auto pin = pin_at(group, row);
      if (pin == pins[row]) continue;
      pins[row] = pin;
      break;
    }
    is_found = row == group.size();
  }
  for (std::size_t row = 0; row < group.size() && !is_found; ++row) loops[group.loops[row]].counted = last[row];
}

void Engine::State::propose(const DecouplingPlan& group) {
  for (std::size_t row = 0; row < group.size(); ++row) {
    const std::uint32_t index = group.parameters[row];
    LoopState& loop = loops[group.loops[row]];
    if (loop.last.frozen) {
      const double held = parameters[index].proposed - plan.parameters[index].base;
      const double output = loop.output() + (held - asked(group, row)) / group.at(row, row);
      if (std::fabs(output - loop.output()) > kRounding * std::max(1.0, std::fabs(output))) {
        loop.align_to(output);
        loop.last.output = loop.last.unlimited = output;
      }
    }
    // What a pinned one's own loop asks for in full is its proposal, for the limits to cut and the record to say so.
    parameters[index].decoupled = asked(group, row);
  }
}

double Engine::State::asked(const DecouplingPlan& group, std::size_t row) const {
  double sum = 0;
  for (std::size_t column = 0; column < group.size(); ++column) {
    const LoopState& loop = loops[group.loops[column]];
    sum += group.at(row, column) * (column == row ? loop.output() : loop.counted);
  }
  return sum;
}

void Engine::State::align_decoupled(const DecouplingPlan& group) {
  Part all;
  std::array<double, kMax> beyond{};  // what a parameter cannot follow counts for no other: it stays its own loop's
  for (std::size_t row = 0; row < group.size(); ++row) {
    const std::uint32_t member = group.parameters[row];
    const double contribution = parameters[member].proposed - plan.parameters[member].base;
    const double counts = pin_of(member, contribution).value_or(contribution);
    beyond[row] = (contribution - counts) / group.at(row, row);
    all.add(row, counts);
  }
  if (!all.solve(group)) return;  // check() has refused singular ones
  for (std::size_t row = 0; row < group.size(); ++row) {
    LoopState& loop = loops[group.loops[row]];
    loop.align_to(all.values[row] + beyond[row]);
    loop.counted = all.values[row];
    auto& under_way = parameters[group.parameters[row]].under_way;
    if (under_way) under_way->laws.clear();  // whatever becomes of it, the laws go on from here
  }
  DecouplingRuntime& runtime = decouplings[static_cast<std::size_t>(&group - plan.decouplings.data())];
  runtime.applied = runtime.refused = false;
  runtime.aligns = true;
}

void Engine::State::settle_decoupled(std::uint32_t index, bool was_applied) {
  const std::uint32_t which = plan.parameters[index].decoupling;
  if (which == kNoDecoupling) return;
  DecouplingRuntime& runtime = decouplings[which];
  (was_applied ? runtime.applied : runtime.refused) = true;
  if (is_waiting(index)) return;  // for others of them
  const bool is_mixed = runtime.applied && runtime.refused;
  runtime.applied = runtime.refused = false;
  if (!is_mixed) return;
  const DecouplingPlan& group = plan.decouplings[which];
  align_decoupled(group);
  for (const std::uint32_t member : group.parameters) remember_as_is(member);
}

}  // namespace homeostat::engine
