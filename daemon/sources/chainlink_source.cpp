#include "daemon/sources/chainlink_source.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "core/archive.hpp"
#include "core/format.hpp"
#include "daemon/sources/evm_node.hpp"
#include "daemon/sources/http_client.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;
using chainlink::Refusal;
using chainlink::Verdict;
using oracle::SourceCondition;

namespace {

Verdict unreadable(std::string text) {
  return {.refusal = Refusal::unreadable, .text = std::move(text), .value = 0, .time = {}};
}

const rpc::CallResult& result_of(const rpc::Value& value) {
  return std::get<rpc::CallResult>(value);
}

/// What a node is told apart by; the rest of an EVM source does not matter here.
EvmSettings node_settings(const ChainlinkSettings& s) {
  EvmSettings out{.name = s.name};
  out.poll_period = s.period;
  out.batch_max = s.batch_max;
  out.http = s.http;
  out.backoff = s.backoff;
  return out;
}

/// The cursor of a batch: what was believed of each feed, by its proxy, for a feed may be renamed.
struct BelievedFeed {
  Address proxy{};
  chainlink::Believed last;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.proxy), a(x.last);
  }
};

}  // namespace

struct ChainlinkSource::Impl : std::enable_shared_from_this<ChainlinkSource::Impl> {
  /// A feed in the run of the source.
  struct Feed {
    chainlink::FeedCheck check;
    Verdict verdict;
  };
  /// What was read at one block.
  struct Reading {
    rpc::Header block;
    std::vector<chainlink::Decoded<chainlink::Round>> rounds;  ///< of the feeds, in their order
    std::optional<Verdict> sequencer;                          ///< why no feed of this chain may be believed
  };

  Impl(Outside o, ChainlinkSettings s, Sink k, std::uint64_t last_sequence, Clock clock, std::string_view cursor)
      : outside(std::move(o)),
        timing(*outside.timing),
        settings(std::move(s)),
        sink(std::move(k)),
        now(std::move(clock)),
        metrics(settings.feeds.size()),
        next_sequence(last_sequence + 1),
        pause(timing.make_timer()) {
    for (const ChainlinkFeed& feed : settings.feeds) feeds.push_back({chainlink::FeedCheck(feed.rules), {}});
    resume(cursor);
  }

  const Outside outside;
  Timing& timing;
  const ChainlinkSettings settings;
  const Sink sink;
  const Clock now;
  ChainlinkMetrics metrics;
  std::uint64_t next_sequence;
  std::unique_ptr<Timer> pause;
  std::vector<std::unique_ptr<EvmNode>> nodes;
  std::vector<Feed> feeds;
  std::string reported_key;
  bool running = false;
  bool stopping = false;

  void log(LogLevel level, const std::string& text) const { sink.log(level, settings.name + ": " + text); }

  // --- over a restart --------------------------------------------------------------------------------

  void resume(std::string_view cursor) {
    Reader reader(cursor);
    std::vector<BelievedFeed> believed;
    reader(believed);
    if (!reader.is_done()) return;
    for (const BelievedFeed& b : believed) {
      for (std::size_t i = 0; i < feeds.size(); ++i) {
        if (settings.feeds[i].proxy == b.proxy) feeds[i].check.resume(b.last);
      }
    }
  }

  [[nodiscard]] std::string cursor() const {
    std::vector<BelievedFeed> believed;
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      if (const auto last = feeds[i].check.believed()) believed.push_back({settings.feeds[i].proxy, *last});
    }
    Writer writer;
    writer(believed);
    return writer.take();
  }

  // --- reading ---------------------------------------------------------------------------------------

  asio::awaitable<Fetch<rpc::Header>> newest_block(EvmNode& node) {
    std::vector<rpc::Call> calls = {rpc::chain_id(), rpc::header_by_tag("latest")};
    auto values = co_await node.require(std::move(calls));
    if (!values) co_return tl::make_unexpected(std::move(values.error()));
    const auto id = std::get<std::uint64_t>((*values)[0]);
    if (id != settings.chain_id) {
      co_return fault(FaultKind::wrong_chain,
                      fmt::format("answers for chain {}, expected chain {}", id, settings.chain_id));
    }
    const auto& header = std::get<std::optional<rpc::Header>>((*values)[1]);
    if (!header) co_return fault(FaultKind::bad_reply, "has no newest block");
    if (header->number < metrics.node.head_seen) {
      co_return fault(FaultKind::behind, fmt::format("newest block is {}, below {} seen before", header->number,
                                                     metrics.node.head_seen.load()));
    }
    const Duration age = now() - Instant::from_unix_seconds(static_cast<std::int64_t>(header->time_s));
    if (age > settings.head_age_max) {
      co_return fault(FaultKind::behind, fmt::format("newest block {} is {} old; allowed {}", header->number,
                                                     text_of(age), text_of(settings.head_age_max)));
    }
    co_return *header;
  }

  asio::awaitable<Fetch<Reading>> read(EvmNode& node) {
    auto block = co_await newest_block(node);
    if (!block) co_return tl::make_unexpected(std::move(block.error()));
    std::vector<rpc::Call> calls;
    for (const ChainlinkFeed& feed : settings.feeds) {
      calls.push_back(chainlink::ask(feed.proxy, "latestRoundData()", block->hash));
    }
    if (settings.sequencer) {
      calls.push_back(chainlink::ask(settings.sequencer->feed, "latestRoundData()", block->hash));
    }
    auto values = co_await node.require(std::move(calls));
    if (!values) co_return tl::make_unexpected(std::move(values.error()));
    Reading reading{.block = *block, .rounds = {}, .sequencer = {}};
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      reading.rounds.push_back(chainlink::decode_round(result_of((*values)[i])));
    }
    if (settings.sequencer) {
      const auto status = chainlink::decode_round(result_of(values->back()));
      reading.sequencer =
          status ? chainlink::judge_sequencer(*status, time_of(*block), settings.sequencer->grace)
                 : Verdict{Refusal::sequencer_unknown, "the sequencer's uptime feed: " + status.error(), 0, {}};
    }
    if (auto failed = co_await learn_phases(node, reading)) co_return tl::make_unexpected(std::move(*failed));
    co_return reading;
  }

  /// Asks for the parameters of every feed whose phase is not known yet. A feed that does not answer gets a
  /// decoding error as its round.
  asio::awaitable<std::optional<Fault>> learn_phases(EvmNode& node, Reading& reading) {
    std::vector<std::size_t> unknown;
    std::vector<rpc::Call> calls;
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      if (!reading.rounds[i] || !feeds[i].check.needs_parameters(*reading.rounds[i])) continue;
      unknown.push_back(i);
      for (const char* function : {"decimals()", "description()", "aggregator()"}) {
        calls.push_back(chainlink::ask(settings.feeds[i].proxy, function, reading.block.hash));
      }
    }
    if (unknown.empty()) co_return std::nullopt;
    auto values = co_await node.require(std::move(calls));
    if (!values) co_return std::move(values.error());

    calls.clear();
    for (std::size_t k = 0; k < unknown.size(); ++k) {
      // Where the address is an aggregator itself it has no aggregator().
      const auto behind = chainlink::decode_address(result_of((*values)[3 * k + 2]));
      const Address aggregator = behind.value_or(settings.feeds[unknown[k]].proxy);
      for (const char* function : {"minAnswer()", "maxAnswer()", "minSubmissionValue()", "maxSubmissionValue()"}) {
        calls.push_back(chainlink::ask(aggregator, function, reading.block.hash));
      }
    }
    auto bounds = co_await node.require(std::move(calls));
    if (!bounds) co_return std::move(bounds.error());
    for (std::size_t k = 0; k < unknown.size(); ++k) {
      learn(unknown[k], std::span(*values).subspan(3 * k, 3), std::span(*bounds).subspan(4 * k, 4), reading);
    }
    co_return std::nullopt;
  }

  /// `named`: decimals, description, aggregator. `bounds`: minAnswer, maxAnswer and what they were called before OCR.
  void learn(std::size_t feed, std::span<const rpc::Value> named, std::span<const rpc::Value> bounds,
             Reading& reading) {
    auto& round = reading.rounds[feed];
    const auto decimals = chainlink::decode_decimals(result_of(named[0]));
    if (!decimals) {
      round = tl::make_unexpected("decimals(): " + decimals.error());
      return;
    }
    const auto bound = [&](std::size_t name, std::size_t old_name) -> std::optional<chainlink::Int256> {
      for (const std::size_t i : {name, old_name}) {
        if (const auto value = chainlink::decode_int(result_of(bounds[i]))) return *value;
      }
      return std::nullopt;
    };
    chainlink::Parameters parameters{.phase = round->phase,
                                     .decimals = *decimals,
                                     .description = chainlink::decode_text(result_of(named[1])).value_or(""),
                                     .answer_min = bound(0, 2),
                                     .answer_max = bound(1, 3)};
    const auto limit = [](const auto& x) { return x ? chainlink::text_of(*x) : std::string("none"); };
    const bool is_change = feeds[feed].check.parameters().has_value();
    log(is_change ? LogLevel::warning : LogLevel::info,
        fmt::format("feed {}: {}phase {} \"{}\", {} decimals, answers from {} to {}", settings.feeds[feed].name,
                    is_change ? "a new aggregator: " : "", parameters.phase, parameters.description,
                    parameters.decimals, limit(parameters.answer_min), limit(parameters.answer_max)));
    if (is_change) metrics.feeds[feed].phase_changes += 1;
    feeds[feed].check.learn(std::move(parameters));
  }

  static Instant time_of(const rpc::Header& block) {
    return Instant::from_unix_seconds(static_cast<std::int64_t>(block.time_s));
  }

  // --- judging and delivering ------------------------------------------------------------------------

  oracle::SampleBatch judge(const Reading& reading) {
    oracle::SampleBatch batch;
    batch.source = settings.name;
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      FeedMetrics& counted = metrics.feeds[i];
      const auto& round = reading.rounds[i];
      if (round) show(*round, time_of(reading.block), counted);
      Verdict verdict = reading.sequencer ? *reading.sequencer
                        : round           ? feeds[i].check.judge(*round, time_of(reading.block))
                                          : unreadable(round.error());
      counted.refusals[static_cast<std::size_t>(verdict.refusal)] += 1;
      counted.usable = verdict.refusal == Refusal::none ? 1 : 0;
      tell(i, verdict);
      feeds[i].verdict = std::move(verdict);
      if (feeds[i].verdict.refusal != Refusal::none) continue;
      batch.samples.push_back(
          {static_cast<std::uint32_t>(batch.metrics.size()), feeds[i].verdict.time, feeds[i].verdict.value});
      batch.metrics.push_back(settings.feeds[i].metric);
      counted.samples += 1;
    }
    batch.received = now();
    return batch;
  }

  static void show(const chainlink::Round& round, Instant block_time, FeedMetrics& out) {
    out.phase = round.phase;
    out.round = round.number;
    out.observed_at_s = round.started_at_s;
    const Duration age = block_time - Instant::from_unix_seconds(static_cast<std::int64_t>(round.started_at_s));
    out.age_s = static_cast<std::uint64_t>(std::max<std::int64_t>(age.ns, 0) / 1'000'000'000);
  }

  /// Once per change of reason, not in every round.
  void tell(std::size_t feed, const Verdict& verdict) const {
    const Refusal before = feeds[feed].verdict.refusal;
    if (verdict.refusal == before) return;
    const std::string& name = settings.feeds[feed].name;
    if (verdict.refusal == Refusal::none) return log(LogLevel::info, fmt::format("feed {} is believed again", name));
    log(LogLevel::warning, fmt::format("feed {}: {}: {}", name, name_of(verdict.refusal), verdict.text));
  }

  asio::awaitable<void> deliver(oracle::SampleBatch batch) {
    if (batch.samples.empty()) co_return;
    batch.first_sequence = next_sequence;
    batch.cursor = cursor();
    const std::size_t count = batch.samples.size();
    while (!sink.samples(batch)) {
      metrics.node.back_pressure += 1;
      co_await pause->wait_until(after(timing.now(), kBackPressureRetry));
      if (stopping) co_return;
    }
    next_sequence += count;
  }

  // --- reporting -------------------------------------------------------------------------------------

  /// Reports only when the condition or the kinds of faults change: texts vary with every try.
  void report(SourceCondition condition, const std::string& key, const std::string& detail) {
    const std::string full_key = fmt::format("{} {}", static_cast<int>(condition), key);
    if (full_key == reported_key) return;
    reported_key = full_key;
    sink.report({settings.name, now(), condition, detail});
  }

  void report_feeds(const EvmNode& node) {
    std::string key = node.provider().name;
    std::string detail;
    std::size_t refused = 0;
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      const Verdict& verdict = feeds[i].verdict;
      key += fmt::format(" {}", name_of(verdict.refusal));
      if (verdict.refusal == Refusal::none) continue;
      // The first few say enough; the metrics name them all.
      if (refused++ < 3) {
        detail += fmt::format("{}{}: {}", detail.empty() ? "" : "; ", settings.feeds[i].name, verdict.text);
      }
    }
    if (refused > 3) detail += fmt::format("; and {} more", refused - 3);
    const bool any = refused < feeds.size();
    if (detail.empty()) detail = fmt::format("by provider {}", node.provider().name);
    report(any ? SourceCondition::connected : SourceCondition::failing, key, detail);
  }

  /// No provider can be used. The feeds are unusable, too, but nothing was refused of them.
  void report_providers() {
    std::string detail;
    std::string key = "no provider";
    std::size_t wrong_chain = 0;
    for (const auto& node : nodes) {
      const auto& why = node->last_fault();
      if (!why) continue;
      detail += fmt::format("{}{}: {}", detail.empty() ? "" : "; ", node->provider().name, why->text);
      key += fmt::format(" {}", name_of(why->kind));
      wrong_chain += why->kind == FaultKind::wrong_chain ? 1 : 0;
    }
    for (FeedMetrics& feed : metrics.feeds) feed.usable = 0;
    report(wrong_chain == nodes.size() ? SourceCondition::wrong_chain : SourceCondition::failing, key, detail);
  }

  // --- the loop --------------------------------------------------------------------------------------

  void count_failure(EvmNode& node, Fault why) {
    metrics.node.faults[static_cast<std::size_t>(why.kind)] += 1;
    if (!node.last_fault() || node.last_fault()->kind != why.kind) {
      log(LogLevel::warning, fmt::format("provider {}: {}: {}", node.provider().name, name_of(why.kind), why.text));
    }
    node.failed(std::move(why));
  }

  /// One try of the providers in order; returns how long to wait.
  asio::awaitable<Duration> step() {
    auto earliest = Moment::max();
    for (std::size_t i = 0; i < nodes.size() && !stopping; ++i) {
      EvmNode& node = *nodes[i];
      if (node.not_before() <= timing.now()) {
        auto reading = co_await read(node);
        if (stopping) break;
        if (reading) {
          node.worked();
          metrics.node.provider = i;
          metrics.node.head_seen = reading->block.number;
          auto batch = judge(*reading);
          report_feeds(node);
          co_await deliver(std::move(batch));
          co_return settings.period;
        }
        count_failure(node, std::move(reading.error()));
      }
      earliest = std::min(earliest, node.not_before());
    }
    if (stopping) co_return Duration::zero();
    report_providers();
    const auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(earliest - timing.now());
    co_return Duration{std::max<std::int64_t>(wait.count(), 0)};
  }

  asio::awaitable<void> run() {
    auto due = timing.now();
    while (!stopping) {
      Duration wait = settings.backoff.max;
      try {
        wait = co_await step();
      } catch (const std::exception& e) {  // out of memory, or a sink that throws against its contract
        log(LogLevel::error, std::string("unexpected: ") + e.what());
      }
      // On the grid of the period while it works, so that slow answers do not add up; late rounds are left out.
      due = std::max(after(due, wait), timing.now());
      if (stopping) break;
      co_await pause->wait_until(due);
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
    for (const auto& node : nodes) node->close();
    pause->cancel();
  }
};

Result<std::unique_ptr<ChainlinkSource>> ChainlinkSource::make(const asio::any_io_executor& executor,
                                                               ChainlinkSettings settings, Sink sink,
                                                               std::uint64_t last_sequence, Clock now,
                                                               std::string_view cursor) {
  return make(network(executor), std::move(settings), std::move(sink), last_sequence, std::move(now), cursor);
}

Result<std::unique_ptr<ChainlinkSource>> ChainlinkSource::make(Outside outside, ChainlinkSettings settings, Sink sink,
                                                               std::uint64_t last_sequence, Clock now,
                                                               std::string_view cursor) {
  const std::string where = "source " + settings.name;
  if (settings.providers.empty()) return fail(ErrorCode::missing, where, "needs at least one provider");
  if (settings.feeds.empty()) return fail(ErrorCode::missing, where, "needs at least one feed");
  if (settings.period <= Duration::zero()) return fail(ErrorCode::out_of_range, where, "the period must be above 0");
  std::vector<Endpoint> endpoints;
  for (const EvmProvider& provider : settings.providers) {
    auto endpoint = parse_endpoint(provider.http, false, where + ", provider " + provider.name);
    if (!endpoint) return tl::make_unexpected(std::move(endpoint.error()));
    endpoints.push_back(std::move(*endpoint));
  }
  auto impl = std::make_shared<Impl>(std::move(outside), std::move(settings), std::move(sink), last_sequence,
                                     std::move(now), cursor);
  const EvmSettings shared = node_settings(impl->settings);
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const EvmProvider& provider = impl->settings.providers[i];
    impl->nodes.push_back(
        std::make_unique<EvmNode>(impl->outside, provider, std::move(endpoints[i]), shared, impl->metrics.node,
                                  std::make_shared<RequestBudget>(provider.requests_per_s, provider.burst)));
  }
  return std::unique_ptr<ChainlinkSource>(new ChainlinkSource(std::move(impl)));
}

ChainlinkSource::ChainlinkSource(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChainlinkSource::~ChainlinkSource() {
  stop();
}
void ChainlinkSource::start() {
  asio::post(impl_->outside.executor, [impl = impl_] { impl->start(); });
}
void ChainlinkSource::stop() {
  asio::post(impl_->outside.executor, [impl = impl_] { impl->stop(); });
}
const ChainlinkMetrics& ChainlinkSource::metrics() const {
  return impl_->metrics;
}
const ChainlinkSettings& ChainlinkSource::settings() const {
  return impl_->settings;
}

}  // namespace homeostat::sources
