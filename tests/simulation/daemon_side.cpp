#include "tests/simulation/daemon_side.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/hex.hpp"

namespace homeostat::simulation {

using oracle::Aggregate;
using oracle::Finality;
using oracle::SourceCondition;

namespace {

constexpr std::int64_t kWallStart_s = 1'700'000'000;
constexpr std::size_t kSegmentsWaitingMax = 4;  // as in the daemon
constexpr std::uint64_t kDistinctEvery = 16;    // counting distinct accounts in the model walks the whole branch

/// How high a metric may count at this head.
std::uint64_t countable(const Counted& c, std::uint64_t head, std::uint64_t safe, std::uint64_t settled) {
  switch (c.finality) {
    case Finality::confirmations: return head > c.confirmations ? head - c.confirmations : 0;
    case Finality::safe: return std::min(safe, head);
    case Finality::finalized: return settled;
  }
  return 0;
}

}  // namespace

/// Whether the process that a callback belongs to still lives.
struct DaemonSide::Session {
  bool alive = true;
  std::uint64_t source = 0;  ///< counts the sources that it had
};

DaemonSide::DaemonSide(Timeline& timeline, std::shared_ptr<sources::Wire> wire, const Plan& plan,
                       const ModelChain& chain, Random& random, Trace& trace)
    : timeline_(timeline),
      wire_(std::move(wire)),
      plan_(plan),
      chain_(chain),
      random_(random),
      trace_(trace),
      oracle_(std::make_unique<oracle::Oracle>(plan.adds_filter ? plan.at_first.oracle : plan.oracle)) {
  expected_ = nothing_expected();
  save_snapshot();
}

DaemonSide::~DaemonSide() {
  if (session_) session_->alive = false;
}

Instant DaemonSide::wall() const {
  return Instant::from_unix_seconds(kWallStart_s) + timeline_.elapsed();
}

void DaemonSide::start() {
  HOMEOSTAT_CHECK(!source_);
  session_ = std::make_shared<Session>();
  make_source();
}

sources::Cursor DaemonSide::cursor() const {
  return {oracle_->recent_blocks("chain"), oracle_->settled_block("chain"), oracle_->missing_past("chain")};
}

DaemonSide::Expected DaemonSide::nothing_expected() const {
  Expected expected;
  expected.counted_to.resize(plan_.counted.size());
  expected.joined.resize(plan_.counted.size());
  expected.has_filter = expected_.has_filter;
  return expected;
}

void DaemonSide::make_source() {
  starts_ += 1;
  session_->source += 1;
  sources::Outside outside{timeline_.executor(), std::shared_ptr<sources::Timing>(std::shared_ptr<void>(), &timeline_),
                           wire_};
  const bool as_at_first = plan_.adds_filter && !expected_.has_filter;
  auto made = sources::EvmSource::make(outside, as_at_first ? plan_.at_first.source : plan_.source, sink_of(session_),
                                       cursor(), [this] { return wall(); });
  if (!made) throw Violation("the source was not made: " + made.error().text());
  source_ = std::move(*made);
  source_->start();
  trace_.note("start from block {}", status().block);
}

sources::Sink DaemonSide::sink_of(const std::shared_ptr<Session>& session) {
  const auto lives = [session, source = session->source] { return session->alive && session->source == source; };
  return {.chain = [this, session, lives](oracle::ChainSegment& segment) { return lives() && offer(session, segment); },
          .samples = [](oracle::SampleBatch&) { return true; },
          .report =
              [this, lives](const oracle::SourceReport& report) {
                if (!lives()) return;
                trace_.note("report {} {}", static_cast<int>(report.condition), report.detail);
                journal_.push_back(report);
                (void)apply(report);
              },
          .log =
              [this, lives](sources::LogLevel, std::string_view text) {
                if (lives()) trace_.note("log {}", text);
              }};
}

bool DaemonSide::offer(const std::shared_ptr<Session>& session, oracle::ChainSegment& segment) {
  if (queue_.size() >= kSegmentsWaitingMax) return false;
  queue_.push_back(std::move(segment));
  const auto most = static_cast<std::uint64_t>(plan_.engine_delay_max.ns / 1'000'000);
  timeline_.in(Duration::milliseconds(static_cast<std::int64_t>(random_.below(most + 1))), [this, session] {
    if (session->alive) process_one();
  });
  return true;
}

void DaemonSide::process_one() {
  // Journaled first; the power can go between the two, which is why a replay must come to the same state.
  journal_.emplace_back(std::move(queue_.front()));
  queue_.pop_front();
  const auto& segment = std::get<oracle::ChainSegment>(journal_.back());
  const auto done = apply(journal_.back());
  trace_.note("{} {}..{} rewind {} events {} safe {} final {}: {}", segment.past ? "past" : "segment", segment.from,
              segment.to, segment.rewind_to ? std::to_string(*segment.rewind_to) : "no", segment.blocks.size(),
              segment.safe, segment.finalized, done ? "taken" : done.error().message);
  if (!done) {
    refused_ += 1;
    check(false);
    return refuse(done.error());
  }
  accepted_ += 1;
  inform();
  check(accepted_ % kDistinctEvery == 0);
}

Result<> DaemonSide::apply(const Entry& entry) {
  if (const auto* segment = std::get_if<oracle::ChainSegment>(&entry)) {
    auto done = oracle_->ingest(*segment);
    if (done) expect(*segment);
    return done;
  }
  if (const auto* report = std::get_if<oracle::SourceReport>(&entry)) {
    const bool was_violated = is_violated();
    oracle_->report(*report);
    if (was_violated && !is_violated()) throw Violation("a report has cleared a violation");
    return {};
  }
  if (const auto* tick = std::get_if<Tick>(&entry)) {
    oracle_->evaluate(tick->at);
    note_joined();
    return {};
  }
  if (std::holds_alternative<PolicyChange>(entry)) {
    oracle_->reconfigure(plan_.oracle);
    expected_.has_filter = true;
    expected_.late_first = plan_.filter_from;
    return {};
  }
  expected_ = nothing_expected();
  return oracle_->clear("chain", std::get<Clear>(entry).at);
}

void DaemonSide::expect(const oracle::ChainSegment& segment) {
  if (segment.past) {
    expected_.past_to = segment.to;
    return;
  }
  if (!expected_.begun) {
    expected_.begun = true;
    expected_.linked_from = segment.from;
    expected_.settled = segment.from > 0 ? segment.from - 1 : 0;  // no reorg that could be followed goes there
    expected_.first = std::max(segment.from, plan_.source.start_at_latest ? 0 : plan_.source.start_block);
    expected_.late_first = std::min(plan_.filter_from, expected_.first);
  }
  // A safe height of the branch that was taken back says nothing of this one.
  if (segment.rewind_to) expected_.safe = std::min(expected_.safe, *segment.rewind_to);
  if (segment.safe > 0) expected_.safe = segment.safe;
  expected_.finalized = std::max(expected_.finalized, segment.finalized);
  const std::uint64_t depth = plan_.oracle.sources.front().finality_depth;
  const std::uint64_t final_height = expected_.finalized > 0 ? std::min(expected_.finalized, segment.to)
                                     : segment.to > depth    ? segment.to - depth
                                                             : 0;
  const std::uint64_t settled_before = expected_.settled;
  expected_.settled = std::max(expected_.settled, final_height);
  for (std::size_t i = 0; i < plan_.counted.size(); ++i) {
    // What counted stays counted, unless the chain took it back and it was not final.
    const std::uint64_t height = countable(plan_.counted[i], segment.to, expected_.safe, expected_.settled);
    std::uint64_t& to = expected_.counted_to[i];
    to = std::max(height, segment.rewind_to ? std::min(to, settled_before) : to);
  }
}

void DaemonSide::refuse(const Error& why) {
  timeline_.in(Duration::milliseconds(1), [this, session = session_, why] {
    if (session->alive) source_->refused(cursor(), why);
  });
}

void DaemonSide::inform() {
  timeline_.in(Duration::milliseconds(1), [this, session = session_] {
    if (session->alive) source_->inform(oracle_->settled_block("chain"), oracle_->missing_past("chain"));
  });
}

void DaemonSide::add_filter() {
  if (!plan_.adds_filter || expected_.has_filter || !source_) return;
  if (expected_.begun && status().block < plan_.filter_from) return;
  journal_.emplace_back(PolicyChange{});
  (void)apply(journal_.back());
  trace_.note("the policy watches one event more, from block {}", plan_.filter_from);
  timeline_.in(Duration::milliseconds(static_cast<std::int64_t>(random_.below(2000))), [this, session = session_] {
    if (!session->alive) return;
    source_.reset();
    make_source();
  });
}

std::string DaemonSide::saved() const {
  Writer writer;
  oracle_->save(writer);
  return writer.take();
}

void DaemonSide::save_snapshot() {
  snapshot_ = saved();
  snapshot_expected_ = expected_;
  journal_.clear();
}

void DaemonSide::crash(bool lose_journal) {
  if (!source_) return;
  const std::string before = saved();
  session_->alive = false;
  source_.reset();
  queue_.clear();
  const bool as_at_first = plan_.adds_filter && !snapshot_expected_.has_filter;
  oracle_ = std::make_unique<oracle::Oracle>(as_at_first ? plan_.at_first.oracle : plan_.oracle);
  Reader reader(snapshot_);
  if (!oracle_->load(reader) || !reader.is_done()) throw Violation("the snapshot does not load");
  expected_ = snapshot_expected_;
  if (lose_journal) journal_.resize(random_.below(journal_.size() + 1));
  for (const Entry& entry : journal_) (void)apply(entry);
  trace_.note("crash{}, back at block {}", lose_journal ? " with the journal's end lost" : "", status().block);
  if (!lose_journal && saved() != before) throw Violation("the replay came to another state than the run before it");
}

void DaemonSide::clear_violation() {
  if (!is_violated()) return;
  journal_.emplace_back(Clear{wall()});
  if (!apply(journal_.back())) throw Violation("a violated source could not be cleared");
  trace_.note("a guardian clears the violation");
  timeline_.in(Duration::milliseconds(1), [this, session = session_] {
    if (session && session->alive) source_->resume_from(cursor());
  });
}

oracle::SourceStatus DaemonSide::status() const {
  return oracle_->sources().front();
}

bool DaemonSide::is_violated() const {
  return status().condition == SourceCondition::violated;
}

std::string DaemonSide::describe() const {
  const auto s = status();
  std::string text =
      fmt::format("oracle at block {} ({}), condition {} {}, finalized {}, reorgs {}, refused {} ({}), last: {}",
                  s.block, hex0x_of(s.block_hash).substr(0, 10), static_cast<int>(s.condition), s.detail, s.finalized,
                  s.reorgs, s.chain_refused, refused_, s.last_refused);
  if (source_) {
    for (const auto& provider : source_->status().providers) {
      text += fmt::format("\n  {}{}: {}", provider.name, provider.in_use ? " (in use)" : "", provider.fault);
    }
  }
  return text;
}

void DaemonSide::check_links(std::size_t head) const {
  auto at = head;
  const auto recent = oracle_->recent_blocks("chain");
  for (auto entry = recent.rbegin(); entry != recent.rend(); ++entry) {
    // The block below the first is known by its child's word only.
    if (entry->first < expected_.linked_from) break;
    if (entry->first > chain_.block(at).number) throw Violation("the remembered blocks do not ascend");
    at = chain_.ancestor(at, entry->first);
    if (chain_.block(at).hash != entry->second) {
      throw Violation(fmt::format("block {} is remembered with a hash that is not on the head's branch", entry->first));
    }
  }
}

/// A late filter that reads anything has read its past, and counts like the others from now on. With every tick, so
/// that a replay comes to the same.
void DaemonSide::note_joined() {
  if (!plan_.adds_filter || !expected_.has_filter || !expected_.begun) return;
  for (std::size_t i = 0; i < plan_.counted.size(); ++i) {
    if (!plan_.is_late(i) || expected_.joined[i] || !oracle::is_usable(oracle_->readings()[i].quality)) continue;
    const std::uint64_t height = countable(plan_.counted[i], status().block, expected_.safe, expected_.settled);
    expected_.joined[i] = true;
    expected_.counted_to[i] = std::max(height, expected_.past_to);
  }
}

void DaemonSide::check(bool with_distinct) {
  journal_.emplace_back(Tick{wall()});
  (void)apply(journal_.back());
  const auto now = status();
  const auto& readings = oracle_->readings();
  if (now.condition == SourceCondition::violated) {
    if (!promise_broken) throw Violation("the source is called violated, but the chain has kept its promise");
    for (const auto& reading : readings) {
      if (oracle::is_usable(reading.quality)) throw Violation("a reading is usable while the chain is violated");
    }
    return;
  }
  if (!expected_.begun) return;
  const auto head = chain_.find(now.block_hash);
  if (!head) throw Violation(fmt::format("the head, block {}, does not exist", now.block));
  if (chain_.block(*head).number != now.block) throw Violation("the head has another number than its block");
  check_links(*head);
  std::size_t at = 0;
  for (std::size_t i = 0; i < plan_.counted.size(); ++i) {
    const Counted& c = plan_.counted[i];
    if (plan_.is_late(i) && !expected_.has_filter) continue;
    const oracle::Reading& reading = readings[at++];
    if (!oracle::is_usable(reading.quality)) continue;
    if (c.aggregate == Aggregate::distinct && !with_distinct) continue;
    const std::uint64_t first = plan_.is_late(i) ? expected_.late_first : expected_.first;
    const std::uint64_t to = expected_.counted_to[i];
    if (to > now.block) throw Violation(fmt::format("blocks up to {} were counted, the head is {}", to, now.block));
    const std::uint64_t want = c.aggregate == Aggregate::count ? chain_.count(c.event, *head, first, to)
                               : c.aggregate == Aggregate::sum ? chain_.sum(c.event, *head, first, to)
                                                               : chain_.distinct(c.event, *head, first, to);
    if (reading.value != static_cast<double>(want)) {
      throw Violation(fmt::format("metric {} reads {}, the chain from block {} to {} has {}",
                                  plan_.oracle.metrics[i].name, reading.value, first, to, want));
    }
  }
}

void DaemonSide::check_complete() {
  const auto now = status();
  if (now.condition != SourceCondition::connected) throw Violation("not connected after everything healed");
  if (!expected_.begun || now.block_hash != chain_.block(chain_.head()).hash) {
    throw Violation(fmt::format("not at the head, block {}, after everything healed", chain_.height()));
  }
  const bool all_know = std::ranges::all_of(plan_.characters, &Character::knows_finality);
  if (!all_know) return check(true);  // the source may stay with one that does not
  if (expected_.finalized != chain_.finalized() || expected_.safe != chain_.safe()) {
    throw Violation(fmt::format("finality {}/{} is not the chain's {}/{}", expected_.safe, expected_.finalized,
                                chain_.safe(), chain_.finalized()));
  }
  check(true);
  std::size_t at = 0;
  for (std::size_t i = 0; i < plan_.counted.size(); ++i) {
    if (plan_.is_late(i) && !expected_.has_filter) continue;
    const auto& reading = oracle_->readings()[at++];
    if (expected_.counted_to[i] >= expected_.first && !oracle::is_usable(reading.quality)) {
      throw Violation(fmt::format("metric {} is not usable: {}", plan_.oracle.metrics[i].name, reading.reason));
    }
  }
}

}  // namespace homeostat::simulation
