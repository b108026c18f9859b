#include "daemon/sources/agreement.hpp"

#include <algorithm>

#include "daemon/sources/hex.hpp"

namespace homeostat::sources {

using oracle::ChainBlock;
using oracle::Hash32;

namespace {

void append_u32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

}  // namespace

Agreement::Agreement(std::size_t needed, std::size_t providers, std::uint64_t depth)
    : needed_(std::min(needed, providers)), depth_(depth), seats_(providers) {}

std::deque<Agreement::Entry>::const_iterator Agreement::above(std::uint64_t block) const {
  return std::ranges::upper_bound(ledger_, block, {}, &Entry::number);
}

void Agreement::restart(const Cursor& cursor, const std::vector<EvmEvent>& events) {
  ++version_;
  ledger_.clear();
  proven_.clear();
  events_ = 0;
  agreed_ = cursor.settled;
  for (Seat& seat : seats_) seat.checked = agreed_;
  missing_to_.assign(events.size(), 0);
  if (!is_needed()) return;
  // The oracle numbers its events in its own way.
  constexpr std::uint32_t kDropped = UINT32_MAX;
  std::vector<std::uint32_t> ours;
  for (const auto& event : cursor.unsettled.events) {
    const auto found = std::ranges::find(events, event.name, &EvmEvent::name);
    ours.push_back(found == events.end() ? kDropped : static_cast<std::uint32_t>(found - events.begin()));
    if (found != events.end()) missing_to_[ours.back()] = event.missing_to;
  }
  auto block = cursor.unsettled.blocks.begin();
  for (const auto& [number, hash] : cursor.recent) {
    if (number <= agreed_) continue;
    while (block != cursor.unsettled.blocks.end() && block->number < number) ++block;
    ChainBlock known{.number = number, .hash = hash, .time = {}, .events = {}};
    if (block != cursor.unsettled.blocks.end() && block->number == number) {
      for (oracle::ChainEvent event : block->events) {
        event.event = event.event < ours.size() ? ours[event.event] : kDropped;
        if (event.event != kDropped) known.events.push_back(std::move(event));
      }
    }
    append({number, hash, digest_of(known), kNobody, static_cast<std::uint32_t>(known.events.size())});
  }
}

void Agreement::append(Entry entry) {
  events_ += entry.events;
  ledger_.push_back(entry);
}

void Agreement::delivered(const oracle::ChainSegment& segment, std::size_t provider) {
  if (!is_needed()) return;
  if (segment.rewind_to) {
    ++version_;
    while (!ledger_.empty() && ledger_.back().number > *segment.rewind_to) {
      events_ -= ledger_.back().events;
      ledger_.pop_back();
    }
    proven_.erase(proven_.upper_bound(*segment.rewind_to), proven_.end());
    for (Seat& seat : seats_) seat.checked = std::min(seat.checked, *segment.rewind_to);
  }
  if (ledger_.empty() && segment.from > 0) {  // nothing before it was ever given, or all is agreed on
    agreed_ = std::max(agreed_, segment.from - 1);
    for (Seat& seat : seats_) seat.checked = std::max(seat.checked, agreed_);
  }
  for (const ChainBlock& block : segment.blocks) {
    append({block.number, block.hash, digest_of(block), provider, static_cast<std::uint32_t>(block.events.size())});
  }
  skip_own(provider);
  settle();
}

void Agreement::sees(std::size_t provider, std::uint64_t head, std::uint64_t finalized) {
  seats_[provider].final_to = finalized > 0 ? finalized : head - std::min(head, depth_);
  settle();
}

std::optional<std::uint64_t> Agreement::final_of(std::size_t provider) const {
  const auto next = above(seats_[provider].final_to);
  if (next == ledger_.begin()) return std::nullopt;
  return std::prev(next)->number;
}

bool Agreement::holds(std::size_t provider, std::uint64_t block) const {
  return seats_[provider].checked >= block && seats_[provider].final_to >= block;
}

bool Agreement::is_full() const {
  return ledger_.size() >= kUnagreedBlocksMax || events_ >= kUnagreedEventsMax;
}

std::optional<Agreement::Question> Agreement::question(std::size_t provider, std::uint64_t want,
                                                       std::uint64_t blocks_max) const {
  const std::uint64_t checked = seats_[provider].checked;
  const auto first = above(checked);
  if (first == ledger_.end() || first->number > want) return std::nullopt;
  const std::uint64_t last = std::min(want, checked + std::max<std::uint64_t>(blocks_max, 1));
  // A range that was empty when it was given is one block here, and may be more than `blocks_max`.
  const auto end = above(last);
  const Entry& to = end == ledger_.begin() || std::prev(end)->number < first->number ? *first : *std::prev(end);
  return Question{checked + 1, to.number, to.hash};
}

template <class Ignored>
std::optional<std::uint64_t> Agreement::lowest_difference(const Question& question, std::span<const ChainBlock> blocks,
                                                          const Ignored& ignored) const {
  auto theirs = blocks.begin();
  for (auto ours = above(question.from - 1); ours != ledger_.end() && ours->number <= question.to; ++ours) {
    for (; theirs != blocks.end() && theirs->number < ours->number; ++theirs) {
      if (digest_of(*theirs) != Hash32{} && !ignored(theirs->number)) return theirs->number;
    }
    const bool given = theirs != blocks.end() && theirs->number == ours->number;
    const bool same =
        given ? digest_of(*theirs) == ours->digest && theirs->hash == ours->hash : ours->digest == Hash32{};
    if (!same && !ignored(ours->number)) return ours->number;
    if (given) ++theirs;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> Agreement::difference(const Question& question, std::span<const ChainBlock> blocks) const {
  return lowest_difference(question, blocks, [this](std::uint64_t block) { return is_proven(block); });
}

bool Agreement::is_honest(const Question& question, std::span<const ChainBlock> blocks) const {
  return !blocks.empty() && !lowest_difference(question, blocks, [](std::uint64_t) { return false; });
}

void Agreement::confirm(std::size_t provider, std::uint64_t to) {
  seats_[provider].checked = std::max(seats_[provider].checked, to);
  skip_own(provider);
  settle();
}

void Agreement::skip_own(std::size_t provider) {
  Seat& seat = seats_[provider];
  for (auto next = above(seat.checked); next != ledger_.end() && next->given_by == provider; ++next)
    seat.checked = next->number;
}

void Agreement::settle() {
  if (!is_needed()) return;
  std::vector<std::uint64_t> held;
  for (const Seat& seat : seats_) held.push_back(std::min(seat.checked, seat.final_to));
  std::ranges::sort(held, std::greater());
  const auto next = above(held[needed_ - 1]);
  if (next == ledger_.begin()) return;
  agreed_ = std::prev(next)->number;
  while (!ledger_.empty() && ledger_.front().number <= agreed_) {
    events_ -= ledger_.front().events;
    ledger_.pop_front();
  }
  proven_.erase(proven_.begin(), proven_.upper_bound(agreed_));
  for (Seat& seat : seats_) seat.checked = std::max(seat.checked, agreed_);
}

std::optional<Agreement::Delivered> Agreement::find(std::uint64_t block) const {
  if (block <= agreed_) return std::nullopt;
  const auto entry = above(block - 1);
  if (entry == ledger_.end()) return std::nullopt;
  if (entry->number == block) return Delivered{entry->hash, entry->digest, entry->given_by};
  return Delivered{std::nullopt, {}, entry->given_by};
}

Hash32 Agreement::digest_of(const ChainBlock& block) const {
  std::vector<std::uint8_t> bytes;
  for (const oracle::ChainEvent& event : block.events) {
    if (event.event < missing_to_.size() && block.number <= missing_to_[event.event]) continue;
    // Not the transaction: nothing depends on it, and some chains have none.
    append_u32(bytes, event.event);
    append_u32(bytes, event.log_index);
    append_u32(bytes, static_cast<std::uint32_t>(event.args.size()));
    for (const oracle::Word& word : event.args) bytes.insert(bytes.end(), word.begin(), word.end());
  }
  return bytes.empty() ? Hash32{} : keccak256(bytes);
}

}  // namespace homeostat::sources
