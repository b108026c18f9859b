// A Backend that does what a test says, and a server over it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/api/server.hpp"

namespace homeostat::daemon::api {

class ScriptedBackend final : public Backend {
 public:
  enum class Ingest { accept, hold, refuse };

  ScriptedBackend();

  /// What submit does: answers at once, keeps the answer for release(), or says the queue is full.
  void on_submit(Ingest ingest);
  /// Answers the held batch `index` (in the order of submission).
  void release(std::size_t index);
  [[nodiscard]] std::size_t held() const;

  /// Publishes to every listener, on the calling thread, which stands for the engine's.
  void publish(Published published);
  void set_outstanding(std::vector<engine::Adjustment> outstanding);
  void set_view(engine::View view);
  void add_decision(engine::DecisionRecord record);
  void set_outcome(engine::CommandOutcome outcome);
  [[nodiscard]] std::vector<engine::GuardianCommand> commands() const;
  [[nodiscard]] std::vector<engine::SignedCommand> signed_commands() const;
  [[nodiscard]] std::vector<engine::ActuatorReport> reports() const;
  [[nodiscard]] std::size_t listeners() const;

  [[nodiscard]] Result<> submit(oracle::SampleBatch batch, Done<oracle::BatchVerdict> done) override;
  void command(engine::GuardianCommand command, Done<engine::CommandOutcome> done) override;
  void command(engine::SignedCommand command, Done<engine::CommandOutcome> done) override;
  void report(engine::ActuatorReport report, Done<engine::CommandOutcome> done) override;
  [[nodiscard]] std::shared_ptr<const engine::View> view() const override;
  [[nodiscard]] RunStatus run_status() const override;
  [[nodiscard]] std::string source_kind(const std::string& source) const override;
  void decision(std::uint64_t id, Done<engine::DecisionRecord> done) override;
  void decisions(DecisionFilter filter, Done<std::vector<engine::DecisionRecord>> done) override;
  /// Never answers.
  void preview(Done<std::vector<engine::DecisionRecord>> done) override;
  void attach(std::shared_ptr<Listener> listener) override;
  void detach(const std::shared_ptr<Listener>& listener) override;
  void reload(std::string actor, Done<ReloadOutcome> done) override;
  [[nodiscard]] ConfigStatus config() const override;
  void backup(std::string name, Done<BackupOutcome> done) override;
  [[nodiscard]] Result<std::string> set_log_level(const std::string& level) override;
  [[nodiscard]] Instant now() const override;

 private:
  struct Held {
    std::uint32_t samples;
    Done<oracle::BatchVerdict> done;
  };

  mutable std::mutex mutex_;
  Ingest ingest_ = Ingest::accept;
  std::vector<Held> held_;
  std::vector<Done<std::vector<engine::DecisionRecord>>> unanswered_;
  std::shared_ptr<const engine::View> view_;
  std::vector<engine::Adjustment> outstanding_;
  std::map<std::uint64_t, engine::DecisionRecord> decisions_;
  engine::CommandOutcome outcome_{.accepted = true, .id = 1, .message = "done"};
  std::vector<engine::GuardianCommand> commands_;
  std::vector<engine::SignedCommand> signed_commands_;
  std::vector<engine::ActuatorReport> reports_;
  std::recursive_mutex listeners_mutex_;  ///< held while listeners are called, so that detach waits
  std::set<std::shared_ptr<Listener>> listeners_;
};

/// A parameter "tx_fee" with four decimals, 0.001..0.05, waiting for adjustment 7; a loop and a metric.
[[nodiscard]] engine::View scripted_view();

/// Waits until `holds` does; false after ten seconds. Counters tell nobody when they change, so they are looked at
/// again and again, each time after the other threads had their turn.
template <class Condition>
[[nodiscard]] bool eventually(Condition holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    std::this_thread::yield();
  }
  return true;
}

}  // namespace homeostat::daemon::api
