// The daemon's shadow policies: candidates that run beside the live engine on the same inputs (engine/shadow.hpp).
//
// They live on a thread of their own behind a bounded queue, so that the live engine never waits for them: handing over
// an input costs it one lock. When the queue is full every shadow is dropped, loudly and counted, for from then on it
// would be no shadow of this history; `homeostat shadow add` starts it anew.
//
// Kept in files under the journal's directory, shadows/NAME.shadow: the candidate's text, and its state after some
// input, written with each of the journal's snapshots and when the daemon ends. After a restart a shadow takes the
// inputs since from the journal (docs/decisions/0013).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "core/result.hpp"
#include "daemon/api/backend.hpp"
#include "daemon/journal/journal.hpp"
#include "engine/codec.hpp"
#include "engine/shadow.hpp"

namespace homeostat::daemon {

/// Shadows at once. Each costs a copy of the engine's state and one engine tick per tick; beyond a hundred the thread
/// could not keep up with a period of a second and a few hundred loops.
inline constexpr std::size_t kShadowsMax = 100;
/// Inputs waiting for the shadows. At a thousand inputs a second they may be ten seconds behind; doubling it doubles
/// that, and the memory.
inline constexpr std::size_t kShadowQueueMax = 10'000;

class Shadows {
 public:
  /// `log(is_error, text)`.
  using Log = std::function<void(bool is_error, const std::string& text)>;

  Shadows(std::filesystem::path directory, engine::PolicyLoader loader, Log log);
  ~Shadows();

  /// Before the first input: loads what is kept and brings it up to `last` with the journal's inputs. `live` has what
  /// the live engine decided on the newest of them; ticks before are not compared.
  void restore(const journal::Journal& journal, std::uint64_t last,
               const std::map<std::uint64_t, std::vector<engine::LiveDecision>>& live);
  void start();
  /// Works off the queue, writes every shadow and ends the thread.
  void stop();

  // Called on the engine thread.
  /// True when an input is to be handed over at all.
  [[nodiscard]] bool is_wanted() const { return count_.load(std::memory_order_relaxed) > 0; }
  void applied(std::uint64_t sequence, engine::Input input, std::vector<engine::LiveDecision> live);
  void snapshot();
  /// `done` once it is on disk, or is refused: conflict (exists; too many; the candidate does not fit). The engine
  /// waits for the fork and for one input of the shadows at most.
  void add(const std::string& name, const std::string& text, engine::PolicyPtr candidate, const engine::Engine& live,
           std::uint64_t sequence, Instant now, std::function<void(Result<>)> done);

  // Called from any thread.
  [[nodiscard]] Result<> remove(const std::string& name);
  [[nodiscard]] std::vector<ShadowStatus> list(const std::string& name = "",
                                               const engine::Policy* live = nullptr) const;
  /// What can be said before the engine is asked. Errors: malformed (name), what the candidate is refused for.
  [[nodiscard]] Result<engine::PolicyPtr> candidate_of(const std::string& name, const std::string& text) const;
  /// Errors: unknown_name; conflict (it was lost with its file).
  [[nodiscard]] Result<std::string> text(const std::string& name) const;
  [[nodiscard]] std::uint64_t dropped_total() const { return dropped_.load(); }

 private:
  struct Entry {
    std::string text;
    std::optional<engine::Shadow> shadow;  ///< nothing once it was dropped
    std::string dropped;                   ///< why
    std::uint64_t forked_after = 0;        ///< input
    std::uint64_t sequence = 0;            ///< the last input it got
    double tick_seconds = 0;               ///< its last tick took
  };
  struct Step {
    std::uint64_t sequence = 0;
    engine::Input input;
    std::vector<engine::LiveDecision> live;
  };
  struct Save {
    std::function<void(Result<>)> done;  ///< may be empty
  };
  using Work = std::variant<Step, Save>;

  void run();
  void work(const Step& step);
  [[nodiscard]] Result<> save_all();
  void drop_all(const std::string& why);
  [[nodiscard]] static std::string bytes_of(const Entry& entry);
  [[nodiscard]] Result<> write(const std::string& name, const std::string& bytes) const;
  [[nodiscard]] Result<Entry> read(const std::filesystem::path& file) const;
  [[nodiscard]] std::filesystem::path file_of(const std::string& name) const;

  const std::filesystem::path directory_;
  const engine::PolicyLoader loader_;
  const Log log_;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::uint64_t> dropped_{0};

  std::mutex queue_mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;
  bool overflowed_ = false;
  bool stopped_ = false;

  mutable std::mutex entries_mutex_;  ///< held for one input at a time
  std::map<std::string, Entry> entries_;

  std::thread thread_;
};

}  // namespace homeostat::daemon
