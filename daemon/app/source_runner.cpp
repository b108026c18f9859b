#include "daemon/app/source_runner.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <variant>

#include <fmt/format.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "daemon/app/logging.hpp"
#include "daemon/app/source_settings.hpp"
#include "daemon/sources/chainlink_source.hpp"
#include "daemon/sources/evm_source.hpp"
#include "daemon/sources/sample_source.hpp"

namespace homeostat::daemon {
namespace {

namespace asio = boost::asio;

/// Segments of one chain that may wait for the engine; a backfill is held back by it.
constexpr std::size_t kSegmentsWaitingMax = 4;

void log_source(sources::LogLevel level, std::string_view line) {
  switch (level) {
    case sources::LogLevel::debug: return log_debug("source", line);
    case sources::LogLevel::info: return log_info("source", line);
    case sources::LogLevel::warning: return log_warn("source", line);
    case sources::LogLevel::error: return log_error("source", line);
  }
}

template <class Metrics>
SourceFacts facts_of(const std::string& name, const Metrics& m) {
  SourceFacts f{
      .source = name, .requests = m.requests, .request_seconds_last = static_cast<double>(m.exchange_ns_last) / 1e9};
  for (std::size_t k = 0; k < sources::kFaultKindCount; ++k) {
    f.errors.emplace_back(sources::name_of(static_cast<sources::FaultKind>(k)), m.faults[k].load());
  }
  return f;
}

sources::Cursor cursor_of(const oracle::Oracle& oracle, const std::string& name) {
  return {oracle.recent_blocks(name), oracle.settled_block(name), oracle.missing_past(name), oracle.unsettled(name)};
}

SourceFacts facts_of(const sources::ChainlinkSource& source) {
  const sources::ChainlinkMetrics& m = source.metrics();
  SourceFacts f = facts_of(source.settings().name, m.node);
  for (std::size_t i = 0; i < m.feeds.size(); ++i) {
    const sources::FeedMetrics& counted = m.feeds[i];
    FeedFacts feed{.feed = source.settings().feeds[i].name,
                   .usable = counted.usable != 0,
                   .phase = counted.phase,
                   .round = counted.round,
                   .phase_changes = counted.phase_changes};
    if (counted.observed_at_s != 0) {
      feed.observed = Instant::from_unix_seconds(static_cast<std::int64_t>(counted.observed_at_s.load()));
      feed.age = Duration::seconds(static_cast<std::int64_t>(counted.age_s.load()));
    }
    for (std::size_t r = 1; r < sources::chainlink::kRefusalCount; ++r) {
      feed.refused.emplace_back(name_of(static_cast<sources::chainlink::Refusal>(r)), counted.refusals[r].load());
    }
    f.feeds.push_back(std::move(feed));
  }
  return f;
}

}  // namespace

struct SourceRunner::Impl {
  using Evm = std::shared_ptr<sources::EvmSource>;

  Impl(Pipeline& p, Pipeline::Clock c) : pipeline(p), clock(std::move(c)) {}

  /// What of a source the oracle already has: of a chain its blocks, of samples what the source left with them.
  struct StartingPoint {
    sources::Cursor chain;
    std::string samples;
  };

  /// Asked on the engine thread.
  std::map<std::string, StartingPoint> starting_points(const std::vector<std::string>& names) {
    std::promise<std::map<std::string, StartingPoint>> promise;
    pipeline.post([&](engine::Engine& engine) {
      const oracle::Oracle& oracle = engine.oracle();
      std::map<std::string, StartingPoint> out;
      for (const auto& name : names) out[name] = {cursor_of(oracle, name), oracle.source_cursor(name)};
      promise.set_value(std::move(out));
    });
    return promise.get_future().get();
  }

  sources::Sink sink_of(const std::string& name) {
    auto waiting = std::make_shared<std::atomic<std::size_t>>(0);
    return {.chain = [this, name, waiting](oracle::ChainSegment& segment) { return offer(name, waiting, segment); },
            .samples =
                [this](oracle::SampleBatch& batch) {
                  // Bounded by the source's own period: one batch at a time, a few samples each.
                  return pipeline.submit(std::move(batch), nullptr);
                },
            .report = [this](const oracle::SourceReport& report) { pipeline.submit(report, nullptr); },
            .log = log_source};
  }

  bool offer(const std::string& name, const std::shared_ptr<std::atomic<std::size_t>>& waiting,
             oracle::ChainSegment& segment) {
    if (*waiting >= kSegmentsWaitingMax) return false;
    ++*waiting;
    const std::string range = fmt::format("blocks {}..{}", segment.from, segment.to);
    return pipeline.submit(std::move(segment), [this, name, waiting, range](engine::Effects& effects) {
      --*waiting;
      if (effects.chain) return inform(name);
      log_warn("segment_refused", fmt::format("{} {}: {}", name, range, effects.chain.error().text()));
      refused(name, effects.chain.error());
    });
  }

  /// On the engine thread: the source goes on from where the oracle is.
  void refused(const std::string& name, const Error& why) {
    pipeline.post([this, name, why](engine::Engine& engine) {
      const sources::Cursor cursor = cursor_of(engine.oracle(), name);
      const std::lock_guard lock(mutex);
      if (const auto it = evm.find(name); it != evm.end()) it->second->refused(cursor, why);
    });
  }

  /// On the engine thread: what is final now, and what filters added later are missing.
  void inform(const std::string& name) {
    pipeline.post([this, name](engine::Engine& engine) {
      const std::uint64_t settled = engine.oracle().settled_block(name);
      auto missing = engine.oracle().missing_past(name);
      const std::lock_guard lock(mutex);
      if (const auto it = evm.find(name); it != evm.end()) it->second->inform(settled, std::move(missing));
    });
  }

  void follow(const engine::View& view) {
    for (const engine::SourceView& s : view.sources) {
      if (s.condition == oracle::SourceCondition::violated) {
        violated.insert(s.name);
      } else if (violated.erase(s.name) > 0 && s.block == 0) {
        pipeline.post([this, name = s.name](engine::Engine& engine) {
          const sources::Cursor cursor = cursor_of(engine.oracle(), name);
          const std::lock_guard lock(mutex);
          if (const auto it = evm.find(name); it != evm.end()) it->second->resume_from(cursor);
        });
      }
    }
  }

  void start_one(const config::SourceConnection& s, const config::ValidConfig& config,
                 std::map<std::string, StartingPoint>& at) {
    const auto told = [&](const Error& error) {
      log_error("source", s.name + ": not started: " + error.text());
      pipeline.submit(oracle::SourceReport{s.name, clock(), oracle::SourceCondition::failing, error.text()}, nullptr);
    };
    if (const auto* c = std::get_if<config::EvmConnection>(&s.connection)) {
      auto settings = evm_settings(s.name, *c, config.policy()->oracle);
      if (!settings) return told(settings.error());
      auto source = sources::EvmSource::make(context->get_executor(), std::move(*settings), sink_of(s.name),
                                             at[s.name].chain, clock);
      if (!source) return told(source.error());
      Evm shared = std::move(*source);
      shared->start();
      evm[s.name] = std::move(shared);
    } else if (const auto* p = std::get_if<config::PrometheusConnection>(&s.connection)) {
      start_polling(s.name, prometheus_settings(s.name, *p), told);
    } else if (const auto* h = std::get_if<config::HttpConnection>(&s.connection)) {
      start_polling(s.name, http_settings(s.name, *h), told);
    } else if (const auto* l = std::get_if<config::ChainlinkConnection>(&s.connection)) {
      start_chainlink(s.name, chainlink_settings(s.name, *l), at[s.name].samples, told);
    }
  }

  // Sequences ascend over restarts without being stored: microseconds since the epoch grow faster than samples.
  [[nodiscard]] std::uint64_t last_sequence() const { return static_cast<std::uint64_t>(clock().ns / 1000); }

  template <class Told>
  void start_chainlink(const std::string& name, Result<sources::ChainlinkSettings> settings, const std::string& cursor,
                       const Told& told) {
    if (!settings) return told(settings.error());
    auto source = sources::ChainlinkSource::make(context->get_executor(), std::move(*settings), sink_of(name),
                                                 last_sequence(), clock, cursor);
    if (!source) return told(source.error());
    (*source)->start();
    chainlink[name] = std::move(*source);
  }

  template <class Settings, class Told>
  void start_polling(const std::string& name, Result<Settings> settings, const Told& told) {
    if (!settings) return told(settings.error());
    auto source = sources::SampleSource::make(context->get_executor(), std::move(*settings), sink_of(name),
                                              last_sequence(), clock);
    if (!source) return told(source.error());
    (*source)->start();
    polled[name] = std::move(*source);
  }

  void end() {
    {
      const std::lock_guard lock(mutex);
      for (auto& [_, s] : evm) s->stop();
      for (auto& [_, s] : polled) s->stop();
      for (auto& [_, s] : chainlink) s->stop();
    }
    work.reset();
    if (thread.joinable()) thread.join();
    const std::lock_guard lock(mutex);
    evm.clear();
    polled.clear();
    chainlink.clear();
    context.reset();
  }

  Pipeline& pipeline;
  const Pipeline::Clock clock;
  std::unique_ptr<asio::io_context> context;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::thread thread;
  std::mutex lifecycle;  ///< one start or stop at a time
  std::mutex mutex;      ///< guards the maps
  std::map<std::string, Evm> evm;
  std::set<std::string> violated;  ///< engine thread only
  std::map<std::string, std::unique_ptr<sources::SampleSource>> polled;
  std::map<std::string, std::unique_ptr<sources::ChainlinkSource>> chainlink;
};

SourceRunner::SourceRunner(Pipeline& pipeline, Pipeline::Clock clock)
    : impl_(std::make_unique<Impl>(pipeline, std::move(clock))) {}

SourceRunner::~SourceRunner() {
  stop();
}

void SourceRunner::start(const config::ValidConfig& config) {
  const std::lock_guard one_at_a_time(impl_->lifecycle);
  impl_->end();
  std::vector<std::string> names;
  for (const auto& s : config.daemon().sources) names.push_back(s.name);
  auto at = impl_->starting_points(names);
  const std::lock_guard lock(impl_->mutex);
  impl_->context = std::make_unique<asio::io_context>(1);
  impl_->work.emplace(impl_->context->get_executor());
  for (const auto& s : config.daemon().sources) impl_->start_one(s, config, at);
  impl_->thread = std::thread([context = impl_->context.get()] {
    pthread_setname_np(pthread_self(), "sources");
    context->run();
  });
}

void SourceRunner::stop() {
  const std::lock_guard one_at_a_time(impl_->lifecycle);
  impl_->end();
}

void SourceRunner::follow(const engine::View& view) {
  impl_->follow(view);
}

std::vector<SourceFacts> SourceRunner::facts() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<SourceFacts> out;
  for (const auto& [name, s] : impl_->evm) {
    const sources::EvmMetrics& m = s->metrics();
    SourceFacts f = facts_of(name, m);
    f.logs = m.logs;
    f.blocks = m.blocks;
    f.head_seen = m.head_seen;
    f.hedges = m.hedges;
    f.probes = m.probes;
    f.budget_waits = m.budget_waits;
    f.comparisons = m.comparisons;
    f.receipts_checks = m.receipts_checks;
    for (const auto& p : s->status().providers)
      f.providers.push_back({p.name, sources::name_of(p.state), p.sight.head});
    out.push_back(std::move(f));
  }
  for (const auto& [name, s] : impl_->polled) out.push_back(facts_of(name, s->metrics()));
  for (const auto& [_, s] : impl_->chainlink) out.push_back(facts_of(*s));
  return out;
}

}  // namespace homeostat::daemon
