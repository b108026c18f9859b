#include "daemon/api/services.hpp"
#include "daemon/api/unary.hpp"
#include "daemon/convert/guardian.hpp"
#include "homeostat/v1/guardian.grpc.pb.h"

namespace homeostat::daemon::api {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using v1::CommandResponse;

class GuardianService final : public v1::GuardianService::CallbackService {
 public:
  explicit GuardianService(ContextPtr context) : context_(std::move(context)) {}

  ServerUnaryReactor* Pause(CallbackServerContext* call, const v1::PauseRequest* request,
                            CommandResponse* response) override {
    return order(Method::pause, *call, *request, response);
  }
  ServerUnaryReactor* Resume(CallbackServerContext* call, const v1::ResumeRequest* request,
                             CommandResponse* response) override {
    return order(Method::resume, *call, *request, response);
  }
  ServerUnaryReactor* Override(CallbackServerContext* call, const v1::OverrideRequest* request,
                               CommandResponse* response) override {
    return order(Method::override_value, *call, *request, response);
  }
  ServerUnaryReactor* ClearOverride(CallbackServerContext* call, const v1::ClearOverrideRequest* request,
                                    CommandResponse* response) override {
    return order(Method::clear_override, *call, *request, response);
  }
  ServerUnaryReactor* ShiftSetpoint(CallbackServerContext* call, const v1::ShiftSetpointRequest* request,
                                    CommandResponse* response) override {
    return order(Method::shift_setpoint, *call, *request, response);
  }
  ServerUnaryReactor* ClearShift(CallbackServerContext* call, const v1::ClearShiftRequest* request,
                                 CommandResponse* response) override {
    return order(Method::clear_shift, *call, *request, response);
  }
  ServerUnaryReactor* Emergency(CallbackServerContext* call, const v1::EmergencyRequest* request,
                                CommandResponse* response) override {
    return order(Method::emergency, *call, *request, response);
  }
  ServerUnaryReactor* Veto(CallbackServerContext* call, const v1::VetoRequest* request,
                           CommandResponse* response) override {
    return order(Method::veto, *call, *request, response);
  }
  ServerUnaryReactor* Release(CallbackServerContext* call, const v1::ReleaseRequest* request,
                              CommandResponse* response) override {
    return order(Method::release, *call, *request, response);
  }
  ServerUnaryReactor* ClearHalt(CallbackServerContext* call, const v1::ClearHaltRequest* request,
                                CommandResponse* response) override {
    return order(Method::clear_halt, *call, *request, response);
  }
  ServerUnaryReactor* Submit(CallbackServerContext*, const v1::SubmitRequest* request,
                             CommandResponse* response) override {
    auto call = PendingCall<CommandResponse>::begin(context_, Method::submit, response);
    if (call->is_over()) return call.get();
    auto command = convert::signed_from_proto(*request, context_->backend.now());
    if (!command) {
      call->end(command.error());
      return call.get();
    }
    return hand_on(*std::move(command), std::move(call));
  }
  ServerUnaryReactor* ListPending(CallbackServerContext* call, const v1::ListPendingRequest*,
                                  v1::ListPendingResponse* response) override {
    return answer_from_view(*context_, Method::list_pending, *call, [&](const engine::View& view) {
      convert::proto_from_pending(view, *response);
      return grpc::Status::OK;
    });
  }

 private:
  /// Every order is the same but for its request: checked, handed to the engine, answered when durable.
  template <class Request>
  ServerUnaryReactor* order(Method method, const CallbackServerContext& server_call, const Request& request,
                            CommandResponse* response) {
    auto call = PendingCall<CommandResponse>::begin(context_, method, response);
    if (call->is_over()) {
      return call.get();
    }
    const auto view = context_->backend.view();
    if (view == nullptr) {
      call->end(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the daemon recovers its state; try again"));
      return call.get();
    }
    const convert::OrderContext order_context{
        .view = *view, .at = context_->backend.now(), .identity = identity_of(server_call)};
    auto command = convert::command_from_proto(request, order_context);
    if (!command) {
      call->end(command.error());
      return call.get();
    }
    return hand_on(*std::move(command), std::move(call));
  }

  /// To the engine; the call ends when the order is durable and judged.
  template <class Command>
  ServerUnaryReactor* hand_on(Command command, std::shared_ptr<PendingCall<CommandResponse>> call) {
    context_->backend.command(std::move(command), [call](Result<engine::CommandOutcome> outcome) {
      call->end_later([outcome = std::move(outcome)](CommandResponse& filled) { return answer(outcome, filled); });
    });
    return call.get();
  }

  static grpc::Status answer(const Result<engine::CommandOutcome>& outcome, CommandResponse& response) {
    if (!outcome) {
      return status_from_error(outcome.error());
    }
    if (!outcome->accepted) {
      // The order was well-formed; its value, the state or the policy does not allow it.
      return status_from_error(Error{outcome->refusal, "", outcome->message});
    }
    response.set_id(outcome->id);
    response.set_message(outcome->message);
    response.set_missing_signatures(outcome->missing);
    return grpc::Status::OK;
  }

  const ContextPtr context_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_guardian_service(ContextPtr context) {
  return std::make_unique<GuardianService>(std::move(context));
}

}  // namespace homeostat::daemon::api
