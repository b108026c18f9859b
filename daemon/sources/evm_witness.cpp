#include "daemon/sources/evm_witness.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace homeostat::sources {

namespace asio = boost::asio;
using oracle::Hash32;

namespace {

constexpr std::uint32_t kStallsTold = 3;

}  // namespace

std::optional<Hash32> judge(const std::vector<Testimony>& testimonies, std::size_t needed) {
  // Receipts that give the root of a header that has the block's hash. Of a kind of header whose hash we cannot compute
  // the root counts if nobody names another.
  std::set<Hash32> roots;
  for (const Testimony& t : testimonies) {
    if (t.proven && t.sealed) return t.proven;
    if (t.proven) roots.insert(t.receipts_root);
  }
  const bool all_prove = std::ranges::all_of(testimonies, [](const Testimony& t) { return t.proven.has_value(); });
  if (roots.size() == 1 && all_prove && testimonies.size() > 1) return testimonies.front().proven;
  // The bloom filter refutes, but does not prove: it cannot see amounts, nor a log whose bits others set too.
  std::set<Hash32> fitting;
  std::size_t fit = 0;
  for (const Testimony& t : testimonies) {
    if (!t.fits_bloom) continue;
    ++fit;
    fitting.insert(t.digest);
  }
  if (fitting.size() == 1 && (fit < testimonies.size() || fit >= needed)) return *fitting.begin();
  return std::nullopt;
}

EvmWitness::EvmWitness(const Outside& outside, const EvmSettings& settings, EventBook book, EvmMetrics& metrics,
                       const Sink& sink, EvmPool& pool, Agreement& agreement, Hooks hooks)
    : outside_(outside),
      timing_(*outside.timing),
      settings_(settings),
      metrics_(metrics),
      sink_(sink),
      pool_(pool),
      agreement_(agreement),
      hooks_(std::move(hooks)),
      reader_(settings, std::move(book), metrics, sink),
      patience_(
          {settings.poll_period, std::max(settings.poll_period, settings.pool.probe_period), settings.backoff.seed}),
      pause_(timing_.make_timer()) {}

void EvmWitness::start(const std::shared_ptr<void>& keeper) {
  if (!agreement_.is_needed()) return;
  asio::co_spawn(
      outside_.executor, [this, keeper] { return run(); }, asio::detached);
}

void EvmWitness::stop() {
  stopping_ = true;
  pause_->cancel();
}

void EvmWitness::wake() {
  woken_ = true;
  pause_->cancel();
}

void EvmWitness::redelivered() {
  taking_back_ = false;
  close_dispute();
  wake();
}

asio::awaitable<void> EvmWitness::run() {
  while (!stopping_) {
    woken_ = false;
    Outcome outcome = Outcome::waits;
    try {
      outcome = co_await step();
    } catch (const std::exception& e) {  // out of memory
      log(LogLevel::error, std::string("unexpected: ") + e.what());
    }
    if (outcome == Outcome::progress) {
      patience_.reset();
      stalls_ = 0;
      continue;
    }
    // Nothing to wait for until it is woken, or somebody who is late, away, or says otherwise.
    const Moment next = waiting_.empty() ? Moment::max() : after(timing_.now(), patience_.next());
    while (!stopping_ && (waiting_.empty() ? !woken_ : timing_.now() < next)) co_await pause_->wait_until(next);
  }
}

/// Asks one provider, the best that does not hold yet what is to become final, unless enough do.
asio::awaitable<EvmWitness::Outcome> EvmWitness::step() {
  waiting_.clear();
  const auto want = agreement_.final_of(pool_.in_use());
  if (!want || *want <= agreement_.agreed() || taking_back_) {
    if (!want) held_.clear();
    co_return Outcome::waits;
  }
  const std::uint64_t before = agreement_.agreed();
  const std::uint64_t version = agreement_.version();
  for (const std::size_t provider : pool_.order()) {
    if (agreement_.holds(provider, *want)) continue;
    const EvmNode& node = pool_.witness(provider);
    if (node.not_before() > timing_.now()) {
      waits_for(provider, node.last_fault() ? node.last_fault()->text : "it is left alone");
      continue;
    }
    const Outcome outcome = co_await ask(provider, *want);
    if (stopping_) co_return Outcome::waits;
    if (agreement_.agreed() > before && agreement_.version() == version) {
      if (!dispute_.empty() && agreement_.agreed() >= disputed_block_) close_dispute();
      hooks_.agreed();
    }
    if (outcome == Outcome::progress || agreement_.version() != version) co_return Outcome::progress;
  }
  // That one is a little later than another is as it should be.
  stalls_ = waiting_.empty() ? 0 : stalls_ + 1;
  held_ = stalls_ < kStallsTold ? "" : fmt::format("finality is held at block {}: {}", agreement_.agreed(), waiting_);
  co_return Outcome::waits;
}

void EvmWitness::waits_for(std::size_t provider, const std::string& why) {
  waiting_ += fmt::format("{}{}: {}", waiting_.empty() ? "" : "; ", pool_.name_of(provider), why);
}

void EvmWitness::failed(std::size_t provider, Fault why) {
  waits_for(provider, why.text);
  pool_.failed_as_witness(provider, std::move(why));
}

asio::awaitable<EvmWitness::Outcome> EvmWitness::ask(std::size_t provider, std::uint64_t want) {
  const std::uint64_t version = agreement_.version();
  EvmNode& node = pool_.witness(provider);
  auto seen = co_await reader_.heads(node);
  if (stopping_ || agreement_.version() != version) co_return Outcome::progress;
  if (!seen) {
    failed(provider, std::move(seen.error()));
    co_return Outcome::waits;
  }
  pool_.saw(provider, {seen->latest.number, seen->finalized});
  agreement_.sees(provider, seen->latest.number, seen->finalized);
  if (agreement_.holds(provider, want)) co_return Outcome::progress;
  if (agreement_.checked(provider) >= want) {
    waits_for(provider, fmt::format("block {} is not final yet, it says", want));
    co_return Outcome::waits;
  }
  const Outcome outcome = co_await compare(provider, want, seen->latest.number);
  co_return outcome;
}

asio::awaitable<EvmWitness::Outcome> EvmWitness::compare(std::size_t provider, std::uint64_t want, std::uint64_t head) {
  const std::uint64_t version = agreement_.version();
  const auto question = agreement_.question(provider, want, reader_.range());
  if (!question) co_return Outcome::waits;
  if (head < question->to) {
    waits_for(provider, fmt::format("its head is block {}", head));
    co_return Outcome::waits;
  }
  EvmNode& node = pool_.witness(provider);
  auto given = co_await reader_.witness(node, question->from, question->to);
  metrics_.comparisons += 1;
  if (stopping_ || agreement_.version() != version) co_return Outcome::progress;
  if (!given) {
    if (given.error().kind == FaultKind::range_too_wide) co_return Outcome::progress;
    failed(provider, std::move(given.error()));
    co_return Outcome::waits;
  }
  node.worked();
  if (given->end.hash != question->hash) {
    const auto theirs = agreement_.final_of(provider);
    if (theirs && *theirs >= question->to) {
      open_dispute(question->to, fmt::format("block {} is final to both, but {} gives it another hash", question->to,
                                             pool_.name_of(provider)));
    }
    waits_for(provider, fmt::format("it has another block {}", question->to));
    co_return Outcome::waits;
  }
  if (const auto block = agreement_.difference(*question, given->blocks)) {
    const Outcome outcome = co_await arbitrate(provider, *block);
    co_return outcome;
  }
  if (agreement_.is_honest(*question, given->blocks)) pool_.confirm(provider);
  agreement_.confirm(provider, question->to);
  co_return Outcome::progress;
}

asio::awaitable<std::vector<Testimony>> EvmWitness::hear_all(std::uint64_t block, Hash32& hash, std::string& unproven) {
  std::vector<Testimony> testimonies;
  for (std::size_t i = 0; i < pool_.size() && !stopping_; ++i) {
    EvmNode& node = pool_.witness(i);
    if (node.not_before() > timing_.now()) continue;
    auto opinion = co_await reader_.opinion(node, block);
    if (!opinion) {
      if (!stopping_) failed(i, std::move(opinion.error()));
      continue;
    }
    if (hash == Hash32{}) hash = opinion->block.hash;
    if (opinion->block.hash != hash) continue;
    Testimony& t = testimonies.emplace_back();
    t.provider = i;
    t.digest = agreement_.digest_of(opinion->block);
    t.fits_bloom = opinion->fits_bloom;
    if (opinion->proven) t.proven = agreement_.digest_of(*opinion->proven);
    t.receipts_root = opinion->receipts_root;
    t.sealed = opinion->sealed;
    if (!t.proven) {
      unproven += fmt::format("{}{}: {}", unproven.empty() ? "" : "; ", pool_.name_of(i), opinion->why_unproven);
    }
  }
  co_return testimonies;
}

asio::awaitable<EvmWitness::Outcome> EvmWitness::arbitrate(std::size_t provider, std::uint64_t block) {
  const std::uint64_t version = agreement_.version();
  const auto delivered = agreement_.find(block);
  if (!delivered) co_return Outcome::progress;
  open_dispute(block,
               fmt::format("{} gives other logs of block {} than were taken in", pool_.name_of(provider), block));
  Hash32 hash = delivered->hash.value_or(Hash32{});
  std::string unproven;
  const auto testimonies = co_await hear_all(block, hash, unproven);
  if (stopping_ || agreement_.version() != version) co_return Outcome::progress;
  if (const auto truth = judge(testimonies, agreement_.needed())) {
    co_return conclude(provider, block, *delivered, testimonies, *truth);
  }
  open_dispute(block,
               fmt::format("{} gives other logs of block {} than were taken in, and who is right cannot be told{}",
                           pool_.name_of(provider), block, unproven.empty() ? "" : " (" + unproven + ")"));
  waits_for(provider, fmt::format("block {} is disputed", block));
  co_return Outcome::waits;
}

EvmWitness::Outcome EvmWitness::conclude(std::size_t accuser, std::uint64_t block,
                                         const Agreement::Delivered& delivered,
                                         const std::vector<Testimony>& testimonies, const Hash32& truth) {
  const std::string why = fmt::format("its logs of block {} are not those that the block holds", block);
  std::set<std::size_t> wrong;
  for (const Testimony& t : testimonies) {
    if (t.digest != truth) wrong.insert(t.provider);
  }
  const bool delivered_is_true = delivered.digest == truth;
  // Who says the truth now may have said otherwise before.
  if (delivered_is_true) wrong.insert(accuser);
  if (!delivered_is_true && delivered.given_by != Agreement::kNobody) wrong.insert(delivered.given_by);
  for (const std::size_t provider : wrong) pool_.refute(provider, why);
  if (delivered_is_true) {
    log(LogLevel::warning, fmt::format("dispute about block {}: what was taken in is right", block));
    agreement_.prove(block);
    close_dispute();
    return Outcome::progress;
  }
  log(LogLevel::error, fmt::format("dispute about block {}: what was taken in is wrong, and is taken back", block));
  taking_back_ = true;
  hooks_.take_back(block);
  return Outcome::waits;
}

void EvmWitness::open_dispute(std::uint64_t block, std::string text) {
  if (disputed_block_ == block && dispute_ == text) return;
  log(LogLevel::error, "dispute: " + text);
  disputed_block_ = block;
  dispute_ = std::move(text);
  hooks_.disputed();
}

void EvmWitness::close_dispute() {
  if (dispute_.empty()) return;
  dispute_.clear();
  disputed_block_ = 0;
  hooks_.disputed();
}

}  // namespace homeostat::sources
