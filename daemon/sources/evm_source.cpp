#include "daemon/sources/evm_source.hpp"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "daemon/sources/backoff.hpp"
#include "daemon/sources/evm_heads.hpp"
#include "daemon/sources/evm_node.hpp"
#include "daemon/sources/evm_reader.hpp"
#include "daemon/sources/http_client.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;
using oracle::SourceCondition;

struct EvmSource::Impl : std::enable_shared_from_this<EvmSource::Impl> {
  /// One provider's look at what comes next. It goes on by itself when nobody waits for it any more, and then only
  /// its provider's health is learnt from it.
  struct Attempt {
    std::size_t provider = 0;
    std::uint64_t began = 0;  ///< the epoch
    ChainMemory memory;       ///< what it builds on: its own copy, because another attempt may be faster
    bool is_done = false;
    Fetch<std::optional<oracle::ChainSegment>> result;
  };

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
        pool(settings.pool, settings.providers.size(), timing.now()),
        busy(settings.providers.size()),
        pause(timing.make_timer()),
        attempt_done(timing.make_timer()) {
    reader.settled_is(cursor.settled);
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
  std::shared_ptr<Past> past;        ///< none = nothing is missing, or it is on its way to the oracle
  std::uint64_t past_delivered = 0;  ///< what the oracle misses up to here has been offered
  ProviderPool pool;
  std::vector<std::unique_ptr<EvmNode>> nodes;
  std::vector<std::unique_ptr<EvmNode>> probes;  ///< of the same providers, so that looking at one never waits
  std::vector<std::unique_ptr<Timer>> probe_timers;
  std::vector<bool> busy;  ///< an attempt of this provider is under way
  std::size_t in_use = 0;
  std::uint64_t finalized_max = 0;
  std::unique_ptr<Timer> pause;
  std::unique_ptr<Timer> attempt_done;
  bool running = false;
  bool stopping = false;
  bool woken = false;
  std::uint64_t epoch = 0;  ///< counts resume_from: what was read before belongs to another cursor
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
    if (!missing || missing->from <= past_delivered) return;  // asked before what is on its way was taken in
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
    if (!past || busy[in_use] || nodes[in_use]->not_before() > timing.now()) co_return false;
    const std::uint64_t began = epoch;
    const std::size_t provider = in_use;
    // Kept alive by the copy: inform() and resume_from() may put another in its place meanwhile.
    const std::shared_ptr<Past> reading = past;
    const oracle::MissingPast missing = reading->missing;
    busy[provider] = true;
    auto segment = co_await reading->reader.past(*nodes[provider], missing.from, missing.to);
    busy[provider] = false;
    if (stopping) co_return false;
    if (!segment) {
      if (segment.error().kind == FaultKind::range_too_wide) {
        metrics.faults[static_cast<std::size_t>(FaultKind::range_too_wide)] += 1;
        co_return true;
      }
      count_failure(*nodes[provider], provider, std::move(segment.error()));
      co_return false;
    }
    if (epoch != began || past != reading || past->missing.from != missing.from) co_return true;
    const std::uint64_t to = segment->to;
    log(LogLevel::info,
        fmt::format("backfilling: blocks {}..{} of {}..{}", missing.from, to, missing.from, missing.to));
    if (!co_await offer(*segment)) co_return true;
    past_delivered = to;
    if (past == reading && to >= past->missing.to) {
      past.reset();
    } else if (past == reading) {
      past->missing.from = to + 1;
    }
    co_return true;
  }

  asio::awaitable<void> deliver(oracle::ChainSegment segment) {
    ChainMemory next = memory;
    next.apply(segment);
    std::uint64_t events = 0;
    for (const auto& block : segment.blocks) events += block.events.size();
    const std::uint64_t from = segment.from;
    const std::uint64_t to = segment.to;
    const std::uint64_t depth = segment.rewind_to ? memory.head().first - *segment.rewind_to : 0;
    if (!co_await offer(segment)) co_return;
    memory = std::move(next);
    delivered_by = in_use;
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

  /// For the gauges, the highest that any provider named. A segment has only what its own provider holds final:
  /// another's height would make final what one that is stuck on a branch still gives.
  void show_finality(const Heads& seen) {
    finalized_max = std::max(seen.finalized, finalized_max);
    metrics.finalized = finalized_max;
    metrics.safe = seen.safe;
  }

  asio::awaitable<Fetch<std::optional<oracle::ChainSegment>>> look(EvmNode& node, std::size_t i,
                                                                   const ChainMemory& known) {
    auto seen = co_await reader.heads(node);
    if (!seen) co_return tl::make_unexpected(std::move(seen.error()));
    if (auto missing = co_await reader.check_contracts(node)) co_return tl::make_unexpected(std::move(*missing));
    pool.saw(i, {seen->latest.number, seen->finalized}, timing.now());
    show_finality(*seen);
    auto segment = co_await reader.next(node, *seen, known);
    co_return segment;
  }

  asio::awaitable<void> run_attempt(std::shared_ptr<Attempt> attempt) {
    EvmNode& node = *nodes[attempt->provider];
    try {
      attempt->result = co_await look(node, attempt->provider, attempt->memory);
    } catch (const std::exception& e) {  // out of memory
      attempt->result = fault(FaultKind::bad_reply, std::string("unexpected: ") + e.what());
    }
    attempt->is_done = true;
    busy[attempt->provider] = false;
    const bool worked = attempt->result || attempt->result.error().kind == FaultKind::range_too_wide;
    if (worked) {
      node.worked();
    } else if (!stopping) {
      count_failure(node, attempt->provider, attempt->result.error());
    }
    attempt_done->cancel();
  }

  std::shared_ptr<Attempt> start_attempt(std::size_t provider) {
    auto attempt = std::make_shared<Attempt>(Attempt{provider, epoch, memory, false, {}});
    busy[provider] = true;
    asio::co_spawn(
        outside.executor, [self = shared_from_this(), attempt] { return self->run_attempt(attempt); }, asio::detached);
    return attempt;
  }

  /// The first good look of the providers in the pool's order: one after the other, or two at once when the first is
  /// slow. Null when none gives one now.
  asio::awaitable<std::shared_ptr<Attempt>> first_good() {
    std::vector<std::shared_ptr<Attempt>> attempts;
    const Duration hedge_after = metrics.backfill_to == 0 ? settings.pool.hedge_after : Duration::zero();
    std::vector<std::size_t> left = pool.order(timing.now());
    std::erase_if(left, [&](std::size_t i) { return busy[i] || nodes[i]->not_before() > timing.now(); });
    auto next = left.begin();
    while (!stopping && (next != left.end() || !attempts.empty())) {
      if (attempts.empty()) attempts.push_back(start_attempt(*next++));
      const bool can_hedge = next != left.end() && attempts.size() == 1 && hedge_after > Duration::zero();
      const Moment until = can_hedge ? after(timing.now(), hedge_after) : Moment::max();
      const auto any_done = [&] { return std::ranges::any_of(attempts, [](const auto& a) { return a->is_done; }); };
      if (!any_done()) co_await attempt_done->wait_until(until);
      if (can_hedge && !any_done() && !stopping) {
        metrics.hedges += 1;
        attempts.push_back(start_attempt(*next++));
        continue;
      }
      for (auto attempt = attempts.begin(); attempt != attempts.end();) {
        if (!(*attempt)->is_done) {
          ++attempt;
        } else if ((*attempt)->result || (*attempt)->result.error().kind == FaultKind::range_too_wide) {
          co_return *attempt;
        } else {
          attempt = attempts.erase(attempt);
        }
      }
    }
    co_return nullptr;
  }

  /// One step; returns when to take the next.
  asio::awaitable<Moment> round() {
    const auto attempt = co_await first_good();
    if (stopping) co_return Moment::max();
    if (attempt == nullptr) {
      report_failure();
      co_return next_try();
    }
    in_use = attempt->provider;
    metrics.provider = in_use;
    heads.follow(in_use);
    set_condition(SourceCondition::connected, "connected", fmt::format("by provider {}", name_of_provider(in_use)));
    const Moment time = timing.now();
    if (!attempt->result) {
      metrics.faults[static_cast<std::size_t>(FaultKind::range_too_wide)] += 1;
      log(LogLevel::info, fmt::format("{}: asking for {} blocks at a time: {}", name_of_provider(in_use),
                                      metrics.range_blocks.load(), attempt->result.error().text));
      co_return time;
    }
    if (!*attempt->result && epoch == attempt->began && co_await read_past()) co_return timing.now();
    if (!*attempt->result || epoch != attempt->began) co_return after(time, settings.poll_period);
    co_await deliver(std::move(**attempt->result));
    heads.polled_progress();
    co_return time;
  }

  /// When the first of the providers that are left alone may be asked again; busy ones end by their deadline.
  Moment next_try() const {
    Moment earliest = after(timing.now(), settings.backoff.max);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!busy[i]) earliest = std::min(earliest, nodes[i]->not_before());
    }
    return std::max(earliest, after(timing.now(), settings.backoff.first));
  }

  /// Looks at one provider while it is not in use, so that the pool knows it when it is needed.
  asio::awaitable<void> probe(std::size_t i) {
    EvmNode& node = *probes[i];
    while (!stopping) {
      co_await probe_timers[i]->wait_until(
          std::max(after(timing.now(), settings.pool.probe_period), node.not_before()));
      if (stopping || i == in_use || busy[i]) continue;
      metrics.probes += 1;
      auto seen = co_await reader.heads(node);
      if (stopping) break;
      if (seen) {
        pool.saw(i, {seen->latest.number, seen->finalized}, timing.now());
        node.worked();
      } else {
        count_failure(node, i, seen.error());
      }
    }
  }

  const std::string& name_of_provider(std::size_t i) const { return settings.providers[i].name; }

  void count_failure(EvmNode& node, std::size_t i, Fault why) {
    metrics.faults[static_cast<std::size_t>(why.kind)] += 1;
    pool.failed(i, why.kind);
    log(why.kind == FaultKind::behind ? LogLevel::debug : LogLevel::warning,
        fmt::format("provider {}: {}: {}", node.provider().name, name_of(why.kind), why.text));
    node.failed(std::move(why));
  }

  /// No provider is usable: why, by the worst thing that all of them agree on.
  void report_failure() {
    std::string detail;
    std::string key;
    std::size_t wrong_chain = 0;
    std::size_t behind = 0;
    bool disjoint = false;
    for (const auto& node : nodes) {
      const auto& why = node->last_fault();
      if (!why) continue;
      detail += fmt::format("{}{}: {}", detail.empty() ? "" : "; ", node->provider().name, why->text);
      key += fmt::format("{} ", name_of(why->kind));
      wrong_chain += why->kind == FaultKind::wrong_chain ? 1 : 0;
      behind += why->kind == FaultKind::behind ? 1 : 0;
      disjoint |= why->kind == FaultKind::disjoint;
    }
    // A head that does not move yet is not a failure; that it stays so shows in the readings' age.
    if (behind == nodes.size()) return;
    const SourceCondition condition = disjoint                      ? SourceCondition::violated
                                      : wrong_chain == nodes.size() ? SourceCondition::wrong_chain
                                                                    : SourceCondition::failing;
    set_condition(condition, key, detail);
  }

  /// Reports only when the condition or the kinds of faults change: error texts vary with every try.
  void set_condition(SourceCondition condition, const std::string& key, const std::string& detail) {
    EvmStatus next{condition, detail, true, {}};
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto& why = nodes[i]->last_fault();
      const bool used = i == in_use && condition == SourceCondition::connected;
      next.providers.push_back({name_of_provider(i), used, why ? why->text : "", pool.state(i), pool.sight(i)});
    }
    const std::string full_key = fmt::format("{} {}", static_cast<int>(condition), key);
    const bool changed = full_key != reported_key;
    reported_key = full_key;
    {
      const std::scoped_lock lock(status_mutex);
      status = std::move(next);
    }
    if (!changed) return;
    log(condition == SourceCondition::connected ? LogLevel::info : LogLevel::error,
        condition == SourceCondition::connected ? "connected " + detail : "no usable provider: " + detail);
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
    reader.settled_is(cursor.settled);
    past.reset();
    past_delivered = 0;
    want(cursor.missing);
    finalized_max = 0;
    epoch += 1;
    wake();
  }

  void refused(const Cursor& cursor, const Error& why) {
    const Moment time = timing.now();
    if (why.code == ErrorCode::malformed) {
      count_failure(*nodes[delivered_by], delivered_by,
                    {FaultKind::inconsistent, "the oracle refused its blocks: " + why.message, {}});
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
    for (std::size_t i = 0; i < probes.size(); ++i) {
      asio::co_spawn(
          outside.executor, [self = shared_from_this(), i] { return self->probe(i); }, asio::detached);
    }
  }

  void stop() {
    stopping = true;
    heads.stop();
    for (const auto& node : nodes) node->close();
    for (const auto& node : probes) node->close();
    for (const auto& timer : probe_timers) timer->cancel();
    pause->cancel();
    attempt_done->cancel();
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
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const EvmProvider& provider = impl->settings.providers[i];
    const auto budget = std::make_shared<RequestBudget>(provider.requests_per_s, provider.burst);
    const auto make_node = [&] {
      return std::make_unique<EvmNode>(impl->outside, provider, endpoints[i], impl->settings, impl->metrics, budget);
    };
    impl->nodes.push_back(make_node());
    impl->status.providers.push_back({provider.name, false, "", ProviderState::unknown, {}});
    if (endpoints.size() < 2) continue;
    impl->probes.push_back(make_node());
    impl->probe_timers.push_back(impl->timing.make_timer());
  }
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
    impl->reader.settled_is(settled);
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
