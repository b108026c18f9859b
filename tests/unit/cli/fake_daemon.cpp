#include "fake_daemon.hpp"

#include <google/protobuf/text_format.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <mutex>

#include "core/format.hpp"
#include "homeostat/v1/admin.grpc.pb.h"
#include "homeostat/v1/control.grpc.pb.h"
#include "homeostat/v1/guardian.grpc.pb.h"

namespace homeostat::cli::test {
namespace {

namespace v1 = ::homeostat::v1;
using grpc::ServerContext;
using grpc::Status;

/// A message of its text form: data reads best as data.
template <class Message>
Status fill(Message* target, const char* text) {
  const bool parsed = google::protobuf::TextFormat::ParseFromString(text, target);
  EXPECT_TRUE(parsed) << text;
  return Status::OK;
}

// 1769860800 is 2026-01-31T12:00:00Z, ten seconds before the tests' present.
constexpr const char* kStatus = R"(
  healthy: true health: "the watermark advances: complete up to 2026-01-31T11:59:58Z, 12s ago" watermark { seconds: 1769860798 }
  version: "0.1.0" policy: "streaming" policy_digest: "9f86d081884c7d659a2feaa0c55ad015" policy_generation: 3
  mode: OPERATING_MODE_DEGRADED
  causes { kind: "reading_unusable" subject: "token_velocity" reason: "no sample for 3m" mode: OPERATING_MODE_DEGRADED
           since { seconds: 1769860620 } }
  period { seconds: 5 } slot: 353972160 at { seconds: 1769860800 } ticks: 12345 missed_slots: 2
  started { seconds: 1769774400 } epoch: 7 decisions: 24690 durable_sequence: 1234567 executors: 1
  sources_connected: 1 sources: 2 decisions_hash: "00112233445566778899aabbccddeeff")";

constexpr const char* kDecision = R"(
  id: 17 slot: 353972160 at { seconds: 1769860800 nanos: 250000000 } parameter: "transaction_fee" unit: "ratio"
  loops { loop: "velocity_to_fee" metric: "token_velocity" setpoint: 1.5 error: 0.25 p: 0.001 i: 0.0005 d: 0
          feed_forward: 0 unlimited: 0.0015 output: 0.0015
          reading { value: 1.75 quality: QUALITY_OK time { seconds: 1769860799 } age { seconds: 1 } sources: 1 count: 42
                    provenance { source: "chain" time { seconds: 1769860799 } sequence: 1203 log_index: 4
                                 block_hash: "0xab" } } }
  mode: OPERATING_MODE_NORMAL proposed: 0.0140001 wanted: "0.014"
  limits { limit: "change" without: "0.014" with: "0.0125" detail: "at most 0.0025 at a time" }
  previous: "0.01" value: "0.0125" outcome: "emitted" why: "velocity is above its set-point" policy_digest: "9f86"
  answer: "applied" applied: "0.0125" answered { seconds: 1769860803 } executor: "chain-executor"
  answer_detail: "0x1234")";

class Control final : public v1::ControlService::Service {
  Status GetStatus(ServerContext*, const v1::GetStatusRequest*, v1::Status* r) override { return fill(r, kStatus); }
  Status ListSources(ServerContext*, const v1::ListSourcesRequest*, v1::ListSourcesResponse* r) override {
    return fill(r, R"(
      sources { name: "chain" kind: "evm" condition: "connected" since { seconds: 1769857210 } accepted: 1234567
                newest { seconds: 1769860799 } watermark { seconds: 1769860799 } block: 1203 block_hash: "0xab" finalized: 1139 reorgs: 1 }
      sources { name: "indexer" kind: "push" condition: "failing" detail: "no batch for 3m" since { seconds: 1769860630 }
                accepted: 99 refused { key: "in_future" value: 2 } refused { key: "duplicate" value: 5 }
                newest { seconds: 1769860630 } watermark { seconds: 1769860600 } idle: true skewed: true
                skew { seconds: 300 } last_refused: "token_velocity: 5m in the future" })");
  }
  Status ListMetrics(ServerContext*, const v1::ListMetricsRequest*, v1::ListMetricsResponse* r) override {
    return fill(r, R"(
      metrics { name: "creator_ratio" unit: "ratio" help: "creators per viewer"
                reading { value: 0.0412345678 quality: QUALITY_OK time { seconds: 1769860799 }
                          age { seconds: 1 nanos: 250000000 } sources: 1 count: 420 error_ratio: 0.008
                          provenance { source: "chain" sequence: 1203 log_index: 4 block_hash: "0xab" } } }
      metrics { name: "token_velocity" unit: "1/d"
                reading { value: 1.75 quality: QUALITY_STALE reason: "no sample for 3m" time { seconds: 1769860620 }
                          age { seconds: 180 } sources: 1 provenance { source: "indexer" sequence: 99 } } })");
  }
  Status ListLoops(ServerContext*, const v1::ListLoopsRequest*, v1::ListLoopsResponse* r) override {
    return fill(r, R"(
      loops { name: "creator_rewards" metric: "creator_ratio" parameter: "reward_rate" response: "attract creators"
              setpoint: 0.05 setpoint_shift: 0.01 shift_until { seconds: 1769868000 } value: 0.0412 quality: QUALITY_OK
              error: 0.0088 p: 0.5 i: 0.25 d: 0 output: 0.75 }
      loops { name: "velocity_to_fee" metric: "token_velocity" parameter: "transaction_fee" response: "slow the token"
              setpoint: 1.5 value: 1.75 quality: QUALITY_STALE error: 0.25 p: 0.001 i: 0.0005 output: 0.0015
              frozen: true })");
  }
  Status ListParameters(ServerContext*, const v1::ListParametersRequest*, v1::ListParametersResponse* r) override {
    return fill(r, R"(
      parameters { name: "reward_rate" unit: "tokens/d" value: "120" wanted: "121" min: "50" max: "500" quantum: "1"
                   initial: "100" overridden: true override_value: "120" override_until { seconds: 1769868000 }
                   override_by: "ada" drift_used: "20" drift_budget: "100" last_decision: 16 why: "held by ada"
                   emitted: 4 applied: 4 }
      parameters { name: "transaction_fee" unit: "ratio" value: "0.0125" wanted: "0.014" min: "0.001" max: "0.05"
                   quantum: "0.0001" initial: "0.01" in_flight: 18 last_decision: 18 emitted: 9 applied: 8
                   why: "velocity is above its set-point" })");
  }
  Status ListDecisions(ServerContext*, const v1::ListDecisionsRequest* q, v1::ListDecisionsResponse* r) override {
    if (q->parameter() == "nothing") return Status::OK;
    fill(r->add_decisions(), kDecision);
    return fill(r->add_decisions(), R"(
      id: 16 at { seconds: 1769860795 } parameter: "reward_rate" unit: "tokens/d" previous: "120" value: "120"
      wanted: "121" outcome: "withheld" why: "held by ada" mode: OPERATING_MODE_NORMAL answer: "none")");
  }
  Status Explain(ServerContext*, const v1::ExplainRequest* q, v1::ExplainResponse* r) override {
    if (q->id() > 17) return {grpc::StatusCode::NOT_FOUND, "no decision 99; 1 to 17 are kept"};
    r->set_text("transaction_fee moved from 0.01 to 0.0125 ratio.\n");
    fill(r->mutable_decision(), kDecision);
    if (q->id() == 5) r->mutable_decision()->set_outcome("awaiting_veto");
    return Status::OK;
  }
  Status Preview(ServerContext*, const v1::PreviewRequest*, v1::PreviewResponse* r) override {
    fill(r->add_decisions(), kDecision);
    r->mutable_decisions(0)->set_id(0);
    r->mutable_decisions(0)->set_answer("none");
    return Status::OK;
  }
  Status Watch(ServerContext*, const v1::WatchRequest*, grpc::ServerWriter<v1::WatchEvent>* writer) override {
    v1::WatchEvent event;
    fill(event.mutable_status(), kStatus);
    writer->Write(event);
    fill(event.mutable_decision(), kDecision);
    writer->Write(event);
    fill(&event, R"(notice { kind: "source" at { seconds: 1769860800 } subject: "indexer" text: "no batch for 3m" })");
    writer->Write(event);
    return {grpc::StatusCode::UNAVAILABLE, "draining"};
  }
};

class Guardian final : public v1::GuardianService::Service {
 public:
  std::vector<std::string> orders() const {
    const std::lock_guard lock(mutex_);
    return orders_;
  }

 private:
  template <class Request>
  Status take(const Request* request, v1::CommandResponse* response) {
    if (request->order().actor() == "mallory") return {grpc::StatusCode::PERMISSION_DENIED, "mallory may not do that"};
    if (request->order().reason() == "again") return {grpc::StatusCode::FAILED_PRECONDITION, "it is so already"};
    const std::lock_guard lock(mutex_);
    orders_.push_back(request->GetDescriptor()->name() + " " + request->ShortDebugString());
    response->set_id(orders_.size());
    response->set_message("done at the next tick");
    return Status::OK;
  }
  Status Pause(ServerContext*, const v1::PauseRequest* q, v1::CommandResponse* r) override { return take(q, r); }
  Status Resume(ServerContext*, const v1::ResumeRequest* q, v1::CommandResponse* r) override { return take(q, r); }
  Status Override(ServerContext*, const v1::OverrideRequest* q, v1::CommandResponse* r) override { return take(q, r); }
  Status ClearOverride(ServerContext*, const v1::ClearOverrideRequest* q, v1::CommandResponse* r) override {
    return take(q, r);
  }
  Status ShiftSetpoint(ServerContext*, const v1::ShiftSetpointRequest* q, v1::CommandResponse* r) override {
    return take(q, r);
  }
  Status ClearShift(ServerContext*, const v1::ClearShiftRequest* q, v1::CommandResponse* r) override {
    return take(q, r);
  }
  Status Emergency(ServerContext*, const v1::EmergencyRequest* q, v1::CommandResponse* r) override {
    return take(q, r);
  }
  Status Veto(ServerContext*, const v1::VetoRequest* q, v1::CommandResponse* r) override { return take(q, r); }
  Status ClearHalt(ServerContext*, const v1::ClearHaltRequest* q, v1::CommandResponse* r) override {
    return take(q, r);
  }

  mutable std::mutex mutex_;
  std::vector<std::string> orders_;
};

class Admin final : public v1::AdminService::Service {
  Status Reload(ServerContext*, const v1::ReloadRequest*, v1::ReloadResponse*) override {
    return {grpc::StatusCode::FAILED_PRECONDITION, "streaming.yaml:3:5: unknown key 'perid'; did you mean 'period'?"};
  }
  Status GetConfig(ServerContext*, const v1::GetConfigRequest*, v1::GetConfigResponse* r) override {
    return fill(
        r,
        R"(path: "/etc/homeostat/streaming.yaml" text: "name: streaming\nperiod: 5s\n" digest: "9f86" generation: 3)");
  }
  Status Backup(ServerContext*, const v1::BackupRequest*, v1::BackupResponse* r) override {
    return fill(r, R"(path: "backup/monday.db" sequence: 1234567 bytes: 42000000)");
  }
  Status SetLogLevel(ServerContext* context, const v1::SetLogLevelRequest*, v1::SetLogLevelResponse*) override {
    // Answers only when the caller has given up: the slow daemon of the time-out test.
    while (!context->IsCancelled()) std::this_thread::yield();
    return Status::OK;
  }
  Status GetVersion(ServerContext*, const v1::GetVersionRequest*, v1::GetVersionResponse* r) override {
    return fill(r, R"(version: "0.1.0" compiler: "g++ 12.2" build_type: "Release")");
  }
};

}  // namespace

struct FakeDaemon::Server {
  Control control;
  Guardian guardian;
  Admin admin;
  int port = 0;
  std::unique_ptr<grpc::Server> server;
};

FakeDaemon::FakeDaemon() : server_(std::make_unique<Server>()) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &server_->port);
  builder.RegisterService(&server_->control);
  builder.RegisterService(&server_->guardian);
  builder.RegisterService(&server_->admin);
  server_->server = builder.BuildAndStart();
}

FakeDaemon::~FakeDaemon() {
  server_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
}

std::string FakeDaemon::endpoint() const {
  return "127.0.0.1:" + std::to_string(server_->port);
}

std::vector<std::string> FakeDaemon::orders() const {
  return server_->guardian.orders();
}

}  // namespace homeostat::cli::test
