// The long-lived streams: order, back-pressure, slow clients, resuming, draining.
#include <future>

#include "homeostat/v1/actuator.grpc.pb.h"
#include "homeostat/v1/control.grpc.pb.h"
#include "homeostat/v1/ingest.grpc.pb.h"
#include "served.hpp"

namespace homeostat::daemon::api {
namespace {

using Streams = Served;

v1::SampleBatch batch_of(std::uint64_t first_sequence, int samples = 2) {
  v1::SampleBatch batch;
  batch.set_source("app");
  batch.set_first_sequence(first_sequence);
  batch.add_metrics("velocity");
  for (int i = 0; i < samples; ++i) {
    batch.add_samples()->set_value(i);
  }
  return batch;
}

engine::Adjustment adjustment(std::uint64_t id, const std::string& parameter = "tx_fee") {
  return {.id = id, .parameter = parameter, .value = Decimal(static_cast<int>(id), 4), .previous = Decimal(0, 4)};
}

Published notice(std::string text) {
  return {.notices = {{.kind = engine::NoticeKind::command, .subject = "test", .text = std::move(text)}}};
}

TEST_F(Streams, IngestRepliesInOrderWhateverOrderTheAnswersComeIn) {
  start();
  backend_.on_submit(ScriptedBackend::Ingest::hold);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));  // a held-back reply must show
  const auto stream = v1::IngestService::NewStub(channel_)->Ingest(&context);
  constexpr std::size_t kBatches = 100;
  for (std::size_t i = 0; i < kBatches; ++i) {
    ASSERT_TRUE(stream->Write(batch_of(1 + 2 * i)));
  }
  ASSERT_TRUE(eventually([&] { return backend_.held() == kBatches; }));
  for (std::size_t i = kBatches; i-- > 0;) {  // the last first
    backend_.release(i);
  }
  v1::IngestReply reply;
  for (std::size_t i = 0; i < kBatches; ++i) {
    ASSERT_TRUE(stream->Read(&reply));
    EXPECT_EQ(reply.first_sequence(), 1 + 2 * i);
    EXPECT_EQ(reply.status(), v1::IngestReply::STATUS_JUDGED);
    EXPECT_EQ(reply.accepted(), 2u);
  }
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&reply));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(server_->stats().samples, 2 * kBatches);
}

TEST_F(Streams, IngestAnswersMalformedAndOverloadedInTheirTurnAndGoesOn) {
  start();
  grpc::ClientContext context;
  const auto stream = v1::IngestService::NewStub(channel_)->Ingest(&context);
  backend_.on_submit(ScriptedBackend::Ingest::hold);
  stream->Write(batch_of(1));
  ASSERT_TRUE(eventually([&] { return backend_.held() == 1; }));
  backend_.on_submit(ScriptedBackend::Ingest::refuse);
  stream->Write(batch_of(3));
  stream->Write(batch_of(0));
  ASSERT_TRUE(eventually([&] { return server_->stats().malformed == 1; }));
  backend_.on_submit(ScriptedBackend::Ingest::accept);
  stream->Write(batch_of(5));
  backend_.release(0);
  std::vector<v1::IngestReply::Status> seen;
  v1::IngestReply reply;
  for (int i = 0; i < 4 && stream->Read(&reply); ++i) {
    seen.push_back(reply.status());
    if (reply.status() == v1::IngestReply::STATUS_OVERLOADED) {
      EXPECT_GT(reply.retry_after_ms(), 0u);
    }
    if (reply.status() == v1::IngestReply::STATUS_MALFORMED) {
      EXPECT_NE(reply.message().find("first_sequence"), std::string::npos);
    }
  }
  EXPECT_EQ(seen,
            (std::vector<v1::IngestReply::Status>{v1::IngestReply::STATUS_JUDGED, v1::IngestReply::STATUS_OVERLOADED,
                                                  v1::IngestReply::STATUS_MALFORMED, v1::IngestReply::STATUS_JUDGED}));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(server_->stats().overloaded, 1u);
}

TEST_F(Streams, IngestStopsReadingAtTheBoundOfBatchesInFlight) {
  start({.batches_in_flight_max = 4});
  backend_.on_submit(ScriptedBackend::Ingest::hold);
  grpc::ClientContext context;
  const auto stream = v1::IngestService::NewStub(channel_)->Ingest(&context);
  for (std::uint64_t i = 0; i < 8; ++i) {
    stream->Write(batch_of(1 + 2 * i));
  }
  ASSERT_TRUE(eventually([&] { return backend_.held() == 4; }));
  backend_.release(0);
  v1::IngestReply reply;
  ASSERT_TRUE(stream->Read(&reply));
  ASSERT_TRUE(eventually([&] { return backend_.held() == 5; }));  // one answered, one more read
  EXPECT_EQ(server_->stats().batches, 5u);
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(eventually([&] { return server_->stats().ingest_streams == 0; }));
  backend_.release(1);  // an answer that comes after the stream is gone does no harm
}

TEST_F(Streams, WatchStartsWithTheStatusAndTellsWhatHappens) {
  start();
  grpc::ClientContext context;
  const auto reader = v1::ControlService::NewStub(channel_)->Watch(&context, {});
  v1::WatchEvent event;
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.status().policy(), "test");
  engine::View ticked = scripted_view();
  ticked.ticks = 1;
  Published published = notice("paused");
  published.view = std::make_shared<const engine::View>(ticked);
  published.decisions = {{.id = 1, .parameter = "tx_fee"},
                         {.id = 2, .parameter = "tx_fee", .outcome = engine::Outcome::emitted}};
  backend_.publish(std::move(published));
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.decision().id(), 2u) << "only decisions with an adjustment unless asked";
  EXPECT_EQ(event.decision().unit(), "ratio");
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.notice().text(), "paused");
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.status().ticks(), 1u);
  context.TryCancel();
  EXPECT_TRUE(eventually([&] { return backend_.listeners() == 0 && server_->stats().watch_streams == 0; }));
}

/// Publishes until the watcher that never reads is cut; the other one reads everything meanwhile.
void cut_the_silent_one(ScriptedBackend& backend, Server& server, grpc::ClientReader<v1::WatchEvent>& reading) {
  v1::WatchEvent event;
  ASSERT_TRUE(reading.Read(&event));  // the first status
  const std::string big(10'000, 'x');
  for (int i = 0; i < 10'000 && server.stats().slow_clients_cut == 0; ++i) {
    backend.publish(notice(std::to_string(i) + big));
    ASSERT_TRUE(reading.Read(&event));
    ASSERT_EQ(event.notice().text(), std::to_string(i) + big) << "the reading client must miss nothing";
  }
  ASSERT_EQ(server.stats().slow_clients_cut, 1u);
}

TEST_F(Streams, AWatcherThatLagsIsToldWhyAndOthersGoOn) {
  start({.watch_queue_max = 16});
  grpc::ClientContext silent_context, reading_context;
  const auto silent = v1::ControlService::NewStub(connect())->Watch(&silent_context, {});
  ASSERT_TRUE(eventually([&] { return server_->stats().watch_streams == 1; }));
  const auto reading = v1::ControlService::NewStub(channel_)->Watch(&reading_context, {});
  cut_the_silent_one(backend_, *server_, *reading);
  v1::WatchEvent event;
  while (silent->Read(&event)) {
  }
  const grpc::Status status = silent->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(status.error_message().find("16 messages"), std::string::npos);
  reading_context.TryCancel();
}

TEST_F(Streams, AWatcherThatNeverReadsIsGoneAfterTheGrace) {
  start({.watch_queue_max = 16, .slow_client_grace = Duration::milliseconds(50)});
  grpc::ClientContext silent_context, reading_context;
  const auto silent = v1::ControlService::NewStub(connect())->Watch(&silent_context, {});
  ASSERT_TRUE(eventually([&] { return server_->stats().watch_streams == 1; }));
  const auto reading = v1::ControlService::NewStub(channel_)->Watch(&reading_context, {});
  cut_the_silent_one(backend_, *server_, *reading);
  EXPECT_TRUE(eventually([&] { return server_->stats().watch_streams == 1; })) << "without one Read() of the client";
  EXPECT_EQ(calls(Method::watch, grpc::StatusCode::RESOURCE_EXHAUSTED), 1u);
  silent_context.TryCancel();
  reading_context.TryCancel();
}

TEST_F(Streams, SubscribeSendsEverythingOutstandingThenWhatIsEmitted) {
  start();
  backend_.set_outstanding({adjustment(9), adjustment(3), adjustment(5), adjustment(6, "reward")});
  grpc::ClientContext context;
  v1::SubscribeRequest request;
  request.set_executor("anvil");
  request.add_parameters("tx_fee");
  request.set_after_id(3);
  const auto reader = v1::ActuatorService::NewStub(channel_)->Subscribe(&context, request);
  v1::Adjustment got;
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(reader->Read(&got));
    ids.push_back(got.id());
  }
  // 4 waited in its veto window: it is emitted after later ones, and must not be lost.
  backend_.publish({.adjustments = {adjustment(4), adjustment(10, "reward"), adjustment(11)}});
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(reader->Read(&got));
    ids.push_back(got.id());
  }
  EXPECT_EQ(ids, (std::vector<std::uint64_t>{3, 5, 9, 4, 11}));
  EXPECT_EQ(got.epoch(), 3u);
  EXPECT_EQ(got.value(), "0.0011");
  v1::Status status;
  grpc::ClientContext status_context;
  ASSERT_TRUE(v1::ControlService::NewStub(channel_)->GetStatus(&status_context, {}, &status).ok());
  EXPECT_EQ(status.executors(), 1u);
  context.TryCancel();
  EXPECT_TRUE(eventually([&] { return server_->stats().subscribe_streams == 0; }));
}

TEST_F(Streams, BeyondTheNumberOfStreamsNewOnesAreRefused) {
  start({.streams_max = 1});
  grpc::ClientContext first_context, second_context;
  const auto stub = v1::ControlService::NewStub(channel_);
  const auto first = stub->Watch(&first_context, {});
  v1::WatchEvent event;
  ASSERT_TRUE(first->Read(&event));
  const auto second = stub->Watch(&second_context, {});
  EXPECT_FALSE(second->Read(&event));
  EXPECT_EQ(second->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(server_->stats().refused_streams, 1u);
  first_context.TryCancel();
}

TEST_F(Streams, DrainRepliesToWhatIsInFlightAndEndsEveryStream) {
  start();
  backend_.on_submit(ScriptedBackend::Ingest::hold);
  grpc::ClientContext ingest_context, watch_context, subscribe_context;
  const auto ingest = v1::IngestService::NewStub(channel_)->Ingest(&ingest_context);
  ingest->Write(batch_of(1));
  const auto watch = v1::ControlService::NewStub(channel_)->Watch(&watch_context, {});
  v1::SubscribeRequest request;
  request.set_executor("anvil");
  const auto subscribe = v1::ActuatorService::NewStub(channel_)->Subscribe(&subscribe_context, request);
  ASSERT_TRUE(eventually([&] { return backend_.held() == 1 && backend_.listeners() == 2; }));
  auto drained = std::async(std::launch::async, [&] { server_->drain(Duration::seconds(10)); });
  v1::WatchEvent event;
  EXPECT_TRUE(watch->Read(&event)) << "what was queued still comes";
  EXPECT_FALSE(watch->Read(&event));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(subscribe->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  backend_.release(0);
  v1::IngestReply reply;
  EXPECT_TRUE(ingest->Read(&reply));
  EXPECT_EQ(reply.status(), v1::IngestReply::STATUS_JUDGED);
  EXPECT_EQ(ingest->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(drained.wait_for(std::chrono::seconds(5)), std::future_status::ready) << "before its deadline";
}

TEST_F(Streams, DrainEndsInsideItsDeadlineWhenNothingAnswers) {
  start();
  backend_.on_submit(ScriptedBackend::Ingest::hold);
  grpc::ClientContext ingest_context, preview_context;
  const auto ingest = v1::IngestService::NewStub(channel_)->Ingest(&ingest_context);
  ingest->Write(batch_of(1));
  auto preview = std::async(std::launch::async, [&] {
    v1::PreviewResponse response;
    return v1::ControlService::NewStub(channel_)->Preview(&preview_context, {}, &response);
  });
  ASSERT_TRUE(eventually([&] { return backend_.held() == 1 && server_->stats().pending_calls == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  server_->drain(Duration::milliseconds(300));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_FALSE(preview.get().ok());
  EXPECT_FALSE(ingest->Finish().ok());
  server_.reset();
  backend_.release(0);  // after the server's death
}

}  // namespace
}  // namespace homeostat::daemon::api
