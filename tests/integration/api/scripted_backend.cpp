#include "scripted_backend.hpp"

namespace homeostat::daemon::api {

engine::View scripted_view() {
  engine::View view{.policy_name = "test", .period = Duration::seconds(1)};
  view.parameters.push_back({.name = "tx_fee",
                             .unit = "ratio",
                             .value = Decimal(125, 4),
                             .min = Decimal(10, 4),
                             .max = Decimal(500, 4),
                             .in_flight = 7});
  view.parameters.push_back({.name = "reward", .value = Decimal(1, 0), .min = Decimal(0, 0), .max = Decimal(9, 0)});
  view.loops.push_back({.name = "velocity_fee", .metric = "velocity", .parameter = "tx_fee"});
  view.metrics.push_back({.name = "velocity", .unit = "1/d"});
  view.sources.push_back({.name = "app"});
  return view;
}

ScriptedBackend::ScriptedBackend() : view_(std::make_shared<const engine::View>(scripted_view())) {}

void ScriptedBackend::on_submit(Ingest ingest) {
  const std::lock_guard lock(mutex_);
  ingest_ = ingest;
}

void ScriptedBackend::release(std::size_t index) {
  Held held;
  {
    const std::lock_guard lock(mutex_);
    held = std::move(held_.at(index));
  }
  held.done(oracle::BatchVerdict{.accepted = held.samples});
}

std::size_t ScriptedBackend::held() const {
  const std::lock_guard lock(mutex_);
  return held_.size();
}

void ScriptedBackend::publish(Published published) {
  const auto shared = std::make_shared<const Published>(std::move(published));
  const std::lock_guard lock(listeners_mutex_);
  for (const auto& listener : listeners_) {
    listener->on_published(shared);
  }
}

void ScriptedBackend::set_outstanding(std::vector<engine::Adjustment> outstanding) {
  const std::lock_guard lock(listeners_mutex_);
  outstanding_ = std::move(outstanding);
}

void ScriptedBackend::set_view(engine::View view) {
  const std::lock_guard lock(mutex_);
  view_ = std::make_shared<const engine::View>(std::move(view));
}

void ScriptedBackend::add_decision(engine::DecisionRecord record) {
  const std::lock_guard lock(mutex_);
  decisions_[record.id] = std::move(record);
}

void ScriptedBackend::set_outcome(engine::CommandOutcome outcome) {
  const std::lock_guard lock(mutex_);
  outcome_ = std::move(outcome);
}

std::vector<engine::GuardianCommand> ScriptedBackend::commands() const {
  const std::lock_guard lock(mutex_);
  return commands_;
}

std::vector<engine::SignedCommand> ScriptedBackend::signed_commands() const {
  const std::lock_guard lock(mutex_);
  return signed_commands_;
}

std::vector<engine::ActuatorReport> ScriptedBackend::reports() const {
  const std::lock_guard lock(mutex_);
  return reports_;
}

std::size_t ScriptedBackend::listeners() const {
  auto& self = const_cast<ScriptedBackend&>(*this);
  const std::lock_guard lock(self.listeners_mutex_);
  return listeners_.size();
}

Result<> ScriptedBackend::submit(oracle::SampleBatch batch, Done<oracle::BatchVerdict> done) {
  const auto samples = static_cast<std::uint32_t>(batch.samples.size());
  {
    const std::lock_guard lock(mutex_);
    if (ingest_ == Ingest::refuse) {
      return fail(ErrorCode::resource_exhausted, "", "the queue is full");
    }
    if (ingest_ == Ingest::hold) {
      held_.push_back({samples, std::move(done)});
      return {};
    }
  }
  done(oracle::BatchVerdict{.accepted = samples});
  return {};
}

void ScriptedBackend::command(engine::SignedCommand command, Done<engine::CommandOutcome> done) {
  engine::CommandOutcome outcome;
  {
    const std::lock_guard lock(mutex_);
    signed_commands_.push_back(std::move(command));
    outcome = outcome_;
  }
  done(outcome);
}

void ScriptedBackend::command(engine::GuardianCommand command, Done<engine::CommandOutcome> done) {
  engine::CommandOutcome outcome;
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
    outcome = outcome_;
  }
  done(outcome);
}

void ScriptedBackend::report(engine::ActuatorReport report, Done<engine::CommandOutcome> done) {
  engine::CommandOutcome outcome;
  {
    const std::lock_guard lock(mutex_);
    reports_.push_back(std::move(report));
    outcome = outcome_;
  }
  done(outcome);
}

std::shared_ptr<const engine::View> ScriptedBackend::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

RunStatus ScriptedBackend::run_status() const {
  return {.started = now(), .epoch = 3, .durable_sequence = 11};
}

std::string ScriptedBackend::source_kind(const std::string&) const {
  return "push";
}

void ScriptedBackend::decision(std::uint64_t id, Done<engine::DecisionRecord> done) {
  Result<engine::DecisionRecord> record = fail(ErrorCode::missing, "id", "no such decision; kept are 1..100");
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = decisions_.find(id); found != decisions_.end()) {
      record = found->second;
    }
  }
  done(record);
}

void ScriptedBackend::decisions(DecisionFilter filter, Done<std::vector<engine::DecisionRecord>> done) {
  std::vector<engine::DecisionRecord> records;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, record] : decisions_) {
      if (records.size() < filter.limit) {
        records.push_back(record);
      }
    }
  }
  done(records);
}

void ScriptedBackend::preview(Done<std::vector<engine::DecisionRecord>> done) {
  const std::lock_guard lock(mutex_);
  unanswered_.push_back(std::move(done));
}

void ScriptedBackend::attach(std::shared_ptr<Listener> listener) {
  const std::lock_guard lock(listeners_mutex_);
  listener->on_attached(view(), outstanding_);
  listeners_.insert(std::move(listener));
}

void ScriptedBackend::detach(const std::shared_ptr<Listener>& listener) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_.erase(listener);
}

void ScriptedBackend::reload(std::string, Done<ReloadOutcome> done) {
  done(ReloadOutcome{.errors = {"a.yaml:3:5: unknown key 'tik'", "a.yaml:9:1: no unit"}});
}

ConfigStatus ScriptedBackend::config() const {
  return {.path = "a.yaml", .text = "x: 1", .generation = 2};
}

void ScriptedBackend::backup(std::string name, Done<BackupOutcome> done) {
  done(BackupOutcome{.path = "/backups/" + name, .sequence = 5, .bytes = 9});
}

Result<std::string> ScriptedBackend::set_log_level(const std::string& level) {
  if (level != "debug") {
    return fail(ErrorCode::invalid_argument, "level", "allowed are trace, debug, info, warn, error");
  }
  return std::string("info");
}

Instant ScriptedBackend::now() const {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

}  // namespace homeostat::daemon::api
