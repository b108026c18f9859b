#include "daemon/sources/evm_reader.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "daemon/sources/hex.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;
using rpc::Header;
using rpc::Log;

namespace {

constexpr int kUndecodableTold = 10;  // log lines per segment; the counter has them all

Fault inconsistent(std::string text) {
  return {FaultKind::inconsistent, std::move(text), {}};
}

/// What the node calls safe or final; 0 when it does not know. A height above its own head is of another view than
/// this head: taking it for this one's would make every block up to the head final, so it says nothing.
std::uint64_t height_or_zero(const Fetch<rpc::Value>& value, Heads& heads) {
  const auto* header = value ? std::get_if<std::optional<Header>>(&*value) : nullptr;
  if (header == nullptr || !*header || (*header)->number > heads.latest.number) return 0;
  heads.claims.emplace_back((*header)->number, (*header)->hash);
  return (*header)->number;
}

/// What a node calls safe or final must be a block of the chain that it gives.
std::optional<Fault> contradicted(const Heads& heads, const oracle::ChainSegment& segment, const ChainMemory& memory) {
  for (const auto& [number, hash] : heads.claims) {
    const auto block = std::ranges::lower_bound(segment.blocks, number, {}, &oracle::ChainBlock::number);
    const bool in_segment = block != segment.blocks.end() && block->number == number;
    const auto entry = std::ranges::lower_bound(memory.entries(), number, {}, &ChainMemory::Entry::first);
    const bool remembered = number < segment.from && entry != memory.entries().end() && entry->first == number;
    if ((in_segment && block->hash != hash) || (remembered && entry->second != hash)) {
      return Fault{FaultKind::inconsistent,
                   fmt::format("what it calls safe or final at block {} is not on the chain that it gives", number),
                   {}};
    }
  }
  return std::nullopt;
}

/// The block a node gave for `number`, which must be that block.
Fetch<Header> expect_block(const rpc::Value& value, std::uint64_t number) {
  const auto& header = std::get<std::optional<Header>>(value);
  if (!header) return tl::make_unexpected(inconsistent(fmt::format("block {} is said to exist but not given", number)));
  if (header->number != number) {
    return tl::make_unexpected(inconsistent(fmt::format("block {} was given for block {}", header->number, number)));
  }
  return *header;
}

/// Only a block whose hash is known can be settled on: without this what is final would lag by up to a range.
void list_final(oracle::ChainSegment& segment, const std::vector<Header>& headers) {
  const auto header = std::ranges::lower_bound(headers, segment.finalized, {}, &Header::number);
  if (segment.finalized == 0 || header == headers.end() || header->number != segment.finalized) return;
  const auto place = std::ranges::lower_bound(segment.blocks, segment.finalized, {}, &oracle::ChainBlock::number);
  if (place != segment.blocks.end() && place->number == segment.finalized) return;
  const auto time = Instant::from_unix_seconds(static_cast<std::int64_t>(header->time_s));
  segment.blocks.insert(place, {header->number, header->hash, time, {}});
}

}  // namespace

EvmReader::EvmReader(const EvmSettings& settings, EventBook book, EvmMetrics& metrics, const Sink& sink)
    : settings_(settings),
      book_(std::move(book)),
      metrics_(metrics),
      sink_(sink),
      sizer_(settings.range_max, settings.logs_target) {}

std::optional<Fault> EvmReader::wrong_chain(const rpc::Value& value) const {
  const std::uint64_t chain_id = std::get<std::uint64_t>(value);
  if (chain_id == settings_.chain_id) return std::nullopt;
  return Fault{
      FaultKind::wrong_chain, fmt::format("it answers for chain id {}, expected {}", chain_id, settings_.chain_id), {}};
}

asio::awaitable<Fetch<Heads>> EvmReader::heads(EvmNode& node) {
  std::vector<rpc::Call> calls{rpc::chain_id(), rpc::header_by_tag("latest")};
  if (settings_.ask_safe) calls.push_back(rpc::header_by_tag("safe"));
  if (settings_.ask_finalized) calls.push_back(rpc::header_by_tag("finalized"));
  auto values = co_await node.call(std::move(calls));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  auto& id = (*values)[0];
  if (!id) co_return tl::make_unexpected(std::move(id.error()));
  if (auto wrong = wrong_chain(*id)) co_return tl::make_unexpected(std::move(*wrong));
  auto& latest = (*values)[1];
  if (!latest) co_return tl::make_unexpected(std::move(latest.error()));
  const auto& header = std::get<std::optional<Header>>(*latest);
  if (!header) co_return tl::make_unexpected(inconsistent("there is no latest block"));
  Heads heads;
  heads.latest = *header;
  std::size_t at = 2;
  if (settings_.ask_safe) heads.safe = height_or_zero((*values)[at++], heads);
  if (settings_.ask_finalized) heads.finalized = height_or_zero((*values)[at], heads);
  if (heads.latest.number > metrics_.head_seen) metrics_.head_seen = heads.latest.number;
  co_return heads;
}

asio::awaitable<std::optional<Fault>> EvmReader::check_contracts(EvmNode& node) {
  if (node.contracts_checked) co_return std::nullopt;
  std::map<Address, std::string> wanted;
  for (const auto& [name, address] : settings_.contracts) wanted.emplace(address, name);
  for (const EvmEvent& event : settings_.events) wanted.emplace(event.contract, "of event " + event.name);
  std::vector<rpc::Call> calls;
  for (const auto& [address, name] : wanted) calls.push_back(rpc::has_code(address));
  auto values = co_await node.require(std::move(calls));
  if (!values) co_return std::move(values.error());
  std::string missing;
  std::size_t i = 0;
  for (const auto& [address, name] : wanted) {
    if (std::get<bool>((*values)[i++])) continue;
    missing += fmt::format("{}contract {} at {}", missing.empty() ? "" : ", ", name, hex0x_of(address));
  }
  if (!missing.empty()) {
    co_return Fault{
        FaultKind::missing_contract, fmt::format("no code on chain id {}: {}", settings_.chain_id, missing), {}};
  }
  node.contracts_checked = true;
  co_return std::nullopt;
}

asio::awaitable<Fetch<Base>> EvmReader::ancestor(EvmNode& node, const ChainMemory& memory) {
  const auto& known = memory.entries();
  std::size_t left = known.size();
  while (left > 0) {
    const std::size_t count = std::min<std::size_t>(left, std::max<std::uint32_t>(settings_.batch_max, 2) - 1);
    std::vector<rpc::Call> calls;
    for (std::size_t i = 0; i < count; ++i) calls.push_back(rpc::header_by_number(known[left - 1 - i].first));
    // Behind one address there may be nodes of two chains, and that none of our blocks is known is a grave thing to
    // say: who says so must be of our chain in the same breath.
    calls.push_back(rpc::chain_id());
    auto values = co_await node.require(std::move(calls));
    if (!values) co_return tl::make_unexpected(std::move(values.error()));
    if (auto wrong = wrong_chain(values->back())) co_return tl::make_unexpected(std::move(*wrong));
    for (std::size_t i = 0; i < count; ++i) {
      const auto& [number, hash] = known[left - 1 - i];
      if (number < memory.settled()) {
        co_return fault(FaultKind::disjoint,
                        fmt::format("its chain left ours below block {}, which was final", memory.settled()));
      }
      // Only a block that was given says that the chain is another one.
      const auto header = expect_block((*values)[i], number);
      if (!header) co_return tl::make_unexpected(header.error());
      if (header->hash == hash) {
        Base base;
        base.from = number + 1;
        base.parent = hash;
        if (number != memory.head().first) base.rewind_to = number;
        co_return base;
      }
    }
    left -= count;
  }
  co_return fault(FaultKind::disjoint, fmt::format("none of the {} blocks remembered, {}..{}, is on its chain",
                                                   known.size(), known.front().first, known.back().first));
}

std::uint64_t EvmReader::beginning(std::uint64_t latest) const {
  const std::uint64_t deep = latest - std::min(latest, settings_.confirmations);
  return settings_.start_at_latest ? deep : std::min(settings_.start_block, deep);
}

asio::awaitable<Fetch<EvmReader::Forkable>> EvmReader::next(EvmNode& node, const Heads& heads,
                                                            const ChainMemory& memory) {
  auto segment = co_await follow(node, heads, memory);
  if (segment && *segment) {
    if (auto wrong = contradicted(heads, **segment, memory)) co_return tl::make_unexpected(std::move(*wrong));
  }
  co_return segment;
}

asio::awaitable<Fetch<EvmReader::Forkable>> EvmReader::follow(EvmNode& node, const Heads& heads,
                                                              const ChainMemory& memory) {
  Base base;
  base.from = beginning(heads.latest.number);
  if (!memory.empty()) {
    const auto& [number, hash] = memory.head();
    if (heads.latest.number < number) {
      co_return fault(FaultKind::behind,
                      fmt::format("its head is block {}, block {} was delivered", heads.latest.number, number));
    }
    if (heads.latest.number == number && heads.latest.hash == hash) co_return Forkable();
    base.from = number + 1;
    base.parent = hash;
  } else if (heads.latest.number < settings_.start_block) {
    co_return fault(FaultKind::behind, fmt::format("its head is block {}, the start block is {}", heads.latest.number,
                                                   settings_.start_block));
  }
  if (base.from <= heads.latest.number) {
    auto first = co_await read(node, heads, base);
    if (!first || *first) co_return first;
  }
  auto fork = co_await ancestor(node, memory);
  if (!fork) co_return tl::make_unexpected(std::move(fork.error()));
  if (fork->from > heads.latest.number) co_return Forkable();  // its view moved back to ours meanwhile
  auto second = co_await read(node, heads, *fork);
  if (second && !*second) co_return tl::make_unexpected(inconsistent("the chain changed while it was being read"));
  co_return second;
}

asio::awaitable<Fetch<EvmReader::Forkable>> EvmReader::read(EvmNode& node, const Heads& heads, const Base& base) {
  const std::uint64_t pending = heads.latest.number - base.from + 1;
  if (pending <= settings_.confirmations + kLiveBlocksMax) {
    metrics_.backfill_from = metrics_.backfill_to = 0;
    const std::uint64_t to = base.from + std::min(pending, kLiveBlocksMax) - 1;
    auto segment = co_await live(node, heads, base, to);
    co_return segment;
  }
  const std::uint64_t deepest = heads.latest.number - settings_.confirmations;
  metrics_.backfill_from = base.from;
  metrics_.backfill_to = deepest;
  const std::uint64_t to = std::min(deepest, base.from + sizer_.blocks() - 1);
  auto segment = co_await backfill(node, heads, base, to);
  if (segment) {
    metrics_.range_blocks = sizer_.blocks();
    co_return segment;
  }
  make_smaller(segment.error(), to - base.from + 1);
  co_return segment;
}

void EvmReader::make_smaller(Fault& fault, std::uint64_t blocks) {
  // A deadline missed is a failure like any other, but a smaller range may make the next one.
  const FaultKind kind = fault.kind;
  if (kind != FaultKind::range_too_wide && kind != FaultKind::oversize && kind != FaultKind::timed_out) return;
  const bool smaller = sizer_.refused(blocks, fault.blocks_hint);
  metrics_.range_blocks = sizer_.blocks();
  if (kind != FaultKind::timed_out) fault.kind = smaller ? FaultKind::range_too_wide : FaultKind::oversize;
}

asio::awaitable<Fetch<oracle::ChainSegment>> EvmReader::past(EvmNode& node, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t end = std::min(to, from + sizer_.blocks() - 1);
  Base base;
  base.from = from;
  Heads unknown;
  unknown.latest.number = std::numeric_limits<std::uint64_t>::max();  // no block of the range is the head at hand
  auto read = co_await backfill(node, unknown, base, end);
  if (!read) {
    make_smaller(read.error(), end - from + 1);
    co_return tl::make_unexpected(std::move(read.error()));
  }
  if (!*read) co_return tl::make_unexpected(inconsistent("the chain changed while it was being read"));
  oracle::ChainSegment segment = std::move(**read);
  segment.past = true;
  if (segment.blocks.front().number == from) co_return segment;
  std::vector<rpc::Call> calls{rpc::header_by_number(from)};
  auto values = co_await node.require(std::move(calls));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  auto first = expect_block(values->front(), from);
  if (!first) co_return tl::make_unexpected(std::move(first.error()));
  segment.blocks.insert(segment.blocks.begin(),
                        {from, first->hash, Instant::from_unix_seconds(static_cast<std::int64_t>(first->time_s)), {}});
  co_return segment;
}

oracle::ChainSegment EvmReader::begin_segment(const Heads& heads, const Base& base, const Header& first,
                                              std::uint64_t to) const {
  oracle::ChainSegment segment;
  segment.source = settings_.name;
  segment.rewind_to = base.rewind_to;
  segment.from = base.from;
  segment.to = to;
  segment.parent = base.parent.value_or(first.parent);
  segment.events = book_.names();
  // What this node holds final says nothing of another's blocks further up: never more than is given here. A claim
  // beyond the end may even be of another branch than what is given: a node before two forks calls a block of the one
  // final and gives blocks of the other. Then only what a reorg cannot reach from the end is as final as it says.
  const std::uint64_t unreachable = to - std::min(to, settings_.confirmations);
  const auto claimed = [&](std::uint64_t height) { return height <= to ? height : unreachable; };
  segment.safe = claimed(heads.safe);
  segment.finalized = claimed(heads.finalized);
  return segment;
}

std::vector<oracle::ChainEvent> EvmReader::decode(std::span<const Log> logs, int& told) {
  std::vector<oracle::ChainEvent> events;
  events.reserve(logs.size());
  for (const Log& log : logs) {
    if (log.block_number < settings_.start_block) continue;
    const auto reason = book_.decode(log, events);
    if (!reason) continue;
    metrics_.logs_undecodable += 1;
    if (told++ < kUndecodableTold)
      sink_.log(LogLevel::warning, settings_.name + ": a log was not understood: " + *reason);
  }
  return events;
}

asio::awaitable<Fetch<std::vector<Header>>> EvmReader::live_headers(EvmNode& node, const Heads& heads,
                                                                    std::uint64_t from, std::uint64_t to) {
  // The head is already here; the block before it must link to it like any other.
  const bool have_last = to == heads.latest.number;
  std::vector<rpc::Call> calls;
  for (std::uint64_t number = from; number < to + (have_last ? 0 : 1); ++number)
    calls.push_back(rpc::header_by_number(number));
  auto values = co_await node.require(std::move(calls));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  std::vector<Header> headers;
  for (std::size_t i = 0; i < values->size(); ++i) {
    auto header = expect_block((*values)[i], from + i);
    if (!header) co_return tl::make_unexpected(std::move(header.error()));
    headers.push_back(*header);
  }
  if (have_last) headers.push_back(heads.latest);
  // Cut where the links break: what comes before is good, the rest is read again next time.
  for (std::size_t i = 1; i < headers.size(); ++i) {
    if (headers[i].parent == headers[i - 1].hash) continue;
    headers.resize(i);
    break;
  }
  co_return headers;
}

asio::awaitable<Fetch<std::vector<Log>>> EvmReader::live_logs(EvmNode& node, const std::vector<Header>& headers) {
  std::vector<Log> all;
  if (book_.names().empty()) co_return all;
  // Only with all of a block's logs at hand can be shown that none is missing; a block whose bloom filter excludes
  // our events is asked for them alone, which must give none.
  std::vector<rpc::Call> calls;
  std::vector<bool> whole;
  for (const Header& header : headers) {
    whole.push_back(settings_.check_bloom && header.bloom != rpc::Bloom{} && book_.may_be_in(header.bloom));
    calls.push_back(rpc::logs_of_block(whole.back() ? rpc::LogFilter{} : book_.filter(), header.hash));
  }
  auto values = co_await node.call(std::move(calls));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const Header& header = headers[i];
    auto value = std::move((*values)[i]);
    if (!value && whole[i] && value.error().kind == FaultKind::range_too_wide) {
      sink_.log(LogLevel::warning,
                fmt::format("{}: {} gives no whole block of logs; block {} is read unchecked: {}", settings_.name,
                            node.provider().name, header.number, value.error().text));
      whole[i] = false;
      std::vector<rpc::Call> ours{rpc::logs_of_block(book_.filter(), header.hash)};
      auto again = co_await node.call(std::move(ours));
      if (!again) co_return tl::make_unexpected(std::move(again.error()));
      value = std::move(again->front());
    }
    if (!value) co_return tl::make_unexpected(std::move(value.error()));
    auto logs = std::get<std::vector<Log>>(std::move(*value));
    if (auto wrong = order_logs(logs, header.number, header.number)) co_return tl::make_unexpected(std::move(*wrong));
    if (whole[i]) {
      metrics_.bloom_rechecks += 1;
      if (auto wrong = check_whole_block(header, logs)) co_return tl::make_unexpected(std::move(*wrong));
    }
    std::erase_if(logs, [&](const Log& log) { return !book_.watches(log); });
    if (receipts_due(header)) {
      if (auto wrong = co_await refuse_unproven(node, header, logs)) co_return tl::make_unexpected(std::move(*wrong));
    }
    if (settings_.check_bloom && !logs.empty() && header.bloom != rpc::Bloom{} && !book_.may_be_in(header.bloom)) {
      co_return tl::make_unexpected(
          inconsistent(fmt::format("block {} has logs that its bloom filter excludes", header.number)));
    }
    std::ranges::move(logs, std::back_inserter(all));
  }
  if (auto wrong = match_headers(all, headers)) co_return tl::make_unexpected(std::move(*wrong));
  co_return all;
}

asio::awaitable<Fetch<EvmReader::Forkable>> EvmReader::live(EvmNode& node, const Heads& heads, const Base& base,
                                                            std::uint64_t to) {
  auto headers = co_await live_headers(node, heads, base.from, to);
  if (!headers) co_return tl::make_unexpected(std::move(headers.error()));
  if (base.parent && headers->front().parent != *base.parent) co_return Forkable();
  auto logs = co_await live_logs(node, *headers);
  if (!logs) co_return tl::make_unexpected(std::move(logs.error()));
  oracle::ChainSegment segment = begin_segment(heads, base, headers->front(), headers->back().number);
  int told = 0;
  auto log = logs->begin();
  for (const Header& header : *headers) {
    const auto end = std::find_if(log, logs->end(), [&](const Log& l) { return l.block_number != header.number; });
    const auto time = Instant::from_unix_seconds(static_cast<std::int64_t>(header.time_s));
    segment.blocks.push_back({header.number, header.hash, time, decode({log, end}, told)});
    log = end;
  }
  co_return Forkable(std::move(segment));
}

asio::awaitable<Fetch<std::vector<Log>>> EvmReader::range_logs(EvmNode& node, std::uint64_t from, std::uint64_t to) {
  std::vector<Log> logs;
  if (book_.names().empty()) co_return logs;
  std::vector<rpc::Call> calls{rpc::logs_of_range(book_.filter(), from, to)};
  auto values = co_await node.require(std::move(calls));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  logs = std::get<std::vector<Log>>(std::move((*values)[0]));
  if (auto wrong = order_logs(logs, from, to)) co_return tl::make_unexpected(std::move(*wrong));
  std::erase_if(logs, [&](const Log& log) { return !book_.watches(log); });
  co_return logs;
}

asio::awaitable<std::optional<Fault>> EvmReader::refuse_gaps(EvmNode& node, const std::vector<Header>& headers,
                                                             const std::vector<Log>& logs) {
  std::vector<Header> suspects;
  auto log = logs.begin();
  for (const Header& header : headers) {
    const auto first = log;
    while (log != logs.end() && log->block_number == header.number) ++log;
    const bool promised = header.bloom != rpc::Bloom{} && book_.may_be_in(header.bloom);
    if ((settings_.check_bloom && promised && log == first) || receipts_due(header)) suspects.push_back(header);
  }
  // So many at a time: on chains whose filters are full every block is a suspect, and whole blocks are large.
  for (std::size_t at = 0; at < suspects.size(); at += kLiveBlocksMax) {
    const std::size_t count = std::min<std::size_t>(kLiveBlocksMax, suspects.size() - at);
    const auto begin = suspects.begin() + static_cast<std::ptrdiff_t>(at);
    auto found = co_await live_logs(node, {begin, begin + static_cast<std::ptrdiff_t>(count)});
    if (!found) co_return std::move(found.error());
    for (auto header = begin; header != begin + static_cast<std::ptrdiff_t>(count); ++header) {
      const auto of_block = [&](const std::vector<Log>& all) {
        const auto range = std::ranges::equal_range(all, header->number, {}, &Log::block_number);
        return std::span<const Log>(range.begin(), range.end());
      };
      if (same_logs(of_block(*found), of_block(logs))) continue;
      co_return inconsistent(fmt::format("logs of block {} were left out of the answer for blocks {}..{}",
                                         header->number, headers.front().number, headers.back().number));
    }
  }
  co_return std::nullopt;
}

asio::awaitable<Fetch<std::vector<Header>>> EvmReader::checked_headers(EvmNode& node, const Heads& heads,
                                                                       const Header& first, std::uint64_t to,
                                                                       std::vector<Log>& logs) {
  auto headers = co_await live_headers(node, heads, first.number, to);
  if (!headers) co_return tl::make_unexpected(std::move(headers.error()));
  if (headers->front().hash != first.hash)
    co_return tl::make_unexpected(inconsistent("the chain changed while a range was being read"));
  std::erase_if(logs, [&](const Log& log) { return log.block_number > headers->back().number; });
  if (auto wrong = match_headers(logs, *headers)) co_return tl::make_unexpected(std::move(*wrong));
  auto gap = co_await refuse_gaps(node, *headers, logs);
  if (gap) co_return tl::make_unexpected(std::move(*gap));
  co_return headers;
}

asio::awaitable<Fetch<std::vector<Header>>> EvmReader::some_headers(EvmNode& node, const Header& first,
                                                                    const Header& last, const std::vector<Log>& logs) {
  std::vector<Header> known{first};
  if (last.number != first.number) known.push_back(last);
  std::vector<rpc::Call> calls;
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const Log& log = logs[i];
    if (i > 0 && logs[i - 1].block_number == log.block_number) continue;
    if (log.block_time_s || log.block_number == first.number || log.block_number == last.number) continue;
    calls.push_back(rpc::header_by_number(log.block_number));
    numbers.push_back(log.block_number);
  }
  // The logs came between two looks at the end block: if it is the same block, so is all below it.
  calls.push_back(rpc::header_by_number(last.number));
  numbers.push_back(last.number);
  auto values = co_await node.require(std::move(calls));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    auto header = expect_block((*values)[i], numbers[i]);
    if (!header) co_return tl::make_unexpected(std::move(header.error()));
    if (header->number != last.number)
      known.push_back(*header);
    else if (header->hash != last.hash)
      co_return tl::make_unexpected(inconsistent("the chain changed while a range was being read"));
  }
  std::ranges::sort(known, {}, &Header::number);
  if (auto wrong = match_headers(logs, known)) co_return tl::make_unexpected(std::move(*wrong));
  co_return known;
}

/// The ends, then the logs, then every header, the dearest last: what fails early costs little to try again.
asio::awaitable<Fetch<EvmReader::Forkable>> EvmReader::backfill(EvmNode& node, const Heads& heads, const Base& base,
                                                                std::uint64_t to) {
  std::vector<rpc::Call> ends{rpc::header_by_number(base.from)};
  if (to != base.from) ends.push_back(rpc::header_by_number(to));
  auto values = co_await node.require(std::move(ends));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  auto first = expect_block(values->front(), base.from);
  auto last = expect_block(values->back(), to);
  if (!first) co_return tl::make_unexpected(std::move(first.error()));
  if (!last) co_return tl::make_unexpected(std::move(last.error()));
  if (base.parent && first->parent != *base.parent) co_return Forkable();

  auto logs = co_await range_logs(node, base.from, to);
  if (!logs) co_return tl::make_unexpected(std::move(logs.error()));
  Fetch<std::vector<Header>> headers;
  if (settings_.check_backfill) {
    headers = co_await checked_headers(node, heads, *first, to, *logs);
  } else {
    headers = co_await some_headers(node, *first, *last, *logs);
  }
  if (!headers) co_return tl::make_unexpected(std::move(headers.error()));
  *last = headers->back();  // lower than asked for when the links break: what comes before is good
  to = last->number;

  sizer_.succeeded(to - base.from + 1, logs->size());
  oracle::ChainSegment segment = begin_segment(heads, base, *first, to);
  int told = 0;
  for (auto log = logs->begin(); log != logs->end();) {
    const auto end = std::find_if(log, logs->end(), [&](const Log& l) { return l.block_number != log->block_number; });
    const auto header = std::ranges::lower_bound(*headers, log->block_number, {}, &Header::number);
    const bool has_header = header != headers->end() && header->number == log->block_number;
    const auto time_s = has_header ? header->time_s : log->block_time_s.value_or(0);
    auto events = decode({log, end}, told);
    if (!events.empty() || log->block_number == to) {
      const auto time = Instant::from_unix_seconds(static_cast<std::int64_t>(time_s));
      segment.blocks.push_back({log->block_number, log->block_hash, time, std::move(events)});
    }
    log = end;
  }
  if (segment.blocks.empty() || segment.blocks.back().number != to) {
    segment.blocks.push_back({to, last->hash, Instant::from_unix_seconds(static_cast<std::int64_t>(last->time_s)), {}});
  }
  list_final(segment, *headers);
  co_return Forkable(std::move(segment));
}

}  // namespace homeostat::sources
