#include "tests/simulation/timeline.hpp"

#include <fmt/format.h>

namespace homeostat::simulation {

namespace asio = boost::asio;

namespace {

// Some hundred handlers serve the longest chain of requests that take no time; far more is a loop.
constexpr std::uint64_t kHandledAtOnceMax = 20'000;

class TimelineTimer final : public sources::Timer {
 public:
  explicit TimelineTimer(Timeline& timeline) : wait_(timeline) {}
  asio::awaitable<void> wait_until(Moment when) override { return wait_.until(when); }
  void cancel() override { wait_.end(); }

 private:
  Wait wait_;
};

}  // namespace

Timeline::~Timeline() {
  // Coroutines that still wait are destroyed, and with their frames the waits in them, which then find nothing.
  const auto held = std::move(held_);
  held_.clear();
}

std::unique_ptr<sources::Timer> Timeline::make_timer() {
  return std::make_unique<TimelineTimer>(*this);
}

Timeline::Key Timeline::at(Moment when, std::function<void()> what) {
  const Key key{std::max(when, now_), next_++};
  entries_.emplace(key, std::move(what));
  return key;
}

void Timeline::settle() {
  io_.restart();
  while (io_.poll_one() > 0) {
    if (++handled_at_once_ > kHandledAtOnceMax) throw Violation("busy loop: time stands still");
  }
}

void Timeline::run_until(Moment end) {
  settle();
  while (!entries_.empty() && entries_.begin()->first.first <= end) {
    const auto entry = entries_.extract(entries_.begin());
    if (entry.key().first > now_) {
      now_ = entry.key().first;
      handled_at_once_ = 0;
    }
    if (++handled_at_once_ > kHandledAtOnceMax) throw Violation("busy loop: time stands still");
    entry.mapped()();
    settle();
  }
  now_ = end;
  handled_at_once_ = 0;
}

void Timeline::resume(std::uint64_t wait) {
  const auto held = held_.extract(wait);
  if (!held.empty()) held.mapped()->resume();
}

void Wait::end() {
  if (id_ == 0) return;
  const std::uint64_t id = std::exchange(id_, 0);
  timeline_.forget(entry_);
  timeline_.resume(id);
}

}  // namespace homeostat::simulation
