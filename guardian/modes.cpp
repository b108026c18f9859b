#include "guardian/modes.hpp"

#include <algorithm>

namespace homeostat::guardian {
namespace {

bool is_worse(const Cause& a, const Cause& b) {
  const OperatingMode x = mode_of(a.kind);
  const OperatingMode y = mode_of(b.kind);
  return x != y ? x > y : a.since < b.since;
}

}  // namespace

bool Modes::raise(Cause cause) {
  const auto [entry, is_new] = causes_.try_emplace({cause.kind, cause.subject}, cause);
  if (is_new) return true;
  entry->second.reason = std::move(cause.reason);
  entry->second.until = cause.until;
  entry->second.clear_since = Instant{};
  return false;
}

bool Modes::clear(CauseKind kind, const std::string& subject) {
  return causes_.erase({kind, subject}) > 0;
}

std::size_t Modes::clear_all(CauseKind kind) {
  return std::erase_if(causes_, [kind](const auto& entry) { return entry.second.kind == kind; });
}

bool Modes::observe_emergency(const std::string& metric, bool inside, Instant at, Duration clear_after,
                              const std::string& reason) {
  if (inside) return raise({CauseKind::metric_emergency, metric, reason, at, Instant{}, Instant{}});
  const auto entry = causes_.find({CauseKind::metric_emergency, metric});
  if (entry == causes_.end()) return false;
  Instant& calm = entry->second.clear_since;
  if (calm.is_never()) calm = at;
  if (at - calm < clear_after) return false;
  causes_.erase(entry);
  return true;
}

void Modes::forget_calm(const std::string& metric) {
  const auto entry = causes_.find({CauseKind::metric_emergency, metric});
  if (entry != causes_.end()) entry->second.clear_since = Instant{};
}

std::vector<Cause> Modes::expire(Instant at) {
  std::vector<Cause> ended;
  std::erase_if(causes_, [&](const auto& entry) {
    const Cause& cause = entry.second;
    if (cause.until.is_never() || at < cause.until) return false;
    ended.push_back(cause);
    return true;
  });
  return ended;
}

bool Modes::is_active(CauseKind kind, const std::string& subject) const {
  return causes_.count({kind, subject}) > 0;
}

bool Modes::has(CauseKind kind) const {
  if (causes_.empty()) return false;  // nearly always, and asked for every loop
  const auto entry = causes_.lower_bound({kind, std::string()});
  return entry != causes_.end() && entry->first.first == kind;
}

const Cause* Modes::worst() const {
  const Cause* worst = nullptr;
  for (const auto& [key, cause] : causes_) {
    if (worst == nullptr || is_worse(cause, *worst)) worst = &cause;
  }
  return worst;
}

OperatingMode Modes::mode() const {
  const Cause* cause = worst();
  return cause == nullptr ? OperatingMode::normal : mode_of(cause->kind);
}

std::string Modes::cause_text() const {
  const Cause* cause = worst();
  if (cause == nullptr) return {};
  std::string text(name_of(cause->kind));
  if (!cause->subject.empty()) text.append(" ").append(cause->subject);
  return text.append(": ").append(cause->reason);
}

bool Modes::is_emergency() const {
  return has(CauseKind::metric_emergency) || has(CauseKind::guardian_emergency);
}

std::vector<Cause> Modes::worst_first() const {
  std::vector<Cause> causes;
  causes.reserve(causes_.size());
  for (const auto& [key, cause] : causes_) causes.push_back(cause);
  std::stable_sort(causes.begin(), causes.end(), is_worse);
  return causes;
}

}  // namespace homeostat::guardian
