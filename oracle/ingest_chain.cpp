// Taking in a segment of a chain: whole or not at all.
//
// A block's events wait until the block is as deep as a metric asks for, then they count; they stay where they are
// until the block is final, so that a reorg can take them back (retract.cpp). A reorg that reaches a final block
// latches the source as violated: nothing is taken in until a segment fits behind what was final.
#include <algorithm>
#include <cmath>

#include "core/check.hpp"
#include "core/format.hpp"
#include "core/hex.hpp"
#include "core/text.hpp"
#include "oracle/state.hpp"
#include "oracle/word.hpp"

namespace homeostat::oracle {
namespace {

std::string text_of(std::uint64_t block) {
  return "block " + std::to_string(block);
}

/// The whole number whose inverse `scale` is, or nearly. Up to 2^53 rounding finds it; beyond, several whole doubles
/// have the same inverse, and the power of ten among them is what is meant.
double whole_inverse(double scale) {
  const double inverse = std::round(1 / scale);
  if (inverse < 0x1p53) return inverse;
  for (const double power : {1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}) {  // larger ones are no doubles
    if (1 / power == scale) return power;
  }
  return inverse;
}

std::string short_hex(const Hash32& hash) {
  return hex0x_of(std::span(hash).first(6)) + "..";
}

}  // namespace

Result<> Oracle::State::ingest(const ChainSegment& segment) {
  const auto found = source_index.find(segment.source);
  if (found == source_index.end()) {
    std::vector<std::string> names;
    for (const SourceSettings& s : settings.sources) names.push_back(s.name);
    return fail(ErrorCode::unknown_name, segment.source,
                "there is no such source" + did_you_mean(segment.source, names));
  }
  Source& source = sources[found->second];
  const auto take_in = [&]() -> Result<> {
    if (!source.chain) return fail(ErrorCode::unsupported, segment.source, "no event of this source is configured");
    if (segment.is_tidings()) return check_tidings(found->second, segment);
    if (auto done = check_shape(segment); !done) return done;
    if (segment.past) return check_past(found->second, segment);
    if (auto done = check_link(found->second, segment); !done) {
      if (!source.violated || done.error().code == ErrorCode::corrupt) return done;
      return fail(ErrorCode::corrupt, segment.source,
                  "the source is violated (" + source.detail +
                      "); it goes on with a segment that fits behind what was " +
                      "final, or when a guardian has cleared it");
    }
    return check_room(found->second, segment);
  };
  if (auto done = take_in(); !done) {
    ++source.chain_refused;
    source.last_refused = done.error().message;
    source.last_refused_at = segment.received;
    return done;
  }
  if (segment.past) {
    take_past(found->second, segment);
    consume(found->second, segment.received);
    return {};
  }
  if (segment.is_tidings()) {
    move_ends(found->second, segment, heights_with(found->second, segment));
    consume(found->second, segment.received);
    return {};
  }
  if (source.violated) {  // the chain has come back to what was final
    source.violated = false;
    source.condition = SourceCondition::connected;
    source.condition_since = segment.received;
    source.detail.clear();
  }
  retract(found->second, segment);
  append(found->second, segment);
  consume(found->second, segment.received);
  return {};
}

Result<> Oracle::State::check_tidings(std::uint32_t id, const ChainSegment& segment) const {
  const Source& source = sources[id];
  const auto conflict = [&](std::string message) {
    return fail(ErrorCode::conflict, segment.source, std::move(message));
  };
  if (source.violated) return conflict("the source is violated (" + source.detail + "): its ends say nothing");
  const Chain& chain = *source.chain;
  if (!chain.has_head) return conflict("no block was taken in yet");
  if (chain.head.number != segment.to || chain.head.hash != segment.parent) {
    return conflict("the tidings are of " + text_of(segment.to) + " " + short_hex(segment.parent) + ", the head is " +
                    text_of(chain.head.number) + " " + short_hex(chain.head.hash));
  }
  return {};
}

Result<> Oracle::State::check_shape(const ChainSegment& segment) const {
  const auto malformed = [&](std::string message) {
    return fail(ErrorCode::malformed, segment.source, std::move(message));
  };
  if (segment.from > segment.to) {
    return malformed("the segment runs from " + text_of(segment.from) + " back to " + text_of(segment.to));
  }
  if (segment.blocks.empty() || segment.blocks.back().number != segment.to) {
    return malformed("the last block of a segment must be listed: " + text_of(segment.to));
  }
  const ChainBlock* before = nullptr;
  for (const ChainBlock& block : segment.blocks) {
    if (block.number < segment.from || (before != nullptr && block.number <= before->number)) {
      return malformed(text_of(block.number) + " is out of order in the segment from " + text_of(segment.from));
    }
    if (before != nullptr && block.time < before->time) {
      return malformed(text_of(block.number) + " is older than the block before it");
    }
    if (block.time > segment.received + kBlockFutureMax) {
      return malformed(text_of(block.number) + " is " + homeostat::text_of(block.time - segment.received) +
                       " ahead of its receipt; allowed " + homeostat::text_of(kBlockFutureMax));
    }
    for (const ChainEvent& event : block.events) {
      if (event.event >= segment.events.size()) {
        return malformed(text_of(block.number) + " refers to event " + std::to_string(event.event) + " of " +
                         std::to_string(segment.events.size()));
      }
    }
    before = &block;
  }
  return check_arguments(segment);
}

/// Metrics read arguments by index: they must be there.
Result<> Oracle::State::check_arguments(const ChainSegment& segment) const {
  const auto needed_by = [&](std::uint32_t metric) -> std::size_t {
    const auto& origin = std::get<EventOrigin>(settings.metrics[metric].origin);
    return std::max(origin.value ? *origin.value + 1 : 0, origin.key ? *origin.key + 1 : 0);
  };
  const std::vector<std::uint32_t>& readers = chain_metrics[source_index.at(segment.source)];
  std::vector<std::size_t> needed(settings.events.size());  // by our index, then by the segment's: one look per log
  for (const std::uint32_t metric : readers) {
    needed[metrics[metric].event] = std::max(needed[metrics[metric].event], needed_by(metric));
  }
  std::vector<std::size_t> needed_of;
  for (const std::string& name : segment.events) {
    const auto ours = event_index.find(name);
    needed_of.push_back(ours == event_index.end() ? 0 : needed[ours->second]);
  }
  for (const ChainBlock& block : segment.blocks) {
    for (const ChainEvent& event : block.events) {
      if (event.args.size() >= needed_of[event.event]) continue;
      const auto reader = std::find_if(readers.begin(), readers.end(), [&](std::uint32_t metric) {
        return settings.events[metrics[metric].event].name == segment.events[event.event] &&
               event.args.size() < needed_by(metric);
      });
      HOMEOSTAT_CHECK(reader != readers.end());
      return fail(ErrorCode::malformed, segment.source,
                  "log " + std::to_string(event.log_index) + " of " + text_of(block.number) + " has " +
                      std::to_string(event.args.size()) + " arguments; metric '" + settings.metrics[*reader].name +
                      "' needs " + std::to_string(needed_by(*reader)));
    }
  }
  return {};
}

Result<> Oracle::State::check_link(std::uint32_t id, const ChainSegment& segment) {
  Source& source = sources[id];
  const Chain& chain = *source.chain;
  const auto conflict = [&](std::string message) {
    return fail(ErrorCode::conflict, segment.source, std::move(message));
  };
  if (!chain.has_head) {
    if (segment.rewind_to) return conflict("there is nothing to rewind: no block was taken in yet");
    return {};
  }
  Chain::Recent base = chain.head;
  if (segment.rewind_to && *segment.rewind_to != chain.head.number) {
    const std::uint64_t fork = *segment.rewind_to;
    if (fork > chain.head.number)
      return conflict("a rewind to " + text_of(fork) + " beyond the head, " + text_of(chain.head.number));
    const ChainBlock& first = segment.blocks.front();
    const auto same = std::lower_bound(chain.recent.begin(), chain.recent.end(), first.number,
                                       [](const Chain::Recent& r, std::uint64_t n) { return r.number < n; });
    // The same block again takes nothing back: the segment was under way while the source began anew.
    if (fork < chain.settled && same != chain.recent.end() && same->number == first.number && same->hash == first.hash)
      return conflict(text_of(first.number) + " is known already");
    if (fork < chain.settled) {
      if (!source.violated) source.condition_since = segment.received;
      source.violated = true;
      source.condition = SourceCondition::violated;
      source.detail = "the chain took back its blocks above " + std::to_string(fork) + ", but those up to " +
                      std::to_string(chain.settled) + " were already final";
      return fail(ErrorCode::corrupt, segment.source, source.detail);
    }
    const auto known = std::lower_bound(chain.recent.begin(), chain.recent.end(), fork,
                                        [](const Chain::Recent& r, std::uint64_t n) { return r.number < n; });
    if (known == chain.recent.end() || known->number != fork)
      return conflict("the hash of " + text_of(fork) + " is not known; rewind to one of the recent blocks");
    base = *known;
  }
  if (segment.from != base.number + 1) {
    return conflict("the segment starts at " + text_of(segment.from) + "; expected " + text_of(base.number + 1));
  }
  if (segment.parent != base.hash) {
    return conflict("the parent of " + text_of(segment.from) + " is " + short_hex(segment.parent) + ", but " +
                    text_of(base.number) + " is known as " + short_hex(base.hash));
  }
  if (segment.blocks.front().time < base.time) {
    return conflict(text_of(segment.blocks.front().number) + " is older than " + text_of(base.number));
  }
  return {};
}

Result<> Oracle::State::check_room(std::uint32_t id, const ChainSegment& segment) const {
  const Chain& chain = *sources[id].chain;
  const std::uint64_t keep = segment.rewind_to.value_or(chain.has_head ? chain.head.number : 0);
  // What is final and what every metric can count at once need not wait.
  const Heights heights = heights_with(id, segment);
  std::uint64_t counted = chain_metrics[id].empty() ? segment.to : heights.settled;
  for (const std::uint32_t metric : chain_metrics[id]) {
    if (metrics[metric].backfilling) continue;
    const auto& origin = std::get<EventOrigin>(settings.metrics[metric].origin);
    const std::uint64_t height = countable(origin, heights).value_or(0);
    counted = std::min(counted, std::max(height, std::min(metrics[metric].consumed, keep)));
  }
  std::size_t blocks = 0;
  std::size_t events = 0;
  for (const ChainBlock& block : chain.pending) {
    if (block.number > keep || block.number <= counted) continue;
    ++blocks;
    events += block.events.size();
  }
  for (const ChainBlock& block : segment.blocks) {
    if (block.number <= counted) continue;
    ++blocks;
    events += block.events.size();
  }
  if (events <= kPendingEventsMax && blocks <= kPendingBlocksMax) return {};
  return fail(ErrorCode::resource_exhausted, segment.source,
              std::to_string(events) + " events in " + std::to_string(blocks) +
                  " blocks would wait for finality; at most " + std::to_string(kPendingEventsMax) + " events and " +
                  std::to_string(kPendingBlocksMax) + " blocks may. Send the segment again when finality has moved on");
}

void Oracle::State::append(std::uint32_t id, const ChainSegment& segment) {
  Source& source = sources[id];
  Chain& chain = *source.chain;
  const Heights heights = heights_with(id, segment);
  const bool is_first = !chain.has_head;
  if (is_first || chain.head.time.is_never()) {
    // The parent is a fork point too, should the very first block be taken back.
    chain.origin = segment.from > 0 ? segment.from - 1 : 0;
    if (segment.from > 0 && is_first) chain.recent.push_back({.number = chain.origin, .hash = segment.parent});
    for (const std::uint32_t index : chain_metrics[id]) {
      Metric& metric = metrics[index];
      if (metric.backfilling) continue;
      if (metric.settled) metric.settled->started = segment.blocks.front().time;
      metric.has_started = true;
      metric.started = segment.blocks.front().time;
      metric.consumed = chain.origin;
    }
  }
  std::vector<const std::uint32_t*> known;  // the segment's event names as indexes of ours
  for (const std::string& name : segment.events) {
    const auto it = event_index.find(name);
    const bool ours = it != event_index.end() && settings.events[it->second].source == segment.source;
    known.push_back(ours ? &it->second : nullptr);
  }
  if (is_first) {
    for (const std::uint32_t index : chain_metrics[id]) {
      begin_before(index, segment);
    }
  }
  note_unwatched(id, segment);
  for (const ChainBlock& block : segment.blocks) {
    ChainBlock& kept = chain.pending.emplace_back();
    kept.number = block.number;
    kept.hash = block.hash;
    kept.time = block.time;
    for (const ChainEvent& event : block.events) {
      if (known[event.event] == nullptr) continue;  // of an event that a newer policy has dropped
      kept.events.push_back(event);
      kept.events.back().event = *known[event.event];
    }
    chain.pending_events += kept.events.size();
    source.accepted += kept.events.size();
    chain.recent.push_back({.number = block.number, .hash = block.hash, .time = block.time});
  }
  chain.has_head = true;
  chain.head = chain.recent.back();
  move_ends(id, segment, heights);
  source.newest = source.watermark = chain.head.time;
  source.skew.note(chain.head.time - segment.received);
}

void Oracle::State::move_ends(std::uint32_t id, const ChainSegment& segment, const Heights& heights) {
  Chain& chain = *sources[id].chain;
  chain.safe = heights.safe;
  chain.finalized = std::max(chain.finalized, segment.finalized);
  chain.settled = heights.settled;
  // Hashes below the settled block are for a shell that starts again, and as fork points of a violated chain.
  while (chain.recent.size() > kRecentBlocksMax ||
         (chain.recent.size() > kRecentBlocksMin && chain.recent[1].number <= chain.settled)) {
    chain.recent.pop_front();
  }
}

void Oracle::State::consume(std::uint32_t id, Instant received) {
  Source& source = sources[id];
  Chain& chain = *source.chain;
  const Heights heights{.head = chain.head.number, .safe = chain.safe, .settled = chain.settled};
  std::uint64_t done = chain_metrics[id].empty() ? chain.head.number : chain.settled;
  feed_received_ = received;
  for (const std::uint32_t index : chain_metrics[id]) {
    Metric& metric = metrics[index];
    if (metric.backfilling) continue;
    if (const auto height = countable(std::get<EventOrigin>(settings.metrics[index].origin), heights)) {
      advance(index, metric, std::min(*height, chain.settled), &source);
      if (*height > chain.settled && !metric.settled) metric.settled = static_cast<const Tally&>(metric);
      advance(index, metric, *height, &source);
    }
    settle_metric(index, chain.settled);
    done = std::min(done, metric.consumed);
  }
  chain.pruned = std::max(chain.pruned, done);
  while (!chain.pending.empty() && chain.pending.front().number <= done) {
    chain.pending_events -= chain.pending.front().events.size();
    chain.pending.pop_front();
  }
}

/// Times of a run of refused values are block times, so that feeding it again or reading the past gives the same.
void Oracle::State::feed(std::size_t index, Tally& tally, const ChainBlock& block, const ChainEvent& event,
                         Source* counted) {
  const MetricSettings& m = settings.metrics[index];
  const auto& origin = std::get<EventOrigin>(m.origin);
  Contribution c{.time = block.time,
                 .received = block.time,
                 .value = 1,
                 .sequence = block.number,
                 .log_index = event.log_index,
                 .block = block.hash};
  const auto refuse = [&](Refusal refusal, const std::string& why) {
    if (counted == nullptr) return;
    ++counted->refused[static_cast<std::size_t>(refusal)];
    counted->last_refused =
        m.name + ": " + text_of(block.number) + " log " + std::to_string(event.log_index) + ": " + why;
    counted->last_refused_at = feed_received_;
  };
  // A reconfigured metric may meet events that were checked for the one before it.
  const std::size_t needed = std::max(origin.value ? *origin.value + 1 : 0u, origin.key ? *origin.key + 1 : 0u);
  if (event.args.size() < needed) return refuse(Refusal::not_finite, "the argument is missing");
  if (origin.value) {
    const Word& word = event.args[*origin.value];
    c.value = origin.value_signed ? double_from_int256(word) : double_from_uint256(word);
  }
  // 1e-18 is no double, 1e18 is one: dividing by it rounds once, so that 7 whole tokens read 7.
  const double inverse = whole_inverse(origin.scale);
  if (1 / inverse == origin.scale) {
    c.value /= inverse;
  } else {
    c.value *= origin.scale;
  }
  if (origin.key) c.key = event.args[*origin.key];
  if (!std::isfinite(c.value)) return refuse(Refusal::not_finite, "the scaled value is not finite");
  if (!sample_is_inside(m, c.value)) return refuse(Refusal::out_of_bounds, outside_message(m, c.value));
  Series& series = tally.series.front();
  std::string message;
  if (is_too_fast(m, series, c, &message)) {
    if (series.breach_until - series.breach_since >= m.rate_of_change->halt_after && !tally.halted) {
      tally.halted = true;
      tally.halted_reason = persistent_breach_text(m);
    }
    return refuse(Refusal::rate_of_change, message);
  }
  contribute(index, tally, series, c);
}

}  // namespace homeostat::oracle
