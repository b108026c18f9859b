// The property of provisional contributions: after any sequence of mined blocks, reorgs and finalisation the readings
// are those of an oracle that was given the canonical chain alone.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "core/random.hpp"
#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using namespace testing;

/// Every aggregate and every finality, windows that blocks fall out of, a sketch, a rate of change that breaches.
Settings every_aggregate(std::uint32_t finality_depth) {
  const auto of = [](Finality finality, std::uint32_t confirmations = 0) {
    return EventOrigin{.event = "Tip", .value = 1, .finality = finality, .confirmations = confirmations};
  };
  const auto latest = of(Finality::confirmations);
  MetricSettings keys = from_event("keys", Aggregate::distinct, {.event = "Tip", .key = 0, .confirmations = 1});
  keys.exact_max = 12;
  MetricSettings limited = from_event("limited", Aggregate::last, latest);
  limited.rate_of_change =
      RateOfChange{.ratio_max = 0.7, .per = Duration::seconds(15), .halt_after = Duration::seconds(40)};
  MetricSettings twap = from_event("twap", Aggregate::twap, latest);
  twap.coverage_min = 0.5;
  MetricSettings rate = from_event("rate", Aggregate::rate, of(Finality::confirmations, 2));
  rate.coverage_min = 0.6;
  Settings s = settings_of(
      {from_event("sum", Aggregate::sum, latest), rate, from_event("count", Aggregate::count, of(Finality::safe)), keys,
       from_event("ewma", Aggregate::ewma, latest), twap, limited,
       from_event("final", Aggregate::sum, of(Finality::finalized)), expression("mean", "sum / max(count, 1)")});
  for (MetricSettings& m : s.metrics) m.window = Duration::seconds(150), m.buckets = 10;
  s.sources[3].finality_depth = finality_depth;
  return s;
}

std::string text_of(const Reading& r) {
  return std::to_string(r.value) + " " + std::string(name_of(r.quality)) + " '" + r.reason.str() + "' count " +
         std::to_string(r.count) + " provisional " + std::to_string(r.provisional);
}

/// A chain that mines, reorganises and finalises, beside the oracle that follows it.
class World {
 public:
  World(Random& random, bool names_finalized)
      : random_(random), names_finalized_(names_finalized), settings_(every_aggregate(kDepth)), oracle_(settings_) {}

  void step() {
    if (canonical_.empty() || random_.chance(0.5)) {
      deliver(std::nullopt, mine(1 + random_.below(4)));
    } else {
      reorg();
    }
    if (random_.chance(0.7)) oracle_.evaluate(now());
    if (random_.chance(0.1)) restart();
  }

  void check() {
    Oracle fresh(settings_);
    RC_ASSERT(fresh.ingest(segment(std::nullopt, canonical_)).has_value());
    const auto& expected = fresh.evaluate(now());
    const auto& actual = oracle_.evaluate(now());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (archive_bytes(actual[i]) != archive_bytes(expected[i])) {
        RC_LOG() << settings_.metrics[i].name << ": read " << text_of(actual[i]) << "; expected "
                 << text_of(expected[i]) << "\n";
      }
      RC_ASSERT(is_usable(actual[i].quality) == is_usable(expected[i].quality));
      // What is held is the last good value, which an oracle that was only just begun cannot know.
      if (is_usable(expected[i].quality)) RC_ASSERT(archive_bytes(actual[i]) == archive_bytes(expected[i]));
      RC_ASSERT((actual[i].quality == Quality::halted) == (expected[i].quality == Quality::halted));
    }
    const SourceStatus status = oracle_.sources()[3];
    RC_ASSERT(status.reorgs == reorgs_ && status.retracted_blocks == taken_back_ &&
              status.retracted_events == events_taken_back_);
  }

 private:
  static constexpr std::uint64_t kFirst = 100;
  static constexpr std::uint32_t kDepth = 9;

  [[nodiscard]] std::uint64_t head() const { return canonical_.empty() ? kFirst - 1 : canonical_.back().number; }
  [[nodiscard]] Instant now() const { return canonical_.back().time + Duration::seconds(3); }

  /// Blocks on top of the canonical chain as it stands, on a branch of their own.
  std::vector<ChainBlock> mine(std::uint64_t count) {
    ++branch_;
    std::vector<ChainBlock> blocks;
    Instant time = canonical_.empty() ? at(0) : canonical_.back().time;
    for (std::uint64_t n = head() + 1; blocks.size() < count; ++n) {
      std::vector<std::uint64_t> tips(random_.chance(0.4) ? 0 : random_.below(4));
      for (std::uint64_t& tip : tips) tip = random_.chance(0.05) ? 2000 : 20 + random_.below(60);
      ChainBlock block = block_of(n, tips, branch_);
      block.time = time = time + Duration::seconds(static_cast<std::int64_t>(random_.below(25)));
      blocks.push_back(std::move(block));
    }
    return blocks;
  }

  void reorg() {
    const std::uint64_t settled = std::max(kFirst - 1, oracle_.sources()[3].settled);
    if (head() <= settled) return;
    const std::uint64_t depth = 1 + random_.below(head() - settled);
    const std::uint64_t fork = head() - depth;
    std::vector<ChainBlock> before = canonical_;
    canonical_.resize(canonical_.size() - depth);
    const bool goes_back = !abandoned_.empty() && abandoned_.front().number == fork + 1 && random_.chance(0.7) &&
                           (canonical_.empty() || abandoned_parent_ == canonical_.back().hash);
    // What is final stays counted, even where the chain then becomes too short to count it: below a depth, the height
    // of what was taken back stays in what is final; otherwise, the deepest confirmations are two.
    const std::uint64_t least = names_finalized_ ? (settled + 2 > fork ? settled + 2 - fork : 1) : depth;
    std::vector<ChainBlock> branch =
        goes_back && abandoned_.size() >= least ? abandoned_ : mine(least + random_.below(4));
    abandoned_.assign(before.end() - static_cast<std::ptrdiff_t>(depth), before.end());
    abandoned_parent_ = canonical_.empty() ? Hash32{} : canonical_.back().hash;
    ++reorgs_;
    taken_back_ += depth;
    for (const ChainBlock& block : abandoned_) events_taken_back_ += block.events.size();
    deliver(fork, std::move(branch));
  }

  ChainSegment segment(std::optional<std::uint64_t> rewind_to, std::vector<ChainBlock> blocks) {
    ChainSegment s = segment_of(blocks);
    s.rewind_to = rewind_to;
    if (blocks.front().number > kFirst) s.parent = canonical_[blocks.front().number - kFirst - 1].hash;
    s.finalized = finalized_;
    s.safe = std::max(finalized_, s.to - 3);
    return s;
  }

  void deliver(std::optional<std::uint64_t> rewind_to, std::vector<ChainBlock> blocks) {
    if (names_finalized_ && random_.chance(0.3)) {
      const std::uint64_t to = blocks.back().number;
      finalized_ = std::max(finalized_, to - std::min(to - kFirst, random_.below(12)));
    }
    const auto done = oracle_.ingest(segment(rewind_to, blocks));
    RC_ASSERT(done.has_value());
    canonical_.insert(canonical_.end(), blocks.begin(), blocks.end());
  }

  void restart() {
    const std::string saved = bytes_of(oracle_);
    Oracle loaded(settings_);
    Reader reader(saved);
    RC_ASSERT(loaded.load(reader) && reader.is_done());
    oracle_ = std::move(loaded);
  }

  Random& random_;
  const bool names_finalized_;
  const Settings settings_;
  Oracle oracle_;
  std::vector<ChainBlock> canonical_;
  std::vector<ChainBlock> abandoned_;  ///< the newest branch that was taken back
  Hash32 abandoned_parent_{};
  std::uint64_t branch_ = 0;
  std::uint64_t finalized_ = names_finalized_ ? kFirst : 0;
  std::uint64_t reorgs_ = 0, taken_back_ = 0, events_taken_back_ = 0;
};

TEST(ReorgProperty, R3_TheReadingsAreThoseOfTheCanonicalChainAlone) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed, bool names_finalized) {
    Random random(seed);
    World world(random, names_finalized);
    for (int i = 0; i < 40; ++i) {
      world.step();
      world.check();
    }
  }));
}

}  // namespace
}  // namespace homeostat::oracle
