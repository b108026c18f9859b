#include "daemon/sources/chain_check.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include "daemon/sources/hex.hpp"

namespace homeostat::sources {
namespace {

Fault inconsistent(std::string text) {
  return {FaultKind::inconsistent, std::move(text), {}};
}

}  // namespace

ChainMemory::ChainMemory(const Cursor& cursor)
    : entries_(cursor.recent.begin(), cursor.recent.end()), settled_(cursor.settled) {
  while (entries_.size() > kBlocksRemembered) entries_.pop_front();
}

void ChainMemory::settled_is(std::uint64_t block) {
  settled_ = block;
  while (entries_.size() > kFinalBlocksRemembered && entries_[1].first <= block) entries_.pop_front();
}

bool ChainMemory::forget_from(std::uint64_t block) {
  if (entries_.empty() || entries_.front().first >= block) return false;
  while (entries_.back().first >= block) entries_.pop_back();
  return true;
}

void ChainMemory::apply(const oracle::ChainSegment& segment) {
  if (segment.rewind_to) {
    while (!entries_.empty() && entries_.back().first > *segment.rewind_to) entries_.pop_back();
  }
  // The parent is a fork point too, should the very first block be taken back.
  if (entries_.empty() && segment.from > 0) entries_.emplace_back(segment.from - 1, segment.parent);
  for (const auto& block : segment.blocks) entries_.emplace_back(block.number, block.hash);
  while (entries_.size() > kBlocksRemembered) entries_.pop_front();
  // What this makes final is so at once, not only when the oracle has said so: the next look may be of an old branch.
  // As there, only a block whose hash is known can be settled on.
  const std::uint64_t last = std::min(segment.finalized, segment.agreed.value_or(segment.finalized));
  const auto above = std::ranges::upper_bound(entries_, last, {}, &Entry::first);
  if (above != entries_.begin()) settled_ = std::max(settled_, std::prev(above)->first);
}

BloomBits bloom_bits(std::span<const std::uint8_t> bytes) {
  const oracle::Hash32 hash = keccak256(bytes);
  BloomBits bits{};
  for (std::size_t i = 0; i < bits.size(); ++i) {
    bits[i] = static_cast<std::uint16_t>((hash[2 * i] << 8 | hash[2 * i + 1]) & 2047);
  }
  return bits;
}

void add_to_bloom(rpc::Bloom& bloom, std::span<const std::uint8_t> bytes) {
  for (const unsigned bit : bloom_bits(bytes)) bloom[255 - bit / 8] |= static_cast<std::uint8_t>(1u << bit % 8);
}

bool bloom_may_hold(const rpc::Bloom& bloom, const BloomBits& bits) {
  return std::ranges::all_of(bits, [&](unsigned bit) { return (bloom[255 - bit / 8] >> bit % 8 & 1) != 0; });
}

bool bloom_equals(const rpc::Bloom& bloom, std::span<const rpc::Log> all_logs) {
  // Contracts, signatures and accounts repeat within a block, and a hash costs ten times as much as a look. A look has
  // one place only: who chooses topics can make it useless, not slow.
  constexpr std::size_t kPlaces = 1024;
  std::array<const oracle::Hash32*, kPlaces> added{};
  rpc::Bloom built{};
  const Address* address = nullptr;
  for (const rpc::Log& log : all_logs) {
    if (address == nullptr || *address != log.address) add_to_bloom(built, log.address);
    address = &log.address;
    for (std::size_t i = 0; i < log.topic_count; ++i) {
      const oracle::Hash32& topic = log.topics[i];
      std::array<std::uint64_t, 4> words{};
      std::memcpy(words.data(), topic.data(), sizeof words);
      const std::uint64_t mixed = ((words[0] ^ words[1]) + (words[2] ^ words[3])) * 0x9e3779b97f4a7c15ULL;
      const oracle::Hash32*& place = added[mixed >> 54];
      if (place != nullptr && *place == topic) continue;
      place = &topic;
      add_to_bloom(built, topic);
    }
  }
  return built == bloom;
}

Result<EventBook> EventBook::make(const std::vector<EvmEvent>& events) {
  EventBook book;
  std::map<std::string, std::uint32_t> layout_of;  // by types, in order, and which of them are indexed
  for (const EvmEvent& event : events) {
    auto layout = abi::make_layout(event.signature);
    if (!layout) {
      layout.error().where = "event " + event.name;
      return tl::make_unexpected(std::move(layout.error()));
    }
    const auto index = static_cast<std::uint32_t>(book.names_.size());
    book.names_.push_back(event.name);
    if (std::ranges::find(book.filter_.addresses, event.contract) == book.filter_.addresses.end()) {
      book.filter_.addresses.push_back(event.contract);
    }
    if (std::ranges::find(book.filter_.topics, layout->topic) == book.filter_.topics.end()) {
      book.filter_.topics.push_back(layout->topic);
    }
    const Key key{event.contract, layout->topic};
    const auto [place, is_new] = book.by_key_.try_emplace(key, static_cast<std::uint32_t>(book.origins_.size()));
    if (is_new) book.origins_.push_back({bloom_bits(event.contract), bloom_bits(layout->topic), {}});
    std::string shape = event.signature.canonical;
    for (const auto& parameter : event.signature.parameters) shape += parameter.indexed ? '+' : '-';
    const auto [known, is_first] = layout_of.try_emplace(shape, static_cast<std::uint32_t>(book.layouts_.size()));
    if (is_first) book.layouts_.push_back(std::move(*layout));
    book.origins_[place->second].entries.push_back({index, known->second});
  }
  return book;
}

std::size_t EventBook::KeyHash::operator()(const Key& key) const {
  std::uint64_t contract = 0;
  std::uint64_t topic = 0;
  std::memcpy(&contract, key.first.data() + key.first.size() - sizeof contract, sizeof contract);
  std::memcpy(&topic, key.second.data(), sizeof topic);
  return contract ^ topic;
}

const EventBook::Origin* EventBook::origin_of(const rpc::Log& log) const {
  if (log.topic_count == 0) return nullptr;
  const auto found = by_key_.find(Key{log.address, log.topics[0]});
  return found == by_key_.end() ? nullptr : &origins_[found->second];
}

bool EventBook::watches(const rpc::Log& log) const {
  return origin_of(log) != nullptr;
}

bool EventBook::may_be_in(const rpc::Bloom& bloom) const {
  return std::ranges::any_of(origins_, [&](const Origin& origin) {
    return bloom_may_hold(bloom, origin.contract) && bloom_may_hold(bloom, origin.topic);
  });
}

std::optional<std::string> EventBook::decode(const rpc::Log& log, std::vector<oracle::ChainEvent>& out) const {
  const Origin* origin = origin_of(log);
  if (origin == nullptr) return std::nullopt;
  std::optional<std::string> reason;
  for (const Entry& entry : origin->entries) {
    auto words = abi::decode(layouts_[entry.layout], log);
    if (words) {
      out.push_back({entry.index, log.log_index, log.transaction, std::move(*words)});
    } else {
      reason = fmt::format("event {} at block {} log {} of {}: {}", names_[entry.index], log.block_number,
                           log.log_index, hex0x_of(log.address), words.error());
    }
  }
  return reason;
}

std::optional<Fault> order_logs(std::vector<rpc::Log>& logs, std::uint64_t from, std::uint64_t to) {
  const auto key = [](const rpc::Log& log) { return std::pair(log.block_number, log.log_index); };
  if (!std::ranges::is_sorted(logs, {}, key)) std::ranges::sort(logs, {}, key);
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const rpc::Log& log = logs[i];
    if (log.block_number < from || log.block_number > to) {
      return inconsistent(fmt::format("a log of block {} in the answer for blocks {}..{}", log.block_number, from, to));
    }
    if (i == 0 || logs[i - 1].block_number != log.block_number) continue;
    if (logs[i - 1].log_index == log.log_index) {
      return inconsistent(fmt::format("log {} of block {} came twice", log.log_index, log.block_number));
    }
    if (logs[i - 1].block_hash != log.block_hash) {
      return inconsistent(fmt::format("logs of block {} carry two block hashes", log.block_number));
    }
  }
  return std::nullopt;
}

std::optional<Fault> check_whole_block(const rpc::Header& header, std::span<const rpc::Log> logs) {
  for (std::size_t i = 0; i < logs.size(); ++i) {
    if (logs[i].log_index == i) continue;
    return inconsistent(fmt::format("log {} of block {} is missing: the next one given is log {}", i, header.number,
                                    logs[i].log_index));
  }
  if (!bloom_equals(header.bloom, logs)) {
    return inconsistent(
        fmt::format("the logs of block {} do not give its bloom filter: some are missing or foreign", header.number));
  }
  return std::nullopt;
}

bool same_logs(std::span<const rpc::Log> a, std::span<const rpc::Log> b) {
  return std::ranges::equal(a, b, [](const rpc::Log& x, const rpc::Log& y) {
    return x.log_index == y.log_index && x.address == y.address && x.topic_count == y.topic_count &&
           x.topics == y.topics && x.data == y.data;
  });
}

std::optional<Fault> match_headers(std::span<const rpc::Log> logs, std::span<const rpc::Header> headers) {
  for (const rpc::Log& log : logs) {
    const auto header = std::ranges::lower_bound(headers, log.block_number, {}, &rpc::Header::number);
    if (header == headers.end() || header->number != log.block_number) continue;
    if (header->hash != log.block_hash) {
      return inconsistent(fmt::format("a log of block {} carries another block hash than the block", log.block_number));
    }
  }
  return std::nullopt;
}

}  // namespace homeostat::sources
