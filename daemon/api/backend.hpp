// What the gRPC services and the HTTP pages need of the daemon, and nothing more. Implemented by
// daemon/app; the services hold a reference. Every method is thread-safe and returns at once; answers
// come by callback on the engine thread, which must only hand them on (never block).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "engine/engine.hpp"
#include "engine/shadow.hpp"

namespace homeostat::daemon {

/// Everything one step of the engine made known, in order: all of it is durable.
struct Published {
  std::shared_ptr<const engine::View> view;
  std::vector<engine::DecisionRecord> decisions;  ///< new ones, and earlier ones whose answer changed
  std::vector<engine::Adjustment> adjustments;    ///< newly emitted
  std::vector<engine::Notice> notices;
};

/// A subscriber. Called on the engine thread; must copy what it needs into its own bounded queue.
class Listener {
 public:
  virtual ~Listener() = default;
  /// First call: the state at the moment of attaching; no later publication is missed.
  virtual void on_attached(const std::shared_ptr<const engine::View>& view,
                           const std::vector<engine::Adjustment>& outstanding) = 0;
  virtual void on_published(const std::shared_ptr<const Published>& published) = 0;
};

struct DecisionFilter {
  std::string parameter;  ///< empty = all
  bool adjustments_only = false;
  std::uint32_t limit = 50;     ///< 1..1000
  std::uint64_t before_id = 0;  ///< 0 = newest
};

/// What of the status the engine does not know.
struct RunStatus {
  Instant started;
  std::uint64_t epoch = 0;
  std::uint64_t durable_sequence = 0;
  std::string decisions_hash;
  Instant now;            ///< by the daemon's clock
  Instant serving_since;  ///< since when this run decides
};

struct ConfigStatus {
  std::string path;
  std::string text;
  std::string digest;
  std::uint64_t generation = 0;
  bool last_reload_failed = false;
  std::vector<std::string> last_errors;  ///< file:line:column: text
};

struct ReloadOutcome {
  bool changed = false;
  std::uint64_t generation = 0;
  std::string digest;
  std::vector<std::string> errors;  ///< not empty = the last good configuration stays
};

struct BackupOutcome {
  std::string path;
  std::uint64_t sequence = 0;
  std::uint64_t bytes = 0;
};

/// A candidate policy that runs beside the live one.
/// What a promotion of a shadow takes, and what it would loosen.
struct PromotionTerms {
  std::string fingerprint;           ///< SHA-256 of its text, hex: what is signed
  std::vector<std::string> loosens;  ///< limits of the live policy, in words
  std::uint32_t signatures = 0;      ///< admins who must sign; 0 = the live policy has no keys
  Instant allowed_until;             ///< it is signed for; never = it is not
};

struct ShadowStatus {
  std::string name;
  std::string policy;
  std::string digest;
  std::string dropped;  ///< why it runs no more; empty = it runs
  Instant forked;
  std::uint64_t forked_after = 0;  ///< input
  std::uint64_t sequence = 0;      ///< the last input it got
  std::uint64_t ticks = 0;
  double tick_seconds = 0;  ///< its last tick took
  std::string decisions_hash;
  std::string text;
  std::vector<engine::ShadowParameter> parameters;
  PromotionTerms promotion;
};

class Backend {
 public:
  virtual ~Backend() = default;

  template <class T>
  using Done = std::function<void(Result<T>)>;

  /// Error resource_exhausted: the queue is full, nothing was taken, `done` is not called.
  [[nodiscard]] virtual Result<> submit(oracle::SampleBatch batch, Done<oracle::BatchVerdict> done) = 0;
  virtual void command(engine::GuardianCommand command, Done<engine::CommandOutcome> done) = 0;
  virtual void command(engine::SignedCommand command, Done<engine::CommandOutcome> done) = 0;
  virtual void report(engine::ActuatorReport report, Done<engine::CommandOutcome> done) = 0;

  [[nodiscard]] virtual std::shared_ptr<const engine::View> view() const = 0;
  [[nodiscard]] virtual RunStatus run_status() const = 0;
  /// The kind of a source by name: push, evm, prometheus, http or chainlink.
  [[nodiscard]] virtual std::string source_kind(const std::string& source) const = 0;

  /// Read from the journal, off the engine thread. `id` 0 = the newest adjustment.
  virtual void decision(std::uint64_t id, Done<engine::DecisionRecord> done) = 0;
  virtual void decisions(DecisionFilter filter, Done<std::vector<engine::DecisionRecord>> done) = 0;
  virtual void preview(Done<std::vector<engine::DecisionRecord>> done) = 0;

  /// `attach` keeps the listener until `detach` (after which it is not called again, once running calls returned).
  virtual void attach(std::shared_ptr<Listener> listener) = 0;
  virtual void detach(const std::shared_ptr<Listener>& listener) = 0;

  virtual void reload(std::string actor, Done<ReloadOutcome> done) = 0;
  [[nodiscard]] virtual ConfigStatus config() const = 0;
  virtual void backup(std::string name, Done<BackupOutcome> done) = 0;
  /// Returns the previous level; error invalid_argument names the allowed levels.
  [[nodiscard]] virtual Result<std::string> set_log_level(const std::string& level) = 0;
  /// Shadow policies. Errors: conflict, unknown_name, and what a configuration is refused for.
  virtual void add_shadow(std::string /*name*/, std::string /*text*/, Done<ShadowStatus> done) { done(no_shadows()); }
  [[nodiscard]] virtual Result<> remove_shadow(const std::string& /*name*/) { return no_shadows(); }
  /// One, or all with an empty name.
  [[nodiscard]] virtual Result<std::vector<ShadowStatus>> shadows(const std::string& /*name*/) const {
    return no_shadows();
  }
  /// Its text becomes the configuration file and is reloaded; refused as a reload is, with the file as it was.
  virtual void promote_shadow(std::string /*name*/, std::string /*actor*/, Done<ReloadOutcome> done) {
    done(no_shadows());
  }
  /// The time as the edge reads it.
  [[nodiscard]] virtual Instant now() const = 0;

 private:
  static tl::unexpected<Error> no_shadows() {
    return fail(ErrorCode::unsupported, "shadow", "this daemon runs no shadow policies");
  }
};

}  // namespace homeostat::daemon
