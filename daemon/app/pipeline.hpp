// The pipeline: the one thread that owns the engine, and the order that keeps the promise.
//
//     sequence -> journal append -> group commit -> apply -> release effects and acknowledgements
//
// Inputs come from any thread into a bounded queue; they are applied only after they are on disk, so an
// acknowledged sample survives kill -9 and every decision can be made again from the journal. Samples are shed
// when the queue is full, fairly by source (no source may hold more than its share); chain
// segments, ticks, commands and reports are never shed: their producers are bounded by themselves.
// Ticks are made here, on the fixed grid of slots; a late wake-up is one tick, the missed slots are counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/api/backend.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/telemetry/exposition.hpp"
#include "engine/codec.hpp"
#include "engine/engine.hpp"
#include "engine/shadow.hpp"

namespace homeostat::daemon {

struct PipelineSettings {
  std::size_t queue_bytes_max = std::size_t{64} << 20;  ///< encoded inputs accepted and not applied yet
  std::size_t source_share_divisor = 2;                 ///< one source may hold queue_bytes_max / this
  Duration snapshot_period = Duration::minutes(2);      ///< bounds the replay after a crash
  std::size_t snapshot_bytes = std::size_t{256} << 20;  ///< ... also by the bytes journaled since
};

/// What recovery brought back.
struct Recovered {
  engine::Engine engine;
  std::string policy_text;  ///< of the policy in force
  std::uint64_t last_sequence = 0;
  std::uint64_t replayed = 0;                                       ///< inputs applied again
  std::uint64_t decisions = 0;                                      ///< made again by them
  std::map<std::uint64_t, std::vector<engine::LiveDecision>> live;  ///< what they decided, by input; if asked for
};

/// Loads the newest snapshot and applies the inputs behind it; with an empty journal starts from `policy`
/// and stores the first snapshot. `progress(done, total)` is called now and then.
/// Errors: corrupt or conflict, naming the input that cannot be read and what to do.
[[nodiscard]] Result<Recovered> recover(journal::Journal& journal, engine::PolicyPtr policy,
                                        const std::string& policy_text, const engine::PolicyLoader& loader, Instant now,
                                        const std::function<void(std::uint64_t, std::uint64_t)>& progress,
                                        bool keep_decisions = false);

class Pipeline {
 public:
  using Clock = std::function<Instant()>;
  using EffectsDone = std::function<void(engine::Effects&)>;

  Pipeline(Recovered recovered, journal::Journal& journal, PipelineSettings settings, Clock clock);
  ~Pipeline();

  /// Hooks, all called on the engine thread; set before start().
  std::function<void(const std::shared_ptr<const Published>&)> on_published;
  /// After each input: may take it. `is_wanted` first says whether anybody wants it.
  std::function<bool()> is_wanted;
  std::function<void(std::uint64_t sequence, engine::Input&& input, const engine::Effects& effects)> on_applied;
  std::function<void()> on_snapshot;  ///< one was stored
  std::function<void()> on_alive;     ///< each turn of the loop, at least once a second: feeds the watchdog

  void start();
  /// Applies everything accepted so far, stores a snapshot and ends the thread. Nothing is accepted any more.
  void drain();

  /// For samples. Error resource_exhausted (the queue or the source's share of it is full) or unavailable (draining):
  /// nothing was taken and `done` is not called.
  [[nodiscard]] Result<> offer(oracle::SampleBatch batch, EffectsDone done);
  /// For everything else: never shed. False only while draining.
  bool submit(engine::Input input, EffectsDone done);
  /// On the engine thread only: the last input applied.
  [[nodiscard]] std::uint64_t applied_sequence() const { return applied_sequence_; }
  /// Runs on the engine thread, in order with the inputs applied so far.
  void post(std::function<void(engine::Engine&)> task);

  [[nodiscard]] std::shared_ptr<const engine::View> view() const;
  [[nodiscard]] PipelineFacts facts() const;
  [[nodiscard]] std::string decisions_hash() const;
  [[nodiscard]] Instant last_snapshot() const;

  void attach(std::shared_ptr<Listener> listener);
  void detach(const std::shared_ptr<Listener>& listener);

 private:
  struct Item {
    engine::Input input;
    std::string bytes;
    EffectsDone done;
    std::string source;  ///< of samples, for its share
    std::uint64_t sequence = 0;
    std::size_t size = 0;
  };

  [[nodiscard]] Result<> enqueue(Item item, bool may_be_shed);
  void run();
  void hand_over();
  void tick_if_due();
  void apply_durable();
  void apply(Item& item);
  void release(const Item& item);
  void publish();
  void snapshot_if_due(bool now);
  [[nodiscard]] std::uint64_t slot_of(Instant t) const;

  journal::Journal& journal_;
  const PipelineSettings settings_;
  const Clock clock_;

  // Shared with the submitting threads.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> incoming_;
  std::vector<std::function<void(engine::Engine&)>> tasks_;
  std::map<std::string, std::size_t> source_bytes_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t durable_ = 0;
  bool draining_ = false;
  PipelineFacts facts_;
  std::shared_ptr<const engine::View> view_;
  StateHash decisions_hash_;
  Instant last_snapshot_;

  // The engine thread's own.
  engine::Engine engine_;
  std::string policy_text_;
  std::deque<Item> to_append_;  ///< taken from the queue, waiting for room in the journal
  std::deque<Item> in_flight_;  ///< in the journal, not durable yet
  std::uint64_t applied_sequence_ = 0;
  std::uint64_t next_slot_ = 0;
  bool tick_in_flight_ = false;
  std::uint64_t snapshot_sequence_ = 0;
  std::size_t bytes_since_snapshot_ = 0;
  Published pending_;
  bool view_changed_ = false;
  std::vector<std::shared_ptr<Listener>> listeners_;

  std::thread thread_;
};

}  // namespace homeostat::daemon
