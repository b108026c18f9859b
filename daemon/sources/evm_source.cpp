#include "daemon/sources/evm_source.hpp"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "daemon/sources/evm_heads.hpp"
#include "daemon/sources/evm_node.hpp"
#include "daemon/sources/evm_reader.hpp"
#include "daemon/sources/http_client.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;
using oracle::SourceCondition;

struct EvmSource::Impl : std::enable_shared_from_this<EvmSource::Impl> {
  /// What one provider's turn came to.
  struct Turn {
    bool progressed = false;  ///< a segment was delivered, or a range made smaller: go on at once
  };

  Impl(Outside o, EvmSettings s, Sink k, Cursor cursor, Clock clock, EventBook book)
      : outside(std::move(o)),
        timing(*outside.timing),
        settings(std::move(s)),
        sink(std::move(k)),
        now(std::move(clock)),
        memory(cursor),
        reader(settings, std::move(book), metrics, sink),
        heads(outside, settings, metrics, sink, [this] { wake(); }),
        pause(timing.make_timer()) {}

  const Outside outside;
  Timing& timing;
  const EvmSettings settings;
  const Sink sink;
  const Clock now;
  EvmMetrics metrics;
  ChainMemory memory;
  EvmReader reader;
  EvmHeads heads;
  std::vector<std::unique_ptr<EvmNode>> nodes;
  std::unique_ptr<Timer> pause;
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

  /// Offers until it is taken; nothing newer can overtake because this is the only reader.
  asio::awaitable<void> deliver(oracle::ChainSegment segment) {
    const std::uint64_t began = epoch;
    ChainMemory next = memory;
    next.apply(segment);
    segment.received = now();
    std::uint64_t events = 0;
    for (const auto& block : segment.blocks) events += block.events.size();
    const std::uint64_t from = segment.from;
    const std::uint64_t to = segment.to;
    const std::uint64_t depth = segment.rewind_to ? memory.head().first - *segment.rewind_to : 0;
    while (!sink.chain(segment)) {
      metrics.back_pressure += 1;
      const auto retry = timing.make_timer();
      co_await retry->wait_until(after(timing.now(), kBackPressureRetry));
      if (stopping || epoch != began) co_return;
    }
    memory = std::move(next);
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

  asio::awaitable<Fetch<Turn>> turn(EvmNode& node) {
    const std::uint64_t began = epoch;
    auto seen = co_await reader.heads(node);
    if (!seen) co_return tl::make_unexpected(std::move(seen.error()));
    if (auto missing = co_await reader.check_contracts(node)) co_return tl::make_unexpected(std::move(*missing));
    auto segment = co_await reader.next(node, *seen, memory);
    Turn done;
    if (!segment && segment.error().kind == FaultKind::range_too_wide) {
      metrics.faults[static_cast<std::size_t>(FaultKind::range_too_wide)] += 1;
      log(LogLevel::info, fmt::format("{}: asking for {} blocks at a time: {}", node.provider().name,
                                      metrics.range_blocks.load(), segment.error().text));
      done.progressed = true;
      co_return done;
    }
    if (!segment) co_return tl::make_unexpected(std::move(segment.error()));
    if (!*segment || epoch != began || stopping) co_return done;
    co_await deliver(std::move(**segment));
    heads.polled_progress();
    done.progressed = true;
    co_return done;
  }

  /// One try of the providers in order; returns when to try again.
  asio::awaitable<Moment> round() {
    Moment earliest = Moment::max();
    for (std::size_t i = 0; i < nodes.size() && !stopping; ++i) {
      EvmNode& node = *nodes[i];
      const Moment time = timing.now();
      if (node.not_before() <= time) {
        auto result = co_await turn(node);
        if (result) {
          node.worked();
          metrics.provider = i;
          heads.follow(i);
          set_condition(SourceCondition::connected, "connected", fmt::format("by provider {}", node.provider().name),
                        i);
          co_return result->progressed ? time : after(time, settings.poll_period);
        }
        if (stopping) break;
        count_failure(node, std::move(result.error()));
      }
      earliest = std::min(earliest, node.not_before());
    }
    if (!stopping) report_failure();
    co_return earliest;
  }

  void count_failure(EvmNode& node, Fault why) {
    metrics.faults[static_cast<std::size_t>(why.kind)] += 1;
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
    set_condition(condition, key, detail, nodes.size());
  }

  /// Reports only when the condition or the kinds of faults change: error texts vary with every try.
  void set_condition(SourceCondition condition, const std::string& key, const std::string& detail, std::size_t in_use) {
    EvmStatus next{condition, detail, true, {}};
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto& why = nodes[i]->last_fault();
      next.providers.push_back({nodes[i]->provider().name, i == in_use, why ? why->text : ""});
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
    }
    running = false;
  }

  void start() {
    if (running || stopping) return;
    running = true;
    asio::co_spawn(
        outside.executor, [self = shared_from_this()] { return self->run(); }, asio::detached);
  }

  void stop() {
    stopping = true;
    heads.stop();
    for (const auto& node : nodes) node->close();
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
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    impl->nodes.push_back(std::make_unique<EvmNode>(impl->outside, impl->settings.providers[i], std::move(endpoints[i]),
                                                    impl->settings, impl->metrics));
    impl->status.providers.push_back({impl->settings.providers[i].name, false, ""});
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
  asio::post(impl_->outside.executor, [impl = impl_, cursor = std::move(cursor)] {
    impl->memory = ChainMemory(cursor);
    impl->reader.forget();
    impl->epoch += 1;
    impl->wake();
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
