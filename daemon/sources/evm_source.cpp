#include "daemon/sources/evm_source.hpp"

#include <algorithm>
#include <mutex>
#include <tuple>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "daemon/sources/agreement.hpp"
#include "daemon/sources/backoff.hpp"
#include "daemon/sources/evm_heads.hpp"
#include "daemon/sources/evm_pool.hpp"
#include "daemon/sources/evm_reader.hpp"
#include "daemon/sources/evm_witness.hpp"
#include "daemon/sources/http_client.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;
using oracle::SourceCondition;

struct EvmSource::Impl : std::enable_shared_from_this<EvmSource::Impl> {
  /// Filters added later, with a reader that asks for them alone.
  struct Past {
    Past(EvmSettings own, EventBook book, EvmMetrics& metrics, const Sink& sink)
        : settings(std::move(own)), reader(settings, std::move(book), metrics, sink) {}
    const EvmSettings settings;
    EvmReader reader;
    oracle::MissingPast missing;
  };

  Impl(Outside o, EvmSettings s, Sink k, Cursor cursor, Clock clock, EventBook book)
      : outside(std::move(o)),
        timing(*outside.timing),
        settings(std::move(s)),
        sink(std::move(k)),
        now(std::move(clock)),
        memory(cursor),
        refusals(settings.backoff),
        reader(settings, std::move(book), metrics, sink),
        heads(outside, settings, metrics, sink, [this] { wake(); }),
        pool(outside, settings, metrics, sink, reader, [this](EvmPool::Attempt& attempt) { return look(attempt); }),
        agreement(settings.pool.agreement, settings.providers.size(), settings.finality_depth),
        witness(outside, settings, reader.book(), metrics, sink, pool, agreement,
                {.agreed = [this] { wake(); },
                 .take_back = [this](std::uint64_t block) { take_back(block); },
                 .disputed = [this] { tell_condition(); }}),
        pause(timing.make_timer()) {
    agreement.restart(cursor, settings.events);
    want(std::move(cursor.missing));
  }

  const Outside outside;
  Timing& timing;
  const EvmSettings settings;
  const Sink sink;
  const Clock now;
  EvmMetrics metrics;
  ChainMemory memory;
  Backoff refusals;
  Moment rest_until{};  ///< after a refusal
  Moment last_refused{};
  std::size_t delivered_by = 0;  ///< the provider of the newest segment
  EvmReader reader;
  EvmHeads heads;
  std::shared_ptr<Past> past;   ///< none = nothing is missing, or it is on its way to the oracle
  std::uint64_t past_from = 0;  ///< what the oracle misses below has been offered
  EvmPool pool;
  Agreement agreement;
  EvmWitness witness;
  std::uint64_t agreed_told = 0;              ///< the oracle has been told of this agreed height
  std::optional<std::uint64_t> take_back_to;  ///< the next segment takes back what is above
  std::uint64_t finalized_max = 0;
  std::unique_ptr<Timer> pause;
  bool running = false;
  bool stopping = false;
  bool woken = false;
  bool is_connected = false;  ///< the newest step found a provider
  std::uint64_t epoch = 0;    ///< counts resume_from: what was read before belongs to another cursor
  std::string reported_key;
  mutable std::mutex status_mutex;
  EvmStatus status;

  void log(LogLevel level, const std::string& text) const { sink.log(level, settings.name + ": " + text); }

  void wake() {
    woken = true;
    pause->cancel();
  }

  asio::awaitable<void> sleep_until(Moment when) {
    if (woken || stopping) co_return;
    co_await pause->wait_until(when);
  }

  void want(std::optional<oracle::MissingPast> missing) {
    if (!missing || missing->from < past_from) return;  // asked before what is on its way was taken in
    if (!past || past->missing.events != missing->events) {
      EvmSettings own = settings;
      own.start_block = 0;  // a contract's first block may be before the source's
      std::erase_if(own.events, [&](const EvmEvent& e) {
        return std::ranges::find(missing->events, e.name) == missing->events.end();
      });
      auto book = EventBook::make(own.events);
      if (!book) return;  // make() has checked them all
      past = std::make_shared<Past>(std::move(own), std::move(*book), metrics, sink);
    }
    past->missing = std::move(*missing);
  }

  /// Offers until it is taken; nothing newer can overtake because this is the only reader. False when it was given up.
  asio::awaitable<bool> offer(oracle::ChainSegment& segment) {
    const std::uint64_t began = epoch;
    segment.received = now();
    while (!sink.chain(segment)) {
      metrics.back_pressure += 1;
      const auto retry = timing.make_timer();
      co_await retry->wait_until(after(timing.now(), kBackPressureRetry));
      if (stopping || epoch != began) co_return false;
    }
    co_return true;
  }

  /// Reads and offers the next range of what filters added later are missing, from the provider in use. True when
  /// there was one: go on at once.
  asio::awaitable<bool> read_past() {
    const std::size_t provider = pool.in_use();
    if (!past || !pool.is_free(provider)) co_return false;
    const std::uint64_t began = epoch;
    // Kept alive by the copy: inform() and resume_from() may put another in its place meanwhile.
    const std::shared_ptr<Past> reading = past;
    const oracle::MissingPast missing = reading->missing;
    auto segment = co_await reading->reader.past(pool.reserve(provider), missing.from, missing.to);
    pool.release(provider);
    if (stopping) co_return false;
    if (!segment) {
      if (segment.error().kind == FaultKind::range_too_wide) {
        metrics.faults[static_cast<std::size_t>(FaultKind::range_too_wide)] += 1;
        co_return true;
      }
      pool.count_failure(provider, std::move(segment.error()));
      co_return false;
    }
    if (epoch != began || past != reading || past->missing.from != missing.from) co_return true;
    const std::uint64_t to = segment->to;
    log(LogLevel::info,
        fmt::format("backfilling: blocks {}..{} of {}..{}", missing.from, to, missing.from, missing.to));
    if (!co_await offer(*segment)) co_return true;
    delivered_by = provider;
    past_from = to + 1;
    if (past == reading && to >= past->missing.to) {
      past.reset();
    } else if (past == reading) {
      past->missing.from = to + 1;
    }
    co_return true;
  }

  asio::awaitable<void> deliver(oracle::ChainSegment segment, std::size_t provider) {
    if (take_back_to) segment.rewind_to = std::min(segment.rewind_to.value_or(*take_back_to), *take_back_to);
    if (agreement.is_needed()) segment.agreed = agreement.agreed();
    ChainMemory next = memory;
    next.apply(segment);
    // Offering moves it away; the ledger is told of it only once it is taken.
    const oracle::ChainSegment copy = agreement.is_needed() ? segment : oracle::ChainSegment();
    std::uint64_t events = 0;
    for (const auto& block : segment.blocks) events += block.events.size();
    const std::uint64_t from = segment.from;
    const std::uint64_t to = segment.to;
    const std::uint64_t depth = segment.rewind_to ? memory.head().first - *segment.rewind_to : 0;
    if (!co_await offer(segment)) co_return;
    memory = std::move(next);
    delivered_by = provider;
    agreed_told = copy.agreed.value_or(0);
    agreement.delivered(copy, provider);
    if (take_back_to) {
      take_back_to.reset();
      witness.redelivered();
    }
    witness.wake();
    metrics.segments += 1;
    metrics.blocks += to - from + 1;
    metrics.logs += events;
    metrics.head_delivered = to;
    if (depth > 0) {
      metrics.reorgs += 1;
      metrics.reorg_depth_last = depth;
      log(LogLevel::warning, fmt::format("reorg: {} blocks taken back, going on from block {}", depth, from));
    }
  }

  /// That more is agreed on, when no new block is there to say it with.
  asio::awaitable<void> tell_agreed() {
    oracle::ChainSegment tidings;
    tidings.source = settings.name;
    std::tie(tidings.to, tidings.parent) = memory.head();
    tidings.from = tidings.to + 1;
    tidings.events = reader.book().names();
    tidings.agreed = agreement.agreed();
    const std::uint64_t told = agreement.agreed();
    if (co_await offer(tidings)) agreed_told = told;
  }

  /// What was delivered of this block is wrong: it is read again, from somebody else.
  void take_back(std::uint64_t block) {
    if (!memory.forget_from(block)) {
      log(LogLevel::error, fmt::format("block {} is wrong, but no block before it is remembered", block));
      return;
    }
    take_back_to = memory.head().first;
    epoch += 1;  // what is being read builds on it
    wake();
  }

  /// For the gauges, the highest that any provider named. A segment has only what its own provider holds final:
  /// another's height would make final what one that is stuck on a branch still gives.
  void show_finality(const Heads& seen) {
    finalized_max = std::max(seen.finalized, finalized_max);
    metrics.finalized = finalized_max;
    metrics.safe = seen.safe;
  }

  asio::awaitable<Fetch<std::optional<oracle::ChainSegment>>> look(EvmPool::Attempt& attempt) {
    EvmNode& node = pool.node(attempt.provider);
    auto seen = co_await reader.heads(node);
    if (!seen) co_return tl::make_unexpected(std::move(seen.error()));
    if (auto missing = co_await reader.check_contracts(node)) co_return tl::make_unexpected(std::move(*missing));
    pool.saw(attempt.provider, {seen->latest.number, seen->finalized});
    agreement.sees(attempt.provider, seen->latest.number, seen->finalized);
    show_finality(*seen);
    if (agreement.is_full() && !take_back_to) co_return std::nullopt;
    auto segment = co_await reader.next(node, *seen, attempt.memory);
    co_return segment;
  }

  /// One step; returns when to take the next.
  asio::awaitable<Moment> round() {
    const auto attempt = co_await pool.first_good(shared_from_this(), epoch, memory);
    if (stopping) co_return Moment::max();
    if (attempt == nullptr) {
      if (const auto trouble = pool.trouble()) {
        is_connected = false;
        set_condition(trouble->condition, trouble->key, trouble->detail);
      }
      co_return pool.next_try();
    }
    pool.use(attempt->provider);
    metrics.provider = attempt->provider;
    heads.follow(attempt->provider);
    const std::string& name = pool.name_of(attempt->provider);
    is_connected = !agreement.is_full();
    tell_condition();
    const Moment time = timing.now();
    if (!attempt->result) {
      metrics.faults[static_cast<std::size_t>(FaultKind::range_too_wide)] += 1;
      log(LogLevel::info, fmt::format("{}: asking for {} blocks at a time: {}", name, metrics.range_blocks.load(),
                                      attempt->result.error().text));
      co_return time;
    }
    if (!*attempt->result && epoch == attempt->began && agreement.is_needed() && !memory.empty() && !take_back_to &&
        agreement.agreed() > agreed_told) {
      co_await tell_agreed();
    }
    if (!*attempt->result && epoch == attempt->began && co_await read_past()) co_return timing.now();
    if (!*attempt->result || epoch != attempt->began) co_return after(time, settings.poll_period);
    co_await deliver(std::move(**attempt->result), attempt->provider);
    heads.polled_progress();
    co_return time;
  }

  /// What is to be said while blocks come: that providers contradict each other, or are missing for finality.
  void tell_condition() {
    if (agreement.is_full()) {
      const std::string& why = witness.dispute().empty() ? witness.held() : witness.dispute();
      return set_condition(SourceCondition::failing, "unagreed", "too much waits for agreement: " + why);
    }
    if (!is_connected) return;
    const std::string by = "by provider " + pool.name_of(pool.in_use());
    if (!witness.dispute().empty()) return set_condition(SourceCondition::disputed, "disputed", witness.dispute());
    if (!witness.held().empty()) return set_condition(SourceCondition::connected, "held", by + "; " + witness.held());
    set_condition(SourceCondition::connected, "connected", by);
  }

  /// Reports only when the condition or the kinds of faults change: error texts vary with every try.
  void set_condition(SourceCondition condition, const std::string& key, const std::string& detail) {
    EvmStatus next{condition, detail, true, pool.status(is_connected)};
    const std::string full_key = fmt::format("{} {}", static_cast<int>(condition), key);
    const bool changed = full_key != reported_key;
    reported_key = full_key;
    {
      const std::scoped_lock lock(status_mutex);
      status = std::move(next);
    }
    if (!changed) return;
    const char* what = condition == SourceCondition::connected  ? "connected "
                       : condition == SourceCondition::disputed ? "disputed: "
                                                                : "no usable provider: ";
    log(condition == SourceCondition::connected ? LogLevel::info : LogLevel::error, what + detail);
    sink.report({settings.name, now(), condition, detail});
  }

  asio::awaitable<void> run() {
    while (!stopping) {
      woken = false;
      Moment next = after(timing.now(), settings.backoff.max);
      try {
        next = co_await round();
      } catch (const std::exception& e) {  // out of memory, or a sink that throws against its contract
        log(LogLevel::error, std::string("unexpected: ") + e.what());
      }
      if (next > timing.now()) co_await sleep_until(next);
      while (!stopping && rest_until > timing.now()) co_await pause->wait_until(rest_until);
    }
    running = false;
  }

  void resume_from(const Cursor& cursor) {
    memory = ChainMemory(cursor);
    agreement.restart(cursor, settings.events);
    agreed_told = 0;
    take_back_to.reset();
    witness.redelivered();
    past.reset();
    past_from = 0;
    want(cursor.missing);
    finalized_max = 0;
    epoch += 1;
    wake();
  }

  void refused(const Cursor& cursor, const Error& why) {
    const Moment time = timing.now();
    if (why.code == ErrorCode::malformed) {
      pool.count_failure(delivered_by, {FaultKind::inconsistent, "the oracle refused its blocks: " + why.message, {}});
    }
    // Segments that were under way behind a refused one are refused with it: one refusal, one rest.
    if (rest_until <= time) {
      if (time > after(last_refused, settings.backoff.max * 2)) refusals.reset();
      last_refused = time;
      rest_until = after(time, refusals.next());
    }
    resume_from(cursor);
  }

  void start() {
    if (running || stopping) return;
    running = true;
    asio::co_spawn(
        outside.executor, [self = shared_from_this()] { return self->run(); }, asio::detached);
    pool.start(shared_from_this());
    witness.start(shared_from_this());
  }

  void stop() {
    stopping = true;
    heads.stop();
    pool.stop();
    witness.stop();
    pause->cancel();
  }
};

Result<std::unique_ptr<EvmSource>> EvmSource::make(const asio::any_io_executor& executor, EvmSettings settings,
                                                   Sink sink, Cursor cursor, Clock now) {
  return make(network(executor), std::move(settings), std::move(sink), std::move(cursor), std::move(now));
}

Result<std::unique_ptr<EvmSource>> EvmSource::make(Outside outside, EvmSettings settings, Sink sink, Cursor cursor,
                                                   Clock now) {
  const std::string where = "source " + settings.name;
  if (settings.providers.empty()) return fail(ErrorCode::missing, where, "needs at least one provider");
  if (settings.poll_period <= Duration::zero())
    return fail(ErrorCode::out_of_range, where, "the poll period must be above 0");
  auto book = EventBook::make(settings.events);
  if (!book) return tl::make_unexpected(std::move(book.error()));
  std::vector<Endpoint> endpoints;
  for (const EvmProvider& provider : settings.providers) {
    auto endpoint = parse_endpoint(provider.http, false, where + ", provider " + provider.name);
    if (!endpoint) return tl::make_unexpected(std::move(endpoint.error()));
    endpoints.push_back(std::move(*endpoint));
    if (provider.ws.empty()) continue;
    const auto ws = parse_endpoint(provider.ws, true, where + ", provider " + provider.name);
    if (!ws) return tl::make_unexpected(ws.error());
  }
  auto impl = std::make_shared<Impl>(std::move(outside), std::move(settings), std::move(sink), std::move(cursor),
                                     std::move(now), std::move(*book));
  for (const Endpoint& endpoint : endpoints) impl->pool.add(endpoint);
  impl->status.providers = impl->pool.status(false);
  return std::unique_ptr<EvmSource>(new EvmSource(std::move(impl)));
}

EvmSource::EvmSource(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
EvmSource::~EvmSource() {
  stop();
}

void EvmSource::start() {
  asio::post(impl_->outside.executor, [impl = impl_] { impl->start(); });
}

void EvmSource::stop() {
  asio::post(impl_->outside.executor, [impl = impl_] { impl->stop(); });
}

void EvmSource::resume_from(Cursor cursor) {
  asio::post(impl_->outside.executor, [impl = impl_, cursor = std::move(cursor)] { impl->resume_from(cursor); });
}

void EvmSource::refused(Cursor cursor, Error why) {
  asio::post(impl_->outside.executor,
             [impl = impl_, cursor = std::move(cursor), why = std::move(why)] { impl->refused(cursor, why); });
}

void EvmSource::inform(std::uint64_t settled, std::optional<oracle::MissingPast> missing) {
  asio::post(impl_->outside.executor, [impl = impl_, settled, missing = std::move(missing)]() mutable {
    impl->memory.settled_is(settled);
    const bool had_none = impl->past == nullptr;
    impl->want(std::move(missing));
    if (had_none && impl->past != nullptr) impl->wake();
  });
}

EvmStatus EvmSource::status() const {
  const std::scoped_lock lock(impl_->status_mutex);
  return impl_->status;
}

const EvmMetrics& EvmSource::metrics() const {
  return impl_->metrics;
}
const std::string& EvmSource::name() const {
  return impl_->settings.name;
}

}  // namespace homeostat::sources
