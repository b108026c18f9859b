#include "benchmarks/support/load.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "benchmarks/support/table.hpp"
#include "homeostat/v1/ingest.grpc.pb.h"

namespace homeostat::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kTimedEvery = 16;
constexpr std::int64_t kSpacingNs = 50;  // of samples: 20 M of them fit into a second
constexpr std::size_t kReplyTextMax = 400;

std::int64_t unix_nano() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::shared_ptr<grpc::Channel> connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection per stream
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

/// One stream. gRPC calls it from its own threads; the mutex covers what writes and reads share.
class Producer final : public grpc::ClientBidiReactor<v1::SampleBatch, v1::IngestReply> {
 public:
  Producer(const Load& load, int number, std::atomic<std::uint64_t>& answered)
      : load_(load), answered_(answered), stub_(v1::IngestService::NewStub(connect(load.address))) {
    const auto index = static_cast<std::size_t>(number);
    next_ = index < load.first.size() ? load.first[index] : 1;
    batch_.set_source(fmt::format("app{}", number + 1));
    for (int m = 0; m < load.metrics; ++m) batch_.add_metrics(fmt::format("m{}", m));
    for (int i = 0; i < load.samples; ++i) {
      v1::Sample& sample = *batch_.add_samples();
      sample.set_metric(static_cast<std::uint32_t>(i % load.metrics));
      sample.set_value(0.25 + 0.5 * i / load.samples);
    }
    stub_->async()->Ingest(&context_, this);
    StartRead(&reply_);
    AddHold();  // writes are started from both sides; released when the last one is over
    StartCall();
    maybe_write();
  }

  void stop() {
    stopping_.store(true);
    maybe_write();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    over_.wait(lock, [this] { return done_; });
  }
  [[nodiscard]] std::uint64_t next() const { return next_; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] const std::vector<double>& reply_ms() const { return reply_ms_; }

 private:
  void OnWriteDone(bool ok) override {
    if (!ok) give_up("a stream broke while writing");
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      if (!load_.expect_replies) count();
    }
    maybe_write();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (load_.expect_verdicts && (reply_.status() != v1::IngestReply::STATUS_JUDGED || reply_.refused_size() != 0 ||
                                  reply_.accepted() != static_cast<std::uint32_t>(load_.samples))) {
      give_up("a batch was not taken whole: " + reply_.ShortDebugString().substr(0, kReplyTextMax));
    }
    if (load_.expect_replies) {
      const std::lock_guard lock(mutex_);
      if (!timed_.empty() && timed_.front().first == replied_) {
        reply_ms_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - timed_.front().second).count());
        timed_.pop_front();
      }
      ++replied_;
      count();
    }
    StartRead(&reply_);
    maybe_write();
  }

  void OnDone(const grpc::Status& status) override {
    if (!status.ok()) give_up("a stream ended with: " + status.error_message());
    if (load_.expect_replies && replied_ != sent_)
      give_up(fmt::format("{} batches sent, {} answered", sent_, replied_));
    const std::lock_guard lock(mutex_);
    done_ = true;
    over_.notify_all();
  }

  /// Requires the lock.
  void count() { answered_.fetch_add(static_cast<std::uint64_t>(load_.samples), std::memory_order_relaxed); }

  void maybe_write() {
    {
      const std::lock_guard lock(mutex_);
      if (writing_ || input_over_) return;
      if (stopping_.load(std::memory_order_relaxed) || (load_.batches != 0 && sent_ == load_.batches)) {
        input_over_ = true;
      } else {
        if (load_.expect_replies && sent_ - replied_ >= static_cast<std::uint64_t>(load_.batches_in_flight)) return;
        if (load_.expect_replies && sent_ % kTimedEvery == 0) timed_.emplace_back(sent_, Clock::now());
        writing_ = true;
        ++sent_;
      }
    }
    if (input_over_) {
      StartWritesDone();
      RemoveHold();
      return;
    }
    // Only the writer touches the batch: there is one write at a time. Times ascend, and end about now.
    time_ = std::max(time_, unix_nano() - kSpacingNs * load_.samples);
    for (v1::Sample& sample : *batch_.mutable_samples()) sample.set_time_unix_nano(time_ += kSpacingNs);
    batch_.set_first_sequence(next_);
    next_ += static_cast<std::uint64_t>(load_.samples);
    StartWrite(&batch_);
  }

  const Load& load_;
  std::atomic<std::uint64_t>& answered_;
  std::unique_ptr<v1::IngestService::Stub> stub_;
  grpc::ClientContext context_;
  v1::SampleBatch batch_;
  v1::IngestReply reply_;
  std::int64_t time_ = 0;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;
  std::condition_variable over_;
  std::uint64_t next_ = 1;
  std::uint64_t sent_ = 0;
  std::uint64_t replied_ = 0;
  std::deque<std::pair<std::uint64_t, Clock::time_point>> timed_;
  std::vector<double> reply_ms_;
  bool writing_ = false;
  bool input_over_ = false;
  bool done_ = false;
};

}  // namespace

Loaded run(const Load& load) {
  std::atomic<std::uint64_t> answered{0};
  std::vector<std::unique_ptr<Producer>> producers;
  const auto begin = Clock::now();
  for (int i = 0; i < load.streams; ++i) producers.push_back(std::make_unique<Producer>(load, i, answered));
  Loaded out;
  if (load.batches == 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(load.warm_up_s));
    const std::uint64_t before = answered.load();
    const auto start = Clock::now();
    std::this_thread::sleep_for(std::chrono::duration<double>(load.measured_s));
    const std::uint64_t after = answered.load();
    out.samples_per_s =
        static_cast<double>(after - before) / std::chrono::duration<double>(Clock::now() - start).count();
    for (const auto& producer : producers) producer->stop();
  }
  for (const auto& producer : producers) {
    producer->wait();
    out.samples += producer->sent() * static_cast<std::uint64_t>(load.samples);
    out.next.push_back(producer->next());
    out.reply_ms.insert(out.reply_ms.end(), producer->reply_ms().begin(), producer->reply_ms().end());
  }
  if (load.batches != 0) {
    out.samples_per_s = static_cast<double>(out.samples) / std::chrono::duration<double>(Clock::now() - begin).count();
  }
  return out;
}

std::string push_config(const std::string& directory, int sources, int metrics, const std::string& period,
                        const std::string& journal) {
  std::string text = fmt::format(
      "homeostat: 1\nname: benchmark\nperiod: {}\nlisten: {{grpc: \"127.0.0.1:0\", http: \"127.0.0.1:0\"}}\n"
      "journal: {{directory: \"{}/journal\"{}}}\nsources:\n",
      period, directory, journal.empty() ? "" : ", " + journal);
  std::string all;
  for (int s = 1; s <= sources; ++s) {
    text += fmt::format("  app{}: {{kind: push, rate: 1000000000/s, burst: 1000000000}}\n", s);
    all += fmt::format("{}app{}", s == 1 ? "" : ", ", s);
  }
  text += "metrics:\n";
  for (int m = 0; m < metrics; ++m) {
    text += fmt::format("  m{}: {{samples: [{}], unit: ratio, min: 0, max: 1, staleness_max: 10m}}\n", m, all);
  }
  return text +
         "parameters:\n"
         "  rate: {unit: points, decimals: 2, initial: 50, min: 0, max: 100, quantum: 0.25, change: 100, cooldown: "
         "0s}\n"
         "loops:\n"
         "  hold: {response: as m0 goes, metric: m0, parameter: rate, setpoint: 50%, when_high: raise, gains: {kp: "
         "20}}\n";
}

}  // namespace homeostat::bench
