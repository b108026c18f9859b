#include "tests/simulation/model_chain.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/check.hpp"
#include "daemon/sources/chain_check.hpp"
#include "daemon/sources/hex.hpp"

namespace homeostat::simulation {
namespace {

constexpr std::size_t kOldHeadsMax = 8;

sources::Address address_of(std::uint8_t kind, std::uint32_t number) {
  sources::Address address{};
  address[0] = kind;
  for (std::size_t i = 0; i < 4; ++i) address[16 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return address;
}

Hash32 random_hash(Random& random) {
  Hash32 hash;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint64_t word = random.next_u64();
    for (std::size_t j = 0; j < 8; ++j) hash[8 * i + j] = static_cast<std::uint8_t>(word >> 8 * j);
  }
  return hash;
}

Hash32 padded(const sources::Address& address) {
  Hash32 word{};
  std::ranges::copy(address, word.begin() + 12);
  return word;
}

}  // namespace

const Abi& abi() {
  static const Abi kAbi{.club = address_of(0xc1, 1),
                        .token = address_of(0x70, 2),
                        .foreign = address_of(0xf0, 3),
                        .tip = sources::keccak256(std::string_view("Tip(address,uint256)")),
                        .mint = sources::keccak256(std::string_view("Mint(address,uint256)")),
                        .other = sources::keccak256(std::string_view("Other(address,uint256)"))};
  return kAbi;
}

ModelChain::ModelChain(std::uint64_t seed, double density, std::uint32_t accounts, std::uint64_t genesis_time_s)
    : random_(seed), density_(density), accounts_(accounts) {
  ModelBlock& genesis = blocks_.emplace_back();
  genesis.hash = random_hash(random_);
  genesis.time_s = genesis_time_s;
}

ModelLog ModelChain::make_log() {
  ModelLog log;
  log.key = static_cast<std::uint32_t>(random_.below(accounts_));
  log.amount = random_.below(1000);
  log.transaction = random_hash(random_);
  log.data = fmt::format("0x{:064x}", log.amount);
  const Hash32 account = padded(address_of(0xac, log.key));
  const std::uint64_t kind = random_.below(100);
  if (kind < 45) {
    log.event = Watched::tip;
    log.address = abi().club;
    log.topics = {abi().tip, account};
  } else if (kind < 70) {
    log.event = Watched::mint;
    log.address = abi().token;
    log.topics = {abi().mint, account};
  } else if (kind < 80) {  // passes the filter, whose contracts and topics are two lists, but is no event of ours
    log.address = abi().token;
    log.topics = {abi().tip, account};
  } else if (kind < 84) {  // of ours by its topic, but not decodable
    log.address = abi().club;
    log.topics = {abi().tip, account};
    log.data = "0x01";
  } else {
    log.address = kind < 92 ? abi().foreign : abi().club;
    log.topics = {kind < 92 ? abi().tip : abi().other, account};
  }
  return log;
}

void ModelChain::fill(ModelBlock& block) {
  // Bursts: most blocks hold few logs, some many.
  const double expected = random_.chance(0.1) ? 4 * density_ : density_;
  while (random_.uniform() * (1 + expected) < expected && block.logs.size() < 40) {
    ModelLog log = make_log();
    log.index = static_cast<std::uint32_t>(block.logs.size());
    sources::add_to_bloom(block.bloom, log.address);
    for (const Hash32& topic : log.topics) sources::add_to_bloom(block.bloom, topic);
    if (log.event) {
      const auto event = static_cast<std::size_t>(*log.event);
      block.count[event] += 1;
      block.sum[event] += log.amount;
    }
    block.logs.push_back(std::move(log));
  }
}

std::size_t ModelChain::add(std::size_t parent, std::uint64_t time_s) {
  const std::size_t at = blocks_.size();
  ModelBlock block;
  block.number = blocks_[parent].number + 1;
  block.parent = parent;
  block.hash = random_hash(random_);
  block.time_s = std::max(time_s, blocks_[parent].time_s);
  std::ranges::copy(blocks_[parent].count, block.count);
  std::ranges::copy(blocks_[parent].sum, block.sum);
  fill(block);
  blocks_.push_back(std::move(block));
  return at;
}

std::size_t ModelChain::ancestor(std::size_t from, std::uint64_t number) const {
  HOMEOSTAT_CHECK(number <= blocks_[from].number);
  while (blocks_[from].number > number) from = blocks_[from].parent;
  return from;
}

std::size_t ModelChain::ancestor_or_self(std::size_t at) const {
  return blocks_[at].number > height() ? blocks_.size() : ancestor(head_, blocks_[at].number);
}

std::optional<std::size_t> ModelChain::find(const Hash32& hash) const {
  // What is asked for is nearly always new.
  for (std::size_t i = blocks_.size(); i-- > 0;) {
    if (blocks_[i].hash == hash) return i;
  }
  return std::nullopt;
}

void ModelChain::mine(std::uint64_t now_s) {
  head_ = add(head_, now_s);
}

void ModelChain::branch(std::size_t fork, std::uint64_t length, std::uint64_t now_s) {
  HOMEOSTAT_CHECK(length > 0);
  if (fork != head_) {
    old_heads_.push_back(head_);
    if (old_heads_.size() > kOldHeadsMax) old_heads_.erase(old_heads_.begin());
  }
  // Branches grow side by side: the new one's blocks are not all of this second.
  const std::uint64_t first = blocks_[fork].time_s;
  head_ = fork;
  for (std::uint64_t i = 1; i <= length; ++i) {
    const std::uint64_t time = now_s > first ? first + (now_s - first) * i / length : first;
    head_ = add(head_, time);
  }
}

void ModelChain::reorg(std::uint64_t depth, std::uint64_t length, std::uint64_t now_s) {
  HOMEOSTAT_CHECK(depth <= height() - safe_);
  branch(ancestor(head_, height() - depth), length, now_s);
}

bool ModelChain::return_to_old_branch(std::uint64_t lowest, std::uint64_t now_s) {
  lowest = std::max(lowest, safe_);
  for (std::size_t i = old_heads_.size(); i-- > 0;) {
    const std::size_t old = old_heads_[i];
    if (blocks_[old].number < lowest || height() < lowest || is_canonical(old)) continue;
    if (ancestor(old, lowest) != ancestor(head_, lowest)) continue;
    old_heads_.erase(old_heads_.begin() + static_cast<std::ptrdiff_t>(i));
    old_heads_.push_back(head_);
    head_ = old;
    if (random_.chance(0.7)) mine(now_s);
    return true;
  }
  return false;
}

void ModelChain::advance_finality(std::uint64_t safe_depth, std::uint64_t final_depth) {
  if (height() > final_depth) finalized_ = std::max(finalized_, height() - final_depth);
  if (height() > safe_depth) safe_ = std::max(safe_, height() - safe_depth);
  safe_ = std::max(safe_, finalized_);
}

void ModelChain::violate(std::uint64_t below_final, std::uint64_t length, std::uint64_t now_s) {
  HOMEOSTAT_CHECK(below_final <= finalized_);
  finalized_ -= below_final;
  safe_ = finalized_;
  branch(ancestor(head_, finalized_), length, now_s);
  old_heads_.clear();
}

std::uint64_t ModelChain::count(Watched event, std::size_t at, std::uint64_t from, std::uint64_t to) const {
  if (to < from) return 0;
  const auto e = static_cast<std::size_t>(event);
  const std::uint64_t before = from == 0 ? 0 : blocks_[ancestor(at, from - 1)].count[e];
  return blocks_[ancestor(at, to)].count[e] - before;
}

std::uint64_t ModelChain::sum(Watched event, std::size_t at, std::uint64_t from, std::uint64_t to) const {
  if (to < from) return 0;
  const auto e = static_cast<std::size_t>(event);
  const std::uint64_t before = from == 0 ? 0 : blocks_[ancestor(at, from - 1)].sum[e];
  return blocks_[ancestor(at, to)].sum[e] - before;
}

std::uint64_t ModelChain::distinct(Watched event, std::size_t at, std::uint64_t from, std::uint64_t to) const {
  if (to < from) return 0;
  std::set<std::uint32_t> keys;
  for (at = ancestor(at, to);; at = blocks_[at].parent) {
    for (const ModelLog& log : blocks_[at].logs) {
      if (log.event == event) keys.insert(log.key);
    }
    if (blocks_[at].number == from) break;
  }
  return keys.size();
}

}  // namespace homeostat::simulation
