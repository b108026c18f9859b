#include "daemon/sources/sample_source.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/sources/backoff.hpp"
#include "daemon/sources/http_client.hpp"
#include "daemon/sources/poll_parse.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;
using oracle::SourceCondition;
using SteadyClock = std::chrono::steady_clock;

namespace {

/// One request of a round and the metrics it answers.
struct Question {
  std::size_t client = 0;
  std::string target;
  std::vector<std::size_t> metrics;  ///< indexes into Plan::names
  std::vector<HttpMetric> pointers;  ///< of an HTTP question, parallel to `metrics`; empty = Prometheus
};

/// What to ask, the same every round.
struct Plan {
  std::string name;
  Duration period;
  HttpSettings http;
  BackoffSettings backoff;
  std::vector<std::string> names;  ///< of the metrics
  std::vector<Endpoint> servers;
  std::vector<Question> questions;
};

Result<> check(const Plan& plan) {
  const std::string where = "source " + plan.name;
  if (plan.names.empty()) return fail(ErrorCode::missing, where, "needs at least one metric");
  if (plan.period <= Duration::zero()) return fail(ErrorCode::out_of_range, where, "the period must be above 0");
  return {};
}

Result<Plan> make_plan(const PrometheusSettings& settings) {
  Plan plan{settings.name, settings.period, settings.http, settings.backoff, {}, {}, {}};
  auto server = parse_endpoint(settings.url, false, "source " + settings.name);
  if (!server) return tl::make_unexpected(std::move(server.error()));
  std::string root = server->target;
  while (root.ends_with('/')) root.pop_back();
  for (const PrometheusMetric& metric : settings.metrics) {
    plan.questions.push_back(
        {0, root + "/api/v1/query?query=" + percent_encoded(metric.expression), {plan.names.size()}, {}});
    plan.names.push_back(metric.metric);
  }
  plan.servers.push_back(std::move(*server));
  return plan;
}

Result<Plan> make_plan(const HttpSourceSettings& settings) {
  Plan plan{settings.name, settings.period, settings.http, settings.backoff, {}, {}, {}};
  std::map<std::string, std::size_t> question_of_url;
  std::map<std::string, std::size_t> client_of_server;
  for (const HttpMetric& metric : settings.metrics) {
    const std::string where = fmt::format("source {}, metric {}", settings.name, metric.metric);
    auto server = parse_endpoint(metric.url, false, where);
    if (!server) return tl::make_unexpected(std::move(server.error()));
    for (const std::string& pointer : {metric.value_pointer, metric.time_pointer}) {
      if (!is_json_pointer(pointer)) {
        return fail(ErrorCode::malformed, where,
                    fmt::format("`{}` is not a JSON pointer; write it as /a/b/0", pointer));
      }
    }
    const auto [question, is_new] = question_of_url.try_emplace(metric.url, plan.questions.size());
    if (is_new) {
      const auto [client, new_server] =
          client_of_server.try_emplace(server->shown + server->authorization, plan.servers.size());
      plan.questions.push_back({client->second, server->target, {}, {}});
      if (new_server) plan.servers.push_back(std::move(*server));
    }
    plan.questions[question->second].metrics.push_back(plan.names.size());
    plan.questions[question->second].pointers.push_back(metric);
    plan.names.push_back(metric.metric);
  }
  return plan;
}

}  // namespace

struct SampleSource::Impl : std::enable_shared_from_this<SampleSource::Impl> {
  Impl(const asio::any_io_executor& e, Plan p, Sink k, std::uint64_t last_sequence, Clock clock)
      : executor(e),
        plan(std::move(p)),
        sink(std::move(k)),
        now(std::move(clock)),
        next_sequence(last_sequence + 1),
        backoff(plan.backoff),
        pause(e) {
    for (const Endpoint& server : plan.servers) {
      clients.push_back(std::make_unique<HttpClient>(executor, server, plan.http));
    }
    for (const std::string& name : plan.names) metric_status.push_back({name, "", 0});
    status.metrics = metric_status;
  }

  asio::any_io_executor executor;
  const Plan plan;
  const Sink sink;
  const Clock now;
  PollMetrics metrics;
  std::uint64_t next_sequence;
  Backoff backoff;
  asio::steady_timer pause;
  std::vector<std::unique_ptr<HttpClient>> clients;
  std::vector<MetricStatus> metric_status;
  std::string reported_key;
  bool running = false;
  bool stopping = false;
  mutable std::mutex status_mutex;
  SampleStatus status;

  void log(LogLevel level, const std::string& text) const { sink.log(level, plan.name + ": " + text); }

  asio::awaitable<Fetch<HttpReply>> ask(const Question& question) {
    HttpRequest request;
    request.target = question.target;
    const auto started = SteadyClock::now();
    auto reply = co_await clients[question.client]->exchange(std::move(request));
    const auto taken = std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - started).count();
    metrics.requests += 1;
    metrics.exchange_ns_last = static_cast<std::uint64_t>(taken);
    metrics.exchange_ns_sum += static_cast<std::uint64_t>(taken);
    co_return reply;
  }

  std::vector<Fetch<PollValue>> read(const Question& question, const HttpReply& reply) const {
    const Fault wrong_status = status_fault(clients[question.client]->endpoint(), reply.status);
    std::vector<Fetch<PollValue>> values;
    if (!question.pointers.empty()) {
      if (reply.status == 200) return parse_http(reply.body, question.pointers);
      values.assign(question.metrics.size(), tl::make_unexpected(wrong_status));
      return values;
    }
    // Prometheus says what is wrong with an expression in the body of a 4xx.
    values.push_back(parse_prometheus(reply.body));
    if (reply.status != 200 && (values[0] || values[0].error().kind != FaultKind::rpc_error)) {
      values[0] = tl::make_unexpected(wrong_status);
    }
    return values;
  }

  /// Asks everything once. A server that cannot be reached is not asked again in this round.
  asio::awaitable<oracle::SampleBatch> round() {
    oracle::SampleBatch batch;
    batch.source = plan.name;
    std::vector<std::optional<Fault>> unreachable(clients.size());
    for (const Question& question : plan.questions) {
      if (stopping) co_return batch;
      std::vector<Fetch<PollValue>> values;
      if (unreachable[question.client]) {
        values.assign(question.metrics.size(), tl::make_unexpected(*unreachable[question.client]));
      } else {
        auto reply = co_await ask(question);
        if (reply) {
          values = read(question, *reply);
        } else {
          const FaultKind kind = reply.error().kind;
          if (kind == FaultKind::transport || kind == FaultKind::timed_out)
            unreachable[question.client] = reply.error();
          values.assign(question.metrics.size(), tl::make_unexpected(std::move(reply.error())));
        }
      }
      const Instant received = now();
      for (std::size_t i = 0; i < values.size(); ++i) take(question.metrics[i], values[i], received, batch);
    }
    batch.received = now();
    co_return batch;
  }

  void take(std::size_t metric, const Fetch<PollValue>& value, Instant received, oracle::SampleBatch& batch) {
    MetricStatus& state = metric_status[metric];
    if (!value) {
      metrics.faults[static_cast<std::size_t>(value.error().kind)] += 1;
      state.faults += 1;
      if (state.fault.empty()) log(LogLevel::warning, fmt::format("metric {}: {}", state.name, value.error().text));
      state.fault = value.error().text;
      return;
    }
    if (!state.fault.empty()) log(LogLevel::info, fmt::format("metric {} is back", state.name));
    state.fault.clear();
    batch.samples.push_back(
        {static_cast<std::uint32_t>(batch.metrics.size()), value->time.value_or(received), value->value});
    batch.metrics.push_back(state.name);
  }

  asio::awaitable<void> deliver(oracle::SampleBatch batch) {
    batch.first_sequence = next_sequence;
    const std::size_t count = batch.samples.size();
    while (!sink.samples(batch)) {
      metrics.back_pressure += 1;
      pause.expires_after(std::chrono::nanoseconds(kBackPressureRetry.ns));
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      if (stopping) co_return;
    }
    next_sequence += count;
    metrics.samples += count;
  }

  void set_condition(bool any) {
    std::string detail;
    std::size_t failing = 0;
    for (const MetricStatus& metric : metric_status) {
      if (metric.fault.empty()) continue;
      // The first few say enough; a server that is down would repeat itself for every metric.
      if (failing++ < 3) detail += fmt::format("{}{}: {}", detail.empty() ? "" : "; ", metric.name, metric.fault);
    }
    if (failing > 3) detail += fmt::format("; and {} more", failing - 3);
    const SourceCondition condition = any ? SourceCondition::connected : SourceCondition::failing;
    const std::string key = fmt::format("{} {}", static_cast<int>(condition), failing);
    const bool changed = key != reported_key;
    reported_key = key;
    {
      const std::scoped_lock lock(status_mutex);
      status = {condition, detail, true, metric_status};
    }
    if (changed) sink.report({plan.name, now(), condition, detail});
  }

  asio::awaitable<Duration> step() {
    auto batch = co_await round();
    if (stopping) co_return Duration::zero();
    metrics.rounds += 1;
    const bool any = !batch.samples.empty();
    set_condition(any);
    if (!any) co_return backoff.next();
    backoff.reset();
    co_await deliver(std::move(batch));
    co_return plan.period;
  }

  asio::awaitable<void> run() {
    auto due = SteadyClock::now();
    while (!stopping) {
      Duration wait = plan.backoff.max;
      try {
        wait = co_await step();
      } catch (const std::exception& e) {  // out of memory, or a sink that throws against its contract
        log(LogLevel::error, std::string("unexpected: ") + e.what());
      }
      // On the grid of the period while it works, so that slow answers do not add up; late rounds are left out.
      due = std::max(due + std::chrono::nanoseconds(wait.ns), SteadyClock::now());
      if (stopping) break;
      pause.expires_at(due);
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    running = false;
  }

  void start() {
    if (running || stopping) return;
    running = true;
    asio::co_spawn(
        executor, [self = shared_from_this()] { return self->run(); }, asio::detached);
  }

  void stop() {
    stopping = true;
    for (const auto& client : clients) client->close();
    pause.cancel();
  }
};

namespace {

template <class Settings>
Result<Plan> checked_plan(const Settings& settings) {
  auto plan = make_plan(settings);
  if (!plan) return plan;
  if (auto good = check(*plan); !good) return tl::make_unexpected(std::move(good.error()));
  return plan;
}

}  // namespace

Result<std::unique_ptr<SampleSource>> SampleSource::make(const asio::any_io_executor& executor,
                                                         PrometheusSettings settings, Sink sink,
                                                         std::uint64_t last_sequence, Clock now) {
  auto plan = checked_plan(settings);
  if (!plan) return tl::make_unexpected(std::move(plan.error()));
  return std::unique_ptr<SampleSource>(new SampleSource(
      std::make_shared<Impl>(executor, std::move(*plan), std::move(sink), last_sequence, std::move(now))));
}

Result<std::unique_ptr<SampleSource>> SampleSource::make(const asio::any_io_executor& executor,
                                                         HttpSourceSettings settings, Sink sink,
                                                         std::uint64_t last_sequence, Clock now) {
  auto plan = checked_plan(settings);
  if (!plan) return tl::make_unexpected(std::move(plan.error()));
  return std::unique_ptr<SampleSource>(new SampleSource(
      std::make_shared<Impl>(executor, std::move(*plan), std::move(sink), last_sequence, std::move(now))));
}

SampleSource::SampleSource(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
SampleSource::~SampleSource() {
  stop();
}
void SampleSource::start() {
  asio::post(impl_->executor, [impl = impl_] { impl->start(); });
}
void SampleSource::stop() {
  asio::post(impl_->executor, [impl = impl_] { impl->stop(); });
}
SampleStatus SampleSource::status() const {
  const std::scoped_lock lock(impl_->status_mutex);
  return impl_->status;
}
const PollMetrics& SampleSource::metrics() const {
  return impl_->metrics;
}
const std::string& SampleSource::name() const {
  return impl_->plan.name;
}

}  // namespace homeostat::sources
