// What is final, what counts before it is, and how a reorg takes that back.
//
// A metric's tally counts every block as deep as the metric asks for. Once it goes beyond the settled height, a
// second tally of the settled blocks alone is kept beside it; the events of the blocks between the two wait in
// Chain::pending. A reorg copies the settled tally and feeds it the blocks that remain: the same additions in the same
// order, so that sums, averages, windows, sketches and rate-of-change references have the same bits as if what was
// taken back had never come. Each event is fed at most twice plus once per reorg, and nothing is copied per block.
#include <algorithm>

#include "core/check.hpp"
#include "oracle/state.hpp"

namespace homeostat::oracle {

bool Chain::is_consistent() const {
  if (recent.size() > kRecentBlocksMax || has_head == recent.empty()) return false;
  if (has_head && (recent.back().number != head.number || settled > head.number || origin > settled)) return false;
  const auto ascending = [](const auto& a, const auto& b) { return a.number >= b.number; };
  return std::adjacent_find(recent.begin(), recent.end(), ascending) == recent.end() &&
         std::adjacent_find(pending.begin(), pending.end(), ascending) == pending.end();
}

Oracle::State::Heights Oracle::State::heights_with(std::uint32_t id, const ChainSegment& segment) const {
  const Chain& chain = *sources[id].chain;
  const std::uint64_t origin = chain.has_head ? chain.origin : segment.from > 0 ? segment.from - 1 : 0;
  Heights heights{.head = segment.to, .settled = std::max(chain.settled, origin)};
  // A safe height of the branch that was taken back says nothing of this one.
  const std::uint64_t safe_before = segment.rewind_to ? std::min(chain.safe, *segment.rewind_to) : chain.safe;
  heights.safe = segment.safe > 0 ? segment.safe : safe_before;
  const std::uint64_t finalized = std::max(chain.finalized, segment.finalized);
  const std::uint64_t depth = settings.sources[id].finality_depth;
  const std::uint64_t named = finalized > 0        ? std::min(finalized, segment.to)
                              : segment.to > depth ? segment.to - depth
                                                   : 0;
  const std::uint64_t final_height = std::min(named, segment.agreed.value_or(named));
  // Only a block with a known hash can be gone back to, so only such a one bounds what may be taken back.
  const auto newest_up_to = [&](const auto& blocks, std::uint64_t end) {
    auto it = std::upper_bound(blocks.begin(), blocks.end(), end,
                               [](std::uint64_t n, const auto& block) { return n < block.number; });
    if (it != blocks.begin()) heights.settled = std::max(heights.settled, std::prev(it)->number);
  };
  newest_up_to(chain.recent, std::min(final_height, segment.rewind_to.value_or(final_height)));
  newest_up_to(segment.blocks, final_height);
  return heights;
}

std::optional<std::uint64_t> Oracle::State::countable(const EventOrigin& origin, const Heights& heights) {
  std::optional<std::uint64_t> height;
  switch (origin.finality) {
    case Finality::confirmations:
      if (heights.head >= origin.confirmations) height = heights.head - origin.confirmations;
      break;
    case Finality::safe:
      if (heights.safe > 0) height = std::min(heights.safe, heights.head);
      break;
    case Finality::finalized:
      if (heights.settled > 0) height = heights.settled;
      break;
  }
  return height;
}

void Oracle::State::advance(std::size_t index, Tally& tally, std::uint64_t height, Source* counted) {
  const Metric& metric = metrics[index];
  Chain& chain = *sources[tally.series.front().source].chain;
  // Block 0 is countable only once: `consumed` = 0 also stands for "nothing yet".
  const bool anything = tally.has_frontier || tally.consumed > 0;
  auto block = anything ? std::upper_bound(chain.pending.begin(), chain.pending.end(), tally.consumed,
                                           [](std::uint64_t n, const ChainBlock& b) { return n < b.number; })
                        : chain.pending.begin();
  // The live tally was cleared when the guardian said so; the others, when they come to the same block.
  auto cleared = counted != nullptr ? metric.cleared_after.end() : metric.cleared_after.begin();
  for (; block != chain.pending.end() && block->number <= height; ++block) {
    for (; cleared != metric.cleared_after.end() && *cleared < block->number; ++cleared) accept_refused(index, tally);
    block->for_each_of(metric.event, [&](const ChainEvent& event) { feed(index, tally, *block, event, counted); });
    tally.has_frontier = true;
    tally.frontier = block->time;
  }
  for (; cleared != metric.cleared_after.end() && *cleared <= height; ++cleared) accept_refused(index, tally);
  tally.consumed = std::max(tally.consumed, height);
}

void Oracle::State::settle_metric(std::size_t index, std::uint64_t settled) {
  Metric& metric = metrics[index];
  if (!metric.settled) return;
  const std::uint64_t height = std::min(settled, metric.consumed);
  if (height <= metric.settled->consumed && metric.cleared_after.empty()) return;
  advance(index, *metric.settled, height, nullptr);
  std::erase_if(metric.cleared_after, [&](std::uint64_t after) { return after <= height; });
}

/// Before the segment is appended. Retracts what the chain took back, newest first, and what no longer is as deep as
/// a metric asks because the chain has become shorter.
void Oracle::State::retract(std::uint32_t id, const ChainSegment& segment) {
  Source& source = sources[id];
  Chain& chain = *source.chain;
  if (!segment.rewind_to || !chain.has_head || *segment.rewind_to >= chain.head.number) return;
  const std::uint64_t fork = *segment.rewind_to;
  ++source.reorgs;
  source.retracted_blocks += chain.head.number - fork;
  while (!chain.pending.empty() && chain.pending.back().number > fork) {
    source.retracted_events += chain.pending.back().events.size();
    chain.pending_events -= chain.pending.back().events.size();
    chain.pending.pop_back();
  }
  while (chain.recent.back().number > fork) chain.recent.pop_back();
  chain.head = chain.recent.back();
  const Heights heights = heights_with(id, segment);
  std::vector<std::uint32_t> touched;
  for (const std::uint32_t index : chain_metrics[id]) {
    const auto& origin = std::get<EventOrigin>(settings.metrics[index].origin);
    metrics[index].watched_since = std::min(metrics[index].watched_since, std::max(fork, linked_only(id)));
    if (metrics[index].backfilling) continue;
    // What is final stays counted, however short the chain becomes.
    const std::uint64_t height =
        std::max(chain.settled, std::min(fork, countable(origin, heights).value_or(chain.settled)));
    if (metrics[index].consumed <= height) continue;
    retract_metric(index, height);
    touched.push_back(index);
  }
  forget_retracted_readings(touched);
}

void Oracle::State::retract_metric(std::size_t index, std::uint64_t height) {
  Metric& metric = metrics[index];
  HOMEOSTAT_CHECK(metric.settled.has_value());
  for (std::uint64_t& after : metric.cleared_after) after = std::min(after, height);
  metric.settled->consumed = std::min(metric.settled->consumed, height);  // of a metric that began at a later head
  static_cast<Tally&>(metric) = *metric.settled;
  advance(index, metric, height, nullptr);
}

/// The last good reading of a metric may rest on what was taken back, and would go on being held. It becomes what the
/// last tick would have read without that, or none.
void Oracle::State::forget_retracted_readings(const std::vector<std::uint32_t>& touched) {
  std::vector<bool> rests_on(metrics.size());
  for (const std::uint32_t index : touched) rests_on[index] = true;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    for (const std::uint32_t operand : metrics[i].operands) rests_on[i] = rests_on[i] || rests_on[operand];
    if (!rests_on[i]) continue;
    readings[i] = Reading{.value = settings.metrics[i].min, .reason = "no value yet"};
    if (!evaluated_at.is_never()) evaluate(i, evaluated_at);
  }
}

}  // namespace homeostat::oracle
