// Filters added later read their own past. A metric whose event was not watched so far begins with the final blocks
// that it missed, range by range and in order, while live segments go on for the others; once it has read all that is
// final and nothing above is missing from Chain::pending, it joins them.
//
// Only final blocks are read this way, so that no reorg can reach into a past that was read without its hashes. Where
// a metric stands is part of its state: a crash loses nothing and repeats nothing.
#include <algorithm>

#include "oracle/state.hpp"

namespace homeostat::oracle {
namespace {

std::string text_of(std::uint64_t block) {
  return "block " + std::to_string(block);
}

bool is_of(const ChainSegment& segment, const std::string& event) {
  return std::find(segment.events.begin(), segment.events.end(), event) != segment.events.end();
}

}  // namespace

void Oracle::State::begin_past(std::size_t index) {
  Metric& metric = metrics[index];
  const EventSettings& event = settings.events[metric.event];
  const std::uint32_t id = metric.series.front().source;
  const Chain& chain = *sources[id].chain;
  if (!chain.has_head) return;
  const auto from = event.from_block ? event.from_block : settings.sources[id].start_block;
  if (!from || *from > chain.head.number) return start_at_head(index);
  metric.backfilling = true;
  metric.past_from = metric.past_next = *from;
  metric.watched_since = std::max(chain.head.number, linked_only(id));
}

/// Live blocks up to this one, before the source's start block, are linked but come without events.
std::uint64_t Oracle::State::linked_only(std::uint32_t id) const {
  const std::uint64_t start = settings.sources[id].start_block.value_or(0);
  return start > 0 ? start - 1 : 0;
}

/// With the first segment of all: the past of a metric whose contract is older than the first block that counts, or
/// whose event this segment, read before the policy changed, does not have.
void Oracle::State::begin_before(std::size_t index, const ChainSegment& segment) {
  Metric& metric = metrics[index];
  const EventSettings& event = settings.events[metric.event];
  const std::optional<std::uint64_t> start = settings.sources[metric.series.front().source].start_block;
  const std::uint64_t counted_from = std::max(segment.from, start.value_or(0));
  const std::uint64_t from = event.from_block.value_or(counted_from);
  if (from >= counted_from && is_of(segment, event.name)) return;
  metric.backfilling = true;
  metric.has_started = false;
  metric.past_from = metric.past_next = from;
  metric.watched_since = counted_from > 0 ? counted_from - 1 : 0;
}

/// A source that was reading when the policy changed goes on for a moment without the new events.
void Oracle::State::note_unwatched(std::uint32_t id, const ChainSegment& segment) {
  for (const std::uint32_t index : chain_metrics[id]) {
    Metric& metric = metrics[index];
    if (!metric.backfilling || is_of(segment, settings.events[metric.event].name)) continue;
    metric.watched_since = std::max(metric.watched_since, segment.to);
  }
}

std::optional<MissingPast> Oracle::State::missing_past(std::uint32_t id) const {
  const Source& source = sources[id];
  if (!source.chain || !source.chain->has_head || source.violated) return std::nullopt;
  std::optional<MissingPast> missing;
  std::uint64_t to = source.chain->settled;
  for (const std::uint32_t index : chain_metrics[id]) {
    const Metric& metric = metrics[index];
    if (!metric.backfilling) continue;
    if (missing && metric.past_next > missing->from) {
      to = std::min(to, metric.past_next - 1);  // from there on they are read together
      continue;
    }
    if (missing && metric.past_next < missing->from) {
      to = std::min(to, missing->from - 1);
      missing.reset();
    }
    if (!missing) missing.emplace().from = metric.past_next;
    const std::string& name = settings.events[metric.event].name;
    if (std::find(missing->events.begin(), missing->events.end(), name) == missing->events.end()) {
      missing->events.push_back(name);
    }
  }
  if (!missing || missing->from > to) return std::nullopt;
  missing->to = to;
  return missing;
}

Result<> Oracle::State::check_past(std::uint32_t id, const ChainSegment& segment) const {
  const Chain& chain = *sources[id].chain;
  const auto conflict = [&](std::string message) {
    return fail(ErrorCode::conflict, segment.source, std::move(message));
  };
  if (sources[id].violated) return fail(ErrorCode::corrupt, segment.source, "the source is violated");
  if (segment.rewind_to) return fail(ErrorCode::malformed, segment.source, "the past cannot be rewound");
  if (!chain.has_head || segment.to > chain.settled) {
    return conflict("the past ends with the newest final block, " + std::to_string(chain.settled) +
                    "; the segment ends with " + text_of(segment.to));
  }
  bool is_missing = false;
  for (const std::uint32_t index : chain_metrics[id]) {
    const Metric& metric = metrics[index];
    if (!takes_past(metric, segment)) continue;
    is_missing = true;
    if (metric.past_next > metric.past_from && metric.past_head != segment.parent) {
      return conflict("the parent of " + text_of(segment.from) + " is not the block that was read before");
    }
  }
  if (!is_missing) return conflict("no filter is missing its past from " + text_of(segment.from) + " on");
  for (const ChainBlock& block : segment.blocks) {
    const auto known = std::lower_bound(chain.recent.begin(), chain.recent.end(), block.number,
                                        [](const Chain::Recent& r, std::uint64_t n) { return r.number < n; });
    // The block below the first was never seen, only named by its child.
    const bool was_seen = known != chain.recent.end() && known->number == block.number && !known->time.is_never();
    if (was_seen && known->hash != block.hash) {
      return conflict(text_of(block.number) + " of the past is another than the one that was final");
    }
  }
  return {};
}

bool Oracle::State::takes_past(const Metric& metric, const ChainSegment& segment) const {
  return metric.backfilling && metric.past_next == segment.from && is_of(segment, settings.events[metric.event].name);
}

void Oracle::State::take_past(std::uint32_t id, const ChainSegment& segment) {
  Source& source = sources[id];
  const Chain& chain = *source.chain;
  feed_received_ = segment.received;
  for (const std::uint32_t index : chain_metrics[id]) {
    Metric& metric = metrics[index];
    if (!takes_past(metric, segment)) continue;
    const std::string& name = settings.events[metric.event].name;
    for (const ChainBlock& block : segment.blocks) {
      if (!metric.has_started) {
        metric.has_started = true;
        metric.started = block.time;
      }
      for (const ChainEvent& event : block.events) {
        if (segment.events[event.event] == name) feed(index, metric, block, event, &source);
      }
    }
    metric.has_frontier = true;
    metric.frontier = segment.blocks.back().time;
    metric.consumed = segment.to;
    metric.past_next = segment.to + 1;
    metric.past_head = segment.blocks.back().hash;
    metric.backfilling = segment.to < std::max(chain.pruned, metric.watched_since);
  }
  for (const ChainBlock& block : segment.blocks) source.accepted += block.events.size();
}

}  // namespace homeostat::oracle
