// A chain source in simulated time, against honest providers of the model: how it goes on when the oracle refuses.
#include <gtest/gtest.h>

#include "daemon/sources/evm_source.hpp"
#include "tests/simulation/wire.hpp"

namespace homeostat::simulation {
namespace {

using sources::Cursor;
using sources::EvmSource;
using sources::ProviderState;

constexpr std::uint64_t kHead = 30;
constexpr std::uint64_t kStart_s = 1'700'000'000;
const Duration kFirst = Duration::milliseconds(400);
const Duration kMax = Duration::seconds(6);

/// Two honest providers at block 30, and a sink that takes everything.
class EvmSourceTest : public ::testing::Test {
 protected:
  EvmSourceTest() {
    for (std::uint64_t i = 1; i <= kHead; ++i) chain_.mine(kStart_s + i);
    chain_.advance_finality(2, 4);
    Character quick;
    quick.latency = Duration::milliseconds(1);
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      providers_.emplace_back(chain_, 31337, quick, seed);
      providers_.back().see({chain_.head(), chain_.safe(), chain_.finalized()});
    }
    wire_ = std::make_shared<SimulatedWire>(timeline_, providers_);
    sources::EvmSettings s;
    s.name = "chain";
    s.providers = {{"p0", "http://p0/", ""}, {"p1", "http://p1/", ""}};
    s.chain_id = 31337;
    s.poll_period = Duration::milliseconds(50);
    s.backoff.first = kFirst;
    s.backoff.max = kMax;
    s.pool.probe_period = Duration::hours(1);
    s.contracts = {{"token", abi().token}};
    auto mint = oracle::parse_event_signature("event Mint(address indexed to, uint256 amount)");
    s.events = {{"mint", abi().token, std::move(*mint)}};
    sources::Outside outside{timeline_.executor(),
                             std::shared_ptr<sources::Timing>(std::shared_ptr<void>(), &timeline_), wire_};
    source_ = std::move(*EvmSource::make(outside, s, sink(), Cursor{}, [this] { return Instant{} + wall(); }));
    source_->start();
    run(Duration::seconds(1));
    EXPECT_EQ(last().to, kHead);
  }

  sources::Sink sink() {
    return {.chain =
                [this](oracle::ChainSegment& segment) {
                  taken_.push_back({timeline_.elapsed(), std::move(segment)});
                  return true;
                },
            .samples = [](oracle::SampleBatch&) { return true; },
            .report = [](const oracle::SourceReport&) {},
            .log = [](sources::LogLevel, std::string_view) {}};
  }

  Duration wall() const { return Duration::seconds(kStart_s) + timeline_.elapsed(); }
  void run(Duration time) { timeline_.run_until(sources::after(timeline_.now(), time)); }
  const oracle::ChainSegment& last() const { return taken_.back().segment; }

  Cursor at(std::uint64_t block) const {
    Cursor cursor;
    for (std::uint64_t n = block - 5; n <= block; ++n) {
      cursor.recent.emplace_back(n, chain_.block(chain_.ancestor(chain_.head(), n)).hash);
    }
    return cursor;
  }

  /// Refuses and says after how long the next segment came.
  Duration rest_after(std::uint64_t block, ErrorCode code = ErrorCode::conflict, int times = 1) {
    const Duration refused_at = timeline_.elapsed();
    const std::size_t before = taken_.size();
    for (int i = 0; i < times; ++i) source_->refused(at(block), {code, "chain", "for a reason"});
    while (taken_.size() == before && timeline_.elapsed() - refused_at < kMax * 10) run(Duration::milliseconds(1));
    return timeline_.elapsed() - refused_at;
  }

  struct Taken {
    Duration when;
    oracle::ChainSegment segment;
  };

  Timeline timeline_;
  ModelChain chain_{1, 3.0, 5, kStart_s - 1000};
  std::vector<Provider> providers_;
  std::shared_ptr<SimulatedWire> wire_;
  std::vector<Taken> taken_;
  std::unique_ptr<EvmSource> source_;
};

TEST_F(EvmSourceTest, GoesOnBehindTheOracleAfterARefusalButNotAtOnce) {
  EXPECT_GE(rest_after(20), kFirst * 3 / 4);
  EXPECT_EQ(last().from, 21u);
  EXPECT_EQ(last().parent, at(20).recent.back().second);
  EXPECT_FALSE(last().rewind_to);
  EXPECT_EQ(last().to, kHead);
}

TEST_F(EvmSourceTest, ARefusalIsNobodysFaultUnlessTheSegmentIsMalformed) {
  (void)rest_after(20);
  EXPECT_TRUE(source_->status().providers[0].in_use);
  (void)rest_after(20, ErrorCode::malformed);
  EXPECT_EQ(last().from, 21u);
  run(Duration::milliseconds(100));
  EXPECT_EQ(source_->status().providers[0].state, ProviderState::distrusted);
  EXPECT_TRUE(source_->status().providers[1].in_use) << "the one that gave it is asked last now";
}

TEST_F(EvmSourceTest, RestsTwiceAsLongAfterEachRefusalUpToTheMaximum) {
  Duration full = kFirst;
  for (int i = 0; i < 8; ++i) {
    const Duration rest = rest_after(20);
    EXPECT_GE(rest, full * 3 / 4) << i;
    EXPECT_LE(rest, full + Duration::milliseconds(200)) << i;
    full = std::min(full * 2, kMax);
  }
}

TEST_F(EvmSourceTest, SegmentsUnderWayBehindARefusedOneAreOneRefusal) {
  EXPECT_LE(rest_after(20, ErrorCode::conflict, 4), kFirst + Duration::milliseconds(200));
  EXPECT_LE(rest_after(20), kFirst * 2 + Duration::milliseconds(200)) << "the second, not the fifth";
}

TEST_F(EvmSourceTest, AfterALongCalmTheRestIsShortAgain) {
  for (int i = 0; i < 5; ++i) (void)rest_after(20);
  run(kMax * 3);
  EXPECT_LE(rest_after(20), kFirst + Duration::milliseconds(200));
}

TEST_F(EvmSourceTest, ReadsThePastOfAFilterFromBlock0On) {
  oracle::MissingPast missing;
  missing.from = 0;
  missing.to = 10;
  missing.events = {"mint"};
  source_->inform(20, missing);
  run(Duration::seconds(1));
  ASSERT_TRUE(last().past);
  EXPECT_EQ(last().from, 0u);
  EXPECT_EQ(last().to, 10u);
  std::uint64_t events = 0;
  for (const auto& block : last().blocks) events += block.events.size();
  EXPECT_EQ(events, chain_.count(Watched::mint, chain_.head(), 0, 10));
  const std::size_t before = taken_.size();
  source_->inform(20, missing);  // sent before that segment was taken in
  run(Duration::seconds(1));
  EXPECT_EQ(taken_.size(), before) << "once";
}

}  // namespace
}  // namespace homeostat::simulation
