// From the sample that crosses a threshold to the adjustment on an executor's stream, through the real daemon: gRPC in,
// journal, the tick that is due next, decision records, gRPC out. A decision is made on the grid of slots, so the
// latency is the wait for the next slot plus what the daemon adds; both are shown. Beside it stands what this machine
// needs in the same seconds to wake a thread at a given time and to flush a few bytes.
//
//   reaction_bench [--smoke]
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <random>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "benchmarks/support/load.hpp"
#include "benchmarks/support/process.hpp"
#include "benchmarks/support/table.hpp"
#include "homeostat/v1/actuator.grpc.pb.h"
#include "homeostat/v1/ingest.grpc.pb.h"

using namespace homeostat;

namespace {

using Clock = std::chrono::system_clock;
constexpr std::int64_t kPeriodNs = 100'000'000;
constexpr double kPeriodMs = 100;
constexpr double kTargetMs = kPeriodMs + 5;
constexpr auto kDeadline = std::chrono::minutes(5);

std::int64_t unix_nano() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

void expect(const grpc::Status& status, const char* what) {
  if (!status.ok()) bench::give_up(fmt::format("{}: {}", what, status.error_message()));
}

class Rig {
 public:
  explicit Rig(const std::string& address)
      : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())),
        ingest_(v1::IngestService::NewStub(channel_)),
        actuator_(v1::ActuatorService::NewStub(channel_)) {
    v1::SubscribeRequest request;
    request.set_executor("benchmark");
    stream_context_.set_deadline(Clock::now() + kDeadline);
    subscribe_context_.set_deadline(Clock::now() + kDeadline);
    adjustments_ = actuator_->Subscribe(&subscribe_context_, request);
    samples_ = ingest_->Ingest(&stream_context_);
  }

  /// Sends one sample; returns when it was sent, by the wall clock that the slots are on.
  std::int64_t send(double value) {
    v1::SampleBatch batch;
    batch.set_source("app1");
    batch.set_first_sequence(sequence_++);
    batch.add_metrics("m0");
    v1::Sample& sample = *batch.add_samples();
    sample.set_value(value);
    const std::int64_t now = unix_nano();
    sample.set_time_unix_nano(now);
    if (!samples_->Write(batch)) bench::give_up("the ingest stream broke");
    return now;
  }
  void expect_accepted() {
    v1::IngestReply reply;
    if (!samples_->Read(&reply) || reply.accepted() != 1) bench::give_up("a sample was not accepted");
  }
  /// The next adjustment, and when it was here.
  std::int64_t receive(v1::Adjustment& adjustment) {
    if (!adjustments_->Read(&adjustment)) bench::give_up("no adjustment came");
    return unix_nano();
  }
  void acknowledge(const v1::Adjustment& adjustment) {
    grpc::ClientContext context;
    v1::AcknowledgeRequest request;
    v1::AcknowledgeResponse response;
    request.set_adjustment_id(adjustment.id());
    request.set_executor("benchmark");
    request.mutable_applied()->set_value(adjustment.value());
    expect(actuator_->Acknowledge(&context, request, &response), "acknowledge");
  }
  void close() {
    samples_->WritesDone();
    expect(samples_->Finish(), "ingest");
    subscribe_context_.TryCancel();
    (void)adjustments_->Finish();
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::IngestService::Stub> ingest_;
  std::unique_ptr<v1::ActuatorService::Stub> actuator_;
  grpc::ClientContext stream_context_;
  grpc::ClientContext subscribe_context_;
  std::unique_ptr<grpc::ClientReader<v1::Adjustment>> adjustments_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SampleBatch, v1::IngestReply>> samples_;
  std::uint64_t sequence_ = 1;
};

/// Wakes up in the middle between two slots, so that it does not meet the daemon's own flush, writes and flushes a few
/// bytes, and keeps how late that was done.
class BareWakeUps {
 public:
  explicit BareWakeUps(const std::filesystem::path& file)
      : fd_(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), thread_([this] { run(); }) {
    if (fd_ < 0) bench::give_up("cannot write " + file.string());
  }
  ~BareWakeUps() {
    (void)stop();
    ::close(fd_);
  }
  std::vector<double> stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return late_ms_;
  }

 private:
  void run() {
    const std::string bytes(64, 'x');
    while (!stopping_) {
      const std::int64_t due = (unix_nano() / kPeriodNs + 1) * kPeriodNs + kPeriodNs / 2;
      std::this_thread::sleep_until(Clock::time_point(std::chrono::nanoseconds(due)));
      if (::write(fd_, bytes.data(), bytes.size()) < 0 || ::fdatasync(fd_) != 0) bench::give_up("cannot flush");
      late_ms_.push_back(static_cast<double>(unix_nano() - due) / 1e6);
    }
  }

  const int fd_;
  std::atomic<bool> stopping_{false};
  std::vector<double> late_ms_;
  std::thread thread_;
};

struct Measured {
  std::vector<double> whole_ms;  ///< sample sent -> adjustment here
  std::vector<double> added_ms;  ///< the slot that was next when the sample was sent -> adjustment here
  std::vector<double> bare_ms;   ///< a timer and a flush
};

Measured measure(int rounds) {
  const bench::Scratch scratch;
  bench::Daemon daemon(scratch.path(), bench::push_config(scratch.path(), 1, 1, "100ms"));
  BareWakeUps bare(scratch.path() / "bare");
  Rig rig(daemon.grpc_address());
  std::mt19937 random(20'261'120);
  std::uniform_int_distribution<std::int64_t> phase(0, kPeriodNs - 1);
  Measured out;
  for (int i = 0; i < rounds; ++i) {
    // The last round ended just behind a slot: a uniform wait meets every phase of the grid alike.
    std::this_thread::sleep_for(std::chrono::nanoseconds(phase(random)));
    const std::int64_t sent = rig.send(i % 2 == 0 ? 0.8 : 0.2);
    v1::Adjustment adjustment;
    const std::int64_t here = rig.receive(adjustment);
    rig.expect_accepted();
    rig.acknowledge(adjustment);
    if (i == 0) continue;  // connections are set up in the first round
    const std::int64_t slot = (sent / kPeriodNs + 1) * kPeriodNs;
    out.whole_ms.push_back(static_cast<double>(here - sent) / 1e6);
    out.added_ms.push_back(static_cast<double>(here - slot) / 1e6);
  }
  out.bare_ms = bare.stop();
  rig.close();
  daemon.stop();
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = bench::is_smoke(argc, argv);
  std::vector<double> p99, whole, added, bare;
  for (int run = 0; run < (smoke ? 1 : 3); ++run) {
    const Measured m = measure(smoke ? 5 : 151);
    p99.push_back(bench::quantile(m.whole_ms, 0.99));
    whole.insert(whole.end(), m.whole_ms.begin(), m.whole_ms.end());
    added.insert(added.end(), m.added_ms.begin(), m.added_ms.end());
    bare.insert(bare.end(), m.bare_ms.begin(), m.bare_ms.end());
  }
  const auto spread = [](const std::vector<double>& ms) {
    return fmt::format("p50 {:.2f}, p99 {:.2f}, max {:.2f}", bench::median(ms), bench::quantile(ms, 0.99),
                       bench::quantile(ms, 1));
  };
  bench::print({.what = "sample over the threshold to adjustment on the stream, period 100 ms, ms",
                .measured = spread(whole),
                .beside = fmt::format("one tick: {:.0f}; p99 of each run: {:.1f}", kPeriodMs, fmt::join(p99, ", ")),
                .ratio = fmt::format("{:.2f}", bench::median(p99) / kPeriodMs),
                .target = bench::verdict("p99 < one tick + 5 ms", bench::median(p99) < kTargetMs)});
  bench::print({.what = "of that, behind the next slot's beginning, ms",
                .measured = spread(added),
                .beside = "a timer and a flush alone: " + spread(bare),
                .ratio = fmt::format("{:.2f}", bench::median(added) / bench::median(bare)),
                .target = ""});
  return 0;
}
