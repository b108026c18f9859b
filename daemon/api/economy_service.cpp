// Calculations on the published view, answered on gRPC's own threads: nothing here reaches the engine. Sizes are
// bounded (convert/economy.hpp), so that a call takes milliseconds.
#include "daemon/api/services.hpp"
#include "daemon/api/unary.hpp"
#include "daemon/convert/economy.hpp"
#include "homeostat/v1/economy.grpc.pb.h"

namespace homeostat::daemon::api {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

class EconomyService final : public v1::EconomyService::CallbackService {
 public:
  explicit EconomyService(ContextPtr context) : context_(std::move(context)) {}

  ServerUnaryReactor* ListMechanisms(CallbackServerContext* call, const v1::ListMechanismsRequest*,
                                     v1::ListMechanismsResponse* response) override {
    *response = convert::mechanisms_to_proto();
    return finish_now(*context_, Method::list_mechanisms, *call, grpc::Status::OK);
  }
  ServerUnaryReactor* ListGovernedParameters(CallbackServerContext* call, const v1::ListGovernedParametersRequest*,
                                             v1::ListGovernedParametersResponse* response) override {
    *response = convert::governed_parameters_to_proto();
    return finish_now(*context_, Method::list_governed_parameters, *call, grpc::Status::OK);
  }
  ServerUnaryReactor* Evaluate(CallbackServerContext* call, const v1::EvaluateRequest* request,
                               v1::EvaluateResponse* response) override {
    return of_view(Method::evaluate, *call, *request, *response);
  }
  ServerUnaryReactor* QuoteBonding(CallbackServerContext* call, const v1::QuoteBondingRequest* request,
                                   v1::QuoteBondingResponse* response) override {
    return of_view(Method::quote_bonding, *call, *request, *response);
  }
  ServerUnaryReactor* Apportion(CallbackServerContext* call, const v1::ApportionRequest* request,
                                v1::ApportionResponse* response) override {
    return finish_now(*context_, Method::apportion, *call, put(convert::answer(*request), *response));
  }
  ServerUnaryReactor* FindArbitrage(CallbackServerContext* call, const v1::FindArbitrageRequest* request,
                                    v1::FindArbitrageResponse* response) override {
    return finish_now(*context_, Method::find_arbitrage, *call,
                      put(convert::answer(*request, context_->backend.now()), *response));
  }
  ServerUnaryReactor* PlanRebalance(CallbackServerContext* call, const v1::PlanRebalanceRequest* request,
                                    v1::PlanRebalanceResponse* response) override {
    return finish_now(*context_, Method::plan_rebalance, *call, put(convert::answer(*request), *response));
  }

 private:
  template <class Response>
  static grpc::Status put(Result<Response> answer, Response& response) {
    if (!answer) {
      Error error = std::move(answer.error());
      if (error.code == ErrorCode::missing)
        error.code = ErrorCode::invalid_argument;  // from the request: nothing here is the daemon's
      return status_from_error(error);
    }
    response = *std::move(answer);
    return grpc::Status::OK;
  }

  template <class Request, class Response>
  ServerUnaryReactor* of_view(Method method, CallbackServerContext& call, const Request& request, Response& response) {
    return answer_from_view(*context_, method, call,
                            [&](const engine::View& view) { return put(convert::answer(request, view), response); });
  }

  const ContextPtr context_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_economy_service(ContextPtr context) {
  return std::make_unique<EconomyService>(std::move(context));
}

}  // namespace homeostat::daemon::api
