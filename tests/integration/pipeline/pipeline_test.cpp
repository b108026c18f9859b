// The pipeline with the real engine and the real journal, driven from several threads. Only the clock is ours.
#include "daemon/app/pipeline.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "config/config.hpp"

namespace homeostat::daemon {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPolicy = R"(
homeostat: 1
name: pipeline
period: 1s
sources:
  one: {kind: push, rate: 1000000/s, burst: 1000000}
  two: {kind: push, rate: 1000000/s, burst: 1000000}
metrics:
  load: {samples: [one, two], unit: ratio, min: 0, max: 1, staleness_max: 1h}
parameters:
  price: {unit: ratio, decimals: 4, initial: 4%, min: 0%, max: 20%, quantum: 1bps, change: 0.5%, cooldown: 1s}
loops:
  hold: {response: "load is high, so the price rises", metric: load, parameter: price, setpoint: 80%, when_high: raise, gains: {kp: 0.1, integral_time: 5m}}
)";

/// A clock that tests advance; starts at a whole slot.
class HandClock {
 public:
  [[nodiscard]] Instant now() const { return {ns_.load()}; }
  void advance(Duration d) { ns_ += d.ns; }

 private:
  std::atomic<std::int64_t> ns_ = Instant::from_unix_seconds(1'790'000'000).ns;
};

config::ValidConfig policy() {
  auto loaded = config::load_text(kPolicy, "pipeline.yaml");
  if (!loaded) {
    for (const auto& d : loaded.error()) ADD_FAILURE() << d.text();
    std::abort();
  }
  return std::move(*loaded);
}

engine::PolicyLoader loader() {
  return [](const std::string& text) -> Result<engine::PolicyPtr> {
    auto loaded = config::load_text(text, "journaled");
    if (!loaded) return fail(ErrorCode::conflict, "policy", loaded.error().front().text());
    return loaded->policy();
  };
}

class PipelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    static std::atomic<int> count = 0;
    directory_ = fs::temp_directory_path() /
                 ("homeostat-pipeline-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
  }
  void TearDown() override {
    pipeline_.reset();
    journal_.reset();
    fs::remove_all(directory_);
  }

  void open(PipelineSettings settings = {}) {
    auto journal = journal::Journal::open({.directory = directory_}, {.now = [this] { return clock_.now(); }});
    ASSERT_TRUE(journal) << journal.error().text();
    journal_ = std::move(*journal);
    const config::ValidConfig config = policy();
    auto recovered = recover(*journal_, config.policy(), config.text(), loader(), clock_.now(), nullptr);
    ASSERT_TRUE(recovered) << recovered.error().text();
    replayed_ = recovered->replayed;
    pipeline_ = std::make_unique<Pipeline>(std::move(*recovered), *journal_, settings, [this] { return clock_.now(); });
    pipeline_->start();
  }
  void close() {
    pipeline_->drain();
    hash_ = pipeline_->decisions_hash();
    pipeline_.reset();
    journal_.reset();
  }

  oracle::SampleBatch batch(const std::string& source, std::uint64_t first_sequence, double value,
                            std::size_t size = 1) {
    oracle::SampleBatch b{
        .source = source, .first_sequence = first_sequence, .received = clock_.now(), .metrics = {"load"}};
    for (std::size_t i = 0; i < size; ++i) b.samples.push_back({.metric = 0, .time = clock_.now(), .value = value});
    return b;
  }

  template <class Condition>
  [[nodiscard]] bool eventually(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  fs::path directory_;
  HandClock clock_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<Pipeline> pipeline_;
  std::uint64_t replayed_ = 0;
  std::string hash_;
};

TEST_F(PipelineTest, AnswersEveryBatchOfEveryThreadAfterItIsDurable) {
  open();
  constexpr int kBatches = 300;
  std::atomic<int> answered = 0;
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<bool> was_durable = true;
  const auto produce = [&](const std::string& source) {
    for (int i = 0; i < kBatches; ++i) {
      const auto done = [&](engine::Effects& e) {
        accepted += e.verdict.accepted;
        if (journal_->durable_seq() == 0) was_durable = false;
        ++answered;
      };
      while (!pipeline_->offer(batch(source, static_cast<std::uint64_t>(i) * 10 + 1, 0.5, 10), done))
        std::this_thread::yield();
    }
  };
  std::thread one(produce, "one");
  std::thread two(produce, "two");
  for (int i = 0; i < 50; ++i) {
    clock_.advance(Duration::milliseconds(100));
    (void)pipeline_->view();
    (void)pipeline_->facts();
    std::this_thread::yield();
  }
  one.join();
  two.join();
  ASSERT_TRUE(eventually([&] { return answered == 2 * kBatches; }));
  EXPECT_EQ(accepted, 2u * kBatches * 10);
  EXPECT_TRUE(was_durable);
  EXPECT_EQ(pipeline_->facts().queue_bytes, 0u);
}

TEST_F(PipelineTest, ALateWakeUpIsOneTickAndTheMissedSlotsAreCounted) {
  open();
  clock_.advance(Duration::seconds(1));
  ASSERT_TRUE(eventually([&] { return pipeline_->view()->ticks == 1; }));
  clock_.advance(Duration::seconds(10));
  ASSERT_TRUE(eventually([&] { return pipeline_->view()->ticks == 2; }));
  EXPECT_EQ(pipeline_->view()->missed_slots, 9u);
}

TEST_F(PipelineTest, GoesOnWhereItWasAndRepeatsNoDecision) {
  open();
  std::atomic<int> answered = 0;
  ASSERT_TRUE(pipeline_->offer(batch("one", 1, 0.95), [&](engine::Effects&) { ++answered; }));
  ASSERT_TRUE(eventually([&] { return answered == 1; }));
  clock_.advance(Duration::seconds(1));
  ASSERT_TRUE(eventually([&] { return pipeline_->view()->ticks == 1; }));
  const std::uint64_t decisions = pipeline_->view()->decisions;
  close();

  open();
  EXPECT_EQ(pipeline_->decisions_hash(), hash_);
  EXPECT_EQ(pipeline_->view()->decisions, decisions);
  // The same sample again is known.
  std::atomic<std::size_t> refused = 0;
  ASSERT_TRUE(
      pipeline_->offer(batch("one", 1, 0.95), [&](engine::Effects& e) { refused = e.verdict.refused.size() + 1; }));
  ASSERT_TRUE(eventually([&] { return refused == 2; }));
  const auto stored = journal_->list_decisions({});
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->size(), decisions);
}

TEST_F(PipelineTest, OneSourceCannotFillTheQueueForTheOthers) {
  open({.queue_bytes_max = 64 << 10});
  // The engine thread is held, so nothing leaves the queue.
  std::atomic<bool> held = false, go = false;
  pipeline_->post([&](engine::Engine&) {
    held = true;
    while (!go) std::this_thread::yield();
  });
  ASSERT_TRUE(eventually([&] { return held.load(); }));
  std::uint64_t sequence = 1;
  Result<> last;
  for (int i = 0; i < 10'000 && last; ++i, sequence += 10) {
    last = pipeline_->offer(batch("one", sequence, 0.5, 10), [](engine::Effects&) {});
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::resource_exhausted);
  EXPECT_TRUE(pipeline_->offer(batch("two", 1, 0.5), [](engine::Effects&) {}));
  EXPECT_GE(pipeline_->facts().refused_full, 1u);
  go = true;
  ASSERT_TRUE(eventually([&] { return pipeline_->facts().queue_bytes == 0; }));
  EXPECT_TRUE(pipeline_->offer(batch("one", sequence, 0.5), [](engine::Effects&) {}));
}

TEST_F(PipelineTest, AListenerSeesEverythingFromItsAttachmentOn) {
  class Counting final : public Listener {
   public:
    void on_attached(const std::shared_ptr<const engine::View>& view, const std::vector<engine::Adjustment>&) override {
      ticks = view->ticks;
      attached = true;
    }
    void on_published(const std::shared_ptr<const Published>& p) override {
      ticks = p->view->ticks;
      adjustments += static_cast<int>(p->adjustments.size());
    }
    std::atomic<bool> attached = false;
    std::atomic<std::uint64_t> ticks = 0;
    std::atomic<int> adjustments = 0;
  };
  open();
  const auto listener = std::make_shared<Counting>();
  pipeline_->attach(listener);
  ASSERT_TRUE(eventually([&] { return listener->attached.load(); }));
  std::atomic<bool> answered = false;
  ASSERT_TRUE(pipeline_->offer(batch("one", 1, 0.99), [&](engine::Effects&) { answered = true; }));
  ASSERT_TRUE(eventually([&] { return answered.load(); }));
  // The start is bumpless: it takes the integral some ticks to ask for a quantum.
  for (std::uint64_t n = 1; n <= 100 && listener->adjustments == 0; ++n) {
    clock_.advance(Duration::seconds(1));
    ASSERT_TRUE(eventually([&] { return listener->ticks >= n; }));
  }
  EXPECT_EQ(listener->adjustments, 1);
  pipeline_->detach(listener);
}

TEST_F(PipelineTest, NothingIsTakenWhileDraining) {
  open();
  pipeline_->drain();
  const auto refused = pipeline_->offer(batch("one", 1, 0.5), [](engine::Effects&) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(pipeline_->submit(engine::Tick{}, nullptr));
}

}  // namespace
}  // namespace homeostat::daemon
