#include "daemon/api/ingest_stream.hpp"
#include "daemon/api/services.hpp"
#include "daemon/api/tsan.hpp"
#include "daemon/api/unary.hpp"
#include "daemon/convert/ingest.hpp"
#include "homeostat/v1/ingest.grpc.pb.h"

namespace homeostat::daemon::api {
namespace {

class RefusedIngest final : public grpc::ServerBidiReactor<v1::SampleBatch, v1::IngestReply> {
 public:
  RefusedIngest(Context& context, const grpc::Status& status) {
    context.counters.count_call(Method::ingest, status.error_code());
    tsan::released(this);
    Finish(status);
  }
  void OnDone() override {
    tsan::acquired(this);
    delete this;
  }
};

class IngestService final : public v1::IngestService::CallbackService {
 public:
  explicit IngestService(ContextPtr context) : context_(std::move(context)) {}

  grpc::ServerBidiReactor<v1::SampleBatch, v1::IngestReply>* Ingest(grpc::CallbackServerContext*) override {
    if (auto status = admit(*context_); !status.ok()) {
      return new RefusedIngest(*context_, status);
    }
    auto ticket = Ticket::take(context_, &Counters::ingest_streams, context_->limits.streams_max);
    if (ticket == nullptr) {
      return new RefusedIngest(*context_, too_many("ingest streams", context_->limits.streams_max));
    }
    return std::make_shared<IngestStream>(context_, std::move(ticket))->open();
  }

  grpc::ServerUnaryReactor* Push(grpc::CallbackServerContext*, const v1::SampleBatch* request,
                                 v1::IngestReply* response) override {
    auto call = PendingCall<v1::IngestReply>::begin(context_, Method::push, response);
    if (!call->is_over()) {
      push(*request, *response, call);
    }
    return call.get();
  }

 private:
  /// The same in-band answers as on the stream: a script sees one kind of reply. `response` may be filled here
  /// only before the batch is handed on.
  void push(const v1::SampleBatch& request, v1::IngestReply& response,
            const std::shared_ptr<PendingCall<v1::IngestReply>>& call) {
    Counters& counters = context_->counters;
    counters.batches.fetch_add(1, std::memory_order_relaxed);
    response.set_first_sequence(request.first_sequence());
    auto batch = convert::batch_from_proto(request, context_->backend.now());
    if (!batch) {
      counters.malformed.fetch_add(1, std::memory_order_relaxed);
      call->end_later([error = batch.error()](v1::IngestReply& reply) {
        reply_malformed(error, reply);
        return grpc::Status::OK;
      });
      return;
    }
    const std::size_t samples = batch->samples.size();
    const auto answer = [context = context_, call](Result<oracle::BatchVerdict> verdict) {
      call->end_later([context, verdict = std::move(verdict)](v1::IngestReply& reply) {
        if (verdict) {
          convert::proto_from_verdict(*verdict, context->backend.now(), reply);
        } else {
          context->counters.overloaded.fetch_add(1, std::memory_order_relaxed);
          reply_overloaded(verdict.error(), reply);
        }
        return grpc::Status::OK;
      });
    };
    if (auto taken = context_->backend.submit(*std::move(batch), answer); !taken) {
      answer(tl::make_unexpected(taken.error()));
    } else {
      counters.samples.fetch_add(samples, std::memory_order_relaxed);
    }
  }

  const ContextPtr context_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_ingest_service(ContextPtr context) {
  return std::make_unique<IngestService>(std::move(context));
}

}  // namespace homeostat::daemon::api
