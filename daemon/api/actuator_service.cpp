#include <algorithm>

#include "daemon/api/push_stream.hpp"
#include "daemon/api/services.hpp"
#include "daemon/api/unary.hpp"
#include "daemon/convert/actuator.hpp"
#include "daemon/convert/names.hpp"
#include "homeostat/v1/actuator.grpc.pb.h"

namespace homeostat::daemon::api {
namespace {

/// First everything outstanding, in id order, then every adjustment as it is emitted. Nothing is filtered by the id
/// the executor names: an adjustment that waited in its veto window goes out after later ones, and an answer
/// to a lower id may have been lost on its way. Executors are idempotent by id, so sending again is harmless.
class AdjustmentStream final : public PushStream<v1::Adjustment> {
 public:
  AdjustmentStream(Setup setup, convert::Subscription subscription, std::uint64_t epoch)
      : PushStream(std::move(setup)), subscription_(std::move(subscription)), epoch_(epoch) {}

 protected:
  std::shared_ptr<const Published> first(const std::shared_ptr<const engine::View>& view,
                                         const std::vector<engine::Adjustment>& outstanding) override {
    auto published = std::make_shared<Published>(Published{.view = view, .adjustments = outstanding});
    std::sort(published->adjustments.begin(), published->adjustments.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return published;
  }

  std::size_t count(const Published& published) override {
    const auto& all = published.adjustments;
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [this](const auto& x) { return wants(x); }));
  }

  void render(const Published& published, std::size_t index, v1::Adjustment& proto) override {
    for (const engine::Adjustment& adjustment : published.adjustments) {
      if (wants(adjustment) && index-- == 0) {
        convert::proto_from_adjustment(adjustment, epoch_, proto);
        return;
      }
    }
  }

 private:
  [[nodiscard]] bool wants(const engine::Adjustment& adjustment) const { return subscription_.wants(adjustment); }

  const convert::Subscription subscription_;
  const std::uint64_t epoch_;
};

/// Whose scale an answer's value has: the parameter's that waits for this very adjustment, if any.
const engine::ParameterView* waiting_for(const engine::View& view, std::uint64_t adjustment) {
  const auto& all = view.parameters;
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& x) { return x.in_flight == adjustment; });
  return found == all.end() ? nullptr : &*found;
}

class ActuatorService final : public v1::ActuatorService::CallbackService {
 public:
  explicit ActuatorService(ContextPtr context) : context_(std::move(context)) {}

  grpc::ServerWriteReactor<v1::Adjustment>* Subscribe(grpc::CallbackServerContext* call,
                                                      const v1::SubscribeRequest* request) override {
    const auto refuse = [&](const grpc::Status& status) {
      return new RefusedStream<v1::Adjustment>(*context_, Method::subscribe, status);
    };
    const auto view = context_->backend.view();
    if (auto status = admit(*context_); !status.ok() || view == nullptr) {
      return refuse(status.ok() ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "the daemon recovers its state")
                                : status);
    }
    auto subscription = convert::subscription_from_proto(*request, *view);
    if (!subscription) {
      return refuse(status_from_error(subscription.error()));
    }
    auto ticket = Ticket::take(context_, &Counters::subscribe_streams, context_->limits.streams_max);
    if (ticket == nullptr) {
      return refuse(too_many("subscriptions", context_->limits.streams_max));
    }
    PushStream<v1::Adjustment>::Setup setup{.context = context_,
                                            .call = call,
                                            .method = Method::subscribe,
                                            .ticket = std::move(ticket),
                                            .queue_max = context_->limits.subscribe_queue_max};
    const std::uint64_t epoch = context_->backend.run_status().epoch;
    return std::make_shared<AdjustmentStream>(std::move(setup), *std::move(subscription), epoch)->open();
  }

  grpc::ServerUnaryReactor* Acknowledge(grpc::CallbackServerContext* context, const v1::AcknowledgeRequest* request,
                                        v1::AcknowledgeResponse* response) override {
    auto call = PendingCall<v1::AcknowledgeResponse>::begin(context_, Method::acknowledge, response);
    if (call->is_over()) {
      return call.get();
    }
    const std::string identity = identity_of(*context);
    const auto view = context_->backend.view();
    if (auto ok = convert::check_answer(*request); !ok) {
      call->end(ok.error());
    } else if (const auto* parameter = view ? waiting_for(*view, request->adjustment_id()) : nullptr) {
      report(*context_, call, *request, parameter->value.decimals(), identity);
    } else {
      // Answered before, given up, or never sent: the journal knows.
      context_->backend.decision(request->adjustment_id(), [context = context_, call, request = *request,
                                                            identity](Result<engine::DecisionRecord> record) {
        report_late(*context, call, request, std::move(record), identity);
      });
    }
    return call.get();
  }

 private:
  using Call = std::shared_ptr<PendingCall<v1::AcknowledgeResponse>>;

  static void report(Context& context, const Call& call, const v1::AcknowledgeRequest& request, int decimals,
                     const std::string& identity) {
    auto report = convert::report_from_proto(request, decimals, context.backend.now());
    if (!report) {
      end_later(call, report.error());
      return;
    }
    if (!identity.empty()) {
      report->executor = identity;
    }
    context.backend.report(*std::move(report), [call](Result<engine::CommandOutcome> outcome) {
      call->end_later([outcome = std::move(outcome)](v1::AcknowledgeResponse& response) {
        if (!outcome) {
          return status_from_error(outcome.error());
        }
        response.set_recorded(outcome->accepted);
        response.set_message(outcome->message);
        return grpc::Status::OK;
      });
    });
  }

  static void report_late(Context& context, const Call& call, const v1::AcknowledgeRequest& request,
                          Result<engine::DecisionRecord> record, const std::string& identity) {
    if (record && record->outcome != engine::Outcome::emitted) {
      record = fail(ErrorCode::missing, "adjustment_id",
                    "decision " + std::to_string(record->id) + " never was sent as an adjustment");
    }
    if (!record) {
      end_later(call, record.error());
      return;
    }
    // The policy in force says the scale; the parameter may have another one by now, or be gone.
    const auto view = context.backend.view();
    const auto* parameter = view ? convert::find_by_name(view->parameters, record->parameter) : nullptr;
    report(context, call, request, parameter ? parameter->value.decimals() : record->value.decimals(), identity);
  }

  static void end_later(const Call& call, Error error) {
    call->end_later([error = std::move(error)](v1::AcknowledgeResponse&) { return status_from_error(error); });
  }

  const ContextPtr context_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_actuator_service(ContextPtr context) {
  return std::make_unique<ActuatorService>(std::move(context));
}

}  // namespace homeostat::daemon::api
