#include <algorithm>

#include "daemon/api/build_info.hpp"
#include "daemon/api/push_stream.hpp"
#include "daemon/api/services.hpp"
#include "daemon/api/unary.hpp"
#include "daemon/convert/control.hpp"
#include "daemon/convert/decision.hpp"
#include "homeostat/v1/control.grpc.pb.h"

namespace homeostat::daemon::api {
namespace {

convert::ServerFacts facts_of(const Context& context) {
  return {.version = build_info().version,
          .executors = static_cast<std::uint32_t>(context.counters.subscribe_streams.load(std::memory_order_relaxed))};
}

bool led_to_an_adjustment(const engine::DecisionRecord& record) {
  switch (record.outcome) {
    case engine::Outcome::no_change:
    case engine::Outcome::withheld: return false;
    case engine::Outcome::awaiting_veto:
    case engine::Outcome::awaiting_approval:
    case engine::Outcome::emitted:
    case engine::Outcome::vetoed: return true;
  }
  return true;
}

/// Of one publication, in this order: its decisions, its notices, and the status if it was a tick.
class WatchStream final : public PushStream<v1::WatchEvent> {
 public:
  WatchStream(Setup setup, bool all_decisions) : PushStream(std::move(setup)), all_decisions_(all_decisions) {}

 protected:
  std::shared_ptr<const Published> first(const std::shared_ptr<const engine::View>& view,
                                         const std::vector<engine::Adjustment>&) override {
    return std::make_shared<const Published>(Published{.view = view});
  }

  std::size_t count(const Published& published) override {
    const std::size_t decisions = decisions_of(published);
    const bool ticked = published.view != nullptr && published.view->ticks != last_ticks_;
    if (ticked) {
      last_ticks_ = published.view->ticks;
    }
    return decisions + published.notices.size() + (ticked ? 1 : 0);
  }

  void render(const Published& published, std::size_t index, v1::WatchEvent& event) override {
    const std::size_t decisions = decisions_of(published);
    if (index < decisions) {
      const engine::DecisionRecord& record = decision(published, index);
      convert::proto_from_decision(record, unit_of(published, record), *event.mutable_decision());
    } else if (index - decisions < published.notices.size()) {
      convert::proto_from_notice(published.notices[index - decisions], *event.mutable_notice());
    } else {
      convert::proto_from_status(*published.view, context().backend.run_status(), facts_of(context()),
                                 *event.mutable_status());
    }
  }

 private:
  static std::string_view unit_of(const Published& published, const engine::DecisionRecord& record) {
    return published.view == nullptr ? std::string_view{} : convert::unit_of(*published.view, record.parameter);
  }

  [[nodiscard]] bool wants(const engine::DecisionRecord& record) const {
    return all_decisions_ || led_to_an_adjustment(record);
  }

  [[nodiscard]] std::size_t decisions_of(const Published& published) const {
    return all_decisions_ ? published.decisions.size()
                          : static_cast<std::size_t>(std::count_if(published.decisions.begin(),
                                                                   published.decisions.end(), led_to_an_adjustment));
  }

  /// The `index`-th wanted decision.
  [[nodiscard]] const engine::DecisionRecord& decision(const Published& published, std::size_t index) const {
    if (all_decisions_) {
      return published.decisions[index];
    }
    auto found = std::find_if(published.decisions.begin(), published.decisions.end(), led_to_an_adjustment);
    for (; index > 0; --index) {
      found = std::find_if(found + 1, published.decisions.end(), led_to_an_adjustment);
    }
    return *found;
  }

  const bool all_decisions_;
  std::uint64_t last_ticks_ = ~std::uint64_t{0};  ///< of the last status queued; engine thread only
};

class ControlService final : public v1::ControlService::CallbackService {
 public:
  explicit ControlService(ContextPtr context) : context_(std::move(context)) {}

  /// Answered also while the daemon is not in service, so that an operator sees how far it is.
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* call, const v1::GetStatusRequest*,
                                      v1::Status* response) override {
    return answer_from_view(*context_, Method::get_status, *call, [&](const engine::View& view) {
      convert::proto_from_status(view, context_->backend.run_status(), facts_of(*context_), *response);
      return grpc::Status::OK;
    });
  }

  grpc::ServerUnaryReactor* ListSources(grpc::CallbackServerContext* call, const v1::ListSourcesRequest*,
                                        v1::ListSourcesResponse* response) override {
    return from_view(Method::list_sources, call, [&](const engine::View& view) {
      for (const auto& source : view.sources) {
        convert::proto_from_source(source, context_->backend.source_kind(source.name), *response->add_sources());
      }
    });
  }

  grpc::ServerUnaryReactor* ListMetrics(grpc::CallbackServerContext* call, const v1::ListMetricsRequest*,
                                        v1::ListMetricsResponse* response) override {
    return from_view(Method::list_metrics, call, [&](const engine::View& view) {
      for (const auto& metric : view.metrics) {
        convert::proto_from_metric(metric, *response->add_metrics());
      }
    });
  }

  grpc::ServerUnaryReactor* ListLoops(grpc::CallbackServerContext* call, const v1::ListLoopsRequest*,
                                      v1::ListLoopsResponse* response) override {
    return from_view(Method::list_loops, call, [&](const engine::View& view) {
      for (const auto& loop : view.loops) {
        convert::proto_from_loop(loop, view, *response->add_loops());
      }
    });
  }

  grpc::ServerUnaryReactor* ListParameters(grpc::CallbackServerContext* call, const v1::ListParametersRequest*,
                                           v1::ListParametersResponse* response) override {
    return from_view(Method::list_parameters, call, [&](const engine::View& view) {
      for (const auto& parameter : view.parameters) {
        convert::proto_from_parameter(parameter, *response->add_parameters());
      }
    });
  }

  grpc::ServerUnaryReactor* ListDecisions(grpc::CallbackServerContext*, const v1::ListDecisionsRequest* request,
                                          v1::ListDecisionsResponse* response) override {
    auto call = PendingCall<v1::ListDecisionsResponse>::begin(context_, Method::list_decisions, response);
    if (!call->is_over()) {
      if (auto filter = convert::filter_from_proto(*request)) {
        context_->backend.decisions(*std::move(filter), answer_with_decisions(call));
      } else {
        call->end(filter.error());
      }
    }
    return call.get();
  }

  grpc::ServerUnaryReactor* Preview(grpc::CallbackServerContext*, const v1::PreviewRequest*,
                                    v1::PreviewResponse* response) override {
    auto call = PendingCall<v1::PreviewResponse>::begin(context_, Method::preview, response);
    if (!call->is_over()) {
      context_->backend.preview(answer_with_decisions(call));
    }
    return call.get();
  }

  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext*, const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override {
    auto call = PendingCall<v1::ExplainResponse>::begin(context_, Method::explain, response);
    if (!call->is_over()) {
      context_->backend.decision(request->id(), [context = context_, call](Result<engine::DecisionRecord> record) {
        call->end_later([context, record = std::move(record)](v1::ExplainResponse& filled) {
          if (!record) {
            return status_from_error(record.error());
          }
          const auto view = context->backend.view();
          const std::string_view unit = view ? convert::unit_of(*view, record->parameter) : std::string_view{};
          convert::proto_from_decision(*record, unit, *filled.mutable_decision());
          filled.set_text(convert::explain(*record, unit));
          return grpc::Status::OK;
        });
      });
    }
    return call.get();
  }

  grpc::ServerWriteReactor<v1::WatchEvent>* Watch(grpc::CallbackServerContext* call,
                                                  const v1::WatchRequest* request) override {
    if (auto status = admit(*context_); !status.ok()) {
      return new RefusedStream<v1::WatchEvent>(*context_, Method::watch, status);
    }
    auto ticket = Ticket::take(context_, &Counters::watch_streams, context_->limits.streams_max);
    if (ticket == nullptr) {
      return new RefusedStream<v1::WatchEvent>(*context_, Method::watch,
                                               too_many("watch streams", context_->limits.streams_max));
    }
    PushStream<v1::WatchEvent>::Setup setup{.context = context_,
                                            .call = call,
                                            .method = Method::watch,
                                            .ticket = std::move(ticket),
                                            .queue_max = context_->limits.watch_queue_max};
    return std::make_shared<WatchStream>(std::move(setup), request->decisions())->open();
  }

 private:
  template <class Fill>
  grpc::ServerUnaryReactor* from_view(Method method, grpc::CallbackServerContext* call, Fill fill) {
    if (auto status = admit(*context_); !status.ok()) {
      return finish_now(*context_, method, *call, status);
    }
    return answer_from_view(*context_, method, *call, [&](const engine::View& view) {
      fill(view);
      return grpc::Status::OK;
    });
  }

  /// Ends `call` with the records, each with its parameter's unit.
  template <class Response>
  Backend::Done<std::vector<engine::DecisionRecord>> answer_with_decisions(
      const std::shared_ptr<PendingCall<Response>>& call) {
    return [context = context_, call](Result<std::vector<engine::DecisionRecord>> records) {
      call->end_later([context, records = std::move(records)](Response& filled) {
        if (!records) {
          return status_from_error(records.error());
        }
        const auto view = context->backend.view();
        for (const engine::DecisionRecord& record : *records) {
          convert::proto_from_decision(record, view ? convert::unit_of(*view, record.parameter) : std::string_view{},
                                       *filled.add_decisions());
        }
        return grpc::Status::OK;
      });
    };
  }

  const ContextPtr context_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_control_service(ContextPtr context) {
  return std::make_unique<ControlService>(std::move(context));
}

}  // namespace homeostat::daemon::api
