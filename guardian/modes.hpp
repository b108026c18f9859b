// The active causes and the operating mode they give: the worst cause wins and carries its reason.
//
// Flapping can postpone nothing: a cause keeps its first `since` until it has cleared, a cause that
// needs calm before it clears (metric_emergency) starts its calm anew at every relapse, and there is
// no delay before a cause counts. At most one cause exists per kind and subject, so the number of
// causes is bounded by the policy's metrics and parameters plus the actors of orders.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "guardian/mode.hpp"

namespace homeostat::guardian {

class Modes {
 public:
  /// Adds a cause. If it is active already its `since` stays, reason and expiry become the new ones.
  /// True if it was not active.
  bool raise(Cause cause);
  /// Ends a cause; true if it was active.
  bool clear(CauseKind kind, const std::string& subject);
  /// Ends every cause of a kind; returns how many there were.
  std::size_t clear_all(CauseKind kind);

  /// A metric in or out of its emergency band: inside raises at once, outside for `clear_after` clears.
  /// True if the cause came or went.
  bool observe_emergency(const std::string& metric, bool inside, Instant at, Duration clear_after,
                         const std::string& reason);
  /// A metric whose reading cannot be acted on is neither in nor out of its band: its calm starts anew.
  void forget_calm(const std::string& metric);

  /// Ends the causes whose `until` has come; returns them.
  std::vector<Cause> expire(Instant at);
  /// Ends the causes for which `is_obsolete(cause)`, as after a policy change that dropped their subject.
  template <class Predicate>
  void drop_if(Predicate is_obsolete) {
    std::erase_if(causes_, [&](const auto& entry) { return is_obsolete(entry.second); });
  }

  [[nodiscard]] bool is_active(CauseKind kind, const std::string& subject) const;
  [[nodiscard]] bool has(CauseKind kind) const;
  [[nodiscard]] bool empty() const { return causes_.empty(); }

  [[nodiscard]] OperatingMode mode() const;
  /// "kind subject: reason" of the worst cause (of equals the oldest), empty in normal mode.
  [[nodiscard]] std::string cause_text() const;
  /// Whether emergency gains and limits are in force, also beneath a halt.
  [[nodiscard]] bool is_emergency() const;
  /// Worst first, of equals the oldest first.
  [[nodiscard]] std::vector<Cause> worst_first() const;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.causes_);
  }

 private:
  [[nodiscard]] const Cause* worst() const;

  std::map<std::pair<CauseKind, std::string>, Cause> causes_;
};

}  // namespace homeostat::guardian
