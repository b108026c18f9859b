#include "engine/engine.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "engine/state.hpp"

namespace homeostat::engine {
namespace {

/// First in every saved state; another number is another layout.
constexpr std::uint32_t kStateVersion = 12;

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

std::string_view name_of(oracle::SourceCondition condition) {
  switch (condition) {
    case oracle::SourceCondition::connected: return "connected";
    case oracle::SourceCondition::failing: return "no provider answers";
    case oracle::SourceCondition::wrong_chain: return "every provider answers for another chain";
    case oracle::SourceCondition::violated: return "contradicts what was already final";
    case oracle::SourceCondition::disputed: return "providers contradict each other";
  }
  return "?";
}

/// A saved value must have its parameter's scale, or comparing it would be a programmer's mistake.
bool has_scale(const Decimal& value, int decimals) {
  return value.decimals() == decimals;
}

bool is_consistent(const guardian::ParameterState& state, int decimals) {
  if (!has_scale(state.applied, decimals) || state.drifts.size() > guardian::kDriftsMax ||
      state.flaps.size() > guardian::kFlapsMax) {
    return false;
  }
  for (const auto& drift : state.drifts) {
    if (!has_scale(drift.amount, decimals)) return false;
  }
  return true;
}

bool is_consistent(const Engine::State& state) {
  if (state.loops.size() != state.plan.loops.size() || state.parameters.size() != state.plan.parameters.size() ||
      state.decouplings.size() != state.plan.decouplings.size()) {
    return false;
  }
  for (std::size_t i = 0; i < state.parameters.size(); ++i) {
    const int decimals = state.plan.parameters[i].settings->decimals;
    const ParameterRuntime& runtime = state.parameters[i];
    if (!is_consistent(runtime.guarded, decimals) || !has_scale(runtime.wanted, decimals)) return false;
    if (runtime.override_order && !has_scale(runtime.override_order->value, decimals)) return false;
    if (!runtime.under_way) continue;
    if (runtime.under_way->sent && !is_consistent(runtime.under_way->before, decimals)) return false;
    const std::size_t laws = runtime.under_way->laws.size();
    if (laws != 0 && laws != state.plan.parameters[i].loops.size() + state.plan.parameters[i].outer.size())
      return false;
  }
  for (std::size_t i = 0; i < state.adjustments.size(); ++i) {
    const DecisionRecord& record = state.adjustments[i];
    const int decimals = record.value.decimals();
    if (!has_scale(record.previous, decimals)) return false;
    if (record.answer == Answer::applied && !has_scale(record.applied, decimals)) return false;
  }
  return true;
}

}  // namespace

Engine::State::State(PolicyPtr in_force)
    : policy(std::move(in_force)), plan(make_plan(*policy)), oracle(policy->oracle) {
  loops.resize(plan.loops.size());
  before_step.resize(plan.slots);
  for (std::size_t i = 0; i < loops.size(); ++i) loops[i].setpoint = plan.loops[i].settings->setpoint;
  parameters.resize(plan.parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    parameters[i].guarded.applied = plan.parameters[i].settings->initial;
    parameters[i].wanted = plan.parameters[i].settings->initial;
    parameters[i].proposed = plan.parameters[i].base;
  }
  decouplings.resize(plan.decouplings.size());
}

Engine::Engine(PolicyPtr policy) {
  HOMEOSTAT_CHECK(policy != nullptr && check(*policy).empty());
  state_ = std::make_unique<State>(std::move(policy));
}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Effects Engine::apply(const Input& input) {
  Effects effects;
  State& state = *state_;
  std::visit(Overloaded{
                 [&](const oracle::SampleBatch& batch) { effects.verdict = state.oracle.ingest(batch); },
                 [&](const oracle::ChainSegment& segment) { effects.chain = state.oracle.ingest(segment); },
                 [&](const oracle::SourceReport& report) {
                   state.oracle.report(report);
                   effects.notices.push_back(
                       {NoticeKind::source, report.at, report.source,
                        std::string(name_of(report.condition)) + (report.detail.empty() ? "" : ": " + report.detail)});
                 },
                 [&](const Tick& tick) { state.tick(tick, effects); },
                 [&](const GuardianCommand& command) { state.command(command, effects); },
                 [&](const ActuatorReport& report) { state.report(report, effects); },
                 [&](const PolicyChange& change) { state.change_policy(change, effects); },
                 [&](const SignedCommand& command) { state.signed_command(command, effects); },
             },
             input);
  return effects;
}

Effects Engine::preview(const Tick& tick) const {
  State copy = *state_;
  Effects effects;
  copy.tick(tick, effects);
  return effects;
}

std::string Engine::save() const {
  const State& state = *state_;
  Writer writer;
  writer(kStateVersion);
  writer(state.policy->digest);
  writer(state.progress);
  writer(state.modes);
  writer(state.loops);
  writer(state.parameters);
  writer(state.decouplings);
  writer(state.adjustments);
  writer(state.authority);
  writer(state.allowed_policies);
  state.oracle.save(writer);
  return writer.take();
}

Result<Engine> Engine::load(PolicyPtr policy, std::string_view bytes) {
  Engine engine(std::move(policy));
  State& state = *engine.state_;
  Reader reader(bytes);
  std::uint32_t version = 0;
  reader(version);
  if (!reader.ok() || version != kStateVersion) {
    return fail(ErrorCode::corrupt, "state",
                "the saved state has layout " + std::to_string(version) + "; this engine reads " +
                    std::to_string(kStateVersion));
  }
  std::string digest;
  reader(digest);
  if (reader.ok() && digest != state.policy->digest) {
    return fail(ErrorCode::conflict, "state",
                "saved under policy " + digest.substr(0, 12) + ", not " + state.policy->digest.substr(0, 12));
  }
  reader(state.progress);
  reader(state.modes);
  reader(state.loops);
  reader(state.parameters);
  reader(state.decouplings);
  reader(state.adjustments);
  reader(state.authority);
  reader(state.allowed_policies);
  if (!reader.ok() || !state.oracle.load(reader) || !reader.is_done() || !is_consistent(state)) {
    return fail(ErrorCode::corrupt, "state", "the saved bytes do not make a state of this policy");
  }
  return engine;
}

StateHash Engine::state_hash() const {
  return homeostat::state_hash(save());
}
StateHash Engine::decisions_hash() const {
  return state_->progress.decisions_hash;
}
const Policy& Engine::policy() const {
  return *state_->policy;
}
const oracle::Oracle& Engine::oracle() const {
  return state_->oracle;
}
std::uint64_t Engine::last_slot() const {
  return state_->progress.slot;
}

std::vector<Adjustment> Engine::outstanding() const {
  std::map<std::uint64_t, Adjustment> by_id;
  for (const ParameterRuntime& runtime : state_->parameters) {
    if (!runtime.under_way || !runtime.under_way->sent) continue;
    const DecisionRecord* known = state_->adjustments.find(runtime.under_way->id);
    if (known == nullptr) continue;
    if (!known->group.empty() && known->group.front() != known->id) continue;  // the first brings all of its bundle
    by_id.emplace(known->id, state_->adjustment_of(*known, runtime.under_way->expires));
  }
  std::vector<Adjustment> all;
  for (auto& [id, adjustment] : by_id) all.push_back(std::move(adjustment));
  return all;
}

}  // namespace homeostat::engine
