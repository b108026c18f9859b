// Reading again what was delivered: for the comparison of providers, and the receipts that say who of them is right.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/sources/evm_reader.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;
using oracle::ChainBlock;
using oracle::Hash32;
using rpc::Header;
using rpc::Log;

namespace {

Fault inconsistent(std::string text) {
  return {FaultKind::inconsistent, std::move(text), {}};
}

}  // namespace

std::vector<ChainBlock> EvmReader::blocks_of(std::span<const Log> logs) const {
  std::vector<ChainBlock> blocks;
  for (const Log& log : logs) {
    if (log.block_number < settings_.start_block) continue;
    std::vector<oracle::ChainEvent> events;
    (void)book_.decode(log, events);
    if (events.empty()) continue;
    if (blocks.empty() || blocks.back().number != log.block_number) {
      blocks.push_back({.number = log.block_number, .hash = log.block_hash, .time = {}, .events = {}});
    }
    std::ranges::move(events, std::back_inserter(blocks.back().events));
  }
  return blocks;
}

asio::awaitable<Fetch<EvmReader::Witnessed>> EvmReader::witness(EvmNode& node, std::uint64_t from, std::uint64_t to) {
  std::vector<Log> all;
  for (std::uint64_t at = from; at <= to && !book_.names().empty();) {
    const std::uint64_t end = std::min(to, at + sizer_.blocks() - 1);
    auto logs = co_await range_logs(node, at, end);
    if (!logs) {
      make_smaller(logs.error(), end - at + 1);
      co_return tl::make_unexpected(std::move(logs.error()));
    }
    sizer_.succeeded(end - at + 1, logs->size());
    std::ranges::move(*logs, std::back_inserter(all));
    at = end + 1;
  }
  // The end last: if it is still the block that it was, so is all below it.
  std::vector<rpc::Call> calls{rpc::header_by_number(to)};
  auto values = co_await node.require(std::move(calls));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  const auto& end = std::get<std::optional<Header>>(values->front());
  if (!end || end->number != to) {
    co_return tl::make_unexpected(inconsistent(fmt::format("block {} is below its head but not given", to)));
  }
  co_return Witnessed{*end, blocks_of(all)};
}

asio::awaitable<Fetch<std::vector<proof::Receipt>>> EvmReader::receipts(EvmNode& node, const proof::Seal& seal) {
  std::vector<rpc::Call> whole{rpc::receipts_of_block(seal.claimed)};
  auto values = co_await node.call(std::move(whole));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  auto& given = values->front();
  if (given) {
    auto parsed = proof::parse_receipts(std::get<rpc::RawJson>(*given).text);
    co_return parsed;
  }
  // Not every node knows that method.
  if (given.error().kind != FaultKind::rpc_error && given.error().kind != FaultKind::bad_reply) {
    co_return tl::make_unexpected(std::move(given.error()));
  }
  if (seal.transactions.size() > kReceiptsMax) {
    co_return fault(FaultKind::oversize, fmt::format("block {} has {} transactions, and receipts are given one by one",
                                                     seal.number, seal.transactions.size()));
  }
  std::vector<rpc::Call> calls;
  for (const Hash32& transaction : seal.transactions) calls.push_back(rpc::receipt_of(transaction));
  auto replies = co_await node.require(std::move(calls));
  if (!replies) co_return tl::make_unexpected(std::move(replies.error()));
  std::vector<proof::Receipt> all;
  for (const auto& reply : *replies) {
    auto receipt = proof::parse_receipt(std::get<rpc::RawJson>(reply).text);
    if (!receipt) co_return tl::make_unexpected(std::move(receipt.error()));
    all.push_back(std::move(*receipt));
  }
  co_return all;
}

asio::awaitable<Fetch<EvmReader::Proof>> EvmReader::prove(EvmNode& node, std::uint64_t number, const Hash32& hash) {
  std::vector<rpc::Call> calls{rpc::seal_of_block(hash)};
  auto values = co_await node.require(std::move(calls));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  const auto seal = proof::parse_seal(std::get<rpc::RawJson>(values->front()).text);
  if (!seal) co_return tl::make_unexpected(seal.error());
  if (seal->claimed != hash || seal->number != number) {
    co_return tl::make_unexpected(
        inconsistent(fmt::format("another block was given for the hash of block {}", number)));
  }
  auto given = co_await receipts(node, *seal);
  if (!given) co_return tl::make_unexpected(std::move(given.error()));
  auto logs = proof::proven_logs(std::move(*given), hash, number, seal->receipts_root);
  if (!logs) co_return tl::make_unexpected(std::move(logs.error()));
  metrics_.receipts_checks += 1;
  co_return Proof{std::move(*logs), seal->receipts_root, seal->holds()};
}

bool EvmReader::receipts_due(const Header& header) const {
  if (settings_.check_receipts != CheckReceipts::always) return false;
  // A chain that leaves the bloom filter empty promises nothing.
  return header.bloom == rpc::Bloom{} ? !settings_.check_bloom : book_.may_be_in(header.bloom);
}

asio::awaitable<std::optional<Fault>> EvmReader::refuse_unproven(EvmNode& node, const Header& header,
                                                                 const std::vector<Log>& logs) {
  auto proof = co_await prove(node, header.number, header.hash);
  if (!proof) co_return std::move(proof.error());
  std::erase_if(proof->logs, [&](const Log& log) { return !book_.watches(log); });
  if (same_logs(logs, proof->logs)) co_return std::nullopt;
  co_return inconsistent(fmt::format("block {} was given with {} logs of ours, its receipts hold {}, or others",
                                     header.number, logs.size(), proof->logs.size()));
}

asio::awaitable<Fetch<std::vector<Log>>> EvmReader::logs_in(EvmNode& node, rpc::LogFilter filter, Hash32 block) {
  std::vector<rpc::Call> calls{rpc::logs_of_block(filter, block)};
  auto values = co_await node.require(std::move(calls));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  co_return std::get<std::vector<Log>>(std::move(values->front()));
}

void EvmReader::take_ours(std::vector<Log> logs, ChainBlock& block) const {
  std::erase_if(logs, [&](const Log& log) { return !book_.watches(log); });
  auto blocks = blocks_of(logs);
  if (!blocks.empty()) block.events = std::move(blocks.front().events);
}

asio::awaitable<Fetch<EvmReader::Opinion>> EvmReader::opinion(EvmNode& node, std::uint64_t number) {
  std::vector<rpc::Call> calls{rpc::header_by_number(number)};
  auto headers = co_await node.require(std::move(calls));
  if (!headers) co_return tl::make_unexpected(std::move(headers.error()));
  const auto& header = std::get<std::optional<Header>>(headers->front());
  if (!header || header->number != number)
    co_return tl::make_unexpected(inconsistent(fmt::format("block {} is not given", number)));
  Opinion opinion;
  opinion.block = {.number = number, .hash = header->hash, .time = {}, .events = {}};
  // All of the block's logs, to be compared with its bloom filter; ours alone of a node that finds them too many.
  auto logs = co_await logs_in(node, {}, header->hash);
  const bool whole = logs.has_value();
  if (!whole && logs.error().kind == FaultKind::range_too_wide) {
    logs = co_await logs_in(node, book_.filter(), header->hash);
  }
  if (!logs) co_return tl::make_unexpected(std::move(logs.error()));
  const std::vector<Header> only{*header};
  if (auto wrong = order_logs(*logs, number, number)) co_return tl::make_unexpected(std::move(*wrong));
  if (auto wrong = match_headers(*logs, only)) co_return tl::make_unexpected(std::move(*wrong));
  opinion.fits_bloom = whole && !check_whole_block(*header, *logs);
  take_ours(std::move(*logs), opinion.block);
  if (settings_.check_receipts == CheckReceipts::off) {
    opinion.why_unproven = "receipts are not asked for (check_receipts: off)";
    co_return opinion;
  }
  auto proof = co_await prove(node, number, header->hash);
  if (!proof) {
    opinion.why_unproven = proof.error().text;
    co_return opinion;
  }
  opinion.proven = ChainBlock{.number = number, .hash = header->hash, .time = {}, .events = {}};
  take_ours(std::move(proof->logs), *opinion.proven);
  opinion.receipts_root = proof->receipts_root;
  opinion.sealed = proof->sealed;
  co_return opinion;
}

}  // namespace homeostat::sources
