// Unary calls, health and reflection through a real client.
#include <future>

#include <grpcpp/generic/generic_stub.h>

#include "homeostat/v1/actuator.grpc.pb.h"
#include "homeostat/v1/admin.grpc.pb.h"
#include "homeostat/v1/control.grpc.pb.h"
#include "homeostat/v1/guardian.grpc.pb.h"
#include "homeostat/v1/ingest.grpc.pb.h"
#include "served.hpp"

namespace homeostat::daemon::api {
namespace {

using Calls = Served;

grpc::ByteBuffer bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}

std::string text_of(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  return buffer.DumpToSingleSlice(&slice).ok() ? std::string(reinterpret_cast<const char*>(slice.begin()), slice.size())
                                               : std::string();
}

/// grpc.health.v1.Health/Check as grpc_health_probe sends it: 1 is SERVING, 2 is NOT_SERVING.
int health(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  const grpc::ByteBuffer request = bytes("\x0a" + std::string(1, static_cast<char>(service.size())) + service);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();
  const std::string text = text_of(response);
  return status.ok() && text.size() == 2 ? text[1] : -static_cast<int>(status.error_code());
}

/// One question and answer of grpc.reflection.v1alpha, as grpcurl asks for the list of services.
std::string reflected_services(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto step = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call =
      stub.PrepareCall(&context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  grpc::ByteBuffer response;
  grpc::Status status;
  call->StartCall(nullptr);
  EXPECT_TRUE(step());
  call->Write(bytes(std::string("\x3a\x00", 2)), nullptr);  // list_services: ""
  EXPECT_TRUE(step());
  call->Read(&response, nullptr);
  EXPECT_TRUE(step());
  call->WritesDone(nullptr);
  EXPECT_TRUE(step());
  call->Finish(&status, nullptr);
  EXPECT_TRUE(step());
  return text_of(response);
}

TEST_F(Calls, HealthFollowsServingForEveryService) {
  start();
  EXPECT_EQ(health(channel_, ""), 1);
  EXPECT_EQ(health(channel_, "homeostat.v1.ControlService"), 1);
  EXPECT_EQ(health(channel_, "no.such.Service"), -static_cast<int>(grpc::StatusCode::NOT_FOUND));
  server_->set_serving(false);
  EXPECT_EQ(health(channel_, ""), 2);
  EXPECT_EQ(health(channel_, "homeostat.v1.ActuatorService"), 2);
}

TEST_F(Calls, ReflectionListsEveryService) {
  start();
  const std::string listed = reflected_services(channel_);
  for (const char* service : {"Ingest", "Control", "Actuator", "Guardian", "Admin"}) {
    EXPECT_NE(listed.find("homeostat.v1." + std::string(service) + "Service"), std::string::npos) << service;
  }
}

TEST_F(Calls, OutOfServiceOnlyStatusConfigurationAndVersionAreAnswered) {
  start();
  server_->set_serving(false);
  grpc::ClientContext a, b, c, d, e;
  v1::Status status;
  EXPECT_TRUE(v1::ControlService::NewStub(channel_)->GetStatus(&a, {}, &status).ok());
  v1::GetVersionResponse version;
  EXPECT_TRUE(v1::AdminService::NewStub(channel_)->GetVersion(&b, {}, &version).ok());
  EXPECT_FALSE(version.version().empty());
  v1::ListMetricsResponse metrics;
  EXPECT_EQ(v1::ControlService::NewStub(channel_)->ListMetrics(&c, {}, &metrics).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  v1::CommandResponse command;
  EXPECT_EQ(v1::GuardianService::NewStub(channel_)->Pause(&d, {}, &command).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  v1::IngestReply reply;
  EXPECT_EQ(v1::IngestService::NewStub(channel_)->Push(&e, {}, &reply).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(Calls, PushAnswersInBandAsTheStreamDoes) {
  start();
  const auto stub = v1::IngestService::NewStub(channel_);
  v1::SampleBatch batch;
  v1::IngestReply reply;
  grpc::ClientContext a, b, c;
  ASSERT_TRUE(stub->Push(&a, batch, &reply).ok());
  EXPECT_EQ(reply.status(), v1::IngestReply::STATUS_MALFORMED);
  batch.set_source("app");
  batch.set_first_sequence(1);
  batch.add_metrics("velocity");
  batch.add_samples();
  ASSERT_TRUE(stub->Push(&b, batch, &reply).ok());
  EXPECT_EQ(reply.status(), v1::IngestReply::STATUS_JUDGED);
  backend_.on_submit(ScriptedBackend::Ingest::refuse);
  ASSERT_TRUE(stub->Push(&c, batch, &reply).ok());
  EXPECT_EQ(reply.status(), v1::IngestReply::STATUS_OVERLOADED);
  EXPECT_EQ(server_->stats().overloaded, 1u);
}

TEST_F(Calls, AGuardianIsToldWhatIsWrongAndWhatTheEngineRefuses) {
  start();
  const auto stub = v1::GuardianService::NewStub(channel_);
  v1::OverrideRequest request;
  request.mutable_order()->set_actor("ada");
  request.mutable_order()->set_reason("drill");
  request.set_parameter("tx_fe");
  request.set_value("0.02");
  request.mutable_duration()->set_seconds(60);
  v1::CommandResponse response;
  grpc::ClientContext a, b, c;
  const grpc::Status misspelt = stub->Override(&a, request, &response);
  EXPECT_EQ(misspelt.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(misspelt.error_message().find("tx_fee"), std::string::npos);
  request.set_parameter("tx_fee");
  ASSERT_TRUE(stub->Override(&b, request, &response).ok());
  ASSERT_EQ(backend_.commands().size(), 1u);
  EXPECT_EQ(backend_.commands()[0].value, Decimal(200, 4));
  backend_.set_outcome({.accepted = false, .id = 2, .message = "longer than override_max 30s"});
  const grpc::Status refused = stub->Override(&c, request, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_NE(refused.error_message().find("override_max"), std::string::npos);
  EXPECT_EQ(calls(Method::override_value, grpc::StatusCode::OK), 1u);
  EXPECT_EQ(calls(Method::override_value, grpc::StatusCode::NOT_FOUND), 1u);
}

grpc::Status acknowledge(const std::shared_ptr<grpc::Channel>& channel, std::uint64_t id, const std::string& value) {
  v1::AcknowledgeRequest request;
  request.set_adjustment_id(id);
  request.set_executor("anvil");
  request.mutable_applied()->set_value(value);
  v1::AcknowledgeResponse response;
  grpc::ClientContext context;
  return v1::ActuatorService::NewStub(channel)->Acknowledge(&context, request, &response);
}

TEST_F(Calls, AnAnswerTakesTheScaleOfItsParameterAlsoWhenItComesLate) {
  start();
  backend_.add_decision({.id = 5, .parameter = "reward", .value = Decimal(2, 0), .outcome = engine::Outcome::emitted});
  backend_.add_decision({.id = 6, .parameter = "reward", .value = Decimal(2, 0)});
  EXPECT_TRUE(acknowledge(channel_, 7, "0.0125").ok()) << "in flight: tx_fee, four decimals";
  EXPECT_TRUE(acknowledge(channel_, 5, "2").ok()) << "late: the journal says it was reward, no decimals";
  EXPECT_EQ(acknowledge(channel_, 5, "2.5").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(acknowledge(channel_, 6, "2").error_code(), grpc::StatusCode::NOT_FOUND) << "never sent";
  EXPECT_EQ(acknowledge(channel_, 99, "2").error_code(), grpc::StatusCode::NOT_FOUND) << "never was";
  ASSERT_EQ(backend_.reports().size(), 2u);
  EXPECT_EQ(backend_.reports()[0].value, Decimal(125, 4));
  EXPECT_EQ(backend_.reports()[1].value, Decimal(2, 0));
}

TEST_F(Calls, ExplainAnswersInWordsOrSaysWhatIsKept) {
  start();
  backend_.add_decision({.id = 5, .parameter = "tx_fee", .why = "velocity is high"});
  v1::ExplainRequest request;
  request.set_id(5);
  v1::ExplainResponse response;
  grpc::ClientContext a, b;
  const auto stub = v1::ControlService::NewStub(channel_);
  ASSERT_TRUE(stub->Explain(&a, request, &response).ok());
  EXPECT_EQ(response.decision().unit(), "ratio");
  EXPECT_NE(response.text().find("velocity is high"), std::string::npos);
  request.set_id(500);
  const grpc::Status missing = stub->Explain(&b, request, &response);
  EXPECT_EQ(missing.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(missing.error_message().find("1..100"), std::string::npos);
}

TEST_F(Calls, AReloadThatIsRefusedNamesEveryError) {
  start();
  v1::ReloadResponse response;
  grpc::ClientContext context;
  const grpc::Status status = v1::AdminService::NewStub(channel_)->Reload(&context, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_NE(status.error_message().find("a.yaml:3:5"), std::string::npos);
  EXPECT_NE(status.error_message().find("a.yaml:9:1"), std::string::npos);
}

TEST_F(Calls, ADeadlineEndsACallThatIsNeverAnswered) {
  start();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
  v1::PreviewResponse response;
  EXPECT_EQ(v1::ControlService::NewStub(channel_)->Preview(&context, {}, &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(eventually([&] { return server_->stats().pending_calls == 0; }));
  EXPECT_EQ(calls(Method::preview, grpc::StatusCode::CANCELLED), 1u);
}

TEST_F(Calls, AMessageOverTheBoundIsRefused) {
  start({.message_bytes_max = 64 * 1024});
  v1::SampleBatch batch;
  batch.set_source(std::string(100'000, 'x'));
  v1::IngestReply reply;
  grpc::ClientContext context;
  EXPECT_EQ(v1::IngestService::NewStub(channel_)->Push(&context, batch, &reply).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(Calls, ASecondServerOnTheSamePortIsRefused) {
  start();
  const auto second = Server::start({.address = "127.0.0.1:" + std::to_string(server_->port())}, backend_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace homeostat::daemon::api
