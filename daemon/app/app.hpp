// The daemon: one struct that owns and joins its parts.
//
//     journal <- pipeline (engine thread) <- services (gRPC), sources (I/O thread), signals
//                                         -> executors, watchers, console, /metrics
//
// Start-up order: configuration, journal and its lock, recovery, listeners (health says NOT_SERVING and
// /readyz 503 until recovery is over), pipeline, sources. Shut-down is the reverse, with a deadline.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "daemon/api/backend.hpp"
#include "daemon/api/server.hpp"
#include "daemon/app/pipeline.hpp"
#include "daemon/app/shadows.hpp"
#include "daemon/app/source_runner.hpp"
#include "daemon/http/console.hpp"
#include "daemon/http/listener.hpp"
#include "daemon/journal/journal.hpp"

namespace homeostat::daemon {

class App final : public Backend {
 public:
  /// Opens, recovers and starts everything. Errors: all problems that keep it from starting.
  [[nodiscard]] static tl::expected<std::unique_ptr<App>, std::vector<std::string>> start(
      const std::string& config_path);
  ~App() override;

  /// Health turns NOT_SERVING, sources stop, streams end, what was accepted is applied, a snapshot is stored.
  void drain();
  /// Reads the configuration file again and waits for the outcome (for SIGHUP). `promotion`: a shadow's text was put
  /// there.
  ReloadOutcome reload_now(const std::string& actor, bool promotion = false);

  [[nodiscard]] int grpc_port() const;
  [[nodiscard]] int http_port() const;

  Result<> submit(oracle::SampleBatch batch, Done<oracle::BatchVerdict> done) override;
  void command(engine::GuardianCommand command, Done<engine::CommandOutcome> done) override;
  void command(engine::SignedCommand command, Done<engine::CommandOutcome> done) override;
  void report(engine::ActuatorReport report, Done<engine::CommandOutcome> done) override;
  std::shared_ptr<const engine::View> view() const override;
  RunStatus run_status() const override;
  std::string source_kind(const std::string& source) const override;
  void decision(std::uint64_t id, Done<engine::DecisionRecord> done) override;
  void decisions(DecisionFilter filter, Done<std::vector<engine::DecisionRecord>> done) override;
  void preview(Done<std::vector<engine::DecisionRecord>> done) override;
  void attach(std::shared_ptr<Listener> listener) override;
  void detach(const std::shared_ptr<Listener>& listener) override;
  void reload(std::string actor, Done<ReloadOutcome> done) override;
  ConfigStatus config() const override;
  void backup(std::string name, Done<BackupOutcome> done) override;
  void add_shadow(std::string name, std::string text, Done<ShadowStatus> done) override;
  Result<> remove_shadow(const std::string& name) override;
  Result<std::vector<ShadowStatus>> shadows(const std::string& name) const override;
  void promote_shadow(std::string name, std::string actor, Done<ReloadOutcome> done) override;
  Result<std::string> set_log_level(const std::string& level) override;
  Instant now() const override;

 private:
  App() = default;
  [[nodiscard]] std::vector<std::string> open(const std::string& config_path);
  [[nodiscard]] std::vector<std::string> recover_and_run();
  /// The engine's own word: the view that readers have follows an answer by a moment.
  [[nodiscard]] engine::View view_now() const;
  ReloadOutcome refuse_reload(std::vector<std::string> why);
  [[nodiscard]] HttpResponse http_page(std::string_view path) const;
  [[nodiscard]] Facts facts() const;
  [[nodiscard]] std::shared_ptr<const config::ValidConfig> config_in_force() const;

  std::string config_path_;
  Instant started_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<Shadows> shadows_;  ///< outlives the pipeline that feeds it
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<SourceRunner> sources_;
  std::unique_ptr<api::Server> server_;
  std::unique_ptr<HttpListener> http_;
  History history_;
  Instant serving_since_;  ///< set before ready_
  std::atomic<bool> ready_ = false;
  std::atomic<std::uint64_t> recovery_done_ = 0;
  std::atomic<std::uint64_t> recovery_total_ = 0;

  mutable std::mutex config_mutex_;  ///< guards the fields below
  std::shared_ptr<const config::ValidConfig> config_;
  std::vector<std::string> reload_errors_;
  bool reload_failed_ = false;
  Instant reload_succeeded_;
  std::mutex reload_mutex_;  ///< one reload at a time
};

}  // namespace homeostat::daemon
