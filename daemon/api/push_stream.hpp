// A server stream fed by publications: Watch and Subscribe. The engine thread only appends a shared
// pointer to a bounded queue; messages are rendered one at a time when the client can take them.
//
// A client that lags by more than the bound is cut off: its queue is dropped at once, it has a grace to
// read the reason (RESOURCE_EXHAUSTED), then the stream is cancelled. Others never notice.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <grpcpp/alarm.h>

#include "daemon/api/context.hpp"
#include "daemon/api/tsan.hpp"

namespace homeostat::daemon::api {

/// Refuses a server stream.
template <class Message>
class RefusedStream final : public grpc::ServerWriteReactor<Message> {
 public:
  RefusedStream(Context& context, Method method, const grpc::Status& status) {
    context.counters.count_call(method, status.error_code());
    tsan::released(this);
    this->Finish(status);
  }
  void OnDone() override {
    tsan::acquired(this);
    delete this;
  }
};

template <class Message>
class PushStream : public grpc::ServerWriteReactor<Message>,
                   public Stream,
                   public Listener,
                   public std::enable_shared_from_this<PushStream<Message>> {
 public:
  struct Setup {
    ContextPtr context;
    grpc::CallbackServerContext* call;
    Method method;
    TicketPtr ticket;
    std::size_t queue_max;  ///< messages
  };

  explicit PushStream(Setup setup) : setup_(std::move(setup)) {}

  /// Opens the stream: gRPC holds it from now on. Returns the reactor.
  grpc::ServerWriteReactor<Message>* open() {
    self_ = this->shared_from_this();
    if (!setup_.context->streams.add(self_)) {
      end(unavailable(), true);
    } else {
      attached_ = true;
      tsan::released(this);
      this->StartSendInitialMetadata();  // the client learns at once that it is heard
      setup_.context->backend.attach(self_);
    }
    return this;
  }

  void on_attached(const std::shared_ptr<const engine::View>& view,
                   const std::vector<engine::Adjustment>& outstanding) final {
    enqueue(first(view, outstanding));
  }
  void on_published(const std::shared_ptr<const Published>& published) final { enqueue(published); }

  void drain() final { end(unavailable(), false); }

  void OnWriteDone(bool ok) override {
    tsan::acquired(this);
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      cancelled_ = cancelled_ || !ok;
    }
    advance();
    tsan::released(this);
  }

  void OnCancel() override {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
      drop_queue();
    }
    advance();
    tsan::released(this);  // OnDone comes after this has returned
  }

  void OnDone() override {
    tsan::acquired(this);
    if (attached_) {
      setup_.context->backend.detach(self_);
    }
    setup_.context->streams.remove(this);
    grace_.Cancel();
    setup_.ticket.reset();
    const auto last = std::move(self_);  // dies at the end of this scope, and the stream with it
  }

 protected:
  Context& context() { return *setup_.context; }

  /// What the stream starts with. Engine thread.
  virtual std::shared_ptr<const Published> first(const std::shared_ptr<const engine::View>& view,
                                                 const std::vector<engine::Adjustment>& outstanding) = 0;
  /// How many messages render() will make of it. Engine thread; cheap.
  virtual std::size_t count(const Published& published) = 0;
  /// Makes message `index` (0 .. count - 1, ascending) of a publication. Never called twice at once.
  virtual void render(const Published& published, std::size_t index, Message& message) = 0;

 private:
  struct Item {
    std::shared_ptr<const Published> published;
    std::size_t count = 0;
    std::size_t next = 0;
  };

  static grpc::Status unavailable() { return {grpc::StatusCode::UNAVAILABLE, "the daemon is stopping; connect again"}; }

  void enqueue(const std::shared_ptr<const Published>& published) {
    const std::size_t messages = count(*published);
    if (messages == 0) {
      return;
    }
    const std::lock_guard lock(mutex_);
    if (cancelled_ || ending_) {
      return;
    }
    // A client that has taken everything is never cut, however much one publication holds.
    if (queued_ > 0 && queued_ + messages > setup_.queue_max) {
      cut_off();
    } else {
      queue_.push_back({published, messages});
      queued_ += messages;
    }
    wake();
  }

  /// Requires the lock.
  void cut_off() {
    ending_ = grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "the client reads too slowly: more than " +
                                                                     std::to_string(setup_.queue_max) +
                                                                     " messages were waiting; connect again");
    drop_queue();
    grace_due_ = true;
    setup_.context->counters.slow_clients_cut.fetch_add(1, std::memory_order_relaxed);
  }

  void end(grpc::Status status, bool drop) {
    const std::lock_guard lock(mutex_);
    if (!ending_) {
      ending_ = std::move(status);
    }
    if (drop) {
      drop_queue();
    }
    wake();
  }

  /// Requires the lock.
  void drop_queue() {
    queue_.clear();
    queued_ = 0;
  }

  /// Has the outbox thread advance the stream, unless it will anyway. Requires the lock.
  void wake() {
    if (!woken_ && (!writing_ || grace_due_)) {
      woken_ = true;
      setup_.context->outbox.post([self = this->shared_from_this()] { self->woken(); });
    }
  }

  void woken() {
    bool arm = false;
    {
      const std::lock_guard lock(mutex_);
      woken_ = false;
      arm = std::exchange(grace_due_, false);
      holds_ += arm ? 1 : 0;
    }
    if (arm) {
      arm_grace();
      const std::lock_guard lock(mutex_);
      --holds_;
    }
    advance();
  }

  /// A write that the client does not read never completes, so that Finish must wait for it: cancel then.
  void arm_grace() {
    const auto deadline =
        std::chrono::system_clock::now() + std::chrono::nanoseconds(setup_.context->limits.slow_client_grace.ns);
    grace_.Set(deadline, [weak = this->weak_from_this()](bool expired) {
      if (const auto self = weak.lock(); self && expired) {
        self->give_up();
      }
    });
  }

  void give_up() {
    {
      const std::lock_guard lock(mutex_);
      if (finished_) {
        return;
      }
      ++holds_;
    }
    setup_.call->TryCancel();
    {
      const std::lock_guard lock(mutex_);
      --holds_;
    }
    advance();
  }

  /// Starts the next write, or ends the stream. gRPC is never called with the lock held: it may call back.
  void advance() {
    std::unique_lock lock(mutex_);
    if (writing_ || finished_) {
      return;
    }
    if (!cancelled_ && !queue_.empty()) {
      writing_ = true;  // from here on this thread alone renders
      Item& head = queue_.front();
      const auto published = head.published;
      const std::size_t index = head.next++;
      if (head.next == head.count) {
        queue_.pop_front();
      }
      --queued_;
      lock.unlock();
      message_.Clear();
      render(*published, index, message_);
      tsan::released(this);
      this->StartWrite(&message_);
      return;
    }
    if ((cancelled_ || ending_) && holds_ == 0) {
      finished_ = true;
      const grpc::Status status = ending_.value_or(grpc::Status::CANCELLED);
      lock.unlock();
      setup_.context->counters.count_call(setup_.method, status.error_code());
      tsan::released(this);
      this->Finish(status);
    }
  }

  Setup setup_;
  std::shared_ptr<PushStream> self_;  ///< gRPC's reference, until OnDone
  bool attached_ = false;
  grpc::Alarm grace_;
  Message message_;  ///< being written; reused

  std::mutex mutex_;  ///< for all below
  std::deque<Item> queue_;
  std::size_t queued_ = 0;  ///< messages, bounded by queue_max
  bool writing_ = false;    ///< a message is being rendered or written
  bool woken_ = false;      ///< a task in the outbox will advance
  bool grace_due_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
  int holds_ = 0;  ///< uses of the call in progress: no Finish, and so no OnDone, before they are over
  std::optional<grpc::Status> ending_;  ///< ends with it when the queue is sent
};

}  // namespace homeostat::daemon::api
