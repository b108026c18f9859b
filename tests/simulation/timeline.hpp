// Simulated time: an ordered queue of what is to happen, and the executor that coroutines run on. Time stands
// still while anything is ready to run and then jumps to the next entry, so an hour costs what happens in it, and
// the same entries give the same run. One thread; no reactor, no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/sources/outside.hpp"

namespace homeostat::simulation {

using sources::Moment;

/// What a run throws when the product or the simulation breaks a promise.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Timeline final : public sources::Timing {
 public:
  using Key = std::pair<Moment, std::uint64_t>;

  Timeline() = default;
  ~Timeline() override;

  [[nodiscard]] Moment now() const override { return now_; }
  [[nodiscard]] Duration elapsed() const { return {(now_ - Moment{}).count()}; }
  [[nodiscard]] std::unique_ptr<sources::Timer> make_timer() override;
  [[nodiscard]] boost::asio::any_io_executor executor() { return io_.get_executor(); }

  /// Entries of one moment happen in the order in which they were made.
  Key at(Moment when, std::function<void()> what);
  Key in(Duration wait, std::function<void()> what) { return at(sources::after(now_, wait), std::move(what)); }
  void forget(const Key& key) { entries_.erase(key); }

  /// Everything up to and at `end`. Throws Violation when time does not get on: something runs in circles.
  void run_until(Moment end);
  /// What is ready now, without letting time pass.
  void settle();

 private:
  friend class Wait;
  /// A suspended coroutine. The timeline owns it, not the wait it belongs to, which may live in its frame.
  struct Held {
    virtual ~Held() = default;
    virtual void resume() = 0;
  };
  void resume(std::uint64_t wait);

  Moment now_{};
  std::uint64_t next_ = 1;
  std::map<Key, std::function<void()>> entries_;
  std::map<std::uint64_t, std::unique_ptr<Held>> held_;
  std::uint64_t handled_at_once_ = 0;
  /// Last, so that it is destroyed first: what is ready to run may still hold waits.
  boost::asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
};

/// One place for one coroutine to wait: until a moment, or until it is ended.
class Wait {
 public:
  explicit Wait(Timeline& timeline) : timeline_(timeline) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() { end(); }

  /// At Moment::max() only end() ends it.
  [[nodiscard]] boost::asio::awaitable<void> until(Moment when) {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        [this, when](auto&& handler) { hold(when, std::forward<decltype(handler)>(handler)); },
        boost::asio::use_awaitable);
  }
  void end();
  [[nodiscard]] bool waits() const { return id_ != 0; }

 private:
  template <class Handler>
  void hold(Moment when, Handler&& handler) {
    struct Mine final : Timeline::Held {
      explicit Mine(Handler&& h) : handler(std::move(h)) {}
      void resume() override { boost::asio::post(std::move(handler)); }
      std::decay_t<Handler> handler;
    };
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    id_ = timeline_.next_++;
    if (slot.is_connected()) {
      slot.assign([this, id = id_](boost::asio::cancellation_type) {
        if (id_ == id) end();
      });
    }
    timeline_.held_[id_] = std::make_unique<Mine>(std::move(handler));
    if (when == Moment::max()) return;
    entry_ = timeline_.at(when, [this] { end(); });
  }

  Timeline& timeline_;
  std::uint64_t id_ = 0;
  Timeline::Key entry_{};
};

}  // namespace homeostat::simulation
