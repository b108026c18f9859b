// Unary calls: answered at once from the published view, or later by the backend.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "daemon/api/context.hpp"
#include "daemon/api/tsan.hpp"

namespace homeostat::daemon::api {

/// Ends the call with `status`, on the calling thread.
inline grpc::ServerUnaryReactor* finish_now(Context& context, Method method, grpc::CallbackServerContext& call,
                                            const grpc::Status& status) {
  context.counters.count_call(method, status.error_code());
  grpc::ServerUnaryReactor* reactor = call.DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

/// Ends the call with what `fill` makes of the published view; UNAVAILABLE while there is none.
template <class Fill>
grpc::ServerUnaryReactor* answer_from_view(Context& context, Method method, grpc::CallbackServerContext& call,
                                           Fill fill) {
  grpc::Status status(grpc::StatusCode::UNAVAILABLE, "the daemon recovers its state; try again");
  if (const auto view = context.backend.view()) {
    status = fill(*view);
  }
  return finish_now(context, method, call, status);
}

/// A call that waits for the backend. Whoever comes first ends it: the answer, or the client's cancellation or
/// deadline; the other then does nothing. The backend's answer function holds the call by shared pointer, so
/// it may come late or never.
template <class Response>
class PendingCall final : public grpc::ServerUnaryReactor, public std::enable_shared_from_this<PendingCall<Response>> {
 public:
  /// The reactor to return to gRPC is the result's get(). Already ended (see `is_over`) when the daemon is not
  /// in service or too many calls wait.
  static std::shared_ptr<PendingCall> begin(const ContextPtr& context, Method method, Response* response) {
    auto call = std::make_shared<PendingCall>(context, method, response);
    call->self_ = call;
    call->ticket_ = Ticket::take(context, &Counters::pending_calls, context->limits.pending_calls_max);
    if (call->ticket_ == nullptr) {
      call->end(too_many("calls", context->limits.pending_calls_max));
    } else if (auto status = admit(*context); !status.ok()) {
      call->end(status);
    }
    return call;
  }

  PendingCall(ContextPtr context, Method method, Response* response)
      : context_(std::move(context)), method_(method), response_(response) {}

  [[nodiscard]] bool is_over() const {
    const std::lock_guard lock(mutex_);
    return over_;
  }

  /// Ends the call; the first end counts.
  void end(const grpc::Status& status) {
    if (claim()) {
      finish(status);
    }
  }
  void end(const Error& error) { end(status_from_error(error)); }

  /// Ends the call with what `fill(response)` makes of it, later, on the outbox thread: for answers that come
  /// on the engine thread.
  template <class Fill>
  void end_later(Fill fill) {
    context_->outbox.post([self = this->shared_from_this(), fill = std::move(fill)]() mutable {
      if (self->claim()) {
        self->finish(fill(*self->response_));
      }
    });
  }

  void OnCancel() override {
    end(grpc::Status(grpc::StatusCode::CANCELLED, "the client cancelled, or its deadline passed"));
  }

  void OnDone() override {
    tsan::acquired(this);
    ticket_.reset();
    const auto last = std::move(self_);  // dies at the end of this scope, and the call with it
  }

 private:
  /// True for the first caller only, who then must finish().
  bool claim() {
    const std::lock_guard lock(mutex_);
    return !std::exchange(over_, true);
  }

  void finish(const grpc::Status& status) {
    context_->counters.count_call(method_, status.error_code());
    tsan::released(this);
    this->Finish(status);
  }

  const ContextPtr context_;
  const Method method_;
  Response* const response_;  ///< valid until OnDone, so only for who claimed
  TicketPtr ticket_;
  std::shared_ptr<PendingCall> self_;  ///< gRPC's reference, until OnDone
  mutable std::mutex mutex_;
  bool over_ = false;
};

}  // namespace homeostat::daemon::api
