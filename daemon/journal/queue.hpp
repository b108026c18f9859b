// The hand-off between those who append and the one writer thread.
//
// append() numbers an input and copies it straight into the frame that the next commit writes; frames
// that are full queue up behind it. Bounded by bytes: inputs are refused beyond the bound, decisions
// wait (they are the engine's own output and cannot be shed; they can also be derived again by replay).
// Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "daemon/journal/types.hpp"

namespace homeostat::journal {

/// What one commit writes. `bytes` is empty when it is of decisions alone.
struct Group {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::string bytes;
  std::vector<DecisionRow> decisions;
  std::uint64_t decision_batch = 0;  ///< ticket of the newest batch in `decisions`; 0 when there is none
};

class Queue {
 public:
  struct Counts {
    std::uint64_t appended_seq = 0;
    Durable durable;
    std::uint64_t queued_bytes = 0;
    std::uint64_t refused_total = 0;
    std::uint64_t decision_waits_total = 0;
  };

  Queue(const Settings& settings, std::uint64_t last_seq);

  /// Errors: resource_exhausted (full), invalid_argument (too large), unavailable (failed or stopped).
  [[nodiscard]] Result<std::uint64_t> append(std::string_view input);
  /// The batch's ticket. Waits while decisions_max_bytes are pending; 0 once failed or stopped.
  std::uint64_t put_decisions(std::vector<DecisionRow> rows);

  /// For the writer: waits for work; nothing once stopped and drained, or failed.
  [[nodiscard]] std::optional<Group> take();
  /// For the writer, after the commit of `group`; its buffer is reused. False when the journal has failed
  /// meanwhile: then nothing may be reported durable any more.
  [[nodiscard]] bool commit_done(Group&& group, Durable& durable);

  /// Error unavailable when the journal failed or stopped before `seq` was durable.
  [[nodiscard]] Result<> wait_durable(std::uint64_t seq);
  [[nodiscard]] std::uint64_t durable_seq() const;
  [[nodiscard]] Counts counts() const;

  /// No more appends; take() drains what is queued.
  void stop();
  /// Nothing is accepted or reported durable from here on. False when it had failed before.
  bool fail(const Error& error);

 private:
  [[nodiscard]] Error closed_error() const;

  const std::size_t queue_max_bytes_;
  const std::size_t frame_max_bytes_;
  const std::size_t decisions_max_bytes_;

  mutable std::mutex mutex_;
  std::condition_variable work_;     ///< the writer waits
  std::condition_variable settled_;  ///< wait_durable() and put_decisions() wait
  std::deque<Group> frames_;         ///< without decisions
  std::string spare_;                ///< a written frame's buffer: keeps its pages mapped
  std::deque<std::vector<DecisionRow>> decisions_;
  std::size_t decision_bytes_ = 0;
  std::uint64_t decision_batch_ = 0;  ///< last ticket given
  std::uint64_t taken_batch_ = 0;     ///< last ticket taken by the writer
  Counts counts_;
  bool stopped_ = false;
  std::optional<Error> failure_;
};

}  // namespace homeostat::journal
